//! What the exercise plays in the place of the systems: the answers of scripts, and logs.

use std::collections::BTreeSet;

use chrono::DateTime;
use chrono::format::{Item, StrftimeItems};

use super::Check;
use crate::runbook::model::{Kind, Step};
use crate::runbook::scenario::file::{AnswerFile, LogFile};
use crate::runbook::scenario::resolve::{self, STAMP};
use crate::runbook::scenario::{Answer, Form, Purpose};

/// The most lines of one simulated log, and the most bytes.
const MOST_LINES: u64 = 100_000;
const MOST_BYTES: u64 = 16 << 20;
const LONGEST_STAMP: usize = 100;

impl Check<'_, '_, '_> {
    pub(super) fn answers(&mut self) {
        let file = self.file;
        let mut whole: BTreeSet<(&str, u8)> = BTreeSet::new();
        for answer in file.answers.iter().flatten() {
            let (at, answer) = (answer.at, &answer.value);
            let purpose = answer
                .purpose
                .as_ref()
                .map(|at| at.value)
                .unwrap_or_default();
            let key = (answer.step.value.0.as_str(), purpose as u8);
            if whole.contains(&key) {
                let what = "it is never used: an answer above it always fits".to_owned();
                self.report.warn(at, "idle-answer", what, None);
            }
            if is_whole(answer) {
                whole.insert(key);
            }
            self.proofs(answer.after.as_ref());
            let Some(found) = self.known_step(&answer.step) else {
                continue;
            };
            let step = found.step();
            if !scripts(step).contains(&purpose) {
                let what = format!(
                    "{} has no {}",
                    self.report.show(step.id.as_str()),
                    script(purpose)
                );
                self.report.warn(answer.step.at, "idle-answer", what, None);
            }
        }
    }

    /// Scripts that nobody could run in the exercise. Of a runbook that is only used and has no answer at all, that is
    /// said once.
    pub(super) fn unanswered(&mut self) {
        let Some(runbook) = &self.file.runbook else {
            return;
        };
        if self.model.form == Form::Tabletop && self.model.answers.is_empty() {
            return;
        }
        let hint = "players would be refused: add it to `answers`";
        for book in self.books.clone() {
            let answered = |step: &Step| self.model.answers.iter().any(|it| it.step == step.id);
            let used = book.id.as_str() != runbook.value.0;
            if used && !book.steps.iter().any(answered) {
                if book.steps.iter().any(|step| !scripts(step).is_empty()) {
                    let what = format!(
                        "no script of {}, which it uses, has an answer",
                        self.report.show(book.id.as_str())
                    );
                    self.report
                        .warn(runbook.at, "no-answer", what, Some(hint.to_owned()));
                }
                continue;
            }
            for step in &book.steps {
                for (purpose, some) in self.open(step) {
                    let id = self.report.show(step.id.as_str());
                    let has = if some {
                        "answers only for some cases"
                    } else {
                        "no answer"
                    };
                    let what = format!("the {} of {id} has {has}", script(purpose));
                    if purpose == Purpose::Run {
                        self.report
                            .warn(runbook.at, "no-answer", what, Some(hint.to_owned()));
                    } else {
                        self.report.note(runbook.at, "no-answer", what);
                    }
                }
                self.collected(step, runbook.at);
            }
        }
    }

    /// The scripts of a step that have no answer for every case, and whether they have one for some.
    fn open(&self, step: &Step) -> Vec<(Purpose, bool)> {
        let mut open = scripts(step);
        // What is collected comes from `logs`.
        open.retain(|purpose| *purpose != Purpose::Run || !matches!(step.kind, Kind::Collect(_)));
        let answers = |purpose| {
            let own = move |it: &&Answer| it.step == step.id && it.purpose == purpose;
            self.model.answers.iter().filter(own)
        };
        let whole = |it: &Answer| it.attempt.is_none() && it.after.is_empty();
        open.retain(|purpose| !answers(*purpose).any(whole));
        open.into_iter()
            .map(|purpose| (purpose, answers(purpose).next().is_some()))
            .collect()
    }

    fn collected(&mut self, step: &Step, at: crate::runbook::Place) {
        let Kind::Collect(collect) = &step.kind else {
            return;
        };
        for name in &collect.logs {
            if !self.model.logs.iter().any(|log| log.name == *name) {
                let what = format!(
                    "{} collects the log {}, which the scenario does not have",
                    self.report.show(step.id.as_str()),
                    self.report.show(name)
                );
                let hint = "players would find it empty: add it to `logs`".to_owned();
                self.report.warn(at, "no-log", what, Some(hint));
            }
        }
    }

    pub(super) fn logs(&mut self) {
        let file = self.file;
        let mut seen: Vec<&str> = Vec::new();
        for log in file.logs.iter().flatten() {
            let name = log.name.value.0.as_str();
            if seen.contains(&name) {
                let what = format!("two logs are called {}", self.report.show(name));
                self.error(log.name.at, "duplicate-name", what);
            }
            seen.push(name);
            self.known_log(&log.name);
            self.stamp(log);
            self.lines(log);
        }
    }

    fn stamp(&mut self, log: &LogFile) {
        let Some(stamp) = &log.stamp else { return };
        let text = stamp.value.0.as_str();
        let wrong = if text.len() > LONGEST_STAMP {
            Some(format!("a stamp has at most {LONGEST_STAMP} bytes"))
        } else if StrftimeItems::new(text).any(|item| item == Item::Error) {
            Some(format!(
                "{} is no format of a moment",
                self.report.show(text)
            ))
        } else if written(text, 0) == written(text, 3661) {
            Some(format!(
                "{} does not tell one moment from another",
                self.report.show(text)
            ))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let hint = format!("strftime, such as `{STAMP}`");
            self.report.error(stamp.at, "bad-stamp", wrong, Some(hint));
        }
    }

    fn lines(&mut self, log: &LogFile) {
        let (mut lines, mut bytes) = (0u64, 0u64);
        let length = i64::try_from(self.model.clock.length.as_secs()).unwrap_or(i64::MAX);
        for file in &log.lines.value {
            self.proofs(file.after.as_ref());
            let line = resolve::line(file);
            let times = line.times();
            lines = lines.saturating_add(times);
            let long = u64::try_from(line.text.len())
                .unwrap_or(u64::MAX)
                .saturating_add(40);
            bytes = bytes.saturating_add(times.saturating_mul(long));
            if let Some(until) = file.until.as_ref().filter(|until| until.value.0 < line.at) {
                let what = "`until` is before `at`".to_owned();
                self.error(until.at, "wrong-value", what);
            }
            if line.at > length {
                let what = "this line is written after the end of the exercise".to_owned();
                self.report.warn(file.at.at, "after-the-end", what, None);
            }
        }
        if lines > MOST_LINES || bytes > MOST_BYTES {
            let what = format!(
                "this log would have {lines} lines and {bytes} bytes; {MOST_LINES} and {MOST_BYTES} are the most"
            );
            self.error(log.lines.at, "too-large", what);
        }
    }
}

fn written(stamp: &str, seconds: i64) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let moment = DateTime::from_timestamp(1_000_000_000 + seconds, 0).unwrap_or_default();
    // What cannot be written stays as far as it came.
    let _ = write!(text, "{}", moment.format(stamp));
    text
}

fn is_whole(answer: &AnswerFile) -> bool {
    answer.attempt.is_none() && answer.after.iter().flatten().next().is_none()
}

/// The scripts of a step that runsheet would run itself.
fn scripts(step: &Step) -> Vec<Purpose> {
    if step.by_hand_only().is_some() {
        return Vec::new();
    }
    let runs = match &step.kind {
        Kind::Run(_) | Kind::Collect(_) => true,
        Kind::Wait(wait) => wait.until.is_some(),
        _ => false,
    };
    let mut scripts = Vec::new();
    scripts.extend(runs.then_some(Purpose::Run));
    scripts.extend(step.exec.dry_run.is_some().then_some(Purpose::DryRun));
    scripts.extend(step.exec.rollback.is_some().then_some(Purpose::RollBack));
    scripts
}

fn script(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Run => "script",
        Purpose::DryRun => "dry run",
        Purpose::RollBack => "rollback",
    }
}
