//! A script whose standard output is a log, here or over there. It is told the window in its environment.

use std::process::Command;

use chrono::SecondsFormat;

use super::remote::{Ssh, There, quoted};
use super::stamp::Window;
use crate::host::talk::{Patience, Talk};

/// The script, and what surrounds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Script {
    pub text: String,
    /// More for its environment. Over there nothing of ours is seen but this.
    pub env: Vec<(String, String)>,
    /// Where it starts, on this machine.
    pub cwd: Option<String>,
}

/// What runs there: the script comes over standard input, so that no value stands on a command line, and reads nothing.
const THERE: &str = "sh -c 'exec sh -eu -c \"$(cat)\" </dev/null'";

impl Script {
    /// With `RUNSHEET_SINCE` and `RUNSHEET_UNTIL`, RFC 3339 in UTC.
    #[must_use]
    pub fn within(mut self, window: Window) -> Self {
        for (name, stamp) in [
            ("RUNSHEET_SINCE", window.from),
            ("RUNSHEET_UNTIL", window.to),
        ] {
            let time = stamp.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true);
            self.env.push((name.to_owned(), time));
        }
        self
    }

    /// The values before the script, for a shell that has no environment of ours.
    fn with_values(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let name_fits = |name: &str| {
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        };
        for (name, value) in self.env.iter().filter(|(name, _)| name_fits(name)) {
            text.extend_from_slice(format!("export {name}=").as_bytes());
            text.extend(quoted(value.as_bytes()));
            text.push(b'\n');
        }
        text.extend_from_slice(self.text.as_bytes());
        text.push(b'\n');
        text
    }
}

/// Starts it; what is still to be sent to it comes with it.
///
/// # Errors
/// In words, when it cannot be started.
pub fn start(
    script: &Script,
    host: Option<&str>,
    ssh: &Ssh,
    patience: Patience,
) -> Result<(Talk, Vec<u8>), String> {
    let (command, input) = match host {
        Some(host) => (
            ssh.command(host, There::Command(THERE))?,
            script.with_values(),
        ),
        None => {
            let mut command = Command::new("sh");
            command.args(["-eu", "-c", &script.text]);
            command.envs(script.env.iter().map(|(name, value)| (name, value)));
            if let Some(cwd) = &script.cwd {
                command.current_dir(cwd);
            }
            (command, Vec::new())
        }
    };
    let talk = Talk::start(command, patience).map_err(|error| error.to_string())?;
    Ok((talk, input))
}
