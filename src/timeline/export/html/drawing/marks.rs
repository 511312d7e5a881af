//! What stands on the drawing, as SVG. Nothing is told by colour alone: severities differ in height and have their word,
//! marks have a letter for their class and a shape for how well their time is known.

use super::bands::{self, Clock, Flag, Grade, LETTER};
use super::lanes::{BAR, Bar, Lane, MARK, Pile, STACK, is_alarming};
use super::{IMPACT, PHASE, n};
use crate::engine::event::Fidelity;
use crate::engine::sentence::Class;
use crate::timeline::export::html::clocks::standing;
use crate::timeline::export::html::markup::{Markup, put};
use crate::timeline::export::html::words::{Show, clock as moment, counted, cut};
use crate::timeline::{Row, Timeline};

/// Longer texts are cut where they are only pointed at.
const LONGEST: usize = 160;

pub(super) fn impact(page: &mut Markup, grades: &[Grade], top: f64) {
    let floor = top + IMPACT - 6.0;
    for grade in grades {
        let (high, wide) = (bands::rise(grade.severity), grade.right - grade.left);
        let word = bands::word(grade.severity);
        put!(page, "<g><title>" {word} "</title><rect class=\"" {word} "\" x=\"" {n(grade.left)} "\" y=\"" {n(floor - high)} "\" width=\"" {n(wide)} "\" height=\"" {n(high)} "\"/>");
        if wide > LETTER * 4.0 + 8.0 {
            let inside = high >= 14.0;
            let y = if inside {
                floor - high / 2.0 + 4.0
            } else {
                floor - high - 3.0
            };
            put!(page, "<text class=\"" {if inside { "on" } else { "label" }} "\" x=\"" {n(grade.left + 5.0)} "\" y=\"" {n(y)} "\">" {word} "</text>");
        }
        put!(page, "</g>");
    }
}

pub(super) fn flags(page: &mut Markup, flags: &[Flag<'_>], top: f64, height: f64) {
    for flag in flags {
        let word = flag.head.milestone.word();
        put!(page, "<rect class=\"" {bands::phase(flag.head.milestone)} "\" x=\"" {n(flag.left)} "\" y=\"" {n(top)} "\" width=\"" {n(flag.right - flag.left)} "\" height=\"" {n(PHASE)} "\"><title>from " {word} "</title></rect>");
    }
    for flag in flags {
        let word = flag.head.milestone.word();
        let y = top - 5.0 - super::LINE * f64::from(u32::try_from(flag.level).unwrap_or(0));
        let x = flag.left;
        put!(page, "<line class=\"flag\" x1=\"" {n(x)} "\" x2=\"" {n(x)} "\" y1=\"" {n(y - 6.0)} "\" y2=\"" {n(height - 6.0)} "\"/>");
        let at = moment(flag.head.at.to_utc(), flag.head.fidelity, Show::Whole);
        let leads = page.has(flag.head.event);
        if leads {
            put!(page, "<a href=\"#e" {flag.head.event.short()} "\">");
        } else {
            put!(page, "<g>");
        }
        put!(page, "<title>" {word} ", " {at} "</title>");
        let (text, anchor) = if flag.turned {
            (x - 9.0, "end")
        } else {
            (x + 9.0, "start")
        };
        shape(page, "c-milestone", flag.head.fidelity, x, y - 4.0, 5.0);
        put!(page, "<text class=\"label\" x=\"" {n(text)} "\" y=\"" {n(y)} "\" text-anchor=\"" {anchor} "\">" {word} "</text>");
        page.raw(if leads { "</a>" } else { "</g>" });
    }
}

pub(super) fn lane(page: &mut Markup, lane: &Lane<'_>, top: f64) {
    for one in &lane.bars {
        let y = top + 5.0 + BAR * f64::from(u32::try_from(one.level).unwrap_or(0));
        bar(page, one, y);
    }
    let floor = top + lane.height() - 6.0;
    for pile in &lane.piles {
        if pile.count > STACK {
            crowd(page, pile, floor - MARK / 2.0);
            continue;
        }
        for (index, row) in pile.rows.iter().enumerate() {
            let up = f64::from(u32::try_from(index).unwrap_or(0)) * MARK;
            mark(page, row, pile.left, floor - MARK / 2.0 - up);
        }
    }
}

fn bar(page: &mut Markup, bar: &Bar<'_>, y: f64) {
    let wide = bar.right - bar.left;
    let name = bar.row.step.as_deref().unwrap_or(&bar.row.text);
    let name = name.rsplit('/').next().unwrap_or(name);
    let open = if bar.open { "bar open" } else { "bar" };
    put!(page, "<a href=\"#e" {bar.row.event.short()} "\"><title>" {said(bar.row)});
    if bar.open {
        put!(page, ", its end is not recorded");
    }
    put!(page, "</title><rect class=\"" {open} "\" rx=\"2\" x=\"" {n(bar.left)} "\" y=\"" {n(y)} "\" width=\"" {n(wide)} "\" height=\"" {n(BAR - 3.0)} "\"/>");
    let letters = (wide - 8.0) / LETTER;
    if letters >= name.chars().count() as f64 {
        put!(page, "<text class=\"label\" x=\"" {n(bar.left + 4.0)} "\" y=\"" {n(y + 10.5)} "\">" {name} "</text>");
    }
    put!(page, "</a>");
}

/// An entry: its letter in the shape of how well its time is known.
fn mark(page: &mut Markup, row: &Row, x: f64, y: f64) {
    put!(page, "<a href=\"#e" {row.event.short()} "\"><title>" {said(row)} "</title>");
    shape(page, colour(row), row.fidelity, x, y, 6.5);
    let hollow = row.fidelity == Fidelity::Estimated;
    put!(page, "<text class=\"" {if hollow { "in" } else { "on" }} "\" x=\"" {n(x)} "\" y=\"" {n(y + 3.2)} "\">" {letter(row)} "</text></a>");
}

/// More entries than can be told apart: how many, in the colour of the one that says most.
fn crowd(page: &mut Markup, pile: &Pile<'_>, y: f64) {
    let count = pile.count.to_string();
    let half = (count.len() as f64 * 3.2 + 4.0).clamp(7.0, 13.5);
    let first = pile.rows.first().copied().unwrap_or(pile.foremost);
    put!(page, "<a href=\"#e" {first.event.short()} "\"><title>" {counted(pile.count, "entry", "entries")} ", among them " {said(pile.foremost)} "</title>");
    put!(page, "<rect class=\"" {colour(pile.foremost)} "\" rx=\"4\" x=\"" {n(pile.left - half)} "\" y=\"" {n(y - 6.5)} "\" width=\"" {n(half * 2.0)} "\" height=\"13\"/>");
    put!(page, "<text class=\"on\" x=\"" {n(pile.left)} "\" y=\"" {n(y + 3.2)} "\">" {count} "</text></a>");
}

/// Exact: a full disc. To the minute: a full diamond. Estimated: an empty, dashed ring.
fn shape(page: &mut Markup, class: &'static str, fidelity: Fidelity, x: f64, y: f64, r: f64) {
    match fidelity {
        Fidelity::Exact => {
            put!(page, "<circle class=\"" {class} "\" cx=\"" {n(x)} "\" cy=\"" {n(y)} "\" r=\"" {n(r)} "\"/>");
        }
        Fidelity::Minute => {
            let d = r * 1.25;
            put!(page, "<path class=\"" {class} "\" d=\"M" {n(x)} " " {n(y - d)} "L" {n(x + d)} " " {n(y)} "L" {n(x)} " " {n(y + d)} "L" {n(x - d)} " " {n(y)} "Z\"/>");
        }
        Fidelity::Estimated => {
            put!(page, "<circle class=\"ring " {class} "\" cx=\"" {n(x)} "\" cy=\"" {n(y)} "\" r=\"" {n(r - 0.5)} "\"/>");
        }
    }
}

pub(super) fn clock(page: &mut Markup, clock: &Clock<'_>, top: f64, width: f64) {
    let y = top + 17.0;
    put!(page, "<g><title>" {cut(&clock.label, LONGEST)} ": " {standing(clock.countdown)} "</title>");
    put!(page, "<line class=\"clock\" x1=\"" {n(clock.left)} "\" x2=\"" {n(clock.due)} "\" y1=\"" {n(y)} "\" y2=\"" {n(y)} "\"/>");
    put!(page, "<circle class=\"clock\" cx=\"" {n(clock.left)} "\" cy=\"" {n(y)} "\" r=\"2.5\"/>");
    let due = clock.due;
    put!(page, "<path class=\"due\" d=\"M" {n(due - 6.0)} " " {n(y - 6.0)} "h12l-6 11z\"/>");
    if let Some(at) = clock.submitted {
        put!(page, "<path class=\"sent\" d=\"M" {n(at - 5.0)} " " {n(y)} "l4 4l7 -9\"/>");
    }
    let label = cut(&clock.label, 60);
    let wide = label.chars().count() as f64 * LETTER;
    let (x, anchor) = if clock.left + wide > width {
        (due - 10.0, "end")
    } else {
        (clock.left, "start")
    };
    put!(page, "<text class=\"label\" x=\"" {n(x)} "\" y=\"" {n(y - 7.0)} "\" text-anchor=\"" {anchor} "\">" {label} "</text></g>");
}

/// An entry in one line, for pointing at.
fn said(row: &Row) -> String {
    let at = moment(row.occurred_at.to_utc(), row.fidelity, Show::Whole);
    format!("{at} {} {}", row.who, cut(&row.text, LONGEST))
}

fn letter(row: &Row) -> &'static str {
    if is_alarming(row) {
        "!"
    } else {
        initial(row.class)
    }
}

/// The letter of a class.
fn initial(class: Class) -> &'static str {
    match class {
        Class::Response => "R",
        Class::Decision => "D",
        Class::Checkpoint => "C",
        Class::Evidence => "E",
        Class::Comms => "T",
        Class::Impact => "I",
        Class::Milestone => "M",
        Class::Adversary => "A",
        Class::System => "S",
        Class::Note => "N",
        Class::Correction => "K",
        Class::Exercise => "X",
    }
}

fn colour(row: &Row) -> &'static str {
    if is_alarming(row) {
        "c-alarm"
    } else {
        tint(row.class)
    }
}

fn tint(class: Class) -> &'static str {
    match class {
        Class::Response => "c-response",
        Class::Decision => "c-decision",
        Class::Checkpoint => "c-checkpoint",
        Class::Evidence => "c-evidence",
        Class::Comms => "c-comms",
        Class::Impact => "c-impact",
        Class::Milestone => "c-milestone",
        Class::Adversary => "c-adversary",
        Class::System => "c-system",
        Class::Note => "c-note",
        Class::Correction => "c-correction",
        Class::Exercise => "c-exercise",
    }
}

/// What the shapes and letters mean, as far as they are there.
pub(super) fn legend(page: &mut Markup, timeline: &Timeline, flags: &[Flag<'_>]) {
    put!(page, "<ul class=\"legend\">");
    for (fidelity, word) in [
        (Fidelity::Exact, "time exact"),
        (Fidelity::Minute, "to the minute"),
        (Fidelity::Estimated, "estimated"),
    ] {
        let there = timeline.rows.iter().any(|row| row.fidelity == fidelity)
            || flags.iter().any(|flag| flag.head.fidelity == fidelity);
        if there {
            put!(
                page,
                "<li><svg class=\"key\" width=\"18\" height=\"18\" aria-hidden=\"true\">"
            );
            shape(page, "c-note", fidelity, 9.0, 9.0, 6.5);
            put!(page, "</svg>" {word} "</li>");
        }
    }
    for class in Class::ALL {
        if timeline.rows.iter().any(|row| row.class == class) {
            put!(
                page,
                "<li><svg class=\"key\" width=\"18\" height=\"18\" aria-hidden=\"true\">"
            );
            shape(page, tint(class), Fidelity::Exact, 9.0, 9.0, 6.5);
            put!(page, "<text class=\"on\" x=\"9\" y=\"12.2\">" {initial(class)} "</text></svg>" {class.word()} "</li>");
        }
    }
    if timeline.rows.iter().any(is_alarming) {
        put!(
            page,
            "<li><svg class=\"key\" width=\"18\" height=\"18\" aria-hidden=\"true\"><circle class=\"c-alarm\" cx=\"9\" cy=\"9\" r=\"6.5\"/><text class=\"on\" x=\"9\" y=\"12.2\">!</text></svg>override, or does not fit</li>"
        );
    }
    put!(page, "</ul>");
}
