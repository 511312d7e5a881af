//! The only place that starts `ssh-keygen`: for every key file that does not sign in memory.
//! Knows nothing of statements.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a PIN and a touch.
const TIME: Duration = Duration::from_secs(60);
const OUTPUT_LIMIT: u64 = 16 * 1024;

/// Why `ssh-keygen` gave no signature.
#[derive(Debug, thiserror::Error)]
pub enum KeygenError {
    /// Not installed, or not to be run.
    #[error(
        "ssh-keygen, which this key needs to sign, cannot be run ({0}); install OpenSSH or put the key into the agent"
    )]
    Start(#[source] io::Error),
    /// It ended without success. Where it had the terminal, it said why there.
    #[error("ssh-keygen could not sign with this key ({status}){}{}", if .said.is_empty() { "" } else { ": " }, .said.escape_debug())]
    Failed {
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its own words.
        said: String,
    },
    /// Nobody touched the key in time.
    #[error("ssh-keygen did not sign within {} seconds and was stopped", .0.as_secs())]
    TimedOut(Duration),
    /// Something in between.
    #[error("ssh-keygen: {0}")]
    Io(#[from] io::Error),
}

/// Whether it may talk to the person at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Talk {
    /// It asks for a passphrase, a PIN or a touch.
    Terminal,
    /// It has nothing to ask, and what it says is kept for the error.
    Quiet,
}

/// `ssh-keygen -Y sign` with the data on its standard input.
pub(super) fn sign(
    path: &Path,
    namespace: &str,
    data: &[u8],
    talk: Talk,
) -> Result<String, KeygenError> {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(path)
        .stderr(match talk {
            Talk::Terminal => Stdio::inherit(),
            Talk::Quiet => Stdio::piped(),
        });
    run(command, data, TIME)
}

fn run(mut command: Command, data: &[u8], time: Duration) -> Result<String, KeygenError> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(KeygenError::Start)?;
    let outcome = converse(&mut child, data, time);
    if outcome.is_err() {
        // It may have ended by itself already.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

fn converse(child: &mut Child, data: &[u8], time: Duration) -> Result<String, KeygenError> {
    // At most 4 KiB of statement, which a pipe holds: this does not block.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(data).or_else(ignore_closed)?;
    }
    let deadline = Instant::now() + time;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            return Err(KeygenError::TimedOut(time));
        }
        thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        let said = child.stderr.take().map_or(Ok(String::new()), words)?;
        return Err(KeygenError::Failed { status, said });
    }
    Ok(child.stdout.take().map_or(Ok(String::new()), words)?)
}

fn words(stream: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.take(OUTPUT_LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// What it did not read it did not sign; its exit status tells.
fn ignore_closed(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_fails_hangs_or_is_missing_is_an_error() {
        let second = Duration::from_secs(10);
        let echo = run(shell("cat"), b"statement", second);
        assert_eq!(echo.unwrap(), "statement");
        let mut failing = shell("exec 0<&-; echo no such key >&2; exit 3");
        failing.stderr(Stdio::piped());
        let failed = run(failing, b"x", second).unwrap_err().to_string();
        assert!(
            failed.contains("3") && failed.contains("no such key"),
            "{failed}"
        );
        assert!(matches!(
            run(shell("exec sleep 60"), b"x", Duration::from_millis(50)),
            Err(KeygenError::TimedOut(_))
        ));
        assert!(matches!(
            run(Command::new("/nonexistent/ssh-keygen"), b"x", second),
            Err(KeygenError::Start(_))
        ));
    }
}
