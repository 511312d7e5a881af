//! Starting what runs: through its gate where it has one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::opened::same_files;
use super::{draft, incident};
use crate::engine::at::{At, Claim, Root};
use crate::engine::checkpoint::{
    self, Standing, judge, prepare,
    record::{self, Found, Site},
};
use crate::engine::collect;
use crate::engine::command::{Decision, Effect, Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::fact::{
    CheckpointConsumed, Outcome, RunStarted, Signed, StepFinished, StepStarted, UpdateRecorded,
};
use crate::engine::ids::RunId;
use crate::engine::state::{Approval, Request, State, Status};
use crate::evidence::escape;
use crate::runbook::model::{Kind, Uses};
use crate::trust::Mode;

pub(super) fn start(
    state: &State,
    key: &StepKey,
    purpose: Purpose,
    secrets: &BTreeMap<String, String>,
    signed: Option<Signed>,
    at: &At,
) -> Result<Decision, Refusal> {
    let found = record::find(state, key)?;
    let overridden = prepare::overridden(state, found, purpose, at).is_some();
    let gated = purpose != Purpose::DryRun
        && (overridden
            || checkpoint::gate(found.incident, found.run, found.step, at.utc()).is_some());
    startable(found, purpose, gated)?;
    super::exercise::may_start(state)?;
    if found.step.exclusive && purpose == Purpose::Run && !overridden {
        only_here(found, &at.claim)?;
    }
    let mut decision = Decision::default();
    let record = if gated {
        let (record, consumed) = pass(state, found, purpose, signed, at)?;
        decision
            .events
            .extend(consumed.map(|fact| draft(at, state, fact)));
        record
    } else {
        record::make(found, purpose, secrets, &Site::here(at), at.utc())?
    };
    let out_of_order = purpose == Purpose::Run && found.run.at.as_ref() != Some(&key.step);
    let record = Arc::new(record);
    decision.events.push(draft(
        at,
        state,
        StepStarted {
            record: (*record).clone(),
            out_of_order,
        },
    ));
    effects(state, found, &record, at, &mut decision)?;
    if found.incident.mode == Mode::Exercise {
        decision.effects.iter_mut().for_each(simulate);
    }
    Ok(decision)
}

/// In an exercise nothing runs, is pulled or is asked for: the script says what came of it.
fn simulate(effect: &mut Effect) {
    let record = match effect {
        Effect::Execute(record) | Effect::Collect { record, .. } | Effect::Wait { record, .. } => {
            Arc::clone(record)
        }
        Effect::Simulate(_) | Effect::Retry { .. } | Effect::Notice(_) => return,
    };
    *effect = Effect::Simulate(record);
}

/// Whether the step can be started at all, gate aside.
pub(super) fn startable(found: Found<'_>, purpose: Purpose, gated: bool) -> Result<(), Refusal> {
    let Found {
        step, state, run, ..
    } = found;
    if purpose == Purpose::DryRun {
        return Ok(());
    }
    if purpose == Purpose::RollBack {
        return judge::askable(found, purpose);
    }
    match state.status {
        Status::Todo | Status::Failed => {}
        Status::Running => {
            let by = state
                .by
                .as_ref()
                .map_or_else(String::new, |by| format!(" by {by}"));
            return Err(Refusal::new(
                RefusalKind::WrongState,
                format!("step {} runs already{by}", step.id),
            ));
        }
        Status::Unknown => {
            return Err(Refusal::new(
                RefusalKind::WrongState,
                format!("nobody saw how step {} ended", step.id),
            )
            .hint("look, then `runsheet step … resolve succeeded` or `resolve failed`"));
        }
        Status::Done | Status::Skipped => {
            return Err(Refusal::new(
                RefusalKind::WrongState,
                format!("step {} is over", step.id),
            ));
        }
    }
    if run.at.is_none() {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("run {} is over", run.id),
        ));
    }
    // Behind a checkpoint it is let start all the same, and then done by hand.
    if let Some(why) = step.by_hand_only()
        && !gated
    {
        return Err(Refusal::new(RefusalKind::WrongKind, format!("step {}: {why}", step.id))
            .hint("do it by hand and record it with `done`; the record will say that it was done by hand"));
    }
    Ok(())
}

/// An exclusive step is started by whoever claimed it first, wherever all who could start it look.
fn only_here(found: Found<'_>, claim: &Claim) -> Result<(), Refusal> {
    let step = &found.step.id;
    match claim {
        Claim::Held => Ok(()),
        Claim::Taken(by) => Err(Refusal::new(
            RefusalKind::WrongState,
            format!("step {step} is to be done by one only, and {by} claimed it first"),
        )),
        Claim::NotAsked => Err(Refusal::new(
            RefusalKind::GateClosed,
            format!("step {step} is to be done by one only, and nobody asked who"),
        )),
        Claim::Unreachable(why) => Err(Refusal::new(
            RefusalKind::GateClosed,
            format!(
                "step {step} is to be done by one only, and the hub could not be asked: {}",
                escape::line(why)
            ),
        )
        .hint("whoever policy lets may `runsheet override` it, on the record")),
    }
}

/// Through the gate: by approvals that are used up now, or by an override made before.
fn pass(
    state: &State,
    found: Found<'_>,
    purpose: Purpose,
    signed: Option<Signed>,
    at: &At,
) -> Result<(ExecRecord, Option<CheckpointConsumed>), Refusal> {
    clock(state, at)?;
    if let Some(over) = prepare::overridden(state, found, purpose, at) {
        judge::same_as_asked(found, &over.record, &over.checkpoint, at.utc())?;
        mine(&over.record, at)?;
        same_files(&over.record, &over.by, at)?;
        return Ok(((*over.record).clone(), None));
    }
    let (request, standing) = opened(state, found, purpose, at)?;
    let step = request.record.step.clone();
    let signed = signed.ok_or_else(|| {
        Refusal::new(
            RefusalKind::Unsigned,
            "passing a checkpoint takes a signature of who runs it",
        )
    })?;
    judge::consume(
        state,
        &step,
        &standing.counted,
        &signed,
        &at.who.principal,
        at.utc(),
    )?;
    let fact = CheckpointConsumed {
        step,
        approvals: standing.counted,
        signed,
    };
    Ok(((*request.record).clone(), Some(fact)))
}

/// The request whose approvals open the gate at this moment, for who is here.
pub(super) fn opened<'a>(
    state: &State,
    found: Found<'a>,
    purpose: Purpose,
    at: &At,
) -> Result<(&'a Request, Standing), Refusal> {
    let request = asked_for(state, found, purpose, at)?;
    let standing = checkpoint::standing(found.incident, request, at.utc().timestamp());
    if !standing.open {
        return Err(judge::closed_gate(found, request, standing.tally));
    }
    still_trusted(request, &standing, at)?;
    still_fresh(request, &standing, at)?;
    mine(&request.record, at)?;
    same_files(&request.record, &request.by, at)?;
    Ok((request, standing))
}

/// The request whose approvals are for this: of this purpose, open, and of the attempt that comes.
fn asked_for<'a>(
    state: &State,
    found: Found<'a>,
    purpose: Purpose,
    at: &At,
) -> Result<&'a Request, Refusal> {
    let gate = judge::gate_of(found, at.utc())?;
    let asked = found.state.request.as_deref();
    let Some(request) = asked.filter(|request| request.record.exec.purpose == purpose) else {
        if let Some(refusal) = prepare::overtaken(state, found, purpose, at) {
            return Err(refusal);
        }
        return Err(Refusal::new(
            RefusalKind::GateClosed,
            format!(
                "step {} has a checkpoint ({})",
                found.step.id,
                checkpoint::describe(&gate)
            ),
        )
        .hint("`runsheet request` asks for the approvals"));
    };
    let step = request.record.step.clone();
    let request = judge::open_request(found, &step)?;
    if step.attempt != record::attempt_of(found.state, purpose) {
        return Err(Refusal::new(
            RefusalKind::GateClosed,
            format!(
                "the approvals are for attempt {}, which is over",
                step.attempt
            ),
        )
        .hint("`runsheet request` asks for the approvals of the next attempt"));
    }
    Ok(request)
}

/// A clock that runs behind the record would stretch every expiry.
pub(super) fn clock(state: &State, at: &At) -> Result<(), Refusal> {
    let behind = state
        .latest
        .map_or(0, |latest| latest.timestamp() - at.real().timestamp());
    if behind <= checkpoint::CLOCK_SKEW_SECONDS {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::Expired,
        format!("the clock here is {behind} s behind the latest event of the record"),
    )
    .hint("set the clock right: no checkpoint is passed with one that was set back"))
}

/// Whether the approvals still hold by the clock that nobody sets, counted from when they were first seen here.
fn still_fresh(request: &Request, standing: &Standing, at: &At) -> Result<(), Refusal> {
    for approval in counted(request, standing) {
        let (Some(from), Some(until)) =
            (approval.statement.not_before, approval.statement.not_after)
        else {
            continue;
        };
        if at.outlived(&approval.event, until - from) {
            return Err(Refusal::new(
                RefusalKind::Expired,
                format!("the approval of {} has expired", approval.by),
            )
            .hint("`runsheet request` asks anew"));
        }
    }
    Ok(())
}

pub(super) fn counted<'a>(
    request: &'a Request,
    standing: &'a Standing,
) -> impl Iterator<Item = &'a Approval> {
    let approvals = request.approvals.iter();
    approvals.filter(|approval| standing.counted.contains(&approval.event))
}

/// The executor's own library has the last word: on the record's policy, and on whose approvals still count.
fn still_trusted(request: &Request, standing: &Standing, at: &At) -> Result<(), Refusal> {
    let revoked = match &at.root {
        Root::Trusted { revoked } => revoked,
        Root::Untrusted(why) => {
            return Err(Refusal::new(
                RefusalKind::NotTrusted,
                format!("policy not from a trusted library: {why}"),
            )
            .hint(
                "`runsheet fetch` brings your own library up to date; `--library` names another",
            ));
        }
    };
    let gone = |approval: &&Approval| {
        let role = approval.statement.role.as_ref();
        let mut revoked = revoked.iter();
        revoked.any(|gone| gone.takes(&approval.by, &approval.fingerprint, role))
    };
    if let Some(approval) = counted(request, standing).find(gone) {
        return Err(Refusal::new(
            RefusalKind::NotTrusted,
            format!(
                "{} approved it and was removed from the library since: trust shrinks at once",
                approval.by
            ),
        )
        .hint("`runsheet request` asks anew"));
    }
    Ok(())
}

/// It was approved for one executor: person, machine and journal.
fn mine(record: &ExecRecord, at: &At) -> Result<(), Refusal> {
    let here = Site::here(at);
    if record.executor == here.executor && record.exec.run_as == here.run_as {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::NotEligible,
        format!(
            "it was approved to run by {} on {} as {}, not by {} on {} as {}",
            record.executor.principal,
            record.executor.host,
            record.exec.run_as,
            here.executor.principal,
            here.host,
            here.run_as
        ),
    )
    .hint("ask for approval from where it is to run"))
}

fn effects(
    state: &State,
    found: Found<'_>,
    record: &Arc<ExecRecord>,
    at: &At,
    decision: &mut Decision,
) -> Result<(), Refusal> {
    let Found { step, run, .. } = found;
    let values = run.plain();
    if record.exec.purpose == Purpose::Run && step.by_hand_only().is_some() {
        return Ok(());
    }
    match &step.kind {
        Kind::Run(_) => decision.effects.push(Effect::Execute(Arc::clone(record))),
        _ if record.exec.purpose != Purpose::Run => {
            decision.effects.push(Effect::Execute(Arc::clone(record)))
        }
        Kind::Wait(wait) => decision.effects.push(Effect::Wait {
            record: Arc::clone(record),
            every: wait.every.as_secs().max(1),
            limit: wait.limit.map(|limit| limit.as_secs()),
        }),
        Kind::Collect(collect) => {
            let sources = collect::of_step(state, run, collect, at.utc())?;
            decision.effects.push(Effect::Collect {
                record: Arc::clone(record),
                sources,
            });
        }
        Kind::Notify(notify) => {
            super::update::may_notify(found.incident, notify, record.gate != "-")?;
            let message = crate::runbook::text::fill(&notify.message, &values, &run.secrets());
            let next = notify
                .every
                .and_then(|every| chrono::TimeDelta::from_std(every).ok())
                .and_then(|every| at.utc().checked_add_signed(every));
            let told = UpdateRecorded {
                audience: notify.audience.clone(),
                state: notify.state.clone(),
                message,
                step: Some(record.step.clone()),
                next,
            };
            decision.events.push(draft(at, state, told));
            decision
                .events
                .push(draft(at, state, over_at_once(record, at)));
        }
        Kind::Uses(uses) => {
            let begun = sub_run(found, uses, record, at)?;
            decision.events.push(draft(at, state, begun));
        }
        // Gated steps of these kinds are let start; a person then does them and says so.
        Kind::Manual | Kind::Decide(_) | Kind::Ask(_) | Kind::Parallel(_) => {}
    }
    Ok(())
}

/// The run of the runbook that a step uses.
fn sub_run(
    found: Found<'_>,
    uses: &Uses,
    record: &ExecRecord,
    at: &At,
) -> Result<RunStarted, Refusal> {
    let run = found.run;
    let values = run.plain();
    let pin = run
        .uses
        .iter()
        .find(|pin| pin.id == uses.runbook)
        .ok_or_else(|| {
            Refusal::new(
                RefusalKind::NoSuchThing,
                format!("runbook {} was not pinned with this run", uses.runbook),
            )
        })?;
    let book = incident::book(pin)?;
    let with = uses
        .with
        .iter()
        .map(|(name, value)| Ok((name.clone(), record::expanded(value, &values)?)))
        .collect::<Result<_, Refusal>>()?;
    let (inputs, secrets) = incident::accept(&book.inputs, &with, &[])?;
    let id = RunId::generate(pin.id.as_str(), &at.random);
    Ok(RunStarted {
        run: id,
        runbook: pin.clone(),
        uses: run.uses.as_ref().clone(),
        inputs,
        secrets,
        parent: Some(record.step.clone()),
    })
}

fn over_at_once(record: &ExecRecord, at: &At) -> StepFinished {
    StepFinished {
        step: record.step.clone(),
        purpose: Purpose::Run,
        outcome: Outcome::Succeeded,
        exit: None,
        signal: None,
        started: at.utc(),
        ended: at.utc(),
        outputs: BTreeMap::new(),
        secrets: Vec::new(),
        evidence: Vec::new(),
        problem: None,
    }
}
