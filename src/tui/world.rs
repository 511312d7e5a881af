//! Everything a screen shows that is not its own: values, cheap to clone, put together by whoever drives the screen.
//! Knows nothing of where they come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

pub use super::asked::{ApprovalView, Brief, Earlier, LastChange, Part, Rehearsal};
pub use super::inbox::{OpenRow, Waiting, Waits};
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::{Event, ExecRecord, IncidentId, Intent, State, StepRef};
use crate::exercise::due::Due;
use crate::exercise::score::Score;
use crate::logs::view::page::Page;
use crate::runbook::model::{Role, Runbook, RunbookId, Severity, StepId};
use crate::runbook::scenario::{self, Scenario};
use crate::timeline::clocks::{self, Countdown, Regime};
use crate::timeline::promises::Promise;
use crate::trust::Principal;

/// What there is to show at one moment.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct World {
    /// By the clock that rules in what is open, with the offset that "local" means here.
    pub now: DateTime<FixedOffset>,
    /// By the clock of this machine.
    pub real: DateTime<Utc>,
    pub me: Me,
    /// `None` while it is being opened.
    pub library: Option<Library>,
    /// In the library's order; the picker sorts.
    pub entries: Arc<Vec<Entry>>,
    /// The library's scenarios, as everybody may see them.
    pub scenarios: Arc<Vec<scenario::Head>>,
    /// The last scenario that was wished for, by its id, or why it cannot be used.
    pub scenario: Option<(String, Result<Arc<Scenario>, String>)>,
    /// What waits for me first, then the newest.
    pub incidents: Arc<Vec<IncidentRow>>,
    pub open: Option<Open>,
    /// The last runbook whose preview was wished for.
    pub preview: Option<Arc<Preview>>,
    pub sync: Sync,
    /// The logs on the screen, once they are open.
    pub log: Option<Log>,
    /// What the runbook's rules suggest for the timeline, once it was asked for.
    pub suggested: Option<Suggested>,
    /// In a demo: who else can sit down at this keyboard.
    pub chair: Option<Chair>,
    /// Long work under way.
    pub tasks: Vec<Task>,
    /// Newest last; shown until dismissed.
    pub notices: Vec<Notice>,
}

/// Logs that are read.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Log {
    /// What they are called: `auth`, or their paths.
    pub title: String,
    pub page: Arc<Page>,
    /// They are read in the open incident, and what is marked can be recorded.
    pub recorded: bool,
}

/// What is suggested for the timeline.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Suggested {
    /// Rises with every time it was asked for.
    pub number: u64,
    pub entries: Arc<Vec<Suggestion>>,
}

/// An entry for the timeline that may be accepted.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Suggestion {
    pub log: String,
    /// What accepting it means.
    pub intent: Intent,
}

/// A place at this keyboard that somebody else can take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Chair {
    pub index: usize,
    pub name: String,
}

/// Who sits here.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Me {
    pub principal: Principal,
    /// The short name policy has for the person, else the principal.
    pub name: String,
    pub signed: bool,
    /// `SHA256:p0x… (ed25519, agent)`; empty when unsigned.
    pub key: String,
    pub roles: Vec<Role>,
}

/// The library the runbooks come from.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Library {
    /// As the responder named it.
    pub source: String,
    /// The short commit id.
    pub commit: String,
    pub author: String,
    pub date: DateTime<FixedOffset>,
    pub branch: Option<String>,
    /// When a clone was last brought up to date; `None` for a local repository.
    pub fetched: Option<DateTime<FixedOffset>>,
}

/// One runbook in the list.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Entry {
    pub id: String,
    pub title: String,
    pub severity: Option<Severity>,
    pub owner: String,
    pub services: Vec<String>,
    pub tags: Vec<String>,
    /// Days since the last review.
    pub reviewed_days: Option<i64>,
    /// The review is overdue.
    pub stale: bool,
    /// How many steps, once it was read in full.
    pub steps: Option<usize>,
    /// How many problems `check` has with it, once it was checked.
    pub problems: Option<usize>,
}

/// One open incident in the list.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct IncidentRow {
    pub id: IncidentId,
    /// `INC-0042`
    pub short: String,
    pub severity: Severity,
    pub title: String,
    /// `step 4/9`, `review owed`.
    pub position: String,
    pub started: DateTime<FixedOffset>,
    /// What of it waits for me.
    pub waits: Vec<Waiting>,
    pub exercise: bool,
    /// An override is not reviewed yet.
    pub overridden: bool,
}

/// The incident on the screen.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Open {
    pub id: IncidentId,
    pub short: String,
    pub state: Arc<State>,
    /// In the order they are folded.
    pub events: Arc<Vec<Arc<Event>>>,
    /// Goes up whenever `events` changed in another way than by new ones at its end.
    pub refolded: u64,
    pub tails: BTreeMap<StepRef, Arc<Tail>>,
    /// Why nothing can be recorded now, if so.
    pub read_only: Option<String>,
    /// Updates that have not reached what is behind a channel.
    pub undelivered: usize,
    /// Who was promised an update, by when.
    pub promised: Vec<Promise>,
    /// What is known of steps beyond the state: gates, what would run. At least for each run's current step.
    pub steps: BTreeMap<StepKey, Arc<StepFacts>>,
    /// What was made ready by [`super::Wish::ShowApproval`].
    pub approval: Option<Arc<ApprovalView>>,
    pub clocks: Arc<Clocks>,
    /// What the script of an exercise has, for its controllers.
    pub script: Option<Arc<Script>>,
}

/// The script of an exercise as its controllers see it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Script {
    pub scenario: Arc<Scenario>,
    /// What is to come, in order, as far as can be told.
    pub coming: Vec<Due>,
    pub score: Score,
    /// Injects that a controller left out, by id.
    pub left_out: Vec<String>,
    /// Who sits here conducts it.
    pub conducts: bool,
    /// Who sits here conducts or evaluates it.
    pub judges: bool,
}

/// The regulatory clocks that the policy names.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Clocks {
    pub regimes: Vec<Regime>,
    /// Why some are missing.
    pub problems: Vec<String>,
}

/// The end of what a command has printed so far, decoded, not escaped.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Tail {
    pub lines: Vec<String>,
    /// All bytes, also of lines no longer here.
    pub bytes: u64,
}

/// What the engine's rules and the machine say of one step now.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct StepFacts {
    pub gate: Gate,
    /// The same gate in front of its way back, once it ran.
    pub roll_back: Gate,
    /// What would run.
    pub record: Option<Arc<ExecRecord>>,
    /// The option a decision suggests, and why.
    pub suggested: Option<(String, String)>,
    pub due: Option<DateTime<FixedOffset>>,
    /// Secret values this process has not been given yet.
    pub missing_secrets: Vec<String>,
    /// Whether I could go through without approvals.
    pub may_override: bool,
}

/// Where the checkpoint in front of a step stands.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub enum Gate {
    /// There is none.
    #[default]
    Free,
    /// Nobody has asked. `asks`: `1 approver, not bob`; `who`: who could say yes.
    Closed { asks: String, who: Vec<String> },
    /// Asked, not answered in full.
    Pending(Pending),
    /// Approved: it may run.
    Open {
        by: Vec<String>,
        until: Option<DateTime<FixedOffset>>,
    },
    /// Somebody said no; it takes a new request.
    Denied {
        asks: String,
        by: String,
        reason: String,
    },
    /// The answers came too late or what runs has changed; `why` says which.
    Void { asks: String, why: String },
    /// Somebody went through without approvals.
    Overridden {
        by: String,
        until: Option<DateTime<FixedOffset>>,
    },
    /// Nobody can pass, for this reason.
    Blocked(String),
}

/// An open question for approval.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Pending {
    pub asks: String,
    /// Who could still answer.
    pub who: Vec<String>,
    pub have: u32,
    pub want: u32,
    pub by: String,
    pub asked: DateTime<FixedOffset>,
    pub expires: Option<DateTime<FixedOffset>>,
    /// I am among those who could.
    pub mine: bool,
    /// I asked.
    pub asked_by_me: bool,
}

/// A runbook before it is walked.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Preview {
    pub id: String,
    /// `None` while it is being read, or when it cannot be.
    pub book: Option<Arc<Runbook>>,
    pub gates: BTreeMap<StepId, GatePreview>,
    /// `file:line:column: what`.
    pub problems: Vec<String>,
    pub history: Vec<Change>,
    /// The difference that was asked for, as `git diff` words it.
    pub diff: Option<Arc<String>>,
}

/// A checkpoint before anybody stands at it.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct GatePreview {
    pub asks: String,
    pub who: Vec<String>,
}

/// One change of a runbook.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Change {
    /// The short commit id.
    pub commit: String,
    pub author: String,
    pub date: DateTime<FixedOffset>,
    pub subject: String,
}

/// How the record stands to the hub.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub enum Sync {
    /// There is no hub.
    #[default]
    Local,
    Synced(DateTime<FixedOffset>),
    /// Not since then, for this reason.
    Failing {
        since: DateTime<FixedOffset>,
        why: String,
    },
}

/// Long work.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Task {
    pub id: u64,
    pub name: String,
    pub done: u64,
    /// 0 when it is not known.
    pub total: u64,
    /// `MB`, `runbooks`.
    pub unit: String,
    /// Units a second.
    pub rate: f64,
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Notice {
    /// Rises.
    pub id: u64,
    pub bad: bool,
    pub what: String,
    /// What was kept in spite of it.
    pub kept: Option<String>,
    /// What to do now.
    pub hint: Option<String>,
}

impl StepFacts {
    /// The open question for approval, and what it is asked for.
    #[must_use]
    pub fn pending(&self) -> Option<(&Pending, Purpose)> {
        match (&self.gate, &self.roll_back) {
            (Gate::Pending(pending), _) => Some((pending, Purpose::Run)),
            (_, Gate::Pending(pending)) => Some((pending, Purpose::RollBack)),
            _ => None,
        }
    }
}

impl Open {
    /// How every clock stands at this moment.
    #[must_use]
    pub fn countdowns(&self, now: DateTime<FixedOffset>) -> Vec<Countdown> {
        let regimes = &self.clocks.regimes;
        if regimes.is_empty() {
            return Vec::new();
        }
        clocks::due(regimes, &clocks::anchors(&self.state), now)
    }

    /// What is known of a step.
    #[must_use]
    pub fn facts(&self, run: &crate::engine::RunId, step: &StepId) -> Option<&StepFacts> {
        let key = StepKey {
            run: run.clone(),
            step: step.clone(),
        };
        self.steps.get(&key).map(Arc::as_ref)
    }
}

impl World {
    /// The runbook in the list by its id.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The preview of this runbook, if it is the one at hand.
    #[must_use]
    pub fn preview_of(&self, id: &RunbookId) -> Option<&Preview> {
        self.preview.as_deref().filter(|preview| preview.id == id.0)
    }
}
