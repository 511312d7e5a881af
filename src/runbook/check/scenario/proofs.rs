//! Whether what is to be seen in the record can be seen at all.

use super::Check;
use crate::runbook::decode::{At, Standing};
use crate::runbook::model::{Expect, Kind, Step};
use crate::runbook::pattern;
use crate::runbook::policy::READERS;
use crate::runbook::problem::{Place, suggest};
use crate::runbook::scenario::Purpose;
use crate::runbook::scenario::file::{ChosenFile, ProofFile, UpdateFile};
use crate::runbook::words::{Id, Label};

/// Whether something can come to be in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Maybe,
    Never,
    /// It names something that is not there.
    Unknown,
}

impl Check<'_, '_, '_> {
    /// Reports what is wrong with one proof.
    pub(super) fn proof(&mut self, proof: &Standing<ProofFile>) -> Seen {
        let file = &proof.value;
        for text in file.note.iter().chain(&file.followup) {
            self.report.pattern(text.at, &text.value.0);
        }
        if let Some(role) = &file.role {
            self.role(role);
        }
        if let Some(update) = &file.update {
            self.update(update);
        }
        if let Some(inject) = &file.inject {
            let injects = self.model.injects.iter();
            let known: Vec<&str> = injects.map(|inject| inject.id.as_str()).collect();
            self.known(inject, "inject", "unknown-inject", &known);
        }
        if let Some(log) = &file.collected {
            self.known_log(log);
        }
        if let Some(chosen) = &file.chosen {
            return self.chosen(chosen);
        }
        self.of_step(file)
    }

    pub(super) fn proofs(&mut self, proofs: Option<&Vec<Standing<ProofFile>>>) {
        for proof in proofs.into_iter().flatten() {
            self.proof(proof);
        }
    }

    fn never(&mut self, at: Place, what: String) -> Seen {
        let hint = Some("it can never be seen".to_owned());
        self.report.warn(at, "idle-proof", what, hint);
        Seen::Never
    }

    fn of_step(&mut self, file: &ProofFile) -> Seen {
        let gates = [
            &file.asked,
            &file.approved,
            &file.denied,
            &file.overridden,
            &file.refused,
        ];
        let others = [&file.started, &file.done, &file.skipped, &file.claimed];
        if let Some(id) = gates.into_iter().find_map(Option::as_ref) {
            let Some(found) = self.known_step(id) else {
                return Seen::Unknown;
            };
            if !self.gated(&found.book, found.step()) {
                let what = format!("{} has no checkpoint", self.report.show(&id.value.0));
                return self.never(id.at, what);
            }
        } else if let Some(id) = others.into_iter().find_map(Option::as_ref) {
            if self.known_step(id).is_none() {
                return Seen::Unknown;
            }
        } else if let Some(id) = &file.dry_run {
            let Some(found) = self.known_step(id) else {
                return Seen::Unknown;
            };
            if found.step().exec.dry_run.is_none() {
                let what = format!("{} has no `dry_run`", self.report.show(&id.value.0));
                return self.never(id.at, what);
            }
        } else if let Some(id) = &file.failed {
            return self.failed(id);
        }
        Seen::Maybe
    }

    fn failed(&mut self, id: &At<Id>) -> Seen {
        let Some(found) = self.known_step(id) else {
            return Seen::Unknown;
        };
        let step = found.step();
        let name = self.report.show(&id.value.0);
        if !matches!(step.kind, Kind::Run(_) | Kind::Wait(_) | Kind::Collect(_)) {
            return self.never(id.at, format!("{name} runs nothing that could fail"));
        }
        let model = self.model;
        let mut answers = model
            .answers
            .iter()
            .filter(|answer| answer.step == step.id && answer.purpose == Purpose::Run)
            .peekable();
        let answered = answers.peek().is_some();
        if answered && answers.all(|answer| succeeds(step, answer.exit, &answer.output)) {
            return self.never(id.at, format!("every answer of {name} succeeds"));
        }
        Seen::Maybe
    }

    fn chosen(&mut self, chosen: &ChosenFile) -> Seen {
        let Some(found) = self.known_step(&chosen.step) else {
            return Seen::Unknown;
        };
        let step = found.step();
        let Kind::Decide(decide) = &step.kind else {
            let what = format!("{} decides nothing", self.report.show(step.id.as_str()));
            return self.never(chosen.step.at, what);
        };
        let known: Vec<&str> = decide.options.iter().map(|it| it.label.as_str()).collect();
        let label = chosen.label.value.0.as_str();
        if known.contains(&label) {
            return Seen::Maybe;
        }
        let what = format!(
            "{} has no option {}",
            self.report.show(step.id.as_str()),
            self.report.show(label)
        );
        self.report.error(
            chosen.label.at,
            "unknown-option",
            what,
            suggest(label, &known),
        );
        Seen::Unknown
    }

    fn update(&mut self, update: &UpdateFile) {
        let Some(audience) = &update.audience else {
            return;
        };
        let own = self
            .policy
            .audiences
            .iter()
            .map(|audience| audience.name.as_str());
        let known: Vec<&str> = READERS.into_iter().chain(own).collect();
        let name = audience.value.0.as_str();
        if !known.contains(&name) {
            let what = format!("no audience is called {}", self.report.show(name));
            self.report
                .error(audience.at, "unknown-audience", what, suggest(name, &known));
        }
    }

    pub(super) fn known_log(&mut self, log: &At<Label>) {
        let books = self.books.clone();
        let logs = books.iter().flat_map(|book| &book.logs);
        let known: Vec<&str> = logs.map(|log| log.name.as_str()).collect();
        let name = log.value.0.as_str();
        if !self.unread && !known.contains(&name) {
            let what = format!("no log of the runbook is called {}", self.report.show(name));
            self.report
                .error(log.at, "unknown-log", what, suggest(name, &known));
        }
    }

    pub(super) fn expectations(&mut self) {
        let file = self.file;
        let parts: Vec<&str> = self
            .model
            .parts
            .iter()
            .map(|part| part.id.as_str())
            .collect();
        let injects: Vec<&str> = self.model.injects.iter().map(|it| it.id.as_str()).collect();
        let objectives: Vec<&str> = self
            .model
            .objectives
            .iter()
            .map(|it| it.id.as_str())
            .collect();
        for expectation in &file.expectations.value {
            self.known(
                &expectation.objective,
                "objective",
                "unknown-objective",
                &objectives,
            );
            if let Some(about) = &expectation.about {
                self.known(about, "inject", "unknown-inject", &injects);
            }
            let role = expectation.role.as_ref();
            if let Some(role) = role.filter(|role| !parts.contains(&role.value.0.as_str())) {
                self.role(role);
            }
            let proofs = expectation.proof.iter().flatten();
            let seen: Vec<Seen> = proofs.map(|proof| self.proof(proof)).collect();
            if !seen.is_empty() && seen.iter().all(|seen| *seen == Seen::Never) {
                let what = "nothing that would prove this can ever be seen".to_owned();
                self.error(expectation.id.at, "no-proof", what);
            }
            self.proofs(expectation.never.as_ref());
            let critical = expectation.critical.as_ref().is_some_and(|it| it.value.0);
            if critical && expectation.proof.iter().flatten().next().is_none() {
                let what =
                    "this is critical and nothing proves it: an evaluator has to say so".to_owned();
                self.report.note(expectation.id.at, "no-proof", what);
            }
        }
        self.deadlines();
    }
}

/// Whether a script that ended so counts as succeeded.
pub(super) fn succeeds(step: &Step, exit: i32, output: &str) -> bool {
    let Expect {
        exit: good,
        output: wanted,
    } = &step.exec.expect;
    let matches =
        |wanted: &String| pattern::regex(wanted).is_ok_and(|regex| regex.is_match(output));
    good.contains(&exit) && wanted.as_ref().is_none_or(matches)
}
