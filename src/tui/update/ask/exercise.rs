//! Questions of an exercise: which to begin, what a controller does about it, what is thought of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{form, reason};
use crate::engine::Intent;
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::exercise::{ClockChange, Control, Exercise};
use crate::exercise::due;
use crate::exercise::score::{Rated, Scored};
use crate::exercise::seal::{Rating, RemarkKind, Verdict};
use crate::runbook::scenario::{Head, Means, Scenario, Side};
use crate::tui::exercise::pace;
use crate::tui::layer::{Choose, Field, FieldKind, Form, FormKind, Rule, Then};
use crate::tui::theme::Tone;
use crate::tui::when::{self, Zone};
use crate::tui::wish::{Paper, Wish};
use crate::tui::world::{Script, World};

/// What an expectation can count as by somebody's word.
pub(in crate::tui::update) const VERDICTS: [Verdict; 4] = [
    Verdict::Met,
    Verdict::Late,
    Verdict::Missed,
    Verdict::NotReached,
];

/// How well an objective can have been reached.
pub(in crate::tui::update) const RATINGS: [Rating; 4] =
    [Rating::P, Rating::S, Rating::M, Rating::U];

/// What a remark can be.
pub(in crate::tui::update) const REMARKS: [(&str, RemarkKind); 3] = [
    ("strength", RemarkKind::Strength),
    ("improvement", RemarkKind::Improvement),
    ("seen", RemarkKind::Seen),
];

fn choice(choices: impl IntoIterator<Item = impl Into<String>>, at: usize) -> FieldKind {
    FieldKind::Choice(choices.into_iter().map(Into::into).collect(), at)
}

/// Which scenario.
pub(in crate::tui::update) fn scenarios(world: &World) -> Choose {
    let choose = Choose::new("Begin an exercise").say(
        Tone::Dim,
        "Whoever begins it conducts it. What follows is what players may see, too.",
    );
    world.scenarios.iter().fold(choose, |choose, head: &Head| {
        let form = head.form.map_or("", word);
        let id = head.id.clone();
        choose.option(
            head.title.clone(),
            format!("{form} · {}", head.summary.trim()),
            Then::Scenario(id),
        )
    })
}

fn word(form: crate::runbook::scenario::Form) -> &'static str {
    use crate::runbook::scenario::Form as Kind;
    match form {
        Kind::Tabletop => "tabletop",
        Kind::Drill => "drill",
        Kind::Functional => "functional",
    }
}

/// What everybody may know of it, and whether to begin.
pub(in crate::tui::update) fn begin(id: &str, scenario: &Arc<Scenario>) -> Choose {
    let public = scenario.public();
    let mut choose = Choose::new(format!("EXERCISE: {}", public.title));
    let book = public.runbook;
    let book = book.map_or(String::new(), |book| format!(" · runbook {book}"));
    let facts = format!(
        "{} · {} at {}{book}",
        word(public.form),
        when::span(public.length),
        pace(public.scale)
    );
    choose = choose.say(Tone::Dim, facts);
    for line in public.summary.lines().chain(public.briefing.lines()) {
        choose = choose.say(Tone::Text, line);
    }
    let players: Vec<&str> = public
        .parts
        .iter()
        .filter(|part| part.side == Side::Player)
        .map(|part| part.title.as_str())
        .collect();
    if !players.is_empty() {
        choose = choose.say(Tone::Text, format!("Players: {}", players.join(", ")));
    }
    choose = choose.say(
        Tone::Warning,
        format!("Code word \"{}\": this is real.", public.code_word),
    );
    for line in public.abort {
        choose = choose.say(Tone::Dim, format!("It is broken off when: {line}"));
    }
    let wish = |paused| {
        Then::Wish(Box::new(Wish::BeginExercise {
            scenario: id.to_owned(),
            paused,
        }))
    };
    choose
        .option(
            "begin it, the clock stopped",
            "players join first",
            wish(true),
        )
        .option("begin it now", "the clock runs at once", wish(false))
        .option("not now", "", Then::Nothing)
}

/// Why an inject shall not come.
pub(in crate::tui::update) fn leave_inject(id: &str) -> Form {
    let title = format!("Leave {id} out");
    Form::new(FormKind::LeaveInject(id.to_owned()), title, "leave it out")
        .say(Tone::Dim, "It is sealed until the end.")
        .field(Field::text("reason", "Reason").optional())
}

/// What a command printed, instead of the script.
pub(in crate::tui::update) fn answer_for(record: &ExecRecord) -> Form {
    let twin = match record.exec.purpose {
        Purpose::Run => "",
        Purpose::DryRun => "the dry run of ",
        Purpose::RollBack => "the roll back of ",
    };
    let title = format!("What became of {twin}{}?", record.step.step);
    let mut exit = Field::text("exit", "Exit status").with("0");
    exit.rule = Some(Rule {
        kind: crate::runbook::model::InputKind::Integer,
        pattern: Some("-?[0-9]{1,3}".to_owned()),
    });
    let kind = FormKind::AnswerFor(record.step.clone(), record.exec.purpose);
    let form = record
        .exec
        .script
        .lines()
        .fold(Form::new(kind, title, "give it"), |form, line| {
            form.say(Tone::Code, format!("$ {line}"))
        });
    form.field(exit)
        .field(Field::text("output", "It printed").optional())
}

/// A message that is in no script.
pub(in crate::tui::update) fn message() -> Form {
    let means = Means::ALL.map(Means::words);
    Form::new(FormKind::Tell, "Say something to the players", "send it")
        .say(Tone::Exercise, "It stays in the exercise: nothing leaves.")
        .field(Field::text("means", "By").of(choice(means, 0)))
        .field(Field::text("from", "From").with("simulation cell"))
        .field(Field::text("to", "To (empty: everybody)").optional())
        .field(Field::text("message", "Message"))
}

/// To when.
pub(in crate::tui::update) fn ahead() -> Form {
    Form::new(FormKind::Ahead, "Set the clock ahead", "set it")
        .say(Tone::Dim, "What is due until then comes at once.")
        .field(Field::text("to", "To (18:30, or 10m from now)"))
}

/// To the beginning of which move.
pub(in crate::tui::update) fn go_back(
    exercise: &Exercise,
    script: &Script,
    zone: Zone,
    now: DateTime<Utc>,
) -> Choose {
    let begun = exercise.started.clock.sim;
    let choose = Choose::new("Back to a move")
        .say(
            Tone::Warning,
            "What came after its beginning counts no more; the clock stands still.",
        )
        .guarded();
    script
        .scenario
        .moves
        .iter()
        .map(|one| (one, due::after(begun, one.at)))
        .filter(|(_, at)| *at <= now)
        .fold(choose, |choose, (one, at)| {
            let back = Control::Clock {
                change: ClockChange::Back,
                sim: Some(at),
                scale: None,
                to: Some(one.id.clone()),
                paused: true,
            };
            let then = super::wish(Intent::Exercise(back));
            choose.option(one.title.clone(), zone.clock(at), then)
        })
        .option("not now", "", Then::Nothing)
}

/// What an expectation counts as.
pub(in crate::tui::update) fn verdict(one: &Scored) -> Form {
    let at = VERDICTS.iter().position(|known| *known == one.verdict);
    let shown = format!("the record shows: {}", one.shown.word());
    Form::new(
        FormKind::Verdict(one.id.clone()),
        format!("Verdict on {}", one.id),
        "seal it",
    )
    .say(Tone::Text, one.action.clone())
    .say(Tone::Dim, shown)
    .field(
        Field::text("verdict", "Verdict").of(choice(VERDICTS.map(Verdict::word), at.unwrap_or(0))),
    )
    .field(Field::text("reason", "Reason"))
}

/// How well an objective was reached.
pub(in crate::tui::update) fn rate(one: &Rated) -> Form {
    let words = RATINGS.map(|rating| format!("{} {}", rating.letter(), rating.words()));
    let now = one.confirmed.or(one.proposed);
    let at = RATINGS.iter().position(|known| Some(*known) == now);
    let proposed = match one.proposed {
        Some(rating) => format!("proposed: {} {}", rating.letter(), rating.words()),
        None => "nothing is proposed: none of its expectations is decided".to_owned(),
    };
    Form::new(
        FormKind::Rate(one.id.clone()),
        format!("Rate {}", one.id),
        "seal it",
    )
    .say(Tone::Text, one.title.clone())
    .say(Tone::Dim, proposed)
    .field(Field::text("rating", "Rating").of(choice(words, at.unwrap_or(0))))
    .field(Field::text("reason", "Reason").optional())
}

/// Something seen.
pub(in crate::tui::update) fn remark(about: Option<String>) -> Form {
    let title = match &about {
        Some(about) => format!("Remark on {about}"),
        None => "Remark".to_owned(),
    };
    Form::new(FormKind::Remark(about), title, "seal it")
        .say(
            Tone::Dim,
            "Sealed until the end; it says nothing about who.",
        )
        .field(Field::text("kind", "It is").of(choice(REMARKS.map(|(word, _)| word), 0)))
        .field(Field::text("text", "Seen"))
        .field(Field::text("recommend", "Recommendation").optional())
}

/// What is thought of the exercise: to a question of its hot wash, or freely.
pub(in crate::tui::update) fn feedback(questions: &[String]) -> Choose {
    let answer = |question: Option<String>| {
        let title = question
            .clone()
            .unwrap_or_else(|| "What do you think of it?".to_owned());
        form(
            Form::new(FormKind::Feedback(question), "Feedback", "record it")
                .say(Tone::Text, title)
                .field(Field::text("text", "Answer")),
        )
    };
    let choose = questions
        .iter()
        .fold(Choose::new("Feedback"), |choose, question| {
            choose.option(question.clone(), "", answer(Some(question.clone())))
        });
    choose
        .option("something else", "", answer(None))
        .option("not now", "", Then::Nothing)
}

/// The after-action report as what, and where to.
pub(in crate::tui::update) fn report(short: &str) -> Choose {
    let papers = [
        (Paper::Markdown, "Markdown", "md", "to be read and edited"),
        (Paper::Html, "HTML", "html", "one page, to be printed"),
        (Paper::Json, "JSON", "json", "for programs"),
    ];
    let choose = Choose::new("After-action report").say(
        Tone::Exercise,
        "EXERCISE: the report says so on every page.",
    );
    papers
        .into_iter()
        .fold(choose, |choose, (paper, word, ending, purpose)| {
            let path = Field::text("path", "File").with(format!("{short}-report.{ending}"));
            let title = format!("Report as {word}");
            let ask = Form::new(FormKind::Report(paper), title, "write it").field(path);
            choose.option(word, purpose, form(ask))
        })
        .option("not now", "", Then::Nothing)
}

/// Whether it is over.
pub(in crate::tui::update) fn end() -> Choose {
    let sure = Form::new(FormKind::End, "End the exercise", "end it")
        .say(Tone::Text, "Type end to say so.")
        .field(Field::text("sure", "Type end").of(FieldKind::Typed("end".to_owned())))
        .guarded();
    Choose::new("End the exercise?")
        .say(
            Tone::Text,
            "What was sealed is opened to everybody: script, verdicts, remarks.",
        )
        .say(
            Tone::Text,
            "Nothing can be started any more; feedback and judging go on.",
        )
        .option("not yet", "", Then::Nothing)
        .option("it is over", "asks once more", form(sure))
        .guarded()
}

/// Whether to break it off.
pub(in crate::tui::update) fn abort(exercise: &Exercise) -> Choose {
    let why = reason(
        FormKind::Abort,
        "Break the exercise off: why?",
        "break it off",
    )
    .guarded();
    let mut choose = Choose::new("Break the exercise off?").say(
        Tone::Warning,
        format!(
            "Code word \"{}\": this is real.",
            exercise.started.code_word
        ),
    );
    for line in &exercise.started.abort {
        choose = choose.say(Tone::Text, format!("It is broken off when: {line}"));
    }
    choose
        .say(Tone::Text, "What was sealed is opened to everybody.")
        .option("not now", "", Then::Nothing)
        .option("break it off", "asks for a reason", form(why))
        .guarded()
}
