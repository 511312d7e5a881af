//! Logs of this machine: a window of all files of a log, or one file by itself.

use std::io::{self, Write};

use super::files::{MOST_FILES, Open, Taken, UNDATED, also, file, lacks, left_out};
use super::sift::Sift;
use super::{Job, Phase};
use crate::logs::rotated::{self, Member};
use crate::logs::source;
use crate::logs::stamp::Window;
use crate::logs::whole::{self, Dating, Nowhere, Out, Outcome};
use crate::logs::window::Ask;

impl Job<'_> {
    pub(super) fn here(&mut self, pattern: &str) -> Result<(), String> {
        let window = self.window();
        // Without a window each file stands for itself.
        let logs = rotated::logs(&[pattern.to_owned()], window.is_none())?;
        let count = match window {
            Some(_) => logs.len(),
            None => logs.iter().map(Vec::len).sum(),
        };
        if count > MOST_FILES {
            return Err(format!("{pattern}: more than {MOST_FILES} files"));
        }
        for log in logs {
            let Some(window) = window else {
                for member in &log {
                    let taken = self.alone(member, None);
                    self.settle(&shown(member), taken)?;
                }
                continue;
            };
            let base = base(&log);
            let taken = self.window_here(&base, &log, window);
            self.settle(&base, taken)?;
        }
        Ok(())
    }

    /// Ends an artifact, or tells what went wrong.
    fn settle(&mut self, path: &str, taken: io::Result<Option<Taken>>) -> Result<(), String> {
        match taken {
            Ok(Some((artifact, pulled))) => artifact
                .end(pulled)
                .map_err(|error| format!("{path}: {error}")),
            Ok(None) => Ok(()),
            Err(error) => {
                self.problems.push(format!("{path}: {error}"));
                Ok(())
            }
        }
    }

    fn alone(&mut self, member: &Member, incomplete: Option<String>) -> io::Result<Option<Taken>> {
        let opened = source::open(&member.path)?;
        let patience = self.patience.clone();
        let open = Open {
            path: shown(member),
            source: self.watched(&opened, &patience),
        };
        self.end_of(&open, incomplete)
    }

    fn window_here(
        &mut self,
        base: &str,
        log: &[Member],
        window: Window,
    ) -> io::Result<Option<Taken>> {
        let started = self.now();
        self.progress().phase(self.row, Phase::Searching);
        let dating = Dating {
            format: self.wanted.format,
            zone: self.wanted.zone,
        };
        let mut ask = Ask::of(window);
        let found = whole::window(log, &dating, &ask, true, &mut Nowhere)?;
        if let [(member, Outcome::NoStamps)] = found.as_slice() {
            return self.alone(member, Some(UNDATED.to_owned()));
        }
        let most = found.iter().map(|(member, outcome)| match outcome {
            Outcome::Found(Some((_, most)), ..) => *most,
            // What is packed is larger than it looks.
            Outcome::Found(None, ..) => member.bytes.saturating_mul(10),
            _ => 0,
        });
        let most: u64 = most.sum();
        if !self.expects(most) {
            return Ok(None);
        }
        let matching = self.wanted.matching.as_ref();
        let room = self.shared.budget.take(most.min(self.wanted.limit));
        // Where lines are matched it is those that have to find room, else the search ends when there is none.
        ask.limit = matching.is_none().then_some(room);
        let mut artifact = self.shared.keep.begin()?;
        let mut out = Watching {
            out: Sift::new(&mut *artifact, matching, room),
            job: self,
        };
        let copied = whole::window(log, &dating, &ask, false, &mut out);
        let told = out.out.end()?;
        self.shared.budget.give_back(room - told.bytes.min(room));
        let mut pulled = self.pulled(base, told, started);
        pulled.window = Some(window);
        let lacking = &mut pulled.incomplete;
        for (member, outcome) in copied.as_ref().map(Vec::as_slice).unwrap_or_default() {
            let path = shown(member);
            match outcome {
                Outcome::Copied(piece) => {
                    let report = &piece.report;
                    pulled.dropped += left_out(report);
                    also(lacking, &path, lacks(report));
                    pulled.files.push(file(&path, report));
                }
                Outcome::OverBudget => pulled.dropped += member.bytes,
                Outcome::Unreadable(why) => also(lacking, &path, Some(why.clone())),
                Outcome::NoStamps => also(lacking, &path, Some(UNDATED.to_owned())),
                _ => {}
            }
        }
        also(lacking, base, copied.err().map(|error| error.to_string()));
        self.problems.extend(lacking.clone());
        // Nothing that could be read is nothing that was kept.
        let nothing = told.bytes == 0 && pulled.incomplete.is_some();
        Ok((!nothing).then_some((artifact, pulled)))
    }
}

/// Lines on their way, as long as somebody waits for them.
struct Watching<'a, 's> {
    out: Sift<'s>,
    job: &'a Job<'a>,
}

impl Write for Watching<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.job.patience.check()?;
        self.job.progress().read(self.job.row, bytes.len() as u64);
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Out for Watching<'_, '_> {}

fn shown(member: &Member) -> String {
    member.path.display().to_string()
}

/// The name of a log: that of its only file, or of the one in use.
fn base(log: &[Member]) -> String {
    match log {
        [only] => shown(only),
        [.., last] => last
            .path
            .with_file_name(&last.turn.base)
            .display()
            .to_string(),
        [] => String::new(),
    }
}
