//! How moments, lengths, people and digests stand on the page. All times are UTC; where something was told in another
//! zone, pointing at it shows that.

use chrono::{DateTime, FixedOffset, Offset, TimeDelta, Utc};

use super::markup::{Markup, Piece, put};
use crate::engine::EventId;
use crate::engine::event::Fidelity;
use crate::engine::sentence::span;
use crate::runbook::model::Severity;
use crate::timeline::promises::Standing;
use crate::trust::Principal;

/// How much of a moment is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// `2026-11-23 13:20:05`
    Whole,
    /// `13:20:05`, under a heading that has the day.
    Clock,
}

/// A moment, no more exact than it is known.
pub(crate) struct Time(pub DateTime<FixedOffset>, pub Fidelity, pub Show);

/// A moment that was read off a clock, in full.
pub(crate) fn moment(at: DateTime<FixedOffset>) -> Time {
    Time(at, Fidelity::Exact, Show::Whole)
}

/// A moment in words.
pub(super) fn clock(at: DateTime<Utc>, fidelity: Fidelity, show: Show) -> String {
    let format = match (show, fidelity) {
        (Show::Whole, Fidelity::Exact) => "%Y-%m-%d %H:%M:%S",
        (Show::Whole, Fidelity::Minute) => "%Y-%m-%d %H:%M",
        (Show::Whole, Fidelity::Estimated) => "about %Y-%m-%d %H:%M",
        (Show::Clock, Fidelity::Exact) => "%H:%M:%S",
        (Show::Clock, Fidelity::Minute) => "%H:%M",
        (Show::Clock, Fidelity::Estimated) => "about %H:%M",
    };
    at.format(format).to_string()
}

impl Piece for Time {
    fn put(&self, page: &mut Markup) {
        let Self(at, fidelity, show) = *self;
        let utc = at.to_utc();
        put!(page, "<time datetime=\"" {utc.format("%Y-%m-%dT%H:%M:%SZ")});
        if at.offset().fix().local_minus_utc() != 0 {
            put!(page, "\" title=\"told as " {at.format("%Y-%m-%d %H:%M:%S %:z")});
        }
        put!(page, "\">");
        let words = clock(utc, fidelity, show);
        match words.rsplit_once(' ').filter(|_| show == Show::Whole) {
            // Where it is narrow a moment is broken between day and time, and nowhere else.
            Some((day, time)) => {
                put!(page, "<span>" {day} "</span> <span>" {time} "</span></time>");
            }
            None => put!(page, {words} "</time>"),
        }
    }
}

/// Somebody: what stands before the `@`, and the whole on pointing at it.
pub(super) struct Who<'a>(pub &'a Principal);

impl Piece for Who<'_> {
    fn put(&self, page: &mut Markup) {
        let whole = self.0.as_str();
        let local = whole.split('@').next().unwrap_or(whole);
        put!(page, "<span class=\"who\" title=\"" {whole} "\">" {local} "</span>");
    }
}

/// An entry, leading to where it stands in the table.
pub(crate) struct Entry(pub EventId);

impl Piece for Entry {
    fn put(&self, page: &mut Markup) {
        let id = self.0.short();
        if page.has(self.0) {
            put!(page, "<a class=\"id\" href=\"#e" {&id} "\">" {&id} "</a>");
        } else {
            put!(page, "<span class=\"id\">" {&id} "</span>");
        }
    }
}

/// A severity as a chip.
pub(super) struct Grade(pub Severity);

impl Piece for Grade {
    fn put(&self, page: &mut Markup) {
        let word = crate::engine::sentence::severity(self.0);
        put!(page, "<span class=\"chip " {word} "\">" {word} "</span>");
    }
}

/// What became of a promised update, as a chip.
pub(super) struct Promised(pub Standing);

impl Piece for Promised {
    fn put(&self, page: &mut Markup) {
        let class = match self.0 {
            standing if standing.is_broken() => "bad",
            Standing::Kept => "good",
            Standing::Due(_) => "due",
            _ => "",
        };
        put!(page, "<span class=\"chip " {class} "\">" {self.0} "</span>");
    }
}

/// Milliseconds in words.
pub(crate) fn length(millis: i64) -> String {
    let words = span(TimeDelta::milliseconds(millis.saturating_abs()));
    if millis < 0 {
        format!("−{words}")
    } else {
        words
    }
}

/// `1 entry`, `2 entries`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// At most so many characters of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
