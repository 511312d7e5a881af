//! Where incidents stand: the list, and one of them with its steps, gates and who waits for whom.

use std::rc::Rc;

use serde::Serialize;
use serde_json::json;

use super::args::Common;
use super::{CliError, out};
use crate::driver::{Desk, Session};
use crate::engine::checkpoint::{self, judge, record};
use crate::engine::command::StepKey;
use crate::engine::exercise::{Exercise, REAL_TIME};
use crate::engine::state::{Request, Run, State, Status, StepState};
use crate::engine::{At, IncidentId};
use crate::evidence::escape;
use crate::runbook::model::Step;
use crate::trust::{Mode, Principal};

/// One incident in a list.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub incident: IncidentId,
    pub short: String,
    pub title: String,
    pub severity: String,
    pub mode: crate::trust::Mode,
    pub started: String,
    pub open: bool,
    /// Where its first open run stands.
    pub position: String,
    /// What waits for the one who asks.
    pub waits_for_you: Option<String>,
    pub review_owed: bool,
}

/// The word of a status, in lists and in `--json`.
#[must_use]
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Todo => "todo",
        Status::Running => "running",
        Status::Done => "done",
        Status::Failed => "failed",
        Status::Unknown => "unknown",
        Status::Skipped => "skipped",
    }
}

/// Sums up one incident from its record.
///
/// # Errors
/// When it cannot be read.
pub fn summary(desk: &Desk, id: &IncidentId) -> Result<Summary, CliError> {
    let journal = crate::journal::Journal::open(&Session::store(desk), id)?;
    Ok(sum_up(desk, id, journal.state()))
}

/// Sums up a state.
#[must_use]
pub fn sum_up(desk: &Desk, id: &IncidentId, state: &State) -> Summary {
    let incident = state.incident.as_deref();
    Summary {
        incident: id.clone(),
        short: id.short(4),
        title: incident.map_or_else(
            || "(no beginning)".to_owned(),
            |incident| incident.title.clone(),
        ),
        severity: state.severity.map_or_else(String::new, |severity| {
            format!("{severity:?}").to_lowercase()
        }),
        mode: incident.map(|incident| incident.mode).unwrap_or_default(),
        started: incident.map_or_else(String::new, |incident| incident.started.to_rfc3339()),
        open: state.closed.is_none(),
        position: position(state),
        waits_for_you: waiting(&desk.identity.principal, state),
        review_owed: state.owed_reviews().next().is_some(),
    }
}

/// The clock of an exercise.
fn simulated(exercise: &Exercise, at: &At) -> String {
    let pace = match (&exercise.ended, exercise.clock.paused) {
        (Some(ended), _) if ended.aborted => "broken off".to_owned(),
        (Some(_), _) => "over".to_owned(),
        (None, true) => "the clock stands still".to_owned(),
        (None, false) => {
            let scale = f64::from(exercise.clock.scale) / f64::from(REAL_TIME);
            format!("{scale} times real time")
        }
    };
    format!(
        "simulated {} · {pace} · really {}",
        at.utc().format("%Y-%m-%d %H:%M:%SZ"),
        at.real().format("%H:%M:%SZ")
    )
}

fn position(state: &State) -> String {
    if state.closed.is_some() {
        return "closed".to_owned();
    }
    let Some(run) = state.open_runs().next() else {
        return if state.owed_reviews().next().is_some() {
            "review owed".to_owned()
        } else {
            "walked".to_owned()
        };
    };
    let (over, all) = run.progress();
    let at = run
        .at
        .as_ref()
        .map_or_else(String::new, |at| format!(" {at}"));
    format!("{over}/{all}{at}")
}

/// What this person could do that others wait for.
#[must_use]
pub fn waiting(me: &Principal, state: &State) -> Option<String> {
    for run in &state.runs {
        for at in &run.steps {
            let Some(request) = at.request.as_deref().filter(|request| request.is_open()) else {
                continue;
            };
            let Some(step) = run.book.step(&at.id) else {
                continue;
            };
            let fresh = !request.approvals.iter().any(|approval| &approval.by == me);
            if fresh && checkpoint::judge::eligible(state, run, step, request, me).is_ok() {
                return Some(format!("approve {}", at.id));
            }
        }
    }
    let incident = state.incident.as_deref()?;
    let mine = incident.people.person_of(me)?;
    state
        .owed_reviews()
        .find(|over| !incident.people.same(&over.person, mine))
        .map(|over| format!("review {}", over.step.step))
}

/// Lists the incidents known here.
///
/// # Errors
/// When nobody reads it.
pub fn incidents(common: &Common, desk: &Rc<Desk>, all: bool) -> Result<(), CliError> {
    let mut rows = Vec::new();
    let store = Session::store(desk);
    let known = store.summaries()?;
    for id in store.incidents()? {
        // Records at rest are not read for this; one without events was begun by a process that died at once.
        let at_rest = |summary: &crate::journal::Summary| {
            summary.events == 0 || (!all && summary.closed && summary.owed_reviews == 0)
        };
        if known
            .iter()
            .any(|summary| summary.id == id && at_rest(summary))
        {
            continue;
        }
        match summary(desk, &id) {
            Ok(row) if all || row.open || row.review_owed => rows.push(row),
            Ok(_) => {}
            Err(error) => out::talk(&format!(
                "{}: {}",
                id.short(4),
                escape::line(&error.to_string())
            )),
        }
    }
    rows.sort_by(|a, b| {
        b.waits_for_you
            .is_some()
            .cmp(&a.waits_for_you.is_some())
            .then(b.incident.cmp(&a.incident))
    });
    if common.json {
        return out::json(&json!({ "incidents": rows }));
    }
    for row in rows {
        let waits = row
            .waits_for_you
            .map_or_else(String::new, |what| format!("  waits for you: {what}"));
        let owed = if row.review_owed {
            "  ! review owed"
        } else {
            ""
        };
        out::data(&format!(
            "{}  {}  {:<40}  {:<16}{waits}{owed}",
            row.short,
            row.severity,
            escape::line(&row.title),
            escape::line(&row.position)
        ))?;
    }
    Ok(())
}

/// Prints where one incident stands.
///
/// # Errors
/// When nobody reads it.
pub fn status(common: &Common, session: &Session) -> Result<(), CliError> {
    let state = session.state();
    let at = session.at()?;
    if common.json {
        let mut document = document(session, state, &at);
        document["updates"] = super::updates::document(session, at.utc())?;
        return out::json(&document);
    }
    let Some(incident) = state.incident.as_deref() else {
        return Err(CliError::Input("this record has no beginning".to_owned()));
    };
    let severity = state
        .severity
        .map_or_else(String::new, |severity| format!("{severity:?}"));
    let drill = if incident.mode == Mode::Exercise {
        "EXERCISE "
    } else {
        ""
    };
    out::data(&format!(
        "{drill}{} {} {}",
        session.id().short(4),
        severity.to_uppercase(),
        escape::line(&incident.title)
    ))?;
    out::data(&format!(
        "library {}@{} · you: {}{}",
        escape::line(&incident.library.source),
        &incident.library.commit.chars().take(12).collect::<String>(),
        at.who.principal,
        if at.who.signed { "" } else { " (unsigned)" }
    ))?;
    if let Some(exercise) = &state.exercise {
        out::data(&simulated(exercise, &at))?;
    }
    if let Some(why) = session.journal().read_only() {
        out::data(&format!("READ ONLY: {}", escape::line(why)))?;
    }
    reviews(state, &at)?;
    for flag in &state.flags {
        let word = if flag.violation { "VIOLATION" } else { "flag" };
        out::data(&format!(
            "{word} {} by {}: {}",
            flag.event.short(),
            flag.by,
            escape::line(&flag.what)
        ))?;
    }
    for line in super::updates::standing(session, at.utc())? {
        out::data(&line)?;
    }
    for run in &state.runs {
        let (over, all) = run.progress();
        out::data(&format!("\nrun {} ({over}/{all})", run.id))?;
        for step in &run.steps {
            out::data(&row(state, run, step, &at))?;
        }
    }
    Ok(())
}

/// The reviews that overrides owe.
fn reviews(state: &State, at: &At) -> Result<(), CliError> {
    for over in state.owed_reviews() {
        let due = match over.review_due {
            None => String::new(),
            Some(due) if over.is_late(at.utc()) => {
                format!(" LATE since {}", due.format("%Y-%m-%d %H:%MZ"))
            }
            Some(due) => format!(" by {}", due.format("%Y-%m-%d %H:%MZ")),
        };
        out::data(&format!(
            "! OVERRIDE of {} by {}: {} (review owed{due}: {})",
            over.step,
            over.by,
            escape::line(&over.reason),
            over.event.short()
        ))?;
    }
    Ok(())
}

fn row(state: &State, run: &Run, at_step: &StepState, at: &At) -> String {
    let glyph = match at_step.status {
        Status::Done => "✓",
        Status::Failed => "✗",
        Status::Skipped => "⤼",
        Status::Unknown => "?",
        Status::Running => "…",
        Status::Todo if run.at.as_ref() == Some(&at_step.id) => "▶",
        Status::Todo => " ",
    };
    let title = run
        .book
        .step(&at_step.id)
        .map_or("", |step| step.title.as_str());
    let mut text = format!(
        "{glyph} {:<24} {:<8} {}",
        at_step.id.as_str(),
        word(at_step.status),
        escape::line(title)
    );
    if let Some(choice) = &at_step.choice {
        text.push_str(&format!(" → {}", escape::line(choice)));
    }
    if let Some(step) = run.book.step(&at_step.id)
        && let Some(gate) = gate_text(state, run, step, at_step, at)
    {
        text.push_str(&format!("\n      {gate}"));
    }
    if let Some(reason) = at_step
        .reason
        .as_ref()
        .filter(|_| at_step.status != Status::Todo)
    {
        text.push_str(&format!("\n      {}", escape::line(reason)));
    }
    text
}

/// Why an open request can open nothing any more: a freeze began since.
fn voided(state: &State, run: &Run, step: &Step, request: &Request, at: &At) -> Option<String> {
    let key = StepKey {
        run: run.id.clone(),
        step: step.id.clone(),
    };
    let found = record::find(state, &key)
        .ok()
        .filter(|_| request.is_open())?;
    let refused = judge::no_stricter(found, &request.checkpoint, at.utc()).err()?;
    Some(refused.what)
}

/// The gate of a step that is not over, in one line.
fn gate_text(
    state: &State,
    run: &Run,
    step: &Step,
    at_step: &StepState,
    at: &At,
) -> Option<String> {
    let incident = state.incident.as_deref()?;
    if matches!(at_step.status, Status::Done | Status::Skipped) {
        return None;
    }
    let gate = checkpoint::gate(incident, run, step, at.utc())?;
    let mut rule = checkpoint::describe(&gate);
    if let Some(frozen) = checkpoint::frozen(incident, run, step, at.utc()) {
        rule = format!("{rule}; {frozen}");
    }
    let asked = at_step
        .request
        .as_deref()
        .filter(|request| request.record.step.attempt == record::next_attempt(at_step));
    if let Some(why) = asked.and_then(|request| voided(state, run, step, request, at)) {
        return Some(format!("checkpoint VOID: {why} ({rule})"));
    }
    Some(match asked {
        Some(request) if request.is_open() => {
            let standing = checkpoint::standing(incident, request, at.utc().timestamp());
            let could = checkpoint::who_could(state, run, step, request);
            let who = if could.is_empty() {
                "nobody left who could".to_owned()
            } else {
                could.join(", ")
            };
            format!(
                "checkpoint {}/{} ({rule}); could approve: {who}; request {}",
                standing.tally.0,
                standing.tally.1,
                request.record.digest()
            )
        }
        Some(request) => match &request.denied {
            Some((by, reason)) => format!("checkpoint DENIED by {by}: {}", escape::line(reason)),
            None => format!("checkpoint ({rule})"),
        },
        None => format!("checkpoint ({rule}), not asked for yet"),
    })
}

fn document(session: &Session, state: &State, at: &At) -> serde_json::Value {
    let steps = |run: &Run| -> Vec<_> {
        run.steps
            .iter()
            .map(|step| {
                let request = step.request.as_deref();
                let standing = request.zip(state.incident.as_deref()).map(|(request, incident)| {
                    checkpoint::standing(incident, request, at.utc().timestamp())
                });
                json!({
                    "id": step.id, "status": word(step.status), "attempt": step.attempt, "by": step.by,
                    "choice": step.choice, "exit": step.exit, "reason": step.reason, "claimed": step.claimed,
                    "checkpoint": request.map(|request| json!({
                        "request": request.record.digest(), "by": request.by, "open": standing.as_ref().map(|s| s.open),
                        "approvals": request.approvals.iter().map(|approval| json!({
                            "by": approval.by, "person": approval.person, "key": approval.fingerprint,
                        })).collect::<Vec<_>>(),
                        "denied": request.denied.as_ref().map(|(by, reason)| json!({"by": by, "reason": reason})),
                        "withdrawn": request.withdrawn, "consumed": request.consumed,
                    })),
                })
            })
            .collect()
    };
    json!({
        "incident": session.id(), "short": session.id().short(4),
        "title": state.incident.as_deref().map(|incident| incident.title.clone()),
        "severity": state.severity, "closed": state.closed.is_some(), "events": state.count,
        "mode": state.incident.as_deref().map(|incident| incident.mode),
        "exercise": state.exercise.as_deref().map(|exercise| json!({
            "now": at.utc(), "clock": exercise.clock, "over": exercise.ended.is_some(),
            "aborted": exercise.ended.as_ref().is_some_and(|ended| ended.aborted), "move": exercise.stage,
        })),
        "read_only": session.journal().read_only(),
        "runs": state.runs.iter().map(|run| json!({
            "id": run.id, "runbook": run.book.id, "at": run.at, "steps": steps(run), "values": run.plain(),
        })).collect::<Vec<_>>(),
        "milestones": state.milestones.iter().map(|(milestone, reached)| (milestone.word(), reached.at.to_rfc3339())).collect::<std::collections::BTreeMap<_, _>>(),
        "reviews_owed": state.owed_reviews().map(|over| json!({"event": over.event, "step": over.step.to_string(), "by": over.by, "reason": over.reason, "due": over.review_due, "late": over.is_late(at.utc())})).collect::<Vec<_>>(),
        "flags": state.flags.iter().map(|flag| json!({"event": flag.event, "by": flag.by, "what": flag.what, "violation": flag.violation})).collect::<Vec<_>>(),
    })
}
