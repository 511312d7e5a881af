//! The script of an exercise, as it is run: what is told to the players and when, what they should do about it, what
//! their commands would have printed. Every time in it is counted from the start of the exercise, on the simulated clock.
//! Knows nothing of what has happened; `exercise` does.

pub mod file;
mod head;
mod public;
pub(crate) mod resolve;
pub mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use serde::Serialize;

use super::model::{Role, RunbookId, Severity, StepId};
use super::{Problem, parse as reading};

pub use head::{Head, head, is_scenario};
pub use public::Public;

/// The scenario in a file, or every structural problem of it. `path` is only for messages; the same bytes always give
/// the same scenario.
///
/// # Errors
/// The problems, where it cannot be used.
pub fn parse(path: &str, bytes: &[u8]) -> Result<Scenario, Vec<Problem>> {
    let (scenario, problems) = reading::scenario(path, bytes);
    scenario.ok_or(problems)
}

/// One script.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Scenario {
    pub id: String,
    pub title: String,
    pub form: Form,
    pub summary: String,
    pub scope: String,
    pub threat: String,
    pub sponsor: Option<String>,
    /// What players are told before it starts.
    pub briefing: String,
    /// For the controllers alone.
    pub notes: String,
    /// The runbook that is begun with it, and what it is given.
    pub runbook: Option<RunbookId>,
    pub inputs: BTreeMap<String, String>,
    pub severity: Severity,
    pub clock: Clock,
    pub objectives: Vec<Objective>,
    pub parts: Vec<Part>,
    pub moves: Vec<Move>,
    pub injects: Vec<Inject>,
    pub expectations: Vec<Expectation>,
    pub answers: Vec<Answer>,
    pub logs: Vec<SimulatedLog>,
    pub colleagues: Vec<Colleague>,
    /// For the discussion right after it.
    pub hot_wash: Vec<String>,
    /// Said aloud, it means: this is real.
    pub code_word: String,
    /// When the exercise is broken off.
    pub abort: Vec<String>,
}

/// The kinds of exercise.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// People talk it through.
    Tabletop,
    /// One capability is practised.
    Drill,
    /// People act, on simulated systems.
    Functional,
}

/// The simulated clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Clock {
    /// What it shows when the exercise starts; `None` is the moment it is started at.
    pub start: Option<DateTime<FixedOffset>>,
    /// Simulated seconds a real one, in thousandths.
    pub scale: u32,
    /// Whether it stops where a move begins, until the facilitator lets it go on.
    pub by_moves: bool,
    /// Where else it stops.
    pub pauses: Vec<Duration>,
    /// When the exercise is over.
    pub length: Duration,
}

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Objective {
    pub id: String,
    pub title: String,
    /// The core capability it is about.
    pub capability: String,
    pub critical_tasks: Vec<String>,
}

/// Who takes part as what.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Part {
    pub id: String,
    pub title: String,
    pub side: Side,
    /// The duty in the incident, for players.
    pub role: Option<Role>,
}

/// On which side of the script somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Side {
    Player,
    Facilitator,
    Evaluator,
    Observer,
    SimulationCell,
}

/// A stretch of the exercise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Move {
    pub id: String,
    pub title: String,
    pub at: Duration,
    /// To be talked about in it.
    pub questions: Vec<String>,
}

/// One message to the players.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Inject {
    pub id: String,
    pub title: String,
    pub when: When,
    pub means: Means,
    pub from: String,
    /// Names of parts; everybody where it is empty.
    pub to: Vec<String>,
    pub message: String,
    pub attachments: Vec<Attachment>,
    /// For the controllers: what to do if players go another way.
    pub contingency: Option<String>,
    pub notes: Option<String>,
}

/// When an inject comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum When {
    /// So long after the start.
    At {
        /// Counted from the start.
        at: Duration,
        /// Not if one of these was so by then.
        unless: Vec<Proof>,
    },
    /// So long after one of these was so.
    After {
        /// Any of them.
        after: Vec<Proof>,
        /// From then on.
        delay: Duration,
        /// Only if that was so this early, counted from the start.
        within: Option<Duration>,
        /// Not if one of these was so by then.
        unless: Vec<Proof>,
    },
    /// When a controller says so.
    ByHand,
}

/// How a message reaches the players.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Means {
    Alert,
    Email,
    Phone,
    Chat,
    Log,
    News,
    Regulator,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Chat,
        Self::Phone,
        Self::Email,
        Self::Alert,
        Self::Log,
        Self::News,
        Self::Regulator,
    ];

    /// What such a message is called.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Email => "e-mail",
            Self::Phone => "phone call",
            Self::Chat => "chat message",
            Self::Log => "log entry",
            Self::News => "news",
            Self::Regulator => "regulator's message",
        }
    }
}

/// A text that comes with an inject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Attachment {
    pub name: String,
    pub text: String,
}

/// Something that can be seen in the record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Proof {
    Started(StepId),
    /// Done by hand, ended well, chosen or answered.
    Done(StepId),
    Failed(StepId),
    Skipped(StepId),
    DryRun(StepId),
    /// Its approvals were asked for.
    Asked(StepId),
    Approved(StepId),
    Denied(StepId),
    Overridden(StepId),
    Chosen {
        step: StepId,
        label: String,
    },
    Claimed(StepId),
    /// One of `MILESTONES`.
    Milestone(String),
    Severity(Severity),
    /// Somebody was given this duty.
    Role(Role),
    /// A named decision that clocks hang on.
    Decision(String),
    Submitted {
        clock: String,
        stage: Option<String>,
    },
    Update {
        audience: Option<String>,
        state: Option<String>,
    },
    /// A note that matches this regular expression.
    Note(String),
    /// A follow-up that matches it.
    Followup(String),
    /// A key log that was pulled.
    Collected(String),
    Inject(String),
    /// A checkpoint refused somebody.
    Refused(StepId),
}

/// The names of milestones, as `engine` has them.
pub const MILESTONES: [&str; 11] = [
    "started",
    "detected",
    "acknowledged",
    "declared",
    "escalated",
    "contained",
    "mitigated",
    "eradicated",
    "recovered",
    "resolved",
    "closed",
];

/// What players should do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Expectation {
    pub id: String,
    /// In words.
    pub action: String,
    /// The part or duty that should.
    pub role: Option<String>,
    /// The inject it is about: its deadline counts from when that came.
    pub about: Option<String>,
    /// By when: after `about`, or after the start.
    pub by: Duration,
    /// Any of these proves it; with none an evaluator says so.
    pub proof: Vec<Proof>,
    /// None of these may have happened: then it is missed.
    pub never: Vec<Proof>,
    pub weight: u32,
    pub critical: bool,
    pub objective: String,
}

/// What a step's command prints in the exercise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Answer {
    pub step: StepId,
    pub purpose: Purpose,
    /// Only this try of the step.
    pub attempt: Option<u32>,
    /// Only after one of these was so.
    pub after: Vec<Proof>,
    /// Simulated time it takes.
    pub takes: Duration,
    pub exit: i32,
    pub output: String,
}

/// Which script of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Purpose {
    #[default]
    Run,
    DryRun,
    RollBack,
}

/// A key log of the runbook as it would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SimulatedLog {
    /// Its name in the runbook's `logs`.
    pub name: String,
    /// How a moment is written in front of each line, by strftime.
    pub stamp: String,
    pub lines: Vec<SimulatedLine>,
}

/// A line, or many alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SimulatedLine {
    /// Seconds from the start; before it where negative.
    pub at: i64,
    /// Again and again, so many seconds apart, until so many seconds from the start.
    pub every: Option<(u32, i64)>,
    pub text: String,
    /// Only after one of these was so.
    pub after: Vec<Proof>,
}

impl SimulatedLine {
    /// How often it is written.
    #[must_use]
    pub fn times(&self) -> u64 {
        match self.every {
            Some((every, until)) if until >= self.at => {
                until.abs_diff(self.at) / u64::from(every.max(1)) + 1
            }
            Some(_) => 0,
            None => 1,
        }
    }
}

/// A person played by the exercise itself, for who practises alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Colleague {
    /// The principal's local part: `dana`.
    pub id: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub replies: Vec<Reply>,
}

/// What a colleague says when asked for an approval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Reply {
    /// Any step where it is not named.
    pub step: Option<StepId>,
    /// Which time of being asked about that step, from 1; any where it is not said.
    pub time: Option<u32>,
    /// Simulated time until the answer.
    pub after: Duration,
    pub says: Says,
}

/// The answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Yes.
    Approve,
    /// No, for this reason.
    Deny(String),
    /// Nothing at all.
    Nothing,
}

#[cfg(test)]
mod tests;
