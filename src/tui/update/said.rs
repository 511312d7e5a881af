//! What the forms about entries and follow-ups become: only what was changed in them is told.

use chrono::{Days, NaiveDate, TimeDelta};

use super::super::layer::{Form, FormKind};
use super::super::model::Model;
use super::super::said::Standing;
use super::super::when::{self, Zone};
use super::super::wish::Wish;
use super::super::world::World;
use super::ask::{at_field, tell};
use crate::engine::EventId;
use crate::engine::details::{
    Confidence, Details, Edit, FollowupChange, FollowupKind, FollowupStatus, Tlp,
};
use crate::engine::fact::{EntryDescribed, FollowupChanged, FollowupOpened};
use crate::engine::sentence::Class;
use crate::engine::telling::Telling;
use crate::timeline::{Audiences, Followup};
use crate::tui::events::audiences;

type Wrong = (usize, String);

/// The words of a line, between spaces or commas.
pub(super) fn plain_words(line: &str) -> Vec<String> {
    let parts = line.split(|letter: char| letter.is_whitespace() || letter == ',');
    each_once(parts)
}

/// The parts of a line, between commas.
pub(super) fn commas(line: &str) -> Vec<String> {
    each_once(line.split(','))
}

fn each_once<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        if !all.iter().any(|known| known == part) {
            all.push(part.to_owned());
        }
    }
    all
}

/// Those of a list that can be typed into a line and read back the same.
pub(super) fn shown_in(list: &[String], split: fn(&str) -> Vec<String>) -> Vec<String> {
    let same = |one: &&String| split(one).as_slice() == std::slice::from_ref(*one);
    list.iter().filter(same).cloned().collect()
}

/// What a line makes of a list. What could not be shown in it stays.
fn edit(before: &[String], line: &str, split: fn(&str) -> Vec<String>) -> Edit<String> {
    let wanted = split(line);
    let shown = shown_in(before, split);
    Edit {
        add: without(&wanted, before),
        remove: without(&shown, &wanted),
    }
}

fn without(list: &[String], those: &[String]) -> Vec<String> {
    let other = |one: &&String| !those.contains(*one);
    list.iter().filter(other).cloned().collect()
}

/// The wishes of a form about an entry or a follow-up.
pub(super) fn submit(form: &Form, model: &mut Model, world: &World) -> Result<Vec<Wish>, Wrong> {
    let text = |name: &str| form.value(name).trim().to_owned();
    let telling = |what| Ok(vec![Wish::Act(tell(what))]);
    match form.kind.clone() {
        FormKind::Tag(entry, standing) => {
            let tags = edit(&standing.details.tags.add, form.value("tags"), plain_words);
            let details = Details {
                tags,
                ..Details::default()
            };
            describes(form, entry, details).map(|wish| vec![wish])
        }
        FormKind::Describe(entry, standing) => {
            let known = world.open.as_ref().map(audiences);
            let details = details(form, &standing, known.as_ref())?;
            describes(form, entry, details).map(|wish| vec![wish])
        }
        FormKind::Rest(entry) => Ok(vec![Wish::AttachTo {
            entry,
            path: text("path"),
        }]),
        FormKind::AsOf => {
            let zone = Zone::new(model.local, world.now);
            let (at, ..) = when::typed(&text("at"), world.now, zone)
                .filter(|(.., rest)| rest.is_empty())
                .ok_or((0, "a time like 13:40, -12m, or RFC 3339".to_owned()))?;
            super::timeline::look_back(model, Some(at));
            Ok(Vec::new())
        }
        FormKind::Followup(about) => telling(Telling::Opened(FollowupOpened {
            text: text("text"),
            kind: kind(form),
            owner: Some(text("owner")).filter(|owner| !owner.is_empty()),
            due: due(form, model, world)?,
            about,
        })),
        FormKind::ChangeFollowup(one) => {
            telling(Telling::Changed(changed(form, &one, model, world)?))
        }
        FormKind::EndFollowup(followup, status) => telling(Telling::Changed(FollowupChanged {
            followup,
            change: FollowupChange {
                status: Some(status),
                ..FollowupChange::default()
            },
            note: Some(text("note")).filter(|note| !note.is_empty()),
        })),
        _ => super::exercise::submit(form, model, world),
    }
}

/// What was changed, told; an error where nothing was.
fn describes(form: &Form, entry: EventId, details: Details) -> Result<Wish, Wrong> {
    if details.is_empty() {
        return Err((
            0,
            "nothing is otherwise yet; Esc leaves it as it is".to_owned(),
        ));
    }
    details
        .accept()
        .map_err(|refusal| at_field(form, at_fault(&details), &refusal))?;
    Ok(Wish::Act(tell(Telling::Described(EntryDescribed {
        entry,
        details,
    }))))
}

/// The field whose value is not accepted.
fn at_fault(details: &Details) -> &'static str {
    let one = |part: Details| part.accept().is_err();
    let bad_tactic = one(Details {
        tactic: details.tactic.clone(),
        ..Details::default()
    });
    let bad_technique = one(Details {
        technique: details.technique.clone(),
        ..Details::default()
    });
    let bad = |edit: &Edit<String>| {
        one(Details {
            tags: edit.clone(),
            ..Details::default()
        })
    };
    match () {
        () if bad_tactic => "tactic",
        () if bad_technique => "technique",
        () if bad(&details.tags) => "tags",
        () if bad(&details.assets) => "assets",
        () if bad(&details.indicators) => "indicators",
        () => "audiences",
    }
}

/// What a form says of an entry that was not so before.
fn details(form: &Form, standing: &Standing, known: Option<&Audiences>) -> Result<Details, Wrong> {
    let before = &standing.details;
    let class = Class::ALL
        .into_iter()
        .find(|class| class.word() == form.value("class"));
    let pinned = form.value("pinned") == "yes";
    Ok(Details {
        class: class.filter(|class| *class != standing.class),
        tlp: Tlp::named(form.value("tlp")).filter(|tlp| before.tlp != Some(*tlp)),
        audiences: readers(form, before.audiences.as_deref().unwrap_or_default(), known)?,
        pinned: (pinned != (before.pinned == Some(true))).then_some(pinned),
        confidence: Confidence::named(form.value("confidence"))
            .filter(|known| before.confidence != Some(*known)),
        source: line(form, "source", &before.source)?,
        on_behalf_of: line(form, "for", &before.on_behalf_of)?,
        tactic: line(form, "tactic", &before.tactic)?,
        technique: line(form, "technique", &before.technique)?,
        tags: edit(&before.tags.add, form.value("tags"), plain_words),
        assets: edit(&before.assets.add, form.value("assets"), commas),
        indicators: edit(&before.indicators.add, form.value("indicators"), commas),
        evidence: Edit::default(),
    })
}

/// A line that was changed. What was said once cannot be unsaid, only said anew.
fn line(form: &Form, name: &str, before: &Option<String>) -> Result<Option<String>, Wrong> {
    let now = form.value(name).trim();
    if now.is_empty() && before.is_some() {
        let at = form.fields.iter().position(|field| field.name == name);
        let why = "what was said here can be said anew, not be taken away".to_owned();
        return Err((at.unwrap_or(0), why));
    }
    Ok((!now.is_empty() && before.as_deref() != Some(now)).then(|| now.to_owned()))
}

/// Whom an entry is for, if that was changed. Nobody is a slip.
fn readers(
    form: &Form,
    before: &[String],
    known: Option<&Audiences>,
) -> Result<Option<Vec<String>>, Wrong> {
    let edit = edit(before, form.value("audiences"), commas);
    for name in &edit.add {
        let Some(known) = known.filter(|known| known.named(name).is_none()) else {
            continue;
        };
        let names: Vec<_> = known.names().collect();
        let at = form
            .fields
            .iter()
            .position(|field| field.name == "audiences");
        let why = format!("no audience is called {name}: {}", names.join(", "));
        return Err((at.unwrap_or(0), why));
    }
    let mut now = before.to_vec();
    edit.to(&mut now);
    Ok((now != before).then_some(now))
}

fn kind(form: &Form) -> FollowupKind {
    FollowupKind::named(form.value("kind")).unwrap_or(FollowupKind::Fix)
}

/// `2026-12-24`, or `14d` from today.
fn due(form: &Form, model: &Model, world: &World) -> Result<Option<NaiveDate>, Wrong> {
    let typed = form.value("due").trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let today = world
        .now
        .with_timezone(&Zone::new(model.local, world.now).0)
        .date_naive();
    let ahead = || {
        let length = crate::runbook::words::length(typed)?;
        let days = TimeDelta::from_std(length).ok()?.num_days();
        today.checked_add_days(Days::new(u64::try_from(days).ok()?))
    };
    let at = form.fields.iter().position(|field| field.name == "due");
    NaiveDate::parse_from_str(typed, "%Y-%m-%d")
        .ok()
        .or_else(ahead)
        .map(Some)
        .ok_or((at.unwrap_or(0), "a day like 2026-12-24, or 14d".to_owned()))
}

/// What a form makes otherwise about a follow-up.
fn changed(
    form: &Form,
    before: &Followup,
    model: &Model,
    world: &World,
) -> Result<FollowupChanged, Wrong> {
    let text = |name: &str| Some(form.value(name).trim().to_owned());
    let due = due(form, model, world)?;
    if due.is_none() && before.due.is_some() {
        return Err((
            3,
            "the day can be another one, not be taken away".to_owned(),
        ));
    }
    let change = FollowupChange {
        status: FollowupStatus::named(form.value("status"))
            .filter(|status| *status != before.status),
        text: text("text").filter(|text| *text != before.text),
        kind: Some(kind(form)).filter(|kind| *kind != before.kind),
        owner: text("owner")
            .filter(|owner| !owner.is_empty() && Some(owner) != before.owner.as_ref()),
        due: due.filter(|due| Some(*due) != before.due),
    };
    let note = text("note").filter(|note| !note.is_empty());
    if change == FollowupChange::default() && note.is_none() {
        return Err((
            0,
            "nothing is otherwise yet; Esc leaves it as it is".to_owned(),
        ));
    }
    Ok(FollowupChanged {
        followup: before.event,
        change,
        note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(list: &[&str]) -> Vec<String> {
        list.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn a_line_adds_what_is_new_and_takes_off_what_is_gone() {
        let before = owned(&["phish", "vip", "two words"]);
        assert_eq!(shown_in(&before, plain_words), owned(&["phish", "vip"]));
        let edit = edit(&before, " vip,lateral  vip", plain_words);
        assert_eq!(edit.add, owned(&["lateral"]));
        assert_eq!(edit.remove, owned(&["phish"]));
    }

    #[test]
    fn a_line_as_it_was_changes_nothing() {
        let before = owned(&["db 7", "10.0.0.1", "a,b"]);
        let line = shown_in(&before, commas).join(", ");
        assert_eq!(edit(&before, &line, commas), Edit::default());
    }
}
