"""What the events say, in their order: the walk, the checkpoints, and every judgement on a statement."""
import re
from types import SimpleNamespace as Of

from forms import PRINCIPAL, Wrong, digest, list_digest, millis, need, seconds, sha256, told_at
from policy import NO_GATE, NO_POLICY, People, accepts, covers, expand, fill, gate_of, is_secret, lets_override, many, read_policy, read_runbook, span_of, variables
from signed import SPACES, Signers, fingerprint, key_that_signed, percent, plain_of, read_statement
from words import lines_of, misleads, step_text, visible

NOTE, OWED, VIOLATION = "note", "owed", "violation"
SKEW = 5
# So long somebody may honestly not have heard that trust changed, in milliseconds.
UNHEARD = 24 * 3600 * 1000
# What a hardware key says: touched; touched and its user verified.
KEY_FLAGS = (0, 1, 5)
BY_HAND = ("manual", "decide", "ask", "parallel")
GOES_ON = ("note.added", "line.noted", "entry.described", "entry.linked", "entry.imported", "followup.opened", "followup.changed", "decision.named",
           "stage.submitted", "entry.corrected", "evidence.captured", "evidence.expunged", "trust.revoked", "hub.unreachable", "update.delivered",
           "update.undelivered", "override.reviewed",
           "incident.closed", "incident.reopened", "step.finished", "step.resolved", "journal.recovered", "exercise.clock",
           "exercise.injected", "exercise.answered", "exercise.refused", "exercise.sealed", "exercise.feedback", "exercise.ended")
# Who conducts an exercise, and who sees what is sealed in it.
FACILITATOR, CONTROLLERS = "facilitator", {"facilitator", "evaluator"}
CROSSED = ("state", "gone")
LATE = ("state", "gone", "denied", "changed", "late")


def approval_text(incident, record, requester):
    """What an approver reads: the `display` digest is over these bytes."""
    run = record["exec"]
    script = run["kind"] in ("run", "wait")
    verb = {"run": "will be done", "dry_run": "dry run", "roll_back": "ROLL BACK"}[run["purpose"]]
    limit = f"at most {run['timeout']}s" if run["timeout"] else "without a time limit"
    risk = record["risk"] if record["risk"] == "routine" else record["risk"].upper()
    rows = [
        ("incident", f"{incident.id} {'EXERCISE' if incident.mode == 'exercise' else 'LIVE'} {incident.title}"),
        ("step", f"{step_text(record['step'])} {record['title']}"), ("risk", risk), ("gate", record["gate"]), ("asked by", requester),
        ("runbook", "{path}@{commit} {sha256}".format(**record["runbook"])), ("policy", "{commit} {sha256}".format(**record["policy"])),
        ("runs" if script else "does", f"{verb} on {run['host']} as {run['run_as']} in {run['cwd']}, {limit}, by {record['executor']['principal']}"),
    ] + ([("shell", " ".join(run["shell"]))] if script else [])
    rows += [("file", f"{run['files'][path]} {path}") for path in sorted(run["files"], key=str.encode)]
    block = lambda text: [f"    {visible(row)}" for row in lines_of(text)]
    out = [f"{name:<10} {visible(value)}" for name, value in rows] + block(run["script"]) + ["with"]
    for name in sorted(record["vars"], key=str.encode):
        (kind, value), = record["vars"][name].items()
        out.append(f"    {visible(name)} = {visible(value) if kind == 'plain' else 'secret, not provable'}")
    for name, script in (("dry run", record["dry_run"]), ("undo", record["rollback"])):
        out += [name] + block(script) if script is not None else []
    return "".join(row + "\n" for row in out)


OTHER_TEXTS = "its texts are not what its digest says"


def read_ground(d):
    """What a pinned policy says, and why nothing can be approved under it, if so."""
    signers, broken = Signers(d["allowed_signers"]), None
    try:
        policy = read_policy(d["policy_yaml"])
    except (Wrong, KeyError, TypeError, AttributeError) as error:
        policy, broken = NO_POLICY, f"policy.yaml: {error}"
    if digest({"allowed_signers": sha256(d["allowed_signers"]), "policy": sha256(d["policy_yaml"])}) != d["policy"]["sha256"]:
        broken = OTHER_TEXTS
    return dict(pin=d["policy"], policy=policy, signers=signers, people=People(policy, signers), broken=broken or signers.problem, data=d)


class Fold:
    def __init__(self):
        self.incident, self.runs, self.overrides, self.closed, self.after = None, {}, {}, False, set()
        self.nonces, self.findings = set(), []
        self.crossings, self.proposal, self.expunged = [], None, {}
        self.duties, self.exercise = {}, None

    def apply(self, event):
        self.event, self.when, self.moment = event, seconds(told_at(event)), millis(told_at(event))
        name = event["kind"].replace(".", "_")
        self.follow(event)
        try:
            if self.belongs(event) and hasattr(self, name):
                getattr(self, name)(event, event["data"])
        except Wrong as wrong:
            self.findings.append((NOTE if wrong.kind == "conflict" else VIOLATION, event["sha256"], str(wrong)))

    def follow(self, event):
        """Who knows of what closed a request while its approvals still held."""
        self.crossings = [one for one in self.crossings if self.moment <= one.until]
        for one in self.crossings:
            if one.known.intersection(parents_of(event)):
                one.known.add(event["sha256"])

    def keep(self, at):
        """Keeps a request as it is before this event closes it."""
        request = at.request
        ends = [seconds(one.given["not-after"]) for one in request.approvals if one.given["not-after"]] if request else []
        if ends and not (request.denied or request.withdrawn or request.consumed):
            before = Of(**dict(vars(request), approvals=[Of(**vars(one)) for one in request.approvals]))
            self.crossings.append(Of(at=at, step=request.record["step"], before=before, incident=self.incident,
                                     known={self.event["sha256"]}, until=(max(ends) + SKEW) * 1000))

    def flag(self, what, severity=VIOLATION):
        self.findings.append((severity, self.event["sha256"], what))

    def belongs(self, event):
        if self.incident is None:
            return True
        here = event["incident"] == self.incident.id and event["mode"] == self.incident.mode
        need(here, "it belongs to another incident or mode")
        if not self.closed:
            return True
        knows = any(parent in self.after for parent in parents_of(event))
        if knows:
            self.after.add(event["sha256"])
        if event["kind"] not in GOES_ON:
            need(not knows, f"{event['kind']} was recorded after closing")
            self.flag(f"{event['kind']} crossed with the closing", NOTE)
        return True

    # ---- beginnings

    def incident_started(self, event, d):
        need(self.incident is None, "a second beginning of this incident", "conflict")
        ground = read_ground(d)
        if ground["broken"] == OTHER_TEXTS:
            self.flag("the policy texts are not what their digest says")
        self.incident = Of(id=event["incident"], genesis=event["sha256"], by=event["person"], title=d["title"], mode=event["mode"], **ground)

    def run_started(self, event, d):
        need(d["run"] not in self.runs, "a second run of this name", "conflict")
        pin = d["runbook"]
        need(sha256(pin["text"]) == pin["sha256"], "the runbook is not what its digest says")
        book = read_runbook(pin["text"])
        if d["parent"]:
            run, step, at = self.find(d["parent"])
            called = at.status == "running" and at.attempt == d["parent"]["attempt"] and at.writer == event["writer"]
            need(called and step.kind == "uses" and step.body == book.id, "it stands for a step that did not call it")
        for name in [*d["inputs"], *d["secrets"]]:
            need(name in book.inputs and is_secret(book.inputs[name]) == (name in d["secrets"]), f"its runbook does not ask for {name}")
        values = {name: (text, event["person"], None) for name, text in d["inputs"].items()}
        values.update({name: (None, event["person"], None) for name in d["secrets"]})
        steps = {id: Of(status="todo", attempt=1, tries=0, writer=None, record=None, twins={}, request=None, performers=set(), claimed=None, claimed_attempt=0) for id in book.steps}
        self.runs[d["run"]] = Of(id=d["run"], pin=pin, book=book, parent=d["parent"], values=values, steps=steps, at=next(iter(steps), None))

    # ---- an exercise

    def has_duty(self, who, duties):
        need(self.duties.get(who, set()) & duties, f"{who} is no {' or '.join(sorted(duties))} of this exercise")

    def role_assigned(self, event, d):
        if self.incident and self.incident.mode == "exercise" and d["role"] in CONTROLLERS:
            begins = event["person"] == self.incident.by and not any(duties & CONTROLLERS for duties in self.duties.values())
            if not begins:
                self.has_duty(event["person"], {FACILITATOR})
        self.duties.setdefault(d["who"], set()).add(d["role"])

    def exercise_started(self, event, d):
        first = self.incident and event["person"] == self.incident.by and event["prev"] == self.incident.genesis
        need(first and event["mode"] == "exercise" and not self.exercise, "the script of an exercise stands at its beginning and nowhere else")
        self.exercise = Of(on=True)

    def exercise_refused(self, event, d):
        need(self.exercise, "it is of an exercise, and nothing of one has begun")

    exercise_feedback = exercise_refused

    def exercise_sealed(self, event, d):
        self.exercise_refused(event, d)
        self.has_duty(event["person"], CONTROLLERS)

    def exercise_clock(self, event, d):
        self.exercise_refused(event, d)
        self.has_duty(event["person"], {FACILITATOR})
        need(self.exercise.on, f"{event['kind']} crossed with the end", "conflict")

    exercise_injected = exercise_answered = exercise_clock

    def exercise_ended(self, event, d):
        self.exercise_clock(event, d)
        self.exercise.on = False

    # ---- steps

    def find(self, step):
        need(self.incident, "this record has no beginning", "gone")
        run = self.runs.get(step["run"])
        need(run and step["step"] in run.steps, f"there is no step {step_text(step)}", "gone")
        return run, run.book.steps[step["step"]], run.steps[step["step"]]

    def place(self, step):
        try:
            return self.find(step)
        except Wrong as wrong:
            raise Wrong(str(wrong), "conflict") from None

    def open(self, step):
        run, spec, at = self.place(step)
        need(at.attempt == step["attempt"] and at.status not in ("done", "skipped"), f"{step_text(step)} was over already", "conflict")
        return run, spec, at

    def gate(self, run, spec):
        """As it is when the event at hand was recorded."""
        return gate_of(self.incident.policy, run.book, spec, plain(run), self.moment)

    def no_stricter(self, run, spec, asked):
        gate = self.gate(run, spec)
        need(gate is None or covers(asked, gate), f"the gate of {spec.id} asks for more by now", "changed")

    def same_as_asked(self, run, spec, at, request):
        self.same_as_state(run, spec, at, request.record, gate=request.record["gate"])
        self.no_stricter(run, spec, request.gate)

    def still(self, run, spec, gate):
        try:
            self.no_stricter(run, spec, gate)
            return True
        except Wrong:
            return False

    def step_claimed(self, event, d):
        _, _, at = self.place(d["step"])
        theirs = at.claimed not in (None, event["person"]) and at.claimed_attempt == d["step"]["attempt"]
        need(not theirs, "somebody else has it", "conflict")
        at.claimed, at.claimed_attempt = event["person"], d["step"]["attempt"]

    def step_started(self, event, d):
        record = d["record"]
        step, purpose = record["step"], record["exec"]["purpose"]
        run, spec, at = self.place(step)
        taken = purpose == "run" and (at.status in ("running", "done", "skipped") or step["attempt"] != next_attempt(at))
        need(not taken, f"{step_text(step)} was started by somebody else too", "conflict")
        self.is_executor(record, event)
        gated = self.gate(run, spec) is not None and purpose != "dry_run"
        over = self.override_for(record)
        mine = (at.claimed, at.claimed_attempt) == (event["person"], step["attempt"])
        need(purpose != "run" or not spec.exclusive or mine or over, f"{step_text(step)} is for one only and was started unclaimed")
        if not gated:
            self.as_written(run, spec, at, record)
        elif not (at.request and at.request.consumed and at.request.record == record and self.still(run, spec, at.request.gate)) and not (
                over and self.still(run, spec, over.gate)):
            self.flag(f"{step_text(step)} was started without the approvals its checkpoint asks for")
            if not (at.request and at.request.record == record or any(one.record == record for one in self.overrides.values())):
                return
        if purpose == "run":
            at.status, at.attempt, at.tries = "running", step["attempt"], at.tries + 1
            at.writer, at.record = event["writer"], record
            if gated:
                at.performers.add(event["person"])
        else:
            at.twins[purpose] = Of(running=True, record=record)
        if purpose != "dry_run" and over is not None:
            over.used = True

    def is_executor(self, record, event):
        mine = {"principal": event["person"], "host": event["host"], "writer": event["writer"]}
        need(record["executor"] == mine, "its record names another person, machine or journal")

    def override_for(self, record):
        fits = [over for id, over in sorted(self.overrides.items())
                if not over.used and over.review is None and over.record == record and self.when <= over.until]
        return fits[0] if fits else None

    def as_written(self, run, spec, at, record):
        """Values may have crossed on the way; scripts cannot."""
        try:
            self.same_as_state(run, spec, at, record)
        except Wrong as wrong:
            script = {"dry_run": spec.file.get("dry_run"), "roll_back": spec.file.get("rollback")}.get(record["exec"]["purpose"])
            if record["exec"]["purpose"] == "run":
                script = spec.body if spec.kind == "run" else spec.body.get("until") if spec.kind == "wait" else None
            same = (script is None or script == record["exec"]["script"]) and record["exec"]["kind"] == spec.kind and record["risk"] == spec.risk
            need(same and record["runbook"]["sha256"] == run.pin["sha256"] and record["policy"] == self.incident.pin, str(wrong))
            self.flag(str(wrong), NOTE)

    def says(self, step, fits):
        try:
            run, spec, at = self.find(step)
        except Wrong:
            return
        need(fits(run, spec), f"it says what {step_text(step)} cannot say")

    def step_finished(self, event, d):
        declared = lambda spec, name, secret: d["purpose"] == "run" and name in spec.outputs and is_secret(spec.outputs[name]) == secret
        self.says(d["step"], lambda run, spec: all(declared(spec, name, False) for name in d["outputs"]) and all(declared(spec, name, True) for name in d["secrets"]))
        if d["purpose"] != "run":
            _, _, at = self.place(d["step"])
            twin = at.twins.get(d["purpose"])
            mine = {"principal": event["person"], "host": event["host"], "writer": event["writer"]}
            need(twin and twin.running and twin.record["executor"] == mine, "nothing of that ran there", "conflict")
            twin.running = False
            return
        run, spec, at = self.open(d["step"])
        need(at.status == "running" and at.writer == event["writer"], "it was started by somebody else", "conflict")
        run.values.update({name: (text, event["person"], spec.id) for name, text in d["outputs"].items()})
        run.values.update({name: (None, event["person"], spec.id) for name in d["secrets"]})
        self.outcome(run, spec, at, d["outcome"])
        self.settle_parents(run)

    def outcome(self, run, spec, at, outcome):
        at.status = {"succeeded": "done", "failed": "failed", "unknown": "unknown"}[outcome]
        if outcome == "succeeded":
            self.advance(run, spec.id, spec.next)
        elif outcome == "failed" and not (at.tries < spec.retry and (at.record is None or at.record["gate"] == "-")):
            if spec.goes_on or spec.failure:
                self.advance(run, spec.id, spec.failure or spec.next)

    def step_done(self, event, d):
        def fits(run, spec):
            return spec.kind not in ("decide", "ask") and (spec.kind != "manual" or all(item in d["checklist"] for item in spec.checklist))
        self.says(d["step"], fits)
        self.not_running(d["step"])
        self.let_through(d["step"])
        self.complete(d["step"])

    def step_chosen(self, event, d):
        options = lambda spec: {one["label"]: one.get("next") for one in spec.file.get("options") or []} if spec.kind == "decide" else {}
        self.says(d["step"], lambda run, spec: d["label"] in options(spec))
        self.let_through(d["step"])
        run, spec, _ = self.open(d["step"])
        self.complete(d["step"], options(spec)[d["label"]])
        name = spec.id.replace("-", "_")
        if name not in run.values or run.values[name][2] is not None:
            run.values[name] = (d["label"], event["person"], spec.id)

    def step_answered(self, event, d):
        def fits(run, spec):
            asked = spec.body if spec.kind == "ask" else {}
            clear = all(name in asked and not is_secret(asked[name]) and accepts(asked[name], text) for name, text in d["answers"].items())
            return spec.kind == "ask" and clear and all(name in asked and is_secret(asked[name]) for name in d["secrets"])
        self.says(d["step"], fits)
        self.let_through(d["step"])
        run, spec, _ = self.open(d["step"])
        run.values.update({name: (text, event["person"], spec.id) for name, text in d["answers"].items()})
        run.values.update({name: (None, event["person"], spec.id) for name in d["secrets"]})
        self.complete(d["step"])

    def step_skipped(self, event, d):
        self.not_running(d["step"])
        self.complete(d["step"], status="skipped")

    def step_resolved(self, event, d):
        run, spec, at = self.place(d["step"])
        need(at.attempt == d["step"]["attempt"] and at.status in ("unknown", "failed"), "somebody else resolved it too", "conflict")
        if d["outcome"] == "succeeded":
            at.status = "done"
            self.advance(run, spec.id, spec.next)
        elif d["outcome"] == "failed" and at.status != "failed":
            self.outcome(run, spec, at, "failed")
        self.settle_parents(run)

    def not_running(self, step):
        try:
            _, spec, at = self.find(step)
        except Wrong:
            return
        need(at.status != "running" or spec.by_hand or spec.kind in BY_HAND, f"{step_text(step)} ran", "conflict")

    def let_through(self, step):
        try:
            run, spec, at = self.find(step)
        except Wrong:
            return
        need(at.status == "running" or self.gate(run, spec) is None, f"{step_text(step)} has a checkpoint and did not pass it")

    def complete(self, step, to=None, status="done"):
        run, spec, at = self.open(step)
        at.status = status
        self.advance(run, spec.id, to or spec.next)
        self.settle_parents(run)

    def advance(self, run, here, to):
        if run.at != here:
            return
        order = list(run.steps)
        if to == "end":
            run.at = None
        elif to is not None:
            run.at = to
            if to in run.steps:
                first, last = order.index(to), order.index(here)
                for id in order[first:max(first, last) + 1]:
                    at = run.steps[id]
                    if (first <= last or id == to) and at.status not in ("todo", "running"):
                        at.status, at.attempt, at.tries, at.record = "todo", at.attempt + 1, 0, None
        else:
            below = order[order.index(here) + 1:]
            run.at = next((id for id in below if run.steps[id].status not in ("done", "skipped")), None)

    def settle_parents(self, run):
        while run and run.at is None and run.parent:
            step, above = run.parent, self.runs.get(run.parent["run"])
            at = above.steps.get(step["step"]) if above else None
            if not at or at.attempt != step["attempt"] or at.status != "running":
                return
            at.status = "done"
            self.advance(above, step["step"], above.book.steps[step["step"]].next)
            run = above

    # ---- what a step will do

    def same_as_state(self, run, spec, at, record, gate=None):
        """That the record is what runbook and values make of the step. What the executor's site gives is taken from it."""
        values, given, purpose = plain(run), record["exec"], record["exec"]["purpose"]
        hidden = {name for name, value in run.values.items() if value[0] is None}
        marks = {name: var for name, var in record["vars"].items() if "secret" in var}
        script = self.script(run, spec, purpose, values, hidden)
        if spec.kind in ("run", "wait"):
            self.needs(run, spec, script, values, marks)
        made = {name: {"plain": text} for name, text in values.items()}
        made.update({name: marks[name] for name in hidden if name in marks})
        made.update({name: {"plain": expand(text, values)} for name, text in spec.env.items()})
        made["RUNSHEET_INCIDENT"] = {"plain": self.incident.id}
        made["RUNSHEET_STEP"] = {"plain": f"{run.id}/{spec.id}"}
        now = self.gate(run, spec)
        cwd = spec.file.get("cwd")
        exec = dict(given, kind=spec.kind, script=script, shell=spec.shell, cwd=given["cwd"] if cwd is None else expand(cwd, values),
                    env=sorted(made, key=str.encode), stdin="", timeout=spec.timeout)
        attempt = next_attempt(at) if purpose == "run" else at.attempt
        whole = dict(
            record, step={"attempt": attempt, "run": run.id, "step": spec.id}, title=spec.title, risk=spec.risk, exec=exec, vars=made,
            dry_run=spec.file.get("dry_run"), rollback=spec.file.get("rollback"), gate=gate or (now.text if now else "-"),
            runbook={name: run.pin[name] for name in ("commit", "path", "sha256")}, policy=self.incident.pin)
        for name in whole:
            need(whole[name] == record[name], f"`{name}` of {spec.id} is not what runbook and values make of it", "changed")

    def script(self, run, spec, purpose, values, hidden):
        if purpose != "run":
            script = spec.file.get({"dry_run": "dry_run", "roll_back": "rollback"}[purpose])
            need(script is not None, f"step {spec.id} has nothing of that purpose")
            return script
        body = spec.body
        match spec.kind:
            case "run": return body
            case "wait":
                if body.get("until") is not None:
                    return body["until"]
                return f"wait {(span_of(body.get('for')) or span_of(body.get('every'), 5000)) // 1000}s"
            case "notify": return f"tell {body['audience']}: {fill(body['message'], values, hidden)}"
            case "uses": return f"walk {body}" + "".join(f" {name}={expand(text, values)}" for name, text in (spec.file.get("with") or {}).items())
            case "collect":
                rows = []
                for name in many(body.get("logs")):
                    log = run.book.logs.get(name) or {}
                    source = expand(log["file"], values) if "file" in log else f"$ {log['run']}" if "run" in log else f"journal of {log['journal']}" if log else None
                    rows.append(f"collect {name}" + (f": {source}" if source is not None else ""))
                return "\n".join(rows + [f"collect {expand(path, values)}" for path in many(body.get("files"))])
        return fill(spec.file.get("instructions") or "", values, hidden) + "".join(f"\n[ ] {item}" for item in spec.checklist)

    def needs(self, run, spec, script, values, marks):
        words = re.split("[ \t\n;(&|]", script)
        pairs = list(zip(words, words[1:]))
        for name in variables(script):
            own = any(word.startswith(name + "=") for word in words) or any(a in ("read", "for", "export", "local") and b == name for a, b in pairs)
            if own or name in spec.outputs or name in values or name in marks:
                continue
            need(name not in run.values, f"step {spec.id} needs the secret value {name}")
            gives = any(name in step.outputs or step.kind == "ask" and name in step.body for step in run.book.steps.values())
            need(not gives, f"step {spec.id} uses {name}, which is not known yet", "state")

    def performers(self, run, spec, at):
        texts = [spec.file.get(name) for name in ("rollback", "dry_run", "cwd")] + list(spec.env.values())
        body = spec.body
        match spec.kind:
            case "run": texts.append(body)
            case "wait": texts.append(body.get("until"))
            case "uses": texts += (spec.file.get("with") or {}).values()
            case "collect":
                logs = [run.book.logs.get(name) or {} for name in many(body.get("logs"))]
                texts += [log.get(key) for log in logs for key in ("file", "run", "journal")] + many(body.get("files")) + [body.get("match")]
        named = {name for text in texts if text for name in variables(text)}
        return at.performers | {run.values[name][1] for name in named if name in run.values}

    # ---- checkpoints

    def asked_for(self, d, step):
        """The step, its gate and its open request."""
        run, spec, at = self.find(step)
        request = at.request
        need(request and request.record["step"] == step, "nobody has asked for approval of it", "state")
        need(not request.denied, "it was denied", "denied")
        need(not request.withdrawn, "the request was withdrawn", "state")
        need(not request.consumed, "the approvals of this request are used up", "late")
        return run, spec, at, request

    def may_ask(self, record, override=False):
        run, spec, at = self.find(record["step"])
        need(not self.incident.broken, f"the pinned policy cannot be used: {self.incident.broken}")
        gate = self.gate(run, spec)
        need(gate or override and spec.exclusive, f"step {spec.id} has no checkpoint", "state")
        fits = ("done", "failed", "unknown") if record["exec"]["purpose"] == "roll_back" else ("todo", "failed")
        need(at.status in fits, f"step {spec.id} is {at.status}", "state")
        return run, spec, at, gate or NO_GATE

    def plain_to_see(self, record):
        texts = [record["exec"]["script"], record["dry_run"], record["rollback"], record["exec"]["cwd"]]
        texts += [var["plain"] for var in record["vars"].values() if "plain" in var]
        need(not any(misleads(row) for text in texts if text is not None for row in lines_of(text)), "it holds characters that hide or reorder text")

    def expected(self, record, requester, decision):
        principal = record["executor"]["principal"]
        counts = [int(first) for first in (need.split(" ")[0] for need in record["gate"].split(";")[0].split(", ")) if re.fullmatch(r"\+?[0-9]+", first)]
        rule = record["gate"].split(";")[0].replace(", ", ".").replace(" ", "-").replace("+", "_and_")[:128]
        rule = rule if rule and record["gate"] != "-" else "none"
        return {
            "incident": self.incident.id, "genesis": self.incident.genesis, "policy": "{commit} {sha256}".format(**record["policy"]),
            "runbook": f"{record['runbook']['commit']} {percent(record['runbook']['path'])} {record['runbook']['sha256']}",
            "step": step_text(record["step"]), "request": digest(record), "frontier": None, "exec": digest(record["exec"]), "vars": digest(record["vars"]),
            "display": sha256(approval_text(self.incident, record, requester)), "requester": requester,
            "executor": "{principal}/{host}/{writer}".format(**record["executor"]) if PRINCIPAL.fullmatch(principal) else None,
            "approver": None, "role": None, "quorum": f"{max(counts, default=0)}/{rule}", "decision": decision, "consumes": None}

    def compare(self, signed, expected, signer):
        header, given = read_statement(signed["statement"])
        need(header == "runsheet-approval v1", "it is a statement of another kind")
        self.incident.signers.verify(signed, self.incident.mode, signer, self.when)
        for name in ("incident", "genesis", "step", "decision", "approver"):
            need(given[name] == expected[name], f"the statement was made for something else: `{name}`")
        for name, value in expected.items():
            need(given[name] == value, f"the statement is not about what is asked here: `{name}`", "changed")
        need(given["nonce"] not in self.nonces, "this statement was used before")
        need(given["not-before"] and seconds(given["not-before"]) <= self.when + SKEW, "the statement is not valid yet")
        return given

    def not_earlier(self, at, than):
        need(at is not None and than is not None and at + SKEW >= than, "it is older than what it is about")

    def within(self, given, limit):
        need(given["not-before"] and given["not-after"], "the statement says no time until which it holds")
        need(seconds(given["not-after"]) - seconds(given["not-before"]) <= limit, "the statement claims to hold longer than policy lets it")
        need(self.when <= seconds(given["not-after"]), "the statement has expired")

    def judge(self, work, crossed):
        """What two people at once may meet is a conflict, unless nobody signed it so; all else is a violation."""
        try:
            return work()
        except Wrong as wrong:
            late = wrong.kind in crossed
            lie = self.lie() if late or crossed and self.unheard() else None
            if late and lie:
                raise Wrong(lie) from None
            moved = crossed and self.unheard() and not lie
            raise Wrong(str(wrong), "conflict" if late or moved else "lie") from None

    def unheard(self):
        """The incident as it was before each change of trust that the event at hand has not heard of."""
        return [one.incident for one in self.crossings if one.before is None and not one.known.intersection(parents_of(self.event))]

    def trust_moves(self):
        self.crossings.append(Of(at=None, step=None, before=None, incident=self.incident, known={self.event["sha256"]}, until=self.moment + UNHEARD))

    def lie(self):
        """What is not so about the words of an event that came too late to change anything, if anything."""
        d = self.event["data"]
        if "signed" not in d or not self.incident:
            return None
        try:
            header, given = read_statement(d["signed"]["statement"])
            need(given["incident"] == self.incident.id, "its statement is about another incident")
            if header == "runsheet-approval v1":
                need(given["genesis"] == self.incident.genesis, "its statement says another genesis")
                record = d.get("record")
                step = d.get("step") or record and record["step"]
                need(not step or given["step"] == step_text(step), "its statement says another step")
                for name, part in (("request", record), ("exec", record and record["exec"]), ("vars", record and record["vars"])):
                    need(part is None or given[name] == digest(part), f"its statement says another {name} than the event")
            why = None
            for incident in [self.incident, *self.unheard()]:
                try:
                    return incident.signers.verify(d["signed"], incident.mode, signer_of(self.event), self.when)
                except Wrong as wrong:
                    why = why or wrong
            raise why
        except Wrong as wrong:
            return str(wrong)

    def checkpoint_requested(self, event, d):
        def work():
            run, spec, at, gate = self.may_ask(d["record"])
            self.same_as_state(run, spec, at, d["record"])
            self.plain_to_see(d["record"])
            given = self.compare(d["signed"], self.expected(d["record"], event["person"], "request"), event["person"])
            self.nonces.add(given["nonce"])
            self.keep(at)
            at.performers.add(event["person"])
            at.request = Of(record=d["record"], given=given, by=event["person"], gate=gate, approvals=[], denied=False, withdrawn=False, consumed=None)
        self.judge(work, CROSSED)

    def answer(self, event, d, decision):
        def work():
            run, spec, at, request = self.asked_for(d, d["step"])
            who, role, person = self.eligible(run, spec, at, request, signer_of(event))
            people = self.incident.people
            again = decision == "approve" and any(people.same(one.person, person) for one in request.approvals if not one.revoked)
            need(not again, f"{person} has approved this already", "state")
            self.same_as_asked(run, spec, at, request)
            expected = self.expected(request.record, request.by, decision)
            expected.update(frontier=list_digest("heads", d["frontier"]), approver=who, role=role)
            given = self.compare(d["signed"], expected, who)
            self.not_earlier(moment(given, "not-before"), moment(request.given, "not-before"))
            if decision == "deny":
                need(given["reason"] and plain_of(given["reason"]).strip(), "the reason is empty")
                self.keep(at)
                request.denied = True
            else:
                key, flags = key_that_signed(d["signed"]["statement"], d["signed"]["signature"], SPACES[self.incident.mode])
                need(flags & KEY_FLAGS[request.gate.keys] == KEY_FLAGS[request.gate.keys], "its key does not prove what the gate asks for")
                self.within(given, request.gate.expires)
                request.approvals.append(Of(event=event["sha256"], person=person, given=given, digest=sha256(d["signed"]["statement"]),
                                            key=fingerprint(key), revoked=False))
            self.nonces.add(given["nonce"])
        self.judge(work, LATE)

    def checkpoint_approved(self, event, d):
        self.answer(event, d, "approve")

    def checkpoint_denied(self, event, d):
        self.answer(event, d, "deny")

    def eligible(self, run, spec, at, request, who):
        people = self.incident.people
        person = people.owner.get(who)
        need(person, f"{who} is nobody the pinned policy names")
        role = next((need[0] for need, _ in request.gate.needs if people.fits(person, need)), None)
        need(role, f"{who} has none of the roles asked for")
        is_this = lambda principal: people.same(people.person(principal), person)
        need(not is_this(request.by) and not is_this(request.record["executor"]["principal"]), f"{who} asked for it or will run it")
        for no in request.gate.no:
            if no == "performer":
                need(not any(map(is_this, self.performers(run, spec, at))), f"{who} had a hand in this step or in a value it uses")
            elif no == "author":
                self.not_author(run, spec, person)
            elif no.startswith("approver-of:"):
                other = run.steps.get(no[12:])
                approved = other and other.request and any(people.same(one.person, person) for one in other.request.approvals)
                need(not approved, f"{who} approved {no[12:]}")
        return who, role, person

    def not_author(self, run, spec, person):
        people, policy = self.incident.people, self.incident.policy
        authors = run.pin["authors"].get(spec.id, [])
        need(authors or policy.unknown_authors, "author unknown")
        for address in authors:
            author = people.emails.get("".join(c.lower() if c.isascii() else c for c in address))
            need(author is not None or policy.unknown_authors, f"author unknown: {address}")
            need(author is None or not people.same(author, person), f"{person} wrote this step")

    def checkpoint_withdrawn(self, event, d):
        def work():
            *_, at, request = self.asked_for(d, d["step"])
            need(request.by == event["person"], "only who asked can take it back")
            given = self.compare(d["signed"], self.expected(request.record, request.by, "withdraw"), event["person"])
            self.nonces.add(given["nonce"])
            self.keep(at)
            request.withdrawn = True
        self.judge(work, LATE)

    def checkpoint_consumed(self, event, d):
        if self.crossed(event, d):
            return
        run = self.runs.get(d["step"]["run"])
        at = run.steps.get(d["step"]["step"]) if run else None
        if at and at.request:
            self.is_executor(at.request.record, event)
        self.judge(lambda: self.consume(event, d), ())

    def crossed(self, event, d):
        """Whether it holds by what its host knew: it had not heard of what closed the request."""
        for one in self.crossings:
            if one.before is None or one.step != d["step"] or one.known.intersection(parents_of(event)):
                continue
            now = self.incident, one.at.request
            self.incident, one.at.request = one.incident, one.before
            try:
                self.is_executor(one.before.record, event)
                self.consume(event, d)
            except Wrong:
                one.at.request = now[1]
                continue
            finally:
                self.incident = now[0]
            self.crossings = [other for other in self.crossings if other.step != d["step"]]
            self.flag("it passed the checkpoint before hearing that its request was closed", NOTE)
            return True
        return False

    def consume(self, event, d):
        run, spec, at, request = self.asked_for(d, d["step"])
        people, gate = self.incident.people, request.gate
        live = [one for one in request.approvals if not one.revoked and one.given["not-after"] and self.when <= seconds(one.given["not-after"])]
        for who, count in gate.needs:
            have = {people.first(one.person) for one in live if people.fits(one.person, who)}
            need(len(have) >= count, f"{len(have)} of {count} approvals by {who[0]} stand")
        need(sorted(one.event for one in live) == sorted(d["approvals"]), "the approvals named are not those that stand")
        need(request.record["executor"]["principal"] == event["person"], "it was approved for somebody else to run")
        self.same_as_asked(run, spec, at, request)
        expected = self.expected(request.record, request.by, "consume")
        expected.update(consumes=list_digest("approvals", [one.digest for one in live]))
        given = self.compare(d["signed"], expected, event["person"])
        for one in request.approvals:
            self.not_earlier(moment(given, "not-before"), moment(one.given, "not-before"))
            self.not_earlier(self.when, moment(one.given, "not-before"))
        self.nonces.add(given["nonce"])
        at.performers.add(event["person"])
        request.consumed = event["sha256"]

    def checkpoint_overridden(self, event, d):
        def work():
            record, by = d["record"], event["person"]
            run, spec, at, gate = self.may_ask(record, override=True)
            people = self.incident.people
            need(lets_override(self.incident.policy, run.book, spec, plain(run)), f"nobody may override step {spec.id}")
            need(people.owner.get(by) and people.may_override(people.owner[by]), f"{by} may not override")
            self.same_as_state(run, spec, at, record)
            self.plain_to_see(record)
            given = self.compare(d["signed"], dict(self.expected(record, by, "override"), approver=by), by)
            need(plain_of(given["reason"]).strip(), "the reason is empty")
            self.within(given, self.incident.policy.override_span // 1000)
            self.nonces.add(given["nonce"])
            self.overrides[event["sha256"]] = Of(record=record, by=by, person=people.person(by), until=seconds(given["not-after"]), gate=gate, used=False, review=None)
            at.performers.add(by)
        self.judge(work, CROSSED)

    # ---- what changes the ground

    def checkpoint_delegated(self, event, d):
        def work():
            run, spec, at, request = self.asked_for(d, d["step"])
            *_, one = self.eligible(run, spec, at, request, event["person"])
            *_, other = self.eligible(run, spec, at, request, d["to"])
            need(not self.incident.people.same(one, other), "both are one person")
        self.judge(work, LATE)

    def steps(self):
        return [at for run in self.runs.values() for at in run.steps.values() if at.request]

    def trust_revoked(self, event, d):
        if not self.incident:
            return
        takes = lambda gone, one: gone["who"] == one.given["approver"] and (
            gone["key"] == one.key if gone["key"] is not None else gone["role"] in (None, one.given["role"]))
        rests = lambda request: not request.consumed and any(takes(gone, one) for gone in d["revoked"] for one in request.approvals)
        resting = [at for at in self.steps() if rests(at.request)]
        for at in resting:
            self.keep(at)
        self.trust_moves()
        people, signers = self.incident.people, self.incident.signers
        for gone in d["revoked"]:
            if gone["role"] is not None:
                people = people.without(gone["who"], gone["role"])
            else:
                signers = signers.without(gone["who"], gone["key"])
        self.incident = Of(**dict(vars(self.incident), people=people, signers=signers))
        for at in resting:
            for one in at.request.approvals:
                one.revoked = one.revoked or any(takes(gone, one) for gone in d["revoked"])

    def has_a_say(self, by):
        people = self.incident.people
        need(people.owner.get(by) and any(people.has(people.person(by), role) for role in ("commander", "approver")), f"{by} has no say in this")
        return people.person(by)

    def policy_word(self, event, d, pin):
        need(self.incident, "this record has no beginning", "gone")
        people, asks, by = self.incident.people, self.incident.policy.adopt, event["person"]
        need(people.owner.get(by) and any(people.has(people.person(by), role) for role in asks.roles), f"{by} has no say in which policy holds")
        need(pin != self.incident.pin, "this policy holds already", "state")
        self.record_statement(event, d, "runsheet-policy v1", {"adopts": "{commit} {sha256}".format(**pin), "adopter": by}, keys=asks.keys)
        self.proposal.by.add(people.person(by))
        agreed = [one for one in self.proposal.by if any(people.has(one, role) for role in asks.roles)]
        if len(agreed) < asks.count or any(sum(people.has(one, role) for one in agreed) < count for role, count in asks.of_them.items()):
            return
        for at in self.steps():
            self.keep(at)
        self.trust_moves()
        self.incident = Of(**dict(vars(self.incident), **read_ground(self.proposal.data)))
        self.proposal = None
        for at in self.steps():
            at.request = at.request if at.request.consumed else None

    def policy_proposed(self, event, d):
        def work():
            broken = read_ground(d)["broken"]
            need(not broken, f"the proposed policy cannot be used: {broken}")
            before, self.proposal = self.proposal, Of(event=event["sha256"], data=d, by=set())
            try:
                self.policy_word(event, d, d["policy"])
            except Wrong:
                self.proposal = before
                raise
        self.judge(work, CROSSED)

    def policy_seconded(self, event, d):
        def work():
            need(self.incident, "this record has no beginning", "gone")
            need(self.proposal and self.proposal.event == d["proposed"], "no such policy waits", "state")
            people = self.incident.people
            need(not any(people.same(one, people.person(event["person"])) for one in self.proposal.by), "they agreed already", "state")
            self.policy_word(event, d, self.proposal.data["policy"])
        self.judge(work, CROSSED)

    def evidence_expunged(self, event, d):
        def work():
            need(self.incident, "this record has no beginning", "gone")
            people, person = self.incident.people, self.has_a_say(event["person"])
            words = self.expunged.get(d["evidence"]) or Of(by={}, done=False, event=None)
            need(not words.done and not any(people.same(one, person) for one in words.by), "it is taken out, or they said so already", "state")
            given = self.record_statement(event, d, "runsheet-expunge v1", {"evidence": d["evidence"], "expunger": event["person"]}, reason=True)
            self.expunged[d["evidence"]] = words
            words.by[person], words.event = given, event["sha256"]
            words.done = len({people.first(one) for one in words.by}) >= 2
        self.judge(work, CROSSED)

    # ---- statements about the record

    def record_statement(self, event, d, header, expected, reason=False, keys=0):
        found, given = read_statement(d["signed"]["statement"])
        need(found == header, "it is a statement of another kind")
        self.incident.signers.verify(d["signed"], self.incident.mode, event["person"], self.when)
        pin = self.incident.pin
        expected = dict(expected, incident=self.incident.id, genesis=self.incident.genesis, policy=f"{pin['commit']} {pin['sha256']}")
        for name, value in expected.items():
            need(given[name] == value, f"the statement is not about what is asked here: `{name}`", "changed")
        need(given["nonce"] not in self.nonces, "this statement was used before")
        _, flags = key_that_signed(d["signed"]["statement"], d["signed"]["signature"], SPACES[self.incident.mode])
        need(flags & KEY_FLAGS[keys] == KEY_FLAGS[keys], "its key does not prove what policy asks for")
        need(not reason or given["reason"] and plain_of(given["reason"]).strip(), "the reason is empty")
        self.nonces.add(given["nonce"])
        return given

    def override_reviewed(self, event, d):
        def work():
            need(self.incident, "this record has no beginning", "gone")
            over, people, by = self.overrides.get(d["overridden"]), self.incident.people, event["person"]
            need(over, "it reviews no override", "gone")
            need(over.review is None, "this override was reviewed already", "state")
            need(not people.same(people.person(by), over.person), f"{by} made this override")
            roles = ["approver", "commander", *self.incident.policy.override_roles]
            need(people.owner.get(by) and any(people.has(people.owner[by], role) for role in roles), f"{by} may not review")
            need(d["overridden"] in d["events"], "the review does not list the override it is about")
            _, given = read_statement(d["signed"]["statement"])
            need(given.get("reason") and plain_of(given["reason"]).strip(), "the reason is empty")
            self.record_statement(event, d, "runsheet-review v1", {
                "override": d["overridden"], "events": list_digest("events", d["events"]), "reviewer": by,
                "decision": "accepted" if d["accepted"] else "rejected"})
            over.review = event["sha256"]
        self.judge(work, CROSSED)

    def ending(self, event, d, decision):
        def work():
            need(self.incident, "this record has no beginning", "gone")
            people, by = self.incident.people, event["person"]
            need(people.owner.get(by) and people.has(people.owner[by], "commander"), f"{by} is no commander")
            owed = any(over.review is None for over in self.overrides.values())
            need(decision == "reopen" or not owed, "an override owes a review", "state")
            need(decision == "close" or self.closed, "the incident is not closed", "state")
            self.record_statement(event, d, "runsheet-close v1", {"heads": list_digest("heads", d["heads"]), "closer": by, "decision": decision})
            self.closed, self.after = decision == "close", {event["sha256"]} if decision == "close" else set()
        self.judge(work, CROSSED)

    def incident_closed(self, event, d):
        self.ending(event, d, "close")

    def incident_reopened(self, event, d):
        self.ending(event, d, "reopen")


def plain(run):
    return {name: value[0] for name, value in run.values.items() if value[0] is not None}


def next_attempt(at):
    return at.attempt + (at.status != "todo")


def moment(given, name):
    return seconds(given[name]) if given[name] else None


def parents_of(event):
    return ([event["prev"]] if event["prev"] else []) + event["seen"]


def signer_of(event):
    """Whose signature it must be: an answer may be recorded by somebody else than who gave it."""
    try:
        _, given = read_statement(event["data"]["signed"]["statement"])
        named = given.get("approver") if event["kind"] in ("checkpoint.approved", "checkpoint.denied") else None
        return named or event["person"]
    except Wrong:
        return event["person"]
