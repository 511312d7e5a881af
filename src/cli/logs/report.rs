//! What came of a window, in words for people and as a document for programs.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::logs::packed::Packing;
use crate::logs::rotated::Member;
use crate::logs::stamp::{Format, Stamp};
use crate::logs::whole::Outcome;
use crate::logs::window::{Changed, How, Report};

/// So many ranges are named in words; the document has them all.
const NAMED: usize = 3;

/// Whether some of a file is missing that should be there.
pub fn lacks(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::NoStamps | Outcome::Unreadable(_) => true,
        Outcome::Copied(piece) => piece.report.damage.is_some(),
        _ => false,
    }
}

/// One file, in words.
pub fn words(member: &Member, outcome: &Outcome) -> String {
    let path = member.path.display();
    match outcome {
        Outcome::Copied(piece) => {
            let report = &piece.report;
            let mut text = format!("{path}: {}", kept(report));
            for line in details(report, piece.packing, piece.stamps.format()) {
                text.push_str("\n  ");
                text.push_str(&line);
            }
            text
        }
        Outcome::Found(Some((least, most)), ..) if least == most => {
            format!("{path}: {least} bytes")
        }
        Outcome::Found(Some((least, most)), ..) => {
            format!("{path}: between {least} and {most} bytes")
        }
        Outcome::Found(None, ..) => {
            format!(
                "{path}: packed; how much it holds of the window is not known before it is read"
            )
        }
        Outcome::Older { opened } => {
            format!("{path}: older than the window, {}", opened_or(*opened))
        }
        Outcome::Younger { opened } => {
            format!("{path}: younger than the window, {}", opened_or(*opened))
        }
        Outcome::OverBudget => format!("{path}: not opened, the limit was reached before"),
        Outcome::NoStamps => {
            format!("{path}: no line has a time stamp that is known; name one with --format")
        }
        Outcome::Unreadable(what) => format!("{path}: {what}"),
    }
}

fn opened_or(opened: bool) -> &'static str {
    if opened {
        "only its beginning was read"
    } else {
        "not opened"
    }
}

fn kept(report: &Report) -> String {
    let kept = &report.kept;
    let mut text = format!("{} lines, {} bytes", kept.lines, kept.bytes);
    if let (Some(first), Some(last)) = (report.first, report.last) {
        text.push_str(&format!(", {} to {}", time(first), time(last)));
    }
    text
}

fn details(report: &Report, packing: Option<Packing>, format: Format) -> Vec<String> {
    let mut lines = vec![found(report, packing, format)];
    let kept = &report.kept;
    let mut ranges: Vec<_> = kept
        .ranges
        .iter()
        .take(NAMED)
        .map(|range| format!("{}-{}", range.start, range.end))
        .collect();
    let more = kept.ranges.len().saturating_sub(NAMED) as u64 + kept.more_ranges;
    if more > 0 {
        ranges.push(format!("and {more} more"));
    }
    if !ranges.is_empty() {
        let what = if packing.is_some() {
            "unpacked bytes"
        } else {
            "bytes"
        };
        lines.push(format!("{what} {}", ranges.join(", ")));
    }
    if let Some(digest) = kept.digest {
        lines.push(digest.to_string());
    }
    if let Some(cut) = kept.cut {
        let inside = if cut.inside_a_line {
            ", inside a line"
        } else {
            ""
        };
        lines.push(format!(
            "CUT by the limit at byte {}{inside}: what follows is missing",
            cut.at
        ));
    }
    lines.extend(report.changed.map(|changed| match changed {
        Changed::Grew(bytes) => {
            format!("grew by {bytes} bytes meanwhile, which were not looked at")
        }
        Changed::Shrank(size) => {
            format!("was cut down to {size} bytes meanwhile: some may be missing")
        }
        Changed::Rotated => "was rotated meanwhile; the file that was listed was read".to_owned(),
    }));
    lines.extend(
        report.damage.as_ref().map(|damage| {
            format!("DAMAGED ({damage}): only what came out before that was looked at")
        }),
    );
    lines
}

fn found(report: &Report, packing: Option<Packing>, format: Format) -> String {
    let located = &report.located;
    let back = located.steps.back as f64 / 1e9;
    let how = match located.how {
        How::Search => format!(
            "searched with {} reads of {} bytes; ordered within {back} s as far as seen",
            located.cost.reads, located.cost.bytes
        ),
        How::Small => format!("every line was looked at; ordered within {back} s"),
        How::Stream => format!(
            "unpacked {} bytes; ordered within {back} s as far as seen",
            located.size
        ),
        How::Unordered => {
            format!("OUT OF ORDER by up to {back} s, more than the slack: every line was looked at")
        }
        How::Faulty => {
            "a place could not be read while searching: every line was looked at".to_owned()
        }
        How::NoStamps => "no stamp was met: every line was looked at".to_owned(),
    };
    let packing = packing.map_or_else(String::new, |packing| format!(".{}, ", packing.ending()));
    let encoding = match report.encoding.unit() {
        1 => String::new(),
        _ => format!(", {} kept as it is", report.encoding.word()),
    };
    format!("{packing}{}{encoding}; {how}", format.word())
}

/// One file, for programs.
pub fn document(member: &Member, outcome: &Outcome) -> Value {
    let mut file = match outcome {
        Outcome::Copied(piece) => copied(&piece.report, piece.packing, piece.stamps.format()),
        Outcome::Found(bytes, packing, format) => json!({
            "state": "found",
            "least_bytes": bytes.map(|bytes| bytes.0),
            "most_bytes": bytes.map(|bytes| bytes.1),
            "packing": packing.map(Packing::ending),
            "format": format.word(),
        }),
        Outcome::Older { opened } => json!({ "state": "older", "opened": opened }),
        Outcome::Younger { opened } => json!({ "state": "younger", "opened": opened }),
        Outcome::OverBudget => json!({ "state": "over_limit", "opened": false }),
        Outcome::NoStamps => json!({ "state": "no_stamps" }),
        Outcome::Unreadable(what) => json!({ "state": "unreadable", "error": what }),
    };
    file["path"] = member.path.to_string_lossy().into();
    file["size"] = member.bytes.into();
    file
}

fn copied(report: &Report, packing: Option<Packing>, format: Format) -> Value {
    let (kept, located) = (&report.kept, &report.located);
    let ranges: Vec<_> = kept
        .ranges
        .iter()
        .map(|range| [range.start, range.end])
        .collect();
    json!({
        "state": "copied",
        "format": format.word(),
        "encoding": report.encoding.word(),
        "packing": packing.map(Packing::ending),
        "how": match located.how {
            How::Search => "search",
            How::Small => "small",
            How::Stream => "stream",
            How::Unordered => "unordered",
            How::Faulty => "faulty",
            How::NoStamps => "no_stamps",
        },
        "back_ns": located.steps.back,
        "reads": located.cost.reads,
        "bytes": kept.bytes,
        "lines": kept.lines,
        "ranges": ranges,
        "more_ranges": kept.more_ranges,
        "first": report.first.map(time),
        "last": report.last.map(time),
        "sha256": kept.digest,
        "cut": kept.cut.map(|cut| json!({ "at": cut.at, "inside_a_line": cut.inside_a_line })),
        "changed": report.changed.map(|changed| match changed {
            Changed::Grew(bytes) => json!({ "grew": bytes }),
            Changed::Shrank(size) => json!({ "shrank_to": size }),
            Changed::Rotated => json!({ "rotated": true }),
        }),
        "damage": report.damage,
    })
}

/// As RFC 3339, with as many digits as it needs.
pub fn time(stamp: Stamp) -> String {
    let time: DateTime<Utc> = stamp.utc();
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
