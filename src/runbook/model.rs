//! A runbook as the engine walks it: resolved values, without positions. `file` holds the shape people write.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name!(
    /// A runbook's id: `[a-z0-9][a-z0-9-]*`, the name of its file without `.yaml`.
    RunbookId
);
name!(
    /// A step's id, unique in its runbook: `[a-z0-9][a-z0-9-]*`.
    StepId
);
name!(
    /// A duty: `commander`, `operator`, `approver`, `scribe`, `liaison`, or the library's own.
    Role
);

/// How bad it is. `Sev1` is worst.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Sev1,
    Sev2,
    Sev3,
    Sev4,
    Sev5,
}

/// What a step can break.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Reads, or is easily undone.
    #[default]
    Routine,
    /// Needs rights that not everybody has.
    Privileged,
    /// Cannot be undone, or takes something away from somebody.
    Destructive,
}

/// One runbook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Runbook {
    pub id: RunbookId,
    pub title: String,
    /// Suggested; the responder decides.
    pub severity: Option<Severity>,
    pub summary: String,
    pub owner: Option<String>,
    pub services: Vec<String>,
    pub tags: Vec<String>,
    pub alerts: Vec<String>,
    pub last_reviewed: Option<NaiveDate>,
    pub review_every: Option<Duration>,
    /// In the order of the file.
    pub inputs: Vec<Input>,
    pub logs: Vec<Log>,
    pub steps: Vec<Step>,
}

/// A value asked for: an input of a runbook, or one question of an `ask` step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Input {
    /// `[a-z_][a-z0-9_]*`: also the name of the environment variable that scripts see.
    pub name: String,
    pub prompt: Option<String>,
    pub kind: InputKind,
    /// A regular expression the whole value must match.
    pub pattern: Option<String>,
    pub choices: Vec<String>,
    pub default: Option<String>,
    /// Never recorded, masked wherever it would be shown.
    pub secret: bool,
    /// An optional input may stay empty; it is then the empty text.
    pub optional: bool,
}

/// What kind of text a value is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum InputKind {
    #[default]
    Text,
    Integer,
    Boolean,
    /// RFC 3339.
    Time,
}

/// A key log, named once in a runbook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Log {
    pub name: String,
    pub source: LogSource,
    /// Where it is; `None` is this machine.
    pub host: Option<String>,
    /// IANA zone of timestamps without one.
    pub zone: Option<String>,
    /// Overrides the detected timestamp format.
    pub format: Option<String>,
    /// Lines of it that are worth an entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<LineRule>,
}

/// What makes a line of a log worth an entry of the timeline. A person accepts each.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct LineRule {
    /// A regular expression found in the line.
    pub pattern: String,
    /// The entry; `{{ name }}` is a named group, or a value of the run. `None` is the line itself.
    pub say: Option<String>,
    pub class: LineClass,
}

/// What kind of entry a line of a log can become.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum LineClass {
    /// Something to know.
    #[default]
    Note,
    /// The other side did something.
    Adversary,
    /// Somebody or something was hit.
    Impact,
    /// Somebody did something about it.
    Response,
    /// Somebody was told.
    Comms,
    /// A machine did something by itself.
    System,
}

impl LineClass {
    /// All of them, with their names in files and on screens.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Note, "note"),
        (Self::Adversary, "adversary"),
        (Self::Impact, "impact"),
        (Self::Response, "response"),
        (Self::Comms, "comms"),
        (Self::System, "system"),
    ];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        let named = Self::ALL.into_iter().find(|(class, _)| *class == self);
        named.map_or("note", |(_, word)| word)
    }
}

/// Where the lines come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    /// A path or glob.
    File(String),
    /// A script whose standard output is the log; sees `RUNSHEET_SINCE` and `RUNSHEET_UNTIL`.
    Run(String),
    /// A systemd unit, read with `journalctl`.
    Journal(String),
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Step {
    pub id: StepId,
    pub title: String,
    pub phase: Option<String>,
    pub role: Option<Role>,
    /// Markdown; `{{ name }}` is filled in for reading only.
    pub instructions: String,
    pub checklist: Vec<String>,
    pub kind: Kind,
    /// Skip unless true.
    pub when: Option<String>,
    /// Where to go on; `None` is the step below.
    pub next: Option<Next>,
    pub risk: Risk,
    /// What the runbook itself asks for; the policy may ask for more.
    pub checkpoint: Option<CheckpointSpec>,
    pub due: Option<Due>,
    pub on_failure: OnFailure,
    /// Only one writer may do it; claimed at the hub.
    pub exclusive: bool,
    pub escalate: Option<Escalate>,
    /// A list input's name or literal values: the step is done once for each.
    pub foreach: Option<Vec<String>>,
    /// How the scripts of this step are run.
    pub exec: ExecSpec,
}

/// The fields that shape how a step's scripts run. Present on every step, used by `run`, `wait` and `collect`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ExecSpec {
    pub dry_run: Option<String>,
    pub rollback: Option<String>,
    /// Default: `sh -eu`.
    pub shell: Vec<String>,
    pub cwd: Option<String>,
    /// Run over ssh there.
    pub host: Option<String>,
    /// In the order of the file; values may name inputs as `$name`.
    pub env: Vec<(String, String)>,
    pub timeout: Option<Duration>,
    pub retry: Option<Retry>,
    pub outputs: Vec<Output>,
    pub expect: Expect,
    pub interactive: bool,
}

/// What a step does. Exactly one kind each.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person does it and says so.
    Manual,
    /// A script.
    Run(String),
    /// A choice; the person decides, an option's `when` only suggests.
    Decide(Decide),
    /// Values that later steps use.
    Ask(Vec<Input>),
    /// Until something is so, or for a time.
    Wait(Wait),
    /// Tell somebody.
    Notify(Notify),
    /// Pull logs or files into the record.
    Collect(Collect),
    /// Another runbook, walked inside this one.
    Uses(Uses),
    /// Lanes of steps taken at once by different people.
    Parallel(Vec<Vec<StepId>>),
}

impl Kind {
    /// The key it has in a file; `manual` for the step without one.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Run(_) => "run",
            Self::Decide(_) => "decide",
            Self::Ask(_) => "ask",
            Self::Wait(_) => "wait",
            Self::Notify(_) => "notify",
            Self::Collect(_) => "collect",
            Self::Uses(_) => "uses",
            Self::Parallel(_) => "parallel",
        }
    }
}

/// A question and its answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Decide {
    pub question: String,
    pub options: Vec<Choice>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Choice {
    pub label: String,
    pub next: Option<Next>,
    /// An expression that suggests this answer.
    pub when: Option<String>,
}

/// Where a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// This step.
    Step(StepId),
    /// Written `end`: the run is over.
    End,
}

/// Wait for a time, or until a script exits 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Wait {
    pub until: Option<String>,
    pub every: Duration,
    /// With `until`: give up after this. Without: simply wait this long.
    pub limit: Option<Duration>,
}

/// A stakeholder update.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Notify {
    pub audience: String,
    /// `investigating`, `identified`, `monitoring`, `resolved`.
    pub state: Option<String>,
    pub message: String,
    pub every: Option<Duration>,
}

/// What to pull, and how much of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Collect {
    /// Names from the runbook's `logs`.
    pub logs: Vec<String>,
    /// Paths of their own.
    pub files: Vec<String>,
    pub before: Option<Duration>,
    pub after: Option<Duration>,
    /// A regular expression; may hold `$name`.
    pub matching: Option<String>,
    /// Only this many bytes from the end.
    pub tail: Option<u64>,
    /// At most this many bytes of each.
    pub limit: Option<u64>,
}

/// Another runbook and the values given to it; values may be `$name`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Uses {
    pub runbook: RunbookId,
    pub with: Vec<(String, String)>,
}

/// A value taken out of what a script printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Output {
    pub name: String,
    pub take: Take,
    pub secret: bool,
}

/// Which part of the output is the value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// A path like `.items[0].name` into JSON output.
    Json(String),
    /// The first group, or the whole match, of the first match.
    Regex(String),
    /// All of standard output without the newlines at its end.
    Whole,
}

/// When a script counts as succeeded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Expect {
    /// Any of these exit statuses; default 0.
    pub exit: Vec<i32>,
    /// A regular expression found in the output.
    pub output: Option<String>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            exit: vec![0],
            output: None,
        }
    }
}

/// How often to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Retry {
    /// All tries together.
    pub attempts: u32,
    pub delay: Duration,
}

/// What follows a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run stands at the failed step until somebody decides.
    #[default]
    Stop,
    /// As if it had succeeded.
    Continue,
    /// Go there.
    Next(Next),
}

/// A gate as a runbook or a policy asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct CheckpointSpec {
    pub approvals: u32,
    pub role: Option<Role>,
    /// Of these approvals, so many by people who have this role as well.
    pub of_them: BTreeMap<Role, u32>,
    pub not: Vec<NotWho>,
    pub keys: KeyRule,
    pub expires: Option<Duration>,
}

/// Which keys an approval may be signed with; the later, the stricter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRule {
    /// Any that `allowed_signers` lists.
    #[default]
    Any,
    /// A hardware key (`sk-…`) that somebody touched when it signed.
    Touched,
    /// A hardware key that was touched and had verified its user, by PIN or finger.
    Verified,
}

/// Who must not be among the approvers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NotWho {
    /// Everyone who requested, ran, or answered an input of the step.
    Performer,
    /// Who asked.
    Requester,
    /// Who wrote the step, by git.
    Author,
    /// Whoever approved that step.
    ApproverOf(StepId),
}

/// By when: a span after a milestone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Due {
    /// The milestone counted from.
    pub clock: String,
    pub within: Duration,
}

/// Who is told when a step takes too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Escalate {
    pub to: String,
    pub after: Duration,
}

impl Runbook {
    /// The step of this id.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| &step.id == id)
    }

    /// The step that stands below this one.
    #[must_use]
    pub fn below(&self, id: &StepId) -> Option<&Step> {
        let index = self.steps.iter().position(|step| &step.id == id)?;
        self.steps.get(index + 1)
    }
}

impl Step {
    /// Why runsheet cannot execute this step itself yet; it can then be done by hand and is recorded so.
    #[must_use]
    pub fn by_hand_only(&self) -> Option<&'static str> {
        if matches!(self.kind, Kind::Parallel(_)) {
            Some("parallel lanes are not walked by runsheet yet: do the steps below in any order")
        } else if self.foreach.is_some() {
            Some("foreach is not executed by runsheet yet")
        } else if self.exec.host.is_some() && matches!(self.kind, Kind::Run(_) | Kind::Wait(_)) {
            Some("running over ssh is not done by runsheet yet")
        } else if self.exec.interactive {
            Some("interactive scripts are not handed the terminal by runsheet yet")
        } else {
            None
        }
    }
}
