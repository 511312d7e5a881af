//! From the files people write to regimes, with every problem and its place. Knows nothing of where files come from.

use chrono::NaiveDate;
use serde_json::Value;

use super::calendar::{Calendar, Holidays};
use super::file::{AfterFile, ClockFile, LimitFile, StageFile};
use super::{Decision, Limit, Regime, Stage, Status, Trigger, Unit, shipped};
use crate::runbook::decode::{At, Standing};
use crate::runbook::parse;
use crate::runbook::problem::{Place, Problem, Severity, quoted, suggest};
use crate::runbook::schema as schemas;
use crate::runbook::words::Text;

/// The clocks of a library, and what is wrong with their files.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// Its own, by id.
    pub regimes: Vec<Regime>,
    /// By file and place.
    pub problems: Vec<Problem>,
}

/// Reads the clock files of a library: each path, for messages, and its content.
#[must_use]
pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Library {
    let mut library = Library::default();
    for (path, bytes) in files {
        let (regime, problems) = one(path, bytes, shipped());
        library.problems.extend(problems);
        let Some(regime) = regime else { continue };
        if library.regimes.iter().any(|other| other.id == regime.id) {
            let what = format!("two clocks are called {}", quoted(&regime.id));
            let problem = Problem::error(path, START, "duplicate-id", what);
            library.problems.push(problem.hint("give one another id"));
        } else {
            library.regimes.push(regime);
        }
    }
    library.regimes.sort_by(|a, b| a.id.cmp(&b.id));
    library
}

/// The JSON Schema of a clock file.
#[must_use]
pub fn schema() -> Value {
    schemas::document::<ClockFile>("runsheet clock")
}

const START: Place = Place { line: 1, column: 1 };

/// The regime of one file; it may be based on one of `known`.
pub(super) fn one(path: &str, bytes: &[u8], known: &[Regime]) -> (Option<Regime>, Vec<Problem>) {
    let reading = parse::read::<ClockFile>(path, bytes, "clock");
    let mut reader = Reader {
        path,
        known,
        problems: reading.problems,
    };
    let regime = reading.file.and_then(|file| reader.regime(&file));
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let wrong = problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    (regime.filter(|_| !wrong && !reading.lossy), problems)
}

struct Reader<'a> {
    path: &'a str,
    known: &'a [Regime],
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, at: Place, code: &'static str, what: String, hint: Option<String>) {
        let problem = Problem::error(self.path, at, code, what);
        self.problems.push(problem.maybe_hint(hint));
    }

    fn regime(&mut self, file: &ClockFile) -> Option<Regime> {
        self.name(file);
        let base = match &file.based_on {
            Some(based_on) => Some(self.base(file, based_on.at, &based_on.value.0)?),
            None => None,
        };
        let days_off = file.days_off.iter().flatten();
        let days_off = days_off.map(|day| day.value.0).collect();
        if let Some(base) = base {
            let mut regime = base.clone();
            regime.id.clone_from(&file.id.value.0);
            if let Some(title) = &file.title {
                regime.title = shown(title);
            }
            regime.note = file.note.as_ref().map(shown).or(regime.note);
            if let Some(zone) = &file.zone {
                regime.calendar.zone = zone.value.0;
            }
            if let Some(holidays) = &file.holidays {
                regime.calendar.holidays = holidays.value;
            }
            regime.calendar.days_off.extend::<Vec<NaiveDate>>(days_off);
            return Some(regime);
        }
        let stages = self.stages(file);
        let needed = (
            self.needed(file, "title", file.title.as_ref()),
            self.needed(file, "law", file.law.as_ref()),
            self.needed(file, "source", file.source.as_ref()),
            self.needed(file, "as_of", file.as_of.as_ref()),
            self.needed(file, "zone", file.zone.as_ref()),
        );
        let (title, law, source, as_of, zone) = needed;
        Some(Regime {
            id: file.id.value.0.clone(),
            title: shown(title?),
            law: shown(law?),
            source: shown(source?),
            as_of: as_of?.value.0,
            status: file.status.as_ref().map_or(Status::InForce, |at| at.value),
            note: file.note.as_ref().map(shown),
            calendar: Calendar {
                zone: zone?.value.0,
                holidays: file.holidays.as_ref().map_or(Holidays::None, |at| at.value),
                days_off: days_off.into_iter().collect(),
            },
            stages: stages?,
        })
    }

    /// A file is found by its id, and an id means one thing everywhere.
    fn name(&mut self, file: &ClockFile) {
        let id = &file.id.value.0;
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        if name.strip_suffix(".yaml") != Some(id) {
            let what = format!(
                "the file of {} is {}",
                quoted(id),
                quoted(&format!("{id}.yaml"))
            );
            self.error(file.id.at, "wrong-name", what, None);
        }
        if self.known.iter().any(|regime| regime.id == *id) {
            let what = format!("a shipped clock is called {}", quoted(id));
            let hint = format!(
                "give it another id, with `based_on: {id}` if it only differs in its days off"
            );
            self.error(file.id.at, "duplicate-id", what, Some(hint));
        }
    }

    fn base(&mut self, file: &ClockFile, at: Place, id: &str) -> Option<Regime> {
        let beside = [
            ("law", file.law.as_ref().map(|at| at.at)),
            ("source", file.source.as_ref().map(|at| at.at)),
            ("as_of", file.as_of.as_ref().map(|at| at.at)),
            ("status", file.status.as_ref().map(|at| at.at)),
            ("stages", file.stages.as_ref().map(|at| at.at)),
        ];
        for (key, at) in beside {
            if let Some(at) = at {
                let what = format!("`{key}` comes from the clock this is based on");
                let hint = "leave it out, or leave `based_on` out".to_owned();
                self.error(at, "two-kinds", what, Some(hint));
            }
        }
        let found = self.known.iter().find(|regime| regime.id == id);
        if found.is_none() {
            let ids: Vec<&str> = self.known.iter().map(|regime| regime.id.as_str()).collect();
            let what = format!("no shipped clock is called {}", quoted(id));
            self.error(at, "unknown-clock", what, suggest(id, &ids));
        }
        found.cloned()
    }

    fn needed<'f, T>(
        &mut self,
        file: &ClockFile,
        key: &str,
        value: Option<&'f T>,
    ) -> Option<&'f T> {
        if value.is_none() {
            let what = format!("`clock` has no `{key}`");
            self.error(file.id.at, "missing-key", what, None);
        }
        value
    }

    fn stages(&mut self, file: &ClockFile) -> Option<Vec<Stage>> {
        let list = self.needed(file, "stages", file.stages.as_ref())?;
        if list.value.is_empty() {
            let what = "a clock without a stage never runs".to_owned();
            self.error(list.at, "missing-key", what, None);
        }
        let mut stages: Vec<Stage> = Vec::with_capacity(list.value.len());
        for stage in &list.value {
            let stage = self.stage(&stage.value, &stages)?;
            stages.push(stage);
        }
        Some(stages)
    }

    fn stage(&mut self, file: &StageFile, earlier: &[Stage]) -> Option<Stage> {
        let id = file.id.value.0.clone();
        if earlier.iter().any(|stage| stage.id == id) {
            let what = format!("two stages are called {}", quoted(&id));
            self.error(file.id.at, "duplicate-id", what, None);
        }
        let within = self.limit(&file.within, earlier)?;
        let and_within = match &file.and_within {
            Some(limit) => Some(self.limit(limit, earlier)?),
            None => None,
        };
        let hours = |limit: &Limit| limit.unit == Unit::Hours;
        if let Some(ends) = &file.ends
            && hours(&within)
            && and_within.as_ref().is_none_or(hours)
        {
            let what = "`ends` is for limits in days or months: hours end when they have elapsed";
            self.error(ends.at, "idle-key", what.to_owned(), None);
        }
        Some(Stage {
            id,
            title: shown(&file.title),
            tell: shown(&file.tell),
            what: shown(&file.what),
            cite: file.cite.as_ref().map(shown),
            within,
            and_within,
            only_if: file
                .only_if
                .as_ref()
                .map(|only| Decision::any(&only.decision.value.0)),
            ends: file.ends.as_ref().map(|at| at.value.0),
            off_day: file.off_day.as_ref().map(|at| at.value.0),
        })
    }

    fn limit(&mut self, file: &Standing<LimitFile>, earlier: &[Stage]) -> Option<Limit> {
        let limit = &file.value;
        let units = [
            (Unit::Hours, &limit.hours),
            (Unit::Days, &limit.days),
            (Unit::BusinessDays, &limit.business_days),
            (Unit::Months, &limit.months),
        ];
        let (unit, count) = units
            .into_iter()
            .find_map(|(unit, count)| Some((unit, count.as_ref()?)))?;
        Some(Limit {
            amount: count.value.0,
            unit,
            after: self.trigger(&limit.after.value, earlier)?,
        })
    }

    fn trigger(&mut self, file: &AfterFile, earlier: &[Stage]) -> Option<Trigger> {
        if let Some(name) = &file.decision {
            return Some(Trigger::Decision(Decision::any(&name.value.0)));
        }
        if let Some(name) = &file.end_of_year {
            return Some(Trigger::EndOfYear(Decision::any(&name.value.0)));
        }
        if let Some(milestone) = &file.milestone {
            return Some(Trigger::Milestone(milestone.value.0));
        }
        let named = file.submitted.as_ref().or(file.last_submitted.as_ref())?;
        let id = &named.value.0;
        let ids: Vec<&str> = earlier.iter().map(|stage| stage.id.as_str()).collect();
        if !ids.contains(&id.as_str()) {
            let what = format!("no stage before this one is called {}", quoted(id));
            self.error(named.at, "unknown-stage", what, suggest(id, &ids));
        }
        Some(if file.submitted.is_some() {
            Trigger::Submitted(id.clone())
        } else {
            Trigger::LastSubmitted(id.clone())
        })
    }
}

fn shown(text: &At<Text>) -> String {
    crate::timeline::shown(&text.value.0)
}
