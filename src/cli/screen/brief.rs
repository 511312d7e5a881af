//! Gathering what helps an approver to judge: who changed the step last, what the dry run printed, how the step looked
//! when it was last approved. On a thread, because it reads git, other records and perhaps the hub; nothing of it is
//! signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::background::{self, Message};
use super::{App, world};
use crate::driver::{Session, Settings, sync};
use crate::engine::checkpoint::{self, record};
use crate::engine::command::StepKey;
use crate::engine::event::Event;
use crate::engine::exec::{ExecRecord, Purpose, Var};
use crate::engine::fact::{Fact, PinnedRunbook};
use crate::engine::state::{State, Twin};
use crate::engine::{EventId, IncidentId, StepRef};
use crate::evidence::{Digest, escape};
use crate::journal::Journal;
use crate::runbook::lines;
use crate::runbook::model::{Runbook, RunbookId, StepId};
use crate::tui::difference;
use crate::tui::world::{Brief, Earlier, LastChange, Part, Rehearsal};

/// Records looked through for an earlier approval, the newest first.
const MOST_RECORDS: usize = 64;
/// Lines of a dry run's output that are shown.
const MOST_LINES: usize = 5_000;
/// Bytes of it.
const MOST_BYTES: usize = 1 << 20;

/// One part of what was gathered.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Found {
    Changed(Part<LastChange>),
    Output(Part<Arc<Vec<String>>>),
    Earlier(Part<Earlier>),
}

/// What is to be found out, for a thread.
struct Question {
    settings: Settings,
    incident: IncidentId,
    request: Digest,
    event: EventId,
    record: Arc<ExecRecord>,
    pin: Arc<PinnedRunbook>,
    book: Arc<Runbook>,
    step: StepId,
    /// The dry run's output, if there was one.
    output: Option<Digest>,
}

/// The dry run of a step, as the state has it, beside what is asked for.
#[must_use]
pub fn rehearsal(twin: &Twin, state: &State, asked: &ExecRecord) -> Rehearsal {
    use crate::engine::fact::Outcome;
    let (good, ended) = match (twin.running, twin.outcome, twin.exit) {
        (true, ..) => (true, "still running".to_owned()),
        (_, Some(Outcome::Succeeded), Some(exit)) => (true, format!("exit {exit}")),
        (_, Some(Outcome::Succeeded), None) => (true, "succeeded".to_owned()),
        (_, Some(Outcome::Failed), Some(exit)) => (false, format!("failed, exit {exit}")),
        (_, Some(Outcome::Failed), None) => (false, "failed".to_owned()),
        _ => (false, "nobody saw the end".to_owned()),
    };
    let by = &twin.record.executor.principal;
    let person = state.incident.as_deref().and_then(|incident| {
        let principal = crate::trust::Principal::try_from(by.as_str()).ok()?;
        Some(checkpoint::person(incident, &principal))
    });
    let same = asked.dry_run.as_deref() == Some(twin.record.exec.script.as_str())
        && alike(&asked.vars, &twin.record.vars)
        && asked.exec.host == twin.record.exec.host;
    Rehearsal {
        at: twin.at,
        by: person.unwrap_or_else(|| by.clone()),
        ended,
        good,
        same,
    }
}

/// Whether two sets of values are the same, as far as that can be known: each request hides its secrets anew.
fn alike(a: &BTreeMap<String, Var>, b: &BTreeMap<String, Var>) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((name, a), (other, b))| {
            name == other
                && match (a, b) {
                    (Var::Secret(_), Var::Secret(_)) => true,
                    (a, b) => a == b,
                }
        })
}

fn question(session: &Session, key: &StepKey) -> Option<Question> {
    let found = record::find(session.state(), key).ok()?;
    let request = found.state.request.as_deref()?;
    let runs = request.record.exec.purpose == Purpose::Run;
    let twin = found.state.twins.get(&Purpose::DryRun).filter(|_| runs);
    Some(Question {
        settings: session.desk.settings.clone(),
        incident: session.id().clone(),
        request: request.record.digest(),
        event: request.event,
        record: Arc::clone(&request.record),
        pin: Arc::clone(&found.run.pin),
        book: Arc::clone(&found.run.book),
        step: found.step.id.clone(),
        output: twin
            .and_then(|twin| twin.evidence.first())
            .map(|evidence| evidence.sha256),
    })
}

fn gather(asked: &Question, send: &UnboundedSender<Message>) {
    let tell = |found| {
        let request = asked.request;
        let _ = send.send(Message::Brief { request, found });
    };
    if let Some(digest) = &asked.output {
        tell(Found::Output(output(asked, digest)));
    }
    tell(Found::Changed(changed(asked)));
    tell(Found::Earlier(earlier(asked)));
}

fn output(asked: &Question, digest: &Digest) -> Part<Arc<Vec<String>>> {
    let git = crate::cli::config::ports().git;
    let bytes = sync::artifact(&asked.settings, &asked.incident, digest, &git)
        .map_err(|error| error.to_string())?
        .ok_or("its output is not here and not at the hub")?;
    let cut = &bytes[..bytes.len().min(MOST_BYTES)];
    let text = escape::decolour(cut);
    let text = String::from_utf8_lossy(&text);
    let mut lines: Vec<String> = text.lines().take(MOST_LINES).map(str::to_owned).collect();
    if bytes.len() > cut.len() || lines.len() == MOST_LINES {
        lines.push(format!("… {} bytes in all", bytes.len()));
    }
    Ok(Arc::new(lines))
}

/// The last change of the step's lines, by the history of the own library.
fn changed(asked: &Question) -> Part<LastChange> {
    let library = background::open(&asked.settings)?;
    let look = || {
        let pin = library.pin_commit(&asked.pin.commit)?;
        let blame = library.blame(&pin, &asked.pin.path)?;
        let ranges = lines::of_steps(&asked.pin.text, &asked.book);
        let last = ranges
            .get(&asked.step)
            .and_then(|ranges| blame.latest(ranges))
            .cloned();
        Ok(last)
    };
    let last = look()
        .map_err(|error: crate::library::LibraryError| error.to_string())?
        .ok_or("the library does not say")?;
    Ok(LastChange {
        author: last.author_name.clone(),
        date: last.date,
        commit: last.commit.chars().take(7).collect(),
        signed: library.carries_signature(&last),
    })
}

/// The last time this step of this runbook was approved and used, in any record that is here.
fn earlier(asked: &Question) -> Part<Earlier> {
    let store = Session::store_of(&asked.settings);
    let ids = store.incidents().map_err(|error| error.to_string())?;
    let mut latest: Option<Used> = None;
    for id in ids.iter().rev().take(MOST_RECORDS) {
        let Ok(journal) = Journal::open(&store, id) else {
            continue;
        };
        let wanted = (&asked.pin.id, &asked.step, asked.record.exec.purpose);
        let before = (id == &asked.incident).then_some(asked.event);
        let events = journal.log().events();
        let used = used(id, journal.state(), events, wanted, before);
        if let Some(used) = used
            && latest.as_ref().is_none_or(|known| known.at < used.at)
        {
            latest = Some(used);
        }
    }
    let used = latest.ok_or("this step was never approved before, as far as is known here")?;
    Ok(Earlier {
        at: used.at,
        by: used.by,
        incident: used.incident.short(4),
        lines: difference::between(&used.record, &asked.record),
    })
}

/// An approval that was used.
struct Used {
    at: chrono::DateTime<chrono::FixedOffset>,
    by: Vec<String>,
    incident: IncidentId,
    record: ExecRecord,
}

/// The last use of an approval of this step in one record, before that event. What the engine flagged is none.
fn used(
    id: &IncidentId,
    state: &State,
    events: &[Arc<Event>],
    (runbook, step, purpose): (&RunbookId, &StepId, Purpose),
    before: Option<EventId>,
) -> Option<Used> {
    let incident = state.incident.as_deref()?;
    let flagged = |event: &Event| state.flags.iter().any(|flag| flag.event == event.id);
    let mut asked: BTreeMap<&StepRef, &ExecRecord> = BTreeMap::new();
    let mut approved: BTreeMap<EventId, String> = BTreeMap::new();
    let mut last = None;
    for event in events.iter().filter(|event| !flagged(event)) {
        if Some(event.id) == before {
            break;
        }
        match &event.fact {
            Fact::CheckpointRequested(fact) => {
                let of = state.run(&fact.record.step.run).map(|run| &run.pin.id);
                let this = of == Some(runbook) && &fact.record.step.step == step;
                if this && fact.record.exec.purpose == purpose {
                    asked.insert(&fact.record.step, &fact.record);
                }
            }
            Fact::CheckpointApproved(_) => {
                approved.insert(event.id, checkpoint::person(incident, &event.person));
            }
            Fact::CheckpointConsumed(fact) => {
                if let Some(record) = asked.get(&fact.step) {
                    last = Some(Used {
                        at: event.occurred_at,
                        by: fact
                            .approvals
                            .iter()
                            .filter_map(|event| approved.get(event).cloned())
                            .collect(),
                        incident: id.clone(),
                        record: (*record).clone(),
                    });
                }
            }
            _ => {}
        }
    }
    last
}

impl App {
    /// Makes the approval of a step ready, and has everything around it gathered.
    pub(super) fn show_approval(&mut self, key: &StepKey) {
        self.approval = None;
        self.brief = None;
        self.read_approval(key);
    }

    /// Makes the approval of a step as it stands now; what was gathered for it stays.
    pub(super) fn read_approval(&mut self, key: &StepKey) {
        let Some(session) = self.session.as_ref() else {
            return;
        };
        let view = world::approval(session, key);
        if let Some(view) = &view
            && self.brief.as_ref().map(|(request, _)| *request) != Some(view.request)
            && let Some(question) = question(session, key)
        {
            self.brief = Some((view.request, Brief::default()));
            let send = self.send.clone();
            std::thread::spawn(move || gather(&question, &send));
        }
        let brief = self.brief.as_ref().map(|(_, brief)| brief.clone());
        self.approval = view.map(|view| {
            Arc::new(crate::tui::world::ApprovalView {
                brief: brief.unwrap_or_default(),
                ..view
            })
        });
    }

    /// Takes in a part of what was gathered.
    pub(super) fn briefed(&mut self, request: Digest, found: Found) {
        let Some((_, brief)) = self.brief.as_mut().filter(|(known, _)| *known == request) else {
            return;
        };
        match found {
            Found::Changed(part) => brief.changed = Some(part),
            Found::Output(part) => brief.output = Some(part),
            Found::Earlier(part) => brief.earlier = Some(part),
        }
        let brief = brief.clone();
        if let Some(view) = self
            .approval
            .as_mut()
            .filter(|view| view.request == request)
        {
            Arc::make_mut(view).brief = brief;
        }
        self.refresh();
    }
}
