//! What the walk's right pane holds: the step in full, its checkpoint, and what its command printed.

use std::collections::BTreeMap;

use super::super::glyph::Shape;
use super::super::markdown;
use super::super::rich::Rich;
use super::super::step::Target;
use super::super::text;
use super::super::theme::Tone;
use super::super::when::{self, Zone};
use super::super::world::{Gate, Pending, World};
use super::header::person;
use crate::engine::StepRef;
use crate::engine::exec::{Purpose, Var};
use crate::engine::fact::Outcome;
use crate::engine::state::{Run, Status};
use crate::runbook::model::{Kind, Next, OnFailure, Wait};

/// Rows made beforehand, and the output behind them, of which only what is seen is made into rows.
pub(super) struct Content<'w> {
    head: Vec<Rich>,
    tail: &'w [String],
    live: bool,
}

impl Content<'_> {
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Whether more may come at its end.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// One row, moved to the left by so many columns where it is output.
    pub(super) fn row(&self, at: usize, pan: usize, ascii: bool) -> Rich {
        if let Some(row) = self.head.get(at) {
            return row.clone();
        }
        let line = self
            .tail
            .get(at - self.head.len())
            .map_or("", String::as_str);
        let clean = text::clean(line, ascii);
        Rich::of(Tone::Code, text::skip(&clean, pan))
    }
}

/// Rows are added here.
struct Page<'t, 'w> {
    rows: Vec<Rich>,
    columns: usize,
    ascii: bool,
    zone: Zone,
    target: &'t Target<'w>,
    world: &'w World,
}

/// A step.
pub(super) fn of_step<'w>(
    target: &Target<'w>,
    world: &'w World,
    local: bool,
    columns: usize,
    ascii: bool,
) -> Content<'w> {
    let mut page = Page {
        rows: Vec::new(),
        columns,
        ascii,
        zone: Zone::new(local, world.now),
        target,
        world,
    };
    page.title();
    page.result();
    // What happened at the gate is what one comes back for; what it asks for stands beside the command.
    let asks = matches!(target.gate(), Gate::Closed { .. });
    if !asks {
        page.gate();
    }
    page.instructions();
    page.checklist();
    page.kind();
    if asks {
        page.gate();
    }
    page.twins();
    let key = StepRef {
        run: target.run.id.clone(),
        step: target.step.id.clone(),
        attempt: target.state.attempt,
    };
    let tail = target.open.tails.get(&key);
    let lines = tail.map_or(&[][..], |tail| tail.lines.as_slice());
    if let Some(tail) = tail {
        page.gap();
        let dropped = if tail.lines.is_empty() {
            " (nothing yet)"
        } else {
            ""
        };
        page.say(Tone::Dim, format!("output · {} bytes{dropped}", tail.bytes));
    }
    Content {
        head: page.rows,
        tail: lines,
        live: target.state.status == Status::Running && !target.is_simulated(),
    }
}

/// The end of a run.
pub(super) fn of_end<'w>(run: &Run, world: &'w World, columns: usize, ascii: bool) -> Content<'w> {
    let _ = world;
    let mut rows = vec![Rich::of(
        Tone::Title,
        "Every step of this runbook is behind us.",
    )];
    rows.push(Rich::default());
    let words = "Say which milestones were reached, write down what should be done better, export the \
                 timeline, and close the record when nothing is owed.";
    rows.extend(Rich::of(Tone::Text, words).wrap(columns, 0));
    let left_out: Vec<String> = run
        .steps
        .iter()
        .filter(|step| step.status == Status::Skipped)
        .map(|step| text::clean(step.id.as_str(), ascii).into_owned())
        .collect();
    if !left_out.is_empty() {
        rows.push(Rich::default());
        let line = format!("skipped: {}", left_out.join(", "));
        rows.extend(Rich::of(Tone::Skipped, line).wrap(columns, 2));
    }
    Content {
        head: rows,
        tail: &[],
        live: false,
    }
}

impl Page<'_, '_> {
    fn gap(&mut self) {
        if self.rows.last().is_some_and(|row| !row.is_empty()) {
            self.rows.push(Rich::default());
        }
    }

    fn row(&mut self, row: &Rich, hang: usize) {
        self.rows.extend(row.wrap(self.columns, hang));
    }

    fn say(&mut self, tone: Tone, words: impl Into<String>) {
        let mut words = words.into();
        if self.ascii {
            words = words.replace(" · ", " - ").replace('•', "*");
        }
        let clean = text::clean(&words, self.ascii).into_owned();
        self.row(&Rich::of(tone, clean), 2);
    }

    fn script(&mut self, script: &str) {
        for (at, line) in script.lines().enumerate() {
            let mark = if at == 0 { "$ " } else { "  " };
            let clean = text::clean(line, self.ascii).into_owned();
            let room = self.columns.saturating_sub(2);
            for (piece_at, piece) in text::wrap(&clean, room).into_iter().enumerate() {
                let mark = if piece_at == 0 { mark } else { "    " };
                let piece = text::fit(piece, self.columns.saturating_sub(mark.len()));
                let row = Rich::of(Tone::Dim, mark).and(Tone::Code, piece);
                self.rows.push(row);
            }
        }
    }

    fn title(&mut self) {
        self.say(Tone::Title, self.target.step.title.clone());
        if let Some(role) = &self.target.step.role {
            self.say(Tone::Dim, format!("for the {role}"));
        }
        if let Some(who) = &self.target.state.claimed {
            let who = person(self.target.open, who);
            self.say(Tone::Dim, format!("claimed by {who}"));
        }
        if let Some(due) = self.target.facts.and_then(|facts| facts.due) {
            let late = due < self.world.now;
            let (tone, word) = if late {
                (Tone::Error, "was due")
            } else {
                (Tone::Warning, "due")
            };
            let stamp = self.zone.clock(due);
            self.say(tone, format!("{word} {stamp} {}", self.zone.name()));
        }
    }

    /// How it ended, or that it runs.
    fn result(&mut self) {
        let state = self.target.state;
        let by = state.by.as_ref().map_or(String::new(), |who| {
            format!(" by {}", person(self.target.open, who))
        });
        if let Some((tone, words)) = self.stands(&by) {
            self.say(tone, words);
        }
        self.stands_still();
        self.undone();
        if let Some(reason) = state.reason.clone().filter(|reason| !reason.is_empty()) {
            self.say(Tone::Text, format!("  {reason}"));
        }
        for evidence in state.evidence.clone() {
            self.say(
                Tone::Dim,
                format!(
                    "  evidence {} · {} bytes · {}",
                    evidence.name,
                    evidence.size,
                    evidence.sha256.short()
                ),
            );
        }
    }

    /// The line of its status.
    fn stands(&self, by: &str) -> Option<(Tone, String)> {
        let state = self.target.state;
        let at = |time: Option<chrono::DateTime<chrono::FixedOffset>>| {
            time.map_or(String::new(), |time| format!(" {}", self.zone.clock(time)))
        };
        let ascii = self.ascii;
        let line = |shape: Shape, words: String| {
            Some((shape.tone(), format!("{} {words}", shape.mark(ascii))))
        };
        match state.status {
            Status::Todo => None,
            Status::Running if self.target.is_simulated() => line(
                Shape::Waiting,
                format!("waiting for the exercise since{}{by}", at(state.started)),
            ),
            Status::Running => line(
                Shape::Now,
                format!("running since{}{by}", at(state.started)),
            ),
            Status::Done => {
                let choice = state
                    .choice
                    .as_ref()
                    .map_or(String::new(), |choice| format!(": {choice}"));
                line(Shape::Done, format!("done{}{by}{choice}", at(state.ended)))
            }
            Status::Failed => {
                let exit = state
                    .exit
                    .map_or(String::new(), |exit| format!(", exit status {exit}"));
                line(Shape::Failed, format!("failed{}{exit}", at(state.ended)))
            }
            Status::Unknown => line(
                Shape::Failed,
                format!(
                    "started{}{by}, and nobody saw how it ended",
                    at(state.started)
                ),
            ),
            Status::Skipped => line(Shape::Skipped, format!("skipped{}{by}", at(state.ended))),
        }
    }

    /// That what is waited for does not come while the clock of the exercise stands still.
    fn stands_still(&mut self) {
        let exercise = self.target.open.state.exercise.as_deref();
        let stands = exercise.is_some_and(|exercise| exercise.is_on() && exercise.clock.paused);
        if stands && self.target.state.status == Status::Running {
            self.say(Tone::Dim, "  the clock of the exercise stands still");
        }
    }

    /// That it was rolled back, or was to be.
    fn undone(&mut self) {
        if let Some(twin) = self.target.state.twins.get(&Purpose::RollBack) {
            let at = self.zone.clock(twin.at);
            let (tone, words) = match (twin.running, twin.outcome) {
                (true, _) if self.target.open.state.exercise.is_some() => (
                    Tone::Waiting,
                    "rolled back as soon as the exercise says so, asked",
                ),
                (true, _) => (Tone::Now, "being rolled back since"),
                (_, Some(Outcome::Succeeded)) => (Tone::Warning, "rolled back"),
                _ => (Tone::Failed, "rolling it back failed"),
            };
            self.say(tone, format!("{words} {at}"));
        }
    }

    fn instructions(&mut self) {
        let source = &self.target.step.instructions;
        if source.trim().is_empty() {
            return;
        }
        self.gap();
        let values: BTreeMap<String, Option<String>> = self
            .target
            .run
            .values
            .iter()
            .map(|(name, value)| (name.clone(), value.text.clone()))
            .collect();
        let filled = text::fill(source, &values);
        self.rows
            .extend(markdown::rows(&filled, self.columns, self.ascii));
    }

    fn checklist(&mut self) {
        let items = &self.target.step.checklist;
        if items.is_empty() {
            return;
        }
        self.gap();
        let done = self.target.state.status == Status::Done;
        for item in items {
            let mark = if done { "[x] " } else { "[ ] " };
            let clean = text::clean(item, self.ascii).into_owned();
            self.row(&Rich::of(Tone::Dim, mark).and(Tone::Text, clean), 4);
        }
    }

    fn kind(&mut self) {
        let step = self.target.step;
        if let Some(why) = step.by_hand_only() {
            self.gap();
            self.say(Tone::Warning, why);
        }
        self.gap();
        match &step.kind {
            Kind::Manual => {}
            Kind::Run(script) => {
                self.script(script);
                self.values();
            }
            Kind::Decide(decide) => self.options(decide),
            Kind::Ask(questions) => {
                for question in questions {
                    let words = question
                        .prompt
                        .clone()
                        .unwrap_or_else(|| question.name.clone());
                    let answer = match self.target.run.values.get(&question.name) {
                        Some(value) => value.text.clone().unwrap_or_else(|| "••••".to_owned()),
                        None => "?".to_owned(),
                    };
                    self.say(Tone::Text, format!("{words}  {answer}"));
                }
            }
            Kind::Wait(wait) => self.wait(wait),
            Kind::Notify(notify) => {
                let state = notify
                    .state
                    .as_ref()
                    .map_or(String::new(), |state| format!(", {state}"));
                self.say(Tone::Dim, format!("to {}{state}:", notify.audience));
                self.say(Tone::Text, notify.message.clone());
            }
            Kind::Collect(collect) => {
                for what in collect.logs.iter().chain(&collect.files) {
                    self.say(Tone::Text, format!("collect {what}"));
                }
            }
            Kind::Uses(uses) => self.say(Tone::Text, format!("walk the runbook {}", uses.runbook)),
            Kind::Parallel(lanes) => {
                for lane in lanes {
                    let ids: Vec<&str> = lane.iter().map(|id| id.as_str()).collect();
                    self.say(Tone::Text, format!("lane: {}", ids.join(", ")));
                }
            }
        }
        self.ways();
    }

    fn wait(&mut self, wait: &Wait) {
        let every = when::span(wait.every);
        match &wait.until {
            Some(script) => {
                let limit = wait.limit.map_or(String::new(), |limit| {
                    format!(", for at most {}", when::span(limit))
                });
                self.say(
                    Tone::Text,
                    format!("wait until this succeeds, every {every}{limit}:"),
                );
                self.script(script);
                self.values();
            }
            None => {
                let limit = wait.limit.map_or(every, when::span);
                self.say(Tone::Text, format!("wait {limit}"));
            }
        }
    }

    /// Where a run goes on when that is not simply below.
    fn ways(&mut self) {
        let step = self.target.step;
        if let Some(when) = &step.when {
            self.say(Tone::Dim, format!("only when {when}"));
        }
        match &step.on_failure {
            OnFailure::Next(Next::Step(id)) => self.say(Tone::Dim, format!("on failure: {id}")),
            OnFailure::Continue => self.say(Tone::Dim, "on failure: go on"),
            _ => {}
        }
    }

    fn options(&mut self, decide: &crate::runbook::model::Decide) {
        self.say(Tone::Text, decide.question.clone());
        let suggested = self.target.facts.and_then(|facts| facts.suggested.clone());
        for option in &decide.options {
            let chosen = self.target.state.choice.as_ref() == Some(&option.label);
            let why = suggested
                .as_ref()
                .filter(|(label, _)| *label == option.label)
                .map_or(String::new(), |(_, why)| format!("  (suggested: {why})"));
            let tone = if chosen { Tone::Now } else { Tone::Text };
            self.say(tone, format!("  • {}{why}", option.label));
        }
    }

    /// The values the script sees, and where it runs.
    fn values(&mut self) {
        let Some(record) = self.target.facts.and_then(|facts| facts.record.as_ref()) else {
            return;
        };
        for (name, value) in &record.vars {
            let value = match value {
                Var::Plain(value) => value.clone(),
                Var::Secret(_) => "•••• (secret)".to_owned(),
            };
            let name = text::clean(name, self.ascii).into_owned();
            let value = text::clean(&value, self.ascii).into_owned();
            let row = Rich::of(Tone::Dim, format!("  {name} = ")).and(Tone::Text, value);
            self.row(&row, 4);
        }
        let exec = &record.exec;
        self.say(
            Tone::Dim,
            format!("  on {} as {} in {}", exec.host, exec.run_as, exec.cwd),
        );
    }

    fn gate(&mut self) {
        let from = self.rows.len();
        self.gate_rows();
        let first = self.rows.iter().skip(from).position(|row| !row.is_empty());
        if let Some(first) = first.filter(|_| self.target.state.status != Status::Todo) {
            let head = Rich::of(Tone::Title, "rolling it back");
            self.rows.insert(from + first, head);
        }
    }

    fn gate_rows(&mut self) {
        let gate = match self.target.state.status {
            Status::Todo => self.target.gate().clone(),
            _ => match self.target.roll_back() {
                // Nobody has to be told of a gate in front of something nobody wants.
                Gate::Closed { .. } => return,
                gate => gate.clone(),
            },
        };
        let waiting = Shape::Waiting.mark(self.ascii);
        match gate {
            Gate::Free => {}
            Gate::Closed { asks, who } => {
                self.gap();
                self.say(Tone::Waiting, format!("{waiting} checkpoint: {asks}"));
                self.say(Tone::Dim, format!("   could say yes: {}", names(&who)));
            }
            Gate::Pending(pending) => self.pending(&pending),
            Gate::Open { by, until } => {
                self.gap();
                let until = until.map_or(String::new(), |at| {
                    format!(" · until {}", self.zone.clock(at))
                });
                let done = Shape::Done.mark(self.ascii);
                self.say(
                    Tone::Done,
                    format!("{done} approved by {}{until}", names(&by)),
                );
            }
            Gate::Denied { asks, by, reason } => {
                self.gap();
                let failed = Shape::Failed.mark(self.ascii);
                self.say(Tone::Failed, format!("{failed} denied by {by}: {reason}"));
                self.say(Tone::Dim, format!("   checkpoint: {asks}"));
            }
            Gate::Void { asks, why } => {
                self.gap();
                self.say(
                    Tone::Waiting,
                    format!("{waiting} the approval is void: {why}"),
                );
                self.say(Tone::Dim, format!("   checkpoint: {asks}"));
            }
            Gate::Overridden { by, until } => {
                self.gap();
                let until = until.map_or(String::new(), |at| {
                    format!(" · until {}", self.zone.clock(at))
                });
                self.say(
                    Tone::Override,
                    format!("! override by {by}{until} · review owed"),
                );
            }
            Gate::Blocked(why) => {
                self.gap();
                self.say(Tone::Error, format!("nobody can pass: {why}"));
            }
        }
    }

    fn pending(&mut self, pending: &Pending) {
        self.gap();
        let waiting = Shape::Waiting.mark(self.ascii);
        let count = if pending.want > 1 {
            format!(" {}/{}", pending.have, pending.want)
        } else {
            String::new()
        };
        let words = format!("{waiting} checkpoint{count}: {}", pending.asks);
        self.say(Tone::Waiting, words);
        let expires = pending.expires.map_or(String::new(), |at| {
            format!(" · expires {}", self.zone.minute(at))
        });
        let by = if pending.asked_by_me {
            String::new()
        } else {
            format!("{} ", pending.by)
        };
        let asked = self.zone.clock(pending.asked);
        let who = names(&pending.who);
        self.say(Tone::Dim, format!("   {by}asked {asked} · {who}{expires}"));
    }

    /// Dry run and way back.
    fn twins(&mut self) {
        let step = self.target.step;
        for (purpose, word, script) in [
            (Purpose::DryRun, "dry run", &step.exec.dry_run),
            (Purpose::RollBack, "undo", &step.exec.rollback),
        ] {
            let Some(script) = script else {
                continue;
            };
            self.gap();
            match self.target.state.twins.get(&purpose) {
                None => self.say(Tone::Dim, format!("{word}: {script}")),
                Some(twin) => {
                    let ended = match (twin.running, twin.outcome) {
                        (true, _) if self.target.open.state.exercise.is_some() => {
                            "waiting for the exercise".to_owned()
                        }
                        (true, _) => "running".to_owned(),
                        (_, Some(Outcome::Succeeded)) => "succeeded".to_owned(),
                        (_, Some(Outcome::Failed)) => "failed".to_owned(),
                        _ => "nobody saw the end".to_owned(),
                    };
                    let exit = twin
                        .exit
                        .map_or(String::new(), |exit| format!(", exit status {exit}"));
                    let at = self.zone.clock(twin.at);
                    self.say(Tone::Text, format!("{word} {at}: {ended}{exit}"));
                }
            }
        }
    }
}

fn names(who: &[String]) -> String {
    if who.is_empty() {
        "nobody".to_owned()
    } else {
        who.join(", ")
    }
}
