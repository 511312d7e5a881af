//! The lines at the top of an incident's screens, and the banners that have to be read.

use chrono::{DateTime, FixedOffset};

use super::super::act::{Act, Place};
use super::super::applies::unheard;
use super::super::exercise::{self as played, Tab, pace};
use super::super::glyph::Shape;
use super::super::model::{Model, Screen};
use super::super::rich::Rich;
use super::super::step;
use super::super::theme::Tone;
use super::super::update::next_milestone;
use super::super::when;
use super::super::world::{Gate, Open, World};
use super::canvas::Canvas;
use crate::engine::State;
use crate::engine::exercise::is_controller;
use crate::runbook::model::{Role, Severity};
use crate::timeline::clocks::{self, NOT_LEGAL_ADVICE};
use crate::trust::{Mode, Principal};
use ratatui::layout::Rect;

/// `SEV1`
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Sev1 => "SEV1",
        Severity::Sev2 => "SEV2",
        Severity::Sev3 => "SEV3",
        Severity::Sev4 => "SEV4",
        Severity::Sev5 => "SEV5",
    }
}

/// How urgent it looks.
pub(super) fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Sev1 => Tone::Error,
        Severity::Sev2 => Tone::Warning,
        _ => Tone::Text,
    }
}

/// What people call a person: the name policy has, else the principal.
pub(super) fn person(open: &Open, principal: &Principal) -> String {
    let people = open
        .state
        .incident
        .as_ref()
        .map(|incident| &incident.policy.people);
    people
        .and_then(|people| {
            people.iter().find(|(_, person)| {
                person
                    .principals
                    .iter()
                    .any(|known| known == principal.as_str())
            })
        })
        .map_or_else(|| principal.to_string(), |(name, _)| name.clone())
}

/// Whether it is an exercise.
pub(super) fn is_exercise(open: &Open) -> bool {
    open.state
        .incident
        .as_ref()
        .is_some_and(|incident| incident.mode == Mode::Exercise)
}

/// `⏳ 2 for you`; `None` when nothing waits.
pub(super) fn for_you(world: &World, canvas: &Canvas<'_>) -> Option<Rich> {
    let count: usize = world.incidents.iter().map(|row| row.waits.len()).sum();
    let mark = Shape::Waiting.mark(canvas.ascii);
    (count > 0).then(|| Rich::of(Shape::Waiting.tone(), format!("{mark} {count} for you")))
}

/// The same with the key that goes there.
pub(super) fn for_you_by_key(model: &Model, world: &World, canvas: &Canvas<'_>) -> Option<Rich> {
    let count = for_you(world, canvas)?;
    let key = model.keymap.key_of(Place::Any, Act::Inbox);
    let key = key.map_or(String::new(), |key| format!(": {key}"));
    Some(count.and(Tone::Dim, key))
}

/// Two lines and the banners. Returns the first row below them.
pub(super) fn draw(model: &Model, world: &World, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let Some(open) = &world.open else {
        return area.y;
    };
    let right = area.right() - 1;
    let clock = Rich::of(
        Tone::Title,
        format!("{} {}", canvas.zone.clock(world.now), canvas.zone.name()),
    )
    .and(Tone::Exercise, simulated(world, open, canvas));
    let mut used = canvas.rich_right(area.x, right, area.y, &clock);
    let (state, moment) = moment(model, world, open);
    // Two clocks leave no room for everything on a narrow screen.
    let has_room = !is_exercise(open) || area.width >= 100;
    let mut facts = Rich::default();
    if let Some(now) = state.severity {
        facts = facts.and(severity_tone(now), severity(now));
    }
    if state.closed.is_some() {
        facts = facts.and(Tone::Dim, " closed");
    } else if let Some(milestone) = next_milestone(state).filter(|_| has_room) {
        facts = facts.and(Tone::Text, format!(" {}?", milestone.word()));
    }
    facts = facts.and(Tone::Text, "  ");
    if let Some(incident) = &open.state.incident {
        facts = facts.and(
            Tone::Text,
            format!("{}  ", when::since(incident.started, moment)),
        );
    }
    used += canvas.rich_right(area.x, right.saturating_sub(used), area.y, &facts);
    let mut title = Rich::default();
    if is_exercise(open) {
        title = title.and(Tone::Exercise, "EXERCISE ");
    }
    title = title.and(Tone::Accent, format!("{} ", open.short));
    if let Some(incident) = &open.state.incident {
        title = title.and(Tone::Title, canvas.clean(&incident.title));
    }
    let room = area.width.saturating_sub(used + 3);
    canvas.rich(area.x + 1, area.y, room, &title);
    let used = for_you_by_key(model, world, canvas).map_or(0, |count| {
        canvas.rich_right(area.x, right, area.y + 1, &count) + 2
    });
    let people = people(model, world, open, canvas);
    let room = (area.width - 1).saturating_sub(used);
    canvas.rich(area.x + 1, area.y + 1, room, &people);
    banners(model, world, canvas, area, area.y + 2)
}

/// ` sim x6 · 09:31 real`: how the clock of an exercise runs, and what real ones show.
fn simulated(world: &World, open: &Open, canvas: &Canvas<'_>) -> String {
    let Some(exercise) = &open.state.exercise else {
        return String::new();
    };
    let pace = if exercise.ended.is_some() {
        "over".to_owned()
    } else if exercise.clock.paused {
        "STOPPED".to_owned()
    } else {
        pace(exercise.clock.scale)
    };
    let real = world.real.with_timezone(world.now.offset());
    format!(" sim {pace} · {} real", canvas.zone.minute(real))
}

/// What the facts of the header are of: now, or when what is shown was known.
fn moment<'a>(
    model: &'a Model,
    world: &World,
    open: &'a Open,
) -> (&'a State, DateTime<FixedOffset>) {
    let past = (model.screen() == Screen::Timeline)
        .then(|| model.timeline.index.past())
        .flatten();
    match past {
        Some(past) => (&past.state, past.at),
        None => (&open.state, world.now),
    }
}

/// `leaked-cloud-key@3f9c2e1 · you: bob (operator) · IC alice · approvers carol, dan`
fn people(model: &Model, world: &World, open: &Open, canvas: &Canvas<'_>) -> Rich {
    let mut line = Rich::default();
    let run = step::run(model, open);
    if let Some(run) = run {
        let commit: String = run.pin.commit.chars().take(7).collect();
        line = line
            .and(Tone::Text, canvas.clean(run.book.id.as_str()))
            .and(Tone::Dim, format!("@{commit} · "));
    }
    let here = open.state.roles.get(&world.me.principal);
    let role = here
        .and_then(|roles| roles.iter().find(|role| is_controller(role)))
        .or(world.me.roles.first())
        .map_or(String::new(), |role| format!(" ({role})"));
    let unsigned = if world.me.signed { "" } else { " unsigned" };
    line = line
        .and(Tone::Dim, "you ")
        .and(Tone::Text, canvas.clean(&world.me.name))
        .and(Tone::Dim, canvas.clean(&role))
        .and(Tone::Warning, unsigned);
    let commander = open
        .state
        .roles
        .iter()
        .find(|(_, roles)| roles.contains(&Role::from("commander")))
        .map(|(who, _)| person(open, who));
    line = line.and(Tone::Dim, " · IC ");
    line = match commander {
        Some(who) => line.and(Tone::Text, canvas.clean(&who)),
        None => line.and(Tone::Dim, "nobody"),
    };
    let gate = step::shown(model, world).map(|target| target.gate().clone());
    if let Some(Gate::Closed { who, .. }) = &gate
        && !who.is_empty()
    {
        line = line
            .and(Tone::Dim, " · approvers ")
            .and(Tone::Text, canvas.clean(&who.join(", ")));
    }
    if let Some(Gate::Pending(pending)) = &gate
        && !pending.who.is_empty()
    {
        line = line
            .and(Tone::Dim, " · approvers ")
            .and(Tone::Text, canvas.clean(&pending.who.join(", ")));
    }
    line
}

/// `! override of drop by alice 14:02: review owed by somebody else`, a line each, or one for many.
fn owed(model: &Model, world: &World, open: &Open, canvas: &Canvas<'_>) -> Vec<String> {
    let owed: Vec<_> = open.state.owed_reviews().collect();
    if owed.len() > 2 {
        let steps: Vec<&str> = owed.iter().map(|over| over.step.step.as_str()).collect();
        return vec![format!(
            "! {} overrides owe a review: {}",
            owed.len(),
            steps.join(", ")
        )];
    }
    let key = model.keymap.key_of(Place::Walk, Act::Review);
    owed.into_iter()
        .map(|over| {
            let review = match &key {
                _ if over.by == world.me.principal => "review owed by somebody else".to_owned(),
                Some(key) if model.screen() == Screen::Walk => format!("review owed ({key})"),
                _ => "review owed".to_owned(),
            };
            let review = if over.is_late(world.now.to_utc()) {
                format!("{review}, LATE")
            } else {
                review
            };
            format!(
                "! override of {} by {} {}: {review}",
                over.step.step,
                over.person,
                canvas.zone.minute(over.at)
            )
        })
        .collect()
}

/// What stakeholders wait for: an update that is due, and those on their way.
fn outbox(world: &World, open: &Open, canvas: &Canvas<'_>) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    let now = world.now.to_utc();
    if let Some(due) = open.promised.iter().find(|promise| promise.next <= now) {
        let minute = canvas.zone.minute(due.next.fixed_offset());
        let line = format!("{} wait for an update since {minute}", due.audience);
        lines.push((Tone::Warning, line));
    }
    if open.undelivered > 0 {
        let plural = if open.undelivered == 1 { "" } else { "s" };
        let line = format!(
            "{} update{plural} not delivered yet: runsheet outbox {}",
            open.undelivered, open.short
        );
        lines.push((Tone::Warning, line));
    }
    lines
}

/// That it is one, whether its clock stands still, and what came that nobody has read here.
fn of_exercise(model: &Model, open: &Open) -> Vec<(Tone, String)> {
    let key = |act| model.keymap.key_of(Place::Any, act).unwrap_or_default();
    let exercise = open.state.exercise.as_deref();
    let more = match exercise {
        Some(exercise) if exercise.ended.is_some() => {
            format!(" · OVER: {} tells how it went", key(Act::Script))
        }
        Some(exercise) if exercise.clock.paused => " · the clock STANDS STILL".to_owned(),
        _ => String::new(),
    };
    let line = format!("EXERCISE EXERCISE: nothing here runs for real{more}");
    let mut lines = vec![(Tone::Exercise, line)];
    if !exercise.is_some_and(|exercise| exercise.is_on()) {
        return lines;
    }
    if let Some(script) = &open.script {
        let waits = played::unscripted(script);
        if let Some(step) = waits.first().filter(|_| script.conducts) {
            let line = format!(
                "! {} waits for a result that the script does not have: {}, then Now",
                step.step,
                key(Act::Script)
            );
            lines.push((Tone::Banner, line));
        }
        return lines;
    }
    let reads = model.screen() == Screen::Exercise && model.exercise.tab == Tab::Messages;
    let unread = unheard(model, open);
    if let Some(last) = unread.last().filter(|_| !reads) {
        let to = match last.to.as_slice() {
            [] => String::new(),
            to => format!(" to {}", to.join(", ")),
        };
        let count = match unread.len() {
            1 => String::new(),
            count => format!(" ({count} unread)"),
        };
        let line = format!(
            "! {} from {}{to}: {} · {} reads it{count}",
            last.means.words(),
            last.from,
            last.title,
            key(Act::Messages)
        );
        lines.push((Tone::Banner, line));
    }
    lines
}

/// In an exercise: its name on an edge of the screen, for those who see no colours.
pub(super) fn marked(open: &Open, canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16) {
    if is_exercise(open) {
        let name = Rich::of(Tone::Exercise, "EXERCISE");
        canvas.titles(x, y, width, &name, &Rich::default());
    }
}

/// What has to be read on every screen of an incident, from this row on. Returns the first row below.
pub(super) fn banners(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    mut y: u16,
) -> u16 {
    let Some(open) = &world.open else {
        return y;
    };
    let mut lines: Vec<(Tone, String)> = Vec::new();
    if is_exercise(open) {
        lines.extend(of_exercise(model, open));
    }
    if let Some(why) = &open.read_only {
        lines.push((Tone::Banner, format!("READ-ONLY: {why}")));
    }
    let owed = owed(model, world, open, canvas);
    lines.extend(owed.into_iter().map(|line| (Tone::Banner, line)));
    if let Some(incident) = &open.state.incident
        && let Some(why) = &incident.broken
    {
        lines.push((Tone::Banner, format!("Nothing can be approved: {why}")));
    }
    if let super::super::world::Sync::Failing { since, why } = &world.sync {
        let stamp = canvas.zone.clock(*since);
        lines.push((Tone::Warning, format!("not synced since {stamp}: {why}")));
    }
    lines.extend(outbox(world, open, canvas));
    let violation = open.state.flags.iter().rev().find(|flag| flag.violation);
    if let Some(flag) = violation {
        lines.push((
            Tone::Error,
            format!("The record does not hold: {}", flag.what),
        ));
    }
    if let Some(clock) = clocks::headline(&open.countdowns(world.now)) {
        lines.push((Tone::Warning, format!("{clock} · {NOT_LEGAL_ADVICE}")));
    }
    let most = usize::from(area.height / 5).max(1);
    for (tone, line) in lines.into_iter().take(most) {
        let line = if canvas.ascii {
            line.replace(" · ", " - ")
        } else {
            line
        };
        let line = canvas.clean(&line);
        let line = super::text::pad(&format!(" {line}"), usize::from(area.width));
        canvas.text(area.x, y, area.width, &line, tone);
        y += 1;
    }
    y
}
