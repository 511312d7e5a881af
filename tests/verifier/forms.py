"""Lines as events: canonical JSON, digests, and the form of every member as the tables of the document give it."""
import calendar
import hashlib
import json
import re

MAX_LINE = 4 << 20


class Wrong(Exception):
    """Something is not as the document has it. `kind` tells what two people at once may meet from what is a lie."""

    def __init__(self, what, kind="lie"):
        super().__init__(what)
        self.kind = kind


def need(so, what, kind="lie"):
    if not so:
        raise Wrong(what, kind)


def sha256(data):
    return "sha256:" + hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def utf16(name):
    return name.encode("utf-16-be")


def in_order(pairs):
    names = [utf16(name) for name, _ in pairs]
    need(all(a < b for a, b in zip(names, names[1:])), "its members are not sorted, or one is there twice")
    return dict(pairs)


def no_number(text):
    raise Wrong(f"the number {text[:40]} is not whole")


def canonical(value):
    """RFC 8785. Objects come sorted: from `in_order`, or made here with names in order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_json(text):
    try:
        value = json.loads(text, object_pairs_hook=in_order, parse_float=no_number, parse_constant=no_number)
        same = canonical(value) == text
        text.encode()
    except (ValueError, RecursionError) as error:
        raise Wrong(f"it is not JSON: {error}") from None
    need(same, "its line is not in canonical form")
    return value


def digest(value):
    return sha256(canonical(value))


def list_digest(member, items):
    return digest({member: sorted(items)})


DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PRINCIPAL = re.compile(r"[a-z0-9._@+-]{1,128}")
HEX32 = re.compile(r"[0-9a-f]{32}")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?(Z|[+-]\d\d:\d\d)")
SETS = {
    "severity": "sev1 sev2 sev3 sev4 sev5", "risk": "routine privileged destructive",
    "outcome": "succeeded failed unknown", "purpose": "run dry_run roll_back",
    "line class": "note adversary impact response comms system",
    "clock change": "resumed paused scaled ahead back move", "means": "alert email phone chat log news regulator",
    "class": "response decision checkpoint evidence comms impact milestone adversary system note correction exercise",
    "milestone": "started detected acknowledged declared escalated contained mitigated eradicated recovered resolved closed",
}
COMPOUND = {
    "library pin": {"author": "text", "branch": "text or null", "commit": "text", "date": "time", "source": "text", "subject": "text"},
    "policy pin": {"commit": "text", "sha256": "digest"},
    "runbook pin": {"authors": "object of lists by name", "commit": "text", "id": "text", "path": "text", "sha256": "digest", "text": "text"},
    "step": {"attempt": "short number", "run": "run", "step": "text"},
    "signed statement": {"signature": "text", "statement": "text"},
    "boot": {"id": "text", "millis": "whole number"},
    "pinned blob": {"commit": "text", "path": "text", "sha256": "digest"},
    "revocation": {"key": "text or null", "role": "text or null", "who": "principal"},
    "cited line": {"evidence": "digest or null", "host": "text", "range": "two whole numbers", "sha256": "digest", "source": "text"},
    "executor": {"host": "text", "principal": "text", "writer": "text"},
    "pulled file": {"more": "whole number", "path": "text", "ranges": "list of ranges", "size": "whole number"},
    "window": {"from": "time", "to": "time"},
    "clock skew": {"ahead": "signed number", "within": "whole number"},
    "simulated clock": {"paused": "true or false", "scale": "small number", "sim": "time"},
    "sealed": {"nonce": "text", "text": "text"},
    "text edit": {"add": "list of texts", "remove": "list of texts"},
    "digest edit": {"add": "list of digests", "remove": "list of digests"},
    "origin": {"file": "text", "id": "text or null", "person": "text or null", "position": "whole number", "sha256": "digest"},
    "change": {"due": "date or null", "kind": "`fix`, `detect`, `runbook_change`, `policy` or null", "owner": "text or null",
               "status": "`open`, `done`, `dropped` or null", "text": "text or null"},
    "given log": {"name": "text", "text": "text"},
    "attachment": {"name": "text", "text": "text"},
}
# What stands in a member whose form is `object`, by its name.
OBJECTS = {"runbook": "pinned blob", "tags": "text edit", "assets": "text edit", "indicators": "text edit", "evidence": "digest edit"}
PLURALS = {"texts": "text", "digests": "digest", "events": "event", "runbook pins": "runbook pin", "evidence": "evidence", "revocations": "revocation", "pulled files": "pulled file",
           "ranges": "two whole numbers", "given logs": "given log", "attachments": "attachment"}


def seconds(text, offset=False):
    """Seconds since 1970 of a time, rounded down; with `offset` also the minutes it is off UTC."""
    year, month, day, hour, minute, second, _, zone = TIME.fullmatch(text).groups()
    away = 0 if zone == "Z" else (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    at = calendar.timegm((int(year), int(month), int(day), int(hour), int(minute), int(second))) - away * 60
    return (at, away) if offset else at


def millis(text):
    return seconds(text) * 1000 + int(TIME.fullmatch(text).group(7)[:3])


def told_at(event):
    """When it was recorded, by the clock that rules: the simulated one in an exercise."""
    return event["sim_time"] if event["mode"] == "exercise" and event["sim_time"] else event["recorded_at"]


def is_time(text, envelope=False):
    match = isinstance(text, str) and TIME.fullmatch(text)
    if not match:
        return False
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if len(fraction or "") != 3 if envelope else (fraction or "").endswith("000"):
        return False
    if zone[1:] and (zone[1:] == "00:00" or int(zone[1:3]) > 23 or int(zone[4:]) > 59):
        return False
    last = calendar.monthrange(int(year), int(month))[1] if 0 < int(month) < 13 and int(year) else 0
    return 0 < int(day) <= last and int(hour) < 24 and int(minute) < 60 and int(second) < 60


class Forms:
    """Reads the tables: `kinds[kind]` and the others map a member to its form."""

    def __init__(self, path):
        tables, heading, rows = {}, "", {}
        for line in open(path, encoding="utf-8").read().splitlines() + ["#"]:
            cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
            if len(cells) == 3 and cells[0].startswith("`"):
                rows.update(dict.fromkeys(re.findall("`([^`]+)`", cells[0]), cells[1]))
            elif line.startswith("|"):
                continue
            else:
                if rows:
                    tables[heading] = rows
                    rows = {}
                if line.strip():
                    heading = line.strip()
        find = lambda start: next(rows for name, rows in tables.items() if name.startswith(start))
        self.envelope = find("One JSON object with exactly these members")
        self.compound = dict(COMPOUND, details=find("**Details**"), evidence=find("**Evidence**"), pull=find("**Pull**"), exec=find("Its `exec`"))
        self.compound["execution record"] = find("**Execution record**")
        self.kinds = {}
        kind = None
        for line in open(path, encoding="utf-8"):
            if line.startswith("### `"):
                kind = line.strip("#` \n")
                self.kinds[kind] = {}
            elif line.startswith("## "):
                kind = None
            elif kind and line.startswith("| `"):
                name, form = [cell.strip() for cell in line.strip("|\n").split(" | ")][:2]
                self.kinds[kind][name.strip("` ")] = form

    def check(self, form, value, what):
        if form.endswith(" or null"):
            return value is None or self.check(form[:-8], value, what)
        if form.startswith("list of "):
            need(isinstance(value, list), f"{what} is no list")
            return [self.check(PLURALS[form[8:]], one, what) for one in value]
        if form.startswith("object of ") or form == "object by name":
            need(isinstance(value, dict), f"{what} is no object")
            of = form.split()[2] if form != "object by name" else "var"
            return [self.check({"lists": "list of texts", "digests": "digest", "numbers": "whole number"}.get(of, of), one, what) for one in value.values()]
        if form in self.compound or form == "object":
            members = self.compound[form if form != "object" else OBJECTS.get(what, what)]
            optional = {name for name, of in members.items() if of.endswith(" (optional)")}
            need(isinstance(value, dict) and value.keys() | optional == members.keys(), f"{what} has not the members it must have")
            return [self.check("short number" if name in ("exit", "signal") else members[name].removesuffix(" (optional)"), one, name) for name, one in value.items()]
        need(self.plain(form, value), f"{what} is not of the form {form}")

    @staticmethod
    def plain(form, value):
        text = value if isinstance(value, str) else None
        whole = isinstance(value, int) and not isinstance(value, bool)
        if form in SETS:
            return text in SETS[form].split()
        if form.startswith("`"):
            return text in re.findall("`([^`]+)`", form)
        match form:
            case "text": return text is not None
            case "digest" | "event": return text is not None and DIGEST.fullmatch(text) is not None
            case "principal": return text is not None and PRINCIPAL.fullmatch(text) is not None
            case "writer": return text is not None and HEX32.fullmatch(text) is not None
            case "run": return text is not None and re.fullmatch(r"[a-z0-9.-]{1,96}", text) is not None
            case "time": return is_time(value)
            case "date": return text is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None and is_time(text + "T00:00:00Z")
            case "true, false": return isinstance(value, bool)
            case "true or false": return isinstance(value, bool)
            case "short number": return whole and -(1 << 31) <= value < 1 << 32
            case "small number": return whole and 0 <= value < 1 << 32
            case "signed number": return whole and -(1 << 53) < value < 1 << 53
            case "whole number": return whole and 0 <= value < 1 << 53
            case "two whole numbers": return isinstance(value, list) and len(value) == 2 and all(Forms.plain("whole number", one) for one in value)
            case "1": return value == 1 and whole
            case "var":
                if not isinstance(value, dict) or len(value) != 1:
                    return False
                (kind, inner), = value.items()
                return isinstance(inner, str) and (kind == "plain" or kind == "secret" and re.fullmatch("[0-9a-f]{64}", inner) is not None)
        raise Wrong(f"the document knows no form {form}")

    def event(self, line):
        """A line, without its LF, as an event."""
        need(len(line) <= MAX_LINE, "the line is longer than 4 MiB")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise Wrong(f"it is not UTF-8: {error}") from None
        event = read_json(text)
        need(isinstance(event, dict) and event.keys() == self.envelope.keys(), "it has not the members of an event")
        times = ("occurred_at", "occurred_until", "recorded_at", "sim_time")
        for name, form in self.envelope.items():
            if name in times:
                given = event[name]
                fits = given is None and form.endswith("or null") or is_time(given, envelope=True)
                need(fits and (name.startswith("occurred") or given is None or given[-1] == "Z"), f"{name} is not of the form {form}")
            elif name != "data":
                self.check({"boot": "boot"}.get(name, form), event[name], name)
        need(ULID.fullmatch(event["incident"]), "its incident is no ULID")
        need(event["kind"] in self.kinds, f"unknown kind of event {event['kind'][:80]}")
        members = self.kinds[event["kind"]]
        data = event["data"]
        optional = {name for name, form in members.items() if form.endswith(" (optional)")}
        need(isinstance(data, dict) and data.keys() | optional == members.keys(), f"{event['kind']} has not the members it must have")
        for name, value in data.items():
            self.check("short number or null" if name in ("exit", "signal") else members[name].removesuffix(" (optional)"), value, name)
        bare = {name: value for name, value in event.items() if name != "sha256"}
        need(digest(bare) == event["sha256"], "its sha256 is not that of its line")
        return event
