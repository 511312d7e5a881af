//! What reached the responders from outside: the alert, what was said in a chat, what was seen of the other side and of
//! the damage, and the lines of the logs they pulled.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Ground;
use super::page::{Inject, Line, Log, length};
use crate::engine::fact::{Evidence, NoteAdded};
use crate::engine::sentence::{self, Class};
use crate::engine::{Event, EventId, Fact};
use crate::runbook::model::{self, LineClass};
use crate::runbook::scenario::Means;

/// More than players read.
const MOST_INJECTS: usize = 200;
/// Of one log.
const MOST_LINES: usize = 1_000;
/// Of one line, and of all logs together.
const LONGEST_LINE: usize = 2_000;
const MOST_BYTES: usize = 192 << 10;
/// A line may stand so many seconds before or behind the start.
const FARTHEST: i64 = 366 * 86_400;

/// Every message to the players.
pub(super) fn injects(ground: &Ground<'_>) -> Vec<Inject> {
    let mut all = vec![alert(ground)];
    let corrected = corrected(ground);
    let mut left_out = 0;
    for event in ground.events {
        let Some(came) = came(ground, event, &corrected) else {
            continue;
        };
        if all.len() < MOST_INJECTS {
            let number = all.len();
            all.push(Inject {
                id: format!("{}-{number}", came.means),
                title: came.title,
                at: length(ground.within(came.at)),
                means: came.means,
                from: came.from,
                message: came.message,
            });
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        ground.look(format!("{left_out} more messages are left out"));
    }
    all
}

fn alert(ground: &Ground<'_>) -> Inject {
    let incident = ground.incident;
    let name = incident
        .alert
        .as_deref()
        .map(|alert| ground.veil.line(alert));
    let title = ground.said(&incident.title);
    let message = match &name {
        Some(name) => format!("{name}: {title}"),
        None => title,
    };
    Inject {
        id: "opening".to_owned(),
        title: "How it begins".to_owned(),
        at: "0m".to_owned(),
        means: if name.is_some() { "alert" } else { "phone" },
        from: if name.is_some() {
            "monitoring"
        } else {
            "somebody on call"
        }
        .to_owned(),
        message,
    }
}

/// Something that came from outside.
struct Came {
    at: DateTime<Utc>,
    title: String,
    means: &'static str,
    from: String,
    message: String,
}

fn came(ground: &Ground<'_>, event: &Event, corrected: &BTreeMap<EventId, &str>) -> Option<Came> {
    let now = corrected.get(&event.id).copied();
    let of = |at, means, title: &str, from: String, text: &str| {
        let message = ground.said(now.unwrap_or(text));
        let title = title.to_owned();
        (!message.is_empty()).then_some(Came {
            at,
            title,
            means,
            from,
            message,
        })
    };
    match &event.fact {
        Fact::EntryImported(fact) => {
            let from = fact
                .origin
                .person
                .as_deref()
                .map(|name| ground.veil.line(name));
            let from = from.unwrap_or_else(|| "the channel".to_owned());
            // What was said before it began lies on the table then.
            let at = event.occurred_at.to_utc();
            of(at, "chat", "Said in the channel", from, &fact.text)
        }
        Fact::LineNoted(fact) if matches!(fact.class, LineClass::Adversary | LineClass::Impact) => {
            let from = format!("the log {}", ground.veil.line(&fact.line.source));
            of(event.told_at(), "log", "Seen in a log", from, &fact.text)
        }
        Fact::NoteAdded(fact) => {
            let title = match sentence::class(event) {
                Class::Adversary => "Seen of the other side",
                Class::Impact => "What is hit",
                _ => return None,
            };
            of(
                event.told_at(),
                "chat",
                title,
                source(ground, fact),
                &fact.text,
            )
        }
        Fact::ExerciseInjected(fact) => {
            let (from, title) = (ground.veil.line(&fact.from), ground.veil.line(&fact.title));
            of(
                event.told_at(),
                means(fact.means),
                &title,
                from,
                &fact.message,
            )
        }
        _ => None,
    }
}

/// Who or what an entry is from.
fn source(ground: &Ground<'_>, note: &NoteAdded) -> String {
    let details = note.details.as_ref();
    let said =
        details.and_then(|details| details.on_behalf_of.as_ref().or(details.source.as_ref()));
    said.map_or_else(|| "an analyst".to_owned(), |said| ground.veil.line(said))
}

fn means(means: Means) -> &'static str {
    match means {
        Means::Alert => "alert",
        Means::Email => "email",
        Means::Phone => "phone",
        Means::Chat => "chat",
        Means::Log => "log",
        Means::News => "news",
        Means::Regulator => "regulator",
    }
}

/// What entries were corrected to.
fn corrected<'a>(ground: &Ground<'a>) -> BTreeMap<EventId, &'a str> {
    let facts = ground.events.iter().map(|event| &event.fact);
    facts
        .filter_map(|fact| match fact {
            Fact::EntryCorrected(fact) => Some((fact.corrects, fact.text.as_str())),
            _ => None,
        })
        .collect()
}

/// The key logs as they were pulled.
pub(super) fn logs(ground: &Ground<'_>) -> Vec<Log> {
    let known: Vec<&model::Log> = ground.books.iter().flat_map(|book| &book.logs).collect();
    let mut found: BTreeMap<&str, (&model::Log, Vec<&Evidence>)> = BTreeMap::new();
    for artifact in ground.events.iter().flat_map(|event| event.fact.evidence()) {
        let log = known.iter().find(|log| log.name == artifact.name);
        if let Some(log) = log
            && !ground.state.is_expunged(&artifact.sha256)
        {
            let (_, pulled) = found.entry(&log.name).or_insert((log, Vec::new()));
            pulled.push(artifact);
        }
    }
    let mut room = MOST_BYTES;
    found
        .into_values()
        .map(|(log, pulled)| Log {
            name: log.name.clone(),
            stamp: "%Y-%m-%dT%H:%M:%SZ",
            lines: lines(ground, log, &pulled, &mut room),
        })
        .filter(|log| !log.lines.is_empty())
        .collect()
}

fn lines(
    ground: &Ground<'_>,
    log: &model::Log,
    pulled: &[&Evidence],
    room: &mut usize,
) -> Vec<Line> {
    let mut dated: Vec<(i64, String)> = Vec::new();
    for artifact in pulled {
        let Some(bytes) = (ground.sources.evidence)(&artifact.sha256) else {
            ground.look(format!(
                "the log {}: what was pulled of it is not here",
                log.name
            ));
            continue;
        };
        let mut last = None;
        let times = (ground.sources.dated)(log, &bytes, artifact.collected_at);
        for (line, time) in bytes.split(|byte| *byte == b'\n').zip(times) {
            // A line without a time belongs to the one above.
            last = time.or(last);
            let text = String::from_utf8_lossy(line);
            let text: String = text.trim_end().chars().take(LONGEST_LINE).collect();
            if let Some(at) = last.map(|at| ground.since(at))
                && !text.is_empty()
                && at >= -FARTHEST
                && at <= ground.length
            {
                dated.push((at, text));
            }
        }
    }
    dated.sort();
    dated.dedup();
    let all = dated.len();
    let mut lines = Vec::new();
    for (at, text) in dated.into_iter().take(MOST_LINES) {
        let text = ground.veil.text(&text);
        let Some(left) = room.checked_sub(text.len()) else {
            break;
        };
        *room = left;
        lines.push(Line {
            at: length(at),
            text,
        });
    }
    if lines.len() < all {
        let left = all - lines.len();
        ground.look(format!(
            "the log {}: {left} more lines are left out",
            log.name
        ));
    }
    lines
}
