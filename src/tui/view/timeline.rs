//! The timeline: a row for each event, gaps as lines of their own, corrections beside what they correct. Only what is in
//! view is put into words.

use chrono::Duration;
use ratatui::layout::Rect;

use super::super::events::Index;
use super::super::extent::{Drawn, Extent};
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::said::Said;
use super::super::text;
use super::super::theme::Tone;
use super::super::when;
use super::super::world::{Open, World};
use super::canvas::Canvas;
use super::header;
use super::walk::without_person;
use crate::engine::event::{Event, Fidelity};
use crate::engine::fact::Fact;
use crate::engine::sentence::{Class, sentence};
use crate::timeline::wording::sentence_among;

/// A silence longer than this is shown.
const GAP_MINUTES: i64 = 10;

/// Columns before the text: time, person, class.
const BEFORE: u16 = 31;

/// Draws it.
pub(super) fn draw(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let Some(open) = &world.open else {
        return;
    };
    let below = header::draw(model, world, canvas, area);
    let below = banners(model, open, canvas, area, below);
    let area = Rect::new(
        area.x,
        below,
        area.width,
        area.bottom().saturating_sub(below),
    );
    let index = &model.timeline.index;
    let edge = if header::is_exercise(open) {
        Tone::Exercise
    } else {
        Tone::BorderFocus
    };
    let inside = canvas.frame(area, &title(index, canvas), &position(model, index), edge);
    header::marked(open, canvas, area.x, area.bottom() - 1, area.width);
    if inside.height == 0 {
        return;
    }
    drawn.list = Extent {
        rows: index.len() + 1,
        page: usize::from(inside.height),
    };
    let page = usize::from(inside.height);
    let top = first(model, open, index, page);
    let mut y = inside.y;
    for row in top..=index.len() {
        if y >= inside.bottom() {
            break;
        }
        if row == index.len() {
            let more = match why_empty(index) {
                Some(why) => format!("⋯ more · {why}"),
                None => "⋯ more".to_owned(),
            };
            canvas.text(inside.x + 1, y, inside.width - 1, &more, Tone::Dim);
        } else {
            if let Some(gap) = gap(open, index, row) {
                if row > top {
                    gap_line(gap, canvas, inside, y);
                    y += 1;
                }
                if y >= inside.bottom() {
                    break;
                }
            }
            draw_event(open, index, row, canvas, inside, y);
        }
        if row == model.timeline.cursor.at {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
        y += 1;
    }
}

/// Why no entry is shown.
fn why_empty(index: &Index) -> Option<&'static str> {
    match (index.is_empty(), index.progress(), index.total()) {
        (true, None, 0) if index.past().is_some() => Some("nothing was recorded by then"),
        (true, None, 1..) if index.left_out().is_some() => Some("nothing of it is for them"),
        (true, None, 1..) => Some("no entry is like that"),
        _ => None,
    }
}

/// What has to be known of what is shown: that it is not now, that it is not all, that the next Enter makes a link.
fn banners(model: &Model, open: &Open, canvas: &mut Canvas<'_>, area: Rect, mut y: u16) -> u16 {
    let view = &model.timeline;
    let mut lines = Vec::new();
    if let Some(past) = view.index.past() {
        let stamp = if canvas.zone.day(past.at)
            == canvas.zone.day(
                open.events
                    .last()
                    .map_or(past.at, |last| last.told_at().fixed_offset()),
            ) {
            canvas.zone.clock(past.at)
        } else {
            canvas.zone.stamp(past.at)
        };
        lines.push(format!(
            "AS OF {stamp} {}: {} of {} entries were recorded by then · Esc: back to now",
            canvas.zone.name(),
            past.known,
            open.events.len()
        ));
    }
    if let Some((reader, left_out)) = view.index.left_out() {
        let count: usize = left_out.values().sum();
        let classes: Vec<_> = left_out
            .iter()
            .map(|(class, count)| format!("{count} {}", class.word()))
            .collect();
        let which = match count {
            0 => "nothing is left out".to_owned(),
            _ => format!("{count} left out: {}", classes.join(", ")),
        };
        lines.push(format!(
            "AS {} SEE IT, TLP:{}. {which}",
            reader.name.to_uppercase(),
            reader.tlp.word().to_uppercase()
        ));
    }
    if let Some(picking) = &view.picking {
        let place = view.index.place(&picking.entry);
        let entry = place.and_then(|place| open.events.get(place));
        let said = entry.map_or(String::new(), |event| {
            format!(
                "{} {}",
                canvas.zone.clock(event.occurred_at),
                sentence(event)
            )
        });
        lines.push(format!("LINK: pick the other entry for: {said}"));
    }
    for line in lines {
        let line = text::pad(
            &format!(" {}", canvas.clean(&line)),
            usize::from(area.width),
        );
        canvas.text(area.x, y, area.width, &line, Tone::Banner);
        y += 1;
    }
    y
}

fn title(index: &Index, canvas: &Canvas<'_>) -> Rich {
    let mut title = Rich::of(Tone::Title, "Timeline");
    if let Some(percent) = index.progress() {
        title = title.and(Tone::Waiting, format!(" · searching {percent}%"));
    }
    title = title.and(Tone::Dim, format!(" · {}", canvas.zone.name()));
    let filter = index.filter();
    if !filter.is_empty() {
        let mut words = Vec::new();
        words.extend(filter.class.map(|class| class.word().to_owned()));
        for (word, part) in [("by", &filter.person), ("with", &filter.text)] {
            if !part.is_empty() {
                words.push(format!("{word} {part}"));
            }
        }
        words.extend(
            filter
                .milestone
                .map(|milestone| format!("from {} to the next milestone", milestone.word())),
        );
        words.extend(
            filter
                .audience
                .as_ref()
                .map(|name| format!("what {name} see")),
        );
        title = title.and(
            Tone::Accent,
            format!(" · only {}", canvas.clean(&words.join(", "))),
        );
        title = title.and(
            Tone::Dim,
            format!(" · {} of {}", index.len(), index.total()),
        );
    }
    title
}

fn position(model: &Model, index: &Index) -> Rich {
    let at = (model.timeline.cursor.at + 1).min(index.len());
    Rich::of(Tone::Dim, format!("{at}/{}", index.len()))
}

/// The topmost row such that the cursor's row is in view, gaps counted.
fn first(model: &Model, open: &Open, index: &Index, page: usize) -> usize {
    let cursor = model.timeline.cursor;
    let mut top = cursor.top.min(cursor.at);
    let mut top_rows = (cursor.at - top).min(page) + 1;
    if cursor.at - top >= page {
        top = cursor.at + 1 - page.min(cursor.at + 1);
        top_rows = cursor.at - top + 1;
    }
    let mut gaps = (top + 1..=cursor.at)
        .filter(|row| gap(open, index, *row).is_some())
        .count();
    while top_rows + gaps > page && top < cursor.at {
        top += 1;
        top_rows -= 1;
        if gap(open, index, top).is_some() {
            gaps -= 1;
        }
    }
    top
}

fn event<'o>(open: &'o Open, index: &Index, row: usize) -> Option<&'o Event> {
    open.events.get(index.at(row)?).map(AsRef::as_ref)
}

/// The silence before a row, if it is long. Where entries are left out, a silence is none of the record.
fn gap(open: &Open, index: &Index, row: usize) -> Option<Duration> {
    if !index.filter().is_empty() {
        return None;
    }
    let before = event(open, index, row.checked_sub(1)?)?;
    let after = event(open, index, row)?;
    let busy = before.occurred_until.unwrap_or(before.occurred_at);
    let span = after.occurred_at - busy.max(before.occurred_at);
    (span > Duration::minutes(GAP_MINUTES)).then_some(span)
}

fn gap_line(gap: Duration, canvas: &mut Canvas<'_>, inside: Rect, y: u16) {
    let words = format!("┄┄ {} without an entry ┄┄", when::rough(gap));
    let words = if canvas.ascii {
        words.replace('┄', "-")
    } else {
        words
    };
    canvas.text(
        inside.x + 10,
        y,
        inside.width.saturating_sub(11),
        &words,
        Tone::Dim,
    );
}

fn draw_event(
    open: &Open,
    index: &Index,
    row: usize,
    canvas: &mut Canvas<'_>,
    inside: Rect,
    y: u16,
) {
    let Some(event) = event(open, index, row) else {
        return;
    };
    let said = index.said();
    let class = said.class(event);
    let who = header::person(open, &event.person);
    let words = without_person(
        &sentence_among(event, &open.events),
        event.person.as_str(),
        &who,
    );
    let words = with_clocks(words, event, open, index, canvas.zone);
    let name = if inside.width > 100 { 14 } else { 8 };
    let mut line = Rich::of(Tone::Text, canvas.zone.clock(event.occurred_at))
        .and(Tone::Dim, fidelity(event.fidelity))
        .and(Tone::Accent, text::pad(&canvas.clean(&who), name))
        .and(Tone::Dim, format!(" {} ", text::pad(class.word(), 10)));
    let corrected = said
        .corrections(&event.id)
        .last()
        .and_then(|at| open.events.get(*at));
    match corrected.map(|event| &event.fact) {
        Some(Fact::EntryCorrected(correction)) => {
            line = line
                .and(Tone::Override, canvas.clean(&correction.text))
                .and(Tone::Dim, " (corrected; was: ")
                .and(Tone::Dim, canvas.clean(&words))
                .and(Tone::Dim, ")");
        }
        _ => line = line.and(tone(class), canvas.clean(&words)),
    }
    let room = inside.width.saturating_sub(2);
    let marks = marks(
        event,
        said,
        canvas,
        usize::from(room.saturating_sub(BEFORE)) / 3,
    );
    let wide = if marks.is_empty() {
        0
    } else {
        canvas.rich_right(inside.x, inside.right() - 1, y, &marks) + 1
    };
    canvas.rich(inside.x + 1, y, room.saturating_sub(wide), &line);
}

/// What is to be seen of an entry beside its text: recorded late, in the summary, marked, tagged, linked. As many words as
/// there is room for.
fn marks(event: &Event, said: &Said, canvas: &Canvas<'_>, room: usize) -> Rich {
    let mut marks: Vec<(Tone, String)> = Vec::new();
    let lag = event.told_at().signed_duration_since(event.occurred_at);
    if lag >= Duration::minutes(1) {
        marks.push((Tone::Warning, format!("{} late", when::rough(lag))));
    }
    let standing = said.standing(event);
    if standing.details.pinned == Some(true) {
        marks.push((Tone::Now, "pinned".to_owned()));
    }
    if let Some(tlp) = standing.details.tlp {
        marks.push((Tone::Accent, tlp.word().to_uppercase()));
    }
    for tag in &standing.details.tags.add {
        marks.push((Tone::Accent, format!("#{}", canvas.clean(tag))));
    }
    if !said.links(&event.id).is_empty() {
        marks.push((Tone::Dim, "linked".to_owned()));
    }
    let mut line = Rich::default();
    for (tone, word) in marks {
        if line.width() + 1 + text::width(&word) > room {
            return line.and(Tone::Dim, " …");
        }
        let between = if line.is_empty() { "" } else { " " };
        line = line.and(tone, format!("{between}{word}"));
    }
    line
}

/// An entry that is spoken of by when it occurred, in place of its digest.
fn with_clocks(
    mut words: String,
    event: &Event,
    open: &Open,
    index: &Index,
    zone: when::Zone,
) -> String {
    let spoken_of = match &event.fact {
        Fact::EntryCorrected(fact) => [Some(fact.corrects), None],
        Fact::EntryDescribed(fact) => [Some(fact.entry), None],
        Fact::EntryLinked(fact) => [Some(fact.entry), Some(fact.other)],
        Fact::FollowupChanged(fact) => [Some(fact.followup), None],
        Fact::UpdateDelivered(fact) => [Some(fact.update), None],
        Fact::UpdateUndelivered(fact) => [Some(fact.update), None],
        _ => return words,
    };
    for id in spoken_of.into_iter().flatten() {
        let of = index.place(&id).and_then(|place| open.events.get(place));
        if let Some(of) = of {
            words = words.replacen(&id.short(), &zone.clock(of.occurred_at), 1);
        }
    }
    match event.fact.kind().split_once('.') {
        Some(("entry", _)) => words.replacen("entry ", "", 1),
        _ => words,
    }
}

fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Exact => "  ",
        Fidelity::Minute => "~ ",
        Fidelity::Estimated => "? ",
    }
}

fn tone(class: Class) -> Tone {
    match class {
        Class::Milestone => Tone::Now,
        Class::Checkpoint => Tone::Waiting,
        Class::Note => Tone::Title,
        Class::System => Tone::Dim,
        _ => Tone::Text,
    }
}
