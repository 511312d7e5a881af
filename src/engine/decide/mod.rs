//! What may happen. The only place where a rule is enforced: screen, command line, merge and exercise all come here.

mod change;
pub(in crate::engine) mod exercise;
mod finish;
mod gate;
mod incident;
mod opened;
mod run;
mod steps;
mod update;

pub(in crate::engine) use incident::text;
pub use opened::{Opened, opened_now};

use super::apply::apply;
use super::at::At;
use super::command::{Command, Decision, Refusal, RefusalKind};
use super::event::{Draft, Event, Fidelity};
use super::fact::{Fact, StepSkipped};
use super::ids::StepRef;
use super::state::{Run, State, Status};
use crate::evidence::Digest;
use crate::runbook::expr;
use crate::runbook::model::Step;
use crate::trust::Mode;

/// Events and effects for a command, or a refusal with its reason.
///
/// # Errors
/// When a rule forbids it in this state.
pub fn decide(state: &State, command: Command, at: &At) -> Result<Decision, Refusal> {
    if let Some(refusal) = closed(state, &command) {
        return Err(refusal);
    }
    let mut decision = match command {
        Command::StartIncident(start) => incident::start(state, *start, at),
        Command::StartRun(start) => incident::start_run(state, *start, at),
        Command::AssignRole { .. }
        | Command::SetSeverity(_)
        | Command::Reach { .. }
        | Command::Note { .. }
        | Command::NoteLine { .. }
        | Command::Correct { .. }
        | Command::Attach { .. } => incident::entry(state, command, at),
        Command::Update { .. } | Command::Delivered(_) | Command::Undelivered(_) => {
            update::update(state, command, at)
        }
        Command::Exercise(control) => exercise::control(state, control, at),
        Command::Tell(told) => incident::tell(state, told, at),
        Command::Start {
            step,
            purpose,
            secrets,
            signed,
        } => run::start(state, &step, purpose, &secrets, signed, at),
        Command::Finish {
            step,
            purpose,
            finished,
        } => finish::finish(state, &step, purpose, finished, at),
        Command::Claim { .. }
        | Command::Done { .. }
        | Command::Choose { .. }
        | Command::Answer { .. }
        | Command::Skip { .. }
        | Command::Resolve { .. } => steps::by_hand(state, command, at),
        Command::Delegate { .. }
        | Command::Revoked { .. }
        | Command::Adopt { .. }
        | Command::Expunge { .. }
        | Command::Unreachable { .. } => change::change(state, command, at),
        Command::Request { .. }
        | Command::Withdraw { .. }
        | Command::Approve { .. }
        | Command::Deny { .. }
        | Command::Override { .. }
        | Command::Review { .. }
        | Command::Close { .. }
        | Command::Reopen { .. } => gate::signed(state, command, at),
    }?;
    let skips = skips_after(state, &decision.events, at);
    decision.events.extend(skips);
    Ok(decision)
}

/// After closing, reading and adding to the account go on; runs and approvals do not.
fn closed(state: &State, command: &Command) -> Option<Refusal> {
    state.closed.as_ref()?;
    let goes_on = matches!(
        command,
        Command::Note { .. }
            | Command::Tell(_)
            | Command::NoteLine { .. }
            | Command::Correct { .. }
            | Command::Attach { .. }
            | Command::Review { .. }
            | Command::Revoked { .. }
            | Command::Expunge { .. }
            | Command::Unreachable { .. }
            | Command::Delivered(_)
            | Command::Undelivered(_)
            | Command::Close { .. }
            | Command::Reopen { .. }
            | Command::Finish { .. }
            | Command::Resolve { .. }
            | Command::Exercise(_)
    );
    (!goes_on).then(|| {
        Refusal::new(RefusalKind::Closed, "the incident is closed")
            .hint("notes, corrections, reviews and exports go on; `runsheet reopen` opens it again")
    })
}

/// A draft of a fact that happens here and now.
fn draft(at: &At, state: &State, fact: impl Into<Fact>) -> Draft {
    let mode = state
        .incident
        .as_deref()
        .map_or(Mode::Live, |incident| incident.mode);
    Draft {
        occurred_at: at.now,
        occurred_until: None,
        fidelity: Fidelity::Exact,
        recorded_at: at.real(),
        person: at.who.principal.clone(),
        signed: at.who.signed,
        role: state
            .roles
            .get(&at.who.principal)
            .and_then(|roles| roles.first().cloned()),
        account: at.who.account.clone(),
        host: at.who.host.clone(),
        boot: at.boot.clone(),
        mode,
        sim_time: state.exercise.is_some().then(|| at.utc()),
        fact: fact.into(),
    }
}

/// Steps that nobody has to decide about, because their `when` is not so: skipped on the record as soon as the run
/// stands at them.
fn skips_after(state: &State, drafts: &[Draft], at: &At) -> Vec<Draft> {
    let mut state = drafts.iter().fold(state.clone(), |state, draft| {
        simulate(state, draft.clone(), at)
    });
    let ruled;
    let at = if state.exercise.is_some() {
        ruled = at.clone().ruled_by(&state);
        &ruled
    } else {
        at
    };
    let mut skips = Vec::new();
    // A runbook has few steps; a loop of skipped steps ends here rather than never.
    for _ in 0..1_000 {
        let Some(fact) = state.open_runs().find_map(to_skip) else {
            break;
        };
        let skip = draft(at, &state, fact);
        state = simulate(state, skip.clone(), at);
        skips.push(skip);
    }
    skips
}

fn to_skip(run: &Run) -> Option<StepSkipped> {
    let (step, at) = run.current()?;
    let when = step.when.as_ref()?;
    if at.status != Status::Todo || at.request.as_ref().is_some_and(|request| request.is_open()) {
        return None;
    }
    let holds = expr::parse(when).and_then(|expr| expr.eval(&context(run, step)));
    // Where it cannot be told, a person decides.
    (holds == Ok(false)).then(|| StepSkipped {
        step: StepRef {
            run: run.id.clone(),
            step: step.id.clone(),
            attempt: at.attempt,
        },
        reason: format!("when {when}"),
        automatic: true,
    })
}

/// What an expression can name: the values in clear, the step's risk and kind.
fn context(run: &Run, step: &Step) -> std::collections::BTreeMap<String, String> {
    let mut context = run.plain();
    for (name, text) in [
        ("risk", format!("{:?}", step.risk).to_lowercase()),
        ("kind", step.kind.word().to_owned()),
    ] {
        context.entry(name.to_owned()).or_insert(text);
    }
    context
}

/// The option of a `decide` step that its expressions suggest.
#[must_use]
pub fn suggested(run: &Run, step: &Step) -> Option<String> {
    let crate::runbook::model::Kind::Decide(decide) = &step.kind else {
        return None;
    };
    decide.options.iter().find_map(|option| {
        let expr = expr::parse(option.when.as_ref()?).ok()?;
        (expr.eval(&context(run, step)) == Ok(true)).then(|| option.label.clone())
    })
}

/// The state as it will be once this draft is recorded; only its name is not yet known.
fn simulate(state: State, draft: Draft, at: &At) -> State {
    let seq = state.writers.get(&at.writer).map_or(1, |head| head.seq + 1);
    let mut name = at.writer.to_string();
    name.push_str(&seq.to_string());
    let incident = state.incident.as_deref().map_or_else(
        || super::ids::IncidentId::generate(0, &at.random),
        |incident| incident.id.clone(),
    );
    let event = Event {
        id: Digest::of(name.as_bytes()),
        incident,
        writer: at.writer.clone(),
        seq,
        prev: state.writers.get(&at.writer).map(|head| head.event),
        seen: Vec::new(),
        recorded_at: draft.recorded_at,
        occurred_at: draft.occurred_at,
        occurred_until: draft.occurred_until,
        fidelity: draft.fidelity,
        person: draft.person,
        signed: draft.signed,
        role: draft.role,
        account: draft.account.into(),
        host: draft.host.into(),
        boot: draft.boot,
        mode: draft.mode,
        sim_time: draft.sim_time,
        fact: draft.fact,
    };
    apply(state, &event)
}
