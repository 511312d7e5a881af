//! A running program that is talked to over its standard input and output, where either side may be slow, silent or
//! gone. It has a process group of its own and ends with the talk; nothing here waits for ever.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;

use super::process::{non_blocking, poll_for, signal_group};

/// How soon a cancel is noticed.
const NOTICE: Duration = Duration::from_millis(50);
/// How much of the end of standard error is kept.
const COMPLAINT: usize = 8 << 10;
/// How long a program that closed its output may take to say why and end.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long somebody waits, and what ends the waiting at once.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For anything at all to move.
    pub quiet: Duration,
    /// In all; from when it was made.
    pub until: Instant,
    /// Set by another thread.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Patience {
    /// So long without a sign of life, so long in all.
    #[must_use]
    pub fn new(quiet: Duration, whole: Duration) -> Self {
        Self {
            quiet,
            until: Instant::now() + whole,
            cancel: None,
        }
    }

    /// Ended by this flag too.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: Arc<AtomicBool>) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Whether somebody asked for the end, or the time is up.
    ///
    /// # Errors
    /// `Interrupted` where it was cancelled, `TimedOut` where all the time is used.
    pub fn check(&self) -> io::Result<()> {
        if self
            .cancel
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
        {
            return Err(io::Error::other("cancelled"));
        }
        if Instant::now() >= self.until {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "it took longer than it may",
            ));
        }
        Ok(())
    }
}

/// Bytes to and from somebody who speaks a protocol.
pub trait Link: Send {
    /// Sends what it can of `out` and takes it off there, puts what has come onto `into`; back as soon as something
    /// moved.
    ///
    /// # Errors
    /// `UnexpectedEof` when the other side is gone, `TimedOut` when it is silent for too long, or was cancelled.
    fn exchange(&mut self, out: &mut Vec<u8>, into: &mut Vec<u8>) -> io::Result<()>;

    /// What the other side complained of so far, for people; raw.
    fn complaint(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// The exit status of a program that closed its output, if it ends soon and has one.
    fn status(&mut self) -> Option<i32> {
        None
    }
}

/// The program.
pub struct Talk {
    child: Child,
    to: Option<File>,
    from: File,
    err: File,
    complaint: Vec<u8>,
    patience: Patience,
}

impl Talk {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command, patience: Patience) -> io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn()?;
        let pipes = || {
            let (Some(to), Some(from), Some(err)) =
                (child.stdin.take(), child.stdout.take(), child.stderr.take())
            else {
                return Err(io::Error::other("no pipes"));
            };
            Ok((
                non_blocking(to.into())?,
                non_blocking(from.into())?,
                non_blocking(err.into())?,
            ))
        };
        let mut pipes = pipes;
        match pipes() {
            Ok((to, from, err)) => Ok(Self {
                child,
                to: Some(to),
                from,
                err,
                complaint: Vec::new(),
                patience,
            }),
            Err(error) => {
                signal_group(&child, Signal::KILL);
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Says that no more will be sent.
    pub fn finish(&mut self) {
        self.to = None;
    }

    /// How long the next exchanges may take.
    pub fn patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    fn take_complaint(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = self.err.read(&mut buffer) {
            self.complaint.extend_from_slice(&buffer[..read]);
            if self.complaint.len() > COMPLAINT {
                self.complaint.drain(..self.complaint.len() - COMPLAINT);
            }
        }
    }

    fn send(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let Some(to) = self.to.as_mut().filter(|_| !out.is_empty()) else {
            return Ok(false);
        };
        match to.write(out) {
            Ok(sent) => {
                out.drain(..sent);
                Ok(sent > 0)
            }
            Err(error) if waits(&error) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let mut buffer = [0; 64 << 10];
        match self.from.read(&mut buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                into.extend_from_slice(&buffer[..read]);
                Ok(true)
            }
            Err(error) if waits(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Link for Talk {
    fn exchange(&mut self, out: &mut Vec<u8>, into: &mut Vec<u8>) -> io::Result<()> {
        let silent = Instant::now() + self.patience.quiet;
        loop {
            self.patience.check()?;
            let sent = self.send(out)?;
            let took = self.take(into)?;
            if sent || took {
                return Ok(());
            }
            self.take_complaint();
            let now = Instant::now();
            if now >= silent {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no answer for {} s", self.patience.quiet.as_secs()),
                ));
            }
            let mut wait = silent
                .min(self.patience.until)
                .saturating_duration_since(now);
            if self.patience.cancel.is_some() {
                wait = wait.min(NOTICE);
            }
            let mut fds = vec![PollFd::from_borrowed_fd(self.from.as_fd(), PollFlags::IN)];
            if let Some(to) = self.to.as_ref().filter(|_| !out.is_empty()) {
                fds.push(PollFd::from_borrowed_fd(to.as_fd(), PollFlags::OUT));
            }
            poll_for(&mut fds, wait)?;
        }
    }

    fn complaint(&mut self) -> Vec<u8> {
        self.take_complaint();
        self.complaint.clone()
    }

    fn status(&mut self) -> Option<i32> {
        let end = Instant::now() + FAREWELL;
        loop {
            self.take_complaint();
            if let Ok(Some(status)) = self.child.try_wait() {
                self.take_complaint();
                return status.code();
            }
            if Instant::now() >= end {
                return None;
            }
            let mut fds = [PollFd::new(&self.err, PollFlags::IN)];
            // Ends at once when standard error was closed: then there is only the exit to wait for.
            if poll_for(&mut fds, NOTICE).is_err() || fds[0].revents().contains(PollFlags::HUP) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.to = None;
        signal_group(&self.child, Signal::KILL);
        let _ = self.child.wait();
    }
}

fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(script: &str, quiet: Duration) -> Talk {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Talk::start(command, Patience::new(quiet, Duration::from_secs(60))).unwrap()
    }

    #[test]
    fn what_is_sent_comes_back_from_a_program_that_echoes() {
        let mut talk = talk("cat", Duration::from_secs(20));
        let sent = vec![7; 1 << 20];
        let (mut out, mut into) = (sent.clone(), Vec::new());
        while into.len() < sent.len() {
            talk.exchange(&mut out, &mut into).unwrap();
        }
        assert!(into == sent);
        talk.finish();
        let error = talk.exchange(&mut out, &mut into).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(talk.status(), Some(0));
    }

    #[test]
    fn one_that_never_answers_is_not_waited_for() {
        let mut talk = talk("sleep 60", Duration::from_millis(20));
        let error = talk.exchange(&mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn one_that_fails_says_why() {
        let mut talk = talk("echo no such host >&2; exit 3", Duration::from_secs(20));
        let error = talk.exchange(&mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(talk.status(), Some(3));
        assert_eq!(talk.complaint(), b"no such host\n");
    }

    #[test]
    fn a_cancel_ends_it_at_once() {
        let mut talk = talk("sleep 60", Duration::from_secs(60));
        let patience = Patience::new(Duration::from_secs(60), Duration::from_secs(60))
            .cancelled_by(Arc::new(AtomicBool::new(true)));
        talk.patience(patience);
        let error = talk.exchange(&mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "cancelled");
    }
}
