//! A program that gets the update as JSON on its standard input. It took it when it ends with 0.

use std::process::Command;
use std::time::Duration;

use super::Failed;
use crate::host::process::{Bounds, Ended, run};
use crate::outbox::delivery::Delivery;
use crate::outbox::shape::document;

pub(super) fn send(script: &str, delivery: &Delivery, limit: Duration) -> Result<(), Failed> {
    let mut command = Command::new("sh");
    command
        .args(["-eu", "-c", script])
        .env("RUNSHEET_IDEMPOTENCY_KEY", &delivery.key);
    let mut input = document(delivery).to_string().into_bytes();
    input.push(b'\n');
    let bounds = Bounds {
        timeout: limit,
        cancel: None,
        stdout: 1 << 20,
        stderr: 4096,
    };
    let finished = run(command, Some(input), bounds)
        .map_err(|error| Failed::line(format!("it could not be started: {error}")))?;
    match finished.ended {
        Some(Ended::TooMuchOutput) => return Err(Failed::line("it printed more than 1 MiB")),
        Some(_) => return Err(Failed::timeout(limit)),
        None => {}
    }
    if finished.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    let how = finished.status.code().map_or_else(
        || "ended by a signal".to_owned(),
        |code| format!("exit {code}"),
    );
    Err(Failed::line(match said.trim() {
        "" => how,
        said => format!("{how}: {said}"),
    }))
}
