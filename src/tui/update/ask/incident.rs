//! Questions about the incident as a whole, and about entries of its timeline.

use super::{form, reason, wish};
use crate::engine::EventId;
use crate::engine::Intent;
use crate::engine::checkpoint::prepare;
use crate::engine::collect::Asked;
use crate::engine::command::StepKey;
use crate::engine::exercise::CONTROLLERS;
use crate::engine::fact::Milestone;
use crate::engine::sentence::sentence;
use crate::engine::state::{Overridden, Run};
use crate::runbook::model::{LogSource, Severity};
use crate::timeline::Audiences;
use crate::timeline::export::{Format, template};
use crate::trust::Mode;
use crate::tui::layer::{Choose, Field, FieldKind, Form, FormKind, Then};
use crate::tui::model::Model;
use crate::tui::step;
use crate::tui::theme::Tone;
use crate::tui::update::submit::SEVERITIES;
use crate::tui::when::Zone;
use crate::tui::wish::LogRef;
use crate::tui::world::{Open, OpenRow, Suggestion, World};

fn is_exercise(world: &World) -> bool {
    let open = world.open.as_ref();
    let incident = open.and_then(|open| open.state.incident.as_ref());
    incident.is_some_and(|incident| incident.mode == Mode::Exercise)
}

/// Which milestone.
pub(in crate::tui::update) fn milestone(suggested: Option<Milestone>) -> Choose {
    let mut choose = Choose::new("Milestone reached");
    for (at, milestone) in Milestone::ALL.into_iter().enumerate() {
        if suggested == Some(milestone) {
            choose.cursor.at = at;
        }
        let when = Form::new(
            FormKind::Milestone(milestone),
            format!("{}: when?", milestone.word()),
            "record it",
        )
        .field(Field::text("at", "At (13:40, -12m; empty: now)").optional());
        choose = choose.option(milestone.word(), "", form(when));
    }
    choose
}

/// Which severity.
pub(in crate::tui::update) fn severity(now: Option<Severity>) -> Choose {
    let mut choose = Choose::new("Severity");
    for (at, (word, severity)) in SEVERITIES.into_iter().enumerate() {
        if now == Some(severity) {
            choose.cursor.at = at;
        }
        choose = choose.option(word, "", wish(Intent::SetSeverity(severity)));
    }
    choose
}

/// Who does what.
pub(in crate::tui::update) fn role(world: &World) -> Form {
    let mut roles = vec!["commander", "operator", "approver", "scribe", "liaison"];
    if is_exercise(world) {
        roles.extend(CONTROLLERS);
    }
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let me = world.me.principal.as_str();
    let known: Vec<String> = world
        .open
        .iter()
        .filter_map(|open| open.state.incident.as_ref())
        .flat_map(|incident| incident.policy.people.values())
        .filter_map(|person| person.principals.first().cloned())
        .collect();
    let who = Field::text("who", "Who");
    let who = match known.iter().position(|known| known == me) {
        Some(at) => who.of(FieldKind::Choice(known, at)),
        None if known.is_empty() => who.with(me),
        None => who.of(FieldKind::Choice(known, 0)),
    };
    Form::new(FormKind::Role, "Give a duty in this incident", "record it")
        .say(Tone::Dim, "It says who does what; it widens no right.")
        .field(who)
        .field(Field::text("role", "Role").of(FieldKind::Choice(roles, 0)))
}

/// An update for stakeholders.
pub(in crate::tui::update) fn update(world: &World) -> Form {
    let audiences: Vec<String> = world
        .open
        .iter()
        .filter_map(|open| open.state.incident.as_ref())
        .flat_map(|incident| &incident.policy.audiences)
        .map(|audience| audience.name.clone())
        .collect();
    let audience = Field::text("audience", "Audience");
    let audience = if audiences.is_empty() {
        audience.with("stakeholders")
    } else {
        audience.of(FieldKind::Choice(audiences, 0))
    };
    let states = ["", "investigating", "identified", "monitoring", "resolved"];
    let states = states.iter().map(|state| (*state).to_owned()).collect();
    let form = Form::new(
        FormKind::Update,
        "Update for stakeholders",
        "see what leaves",
    );
    let form = if is_exercise(world) {
        let nothing = "EXERCISE: nothing leaves. It is recorded, and sent to nobody.";
        form.say(Tone::Exercise, nothing)
    } else {
        form
    };
    form.field(audience)
        .field(Field::text("state", "State").of(FieldKind::Choice(states, 0)))
        .field(Field::text("message", "Message"))
        .field(Field::text("next", "Next within").optional())
}

/// What was collected is read; a key log is collected, or read where it lies.
pub(in crate::tui::update) fn logs(open: &Open, run: Option<&Run>) -> Choose {
    let mut choose = Choose::new("Logs");
    let held = step::artifacts(open);
    for evidence in held.iter().rev() {
        choose = choose.option(
            format!("read {}", evidence.name),
            format!("{} of {}", evidence.source, evidence.host),
            Then::OpenLog(LogRef::Evidence(evidence.sha256)),
        );
    }
    let writable = open.read_only.is_none() && open.state.closed.is_none();
    for log in run.iter().flat_map(|run| &run.book.logs) {
        let from = match &log.source {
            LogSource::File(path) => path.clone(),
            LogSource::Run(script) => format!("$ {script}"),
            LogSource::Journal(unit) => format!("journal of {unit}"),
        };
        if writable {
            choose = choose.option(
                format!("collect {}", log.name),
                from.clone(),
                wish(Intent::CollectLog {
                    log: log.name.clone(),
                    asked: Asked::default(),
                }),
            );
        }
        if matches!(log.source, LogSource::File(_)) && log.host.is_none() {
            choose = choose.option(
                format!("read {} where it lies", log.name),
                from,
                Then::OpenLog(LogRef::Key(log.name.clone())),
            );
        }
    }
    choose
}

/// What the rules of the runbook suggest for the timeline.
pub(in crate::tui::update) fn suggested(
    suggested: &[Suggestion],
    model: &Model,
    world: &World,
) -> Choose {
    let zone = Zone::new(model.local, world.now);
    let mut choose = Choose::new("Suggested entries");
    choose = choose.say(
        Tone::Dim,
        match suggested.len() {
            0 => "Nothing is suggested that is not recorded already.".to_owned(),
            count => format!(
                "{count} lines of collected logs; Enter records one, with what it rests on."
            ),
        },
    );
    for suggestion in suggested {
        if let Intent::NoteLine {
            text, class, at, ..
        } = &suggestion.intent
        {
            let when = at.map_or(String::new(), |at| format!("{} ", zone.clock(at)));
            choose = choose.option(
                format!("{when}{text}"),
                format!("{} · {}", class.word(), suggestion.log),
                Then::Accept(Box::new(suggestion.intent.clone())),
            );
        }
    }
    choose.option("later", "", Then::Nothing)
}

/// Which override.
pub(in crate::tui::update) fn which_review(owed: &[&Overridden]) -> Choose {
    let choose = owed
        .iter()
        .fold(Choose::new("Review which override?"), |choose, over| {
            choose.option(
                over.step.step.as_str(),
                format!("by {}: {}", over.person, over.reason),
                Then::Review(over.event),
            )
        });
    choose.option("later", "", Then::Nothing)
}

/// What an override was, the exact events that a review of it is about, and what is thought of it. `None` when it is
/// reviewed.
pub(in crate::tui::update) fn review(world: &World, event: EventId, zone: Zone) -> Option<Form> {
    let open = world.open.as_ref()?;
    let over = open.state.overrides.get(&event)?;
    if over.review.is_some() {
        return None;
    }
    let mut form = Form::new(
        FormKind::Review(event),
        format!("Review the override of {}", over.step.step),
        "sign the review",
    )
    .say(
        Tone::Override,
        format!(
            "{} went through without approval at {}: {}",
            over.person,
            zone.clock(over.at),
            over.reason
        ),
    );
    for line in over.record.exec.script.lines() {
        form = form.say(Tone::Code, format!("$ {line}"));
    }
    let events = prepare::review_events(&open.state, event);
    form = form.say(
        Tone::Text,
        match events.len() {
            1 => "Your signature covers exactly this event:".to_owned(),
            count => format!("Your signature covers exactly these {count} events:"),
        },
    );
    for event in open.events.iter() {
        if events.contains(&event.id) {
            let when = zone.clock(event.occurred_at);
            let line = format!("{when} {} {}", sentence(event), event.id.short());
            form = form.say(Tone::Text, line);
        }
    }
    let verdicts = ["-", "accepted", "rejected"].map(str::to_owned).to_vec();
    let form = form
        .field(Field::text("verdict", "Verdict").of(FieldKind::Choice(verdicts, 0)))
        .field(Field::text("reason", "Reason"))
        .guarded();
    Some(form)
}

/// Which of the things that wait.
pub(in crate::tui::update) fn inbox(rows: &[OpenRow<'_>], model: &Model, world: &World) -> Choose {
    let zone = Zone::new(model.local, world.now);
    let choose = rows
        .iter()
        .fold(Choose::new("What waits for you"), |choose, row| {
            let Some(waiting) = row.waiting else {
                return choose;
            };
            choose.option(
                waiting.what.words(),
                format!(
                    "{} {}: {} {}{}",
                    row.incident.short,
                    row.incident.title,
                    waiting.by,
                    zone.minute(waiting.since),
                    waiting
                        .passed_by
                        .as_ref()
                        .map_or(String::new(), |by| format!(", passed on by {by}")),
                ),
                Then::Go(row.incident.id.clone(), waiting.what.clone()),
            )
        });
    choose.option("not now", "", Then::Nothing)
}

/// Of the choices of an export: for no audience in particular, and by no template.
pub(in crate::tui::update) const EVERYTHING: &str = "the whole record";
pub(in crate::tui::update) const NO_TEMPLATE: &str = "none: everything in order";

/// A document of which kind, for whom, and where to.
pub(in crate::tui::update) fn export(world: &World) -> Choose {
    let open = world.open.as_ref();
    let short = open.map_or("incident", |open| open.short.as_str());
    let rules = open.and_then(|open| open.state.incident.as_deref());
    let rules = rules.map_or([].as_slice(), |incident| &incident.policy.audiences);
    let own = Audiences::of(rules);
    let audiences = std::iter::once(EVERYTHING).chain(own.names());
    let audiences: Vec<String> = audiences.map(str::to_owned).collect();
    let templates = std::iter::once(NO_TEMPLATE).chain(template::OWN.map(|(name, ..)| name));
    let templates: Vec<String> = templates.map(str::to_owned).collect();
    let mut choose = Choose::new("Export");
    if is_exercise(world) {
        let marked = "EXERCISE: every document says so; none of it was real.";
        choose = choose.say(Tone::Exercise, marked);
    }
    for (format, word, ending, purpose) in Format::ALL {
        let mut path = Form::new(
            FormKind::Export(format),
            format!("Export as {word}"),
            "write it",
        )
        .field(Field::text("audience", "For").of(FieldKind::Choice(audiences.clone(), 0)));
        if format == Format::Markdown {
            let field = Field::text("template", "Template");
            path = path.field(field.of(FieldKind::Choice(templates.clone(), 0)));
        }
        let path = path.field(Field::text("path", "File").with(format!("{short}.{ending}")));
        choose = choose.option(word, purpose, form(path));
    }
    choose
}

/// The run is over: what comes now.
pub(in crate::tui::update) fn what_next() -> Choose {
    use crate::tui::Act;
    let resolved = Form::new(
        FormKind::Milestone(Milestone::Resolved),
        "resolved: when?",
        "record it",
    )
    .field(Field::text("at", "At (13:40, -12m; empty: now)").optional());
    Choose::new("Every step is behind us")
        .option("set the milestone resolved", "", form(resolved))
        .option(
            "export",
            "postmortem, page, table, JSON …",
            Then::Do(Act::Export),
        )
        .option(
            "close the record",
            "signed, over all that was said",
            Then::Do(Act::Close),
        )
        .option("write a note", "", Then::Do(Act::Note))
        .option("not now", "", Then::Nothing)
}

/// The last question before the record is closed.
pub(in crate::tui::update) fn close(short: &str) -> Form {
    Form::new(
        FormKind::Close,
        format!("Close the record of {short}?"),
        "sign and close",
    )
    .say(Tone::Text, "Afterwards nothing can be run or approved.")
    .say(Tone::Text, "Notes, corrections, exports and reviews go on.")
    .guarded()
}

/// Why the record is opened again.
pub(in crate::tui::update) fn reopen() -> Form {
    reason(FormKind::Reopen, "Open the record again", "sign and reopen")
}

/// A note; a time in front backdates it.
pub(in crate::tui::update) fn note(step: Option<StepKey>) -> Form {
    let title = step
        .as_ref()
        .map_or("Note".to_owned(), |step| format!("Note on {}", step.step));
    Form::new(FormKind::Note(step), title, "record it")
        .say(Tone::Dim, "A time in front backdates it: 13:40 first page")
        .field(Field::text("text", "Text"))
}

/// Something that happened earlier.
pub(in crate::tui::update) fn backdate() -> Form {
    Form::new(FormKind::Backdate, "Add what happened earlier", "record it")
        .say(
            Tone::Dim,
            "13:40 first page · -12m phone call from the bank",
        )
        .field(Field::text("text", "Time and text"))
}

/// What an entry should have said.
pub(in crate::tui::update) fn correct(event: EventId, sentence: &str) -> Form {
    Form::new(FormKind::Correct(event), "Correct an entry", "record it")
        .say(Tone::Dim, sentence)
        .field(Field::text("text", "Should read"))
        .field(Field::text("reason", "Reason"))
}

/// A file of this machine.
pub(in crate::tui::update) fn attach() -> Form {
    Form::new(FormKind::Attach, "Attach a file as evidence", "attach")
        .field(Field::text("path", "Path"))
}
