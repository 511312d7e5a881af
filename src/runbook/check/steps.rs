//! What can be wrong in the inputs and steps of one runbook. Knows nothing of other files but the policy.

use std::collections::HashMap;

use super::danger;
use super::logs;
use super::names::{Fate, Names};
use super::policy;
use super::report::Report;
use super::scripts::{self, Around};
use super::values;
use crate::runbook::decode::At;
use crate::runbook::file::{FailureFile, RunbookFile, StepFile};
use crate::runbook::floor::APPROVER;
use crate::runbook::model::{NotWho, Risk};
use crate::runbook::outputs;
use crate::runbook::policy::Policy;
use crate::runbook::policy::READERS;
use crate::runbook::problem::suggest;
use crate::runbook::words::{Id, Label, Text};

pub(crate) fn check(
    runbook: &RunbookFile,
    names: &Names<'_>,
    policy: &Policy,
    lossy: bool,
    report: &mut Report<'_, '_>,
) {
    for (name, file) in runbook.inputs.iter().flat_map(|named| &named.0) {
        values::input(name.at, &name.value.0, file, report);
    }
    logs::check(runbook, names, report);
    ids(runbook, report);
    names.read_by_people(&runbook.title, report);
    let known: Vec<&str> = runbook
        .steps
        .value
        .iter()
        .map(|step| step.value.id.value.0.as_str())
        .collect();
    let logs: Vec<&str> = runbook
        .logs
        .iter()
        .flat_map(|named| &named.0)
        .map(|(name, _)| name.value.0.as_str())
        .collect();
    for step in &runbook.steps.value {
        let mut step = Step {
            file: &step.value,
            names,
            known: &known,
            logs: &logs,
            policy,
            lossy,
            report,
        };
        step.check();
    }
    values::twice(runbook, report);
}

fn ids(runbook: &RunbookFile, report: &mut Report<'_, '_>) {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for step in &runbook.steps.value {
        let id = &step.value.id;
        if id.value.0 == "end" {
            let what = "`end` is where a run ends; no step can be called so".to_owned();
            report.error(id.at, "reserved-name", what, None);
        }
        if let Some(line) = seen.insert(&id.value.0, id.at.line) {
            let what = format!(
                "the step {} is there already, on line {line}",
                report.show(&id.value.0)
            );
            report.error(
                id.at,
                "duplicate-id",
                what,
                Some("give it another id".to_owned()),
            );
        }
    }
}

struct Step<'a, 'f, 'm> {
    file: &'a StepFile,
    names: &'a Names<'a>,
    known: &'a [&'a str],
    logs: &'a [&'a str],
    policy: &'a Policy,
    lossy: bool,
    report: &'a mut Report<'f, 'm>,
}

impl Step<'_, '_, '_> {
    fn check(&mut self) {
        self.words();
        self.scripts();
        self.values();
        self.ways();
        self.kinds();
        self.gate();
        self.idle_keys();
    }

    fn words(&mut self) {
        let file = self.file;
        let texts = file
            .title
            .iter()
            .chain(&file.instructions)
            .chain(&file.decide);
        let labels = file
            .options
            .iter()
            .flat_map(|options| &options.value)
            .map(|option| &option.label);
        let message = file.notify.iter().map(|notify| &notify.value.message);
        for text in texts
            .chain(file.checklist.iter().flatten())
            .chain(labels)
            .chain(message)
        {
            self.names.read_by_people(text, self.report);
        }
        let options = file.options.iter().flat_map(|options| &options.value);
        for when in file
            .when
            .iter()
            .chain(options.filter_map(|option| option.when.as_ref()))
        {
            self.names.in_expression(when, self.report);
        }
        if let Some(role) = &file.role {
            policy::role(role, self.policy, self.report);
        }
    }

    fn scripts(&mut self) {
        let file = self.file;
        let env = file.env.iter().flat_map(|named| &named.0);
        let shell = file
            .shell
            .as_ref()
            .and_then(|shell| shell.0.first())
            .map(|at| at.value.0.as_str());
        let program = shell
            .and_then(|shell| shell.split_whitespace().next())
            .unwrap_or("sh");
        let program = program.rsplit('/').next().unwrap_or(program);
        let around = Around {
            env: env.map(|(name, _)| name.value.0.as_str()).collect(),
            item: file.foreach.is_some(),
            shell: ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"].contains(&program),
        };
        let until = file
            .wait
            .iter()
            .filter_map(|wait| wait.value.until.as_ref());
        for script in file
            .run
            .iter()
            .chain(&file.dry_run)
            .chain(&file.rollback)
            .chain(until)
        {
            scripts::check(script, self.names, &around, self.report);
        }
        self.unsaid_risks();
    }

    /// Scripts that look destructive in a step that does not say so.
    fn unsaid_risks(&mut self) {
        let file = self.file;
        let risk = file.risk.as_ref().map(|at| at.value).unwrap_or_default();
        let wait = file
            .wait
            .iter()
            .filter_map(|wait| wait.value.until.as_ref());
        for script in file.run.iter().chain(&file.rollback).chain(wait) {
            if let (true, Some((name, at))) =
                (risk != Risk::Destructive, danger::find(&script.value.0))
            {
                let at = script.inside(&script.value.0, at);
                let what = format!("`{name}` looks destructive, and the step does not say so");
                self.report.warn(
                    at,
                    "unsaid-risk",
                    what,
                    Some("add `risk: destructive`".to_owned()),
                );
            }
        }
        if let Some((script, (name, at))) = file
            .dry_run
            .as_ref()
            .and_then(|script| Some((script, danger::find(&script.value.0)?)))
        {
            let at = script.inside(&script.value.0, at);
            let what = format!("`{name}` looks destructive, and this is the dry run");
            self.report.warn(
                at,
                "unsaid-risk",
                what,
                Some("a dry run changes nothing".to_owned()),
            );
        }
    }

    fn values(&mut self) {
        let file = self.file;
        let item = file.foreach.is_some();
        for (_, text) in file.with.iter().flat_map(|named| &named.0) {
            self.names.in_value(text, item, Fate::Private, self.report);
        }
        for (name, text) in file.env.iter().flat_map(|named| &named.0) {
            if values::is_reserved(&name.value.0) {
                let what = format!(
                    "{} is not for a step to set",
                    self.report.show(&name.value.0)
                );
                self.report.error(name.at, "reserved-name", what, None);
            }
            self.names.in_value(text, item, Fate::Private, self.report);
        }
        let collect = file.collect.iter().map(|collect| &collect.value);
        let collected =
            collect.flat_map(|collect| collect.files.iter().flatten().chain(&collect.matching));
        let each = file.foreach.iter().flat_map(|each| &each.0);
        for text in collected.chain(file.cwd.iter()).chain(&file.host) {
            self.names.in_value(text, item, Fate::Recorded, self.report);
        }
        for text in each {
            self.names
                .in_value(text, false, Fate::Recorded, self.report);
        }
        for (name, output) in file.outputs.iter().flat_map(|named| &named.0) {
            values::name(name.at, &name.value.0, self.report);
            if let Some(regex) = &output.regex {
                self.report.pattern(regex.at, &regex.value.0);
            }
            if let Some((path, wrong)) = output
                .json
                .as_ref()
                .and_then(|path| Some((path, outputs::parse_path(&path.value.0).err()?)))
            {
                self.report.error(path.at, "bad-path", wrong, None);
            }
        }
        if let Some(output) = file
            .expect
            .as_ref()
            .and_then(|expect| expect.output.as_ref())
        {
            self.report.pattern(output.at, &output.value.0);
        }
    }

    /// Everything that leads to another step.
    fn ways(&mut self) {
        let file = self.file;
        let options = file.options.iter().flat_map(|options| &options.value);
        let failure = match &file.on_failure {
            Some(FailureFile::Next(failure)) => Some(&failure.next),
            _ => None,
        };
        for next in file
            .next
            .iter()
            .chain(failure)
            .chain(options.filter_map(|option| option.next.as_ref()))
        {
            if next.value.0 != "end" {
                self.step(next);
            }
        }
        for id in file
            .parallel
            .iter()
            .flat_map(|lanes| lanes.value.iter().flatten())
        {
            self.step(id);
            if id.value.0 == file.id.value.0 {
                self.report.error(
                    id.at,
                    "endless",
                    "a step cannot be a lane of itself".to_owned(),
                    None,
                );
            }
        }
    }

    fn step(&mut self, id: &At<Id>) {
        let name = id.value.0.as_str();
        if !self.lossy && !self.known.contains(&name) {
            let what = format!("no step is called {}", self.report.show(name));
            let known: Vec<&str> = self.known.iter().copied().chain(["end"]).collect();
            self.report
                .error(id.at, "unknown-step", what, suggest(name, &known));
        }
    }

    fn kinds(&mut self) {
        let file = self.file;
        if let Some(options) = &file.options {
            if options.value.is_empty() {
                self.report.error(
                    options.at,
                    "empty",
                    "a decision needs options".to_owned(),
                    None,
                );
            }
            let mut seen: Vec<&str> = Vec::new();
            for option in &options.value {
                let label = option.label.value.0.as_str();
                if seen.contains(&label) {
                    let what = format!("the option {} is there already", self.report.show(label));
                    self.report
                        .error(option.label.at, "duplicate-option", what, None);
                }
                seen.push(label);
            }
        }
        for (name, question) in file.ask.iter().flat_map(|named| &named.0) {
            values::input(name.at, &name.value.0, question, self.report);
        }
        if file.ask.as_ref().is_some_and(|ask| ask.0.is_empty()) {
            self.report
                .error(file.id.at, "empty", "`ask` asks nothing".to_owned(), None);
        }
        if let Some(lanes) = file
            .parallel
            .as_ref()
            .filter(|lanes| lanes.value.iter().all(Vec::is_empty))
        {
            self.report.error(
                lanes.at,
                "empty",
                "`parallel` has no steps".to_owned(),
                None,
            );
        }
        if let Some(notify) = &file.notify {
            self.audience(&notify.value.audience);
        }
        if let Some(collect) = &file.collect {
            for log in collect.value.logs.iter().flatten() {
                let name = log.value.0.as_str();
                if !self.lossy && !self.logs.contains(&name) {
                    let what = format!(
                        "no log of this runbook is called {}",
                        self.report.show(name)
                    );
                    self.report
                        .error(log.at, "unknown-log", what, suggest(name, self.logs));
                }
            }
            if let Some(matching) = &collect.value.matching {
                self.matching(matching);
            }
        }
    }

    fn audience(&mut self, audience: &At<Label>) {
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

    /// The pattern as it is when each `$name` stands for some text.
    fn matching(&mut self, matching: &At<Text>) {
        let mut text = matching.value.0.clone();
        let places: Vec<(usize, usize)> = crate::runbook::text::dollars(&text)
            .iter()
            .map(|(start, end, _)| (*start, *end))
            .collect();
        for (start, end) in places.into_iter().rev() {
            text.replace_range(start..end, "x");
        }
        self.report.pattern(matching.at, &text);
    }

    fn gate(&mut self) {
        let Some(checkpoint) = &self.file.checkpoint else {
            return;
        };
        if let Some(role) = &checkpoint.value.role {
            policy::role(role, self.policy, self.report);
        }
        if let Some(of_them) = &checkpoint.value.of_them {
            let all = checkpoint.value.approvals.as_ref();
            let role = checkpoint.value.role.as_ref();
            let (all, role) = (
                all.map_or(1, |at| at.value.0),
                role.map_or(APPROVER, |at| at.value.0.as_str()),
            );
            policy::of_them(of_them, all, role, self.report);
            for (role, _) in &of_them.0 {
                policy::role(role, self.policy, self.report);
            }
        }
        for not in checkpoint.value.not.iter().flat_map(|not| &not.0) {
            if let NotWho::ApproverOf(step) = &not.value.0 {
                let id = At {
                    at: not.at,
                    layout: not.layout,
                    value: Id(step.0.clone()),
                };
                self.step(&id);
            }
        }
    }

    /// Keys that do nothing in a step of this kind.
    fn idle_keys(&mut self) {
        let file = self.file;
        let runs = file.run.is_some();
        let executes = runs || file.wait.is_some() || file.collect.is_some();
        let mut idle = Vec::new();
        if !runs {
            idle.extend(file.dry_run.as_ref().map(|at| ("dry_run", at.at)));
            idle.extend(file.rollback.as_ref().map(|at| ("rollback", at.at)));
            idle.extend(file.interactive.as_ref().map(|at| ("interactive", at.at)));
            idle.extend(
                file.retry
                    .as_ref()
                    .map(|retry| ("retry", retry.attempts.at)),
            );
            let output = file.outputs.as_ref().and_then(|named| named.0.first());
            idle.extend(output.map(|(name, _)| ("outputs", name.at)));
        }
        if !executes {
            let shell = file.shell.as_ref().and_then(|shell| shell.0.first());
            idle.extend(shell.map(|at| ("shell", at.at)));
            idle.extend(file.cwd.as_ref().map(|at| ("cwd", at.at)));
            idle.extend(file.timeout.as_ref().map(|at| ("timeout", at.at)));
            let env = file.env.as_ref().and_then(|named| named.0.first());
            idle.extend(env.map(|(name, _)| ("env", name.at)));
        }
        for (key, at) in idle {
            let what = format!("`{key}` does nothing in this step");
            self.report.warn(
                at,
                "idle-key",
                what,
                Some("it needs a script: `run`".to_owned()),
            );
        }
        if let Some(wait) = file.wait.as_ref().filter(|wait| wait.value.until.is_none())
            && let Some(every) = &wait.value.every
        {
            let what = "`every` does nothing without `until`".to_owned();
            self.report.warn(every.at, "idle-key", what, None);
        }
    }
}
