//! What it was, who took part, and what to read where nothing else is read.

use chrono::{DateTime, Utc};

use super::super::due::after;
use super::super::seal::{Rating, Verdict};
use super::words::{counted, length};
use super::{Gathering, Move, Objective, Observation, Overview, Participant, Summary};
use crate::engine::Fact;
use crate::engine::exercise::{ClockChange, EVALUATOR, FACILITATOR};
use crate::evidence::escape;
use crate::runbook::scenario::{Form, Side};
use crate::timeline::header::PersonHead;
use crate::timeline::shown;

/// So many strengths and areas for improvement stand in the summary.
const FEW: usize = 3;

/// What runbooks of incidents practise, of the mission areas that exercises are planned by.
const MISSION_AREA: &str = "Response";

pub(super) fn overview(all: &Gathering<'_>) -> Overview {
    let scenario = all.source.scenario;
    let state = all.source.state;
    let ended = state
        .exercise
        .as_deref()
        .and_then(|exercise| exercise.ended.as_ref());
    let (began, sim_began) = all.began();
    let (real_ended, sim_ended) = all.ended();
    let mut capabilities: Vec<String> = Vec::new();
    for objective in &scenario.objectives {
        let capability = shown(&objective.capability);
        if !capability.is_empty() && !capabilities.contains(&capability) {
            capabilities.push(capability);
        }
    }
    let runs = all.timeline.header.runs.iter();
    Overview {
        incident: all.timeline.header.incident.clone(),
        scenario: shown(&scenario.id),
        name: shown(&scenario.title),
        form: scenario.form,
        mission_area: MISSION_AREA,
        capabilities,
        began,
        ended: real_ended,
        sim_began,
        sim_ended,
        planned_seconds: scenario.clock.length.as_secs(),
        aborted: ended.is_some_and(|ended| ended.aborted),
        ended_because: ended.and_then(|ended| ended.reason.as_deref().map(shown)),
        scope: shown(&scenario.scope),
        threat: shown(&scenario.threat),
        scenario_summary: shown(&scenario.summary),
        briefing: escape::text(scenario.briefing.trim_end()).into_owned(),
        sponsor: scenario.sponsor.as_deref().map(shown),
        runbooks: runs
            .map(|run| match &run.title {
                Some(title) => format!("{}: {title}", run.runbook),
                None => run.runbook.clone(),
            })
            .collect(),
        moves: moves(all, sim_began),
        went_back: all
            .source
            .events
            .iter()
            .filter(|event| is_back(&event.fact))
            .count(),
        participants: participants(all),
    }
}

fn is_back(fact: &Fact) -> bool {
    matches!(fact, Fact::ExerciseClock(fact) if fact.change == ClockChange::Back)
}

fn moves(all: &Gathering<'_>, began: Option<DateTime<Utc>>) -> Vec<Move> {
    let came = |id: &str| {
        let events = all.progress.events().iter();
        events.rev().find_map(|event| match &event.fact {
            Fact::ExerciseClock(fact)
                if matches!(fact.change, ClockChange::Move | ClockChange::Back)
                    && fact.to.as_deref() == Some(id) =>
            {
                Some(fact.clock.sim)
            }
            _ => None,
        })
    };
    let begun = began.unwrap_or(all.source.now);
    let moves = all.source.scenario.moves.iter();
    moves
        .map(|one| Move {
            id: shown(&one.id),
            title: shown(&one.title),
            planned: after(begun, one.at),
            began: came(&one.id),
        })
        .collect()
}

fn participants(all: &Gathering<'_>) -> Vec<Participant> {
    let people = all.timeline.header.people.iter();
    people.map(|person| participant(all, person)).collect()
}

fn participant(all: &Gathering<'_>, person: &PersonHead) -> Participant {
    let has = |duty: &str| person.roles.iter().any(|role| role == duty);
    let scenario = all.source.scenario;
    let principal = person.principal.as_str();
    let local = principal.split('@').next().unwrap_or(principal);
    let colleague = scenario.colleagues.iter().find(|one| one.id == local);
    let side = match () {
        () if has(FACILITATOR) => Side::Facilitator,
        () if has(EVALUATOR) => Side::Evaluator,
        () if colleague.is_some() => Side::SimulationCell,
        () if person.roles.is_empty() && person.entries == 0 => Side::Observer,
        () => Side::Player,
    };
    let parts = scenario.parts.iter().filter(|part| match &part.role {
        Some(role) => has(&shown(role.as_str())),
        // A controller's part has no duty but its side.
        None => part.side == side && side != Side::Player,
    });
    let name = person
        .name
        .clone()
        .or_else(|| colleague.map(|one| shown(&one.name)));
    Participant {
        name: name.unwrap_or_else(|| shown(local)),
        principal: shown(principal),
        duties: person.roles.clone(),
        parts: parts.map(|part| shown(&part.title)).collect(),
        side,
        simulated: colleague.is_some(),
    }
}

pub(super) fn summary(all: &Gathering<'_>, objectives: &[Objective]) -> Summary {
    let mut account = vec![what(all)];
    account.extend(how(all));
    account.push(expectations(all));
    account.push(ratings(objectives));
    let refused = all.score.refused.len();
    if refused + all.score.overrides > 0 {
        account.push(format!(
            "The rules refused {}; {} gone through without approval.",
            counted(refused, "attempt"),
            match all.score.overrides {
                1 => "1 checkpoint was".to_owned(),
                many => format!("{many} checkpoints were"),
            }
        ));
    }
    Summary {
        account,
        strengths: first(objectives, |one| &one.strengths),
        improvements: first(objectives, |one| &one.improvements),
    }
}

/// The first of each objective, then the second, so that no objective crowds out the others.
fn first(objectives: &[Objective], of: fn(&Objective) -> &Vec<Observation>) -> Vec<String> {
    let most = objectives.iter().map(|one| of(one).len()).max();
    let rounds = 0..most.unwrap_or(0);
    rounds
        .flat_map(|round| objectives.iter().filter_map(move |one| of(one).get(round)))
        .take(FEW)
        .map(|one| one.text.clone())
        .collect()
}

fn what(all: &Gathering<'_>) -> String {
    let scenario = all.source.scenario;
    let form = form(scenario.form);
    let runbook = match &scenario.runbook {
        Some(id) => format!(" on the runbook {}", shown(id.as_str())),
        None => String::new(),
    };
    let day = all
        .began()
        .0
        .map(|at| at.format(" on %Y-%m-%d").to_string());
    format!(
        "“{}” was a {form} exercise{runbook}{}.",
        shown(&scenario.title),
        day.unwrap_or_default()
    )
}

/// How long it ran, and how it ended.
fn how(all: &Gathering<'_>) -> Option<String> {
    let exercise = all.source.state.exercise.as_deref()?;
    let Some(ended) = &exercise.ended else {
        return Some("It is still under way: all of this is how it stands now.".to_owned());
    };
    let ran = length((exercise.clock.sim - exercise.started.clock.sim).num_milliseconds());
    let reason = ended
        .reason
        .as_deref()
        .map(|reason| format!(": {}", shown(reason)));
    let verb = if ended.aborted {
        "was broken off after"
    } else {
        "ran for"
    };
    Some(format!(
        "It {verb} {ran} of simulated time{}.",
        reason.unwrap_or_default()
    ))
}

fn expectations(all: &Gathering<'_>) -> String {
    let expectations = &all.score.expectations;
    let count = |verdict| {
        let found = expectations.iter().filter(|one| one.verdict == verdict);
        found.count()
    };
    let mut parts = vec![
        format!("{} met in time", count(Verdict::Met)),
        format!("{} late", count(Verdict::Late)),
        format!("{} missed", count(Verdict::Missed)),
    ];
    for (verdict, words) in [
        (Verdict::NotReached, "not reached"),
        (Verdict::Open, "not judged yet"),
    ] {
        let found = count(verdict);
        if found > 0 {
            parts.push(format!("{found} {words}"));
        }
    }
    format!(
        "Of {}: {}.",
        counted(expectations.len(), "expectation"),
        parts.join(", ")
    )
}

fn ratings(objectives: &[Objective]) -> String {
    let mut parts = Vec::new();
    for rating in [Rating::P, Rating::S, Rating::M, Rating::U] {
        let holds = |one: &&Objective| one.confirmed.or(one.proposed) == Some(rating);
        let found = objectives.iter().filter(holds).count();
        if found > 0 {
            parts.push(format!("{found} {} ({})", rating.letter(), rating.words()));
        }
    }
    let rated = |one: &Objective| one.confirmed.or(one.proposed).is_some();
    let unrated = objectives.iter().filter(|one| !rated(one)).count();
    if unrated > 0 {
        parts.push(format!("{unrated} not rated"));
    }
    let proposed = objectives
        .iter()
        .any(|one| rated(one) && one.confirmed.is_none());
    let note = if proposed {
        "; not every rating is confirmed by an evaluator yet"
    } else {
        ""
    };
    format!(
        "Of {}: {}{note}.",
        counted(objectives.len(), "objective"),
        parts.join(", ")
    )
}

/// The word for a form.
pub(super) fn form(form: Form) -> &'static str {
    match form {
        Form::Tabletop => "tabletop",
        Form::Drill => "drill",
        Form::Functional => "functional",
    }
}

impl Gathering<'_> {
    /// When it began by real clocks and by the simulated one.
    fn began(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let sim = self.source.state.exercise.as_deref();
        let real = self.source.events.iter().find_map(|event| {
            matches!(event.fact, Fact::ExerciseStarted(_)).then_some(event.recorded_at)
        });
        (real, sim.map(|exercise| exercise.started.clock.sim))
    }

    /// The same of its end.
    pub(super) fn ended(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let Some(exercise) = self.source.state.exercise.as_deref() else {
            return (None, None);
        };
        match exercise.ended {
            Some(_) => (Some(exercise.set), Some(exercise.clock.sim)),
            None => (None, None),
        }
    }
}
