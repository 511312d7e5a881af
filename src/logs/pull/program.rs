//! What a program prints, as a log: a journal or a script, here or over there.

use std::io::{self, Write as _};

use super::sift::{Sift, Told};
use super::{Artifact, Job, Phase, Pulled};
use crate::evidence::escape;
use crate::host::talk::Link as _;
use crate::logs::command::{self, Script};
use crate::logs::journald;
use crate::logs::remote::Host;

/// How much of what a program complained of is told.
const COMPLAINT: usize = 300;

impl Job<'_> {
    pub(super) fn journal(&mut self, unit: &str) -> Result<(), String> {
        let source = format!("journal of {unit}");
        let script =
            journald::script(unit, self.window()).map_err(|why| format!("{source}: {why}"))?;
        self.program(source, &script)
    }

    pub(super) fn script(&mut self, script: &Script) -> Result<(), String> {
        let source = format!("$ {}", script.text);
        let script = match self.window() {
            Some(window) => script.clone().within(window),
            None => script.clone(),
        };
        self.program(source, &script)
    }

    fn program(&mut self, source: String, script: &Script) -> Result<(), String> {
        // How much it will print nobody knows.
        if self.shared.means.estimate {
            return Ok(());
        }
        let at = match &self.wanted.host {
            Some(host) => format!("{host}: {}", escape::line(&source)),
            None => escape::line(&source).to_string(),
        };
        let started = self.now();
        self.progress().phase(self.row, Phase::Reading);
        let room = self.shared.budget.take(self.wanted.limit);
        let mut artifact = self
            .shared
            .keep
            .begin()
            .map_err(|error| format!("{at}: {error}"))?;
        let (told, problem) = self.printed(script, room, &mut *artifact);
        self.shared.budget.give_back(room - told.bytes.min(room));
        if let Some(problem) = &problem {
            self.problems.push(format!("{at}: {problem}"));
            if told.bytes == 0 {
                return Ok(());
            }
        }
        let mut pulled = Pulled {
            name: self.wanted.name.clone(),
            source,
            host: self.wanted.host.clone(),
            files: Vec::new(),
            window: self.window(),
            lines: told.lines,
            dropped: told.dropped,
            skew: None,
            incomplete: problem,
            started,
            ended: self.now(),
        };
        if let Some(host) = &self.wanted.host {
            pulled.skew = self.skew_of(host);
        }
        artifact
            .end(pulled)
            .map_err(|error| format!("{at}: {error}"))
    }

    /// What it prints until its end, and what was wrong.
    fn printed(
        &self,
        script: &Script,
        room: u64,
        artifact: &mut dyn Artifact,
    ) -> (Told, Option<String>) {
        let mut out = Through(artifact);
        let mut sift = Sift::new(&mut out, self.wanted.matching.as_ref(), room);
        let problem = self.run(script, room, &mut sift).err();
        match sift.end() {
            Ok(told) => (told, problem),
            Err(error) => (Told::default(), Some(error.to_string())),
        }
    }

    fn run(&self, script: &Script, room: u64, sift: &mut Sift<'_>) -> Result<(), String> {
        let host = self.wanted.host.as_deref();
        let ssh = &self.shared.means.ssh;
        let (mut talk, mut input) = command::start(script, host, ssh, self.patience.clone())?;
        let mut came = Vec::new();
        loop {
            if input.is_empty() {
                talk.finish();
            }
            match talk.exchange(&mut input, &mut came) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error.to_string()),
            }
            self.progress().read(self.row, came.len() as u64);
            sift.write_all(&came).map_err(|error| error.to_string())?;
            came.clear();
            if sift.is_full() {
                // There is no use in reading on, and perhaps no end.
                return Err(format!(
                    "it printed more than the {room} bytes that are kept"
                ));
            }
        }
        let status = talk.status();
        if status == Some(0) {
            return Ok(());
        }
        let complaint = talk.complaint();
        let said = String::from_utf8_lossy(&complaint);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        let ended = status.map_or("it did not end by itself".to_owned(), |code| {
            format!("exit {code}")
        });
        Err(match last {
            Some(line) => {
                let line: String = line.chars().take(COMPLAINT).collect();
                format!("{ended}: {}", escape::line(&line))
            }
            None => ended,
        })
    }

    fn skew_of(&self, host: &str) -> Option<crate::logs::remote::Skew> {
        let means = &self.shared.means;
        let known = self.shared.known(host);
        let mut known = known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.skew.is_none() {
            known.skew = Host::ask(
                &means.ssh,
                host,
                self.patience.clone(),
                means.clock.as_ref(),
            )
            .ok();
        }
        known.skew
    }
}

/// An artifact, written to.
struct Through<'a>(&'a mut dyn Artifact);

impl io::Write for Through<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
