//! Questions about what is to be done afterwards.

use super::form;
use crate::engine::EventId;
use crate::engine::details::{FollowupKind, FollowupStatus};
use crate::timeline::Followup;
use crate::tui::layer::{Choose, Field, FieldKind, Form, FormKind, Then};
use crate::tui::theme::Tone;
use crate::tui::when::Zone;

fn kinds(now: FollowupKind) -> Field {
    let words = FollowupKind::ALL.iter().map(|kind| kind.word().to_owned());
    let at = FollowupKind::ALL.iter().position(|kind| *kind == now);
    Field::text("kind", "Kind").of(FieldKind::Choice(words.collect(), at.unwrap_or(0)))
}

/// What is to be done, perhaps because of an entry.
pub(in crate::tui::update) fn followup(about: Option<(EventId, String)>) -> Form {
    let (entry, sentence) = about.map_or((None, None), |(entry, sentence)| {
        (Some(entry), Some(sentence))
    });
    let form = Form::new(
        FormKind::Followup(entry),
        "What is to be done afterwards?",
        "record it",
    );
    let form = sentence
        .into_iter()
        .fold(form, |form, line| form.say(Tone::Dim, line));
    form.field(Field::text("text", "To do"))
        .field(kinds(FollowupKind::Fix))
        .field(Field::text("owner", "Owner").optional())
        .field(Field::text("due", "Due (2026-12-24, 14d)").optional())
}

/// What is otherwise about it.
pub(in crate::tui::update) fn change_followup(one: &Followup) -> Form {
    let statuses = FollowupStatus::ALL.iter().map(|one| one.word().to_owned());
    let at = FollowupStatus::ALL
        .iter()
        .position(|status| *status == one.status);
    let due = one.due.map_or(String::new(), |due| due.to_string());
    Form::new(
        FormKind::ChangeFollowup(Box::new(one.clone())),
        "Change a follow-up",
        "record it",
    )
    .say(Tone::Text, "Only what you change is recorded.")
    .field(Field::text("text", "To do").with(one.text.clone()))
    .field(kinds(one.kind))
    .field(
        Field::text("owner", "Owner")
            .optional()
            .with(one.owner.clone().unwrap_or_default()),
    )
    .field(
        Field::text("due", "Due (2026-12-24, 14d)")
            .optional()
            .with(due),
    )
    .field(
        Field::text("status", "Stands").of(FieldKind::Choice(statuses.collect(), at.unwrap_or(0))),
    )
    .field(Field::text("note", "Note").optional())
}

/// It is done, or will not be: a word about that.
pub(in crate::tui::update) fn end_followup(one: &Followup, status: FollowupStatus) -> Form {
    let (title, submit) = match status {
        FollowupStatus::Dropped => ("It will not be done: why?", "drop it"),
        _ => ("It is done", "done"),
    };
    let note = Field::text(
        "note",
        if status == FollowupStatus::Done {
            "Note"
        } else {
            "Why"
        },
    );
    let note = if status == FollowupStatus::Done {
        note.optional()
    } else {
        note
    };
    Form::new(FormKind::EndFollowup(one.event, status), title, submit)
        .say(Tone::Dim, one.text.clone())
        .field(note)
}

/// All of one follow-up, and what can become of it.
pub(in crate::tui::update) fn of_followup(
    one: &Followup,
    from: Option<String>,
    zone: Zone,
    writable: bool,
) -> Choose {
    let owner = one.owner.as_deref().unwrap_or("nobody yet");
    let due = one
        .due
        .map_or("no day is set".to_owned(), |due| due.to_string());
    let mut choose = Choose::new(format!("Follow-up: {}", one.status.word()))
        .say(Tone::Title, one.text.clone())
        .say(
            Tone::Text,
            format!("{} · owner {owner} · due {due}", one.kind.word()),
        )
        .say(
            Tone::Dim,
            format!("asked for by {} at {}", one.by, zone.stamp(one.at)),
        );
    for note in &one.notes {
        let line = format!("{} {}: {}", zone.stamp(note.at), note.by, note.text);
        choose = choose.say(Tone::Text, line);
    }
    let open = one.status == FollowupStatus::Open;
    if open && writable {
        choose = choose.option(
            "it is done",
            "",
            form(end_followup(one, FollowupStatus::Done)),
        );
    }
    if writable {
        choose = choose.option(
            "change it",
            "text, kind, owner, day, how it stands",
            form(change_followup(one)),
        );
    }
    if open && writable {
        let drop = form(end_followup(one, FollowupStatus::Dropped));
        choose = choose.option("it will not be done", "with a reason", drop);
    }
    if let (Some(entry), Some(sentence)) = (one.about, from) {
        choose = choose.option("show the entry it comes from", sentence, Then::Entry(entry));
    }
    choose.option("back", "", Then::Nothing)
}
