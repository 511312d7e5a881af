//! What commands print, as the screen shows it: the last lines, without colours and without secrets. Redacted by the same
//! rules as what is kept, and like there never a piece of a line at a time, so that no secret is shown in halves.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::driver::Session;
use crate::driver::keep::Redaction;
use crate::engine::StepRef;
use crate::engine::exec::Purpose;
use crate::engine::state::{State, Status};
use crate::evidence::escape;
use crate::evidence::redact::OVERLAP;
use crate::host::supervise::Stream;
use crate::tui::world::{Tail, Task};

/// Lines of output kept for the screen; all of it is in the evidence.
const LINES: usize = 2_000;
/// Bytes of output shown on the screen.
const BYTES: usize = 256 << 10;
/// A line without an end is held back up to here.
const LONGEST_LINE: usize = 64 << 10;

/// What running commands of this writer, and the last ones, printed.
pub(super) fn of(session: &Session, state: &State) -> BTreeMap<StepRef, Arc<Tail>> {
    let mut tails = BTreeMap::new();
    let mut redaction = None;
    for run in &state.runs {
        for at in &run.steps {
            let here = run.at.as_ref() == Some(&at.id) || at.status == Status::Running;
            if !here && !matches!(at.status, Status::Failed | Status::Unknown) {
                continue;
            }
            let step = StepRef {
                run: run.id.clone(),
                step: at.id.clone(),
                attempt: at.attempt,
            };
            let twin = at.twins.get(&Purpose::DryRun);
            let (purpose, runs) = match twin {
                Some(twin) if at.status == Status::Todo => (Purpose::DryRun, twin.running),
                _ => (Purpose::Run, at.status == Status::Running),
            };
            if let Some(tail) = pulled(session, &step) {
                tails.insert(step, Arc::new(tail));
                continue;
            }
            let Some((printed, size)) = printed(session, &step, purpose) else {
                continue;
            };
            // Where nothing can be redacted nothing is shown.
            let rules = redaction.get_or_insert_with(|| session.redactor().ok());
            let lines = rules
                .as_ref()
                .map(|rules| lines(&printed, size > printed.len() as u64, runs, rules))
                .unwrap_or_default();
            tails.insert(step, Arc::new(Tail { lines, bytes: size }));
        }
    }
    tails
}

/// How far the pull of a collect step is, log by log.
fn pulled(session: &Session, step: &StepRef) -> Option<Tail> {
    let (_, rows) = session.pulls().find(|(of, _)| *of == step)?;
    Some(Tail {
        bytes: rows.iter().map(|row| row.bytes).sum(),
        lines: rows.iter().map(crate::cli::collect::shown).collect(),
    })
}

/// Tasks of this number and above are pulls.
const PULLS: u64 = 1 << 32;

/// The pulls outside of any step, as long work.
pub(super) fn pulls(session: &Session) -> impl Iterator<Item = Task> {
    session.log_pulls().map(|pulling| {
        let rows = pulling.rows();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let of: Option<u64> = rows.iter().map(|row| row.of).sum();
        let read: u64 = rows.iter().map(|row| row.bytes).sum();
        let (unit, size) = if read < 100_000 {
            ("bytes", 1)
        } else {
            ("kB", 1_000)
        };
        Task {
            id: PULLS + pulling.number(),
            name: format!("pulling {}", names.join(", ")),
            done: read / size,
            total: of.unwrap_or(0) / size,
            unit: unit.to_owned(),
            rate: 0.0,
        }
    })
}

/// Whether this work is a pull.
pub(super) fn is_pull(task: &Task) -> bool {
    task.id >= PULLS
}

/// Ends the pull that is shown as this work; false where it is other work.
pub(super) fn cancel(session: &Session, task: u64) -> bool {
    let Some(number) = task.checked_sub(PULLS) else {
        return false;
    };
    let mut pulls = session.log_pulls();
    if let Some(pulling) = pulls.find(|pulling| pulling.number() == number) {
        pulling.cancel();
    }
    true
}

/// The end of what a command has printed, and how much it has printed in all. A secret of several lines that began
/// before what is shown is still found.
fn printed(session: &Session, step: &StepRef, purpose: Purpose) -> Option<(Vec<u8>, u64)> {
    let job = session.job(step, purpose);
    let size = std::fs::metadata(job.dir().join("output")).ok()?.len();
    let from = size.saturating_sub((BYTES + OVERLAP) as u64);
    let bytes = job.read(Stream::Output, from, BYTES + OVERLAP).ok()?;
    Some((bytes, size))
}

/// The lines to show of the end of what was printed: `cut` where that begins inside it, `runs` where more may come.
fn lines(printed: &[u8], cut: bool, runs: bool, redaction: &Redaction) -> Vec<String> {
    let newline = |byte: &u8| *byte == b'\n';
    let mut printed = printed;
    if cut {
        let begin = printed.iter().position(newline).map_or(0, |at| at + 1);
        printed = &printed[begin..];
    }
    if runs {
        let whole = printed.iter().rposition(newline).map_or(0, |at| at + 1);
        if printed.len() - whole < LONGEST_LINE {
            printed = &printed[..whole];
        }
    }
    let shown = redaction.bytes(&escape::decolour(printed));
    let text = String::from_utf8_lossy(&shown);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut bytes = 0;
    let fits = |line: &&String| {
        bytes += line.len() + 1;
        bytes <= BYTES
    };
    let kept = lines.iter().rev().take(LINES).take_while(fits).count();
    lines.drain(..lines.len() - kept);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(printed: &str, cut: bool, runs: bool) -> Vec<String> {
        let redaction = Redaction::new(&[], ["hunter2-correct-horse"]).unwrap();
        lines(printed.as_bytes(), cut, runs, &redaction)
    }

    #[test]
    fn a_secret_is_not_shown_also_between_colours() {
        let printed = "token: hunter2-correct-horse\nhunter2-\u{1b}[31mcorrect\u{1b}[0m-horse\nAKIAIOSFODNN7EXAMPLE0 \nfine\n";
        let lines = shown(printed, false, false);
        assert_eq!(lines.len(), 4);
        assert!(
            lines.iter().all(|line| !line.contains("hunter2")),
            "{lines:?}"
        );
        assert!(
            lines[0].contains("[redacted:") && lines[1].contains("[redacted:"),
            "{lines:?}"
        );
        assert_eq!(lines[3], "fine");
    }

    #[test]
    fn a_line_is_shown_when_it_is_whole_or_the_command_is_over() {
        assert_eq!(shown("one\ntoken: hunter2-corr", false, true), ["one"]);
        assert_eq!(shown("one\ntwo", false, false), ["one", "two"]);
        assert_eq!(shown("hunter2-correct\ntwo\n", true, true), ["two"]);
        let long = "x".repeat(LONGEST_LINE);
        assert_eq!(shown(&long, false, true), [long.as_str()]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let printed: String = (0..LINES + 7).map(|n| format!("{n}\n")).collect();
        let lines = shown(&printed, false, true);
        assert_eq!((lines.len(), lines[0].as_str()), (LINES, "7"));
        let wide = format!("{}\n", "y".repeat(BYTES / 4)).repeat(8);
        assert_eq!(shown(&wide, false, true).len(), 3);
    }

    #[test]
    fn a_key_of_several_lines_that_began_before_what_is_shown_is_not_shown() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n".repeat(20);
        let key = format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n");
        let printed = format!("{key}{}", "a line of output\n".repeat(LINES - 10));
        let lines = shown(&printed, false, true);
        assert!(
            lines.iter().all(|line| !line.contains("MIIE")),
            "{:?}",
            lines.first()
        );
    }
}
