//! A scenario drawn from an incident: its outputs, logs, messages and times as they were, with secrets and persons
//! replaced. What was done in it becomes what is expected of players, in the time it took. Pure: a record and a way to
//! read its artifacts go in, the text of a scenario comes out. Knows nothing of files or where the text goes.

mod answers;
mod came;
mod done;
mod page;
mod people;
mod veil;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};

use self::page::{Clock, Page, length, slug};
use self::veil::Veil;
use super::Progress;
use crate::engine::exercise::CONTROLLERS;
use crate::engine::state::{Incident, Run};
use crate::engine::{Event, Fact, State, sentence};
use crate::evidence::Digest;
use crate::runbook::model::{InputKind, Log, Role, Runbook, Step, StepId};
use crate::runbook::{parse, scenario, words};

/// Real minutes a drawn scenario is to be played in.
const PLAYED_IN: i64 = 90 * 60;
/// Longer ago than anybody plays.
const LONGEST: i64 = 30 * 86_400;
/// What a text of a person is cut to.
const MOST_TEXT: usize = 2_000;

/// Where what is not in the events is read.
pub struct Sources<'a> {
    /// The bytes of an artifact, if they are here.
    pub evidence: &'a dyn Fn(&Digest) -> Option<Vec<u8>>,
    /// When each line of a log was written, as far as that can be told.
    pub dated: &'a Dated<'a>,
}

/// Tells of each line of a log that was pulled then when it was written.
pub type Dated<'a> = dyn Fn(&Log, &[u8], DateTime<Utc>) -> Vec<Option<DateTime<Utc>>> + 'a;

/// A scenario, and what a person has to look over in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Drawn {
    pub id: String,
    pub text: String,
    pub look: Vec<String>,
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Undrawable {
    #[error("this record has no beginning")]
    Empty,
    #[error("`{0}` is no id: lower-case letters, digits and `-`")]
    Id(String),
    #[error("the redaction rules of the incident cannot be used, so that nothing may be told")]
    Rules,
    #[error("the scenario cannot be written: {0}")]
    Unwritable(String),
}

/// An incident, seen as the script of an exercise.
struct Ground<'a> {
    state: &'a State,
    incident: &'a Incident,
    /// What counts of the record.
    events: &'a [Arc<Event>],
    start: DateTime<Utc>,
    /// Seconds until it is over.
    length: i64,
    /// The run that the scenario is of.
    run: Option<&'a Run>,
    /// Its runbook and what that uses.
    books: &'a [Runbook],
    sources: &'a Sources<'a>,
    veil: &'a Veil,
    look: RefCell<BTreeSet<String>>,
}

/// The scenario of this incident; `events` fold to `state`.
///
/// # Errors
/// When the record has no beginning, or what is told of it would not be a scenario.
pub fn draw(
    state: &State,
    events: &[Arc<Event>],
    sources: &Sources<'_>,
    id: Option<&str>,
) -> Result<Drawn, Undrawable> {
    let incident = state.incident.as_deref().ok_or(Undrawable::Empty)?;
    let progress = Progress::of(state, events);
    let events = progress.events();
    let start = events.first().ok_or(Undrawable::Empty)?.told_at();
    let run = state.runs.iter().find(|run| run.parent.is_none());
    let id = match id {
        Some(id) if words::is_id(id) => id.to_owned(),
        Some(id) => return Err(Undrawable::Id(id.chars().take(80).collect())),
        None => {
            let of = run.map_or("incident", |run| run.book.id.as_str());
            format!("{}-{}", slug(of), start.format("%Y-%m-%d"))
        }
    };
    let books = run.map(|run| books(run)).unwrap_or_default();
    let open = Veil::of(state, events).ok_or(Undrawable::Rules)?;
    let ground = |veil| Ground {
        state,
        incident,
        events,
        start: start.trunc_subsecs(0),
        length: lasted(events, start),
        run: run.map(Arc::as_ref),
        books: &books,
        sources,
        veil,
        look: RefCell::default(),
    };
    // Once to see every value there is, once to say what stands for it.
    let _ = ground(&open).page(&id);
    let closed = open.closed();
    let ground = ground(&closed);
    let page = ground.page(&id);
    let look: Vec<String> = ground.look.take().into_iter().collect();
    let text = written(&page)?;
    let text = format!("{}{text}", ground.head(&look));
    readable(&id, &text)?;
    Ok(Drawn { id, text, look })
}

/// As YAML.
fn written(page: &Page) -> Result<String, Undrawable> {
    // A line of a log stays one line.
    let options = serde_yaml::ser_options! { folded_wrap_chars: usize::MAX };
    serde_yaml::to_string_with_options(page, options)
        .map_err(|error| Undrawable::Unwritable(error.to_string()))
}

/// That what was written can be read.
fn readable(id: &str, text: &str) -> Result<(), Undrawable> {
    match scenario::parse(&format!("{id}.yaml"), text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(problems) => {
            let first = problems.first().map(ToString::to_string);
            Err(Undrawable::Unwritable(first.unwrap_or_default()))
        }
    }
}

/// The runbook of a run and all that it uses.
fn books(run: &Run) -> Vec<Runbook> {
    let used = run.uses.iter().filter(|pin| pin.id != run.book.id);
    let read = used.filter_map(|pin| parse::runbook(&pin.path, pin.text.as_bytes()).0);
    std::iter::once((*run.book).clone()).chain(read).collect()
}

/// Seconds until it was closed, or until the last entry; with some time more, in whole five minutes.
fn lasted(events: &[Arc<Event>], start: DateTime<Utc>) -> i64 {
    let closed = events
        .iter()
        .find(|event| matches!(event.fact, Fact::IncidentClosed(_)));
    let last = closed.or(events.last());
    let seconds = last.map_or(0, |event| (event.told_at() - start).num_seconds());
    up(seconds + seconds / 10 + 60, 300).clamp(600, LONGEST)
}

/// The next whole multiple.
fn up(seconds: i64, of: i64) -> i64 {
    (seconds.max(0) + of - 1) / of * of
}

impl Ground<'_> {
    /// Seconds from the start.
    fn since(&self, at: DateTime<Utc>) -> i64 {
        (at - self.start).num_seconds()
    }

    /// The same within the exercise.
    fn within(&self, at: DateTime<Utc>) -> i64 {
        self.since(at).clamp(0, self.length)
    }

    /// A deadline: the time it really took, rounded up.
    fn deadline(&self, at: DateTime<Utc>) -> String {
        let took = self.since(at).max(1);
        let of = if took <= 3_600 { 60 } else { 300 };
        length(up(took, of).min(self.length))
    }

    fn step(&self, id: &StepId) -> Option<(&Runbook, &Step)> {
        let found = |book| Some((book, Runbook::step(book, id)?));
        self.books.iter().find_map(found)
    }

    /// The words of a person, without what may not be told.
    fn said(&self, text: &str) -> String {
        let cut: String = text.chars().take(MOST_TEXT).collect();
        self.veil.text(cut.trim())
    }

    fn look(&self, what: String) {
        self.look.borrow_mut().insert(what);
    }

    /// Duties that somebody had, or that a step asks for.
    fn roles(&self) -> BTreeSet<Role> {
        let given = self.state.roles.values().flatten().cloned();
        let asked = self.books.first().into_iter().flat_map(|book| &book.steps);
        let asked = asked.filter_map(|step| step.role.clone());
        let mut roles: BTreeSet<Role> = given.chain(asked).collect();
        roles.retain(|role| !CONTROLLERS.contains(&role.as_str()));
        roles
    }

    fn page(&self, id: &str) -> Page {
        let title = self.said(&self.incident.title);
        let done = done::done(self);
        Page {
            kind: "scenario",
            id: id.to_owned(),
            summary: format!("An incident as it was, with other names: {title}"),
            briefing: self.briefing(&title),
            notes: self.notes(),
            title,
            form: "functional",
            runbook: self.run.map(|run| run.book.id.to_string()),
            with: self.inputs(),
            severity: sentence::severity(self.severity()),
            clock: Clock {
                start: self.start.to_rfc3339_opts(SecondsFormat::Secs, true),
                scale: u32::try_from(up(self.length, PLAYED_IN) / PLAYED_IN)
                    .map_or(1, |scale| scale.clamp(1, 1_000)),
                length: length(self.length),
            },
            objectives: done.objectives,
            parts: self.parts(),
            moves: done.moves,
            injects: came::injects(self),
            expectations: done.expectations,
            answers: answers::answers(self),
            logs: came::logs(self),
            colleagues: answers::colleagues(self),
            hot_wash: self.hot_wash(),
            code_word: "NO DUFF",
            abort: vec!["a real incident needs these people or these systems"],
        }
    }

    /// As it was at the start.
    fn severity(&self) -> crate::runbook::model::Severity {
        let started = self.events.iter().find_map(|event| match &event.fact {
            Fact::IncidentStarted(fact) => Some(fact.severity),
            _ => None,
        });
        started
            .or(self.state.severity)
            .unwrap_or(crate::runbook::model::Severity::Sev3)
    }

    fn briefing(&self, title: &str) -> String {
        let alert = self
            .incident
            .alert
            .as_deref()
            .map(|alert| self.veil.line(alert));
        let alert = alert.map_or_else(String::new, |alert| format!(" The alert is {alert}."));
        format!(
            "It is {} UTC. {title}.{alert}\n\nWhat you see was really so, with other names and addresses. Do what you \
             would do, by the runbook and in the record; nothing runs for real.\n",
            self.start.format("%Y-%m-%d %H:%M")
        )
    }

    /// How it really went, for the controllers.
    fn notes(&self) -> String {
        let mut text = String::from("How it really went, as it was recorded, from the start:\n");
        for (milestone, reached) in &self.state.milestones {
            let at = self.since(reached.recorded_at.max(self.start));
            // In an exercise the wall clock says nothing of it.
            let event = self.events.iter().find(|event| event.id == reached.event);
            let at = event.map_or(at, |event| self.since(event.told_at()));
            text.push_str(&format!("{} after {}\n", milestone.word(), length(at)));
        }
        text
    }

    /// What the runbook is given: what is fit to be told and still of its kind.
    fn inputs(&self) -> BTreeMap<String, String> {
        let Some(run) = self.run else {
            return BTreeMap::new();
        };
        let mut given = BTreeMap::new();
        for input in &run.book.inputs {
            let value = run.values.get(&input.name);
            let value = value.filter(|value| value.step.is_none() && !input.secret);
            let Some(text) = value.and_then(|value| value.text.as_ref()) else {
                if input.secret {
                    self.look(format!(
                        "`{}` is secret: whoever starts the exercise makes one up",
                        input.name
                    ));
                }
                continue;
            };
            let told = match input.kind {
                _ if input.choices.contains(text) => text.clone(),
                InputKind::Text => self.veil.text(text),
                _ => text.clone(),
            };
            if input.accept(&told).is_ok() {
                given.insert(input.name.clone(), told);
            } else {
                self.look(format!(
                    "`with` gives no `{}`: what stands for its value does not fit its pattern",
                    input.name
                ));
            }
        }
        given
    }

    fn parts(&self) -> Vec<page::Part> {
        let part = |id: String, title: String, side, role| page::Part {
            id,
            title,
            side,
            role,
        };
        let players = self.roles().into_iter().map(|role| {
            let id = slug(role.as_str());
            part(id, capital(role.as_str()), "player", Some(role.0))
        });
        let others = [
            ("control", "Facilitator", "facilitator"),
            ("judge", "Evaluator", "evaluator"),
        ];
        let others =
            others.map(|(id, title, side)| part(id.to_owned(), title.to_owned(), side, None));
        let mut parts: Vec<page::Part> = players.chain(others).collect();
        let mut ids = BTreeSet::new();
        parts.retain(|part| ids.insert(part.id.clone()));
        parts
    }

    fn hot_wash(&self) -> Vec<String> {
        let opened = self.events.iter().filter_map(|event| match &event.fact {
            Fact::FollowupOpened(fact) => Some(self.said(&fact.text)),
            _ => None,
        });
        let mut asked = vec![
            "What did you do otherwise than was really done, and was it better?".to_owned(),
            "What did you miss that would have told you sooner?".to_owned(),
        ];
        asked.extend(opened.take(50).map(|text| {
            format!(
                "After the real incident this was to be done: {text}. Would it have helped today?"
            )
        }));
        asked
    }

    /// What the file says about itself.
    fn head(&self, look: &[String]) -> String {
        let state = if self.state.closed.is_some() {
            "closed"
        } else {
            "not closed yet"
        };
        let mut text = format!(
            "# Drawn from the record of incident {} ({state}, {} entries) by runsheet.\n\
             # Replaced: persons by made-up ones, secrets by EXAMPLE marks, e-mail addresses, IP addresses and domains by\n\
             # ones that are nobody's. The day is the real one, so that the times in outputs and logs fit together.\n\
             # Deadlines are the times it really took, from the start, rounded up to whole minutes, over an hour to five.\n\
             # Look over by hand, before anybody else reads it:\n\
             # - names of people, customers, companies, products, machines and accounts in the midst of texts\n\
             # - title, briefing and objectives: they are only drawn, nobody has thought about them\n\
             # - expectations: what was done is not always what should be done\n\
             # - silences: whoever conducts sets the clock ahead to the next move (runsheet exercise INC ahead)\n",
            self.incident.id.short(4),
            self.events.len()
        );
        for what in look {
            text.push_str(&format!("# - {}\n", what.replace('\n', " ")));
        }
        text
    }
}

/// With a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
