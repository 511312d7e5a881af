//! The shape people write as a runbook: every key with what it is for, each value with its place.
//! Knows nothing of what the values mean together; `check` does.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::decode::{At, Decode, Decoder, Leaf, Named, OneOrMany, Standing, shape};
use super::model::{InputKind, LineClass, Risk, Severity};
use super::words::{
    Approvals, Count, Day, Exit, FailureWord, Flag, Id, Label, Length, LogFormat, Milestone, Name,
    Not, Required, Size, Text, UpdateState, Yes,
};
use super::yaml::{Node, Value};

shape! {
    /// One runbook: the file is `<id>.yaml`.
    RunbookFile in "runbook" where [];
    /// What it is called everywhere, also the name of the file: lower-case letters, digits and `-`.
    required "id" id: At<Id>,
    /// What people read in lists.
    required "title" title: At<Text>,
    /// The severity suggested when an incident starts with it; the responder decides.
    optional "severity" severity: At<Severity>,
    /// When to use it, in a sentence or two.
    optional "summary" summary: At<Text>,
    /// The team that keeps it.
    optional "owner" owner: At<Text>,
    /// The services it is about.
    optional "services" services: Vec<At<Text>>,
    /// Words to find it by.
    optional "tags" tags: Vec<At<Text>>,
    /// The alerts it answers: `runsheet start --alert NAME`.
    optional "alerts" alerts: Vec<At<Text>>,
    /// The day somebody last read it through.
    optional "last_reviewed" last_reviewed: At<Day>,
    /// It is shown as stale when its last review is older than this.
    optional "review_every" review_every: At<Length>,
    /// The values asked for when it starts; scripts see them as environment variables.
    optional "inputs" inputs: Named<Name, InputFile>,
    /// The key log files, named once.
    optional "logs" logs: Named<Label, Standing<LogFile>>,
    /// What to do, in order.
    required "steps" steps: Standing<Vec<Standing<StepFile>>>,
}

shape! {
    /// A value that is asked for.
    InputFile in "input" where [];
    /// What the person is asked.
    optional "prompt" prompt: At<Text>,
    /// What kind of value it is: text unless said otherwise.
    optional "type" kind: At<InputKind>,
    /// A regular expression the whole value must match.
    optional "pattern" pattern: At<Text>,
    /// The only values it may have.
    optional "choices" choices: Vec<At<Text>>,
    /// Its value when nothing is answered.
    optional "default" default: At<Text>,
    /// Never written to the record, masked wherever it would be shown.
    optional "secret" secret: At<Flag>,
    /// It may stay empty.
    optional "optional" optional: At<Flag>,
}

shape! {
    /// A key log: a file, the output of a script, or a systemd unit.
    LogFile in "log" where [ExactlyOne(&["file", "run", "journal"])];
    /// A path or glob.
    optional "file" file: At<Text>,
    /// A script that prints the log; it sees `RUNSHEET_SINCE` and `RUNSHEET_UNTIL`.
    optional "run" run: At<Text>,
    /// A systemd unit.
    optional "journal" journal: At<Text>,
    /// The machine it is on; this one unless said otherwise.
    optional "host" host: At<Text>,
    /// The time zone of its timestamps where they do not say: an IANA name or an offset.
    optional "zone" zone: At<Text>,
    /// The format of its timestamps, where it is not recognised.
    optional "format" format: At<LogFormat>,
    /// Lines that are worth an entry of the timeline: once the log is collected they are suggested, and a person accepts.
    optional "match" matching: Vec<LineRuleFile>,
}

shape! {
    /// Lines of a log that are worth an entry of the timeline.
    LineRuleFile in "match" where [];
    /// A regular expression found in the line.
    required "pattern" pattern: At<Text>,
    /// The entry: `{{ name }}` is a named group of the pattern, or a value; the line itself unless said otherwise.
    optional "say" say: At<Text>,
    /// What kind of entry it is: note unless said otherwise.
    optional "class" class: At<LineClass>,
}

shape! {
    /// One thing to do. It has at most one of `run`, `decide`, `ask`, `wait`, `notify`, `collect`, `uses`, `parallel`; without one a person does it.
    StepFile in "step" where [
        AtMostOne(&["run", "decide", "ask", "wait", "notify", "collect", "uses", "parallel"]),
        Needs("decide", "options"),
        Needs("options", "decide"),
        Needs("with", "uses"),
        Needs("every", "notify"),
    ];
    /// What it is called in this runbook: lower-case letters, digits and `-`.
    required "id" id: At<Id>,
    /// What people read.
    optional "title" title: At<Text>,
    /// preparation, identification, containment, eradication, recovery, lessons_learned, or your own.
    optional "phase" phase: At<Text>,
    /// Whose duty it is.
    optional "role" role: At<Label>,
    /// Markdown; `{{ name }}` is filled in for reading.
    optional "instructions" instructions: At<Text>,
    /// Things to tick off.
    optional "checklist" checklist: Vec<At<Text>>,
    /// A script for `sh -eu`. Inputs and outputs are environment variables, never pasted into the text.
    optional "run" run: At<Text>,
    /// A question a person answers with one of the options.
    optional "decide" decide: At<Text>,
    /// The answers of `decide`.
    optional "options" options: Standing<Vec<OptionFile>>,
    /// Values to ask for, that later steps use.
    optional "ask" ask: Named<Name, InputFile>,
    /// Wait until a script succeeds, or for a time.
    optional "wait" wait: Standing<WaitFile>,
    /// A stakeholder update.
    optional "notify" notify: Standing<NotifyFile>,
    /// Pull logs or files into the record.
    optional "collect" collect: Standing<CollectFile>,
    /// Another runbook, walked inside this one.
    optional "uses" uses: At<Id>,
    /// The inputs of the runbook in `uses`; values may be `$name`.
    optional "with" with: Named<Name, At<Text>>,
    /// Lanes of step ids, taken by different people.
    optional "parallel" parallel: Standing<Vec<Vec<At<Id>>>>,
    /// How often the update is to be repeated.
    optional "every" every: At<Length>,
    /// An expression; the step is skipped unless it is true.
    optional "when" when: At<Text>,
    /// The step to go on with, or `end`; the one below unless said otherwise.
    optional "next" next: At<Id>,
    /// What it can break. A destructive step always needs an approval by another person.
    optional "risk" risk: At<Risk>,
    /// The approvals it needs before it may start.
    optional "checkpoint" checkpoint: Standing<CheckpointFile>,
    /// By when, counted from a milestone.
    optional "due" due: DueFile,
    /// What follows a failure: `stop`, `continue` or `{next: STEP}`.
    optional "on_failure" on_failure: FailureFile,
    /// Only one person may do it.
    optional "exclusive" exclusive: At<Flag>,
    /// Who is told when it takes too long.
    optional "escalate" escalate: EscalateFile,
    /// Done once for each of these, or for each line of the value of `$name`.
    optional "foreach" foreach: OneOrMany<At<Text>>,
    /// What the script would do, without doing it.
    optional "dry_run" dry_run: At<Text>,
    /// The script that undoes it.
    optional "rollback" rollback: At<Text>,
    /// The interpreter and its arguments; `sh -eu` unless said otherwise.
    optional "shell" shell: OneOrMany<At<Text>>,
    /// The directory its script runs in.
    optional "cwd" cwd: At<Text>,
    /// The machine it runs on, over ssh.
    optional "host" host: At<Text>,
    /// More environment variables; values may be `$name`.
    optional "env" env: Named<EnvName, At<Text>>,
    /// The script is stopped after this.
    optional "timeout" timeout: At<Length>,
    /// How often to try again.
    optional "retry" retry: RetryFile,
    /// Values taken out of what the script prints.
    optional "outputs" outputs: Named<Name, OutputFile>,
    /// When the script counts as succeeded.
    optional "expect" expect: ExpectFile,
    /// It is handed the terminal.
    optional "interactive" interactive: At<Flag>,
}

shape! {
    /// One answer of a decision.
    OptionFile in "option" where [];
    /// What the answer is called.
    required "label" label: At<Text>,
    /// Where it leads: a step, or `end`.
    optional "next" next: At<Id>,
    /// An expression that suggests this answer; the person decides.
    optional "when" when: At<Text>,
}

shape! {
    /// Wait for a time, or until a script exits 0.
    WaitFile in "wait" where [AtLeastOne(&["until", "for"])];
    /// The script that exits 0 when the waiting is over.
    optional "until" until: At<Text>,
    /// How often it is asked.
    optional "every" every: At<Length>,
    /// How long at most; without `until` how long.
    optional "for" limit: At<Length>,
}

shape! {
    /// A stakeholder update.
    NotifyFile in "notify" where [];
    /// Who is told: an audience of the policy.
    required "audience" audience: At<Label>,
    /// What it says about the state of things.
    optional "state" state: At<UpdateState>,
    /// What they are told; `{{ name }}` is filled in.
    required "message" message: At<Text>,
}

shape! {
    /// What to pull into the record.
    CollectFile in "collect" where [AtLeastOne(&["logs", "files"])];
    /// Names from the runbook's `logs`.
    optional "logs" logs: Vec<At<Label>>,
    /// Paths; may hold `$name`.
    optional "files" files: Vec<At<Text>>,
    /// From so long before the incident was detected.
    optional "before" before: At<Length>,
    /// Until so long after.
    optional "after" after: At<Length>,
    /// Only lines that match this regular expression; may hold `$name`.
    optional "match" matching: At<Text>,
    /// Only so much from the end.
    optional "tail" tail: At<Size>,
    /// At most so much of each.
    optional "limit" limit: At<Size>,
}

shape! {
    /// The approvals a step needs before it may start.
    CheckpointFile in "checkpoint" where [];
    /// How many distinct people; 1 unless said otherwise.
    optional "approvals" approvals: At<Approvals>,
    /// The role they must have by policy; `approver` unless said otherwise.
    optional "role" role: At<Label>,
    /// Of these approvals, so many by people who have another role as well: `{security: 1}`.
    optional "of_them" of_them: Named<Label, At<Count>>,
    /// Who does not count: `performer`, `requester`, `author`, `approver-of:STEP`.
    optional "not" not: OneOrMany<At<Not>>,
    /// Which keys count: hardware keys, touched or with their user verified; any without it.
    optional "keys" keys: Standing<KeysFile>,
    /// How long an approval holds; 15m unless said otherwise.
    optional "expires" expires: At<Length>,
}

shape! {
    /// What an approval's key must prove. Only hardware keys (`sk-ssh-ed25519`, `sk-ecdsa-sha2-nistp256`) can.
    KeysFile in "keys" where [AtLeastOne(&["touch", "verified"])];
    /// Somebody touched it.
    optional "touch" touch: At<Required>,
    /// It verified its user, by PIN or finger, and was touched.
    optional "verified" verified: At<Required>,
}

shape! {
    /// By when something is to be done.
    DueFile in "due" where [];
    /// The milestone that time is counted from.
    required "clock" clock: At<Milestone>,
    /// How long after it.
    required "within" within: At<Length>,
}

shape! {
    /// Who is told when a step takes too long.
    EscalateFile in "escalate" where [];
    /// Whom: a person, a role or an audience.
    required "to" to: At<Text>,
    /// After how long.
    required "after" after: At<Length>,
}

shape! {
    /// How often to try.
    RetryFile in "retry" where [];
    /// All tries together.
    required "attempts" attempts: At<Count>,
    /// The pause between them.
    optional "delay" delay: At<Length>,
}

shape! {
    /// A value taken out of what a script prints.
    OutputFile in "output" where [ExactlyOne(&["json", "regex", "whole"])];
    /// A path like `.items[0].name` into JSON.
    optional "json" json: At<Text>,
    /// A regular expression: its first group, or the whole match.
    optional "regex" regex: At<Text>,
    /// Everything, without the newlines at the end.
    optional "whole" whole: At<Yes>,
    /// Never written to the record.
    optional "secret" secret: At<Flag>,
}

shape! {
    /// When a script counts as succeeded.
    ExpectFile in "expect" where [AtLeastOne(&["exit", "output"])];
    /// The exit status, or several.
    optional "exit" exit: OneOrMany<At<Exit>>,
    /// A regular expression found in the output.
    optional "output" output: At<Text>,
}

shape! {
    /// Where a failure leads.
    FailureNext in "on_failure" where [];
    /// The step to go on with, or `end`.
    required "next" next: At<Id>,
}

/// What follows a failure.
#[derive(Debug, Clone, PartialEq)]
pub enum FailureFile {
    /// `stop` or `continue`.
    Word(At<FailureWord>),
    /// `{next: STEP}`
    Next(FailureNext),
}

impl Decode for FailureFile {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::Map(_) => FailureNext::decode(node, key, decoder).map(Self::Next),
            _ => At::decode(node, key, decoder).map(Self::Word),
        }
    }
}

impl JsonSchema for FailureFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("OnFailure")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let next = generator.subschema_for::<FailureNext>();
        json_schema!({"anyOf": [FailureWord::schema(), next]})
    }
}

/// The name of an environment variable of a step's own: `[A-Za-z_][A-Za-z0-9_]*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvName(pub String);

impl Leaf for EnvName {
    const WANTED: &'static str = "the name of an environment variable";

    fn read(scalar: &super::yaml::Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let good = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if good {
            return (Some(Self(text.to_owned())), None);
        }
        (None, Some("letters, digits and `_`".to_owned()))
    }

    fn schema() -> serde_json::Value {
        json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"})
    }
}
