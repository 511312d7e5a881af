//! Putting together what the screen shows: library, incidents, the open one with its gates, as values.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{inbox, tail};
use crate::driver::{Desk, Session};
use crate::engine::checkpoint::{self, change, judge, prepare, record};
use crate::engine::command::StepKey;
use crate::engine::decide;
use crate::engine::exec::Purpose;
use crate::engine::intent::Intent;
use crate::engine::state::{Request, Run, State, Status, StepState};
use crate::engine::{At, IncidentId};
use crate::runbook::model::{Severity, Step};
use crate::trust::{Mode, Principal};
use crate::tui::world::{
    ApprovalView, Brief, Clocks, Gate, IncidentRow, Library, Me, Open, Pending, Script, StepFacts,
};

/// Who sits here.
#[must_use]
pub fn me(desk: &Desk, state: Option<&State>) -> Me {
    let identity = &desk.identity;
    let principal = identity.principal.clone();
    let incident = state.and_then(|state| state.incident.as_deref());
    let person =
        incident.and_then(|incident| incident.people.person_of(&principal).map(str::to_owned));
    let roles = match (&person, incident) {
        (Some(person), Some(incident)) => incident.people.roles_of(person).cloned().collect(),
        _ => Vec::new(),
    };
    Me {
        name: person.unwrap_or_else(|| {
            principal
                .as_str()
                .split('@')
                .next()
                .unwrap_or_default()
                .to_owned()
        }),
        signed: identity.signer.is_some(),
        key: identity
            .signer
            .as_ref()
            .map(|signer| signer.fingerprint())
            .unwrap_or_default(),
        principal,
        roles,
    }
}

/// The header line of the library.
#[must_use]
pub fn library(desk: &Desk) -> Option<Library> {
    let library = desk.own_library()?;
    let pin = library.pin().ok()?;
    Some(Library {
        source: library.spec().to_string(),
        commit: pin.commit.chars().take(7).collect(),
        author: pin.author_name,
        date: pin.date,
        branch: pin.branch,
        fetched: library.fetched_at(),
    })
}

/// One incident of the list; `None` where it is closed and owes nothing.
#[must_use]
pub fn incident_row(
    me: &Principal,
    id: &IncidentId,
    state: &State,
    events: &[Arc<crate::engine::Event>],
) -> Option<IncidentRow> {
    let incident = state.incident.as_deref()?;
    let owed = state.owed_reviews().next().is_some();
    if state.closed.is_some() && !owed {
        return None;
    }
    let position = match state.open_runs().next() {
        Some(run) => {
            let (over, all) = run.progress();
            format!("step {over}/{all}")
        }
        None if owed => "review owed".to_owned(),
        None => "walked".to_owned(),
    };
    Some(IncidentRow {
        id: id.clone(),
        short: id.short(4),
        severity: state.severity.unwrap_or(Severity::Sev3),
        title: incident.title.clone(),
        position,
        started: incident.started,
        waits: inbox::waits(me, state, events),
        exercise: incident.mode == Mode::Exercise,
        overridden: owed,
    })
}

/// The clocks of the open incident, read again only when another policy or library holds.
#[derive(Debug, Default)]
pub struct ClockCache {
    of: Option<(IncidentId, String, Vec<String>)>,
    read: Arc<Clocks>,
}

impl ClockCache {
    /// Those of this incident.
    pub fn of(&mut self, session: &Session) -> Arc<Clocks> {
        let of = session.state().incident.as_deref().map(|incident| {
            let named = incident.policy.clocks.clone();
            (session.id().clone(), incident.library.commit.clone(), named)
        });
        if self.of != of {
            let (regimes, problems) = session
                .regimes(false)
                .unwrap_or_else(|error| (Vec::new(), vec![error.to_string()]));
            self.read = Arc::new(Clocks { regimes, problems });
            self.of = of;
        }
        Arc::clone(&self.read)
    }
}

/// The open incident. `events` is handed in because it only changes when something was recorded.
#[must_use]
pub fn open(
    session: &Session,
    events: &Arc<Vec<Arc<crate::engine::Event>>>,
    refolded: u64,
    approval: Option<Arc<ApprovalView>>,
    clocks: Arc<Clocks>,
    script: Option<Arc<Script>>,
) -> Open {
    let state = Arc::clone(session.state());
    Open {
        id: session.id().clone(),
        short: session.id().short(4),
        events: Arc::clone(events),
        refolded,
        tails: tail::of(session, &state),
        read_only: session.journal().read_only().map(str::to_owned),
        undelivered: session.undelivered(),
        promised: if state.closed.is_some() {
            Vec::new()
        } else {
            crate::timeline::promises::promises(events)
        },
        steps: facts(session, &state),
        approval,
        clocks,
        script,
        state,
    }
}

/// What the engine and this machine say of each step that is not over.
fn facts(session: &Session, state: &State) -> BTreeMap<StepKey, Arc<StepFacts>> {
    let mut facts = BTreeMap::new();
    let Ok(at) = session.at() else { return facts };
    for run in &state.runs {
        for (step, at_step) in run.book.steps.iter().zip(&run.steps) {
            let over = matches!(at_step.status, Status::Done | Status::Skipped);
            if over && (at_step.status == Status::Skipped || step.exec.rollback.is_none()) {
                continue;
            }
            let key = StepKey {
                run: run.id.clone(),
                step: step.id.clone(),
            };
            facts.insert(
                key.clone(),
                Arc::new(step_facts(session, state, run, step, at_step, &at, &key)),
            );
        }
    }
    facts
}

fn step_facts(
    session: &Session,
    state: &State,
    run: &Run,
    step: &Step,
    at_step: &StepState,
    at: &At,
    key: &StepKey,
) -> StepFacts {
    let found = record::find(state, key).ok();
    let secrets = BTreeMap::new();
    let over = at_step.status == Status::Done;
    let made = found.filter(|_| !over).and_then(|found| {
        record::make(
            found,
            Purpose::Run,
            &secrets,
            &record::Site::here(at),
            at.utc(),
        )
        .ok()
    });
    let suggested = decide::suggested(run, step).map(|label| {
        let why = match &step.kind {
            crate::runbook::model::Kind::Decide(decide) => decide
                .options
                .iter()
                .find(|option| option.label == label)
                .and_then(|option| option.when.clone()),
            _ => None,
        };
        (label, why.unwrap_or_default())
    });
    let due = step.due.as_ref().and_then(|due| {
        let milestone = crate::engine::fact::Milestone::named(&due.clock)?;
        let from = state.milestones.get(&milestone)?.at;
        from.checked_add_signed(chrono::TimeDelta::from_std(due.within).ok()?)
    });
    let may = found.is_some_and(|found| {
        at.who.signed && judge::may_override(found, &at.who.principal).is_ok()
    });
    StepFacts {
        gate: if over {
            Gate::Free
        } else {
            gate(state, run, step, at_step, Purpose::Run, at)
        },
        roll_back: if step.exec.rollback.is_some() && at_step.status != Status::Todo {
            gate(state, run, step, at_step, Purpose::RollBack, at)
        } else {
            Gate::Free
        },
        record: made.map(Arc::new),
        suggested,
        due,
        missing_secrets: session.missing_secrets(key),
        may_override: may,
    }
}

fn gate(
    state: &State,
    run: &Run,
    step: &Step,
    at_step: &StepState,
    purpose: Purpose,
    at: &At,
) -> Gate {
    let Some(incident) = state.incident.as_deref() else {
        return Gate::Free;
    };
    let Some(checkpoint) = checkpoint::gate(incident, run, step, at.utc()) else {
        return Gate::Free;
    };
    if let Some(why) = &incident.broken {
        return Gate::Blocked(format!("the pinned policy cannot be used: {why}"));
    }
    let mut asks = checkpoint::describe(&checkpoint);
    if let Some(frozen) = checkpoint::frozen(incident, run, step, at.utc()) {
        asks = format!("{asks}; {frozen}");
    }
    let key = StepKey {
        run: run.id.clone(),
        step: step.id.clone(),
    };
    let Ok(found) = record::find(state, &key) else {
        return Gate::Free;
    };
    if let Some(over) = prepare::overridden(state, found, purpose, at) {
        return Gate::Overridden {
            by: over.person.clone(),
            until: Some(over.until.fixed_offset()),
        };
    }
    let request = at_step.request.as_deref().filter(|request| {
        request.record.exec.purpose == purpose
            && request.record.step.attempt == record::attempt_of(at_step, purpose)
    });
    let could = crate::runbook::gates::who_could_pass(
        &incident.policy,
        &checkpoint,
        incident.people.person_of(&at.who.principal),
    );
    let Some(request) = request.filter(|request| !request.withdrawn && request.consumed.is_none())
    else {
        return match prepare::overtaken(state, found, purpose, at) {
            Some(refusal) => Gate::Void {
                asks,
                why: refusal.what,
            },
            None => Gate::Closed { asks, who: could },
        };
    };
    if let Some((by, reason)) = &request.denied {
        return Gate::Denied {
            asks,
            by: checkpoint::person(incident, by),
            reason: reason.clone(),
        };
    }
    let same = judge::same_as_asked(found, &request.record, &request.checkpoint, at.utc());
    if let Err(refusal) = same {
        return Gate::Void {
            asks,
            why: refusal.what,
        };
    }
    asked(state, run, step, request, at, asks)
}

fn asked(state: &State, run: &Run, step: &Step, request: &Request, at: &At, asks: String) -> Gate {
    let Some(incident) = state.incident.as_deref() else {
        return Gate::Free;
    };
    let now = at.utc().timestamp();
    let standing = checkpoint::standing(incident, request, now);
    let until = request
        .approvals
        .iter()
        .filter_map(|approval| approval.statement.not_after)
        .filter(|until| until.timestamp() >= now)
        .min()
        .map(|until| until.fixed_offset());
    if standing.open {
        let by = request
            .approvals
            .iter()
            .map(|approval| approval.person.clone())
            .collect();
        return Gate::Open { by, until };
    }
    if !request.approvals.is_empty() && standing.counted.is_empty() {
        return Gate::Void {
            asks,
            why: "the approvals have expired".to_owned(),
        };
    }
    let me = &at.who.principal;
    let answered = request.approvals.iter().any(|approval| &approval.by == me);
    Gate::Pending(Pending {
        asks,
        who: asked_now(state, incident, run, step, request),
        have: standing.tally.0,
        want: standing.tally.1,
        by: checkpoint::person(incident, &request.by),
        asked: request.at,
        expires: until,
        mine: !answered
            && !change::passed_on(request, me)
            && judge::eligible(state, run, step, request, me).is_ok(),
        asked_by_me: &request.by == me,
    })
}

/// Who could answer a request and has not passed it on.
fn asked_now(
    state: &State,
    incident: &crate::engine::state::Incident,
    run: &Run,
    step: &Step,
    request: &Request,
) -> Vec<String> {
    let mut who = checkpoint::who_could(state, run, step, request);
    let passed = request.delegated.iter().map(|(by, _)| by);
    for by in passed.filter(|by| change::passed_on(request, by)) {
        let person = checkpoint::person(incident, by);
        who.retain(|name| *name != person);
    }
    who
}

/// Who else than this person could answer a request.
fn others(
    state: &State,
    found: record::Found<'_>,
    request: &Request,
    me: &Principal,
) -> Vec<(String, Principal)> {
    let incident = found.incident;
    let mine = checkpoint::person(incident, me);
    checkpoint::who_could(state, found.run, found.step, request)
        .into_iter()
        .filter(|name| *name != mine)
        .filter_map(|name| {
            let known = &incident.policy.people.get(&name)?.principals;
            let principal = known.iter().find_map(|principal| {
                let principal = Principal::try_from(principal.as_str()).ok()?;
                let signs = !incident.signers.keys_of(&principal).is_empty();
                signs.then_some(principal)
            })?;
            Some((name, principal))
        })
        .collect()
}

/// The approval text of a step that somebody asked for, for whoever sits here.
#[must_use]
pub fn approval(session: &Session, key: &StepKey) -> Option<ApprovalView> {
    let state = session.state();
    let found = record::find(state, key).ok()?;
    let request = found.state.request.as_deref()?;
    let digest = request.record.digest();
    // A dry run is one of the step itself.
    let runs = request.record.exec.purpose == Purpose::Run;
    let text = checkpoint::text::approval_text(found.incident, &request.record, &request.by);
    let intent = Intent::Approve {
        step: key.clone(),
        request: digest,
    };
    let eligible = session
        .prepare(&intent)
        .map(|_| ())
        .map_err(|error| error.to_string());
    let identity = &session.desk.identity;
    let key_text = identity
        .signer
        .as_ref()
        .map(|signer| signer.fingerprint())
        .unwrap_or_else(|| "no key".to_owned());
    Some(ApprovalView {
        step: key.clone(),
        request: digest,
        purpose: request.record.exec.purpose,
        title: found.step.title.clone(),
        destructive: found.step.risk == crate::runbook::model::Risk::Destructive,
        text,
        requester: checkpoint::person(found.incident, &request.by),
        asked: request.at,
        holds: Some(request.checkpoint.expires),
        you_sign: format!("{}  {key_text}", identity.principal),
        eligible,
        asked_by_me: request.by == identity.principal,
        others: others(state, found, request, &identity.principal),
        passed: request
            .delegated
            .iter()
            .map(|(by, to)| {
                let name = |who| checkpoint::person(found.incident, who);
                (name(by), name(to))
            })
            .collect(),
        has_dry_run: runs && request.record.dry_run.is_some(),
        dry_run: found
            .state
            .twins
            .get(&Purpose::DryRun)
            .filter(|_| runs)
            .map(|twin| super::brief::rehearsal(twin, state, &request.record)),
        brief: Brief::default(),
    })
}
