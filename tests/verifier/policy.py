"""The pinned texts: policy, runbooks, `when` expressions, what a checkpoint asks for, and who is who."""
import re
from functools import lru_cache
from types import SimpleNamespace as Of

import yaml
from jinja2 import StrictUndefined, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from forms import PRINCIPAL, SETS, Wrong, is_time, need, seconds

def tree(node):
    """YAML as lists, dicts and texts; an empty value is left out."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in ("", "~", "null", "Null", "NULL") else node.value
    if isinstance(node, yaml.SequenceNode):
        return [tree(one) for one in node.value]
    found = {}
    for key, value in node.value:
        need(isinstance(key, yaml.ScalarNode) and key.value not in found, "a key is there twice")
        found[key.value] = tree(value)
    return found


def read_yaml(text):
    # `{json: .a[0].b}` needs no quotes in a runbook.
    text = re.sub(r"(json: )(\.[^\s,}'\"]*)", lambda m: m[1] + m[2].replace("[", "\uf8e0").replace("]", "\uf8e1"), text)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise Wrong(f"it is not YAML: {str(error)[:80]}") from None
    need(isinstance(node, yaml.MappingNode), "it is no mapping")
    return tree(node)


def span_of(text, default=None):
    if text is None:
        return default
    need(isinstance(text, str) and re.fullmatch("([0-9]{1,6}(ms|s|m|h|d|w)){1,6}", text), f"{text} is no duration")
    unit = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
    return sum(int(n) * unit[u] for n, u in re.findall("([0-9]+)(ms|s|m|h|d|w)", text))


def many(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def known(where, what, keys):
    need(isinstance(where, dict) and where.keys() <= set(keys.split()), f"{what} has a key that is not known")
    return where


ASKS = "approvals role of_them not keys expires"


def gate_spec(given, keys):
    known(given, "a checkpoint", keys)
    count = given.get("approvals") or "1"
    need(re.fullmatch("[1-9][0-9]?|100", count), "approvals are 1 to 100")
    for word in many(given.get("not")):
        need(re.fullmatch("performer|requester|author|approver-of:[a-z0-9][a-z0-9-]{0,63}", word), f"not: {word}")
    also = given.get("of_them") or {}
    need(all(re.fullmatch("[1-9][0-9]{0,2}|1000", number or "") for number in also.values()), "of_them is 1 to 1000 of each role")
    role = given.get("role") or "approver"
    needs = [((role, None if other == role else other), int(number)) for other, number in also.items()] + [((role, None), int(count))]
    keys = known(given.get("keys") or {}, "keys", "touch verified")
    need(set(keys.values()) <= {"required"}, "keys are required, or not named")
    return Of(when=given.get("when"), needs=needs, no=many(given.get("not")), expires=span_of(given.get("expires")),
              keys=2 if "verified" in keys else 1 if "touch" in keys else 0)


DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def minutes_of(text):
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text)
    need(match, f"{text} is no time")
    return int(match[1]) * 60 + int(match[2])


def read_freeze(given):
    """When it is in force, as a function of milliseconds since 1970, and what it asks for then."""
    asks = gate_spec(given, "name from until weekly when " + ASKS)
    need(isinstance(given["name"], str), "a freeze has no name")
    if given.get("weekly") is None:
        need(is_time(given["from"]) and is_time(given["until"]) and "." not in given["from"] + given["until"], "a freeze has no times")
        start, end = seconds(given["from"]) * 1000, seconds(given["until"]) * 1000
        need(start < end, "a freeze ends before it begins")
        asks.in_force = lambda at: start <= at < end
        return asks
    need("from" not in given and "until" not in given, "a freeze is once or weekly")
    week = known(given["weekly"], "weekly", "from until zone")
    zone = week.get("zone") or "Z"
    east = 0 if zone == "Z" else {"+": 1, "-": -1}[zone[0]] * minutes_of(zone[1:])
    start, end = (DAYS.index(text[:3]) * 1440 + minutes_of(text[4:]) for text in (week["from"], week["until"]))
    # 1970 began on a Thursday.
    asks.in_force = lambda at: ((at // 60_000 + east + 3 * 1440) - start) % 10080 < ((end - start) % 10080 or 10080)
    return asks


def read_adoption(given):
    """Who may bring another policy into an open incident: so many people of these roles, of them so many of others."""
    if given is None:
        return Of(count=2, roles=["commander", "approver"], of_them={"commander": 1}, keys=0)
    asks = gate_spec(dict({"approvals": "2"}, **known(given, "adopt", "approvals role of_them keys")), ASKS)
    also = {role: int(count) for role, count in (given.get("of_them") or {}).items()}
    return Of(count=max(2, asks.needs[-1][1]), roles=[given.get("role") or "commander"], of_them=also, keys=asks.keys)


@lru_cache(10_000)
def read_policy(text):
    """What a policy says; a text that is none raises."""
    if not text.strip():
        raise Wrong("there is no policy")
    file = known(read_yaml(text), "policy", "people checkpoints freezes override adopt unknown_authors redact channels audiences clocks")
    people = {name: known(entry or {}, name, "name principals accounts roles emails") for name, entry in (file.get("people") or {}).items()}
    rule = known(file.get("override") or {}, "override", "roles when expires review_within")
    need(file.get("unknown_authors") in (None, "allow", "refuse"), "unknown_authors is allow or refuse")
    return Of(
        people={name: Of(**{key: many(entry.get(key)) for key in ("principals", "accounts", "roles", "emails")}) for name, entry in people.items()},
        rules=[gate_spec(rule, "when " + ASKS) for rule in many(file.get("checkpoints"))],
        freezes=[read_freeze(freeze) for freeze in many(file.get("freezes"))], override_roles=many(rule.get("roles")), override_when=rule.get("when"), adopt=read_adoption(file.get("adopt")),
        override_span=span_of(rule.get("expires"), 30 * 60_000),
        unknown_authors=file.get("unknown_authors") == "allow")


NO_POLICY = Of(people={}, rules=[], freezes=[], override_roles=[], override_when=None, adopt=read_adoption(None), override_span=30 * 60_000, unknown_authors=False)
KINDS = "run decide ask wait notify collect uses parallel".split()
STEP = ("id title phase role instructions checklist options with every when next risk checkpoint due on_failure exclusive escalate foreach "
        "dry_run rollback shell cwd host env timeout retry outputs expect interactive " + " ".join(KINDS))


def read_step(file):
    known(file, "a step", STEP)
    need(re.fullmatch("[a-z0-9][a-z0-9-]{0,63}", file["id"]), "its id is none")
    kinds = [kind for kind in KINDS if file.get(kind) is not None]
    need(len(kinds) < 2, "a step is of two kinds")
    kind = kinds[0] if kinds else "manual"
    words = file["id"].replace("-", " ")
    shell = many(file.get("shell"))
    failure = file.get("on_failure") or "stop"
    need(file.get("risk") in (None, *SETS["risk"].split()), "its risk is none")
    limit = span_of(file.get("timeout"))
    return Of(
        id=file["id"], kind=kind, file=file, body=file.get(kind), title=file.get("title") or file.get("decide") or words[:1].upper() + words[1:],
        risk=file.get("risk") or "routine", gate=gate_spec(file["checkpoint"], ASKS) if file.get("checkpoint") is not None else None,
        shell=(shell[0].split() if len(shell) == 1 else shell) or ["sh", "-eu"], timeout=0 if limit is None else limit // 1000,
        env=file.get("env") or {}, outputs=file.get("outputs") or {}, next=file.get("next"), checklist=many(file.get("checklist")),
        failure=failure["next"] if isinstance(failure, dict) else None, goes_on=failure == "continue",
        exclusive=file.get("exclusive") in ("true", "True", "TRUE"), retry=int(file["retry"]["attempts"]) if file.get("retry") else 0,
        by_hand=kind == "parallel" or file.get("foreach") is not None or file.get("host") is not None and kind in ("run", "wait") or file.get("interactive") in ("true", "True", "TRUE"))


@lru_cache(10_000)
def read_runbook(text):
    try:
        file = known(read_yaml(text), "runbook", "id title severity summary owner services tags alerts last_reviewed review_every inputs logs steps")
        need(isinstance(file["id"], str) and isinstance(file["title"], str), "it has no id or title")
        steps = [read_step(step) for step in file["steps"]]
        return Of(id=file["id"], file=file, inputs=file.get("inputs") or {}, logs=file.get("logs") or {}, steps={step.id: step for step in steps})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Wrong(f"the runbook cannot be read: {error!r}") from None


def is_secret(entry):
    return (entry or {}).get("secret") in ("true", "True", "TRUE")


def accepts(entry, text):
    """Whether a text can be the answer to a question."""
    entry = entry or {}
    optional, choices = entry.get("optional") in ("true", "True", "TRUE"), many(entry.get("choices"))
    if not text:
        if entry.get("default") is None:
            return optional or "" in choices
        text = entry["default"]
    kind = entry.get("type") or "text"
    bare = text.strip()
    if kind == "integer":
        if not re.fullmatch(r"[+-]?[0-9]+", bare) or not -1 << 63 <= int(bare) < 1 << 63:
            return False
        text = str(int(bare))
    elif kind == "boolean":
        if bare.lower() not in ("true", "yes", "y", "false", "no", "n"):
            return False
        text = "true" if bare.lower()[0] in "ty" else "false"
    elif kind == "time":
        if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", bare):
            return False
        text = bare
    pattern = entry.get("pattern")
    fits = "\0" not in text and len(text.encode()) <= 64 << 10 and (not choices or text in choices)
    return fits and (pattern is None or re.fullmatch(pattern, text) is not None)


NAME = re.compile("[a-z_][a-z0-9_]{0,63}")


def dollars(text):
    """Where a text names a value, as `$name` or `${name}`."""
    for match in re.finditer(r"\$(\{?)([A-Za-z0-9_]*)", text):
        end = match.end()
        closed = not match[1] or text[end:end + 1] == "}"
        if closed and text[match.start() - 1:match.start()] != "\\" and NAME.fullmatch(match[2]):
            yield match.start(), end + len(match[1]), match[2]


def variables(text):
    return list(dict.fromkeys(name for _, _, name in dollars(text or "")))


def expand(text, values):
    out, at = "", 0
    for start, end, name in dollars(text):
        need(name in values, f"${name} has no value")
        out += text[at:start] + values[name]
        at = end
    return out + text[at:]


def fill(text, values, masked):
    value = lambda m: "••••" if m[1].strip() in masked else values.get(m[1].strip(), m[0])
    return re.sub(r"\{\{(.*?)\}\}", value, text, flags=re.DOTALL)


JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
JINJA.filters = {"int": int, "float": float, "length": len, "lower": str.lower, "upper": str.upper, "trim": str.strip}
JINJA.tests = {"startingwith": str.startswith, "endingwith": str.endswith}
TOKEN = re.compile(r"""\s*(?:('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|([0-9][\w.]*)|([^\W\d]\w*)|(==|!=|<=|>=|//|.))""", re.DOTALL)


def holds(when, facts, unsure=True):
    """Whether a rule of a policy applies: one whose expression has no answer does, unless it would open something."""
    try:
        need(len(when.encode()) <= 1024, "too long")
        expression = Parser(JINJA, when, state="variable").parse_expression()
        names = {node.name for node in [expression, *expression.find_all(nodes.Name)] if isinstance(node, nodes.Name)}
        tokens = [match.lastgroup or match[match.lastindex] for match in TOKEN.finditer(when.strip())]
        numbers = [match[2] for match in TOKEN.finditer(when.strip()) if match[2]]
        need(names <= facts.keys() and "*" not in tokens and "**" not in tokens, "a name without a value")
        need(not numbers or "|" in tokens, "text is compared with a number")
        signs = {"==", "!=", "<", ">", "<=", ">=", "|", "~", ",", "[", "]", ".", "+", "-", "in", "is"}
        for at, token in enumerate(tokens if len(tokens) > 1 else []):
            around = {tokens[at - 1] if at else "", *tokens[at + 1:at + 2]}
            need(token not in names or around & signs or tokens[at + 1:at + 3] == ["not", "in"], "a text stands for true or false")
        answer = JINJA.compile_expression(when, undefined_to_none=False)(**facts)
        answer = {"true": True, "false": False}.get(answer, answer) if isinstance(answer, str) else answer
        return answer if isinstance(answer, bool) else unsure
    except Exception:  # whatever goes wrong, there is no answer
        return unsure


def facts_of(book, step, values):
    """What a `when` can see."""
    severity = book.file.get("severity") or ""
    return dict(values, risk=step.risk, kind=step.kind, phase=step.file.get("phase") or "", role=step.file.get("role") or "", severity=severity,
                 tags=many(book.file.get("tags")), services=many(book.file.get("services")), runbook=book.id, step=step.id)


def lets_override(policy, book, step, values):
    return policy.override_when is None or holds(policy.override_when, facts_of(book, step, values), unsure=False)


def gate_of(policy, book, step, values, at):
    """What the step's checkpoint asks for at a moment in milliseconds, the stricter of all that ask; None without one."""
    facts = facts_of(book, step, values)
    asked = [step.gate] if step.gate else []
    rules = policy.rules + [freeze for freeze in policy.freezes if freeze.in_force(at)]
    asked += [rule for rule in rules if rule.when is None or holds(rule.when, facts)]
    if step.risk == "destructive":
        asked.append(Of(needs=[(("approver", None), 1)], no=["performer"], keys=0, expires=15 * 60_000))
    needs = {}
    for who, count in (need for one in asked for need in one.needs):
        needs[who] = max(count, needs.get(who, 0))
    if not needs:
        return None
    order = ["performer", "requester", "author"]
    no = sorted({word for one in asked for word in one.no}, key=lambda word: (order.index(word) if word in order else 3, word))
    expires = min((one.expires for one in asked if one.expires is not None), default=15 * 60_000)
    exactly, expires, keys = expires, expires // 1000, max(one.keys for one in asked)
    length = next((f"{expires // unit}{word}" for unit, word in ((86400, "d"), (3600, "h"), (60, "m")) if expires and expires % unit == 0), f"{expires}s")
    needs = sorted(needs.items(), key=lambda need: (need[0][0], need[0][1] or ""))
    text = ", ".join(f"{count} {role}" + (f"+{also}" if also else "") for (role, also), count in needs) + (f"; not {', '.join(no)}" if no else "") + ("", "; touched key", "; verified key")[keys] + f"; {length}"
    return Of(needs=needs, no=no, keys=keys, expires=expires, exactly=exactly, text=text)


NO_GATE = Of(needs=[], no=[], keys=0, expires=0, exactly=float("inf"), text="-")


def covers(gate, other):
    """Whether whatever passes this gate passes the other as well."""
    met = lambda who, count: any(n >= count and {who[0], who[1] or who[0]} <= set(mine) for mine, n in gate.needs)
    return (all(met(who, count) for who, count in other.needs) and set(other.no) <= set(gate.no)
            and gate.keys >= other.keys and gate.exactly <= other.exactly)


class People:
    """Who is one human being: whoever shares a principal, an address or a key is."""

    def __init__(self, policy, signers):
        self.policy, self.owner, self.joined, self.emails = policy, {}, {}, {}
        self.roles = {name: frozenset(entry.roles) for name, entry in policy.people.items()}
        claims, mail = {}, {}
        for name, entry in policy.people.items():
            for principal in entry.principals:
                if PRINCIPAL.fullmatch(principal):
                    claims.setdefault(principal, set()).add(name)
            for email in entry.emails + entry.principals:
                mail.setdefault("".join(c.lower() if c.isascii() else c for c in email), set()).add(name)
        for principal, names in claims.items():
            self.owner[principal] = self.join(names)
        for email, names in mail.items():
            self.emails[email] = min(names, key=str.encode)
            self.join(names)
        keys = {}
        for line in signers.lines:
            for principal in line.principals:
                self.owner.setdefault(principal, None if principal in policy.people else principal)
                keys.setdefault(line.key, set()).add(self.owner[principal])
        for names in keys.values():
            self.join(names - {None})

    def join(self, names):
        """The one of this name; nobody where there are several, who are one person then."""
        first, *others = sorted(names) or [None]
        for other in others:
            self.joined[self.first(other)] = self.first(first)
        return None if others else first

    def first(self, name):
        while self.joined.get(name, name) != name:
            name = self.joined[name]
        return name

    def same(self, a, b):
        return self.first(a) == self.first(b)

    def person(self, principal):
        return self.owner.get(principal) or principal

    def has(self, person, role):
        return person in self.roles and (role in self.roles[person] or len(self.roles) == 1)

    def fits(self, person, need):
        """Whether a person counts for a role, or for a role and a second one."""
        return self.has(person, need[0]) and (need[1] is None or self.has(person, need[1]))

    def may_override(self, person):
        return person in self.roles and (bool(self.roles[person] & set(self.policy.override_roles)) or len(self.roles) == 1)

    def without(self, who, role):
        """The same, with a role less for the person behind a principal."""
        shrunk = People.__new__(People)
        shrunk.__dict__.update(self.__dict__)
        person = self.owner.get(who)
        shrunk.roles = dict(self.roles, **({person: self.roles[person] - {role}} if person in self.roles else {}))
        return shrunk
