//! `runsheet logs window`: the lines of a window, as they are, and a report of what was read and what was not.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chrono::{DateTime, FixedOffset};
use serde_json::json;

use super::shown::Shown;
use super::{WindowLogs, report};
use crate::cli::args::Common;
use crate::cli::{CliError, out, times};
use crate::evidence::escape;
use crate::host::clock::{Clock as _, SystemClock};
use crate::logs::rotated::{self, Member};
use crate::logs::stamp::{Stamp, Window};
use crate::logs::whole::{self, Nowhere, Out, Outcome, Outcomes};
use crate::logs::window::{Ask, Kept};

/// Does it.
///
/// # Errors
/// When something typed cannot be used, a file cannot be read, or the output cannot be written.
pub fn run(common: &Common, wanted: &WindowLogs) -> Result<(), CliError> {
    let now = SystemClock.now();
    let ask = ask(wanted, now)?;
    let dating = super::dating(wanted.format.as_deref(), wanted.zone.as_deref())?;
    let logs = rotated::logs(&wanted.files, wanted.alone).map_err(CliError::Input)?;
    let mut target = target(common, wanted, &logs)?;
    let (outcomes, kept) = match logs.as_slice() {
        [_, _, ..] if !wanted.estimate => {
            let merged = whole::merged(&logs, &dating, &ask, &mut *target)?;
            let outcomes = merged.logs.into_iter().flatten().collect();
            (outcomes, Some(merged.kept))
        }
        logs => {
            let mut outcomes = Outcomes::new();
            for members in logs {
                let estimate = wanted.estimate;
                outcomes.extend(whole::window(
                    members,
                    &dating,
                    &ask,
                    estimate,
                    &mut *target,
                )?);
            }
            (outcomes, None)
        }
    };
    target.flush()?;
    tell(common, &ask, &outcomes, kept.as_ref())
}

pub(super) fn ask(wanted: &WindowLogs, now: DateTime<FixedOffset>) -> Result<Ask, CliError> {
    let moment = |text: &str| times::read(text, now).map(|time| Stamp::of(time.to_utc()));
    let from = moment(&wanted.from).map_err(CliError::Input)?;
    let to = wanted
        .to
        .as_deref()
        .map_or(Ok(Stamp::of(now.to_utc())), moment);
    let window = Window {
        from,
        to: to.map_err(CliError::Input)?,
    };
    if window.to <= window.from {
        return Err(CliError::Input(
            "the window ends before it begins".to_owned(),
        ));
    }
    let slack = times::span(&wanted.slack).and_then(|span| span.num_nanoseconds());
    let slack = slack.and_then(|nanos| u64::try_from(nanos).ok());
    let no_slack = || {
        CliError::Input(format!(
            "`{}` is no span: 30s, 2m, 1h",
            wanted.slack.escape_debug()
        ))
    };
    Ok(Ask {
        slack: slack.ok_or_else(no_slack)?,
        limit: wanted.limit.as_deref().map(bytes).transpose()?,
        digest: wanted.sha256,
        ..Ask::of(window)
    })
}

fn bytes(text: &str) -> Result<u64, CliError> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let count: Option<u64> = digits.parse().ok();
    count
        .and_then(|count| count.checked_mul(1 << shift))
        .ok_or_else(|| {
            CliError::Input(format!(
                "`{}` is no size: 4096, 64k, 10M, 1G",
                text.escape_debug()
            ))
        })
}

/// Where the lines go: a file, a pipe, or a terminal, which gets them escaped. With `--json` standard output is the
/// report's.
fn target(
    common: &Common,
    wanted: &WindowLogs,
    logs: &[Vec<Member>],
) -> Result<Box<dyn Out + Send>, CliError> {
    if let (Some(path), false) = (&wanted.output, wanted.estimate) {
        return Ok(Box::new(create(path, logs)?));
    }
    if common.json || wanted.estimate {
        return Ok(Box::new(Nowhere));
    }
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    Ok(if stdout.is_terminal() {
        Box::new(Shown::on(stdout))
    } else {
        Box::new(Piped(stdout))
    })
}

/// What is kept may hold secrets: nobody else reads it.
fn create(path: &Path, logs: &[Vec<Member>]) -> Result<File, CliError> {
    let fail = |error: io::Error| CliError::Input(format!("{}: {error}", path.display()));
    let same = |meta: std::fs::Metadata| {
        let written = rotated::identity(&meta);
        let mut members = logs.iter().flatten();
        members.any(|member| member.identity == written)
    };
    if std::fs::metadata(path).is_ok_and(same) {
        return Err(CliError::Input(format!(
            "{}: is one of the logs",
            path.display()
        )));
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path).map_err(fail)
}

/// Standard output, which is never taken back.
struct Piped(File);

impl Write for Piped {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Out for Piped {}

fn tell(
    common: &Common,
    ask: &Ask,
    outcomes: &Outcomes,
    merged: Option<&Kept>,
) -> Result<(), CliError> {
    let kept = outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Copied(piece) => Some((piece.report.kept.bytes, piece.report.kept.lines)),
        _ => None,
    });
    let kept = kept.fold((0, 0), |sum, kept| (sum.0 + kept.0, sum.1 + kept.1));
    let (bytes, lines) = merged.map_or(kept, |merged| (merged.bytes, merged.lines));
    let cut = merged.is_some_and(|merged| merged.cut.is_some());
    let digest = merged.and_then(|merged| merged.digest);
    if common.json {
        let files: Vec<_> = outcomes
            .iter()
            .map(|(member, outcome)| report::document(member, outcome))
            .collect();
        out::json(&json!({
            "window": { "from": report::time(ask.window.from), "to": report::time(ask.window.to) },
            "slack_ns": ask.slack,
            "merged": merged.is_some(),
            "cut": cut,
            "sha256": digest,
            "bytes": bytes,
            "lines": lines,
            "files": files,
        }))?;
    } else {
        for (member, outcome) in outcomes {
            out::talk(&escape::text(&report::words(member, outcome)));
        }
        if merged.is_some() {
            let cut = if cut { ", CUT by the limit" } else { "" };
            let digest = digest.map_or_else(String::new, |digest| format!(", {digest}"));
            out::talk(&format!(
                "merged by time: {lines} lines, {bytes} bytes{digest}{cut}"
            ));
        }
    }
    if outcomes.iter().any(|(_, outcome)| report::lacks(outcome)) {
        return Err(CliError::Status(2));
    }
    Ok(())
}
