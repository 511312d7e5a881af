"""What is made of an event for git: the escaping of foreign text, the sentence of each kind, and the commit."""
import hashlib
import re
import unicodedata
from datetime import datetime, timedelta
from types import SimpleNamespace as Of

from forms import PRINCIPAL, TIME, Wrong, seconds

HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\ufdd0-\ufdef\ue000-\uf8ff\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]")
BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]")
SYMBOL = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u23ff\u2460-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")


def unseen(c):
    return HIDDEN.match(c) or ord(c) & 0xfffe == 0xfffe


def visible(text):
    if re.fullmatch("[ -~]*", text):
        return text
    out, symbol = [], False
    for c in text:
        code, after = ord(c), bool(SYMBOL.match(c))
        if c == "\t":
            c = " "
        elif code < 0x20 or code == 0x7f:
            c = chr(0x2421 if code == 0x7f else 0x2400 + code)
        elif c in "\ufe0e\ufe0f" and symbol:
            after = False
        elif 0x80 <= code < 0xa0 or 0x2400 <= code <= 0x2421 or unseen(c):
            c = f"‹U+{code:04X}›"
        out.append(c)
        symbol = after
    return "".join(out)


def misleads(text):
    """Whether a command holds something that makes it read otherwise than it runs."""
    return any(c not in "\n\t" and (unicodedata.category(c) == "Cc" or unseen(c) or BLANK.match(c)) for c in text)


def lines_of(text):
    rows = text.split("\n")
    ended = [row[:-1] if row.endswith("\r") else row for row in rows[:-1]]
    return ended + ([rows[-1]] if rows[-1] else [])


def free(text):
    words, length = "", 0
    for word in re.split("[ \t\n\f\r]+", text.strip(" \t\n\f\r")):
        if not word:
            continue
        space = 1 if length else 0
        take = word[:max(0, 201 - length - space)]
        words += " " * space + take
        length += space + len(take)
        if length > 200:
            break
    return visible(words)


def local(person):
    return person.split("@")[0] or person


def step_text(step):
    return f"{step['run']}/{step['step']}#{step['attempt']}"


def step_name(step):
    run = f"{step['run']}/" if "." in step["run"] else ""
    return run + free(step["step"]) + (f" (attempt {step['attempt']})" if step["attempt"] > 1 else "")


def said(signed, field):
    for line in lines_of(signed["statement"])[:64]:
        if line.startswith(field + ": "):
            value = line[len(field) + 2:]
            if value == "-":
                return None
            raw = re.sub(b"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), value.encode())
            return raw.decode("utf-8", "replace")
    return None


def span(data):
    nanos = [seconds(data[name]) * 10**9 + int((TIME.fullmatch(data[name]).group(7) or "0").ljust(9, "0")) for name in ("started", "ended")]
    millis = max(0, nanos[1] - nanos[0]) // 10**6
    s = millis // 1000
    if s == 0: return f"{millis} ms"
    if s < 120: return f"{s} s"
    if s < 7200: return f"{s // 60} min {s % 60} s"
    if s < 172800: return f"{s // 3600} h {s // 60 % 60} min"
    return f"{s // 86400} d {s // 3600 % 24} h"


def maybe(before, text, after=""):
    return "" if text is None else before + free(text) + after


def details(d):
    said = [f"{name} {d[key]}" for name, key in (("class", "class"), ("TLP", "tlp")) if d[key] is not None]
    if d["audiences"] is not None:
        said.append("for " + (" ".join(map(free, d["audiences"])) or "everybody"))
    if d["confidence"] is not None:
        said.append(f"confidence {d['confidence']}")
    for name in ("source", "on_behalf_of", "tactic", "technique"):
        if d[name] is not None:
            said.append(f"{name.replace('_', ' ')} {free(d[name])}")
    for name, key in (("tag", "tags"), ("asset", "assets"), ("indicator", "indicators"), ("evidence", "evidence")):
        shown = (lambda one: one[7:19]) if key == "evidence" else free
        edits = ["+" + shown(one) for one in d[key]["add"]] + ["-" + shown(one) for one in d[key]["remove"]]
        if edits:
            said.append(f"{name} {' '.join(edits)}")
    if d["pinned"] is not None:
        said.append("pinned" if d["pinned"] else "not pinned")
    return ", ".join(said)


def finished(by, d):
    did = {"run": "ran ", "dry_run": "ran a dry run of ", "roll_back": "rolled back "}[d["purpose"]] + step_name(d["step"])
    status = f"exit {d['exit']}" if d["exit"] is not None else f"ended by signal {d['signal']}" if d["signal"] is not None else None
    end = {
        "succeeded": f"{status or 'succeeded'} in {span(d)}",
        "failed": ("failed, " + status if status else "failed") + f" in {span(d)}",
        "unknown": "outcome unknown",
    }[d["outcome"]]
    return f"{by} {did}: {end}" + maybe(": ", d["problem"])


def revocation(gone):
    who = local(gone["who"])
    return f"the key {free(gone['key'])} of {who}" if gone["key"] is not None else f"{who} as {free(gone['role'])}" if gone["role"] is not None else who


MEANS = {"alert": "alert", "email": "e-mail", "phone": "phone call", "chat": "chat message", "log": "log entry", "news": "news",
         "regulator": "regulator's message"}


def clock_change(d):
    clock, to = d["clock"], maybe(" ", d["to"])
    sim = (datetime(1970, 1, 1) + timedelta(seconds=seconds(clock["sim"]))).isoformat(" ") + "Z"
    stopped = ", stopped" if clock["paused"] else ""
    return {
        "resumed": f"let the clock go on at {sim}", "paused": f"stopped the clock at {sim}",
        "scaled": f"set the clock to {clock['scale'] // 1000}.{clock['scale'] % 1000:03} times real time at {sim}",
        "ahead": f"set the clock ahead to {sim}{stopped}", "back": f"went back to the move{to} at {sim}{stopped}",
        "move": f"began the move{to} at {sim}{stopped}",
    }[d["change"]]


def told(event):
    d, by, kind = event["data"], local(event["person"]), event["kind"]
    out = " (out of order)" if d.get("out_of_order") else ""
    match kind:
        case "incident.started": return f"{by} started the incident{maybe(' on alert ', d['alert'])}: {free(d['title'])} ({d['severity']})"
        case "run.started":
            parent = f" for {step_name(d['parent'])}" if d["parent"] else ""
            return f"{by} began the runbook {free(d['runbook']['id'])} at {free(d['runbook']['commit'])[:7]}{parent}"
        case "role.assigned":
            return f"{by} took the role {free(d['role'])}" if d["who"] == event["person"] else f"{by} gave {local(d['who'])} the role {free(d['role'])}"
        case "severity.changed": return f"{by} set the severity to {d['severity']}"
        case "milestone.reached": return f"{by} marked the incident {d['milestone']}"
        case "note.added": return f"{by} noted{' at ' + step_name(d['step']) if d['step'] else ''}: {free(d['text'])}"
        case "entry.corrected": return f"{by} corrected entry {d['corrects'][7:19]}: {free(d['text'])} (because: {free(d['reason'])})"
        case "entry.described": return f"{by} described entry {d['entry'][7:19]}: {details(d['details'])}"
        case "entry.linked":
            verb = "unlinked" if d["removed"] else "linked"
            return f"{by} {verb} entry {d['entry'][7:19]} and {d['other'][7:19]}: {d['relation']}"
        case "entry.imported":
            origin = d["origin"]
            return f"{by} imported{maybe(' of ', origin['person'])} from {free(origin['file'])}, {origin['position']}: {free(d['text'])}"
        case "followup.opened":
            return f"{by} asked for a follow-up ({d['kind']}){maybe(' for ', d['owner'])}{' by ' + d['due'] if d['due'] else ''}: {free(d['text'])}"
        case "followup.changed":
            c = d["change"]
            status, to = f" {c['status']}" if c["status"] else "", f" ({c['kind']})" if c["kind"] else ""
            due = f" by {c['due']}" if c["due"] else ""
            return f"{by} changed follow-up {d['followup'][7:19]}{status}{to}{maybe(' for ', c['owner'])}{due}{maybe(' to: ', c['text'])}{maybe(': ', d['note'])}"
        case "decision.named": return f"{by} decided {free(d['decision'])}: {free(d['reason'])}"
        case "stage.submitted": return f"{by} submitted {free(d['stage'])} of {free(d['clock'])}{maybe(' as ', d['reference'])}"
        case "evidence.captured":
            e = d["evidence"]
            redacted = f", {e['redacted']} redacted" if e["redacted"] else ""
            return f"{by} captured {free(e['name'])} from {free(e['host'])}: {e['size']} bytes{redacted}, sha256 {e['sha256'][7:19]}"
        case "step.claimed": return f"{by} claimed {step_name(d['step'])}"
        case "step.started":
            what = {"run": "started", "dry_run": "started a dry run of", "roll_back": "started to roll back"}[d["record"]["exec"]["purpose"]]
            return f"{by} {what} {step_name(d['record']['step'])} on {free(d['record']['exec']['host'])}{out}"
        case "step.finished": return finished(by, d)
        case "step.done":
            hand, checked = " by hand" if d["by_hand"] is not None else "", f" ({len(d['checklist'])} checked)" if d["checklist"] else ""
            return f"{by} did {step_name(d['step'])}{hand}{checked}{out}{maybe(': ', d['note'])}"
        case "step.chosen":
            hint = "" if d["suggested"] is None else " (as suggested)" if d["suggested"] == d["label"] else f" (suggested: {free(d['suggested'])})"
            return f"{by} chose {free(d['label'])} at {step_name(d['step'])}{hint}{out}"
        case "step.answered":
            names = sorted(d["answers"], key=lambda name: name.encode())
            given = [f"{free(name)} = {free(d['answers'][name])}" for name in names] + [f"{free(name)} = (secret)" for name in d["secrets"]]
            return f"{by} answered {step_name(d['step'])}{out}: {', '.join(given[:64])}"
        case "step.skipped": return f"{'' if d['automatic'] else by + ' skipped '}{step_name(d['step'])}{' skipped' if d['automatic'] else ''}: {free(d['reason'])}"
        case "step.resolved":
            what = {"succeeded": "succeeded", "failed": "failed", "unknown": "has an unknown outcome"}[d["outcome"]]
            return f"{by} said that {step_name(d['step'])} {what}{maybe(': ', d['reason'])}"
        case "checkpoint.requested":
            what = {"run": "of ", "dry_run": "of a dry run of ", "roll_back": "to roll back "}[d["record"]["exec"]["purpose"]]
            return f"{by} asked for approval {what}{step_name(d['record']['step'])}"
        case "checkpoint.approved" | "checkpoint.denied":
            who = said(d["signed"], "requester")
            whom = f" for {local(who)}" if who and PRINCIPAL.fullmatch(who) else ""
            reason = maybe(": ", said(d["signed"], "reason")) if kind == "checkpoint.denied" else ""
            signer = said(d["signed"], "approver")
            other = signer and PRINCIPAL.fullmatch(signer) and signer != event["person"]
            return f"{local(signer) if other else by} {kind[11:]} {step_name(d['step'])}{whom}{f' (recorded by {by})' if other else ''}{reason}"
        case "checkpoint.withdrawn": return f"{by} withdrew the request for {step_name(d['step'])}"
        case "checkpoint.overridden":
            return f"OVERRIDE: {by} opened the checkpoint of {step_name(d['record']['step'])} without approval{maybe(': ', said(d['signed'], 'reason'))}"
        case "checkpoint.consumed":
            count = len(d["approvals"])
            how = "without approval" if not count else f"with {count} approval{'s' if count > 1 else ''}"
            return f"{by} passed the checkpoint of {step_name(d['step'])} {how}"
        case "checkpoint.delegated": return f"{by} passed the question about {step_name(d['step'])} on to {local(d['to'])}"
        case "trust.revoked": return f"{by} saw that the library no longer trusts {', '.join(map(revocation, d['revoked']))}"
        case "policy.proposed": return f"{by} proposed the policy of {free(d['policy']['commit'])[:7]}{maybe(': ', said(d['signed'], 'reason'))}"
        case "policy.seconded": return f"{by} agreed to the policy proposed in {d['proposed'][7:19]}{maybe(': ', said(d['signed'], 'reason'))}"
        case "evidence.expunged": return f"{by} wants evidence {d['evidence'][7:19]} taken out{maybe(': ', said(d['signed'], 'reason'))}"
        case "hub.unreachable": return f"the hub could not be reached by {by} with {d['about'][7:19]}: {free(d['why'])}"
        case "override.reviewed":
            found = "accepted" if d["accepted"] else "rejected"
            return f"{by} reviewed override {d['overridden'][7:19]}: {found}{maybe(': ', said(d['signed'], 'reason'))}"
        case "line.noted": return f"{by} noted from {free(d['line']['source'])}: {free(d['text'])}"
        case "update.recorded": return f"{by} told {free(d['audience'])}{maybe(' (', d['state'], ')')}: {free(d['message'])}"
        case "update.delivered": return f"update {d['update'][7:19]} was delivered through {free(d['channel'])}{at_try(d['tries'])}"
        case "update.undelivered": return f"update {d['update'][7:19]} was not delivered through {free(d['channel'])}{at_try(d['tries'])}: {free(d['error'])}"
        case "incident.closed":
            count = len(d["heads"])
            return f"{by} closed the incident over {count} head{'s' if count != 1 else ''}"
        case "incident.reopened": return f"{by} reopened the incident: {free(d['reason'])}"
        case "exercise.started": return f"{by} prepared an exercise ({free(d['form'])}): {free(d['title'])}"
        case "exercise.clock": return f"{by} {clock_change(d)}"
        case "exercise.injected":
            to = f" to {free(', '.join(d['to']))}" if d["to"] else ""
            return f"{MEANS[d['means']]} from {free(d['from'])}{to}: {free(d['message'])}"
        case "exercise.answered":
            step = {"run": "", "dry_run": "the dry run of ", "roll_back": "the roll back of "}[d["purpose"]] + step_name(d["step"])
            if d["refused"] is not None:
                return f"the script has no result for {step}: {free(d['refused'])}"
            count = len(d["logs"])
            return f"the script ended {step} with exit status {d['exit']}" if d["exit"] is not None else f"the script gave {step} {count} log{'s' if count != 1 else ''}"
        case "exercise.refused": return f"{by} was refused{' at ' + step_name(d['step']) if d['step'] else ''}: {free(d['what'])}"
        case "exercise.sealed": return f"{by} sealed {len(d['sealed']['text'].encode())} bytes until the end"
        case "exercise.feedback":
            question = maybe(' to "', d["question"], '"')
            return f"{by} said of the exercise{question}: {free(d['text'])}"
        case "exercise.ended": return f"{by} {'broke off' if d['aborted'] else 'ended'} the exercise{maybe(': ', d['reason'])}"
        case "journal.recovered": return f"the journal of {by} was mended: {d['bytes']} bytes put aside, {free(d['what'])}"
    raise Wrong(f"no sentence is known for {kind}")


def at_try(tries):
    return f" at try {tries}" if tries > 1 else ""


def sentence(event):
    text = ("EXERCISE: " if event["mode"] == "exercise" else "") + told(event)
    if len(text) > 200:
        text = text[:199].rstrip() + "…"
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text).strip() or event["kind"]


def git_id(kind, content):
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()


def commit_of(event, line, parents):
    """The three objects an event makes: ids by kind, and the commit's bytes."""
    blob = git_id("blob", line + b"\n")
    tree = git_id("tree", b"100644 event.json\0" + bytes.fromhex(blob))
    at, away = seconds(event["occurred_at"], offset=True)
    offset = f"{'-' if away < 0 else '+'}{abs(away) // 60:02}{abs(away) % 60:02}"
    who = f"{event['person']} <{event['person']}>"
    text = "".join([f"tree {tree}\n"] + [f"parent {parent}\n" for parent in parents] + [
        f"author {who} {max(0, at)} {offset}\n",
        f"committer {who} {max(0, seconds(event['recorded_at']))} +0000\n\n{sentence(event)}\n\n",
        f"Event: {event['sha256']}\nKind: {event['kind']}\nIncident: {event['incident']}\nWriter: {event['writer']}\nSeq: {event['seq']}\n"])
    return Of(blob=blob, tree=tree, commit=git_id("commit", text.encode()), text=text.encode())
