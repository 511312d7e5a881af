//! What an incident taught about its runbooks, as a patch against them: what was skipped, took longer than it was given,
//! failed, was done another way, or was missing becomes a comment at the step, and the number that was too small another
//! one. The patch is for people to look at. Reads no file and asks no clock.

mod diff;
mod edit;
mod gather;

use std::fmt::Write as _;

use super::{Timeline, shown};
use crate::engine::details::{FollowupKind, FollowupStatus};
use crate::engine::fact::PinnedRunbook;
use crate::engine::{Event, State};
use std::sync::Arc;

pub use gather::{Lesson, lessons};

/// The longest subject, in characters.
const SUBJECT: usize = 72;

/// A patch against one runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Patch {
    pub runbook: String,
    /// In the library.
    pub path: String,
    /// The commit it is made against.
    pub commit: String,
    pub text: String,
    /// What could not be put where it belongs.
    pub problems: Vec<String>,
}

/// A runbook and what was learnt about it.
struct Taught<'a> {
    pin: &'a PinnedRunbook,
    lessons: Vec<Lesson>,
}

/// The patches this incident makes, in the order its runbooks were begun. `from` is who sends them: `Name <address>`.
#[must_use]
pub fn patches(
    state: &State,
    events: &[Arc<Event>],
    timeline: &Timeline,
    from: &str,
) -> Vec<Patch> {
    let mut all: Vec<Taught<'_>> = Vec::new();
    for run in &state.runs {
        let found = lessons(run, events, timeline);
        let known = all
            .iter_mut()
            .find(|one| one.pin.path == run.pin.path && one.pin.sha256 == run.pin.sha256);
        match known {
            Some(known) => known.lessons.extend(found),
            None => all.push(Taught {
                pin: &run.pin,
                lessons: found,
            }),
        }
    }
    all.iter()
        .filter(|one| !one.lessons.is_empty())
        .filter_map(|one| patch(one, events, timeline, from))
        .collect()
}

/// A runbook's text with these lessons at its steps, each after this mark, and what could not be put where it belongs.
#[must_use]
pub fn annotated(text: &str, lessons: &[Lesson], mark: &str) -> (String, Vec<String>) {
    let (edits, problems) = edit::edits(text, lessons, mark);
    (edits.applied(text), problems)
}

fn patch(
    taught: &Taught<'_>,
    events: &[Arc<Event>],
    timeline: &Timeline,
    from: &str,
) -> Option<Patch> {
    let pin = taught.pin;
    let (edits, problems) = edit::edits(&pin.text, &taught.lessons, &mark(timeline));
    let path = diff::path(&pin.path)?;
    let change = diff::unified(&pin.text, &edits, path)?;
    let last = events.iter().map(|event| event.told_at()).max()?;
    let mut text =
        String::from("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n");
    let _ = write!(
        text,
        "From: {}\nDate: {}\nSubject: [PATCH] {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n",
        shown(from),
        last.to_rfc2822(),
        subject(taught, timeline)
    );
    text.push_str(&body(taught, timeline));
    let _ = write!(text, "---\n{change}-- \nrunsheet\n");
    Some(Patch {
        runbook: shown(pin.id.as_str()),
        path: path.to_owned(),
        commit: shown(&pin.commit),
        text,
        problems,
    })
}

/// `INC-PQRS 2026-11-23`, as every comment says where it comes from.
fn mark(timeline: &Timeline) -> String {
    let head = &timeline.header;
    let id = head
        .incident
        .as_ref()
        .map_or_else(String::new, |id| id.short(4));
    let day = head
        .started
        .map(|at| at.to_utc().format(" %Y-%m-%d").to_string());
    let drill = if timeline.is_exercise() {
        "EXERCISE "
    } else {
        ""
    };
    format!("{drill}{id}{}", day.unwrap_or_default())
}

/// The follow-ups that ask for a change of a runbook.
fn asked(timeline: &Timeline) -> Vec<&super::Followup> {
    let wanted = |one: &&super::Followup| {
        one.kind == FollowupKind::RunbookChange && one.status == FollowupStatus::Open
    };
    timeline.followups.iter().filter(wanted).collect()
}

fn subject(taught: &Taught<'_>, timeline: &Timeline) -> String {
    let asked = asked(timeline);
    let text = match asked.as_slice() {
        [one] => one.text.clone(),
        _ => format!(
            "{}: what {} taught",
            shown(taught.pin.id.as_str()),
            mark(timeline)
        ),
    };
    if text.chars().count() <= SUBJECT {
        return text;
    }
    let clipped: String = text.chars().take(SUBJECT - 1).collect();
    format!("{}…", clipped.trim_end())
}

fn body(taught: &Taught<'_>, timeline: &Timeline) -> String {
    let mut out = String::new();
    for one in asked(timeline) {
        let owner = one.owner.as_deref().unwrap_or("no owner yet");
        let _ = writeln!(
            out,
            "- {} ({owner}; follow-up {})",
            one.text,
            one.event.short()
        );
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let id = timeline
        .header
        .incident
        .as_ref()
        .map_or("INC", |id| id.as_str());
    let _ = writeln!(
        out,
        "What INC-{id} taught about {}, against {}.\nRead it before it is shared: reasons are quoted as people wrote them.\n",
        shown(taught.pin.id.as_str()),
        shown(&taught.pin.commit)
    );
    for lesson in &taught.lessons {
        let _ = writeln!(out, "- {}: {}", lesson.step, lesson.what);
    }
    out
}
