//! Sending one delivery through one channel, once, within a time that is given. Secrets are looked up here and never
//! leave but to where they belong: no error names one.

mod command;
mod file;
mod mail;
mod webhook;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use chrono::TimeDelta;

use super::delivery::Delivery;
use crate::evidence::escape;
use crate::host::files;
use crate::runbook::policy::{Channel, ChannelKind};

/// How much longer than its own limits a send is waited for.
const GRACE: Duration = Duration::from_millis(500);
/// No reason is longer.
const LONGEST_WHY: usize = 300;

/// Why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// In one line, without secrets.
    pub why: String,
    /// Whether the other side said no, as it will say again.
    pub refused: bool,
    /// How long the other side wants to be left alone.
    pub wait: Option<TimeDelta>,
    /// Whether time ran out: whatever else is for this channel would hang too.
    pub hung: bool,
}

impl Failed {
    /// The line is at fault, or a server for the moment.
    #[must_use]
    pub fn line(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            refused: false,
            wait: None,
            hung: false,
        }
    }

    /// The other side does not take it.
    #[must_use]
    pub fn refusal(why: impl Into<String>) -> Self {
        Self {
            refused: true,
            ..Self::line(why)
        }
    }

    /// Nothing came back in time.
    #[must_use]
    pub fn timeout(limit: Duration) -> Self {
        Self {
            hung: true,
            ..Self::line(format!("no answer within {} s", limit.as_secs().max(1)))
        }
    }
}

/// Where references lead: the environment, and files.
pub trait Secrets: Send + Sync {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process;

impl Secrets for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// A channel with its secrets looked up.
enum Route {
    Webhook { url: String, shape: Option<String> },
    Mail(mail::Server),
    File(std::path::PathBuf),
    Command(String),
}

/// Sends it once.
///
/// # Errors
/// Why it was not taken, or that nobody knows.
pub(super) fn send(
    channel: &Channel,
    delivery: &Delivery,
    secrets: &dyn Secrets,
    limit: Duration,
) -> Result<(), Failed> {
    let mut hidden = Vec::new();
    let route = route(channel, delivery, secrets, &mut hidden).map_err(Failed::refusal)?;
    let (done, result) = mpsc::channel();
    let delivery = delivery.clone();
    // On a thread of its own: a name server or a disk that hangs has no limit that could be set.
    std::thread::spawn(move || {
        let _ = done.send(sent(&route, &delivery, limit));
    });
    let result = result
        .recv_timeout(limit + GRACE)
        .unwrap_or_else(|_| Err(Failed::timeout(limit)));
    result.map_err(|failed| Failed {
        why: hide(&failed.why, &hidden),
        ..failed
    })
}

fn sent(route: &Route, delivery: &Delivery, limit: Duration) -> Result<(), Failed> {
    match route {
        Route::Webhook { url, shape } => webhook::send(url, shape.as_deref(), delivery, limit),
        Route::Mail(server) => mail::send(server, delivery, limit),
        Route::File(path) => file::send(path, delivery),
        Route::Command(script) => command::send(script, delivery, limit),
    }
}

fn route(
    channel: &Channel,
    delivery: &Delivery,
    secrets: &dyn Secrets,
    hidden: &mut Vec<String>,
) -> Result<Route, String> {
    let mut look_up = |text: &str| {
        let value = looked_up(text, secrets)?;
        if value != text {
            hidden.push(value.clone());
        }
        Ok::<_, String>(value)
    };
    Ok(match &channel.kind {
        ChannelKind::Webhook { url, shape } => Route::Webhook {
            url: {
                let found = look_up(url)?;
                // Of a chat the address is the secret, wherever it stands.
                hidden.push(found.clone());
                found
            },
            shape: shape.clone(),
        },
        ChannelKind::Smtp {
            server,
            to,
            from,
            user,
            password,
            tls,
        } => Route::Mail(mail::Server {
            address: look_up(server)?,
            tls: tls.clone(),
            user: user.as_deref().map(&mut look_up).transpose()?,
            password: password.as_deref().map(&mut look_up).transpose()?,
            mail: super::mail(delivery, from.as_deref(), to)?,
        }),
        ChannelKind::File { path } => {
            let path = Path::new(path);
            if !path.is_absolute() {
                return Err("the path of the file does not begin with `/`".to_owned());
            }
            Route::File(path.to_owned())
        }
        ChannelKind::Command { run } => Route::Command(run.clone()),
    })
}

/// `env:NAME` and `file:PATH` stand for what is there.
fn looked_up(text: &str, secrets: &dyn Secrets) -> Result<String, String> {
    if let Some(name) = text.strip_prefix("env:") {
        return secrets
            .variable(name)
            .filter(|value| !value.trim().is_empty())
            .map(|value| value.trim().to_owned())
            .ok_or_else(|| format!("the environment has no {}", escape::line(name)));
    }
    if let Some(path) = text.strip_prefix("file:") {
        let bytes = files::read_limited(Path::new(path), 64 << 10)
            .map_err(|error| format!("{}: {error}", escape::line(path)))?;
        return String::from_utf8(bytes)
            .map(|value| value.trim().to_owned())
            .map_err(|_| format!("{}: not UTF-8", escape::line(path)));
    }
    Ok(text.to_owned())
}

/// A reason as it may be kept: one line, of bounded length, without secrets.
fn hide(why: &str, hidden: &[String]) -> String {
    let mut why = why.to_owned();
    for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
        why = why.replace(secret.as_str(), "[redacted]");
    }
    let why: String = why.chars().take(LONGEST_WHY).collect();
    escape::line(why.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::evidence::Digest;
    use crate::outbox::Wording;

    struct Given(&'static [(&'static str, &'static str)]);

    impl Secrets for Given {
        fn variable(&self, name: &str) -> Option<String> {
            let mut all = self.0.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    fn try_it(kind: ChannelKind) -> Failed {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let delivery = Delivery::new(Digest::of(b"1"), "x", Wording::default(), at);
        let channel = Channel {
            name: "x".to_owned(),
            kind,
        };
        let secrets = Given(&[("HOOK", "gopher://hooks/T0/secret"), ("EMPTY", " ")]);
        send(&channel, &delivery, &secrets, Duration::from_secs(2)).unwrap_err()
    }

    fn hook(url: &str) -> ChannelKind {
        ChannelKind::Webhook {
            url: url.to_owned(),
            shape: None,
        }
    }

    #[test]
    fn a_secret_that_is_not_there_is_named_and_one_that_is_is_not() {
        assert_eq!(
            try_it(hook("env:NOWHERE")).why,
            "the environment has no NOWHERE"
        );
        assert_eq!(
            try_it(hook("env:EMPTY")).why,
            "the environment has no EMPTY"
        );
        let failed = try_it(hook("env:HOOK"));
        assert!(
            failed.refused && !failed.why.contains("secret"),
            "{failed:?}"
        );
        assert!(
            try_it(hook("file:/nowhere/hook"))
                .why
                .starts_with("/nowhere/hook: ")
        );
    }

    #[test]
    fn a_file_is_named_from_the_root() {
        let failed = try_it(ChannelKind::File {
            path: "updates.jsonl".to_owned(),
        });
        assert!(failed.refused, "{failed:?}");
    }

    #[test]
    fn what_a_program_says_is_why_and_one_that_hangs_is_ended() {
        let run = |run: &str| ChannelKind::Command {
            run: run.to_owned(),
        };
        let failed = try_it(run("echo no room >&2; exit 7"));
        assert_eq!(failed.why, "exit 7: no room");
        assert!(try_it(run("sleep 60")).hung);
    }
}
