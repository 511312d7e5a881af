//! Beginning an incident and its runs, and what is written down beside the walk.

use std::collections::BTreeMap;

use super::draft;
use super::exercise::may_assign;
use crate::engine::at::At;
use crate::engine::checkpoint::judge;
use crate::engine::checkpoint::record;
use crate::engine::command::{
    Command, Decision, Refusal, RefusalKind, StartIncident, StartRun, StepKey,
};
use crate::engine::event::{Draft, Fidelity};
use crate::engine::exercise::FACILITATOR;
use crate::engine::fact::{
    EntryCorrected, EvidenceCaptured, IncidentStarted, LineNoted, MilestoneReached, NoteAdded,
    PinnedRunbook, RoleAssigned, RunStarted, SeverityChanged,
};
use crate::engine::ids::{RunId, StepRef};
use crate::engine::state::State;
use crate::engine::telling::{MOST_AT_ONCE, Told};
use crate::runbook::check::is_reserved;
use crate::runbook::model::{Input, Role, Runbook};
use crate::runbook::parse;
use crate::trust::Mode;

/// Free text longer than this does not go into one event.
const MAX_TEXT: usize = 64 << 10;

pub(super) fn start(state: &State, start: StartIncident, at: &At) -> Result<Decision, Refusal> {
    if state.incident.is_some() {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            "this incident has begun already",
        ));
    }
    if start.policy.sha256 != judge::policy_digest(&start.policy_yaml, &start.allowed_signers) {
        return Err(Refusal::new(
            RefusalKind::Changed,
            "the policy texts are not what their digest says",
        ));
    }
    let title = text("title", &start.title)?;
    let (mode, run) = (start.mode, start.run);
    if start.exercise.is_some() != (mode == Mode::Exercise) {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            "an exercise has a script, and nothing else has",
        ));
    }
    let mut events = vec![draft(
        at,
        state,
        IncidentStarted {
            title,
            severity: start.severity,
            reference: start.reference,
            alert: start.alert,
            library: start.library,
            policy: start.policy,
            policy_yaml: start.policy_yaml,
            allowed_signers: start.allowed_signers,
        },
    )];
    let exercise = start.exercise.map(|exercise| *exercise);
    let sim = exercise.as_ref().map(|exercise| exercise.clock.sim);
    if let Some(exercise) = exercise {
        events.push(draft(at, state, exercise));
        let conducts = RoleAssigned {
            who: at.who.principal.clone(),
            role: Role::from(FACILITATOR),
        };
        events.push(draft(at, state, conducts));
    }
    if let Some(run) = run {
        let id = RunId::new(run.runbook.id.as_str())
            .map_err(|error| Refusal::new(RefusalKind::BadValue, error.to_string()))?;
        events.push(draft(at, state, begin(id, run)?));
    }
    for event in &mut events {
        event.mode = mode;
        event.sim_time = sim;
        if let Some(sim) = sim {
            event.occurred_at = sim.with_timezone(at.now.offset());
        }
    }
    Ok(Decision {
        events,
        effects: Vec::new(),
    })
}

pub(super) fn start_run(state: &State, run: StartRun, at: &At) -> Result<Decision, Refusal> {
    if state.incident.is_none() {
        return Err(Refusal::new(
            RefusalKind::NoSuchThing,
            "this record has no beginning",
        ));
    }
    let id = if state.runs.is_empty() {
        RunId::new(run.runbook.id.as_str())
            .map_err(|error| Refusal::new(RefusalKind::BadValue, error.to_string()))?
    } else {
        RunId::generate(run.runbook.id.as_str(), &at.random)
    };
    Ok(Decision {
        events: vec![draft(at, state, begin(id, run)?)],
        effects: Vec::new(),
    })
}

fn begin(id: RunId, run: StartRun) -> Result<RunStarted, Refusal> {
    let book = book(&run.runbook)?;
    for pin in std::iter::once(&run.runbook).chain(&run.uses) {
        sets_nothing_reserved(pin)?;
    }
    let (inputs, secrets) = accept(&book.inputs, &run.inputs, &run.secrets)?;
    Ok(RunStarted {
        run: id,
        runbook: run.runbook,
        uses: run.uses,
        inputs,
        secrets,
        parent: None,
    })
}

/// What means something to shells and loaders is not for a runbook to set: what was approved would run as something else.
fn sets_nothing_reserved(pin: &PinnedRunbook) -> Result<(), Refusal> {
    let book = book(pin)?;
    for step in &book.steps {
        let mut names = step.exec.env.iter().map(|(name, _)| name);
        if let Some(name) = names.find(|name| is_reserved(name)) {
            return Err(Refusal::new(
                RefusalKind::BadValue,
                format!(
                    "step {} of runbook {} sets `{name}`, which is not for a step to set",
                    step.id, pin.id
                ),
            )
            .hint("`runsheet check` says what else is wrong with it"));
        }
    }
    Ok(())
}

/// The runbook of a pin.
///
/// # Errors
/// When its text cannot be read.
pub(super) fn book(pin: &PinnedRunbook) -> Result<Runbook, Refusal> {
    let (book, problems) = parse::runbook(&pin.path, pin.text.as_bytes());
    book.ok_or_else(|| {
        let why = problems
            .first()
            .map_or_else(|| "it cannot be read".to_owned(), ToString::to_string);
        Refusal::new(RefusalKind::BadValue, format!("runbook {}: {why}", pin.id))
            .hint("`runsheet check` lists every problem")
    })
}

/// Checks given values against what is asked, and fills in defaults.
///
/// # Errors
/// When one is missing, unknown or not of its form.
pub(super) fn accept(
    asked: &[Input],
    given: &BTreeMap<String, String>,
    secrets: &[String],
) -> Result<(BTreeMap<String, String>, Vec<String>), Refusal> {
    let bad = |what: String| Refusal::new(RefusalKind::BadValue, what);
    let names = || {
        asked
            .iter()
            .map(|input| input.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    for name in given.keys().chain(secrets) {
        if !asked.iter().any(|input| &input.name == name) {
            return Err(bad(format!("there is no input `{name}`"))
                .hint(format!("the inputs are: {}", names())));
        }
    }
    let (mut values, mut hidden) = (BTreeMap::new(), Vec::new());
    for input in asked {
        if input.secret {
            if given.contains_key(&input.name) {
                return Err(bad(format!(
                    "`{}` is secret and must not be given in clear",
                    input.name
                ))
                .hint(format!(
                    "--secret {}=env:VAR, file:PATH or fd:N",
                    input.name
                )));
            }
            // A secret not given yet is asked for by each process that needs it.
            hidden.push(input.name.clone());
            continue;
        }
        let value = given.get(&input.name).or(input.default.as_ref());
        match value {
            Some(value) => {
                let value = input
                    .accept(value)
                    .map_err(|problem| bad(format!("`{}`: {problem}", input.name)))?;
                values.insert(input.name.clone(), value);
            }
            None if input.optional => {
                values.insert(input.name.clone(), String::new());
            }
            None => {
                return Err(bad(format!("the input `{}` is missing", input.name))
                    .hint(format!("give it with --set {}=VALUE", input.name)));
            }
        }
    }
    Ok((values, hidden))
}

#[allow(clippy::too_many_lines, reason = "one arm a command, nothing else")]
pub(super) fn entry(state: &State, command: Command, at: &At) -> Result<Decision, Refusal> {
    let incident = state
        .incident
        .as_deref()
        .ok_or_else(|| Refusal::new(RefusalKind::NoSuchThing, "this record has no beginning"))?;
    let draft = match command {
        Command::AssignRole { who, role } => {
            if incident.people.person_of(&who).is_none() && !incident.policy.people.is_empty() {
                return Err(Refusal::new(
                    RefusalKind::NoSuchThing,
                    format!("{who} is nobody the policy names"),
                )
                .hint("`runsheet people` lists them"));
            }
            may_assign(state, &at.who.principal, &role)?;
            draft(at, state, RoleAssigned { who, role })
        }
        Command::SetSeverity(severity) => draft(at, state, SeverityChanged { severity }),
        Command::Reach {
            milestone,
            at: when,
            fidelity,
        } => when_given(
            draft(at, state, MilestoneReached { milestone }),
            when,
            fidelity,
            at,
        )?,
        Command::Note {
            text: note,
            at: when,
            until,
            fidelity,
            step,
            details,
        } => {
            let step = step.map(|key| attempt(state, &key)).transpose()?;
            if let Some(details) = &details {
                details.accept()?;
            }
            let noted = when_given(
                draft(
                    at,
                    state,
                    NoteAdded {
                        text: text("note", &note)?,
                        step,
                        details: details.filter(|details| !details.is_empty()),
                    },
                ),
                when,
                fidelity,
                at,
            )?;
            lasting(noted, until)?
        }
        Command::NoteLine {
            text: note,
            class,
            at: when,
            line,
        } => {
            let text = text("entry", &note)?;
            let noted = LineNoted { text, class, line };
            when_given(draft(at, state, noted), when, Fidelity::Exact, at)?
        }
        Command::Correct {
            event,
            text: corrected,
            reason,
        } => {
            let (text, reason) = (text("correction", &corrected)?, text("reason", &reason)?);
            draft(
                at,
                state,
                EntryCorrected {
                    corrects: event,
                    text,
                    reason,
                },
            )
        }
        Command::Attach { evidence, step } => {
            let step = step.map(|key| attempt(state, &key)).transpose()?;
            draft(at, state, EvidenceCaptured { evidence, step })
        }
        _ => return Err(Refusal::new(RefusalKind::WrongKind, "not an entry")),
    };
    Ok(Decision {
        events: vec![draft],
        effects: Vec::new(),
    })
}

/// What people add to the account, in one write.
pub(super) fn tell(state: &State, told: Vec<Told>, at: &At) -> Result<Decision, Refusal> {
    if state.incident.is_none() {
        return Err(Refusal::new(
            RefusalKind::NoSuchThing,
            "this record has no beginning",
        ));
    }
    if told.len() > MOST_AT_ONCE {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("more than {MOST_AT_ONCE} entries at once"),
        ));
    }
    let one = |told: Told| {
        let fact = told.what.accept()?;
        let begun = when_given(draft(at, state, fact), told.at, told.fidelity, at)?;
        lasting(begun, told.until)
    };
    Ok(Decision {
        events: told.into_iter().map(one).collect::<Result<_, _>>()?,
        effects: Vec::new(),
    })
}

/// The same, until then.
fn lasting(
    mut draft: Draft,
    until: Option<chrono::DateTime<chrono::FixedOffset>>,
) -> Result<Draft, Refusal> {
    if until.is_some_and(|until| until < draft.occurred_at) {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            "it ends before it begins",
        ));
    }
    draft.occurred_until = until;
    Ok(draft)
}

/// The step at the attempt that stands.
pub(super) fn attempt(state: &State, key: &StepKey) -> Result<StepRef, Refusal> {
    let found = record::find(state, key)?;
    Ok(StepRef {
        run: key.run.clone(),
        step: key.step.clone(),
        attempt: found.state.attempt,
    })
}

fn when_given(
    mut draft: Draft,
    when: Option<chrono::DateTime<chrono::FixedOffset>>,
    fidelity: Fidelity,
    at: &At,
) -> Result<Draft, Refusal> {
    let Some(when) = when else { return Ok(draft) };
    if when.timestamp() > at.now.timestamp() + 60 {
        let what = format!("{} lies in the future", when.to_rfc3339());
        return Err(Refusal::new(RefusalKind::BadValue, what)
            .hint("--at takes 13:40, -12m or an RFC 3339 time that has passed"));
    }
    draft.occurred_at = when;
    draft.fidelity = fidelity;
    Ok(draft)
}

/// Text that somebody typed: not empty, not a book.
///
/// # Errors
/// When it is empty or too long.
pub(in crate::engine) fn text(what: &str, given: &str) -> Result<String, Refusal> {
    let given = given.trim();
    if given.is_empty() {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("the {what} is empty"),
        ));
    }
    if given.len() > MAX_TEXT {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("the {what} is longer than 64 KiB"),
        )
        .hint("`runsheet attach` takes files of any size"));
    }
    Ok(given.to_owned())
}
