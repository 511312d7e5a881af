//! `collect`: a key log into the record, with its progress on standard error and an interrupt that keeps what is there.

use std::io::IsTerminal as _;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::args::{Collect, Common};
use super::incident::{open, told};
use super::{CliError, out, times};
use crate::driver::Desk;
use crate::driver::session::Acted;
use crate::engine::collect::Asked;
use crate::engine::fact::Evidence;
use crate::evidence::escape;
use crate::logs::pull::{Phase, Row};

/// The status of what an interrupt ended, as a shell gives it.
const INTERRUPTED: u8 = 130;

/// Pulls it.
///
/// # Errors
/// When there is no such log, nothing of it could be pulled, or it cannot be recorded.
pub fn run(common: &Common, desk: &Rc<Desk>, wanted: &Collect) -> Result<(), CliError> {
    let now = desk.ports.clock.now();
    let when = |text: Option<&String>| {
        text.map(|text| times::read(text, now).map(|time| time.to_utc()))
            .transpose()
            .map_err(CliError::Input)
    };
    let asked = Asked {
        from: when(wanted.from.as_ref())?,
        to: when(wanted.to.as_ref())?,
        matching: wanted.matching.clone(),
    };
    let mut session = open(desk, &wanted.inc)?;
    let pulling = session.begin_log(&wanted.log, &asked, wanted.estimate)?;
    interruptible(&pulling.flag());
    let shows = std::io::stderr().is_terminal();
    let mut before = String::new();
    let look = |rows: &[Row]| {
        let line = rows.iter().map(shown).collect::<Vec<_>>().join(", ");
        if shows && line != before {
            out::talk(&line);
            before = line;
        }
    };
    let (acted, pulled) = session.finish_log(&pulling, look)?;
    if wanted.estimate {
        return estimated(common, pulled.estimates());
    }
    for notice in &acted.notices {
        out::talk(&format!("not all of it: {}", escape::line(notice)));
    }
    told(common, &mut session, &acted)?;
    report(&acted);
    if pulling.flag().load(Ordering::Relaxed) {
        return Err(CliError::Status(INTERRUPTED));
    }
    Ok(())
}

/// The first interrupt ends the pull, what there is of it is kept; a second one ends the program.
pub fn interruptible(flag: &Arc<AtomicBool>) {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(flag));
    }
}

fn estimated<'a>(
    common: &Common,
    logs: impl Iterator<Item = (&'a str, Option<u64>)>,
) -> Result<(), CliError> {
    let logs: Vec<_> = logs.collect();
    if common.json {
        let logs: Vec<_> = logs
            .iter()
            .map(|(name, bytes)| json!({ "log": name, "bytes": bytes }))
            .collect();
        return out::json(&json!({ "estimate": logs }));
    }
    for (name, bytes) in logs {
        let bytes = bytes.map_or("not known before".to_owned(), |bytes| {
            format!("at most {bytes} bytes")
        });
        out::data(&format!("{}: {bytes}", escape::line(name)))?;
    }
    Ok(())
}

/// What the sentence of the event does not say.
fn report(acted: &Acted) {
    let evidence = acted.events.iter().flat_map(|event| event.fact.evidence());
    for Evidence { pull, dropped, .. } in evidence {
        let Some(pull) = pull else { continue };
        if let Some(window) = pull.window {
            out::talk(&format!(
                "{} lines from {} to {}",
                pull.lines,
                window.from.format("%Y-%m-%dT%H:%M:%SZ"),
                window.to.format("%Y-%m-%dT%H:%M:%SZ")
            ));
        }
        if *dropped > 0 {
            out::talk(&format!("{dropped} bytes were left out because of a limit"));
        }
        if let Some(clock) = pull.clock {
            let millis = |micros: f64| micros / 1000.0;
            #[allow(clippy::cast_precision_loss, reason = "for people")]
            let (ahead, within) = (millis(clock.ahead as f64), millis(clock.within as f64));
            out::talk(&format!(
                "its clock is {ahead:+.1} ms off ours, within {within:.1} ms"
            ));
        }
        for (rule, count) in &pull.by_rule {
            out::talk(&format!("redacted {rule}: {count}"));
        }
        if let Some(why) = &pull.incomplete {
            out::talk(&escape::line(why));
        }
    }
}

/// One log on its way, in a few words.
pub fn shown(row: &Row) -> String {
    let name = escape::line(&row.name);
    match &row.phase {
        Phase::Waiting => format!("{name}: waits"),
        Phase::Connecting => format!("{name}: connecting"),
        Phase::Searching => format!("{name}: looking for the window"),
        Phase::Reading => match row.of {
            Some(of) => format!("{name}: {} of about {} KiB", row.bytes >> 10, of >> 10),
            None => format!("{name}: {} KiB", row.bytes >> 10),
        },
        Phase::Done => format!("{name}: done"),
        Phase::Failed(why) => format!("{name}: {}", escape::line(why)),
    }
}
