//! Running a program to its end with bounds on time and output. The program gets a process group of its own, so that
//! what it started ends with it when time is up; what it leaves in the background on purpose (a shared ssh
//! connection) is neither waited for nor killed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// How long a program has between being asked to end and being ended.
const GRACE: Duration = Duration::from_secs(2);
/// How soon a cancel is noticed.
const NOTICE: Duration = Duration::from_millis(50);

/// The bounds of one run.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// After this long it is ended.
    pub timeout: Duration,
    /// Set by another thread to end it early.
    pub cancel: Option<&'a AtomicBool>,
    /// It is ended when it prints more than this to standard output.
    pub stdout: usize,
    /// Only this much of the end of standard error is kept.
    pub stderr: usize,
}

/// What came of it.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// The end of it, raw: it may hold terminal escapes and what a server sent.
    pub stderr: Vec<u8>,
    /// Why it was ended before its own end.
    pub ended: Option<Ended>,
}

/// Why a program was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Ended {
    TimedOut,
    Cancelled,
    TooMuchOutput,
}

/// Runs the command with `input` on its standard input (none: `/dev/null`) and waits for its end.
///
/// # Errors
/// When it cannot be started or watched. That it failed or was ended is no error but in [`Finished`].
pub fn run(
    mut command: Command,
    input: Option<Vec<u8>>,
    bounds: Bounds<'_>,
) -> io::Result<Finished> {
    command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn()?;
    let feeder = child.stdin.take().zip(input).map(|(mut pipe, bytes)| {
        // Its end of the pipe may close early; what matters is its exit status.
        std::thread::spawn(move || drop(pipe.write_all(&bytes)))
    });
    let watched = Watched::new(&mut child).and_then(|watched| watched.watch(bounds));
    if watched.as_ref().is_ok_and(|it| it.ended.is_none()) {
        // It came to its own end; what it left in the background stays.
    } else {
        signal_group(&child, Signal::KILL);
    }
    let status = child.wait()?;
    if let Some(feeder) = feeder {
        drop(feeder.join());
    }
    let watched = watched?;
    Ok(Finished {
        status,
        stdout: watched.stdout.kept,
        stderr: watched.stderr.kept,
        ended: watched.ended,
    })
}

/// Sends a signal to the whole group of a child that was started as its group's leader and is not yet reaped.
pub(super) fn signal_group(child: &Child, signal: Signal) {
    // Fails only when there is nobody left to signal.
    let _ = kill_process_group(pid(child), signal);
}

pub(super) fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// `poll`, with a timeout, retried when a signal interrupts it: the caller looks at its deadlines anyway.
pub(super) fn poll_for(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<()> {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A pipe that never makes the reader wait.
pub(super) fn non_blocking(pipe: OwnedFd) -> io::Result<File> {
    fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
    Ok(File::from(pipe))
}

struct Stream {
    pipe: Option<File>,
    kept: Vec<u8>,
}

impl Stream {
    fn new(pipe: Option<impl Into<OwnedFd>>) -> io::Result<Self> {
        let pipe = pipe.map(|pipe| non_blocking(pipe.into())).transpose()?;
        Ok(Self {
            pipe,
            kept: Vec::new(),
        })
    }

    /// Takes one buffer; `false` when nothing is there now, or ever again.
    fn take(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else {
            return false;
        };
        let mut buffer = [0; 16 * 1024];
        match pipe.read(&mut buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                self.kept.extend_from_slice(&buffer[..count]);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(_) => self.pipe = None,
        }
        false
    }

    fn keep_the_end(&mut self, limit: usize) {
        if self.kept.len() > limit {
            self.kept.drain(..self.kept.len() - limit);
        }
    }
}

struct Watched {
    pid: Pid,
    exit: OwnedFd,
    stdout: Stream,
    stderr: Stream,
    ended: Option<Ended>,
}

impl Watched {
    fn new(child: &mut Child) -> io::Result<Self> {
        let pid = pid(child);
        Ok(Self {
            pid,
            exit: pidfd_open(pid, PidfdFlags::empty())?,
            stdout: Stream::new(child.stdout.take())?,
            stderr: Stream::new(child.stderr.take())?,
            ended: None,
        })
    }

    fn watch(mut self, bounds: Bounds<'_>) -> io::Result<Self> {
        let mut deadline = Instant::now() + bounds.timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = if bounds.cancel.is_some() {
                left.min(NOTICE)
            } else {
                left
            };
            let exited = self.wait(patience)?;
            // A few buffers a turn, so that a program that never stops printing cannot keep us from the clock.
            let mut turns = 0;
            while (self.stdout.take() | self.stderr.take()) && turns < 64 {
                turns += 1;
                self.stderr.keep_the_end(bounds.stderr);
                if self.stdout.kept.len() > bounds.stdout {
                    break;
                }
            }
            let too_much = self.stdout.kept.len() > bounds.stdout;
            if exited && (turns < 64 || too_much) {
                self.stdout.kept.truncate(bounds.stdout);
                return Ok(self);
            }
            let cancelled = bounds.cancel.is_some_and(|it| it.load(Ordering::Relaxed));
            let late = Instant::now() >= deadline;
            if self.ended.is_some() {
                self.stdout.kept.truncate(bounds.stdout);
                if late {
                    let _ = kill_process_group(self.pid, Signal::KILL);
                    deadline = Instant::now() + GRACE;
                }
            } else if too_much || cancelled || late {
                self.ended = Some(if too_much {
                    Ended::TooMuchOutput
                } else if cancelled {
                    Ended::Cancelled
                } else {
                    Ended::TimedOut
                });
                let _ = kill_process_group(self.pid, Signal::TERM);
                deadline = Instant::now() + GRACE;
            }
        }
    }

    /// Waits for something to happen; `true` when the program has exited.
    fn wait(&self, patience: Duration) -> io::Result<bool> {
        let mut fds = vec![PollFd::new(&self.exit, PollFlags::IN)];
        for stream in [&self.stdout, &self.stderr] {
            if let Some(pipe) = &stream.pipe {
                fds.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
            }
        }
        poll_for(&mut fds, patience)?;
        Ok(fds[0].revents().contains(PollFlags::IN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds<'static> = Bounds {
        timeout: Duration::from_secs(30),
        cancel: None,
        stdout: 1 << 20,
        stderr: 100,
    };

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_input_and_status_come_back() {
        let done = run(
            sh("cat; echo oops >&2; exit 3"),
            Some(b"in".to_vec()),
            BOUNDS,
        )
        .unwrap();
        assert_eq!(done.status.code(), Some(3));
        assert_eq!(done.stdout, b"in");
        assert_eq!(done.stderr, b"oops\n");
        assert_eq!(done.ended, None);
    }

    #[test]
    fn only_the_end_of_standard_error_is_kept() {
        let done = run(
            sh("i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done"),
            None,
            BOUNDS,
        )
        .unwrap();
        assert!(done.stderr.len() <= 100);
        assert!(done.stderr.ends_with(b"line 499\n"));
    }

    #[test]
    fn a_program_that_is_late_ends_with_all_it_started() {
        let bounds = Bounds {
            timeout: Duration::from_millis(200),
            ..BOUNDS
        };
        let begun = Instant::now();
        let done = run(sh("sleep 60 & echo $!; wait"), None, bounds).unwrap();
        assert_eq!(done.ended, Some(Ended::TimedOut));
        assert!(begun.elapsed() < Duration::from_secs(10));
        let sleeper: i32 = String::from_utf8(done.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let state = std::fs::read_to_string(format!("/proc/{sleeper}/stat"));
            state.map_or(true, |text| text.contains(") Z "))
        });
        assert!(gone, "sleep {sleeper} lives on");
    }

    #[test]
    fn a_program_that_ignores_the_request_is_ended_all_the_same() {
        let bounds = Bounds {
            timeout: Duration::from_millis(100),
            ..BOUNDS
        };
        let done = run(
            sh("trap '' TERM; while :; do sleep 0.05; done"),
            None,
            bounds,
        )
        .unwrap();
        assert_eq!(done.ended, Some(Ended::TimedOut));
        assert_eq!(done.status.code(), None);
    }

    #[test]
    fn cancelling_and_endless_output_end_it() {
        let cancel = AtomicBool::new(true);
        let bounds = Bounds {
            cancel: Some(&cancel),
            ..BOUNDS
        };
        let done = run(sh("sleep 60"), None, bounds).unwrap();
        assert_eq!(done.ended, Some(Ended::Cancelled));
        let done = run(sh("yes"), None, BOUNDS).unwrap();
        assert_eq!(done.ended, Some(Ended::TooMuchOutput));
        assert_eq!(done.stdout.len(), BOUNDS.stdout);
    }

    #[test]
    fn what_it_leaves_in_the_background_is_not_waited_for() {
        let begun = Instant::now();
        let done = run(sh("sleep 5 & echo done"), None, BOUNDS).unwrap();
        assert_eq!(done.stdout, b"done\n");
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}
