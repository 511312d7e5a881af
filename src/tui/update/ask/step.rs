//! Questions about one step, and the first of all: with what an incident begins.

use crate::engine::Intent;
use crate::engine::command::StepKey;
use crate::engine::exec::{Purpose, Var};
use crate::engine::fact::Outcome;
use crate::runbook::model::{Kind, Runbook, Severity, Step};
use crate::tui::layer::{Choose, Field, FieldKind, Form, FormKind, Then};
use crate::tui::model::Model;
use crate::tui::step::Target;
use crate::tui::theme::{Theme, Tone};
use crate::tui::update::submit::SEVERITIES;
use crate::tui::world::World;

use super::{form, reason, wish};

/// Which theme.
pub(in crate::tui::update) fn theme(model: &Model) -> Choose {
    let names = Theme::names();
    let mut choose = Choose::new("Theme");
    choose.cursor.at = names
        .iter()
        .position(|name| *name == model.theme.name)
        .unwrap_or(0);
    names.into_iter().fold(choose, |choose, name| {
        let note = Theme::shipped(&name).map_or(String::new(), |theme| theme.description);
        choose.option(name.clone(), note, Then::Theme(name))
    })
}

/// The beginning of an incident.
pub(in crate::tui::update) fn start(book: &Runbook, world: &World) -> Form {
    let suggested = book.severity.unwrap_or(Severity::Sev3);
    let severities = SEVERITIES.iter().map(|(word, _)| (*word).to_owned());
    let at = SEVERITIES
        .iter()
        .position(|(_, severity)| *severity == suggested)
        .unwrap_or(2);
    let pinned = world.library.as_ref().map_or(String::new(), |library| {
        format!("{} at {}", book.id, library.commit)
    });
    let first = Form::new(
        FormKind::Start(book.id.clone()),
        "Start an incident",
        "start",
    )
    .say(Tone::Dim, pinned)
    .field(Field::text(" title", "Title").with(book.title.clone()))
    .field(Field::text(" severity", "Severity").of(FieldKind::Choice(severities.collect(), at)));
    book.inputs
        .iter()
        .fold(first, |form, input| form.field(Field::asked(input)))
}

/// The checklist, and a word if wanted.
pub(in crate::tui::update) fn done(target: &Target<'_>, by_hand: Option<&str>) -> Form {
    let step = target.step;
    let mut form = Form::new(
        FormKind::Done(target.key()),
        format!("{}: done?", step.id),
        "done",
    );
    if let Some(why) = by_hand {
        form = form.say(Tone::Warning, why).say(
            Tone::Text,
            "Do it by hand, then say so; the record says it was done by hand.",
        );
        if let Kind::Run(script) = &step.kind {
            form = script
                .lines()
                .fold(form, |form, line| form.say(Tone::Code, format!("$ {line}")));
        }
    }
    for (at, item) in step.checklist.iter().enumerate() {
        form = form.field(Field::text(&format!(" {at}"), item.clone()).of(FieldKind::Tick(false)));
    }
    form.field(Field::text("note", "Note").optional())
}

/// What exactly would run, and whether to.
pub(in crate::tui::update) fn confirm(
    target: &Target<'_>,
    purpose: Purpose,
    world: &World,
) -> Choose {
    let step = target.step;
    let what = match purpose {
        Purpose::Run => "Run",
        Purpose::DryRun => "Dry run of",
        Purpose::RollBack => "Roll back",
    };
    let mut choose = Choose::new(format!("{what} {}?", step.id)).guarded();
    let (tone, word) = match step.risk {
        crate::runbook::model::Risk::Routine => (Tone::Text, "routine"),
        crate::runbook::model::Risk::Privileged => (Tone::Privileged, "PRIVILEGED"),
        crate::runbook::model::Risk::Destructive => (Tone::Destructive, "DESTRUCTIVE"),
    };
    if purpose != Purpose::DryRun {
        choose = choose.say(tone, format!(" {word} "));
    }
    for (tone, line) in what_runs(target, purpose, world) {
        choose = choose.say(tone, line);
    }
    let start = wish(Intent::Start {
        step: target.key(),
        purpose,
    });
    choose.option("no, not now", "", Then::Nothing).option(
        match purpose {
            Purpose::RollBack => "yes, roll it back".to_owned(),
            _ => format!("yes, {} it", what.to_lowercase().replace(" of", "")),
        },
        "",
        start,
    )
}

/// Command, host, directory and values of a start.
pub(in crate::tui::update) fn what_runs(
    target: &Target<'_>,
    purpose: Purpose,
    world: &World,
) -> Vec<(Tone, String)> {
    let record = target.facts.and_then(|facts| facts.record.as_ref());
    let mut lines = Vec::new();
    match record {
        Some(record) => {
            let exec = &record.exec;
            lines.push((
                Tone::Dim,
                format!("on {} as {} in {}", exec.host, exec.run_as, exec.cwd),
            ));
        }
        None => lines.push((Tone::Dim, format!("by {}", world.me.name))),
    }
    let script = match purpose {
        Purpose::Run => match record {
            Some(record) => Some(record.exec.script.as_str()),
            None => match &target.step.kind {
                Kind::Run(script) => Some(script.as_str()),
                _ => None,
            },
        },
        Purpose::DryRun => target.step.exec.dry_run.as_deref(),
        Purpose::RollBack => target.step.exec.rollback.as_deref(),
    };
    for (at, line) in script.unwrap_or_default().lines().enumerate() {
        let mark = if at == 0 { "$ " } else { "  " };
        lines.push((Tone::Code, format!("{mark}{line}")));
    }
    for (name, value) in record.iter().flat_map(|record| &record.vars) {
        lines.push((
            Tone::Text,
            match value {
                Var::Plain(value) => format!("{name} = {value}"),
                Var::Secret(_) => format!("{name} = •••• (secret)"),
            },
        ));
    }
    lines
}

/// Which of the options.
pub(in crate::tui::update) fn choose(target: &Target<'_>) -> Option<Choose> {
    let Kind::Decide(decide) = &target.step.kind else {
        return None;
    };
    let suggested = target.facts.and_then(|facts| facts.suggested.as_ref());
    let mut choose = Choose::new(target.step.id.as_str()).say(Tone::Title, decide.question.clone());
    for (at, option) in decide.options.iter().enumerate() {
        let why = suggested
            .filter(|(label, _)| *label == option.label)
            .map(|(_, why)| format!("suggested: {why}"));
        if why.is_some() {
            choose.cursor.at = at;
        }
        choose = choose.option(
            option.label.clone(),
            why.unwrap_or_default(),
            wish(Intent::Choose {
                step: target.key(),
                label: option.label.clone(),
            }),
        );
    }
    Some(choose)
}

/// The questions of a step.
pub(in crate::tui::update) fn answer(target: &Target<'_>) -> Option<Form> {
    let Kind::Ask(questions) = &target.step.kind else {
        return None;
    };
    let first = Form::new(
        FormKind::Answer(target.key()),
        target.step.title.clone(),
        "answer",
    );
    Some(
        questions
            .iter()
            .fold(first, |form, question| form.field(Field::asked(question))),
    )
}

/// Secret values this process was not given.
pub(in crate::tui::update) fn secrets(target: &Target<'_>) -> Form {
    let names = target.facts.map_or(&[][..], |facts| &facts.missing_secrets);
    let first = Form::new(
        FormKind::Secrets(target.key()),
        "Secret values",
        "keep for this session",
    )
    .say(
        Tone::Dim,
        "They stay in this process and never enter the record.",
    );
    names.iter().fold(first, |form, name| {
        form.field(Field::text(name, name.clone()).of(FieldKind::Secret))
    })
}

/// What to do with a step that failed.
pub(in crate::tui::update) fn failed(target: &Target<'_>) -> Choose {
    let step = target.key();
    let exit = target
        .state
        .exit
        .map_or(String::new(), |exit| format!(" with exit status {exit}"));
    let mut choose = Choose::new(format!("{} failed{exit}", step.step))
        .say(Tone::Text, target.state.reason.clone().unwrap_or_default());
    choose = choose.option("retry", "start it again", Then::Do(crate::tui::Act::Enter));
    if let Some(first) = choose.options.first_mut() {
        first.then = retry(target);
    }
    if target.step.exec.rollback.is_some() {
        choose = choose.option(
            "roll back",
            "run its way back",
            Then::Do(crate::tui::Act::RollBack),
        );
    }
    choose
        .option(
            "skip",
            "leave it out, with a reason",
            form(skip(step.clone())),
        )
        .option(
            "it succeeded after all",
            "the run goes on",
            form(resolve(step, Outcome::Succeeded)),
        )
        .option("not now", "", Then::Nothing)
}

fn retry(target: &Target<'_>) -> Then {
    use crate::tui::world::Gate;
    let step = target.key();
    match target.gate() {
        Gate::Free | Gate::Open { .. } | Gate::Overridden { .. } => wish(Intent::Start {
            step,
            purpose: Purpose::Run,
        }),
        _ => wish(Intent::Request {
            step,
            purpose: Purpose::Run,
        }),
    }
}

/// What became of a step nobody saw the end of.
pub(in crate::tui::update) fn unknown(target: &Target<'_>) -> Choose {
    let step = target.key();
    Choose::new(format!("{}: nobody saw how it ended", step.step))
        .say(
            Tone::Text,
            "It was started and its end is not in the record. It is never run again by itself.",
        )
        .say(Tone::Text, "Look at what it was to change, then say:")
        .option(
            "it succeeded",
            "the run goes on",
            form(resolve(step.clone(), Outcome::Succeeded)),
        )
        .option(
            "it failed",
            "then retry, skip or roll back",
            form(resolve(step, Outcome::Failed)),
        )
        .option("not now", "", Then::Nothing)
}

fn resolve(step: StepKey, outcome: Outcome) -> Form {
    let word = match outcome {
        Outcome::Succeeded => "succeeded",
        _ => "failed",
    };
    let title = format!("{}: {word}", step.step);
    reason(FormKind::Resolve(step, outcome), title, "record it")
}

/// Why a step is left out.
pub(in crate::tui::update) fn skip(step: StepKey) -> Form {
    let title = format!("Skip {}", step.step);
    reason(FormKind::Skip(step), title, "skip")
}

/// Whether a step's start has to be confirmed.
pub(in crate::tui::update) fn is_harmless(step: &Step) -> bool {
    step.risk == crate::runbook::model::Risk::Routine
}
