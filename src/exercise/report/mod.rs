//! The after-action report and improvement plan of an exercise, with the fields HSEEP gives it: gathered from the script,
//! the record and what the controllers sealed, and written as Markdown, as one HTML page and as JSON. Persons stand in
//! the list of participants and as owners of what is to be done; everywhere else it says in which duty somebody acted.
//! The same values give the same bytes. Knows no clock, no file and no key.
//!
//! Every text in a [`Report`] has been through `evidence::escape`; a format only adds what its own syntax needs.

mod analysis;
mod compare;
mod course;
mod html;
mod markdown;
mod overview;
mod plan;
mod words;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::progress::Progress;
use super::score::{Score, score};
use super::seal::{Item, Rating, Verdict};
use crate::engine::{Event, EventId, IncidentId, State};
use crate::runbook::scenario::{Form, Means, Scenario, Side};
use crate::timeline::clocks::Countdown;
use crate::timeline::{self, Timeline, project};
use crate::trust::Principal;

pub use compare::{Figure, Run};
pub use html::html;
pub use markdown::markdown;

/// The version of the document in JSON. Members are only ever added to.
pub const VERSION: u32 = 1;
/// The name of its form.
pub const FORMAT: &str = "runsheet-after-action-report";

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Source<'a> {
    pub scenario: &'a Scenario,
    pub state: &'a State,
    /// In the order they were folded in.
    pub events: &'a [Arc<Event>],
    /// What the controllers sealed, as `seal::items` has it.
    pub items: &'a [(EventId, Principal, Item)],
    /// The regulatory clocks as they stand at the simulated time.
    pub countdowns: &'a [Countdown],
    /// On the simulated clock; where the exercise is over, its end counts.
    pub now: DateTime<Utc>,
}

/// All of it. The members are in the order they are read in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Report {
    pub version: u32,
    pub format: &'static str,
    pub exercise: bool,
    pub overview: Overview,
    pub summary: Summary,
    pub objectives: Vec<Objective>,
    pub improvement_plan: Vec<Action>,
    pub injects: Vec<Inject>,
    /// In the order of the simulated clock.
    pub timeline: Vec<Entry>,
    pub decisions: Vec<Wait>,
    pub refused: Vec<Refused>,
    pub overrides: Vec<Override>,
    /// What does not fit in the record, and breaks what a record promises.
    pub violations: Vec<String>,
    pub clocks: Vec<Clock>,
    pub hot_wash: Vec<Answered>,
    /// What was said without being asked one of those questions.
    pub feedback: Vec<String>,
    pub comparison: Comparison,
    pub runbook_changes: Vec<Change>,
}

/// What it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Overview {
    pub incident: Option<IncidentId>,
    pub scenario: String,
    pub name: String,
    pub form: Form,
    /// What is practised with runbooks of incidents is the response to them.
    pub mission_area: &'static str,
    /// In the order of the objectives.
    pub capabilities: Vec<String>,
    /// By real clocks.
    pub began: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    /// By the simulated one.
    pub sim_began: Option<DateTime<Utc>>,
    pub sim_ended: Option<DateTime<Utc>>,
    pub planned_seconds: u64,
    /// Broken off before its end.
    pub aborted: bool,
    /// What was said with its end.
    pub ended_because: Option<String>,
    pub scope: String,
    pub threat: String,
    pub scenario_summary: String,
    /// Several lines.
    pub briefing: String,
    pub sponsor: Option<String>,
    pub runbooks: Vec<String>,
    pub moves: Vec<Move>,
    /// How often it went back to an earlier move.
    pub went_back: usize,
    pub participants: Vec<Participant>,
}

/// A stretch of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Move {
    pub id: String,
    pub title: String,
    pub planned: DateTime<Utc>,
    /// On the simulated clock; `None` where it never came.
    pub began: Option<DateTime<Utc>>,
}

/// Somebody who took part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Participant {
    pub name: String,
    pub principal: String,
    pub duties: Vec<String>,
    /// The parts of the script that these duties belong to.
    pub parts: Vec<String>,
    pub side: Side,
    /// Played by the exercise itself.
    pub simulated: bool,
}

/// What is read where nothing else is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Summary {
    /// Sentences.
    pub account: Vec<String>,
    pub strengths: Vec<String>,
    pub improvements: Vec<String>,
}

/// What was to be shown, and how it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Objective {
    pub id: String,
    pub title: String,
    pub capability: String,
    pub critical_tasks: Vec<String>,
    /// What follows from its expectations.
    pub proposed: Option<Rating>,
    /// An evaluator's word.
    pub confirmed: Option<Rating>,
    /// The words of the rating that holds.
    pub words: Option<&'static str>,
    /// Why an evaluator rates it so.
    pub reason: Option<String>,
    pub share: Option<u32>,
    pub undecided: usize,
    pub expectations: Vec<Expectation>,
    pub strengths: Vec<Observation>,
    pub improvements: Vec<Observation>,
}

/// What was expected, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Expectation {
    pub id: String,
    pub action: String,
    pub role: Option<String>,
    pub critical: bool,
    pub weight: u32,
    pub verdict: Verdict,
    /// What the record shows, where an evaluator says otherwise.
    pub shown: Option<Verdict>,
    pub reason: Option<String>,
    pub deadline: Option<DateTime<Utc>>,
    pub done: Option<DateTime<Utc>>,
    pub took_millis: Option<i64>,
    /// The entry that shows it.
    pub event: Option<EventId>,
}

/// Something that was seen, what it is measured by, and what it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Observation {
    pub text: String,
    /// Steps of runbooks, rules of the policy, expectations.
    pub references: Vec<String>,
    pub analysis: String,
    pub recommend: Option<String>,
}

/// Something to be done about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Action {
    /// The objective it belongs to, or what it is about.
    pub area: String,
    pub capability: Option<String>,
    pub action: String,
    pub kind: Option<&'static str>,
    pub owner: Option<String>,
    pub opened: Option<NaiveDate>,
    pub due: Option<NaiveDate>,
    pub status: Option<&'static str>,
    /// The follow-up of the record; `None` for what an evaluator recommends.
    pub event: Option<EventId>,
}

/// A message of the script.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Inject {
    pub id: String,
    pub title: String,
    pub means: Means,
    pub from: String,
    pub to: Vec<String>,
    /// When it was to come, in words.
    pub planned: String,
    /// The same on the simulated clock, where the record tells it.
    pub planned_at: Option<DateTime<Utc>>,
    pub came: Option<DateTime<Utc>>,
    pub came_real: Option<DateTime<Utc>>,
    /// So much later than planned.
    pub late_millis: Option<i64>,
    pub fate: Fate,
    /// Why it was left out.
    pub reason: Option<String>,
    /// How often it came, with what was gone back over.
    pub times: usize,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// As the script has it.
    Came,
    /// Because a controller let it come.
    ByHand,
    /// A controller left it out.
    Skipped,
    /// Nobody left it out.
    NeverCame,
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Entry {
    pub at: DateTime<Utc>,
    /// By real clocks; `None` for a deadline that passed.
    pub real: Option<DateTime<Utc>>,
    pub duty: Option<String>,
    pub class: &'static str,
    pub text: String,
    /// The expectations it decides.
    pub scored: Vec<Mark>,
    /// False where it was gone back over, came after the end or breaks a promise.
    pub counts: bool,
    pub event: Option<EventId>,
}

/// That an expectation was decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Mark {
    pub expectation: String,
    pub verdict: Verdict,
}

/// How long an answer took.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Wait {
    pub step: String,
    pub asked: DateTime<Utc>,
    pub millis: Option<i64>,
    pub answer: Option<&'static str>,
}

/// What a checkpoint or another rule refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Refused {
    pub at: DateTime<Utc>,
    pub duty: Option<String>,
    pub step: Option<String>,
    pub what: String,
}

/// A checkpoint gone through without approvals.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Override {
    pub at: DateTime<Utc>,
    pub duty: Option<String>,
    pub step: String,
    pub gate: String,
    pub reason: Option<String>,
    /// Whether somebody else has looked at it and what they said: accepted or not.
    pub accepted: Option<bool>,
}

/// A regulatory clock as it stood.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Clock {
    pub regime: String,
    pub stage: String,
    pub rule: String,
    pub due: Option<DateTime<Utc>>,
    pub submitted: Option<DateTime<Utc>>,
    pub standing: String,
}

/// A question of the hot wash and what was said.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Answered {
    pub question: String,
    pub answers: Vec<String>,
}

/// How it went beside other times.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Comparison {
    /// The last run of the same script.
    pub last: Option<Beside>,
    /// Real incidents in which one of its runbooks was walked.
    pub real: Option<Against>,
}

/// Beside one other run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Beside {
    pub incident: String,
    pub began: Option<DateTime<Utc>>,
    pub figures: Vec<Pair>,
    /// What was refused and gone through.
    pub counts: Vec<Count>,
    /// Expectations and objectives that one of the two has.
    pub expectations: Vec<NowAndThen<Verdict>>,
    pub objectives: Vec<NowAndThen<Rating>>,
}

/// A figure in milliseconds, now and then.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Pair {
    pub name: String,
    pub now: Option<i64>,
    pub then: Option<i64>,
}

/// How often, now and then.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Count {
    pub name: &'static str,
    pub now: usize,
    pub then: usize,
}

/// What was made of something now and then.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct NowAndThen<T> {
    pub id: String,
    pub text: String,
    pub now: Option<T>,
    pub then: Option<T>,
}

/// Beside the middle of several incidents.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Against {
    pub incidents: usize,
    pub figures: Vec<Middle>,
}

/// A figure in milliseconds beside the middle of others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Middle {
    pub name: String,
    pub now: Option<i64>,
    pub median: Option<i64>,
    pub p90: Option<i64>,
    /// How many incidents have it.
    pub n: usize,
}

/// What the exercise taught about one runbook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Change {
    pub runbook: String,
    pub path: String,
    pub lessons: Vec<String>,
    /// For people to look at; several lines.
    pub patch: String,
}

/// Everything that the parts of a report are gathered from.
struct Gathering<'a> {
    source: Source<'a>,
    progress: Progress,
    score: Score,
    timeline: Timeline,
}

impl<'a> Gathering<'a> {
    fn of(source: Source<'a>) -> Self {
        let progress = Progress::of(source.state, source.events);
        let Source {
            scenario,
            state,
            items,
            now,
            ..
        } = source;
        Self {
            score: score(scenario, state, &progress, items, now),
            timeline: project(state, source.events, timeline::Options::default()),
            progress,
            source,
        }
    }
}

/// The report. `last` is the last run of the same script, `real` are incidents to compare with: those that are
/// exercises, or share no runbook with it, are passed over.
#[must_use]
pub fn gather(source: Source<'_>, last: Option<&Run>, real: &[Timeline]) -> Report {
    let all = Gathering::of(source);
    let objectives = analysis::objectives(&all);
    Report {
        version: VERSION,
        format: FORMAT,
        exercise: true,
        summary: overview::summary(&all, &objectives),
        overview: overview::overview(&all),
        objectives,
        improvement_plan: plan::actions(&all),
        injects: course::injects(&all),
        timeline: course::timeline(&all),
        decisions: course::waits(&all),
        refused: course::refused(&all),
        overrides: course::overrides(&all),
        violations: course::violations(&all),
        clocks: course::clocks(source.countdowns),
        hot_wash: plan::hot_wash(&all),
        feedback: plan::feedback(&all),
        comparison: compare::comparison(&all, last, real),
        runbook_changes: plan::changes(&all),
    }
}

/// The report for programs, indented, with a newline at its end.
///
/// # Errors
/// When a value does not serialize, which none of a report does.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
