#!/usr/bin/env python3
"""A second verifier: proves runsheet records from docs/record-format.md and shares no code with the program.

    verify.py [--library DIR] [--segments DIR] [--format FILE] [--ssh-keygen] [--quiet] PATH...

A PATH is a git directory that holds `refs/incidents/<id>/w/*`, or a directory of journal segments (`*.jsonl`). With
--segments there is one PATH, and both must hold the same record. --library is the git directory of a library that is
trusted. Ed25519 is verified here, other keys by the stock `ssh-keygen`; --ssh-keygen has it verify every signature
against the recorded allowed_signers. Exit status: 0 proven, 1 violated, 2 something is owed, 64 called wrongly.
"""
import argparse
import heapq
import os
import re
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache

try:
    import jinja2  # noqa: F401
    import yaml  # noqa: F401
except ImportError as missing:
    print(f"verify.py needs {missing.name}: install python3-yaml and python3-jinja2", file=sys.stderr)
    sys.exit(64)

import signed
from fold import NOTE, OWED, VIOLATION, Fold, parents_of, signer_of
from forms import HEX32, ULID, Forms, Wrong, digest, list_digest, need, seconds, sha256, told_at
from signed import SPACES, Signers, read_statement
from words import commit_of, git_id, step_text

WHERE = os.path.dirname(os.path.abspath(__file__))
STATEMENTS = {
    "checkpoint.requested": "request", "checkpoint.approved": "approve", "checkpoint.denied": "deny", "checkpoint.withdrawn": "withdraw",
    "checkpoint.overridden": "override", "checkpoint.consumed": "consume", "override.reviewed": None, "incident.closed": "close",
    "incident.reopened": "reopen", "policy.proposed": None, "policy.seconded": None, "evidence.expunged": None,
}
HEADER = {"override.reviewed": "review", "incident.closed": "close", "incident.reopened": "close", "policy.proposed": "policy",
          "policy.seconded": "policy", "evidence.expunged": "expunge"}
EVIDENCE = {"evidence.captured": lambda d: [d["evidence"]], "step.finished": lambda d: d["evidence"]}


# So many violations are looked at for whether they crossed with something.
MOST_CROSSINGS = 64


class Record:
    """The events of one incident, from wherever they were read, and what is found about them."""

    def __init__(self, incident, forms):
        self.incident, self.forms = incident, forms
        self.events, self.lines, self.findings, self.genesis = {}, {}, [], None
        self.artifacts = None

    def find(self, what, severity=VIOLATION, event=None):
        self.findings.append((severity, event, what))

    def take(self, line, where):
        """Takes a line as an event; its name, or None where it is none."""
        try:
            event = self.forms.event(line)
            need(event["incident"] == self.incident, "it belongs to another incident")
        except Wrong as wrong:
            return self.find(f"{where}: {wrong}")
        self.events[event["sha256"]], self.lines[event["sha256"]] = event, line
        return event["sha256"]

    def order(self):
        """The events in their one order; those that do not hang together are found out."""
        roots = sorted(id for id, event in self.events.items() if not parents_of(event))
        starts = [id for id in roots if self.events[id]["kind"] == "incident.started" and self.genesis in (None, id)]
        for id in roots:
            if id != (starts or [None])[0]:
                self.find("it comes after nothing and is not the start of the incident", event=id)
        children, open_, ready, order = {}, {}, starts[:1], []
        for id, event in self.events.items():
            parents = set(parents_of(event))
            open_[id] = len(parents)
            for parent in parents:
                children.setdefault(parent, []).append(id)
        while ready:
            id = heapq.heappop(ready)
            order.append(id)
            for child in children.get(id, []):
                open_[child] -= 1
                if not open_[child]:
                    heapq.heappush(ready, child)
        for id in self.events.keys() - set(order) - set(roots):
            self.find("it comes after an event that is not here", event=id)
        return order

    def chain(self, order):
        numbers = {}
        for id in order:
            event = self.events[id]
            before = self.events.get(event["prev"])
            if event["kind"] == "incident.started" and parents_of(event):
                self.find("the incident is started a second time", event=id)
            if any(a >= b for a, b in zip(event["seen"], event["seen"][1:])):
                self.find("what it has seen is not sorted", event=id)
            follows = event["seq"] == 1 if not before else (before["writer"], before["seq"] + 1) == (event["writer"], event["seq"])
            if not follows:
                self.find("it does not follow the event before it", event=id)
            if numbers.setdefault((event["writer"], event["seq"]), id) != id:
                self.find("its writer has two events of this number", event=id)
        self.numbers = numbers

    def statements(self, order):
        """Every statement is one, is about its event, and is signed by who it says, whether it had an effect or not."""
        agreed = {self.events[id]["data"]["proposed"] for id in order if self.events[id]["kind"] == "policy.seconded"}
        files = [self.events[id]["data"]["allowed_signers"] for id in order[:1] + [id for id in order if id in agreed]
                 if "allowed_signers" in self.events[id]["data"]]
        signers = [Signers(text) for text in dict.fromkeys(files)]
        for id in order:
            event = self.events[id]
            if event["kind"] not in STATEMENTS:
                continue
            try:
                header, given = read_statement(event["data"]["signed"]["statement"])
                need(header == f"runsheet-{HEADER.get(event['kind'], 'approval')} v1", "its statement is of another kind than the event")
                accepted = {True: "accepted", False: "rejected"}.get(event["data"].get("accepted"))
                need(given.get("decision") == (STATEMENTS[event["kind"]] or accepted), "its statement says another decision")
                need((given["incident"], given["genesis"]) == (self.incident, order[0]), "its statement is of another record")
                for name, value in own_words(event["data"]).items():
                    need(name not in given or given[name] == value, f"its statement says another `{name}:` than the event")
                signed_under_any(signers, event)
            except Wrong as wrong:
                self.find(str(wrong), event=id)

    def evidence(self, order, expunged):
        cited = {}
        for id in order:
            for one in EVIDENCE.get(self.events[id]["kind"], lambda d: [])(self.events[id]["data"]):
                cited.setdefault(one["sha256"], id)
        for name, words in expunged.items():
            if words.done:
                self.find(f"evidence {name} is withheld: taken out by two people", OWED, words.event)
                cited.pop(name, None)
        for name, id in cited.items():
            there = self.artifacts(name)
            if there is None:
                self.find(f"evidence {name} is not here: withheld, or not fetched", OWED, id)
            elif not there:
                self.find(f"evidence {name} is not what it was", VIOLATION, id)

    def known_better(self, order, findings):
        """A promise is broken where its writer could know better: what fits all that it comes after crossed with something."""
        looked = 0
        for severity, id, what in findings:
            if severity == VIOLATION:
                looked += 1
                if looked <= MOST_CROSSINGS and not self.lies(order, id):
                    severity, what = NOTE, f"crossed with something it had not heard of: {what}"
            yield severity, id, what

    def lies(self, order, id):
        known, open = set(), [id]
        while open:
            one = open.pop()
            if one in self.events and one not in known:
                known.add(one)
                open += parents_of(self.events[one])
        fold = Fold()
        for one in order:
            if one in known:
                fold.apply(self.events[one])
        return any(severity == VIOLATION and of == id for severity, of, _ in fold.findings)

    def prove(self, library):
        order = self.order()
        if not order:
            self.find("there is no event that can be read")
        self.chain(order)
        prefetch(self.events[id] for id in order)
        self.statements(order)
        fold = Fold()
        for id in order:
            fold.apply(self.events[id])
        self.findings += self.known_better(order, fold.findings)
        for id, over in fold.overrides.items():
            if over.review is None:
                self.find("the override is not reviewed", OWED, id)
        if fold.incident:
            why = trust(library, fold)
            if why:
                self.find(f"policy not from a trusted library: {why}", OWED)
        self.evidence(order, fold.expunged)
        return order


def signed_under_any(signers, event):
    """Which of the policies held at the time is for the fold to say; under none of them it is a forgery."""
    why = None
    for one in signers:
        try:
            return one.verify(event["data"]["signed"], event["mode"], signer_of(event), seconds(told_at(event)))
        except Wrong as wrong:
            why = why or wrong
    raise why


def own_words(d):
    """What the lines of a statement must be by the event that carries it."""
    words = {line: list_digest(member, d[list]) for line, member, list in (
        ("frontier", "heads", "frontier"), ("heads", "heads", "heads"), ("events", "events", "events")) if list in d}
    if "record" in d:
        words.update({"request": digest(d["record"]), "exec": digest(d["record"]["exec"]), "vars": digest(d["record"]["vars"])})
    if "record" in d or "step" in d:
        words["step"] = step_text(d["record"]["step"] if "record" in d else d["step"])
    words.update({"override": d["overridden"]} if "overridden" in d else {})
    words.update({"adopts": "{commit} {sha256}".format(**d["policy"])} if "policy_yaml" in d else {})
    return words | ({"evidence": d["evidence"]} if "evidence" in d else {})


def prefetch(events):
    """Verifies many signatures at once, on all processors."""
    todo = {(event["data"]["signed"]["statement"], event["data"]["signed"]["signature"], SPACES[event["mode"]])
            for event in events if event["kind"] in STATEMENTS}
    todo = [one for one in todo if one not in signed.CHECKED]
    if len(todo) < 40:
        return
    with ProcessPoolExecutor() as pool:
        signed.CHECKED.update(zip(todo, pool.map(signed.check_one, todo, chunksize=16)))


# ---- the library of whoever verifies

def git(dir, *arguments):
    done = subprocess.run(["git", "--no-replace-objects", "--git-dir", dir, *arguments], capture_output=True)
    return done.stdout if done.returncode == 0 else None


@lru_cache(None)
def trusted_commit(library, commit):
    distorted = any(os.path.lexists(f"{library}/{name}") and os.path.getsize(f"{library}/{name}")
                    for name in ("shallow", "info/grafts", "objects/info/alternates", "objects/info/http-alternates"))
    return not distorted and re.fullmatch("[0-9a-f]{40}", commit) is not None and git(library, "merge-base", "--is-ancestor", commit, "HEAD") is not None


@lru_cache(None)
def blob_at(library, commit, path):
    return git(library, "cat-file", "blob", f"{commit}:{path}")


def trust(library, fold):
    """Why the policy and runbooks of the record are not those of the own library."""
    if not library:
        return "no library of your own is given"
    pin, data = fold.incident.pin, fold.incident.data
    if not trusted_commit(library, pin["commit"]):
        return "its commit is not on the branch of your own library"
    for name, text in (("policy.yaml", data["policy_yaml"]), ("allowed_signers", data["allowed_signers"])):
        if (blob_at(library, pin["commit"], name) or b"").decode("utf-8", "replace") != text:
            return f"{name} of the record is not the one there"
    for run in fold.runs.values():
        blob = blob_at(library, run.pin["commit"], run.pin["path"]) if trusted_commit(library, run.pin["commit"]) else None
        if blob is None or sha256(blob) != run.pin["sha256"]:
            return f"runbook {run.pin['path']} of the record is not the one there"
    return None


# ---- segments

def read_segments(dir, forms):
    name = os.path.basename(os.path.normpath(dir))
    files = sorted(entry for entry in os.listdir(dir) if entry.endswith(".jsonl"))
    if not ULID.fullmatch(name):
        first = next((line for file in files for line in open(f"{dir}/{file}", "rb")), b"")
        found = re.search(b'"incident":"([0-9A-Z]{26})"', first)
        name = found[1].decode() if found else name
    record = Record(name, forms)
    if os.path.exists(f"{dir}/genesis"):
        record.genesis = open(f"{dir}/genesis", encoding="ascii", errors="replace").read().strip()
    for file in files:
        writer = file[:-6]
        if not HEX32.fullmatch(writer) or os.path.islink(f"{dir}/{file}"):
            record.find(f"{file} is no segment")
            continue
        *lines, torn = open(f"{dir}/{file}", "rb").read().split(b"\n")
        if torn:
            record.find(f"{file}: {len(torn)} bytes behind the last whole line; nothing that was acknowledged", NOTE)
        before = None
        for number, line in enumerate(lines, 1):
            id = record.take(line, f"{file}, line {number}")
            event = record.events.get(id)
            if event and event["writer"] != writer:
                record.find(f"{file}, line {number} is an event of another writer", event=id)
            if event and before and event["prev"] != before:
                record.find(f"{file}, line {number} does not follow the one before it", event=id)
            before = id

    def artifact(name):
        path = f"{dir}/evidence/{name[7:]}"
        return sha256(open(path, "rb").read()) == name if os.path.isfile(path) else None
    record.artifacts = artifact
    return record


# ---- git

class Objects:
    """The objects of a repository, each proven to be what its name says."""

    def __init__(self, dir):
        self.pipe = subprocess.Popen(["git", "--no-replace-objects", "--git-dir", dir, "cat-file", "--batch"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def read(self, id, kind):
        try:
            self.pipe.stdin.write(id.encode() + b"\n")
            self.pipe.stdin.flush()
            head = self.pipe.stdout.readline().split()
            need(len(head) == 3 and head[1].decode() == kind, f"{kind} {id} cannot be read")
            content = self.pipe.stdout.read(int(head[2]) + 1)[:-1]
        except (BrokenPipeError, ValueError):
            raise Wrong(f"{kind} {id} cannot be read") from None
        need(git_id(kind, content) == id, f"{kind} {id} is not what its name says")
        return content

    def close(self):
        self.pipe.stdin.close()
        self.pipe.wait()


def read_git(dir, forms):
    refs = {}
    for row in (git(dir, "for-each-ref", "--format=%(objectname) %(refname)", "refs/incidents/") or b"").decode().splitlines():
        id, name = row.split(" ", 1)
        incident = name.split("/")[2]
        if ULID.fullmatch(incident):
            refs.setdefault(incident, {})[name] = id
    objects = Objects(dir)
    for incident in sorted(refs):
        record = Record(incident, forms)
        one_in_git(record, objects, refs[incident])
        yield record
    objects.close()


def one_in_git(record, objects, refs):
    commits, bad = {}, set()
    writers = {name.split("/w/")[1]: id for name, id in refs.items() if HEX32.fullmatch((name.split("/w/") + [""])[1])}
    stack = list(writers.values())
    while stack:
        id = stack.pop()
        if id in commits or id in bad:
            continue
        try:
            raw = objects.read(id, "commit")
            links = re.match(b"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)", raw)
            need(links, f"commit {id} is none of an event")
            tree = objects.read(links[1].decode(), "tree")
            need(tree.startswith(b"100644 event.json\0") and len(tree) == 38, f"the tree of {id} is not that of an event")
            blob = objects.read(tree[18:].hex(), "blob")
            need(blob.endswith(b"\n"), f"the event of {id} does not end with a newline")
        except Wrong as wrong:
            record.find(str(wrong))
            bad.add(id)
            continue
        commits[id] = record.take(blob[:-1], f"commit {id}")
        stack += re.findall("parent ([0-9a-f]{40})", links[2].decode())
    made = {}
    for id in record.order():
        event = record.events[id]
        made[id] = commit_of(event, record.lines[id], [made[parent].commit for parent in parents_of(event)])
    record.findings = list(dict.fromkeys(record.findings))
    for id, event in commits.items():
        if event and (event not in made or made[event].commit != id):
            record.find(f"commit {id} is not the one that its event makes", event=event)
    lasts = {}
    for event in record.events.values():
        lasts[event["writer"]] = max(lasts.get(event["writer"], (0, "")), (event["seq"], event["sha256"]))
    for writer, id in writers.items():
        event = record.events.get(commits.get(id))
        if event and lasts.get(writer, (0, ""))[1] != event["sha256"]:
            record.find(f"the reference of writer {writer} does not stand at its last event", event=event["sha256"])
    kept = {}
    for name, id in refs.items():
        if "/e/" in name:
            name_of = "sha256:" + name.split("/e/")[1]
            try:
                kept[name_of] = sha256(objects.read(id, "blob")) == name_of
            except Wrong:
                kept[name_of] = False
            if not kept[name_of]:
                record.find(f"the artifact {name_of} is not what its name says")
    record.artifacts = kept.get


# ---- the report

def report(path, record, library, quiet):
    order = record.prove(library)
    findings = sorted(set(record.findings), key=lambda one: ([VIOLATION, OWED, NOTE].index(one[0]), one[2], one[1] or ""))
    worst = findings[0][0] if findings else NOTE
    if not quiet:
        for severity, event, what in findings:
            print(f"{severity:<9} {event or '-'} {what}")
    verdict = {VIOLATION: "VIOLATED", OWED: "not fully provable", NOTE: "proven"}[worst]
    print(f"{path} INC-{record.incident}: {verdict}: {len(order)} events of {len({record.events[id]['writer'] for id in order})} writers")
    return {VIOLATION: 1, OWED: 2, NOTE: 0}[worst]


def records(path, forms, segments):
    if not os.path.isdir(path):
        raise Wrong(f"{path} is no directory")
    if any(name.endswith(".jsonl") for name in os.listdir(path)):
        yield read_segments(path, forms)
        return
    if git(path, "rev-parse", "--git-dir") is None:
        raise Wrong(f"{path} holds neither segments nor a repository")
    found = list(read_git(path, forms))
    if not found:
        raise Wrong(f"{path} holds no record")
    journal = read_segments(segments, forms) if segments else None
    for record in found:
        if journal and journal.incident == record.incident:
            for id in record.events.keys() - journal.events.keys():
                journal.find("it is published and not in the journal", event=id)
            unpublished = len(journal.events.keys() - record.events.keys())
            if unpublished:
                journal.find(f"{unpublished} events are not published yet", NOTE)
            journal.findings += record.findings
            yield journal
        else:
            yield record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library")
    parser.add_argument("--segments")
    parser.add_argument("--format", default=os.path.join(WHERE, "../../docs/record-format.md"))
    parser.add_argument("--ssh-keygen", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("paths", metavar="PATH", nargs="+")
    try:
        given = parser.parse_args()
    except SystemExit as end:
        return 64 if end.code else 0
    signed.Options.ssh_keygen = given.ssh_keygen
    library, forms, statuses = given.library, Forms(given.format), set()
    if library and os.path.isdir(f"{library}/.git"):
        library = f"{library}/.git"
    try:
        for path in given.paths:
            statuses |= {report(path, record, library, given.quiet) for record in records(path, forms, given.segments)}
    except Wrong as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 64
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:  # a fault of this script proves nothing, and is no verdict
        traceback.print_exc()
        sys.exit(70)
