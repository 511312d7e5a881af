//! The supervisor itself: the body of the hidden subcommand. It leaves its starter's session, takes the job's lock,
//! runs the command in a process group of its own, keeps its output, ends it when its time is up or somebody asks,
//! and writes down how it ended.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::process::{
    DumpableBehavior, PidfdFlags, Signal, getpid, pidfd_open, set_dumpable_behavior, setsid,
};

use super::super::clock::{Clock, SystemClock};
use super::super::files::sync_dir;
use super::super::process::{non_blocking, pid, poll_for, signal_group};
use super::sink::Sink;
use super::spawn::{Order, Record};
use super::{Exit, Holder};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// After the command's own end: how long its output may be silent, and how long it may go on at all, while something
/// in the background holds it open.
const QUIET: Duration = Duration::from_millis(500);
const LINGER: Duration = Duration::from_secs(5);
/// The largest order that is read.
const ORDER: u64 = 64 << 20;
/// A longer script does not fit into one argument (the kernel's limit is 128 KiB).
const LONGEST_ARGUMENT: usize = 100 << 10;
/// Room set aside for the exit, so that a disk filled by the output still takes it.
const RESERVE: usize = 4096;

/// Supervises the job in this directory to its end, with the order read from standard input. Returns the status for
/// the supervisor's own exit: 0 when the outcome was written down.
#[must_use]
pub fn supervise_main(job_dir: &Path) -> i32 {
    // Fails only for the leader of a group, which the starter's child is not.
    let _ = setsid();
    // The values pass through this process: no core file, no debugger of the same account.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let mut starter = io::stdout();
    match take_over(job_dir) {
        Ok(job) => {
            let running = Running::start(job);
            // A starter that is gone by now does not matter.
            drop(starter.write_all(b"taken\n").and_then(|()| starter.flush()));
            i32::from(!running.finish())
        }
        Err(error) => {
            drop(writeln!(starter, "{error}"));
            1
        }
    }
}

/// A job that nobody else can take any more.
struct Taken {
    order: Order,
    dir: PathBuf,
    /// Readable when somebody asked to end it.
    asked: UnixStream,
    output: Sink,
    stdout: Sink,
    reserve: File,
    /// Held until this process is gone.
    _lock: File,
}

fn take_over(dir: &Path) -> io::Result<Taken> {
    let asked = signals()?;
    let mut text = Vec::new();
    io::stdin().take(ORDER).read_to_end(&mut text)?;
    let order: Order = serde_json::from_slice(&text)?;
    if order.record.env_names.len() != order.env_values.len() {
        return Err(io::Error::other("the order is not whole"));
    }
    let lock = lock(dir)?;
    let limit = order.record.output_limit;
    let output = Sink::create(&dir.join("output"), limit)?;
    let stdout = Sink::create(&dir.join("stdout"), limit)?;
    let reserve = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(dir.join("exit.part"))?;
    reserve.write_all_at(&[b' '; RESERVE], 0)?;
    reserve.sync_all()?;
    sync_dir(dir)?;
    Ok(Taken {
        order,
        dir: dir.to_owned(),
        asked,
        output,
        stdout,
        reserve,
        _lock: lock,
    })
}

/// SIGTERM can be read from the stream; the others that would end or stop us are caught and do nothing. They are
/// caught, not ignored, because an ignored signal would stay ignored in the command.
fn signals() -> io::Result<UnixStream> {
    let harmless = [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::ALARM,
        Signal::TSTP,
        Signal::TTIN,
        Signal::TTOU,
        Signal::USR1,
        Signal::USR2,
        // A file has reached the account's limit. The write then fails, which is dealt with.
        Signal::XFSZ,
    ];
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(Signal::TERM.as_raw(), theirs)?;
    let nothing = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in harmless {
        signal_hook::flag::register(signal.as_raw(), nothing.clone())?;
    }
    Ok(ours)
}

/// Takes the lock before it is seen under its name, so that nobody finds it free in between; linking refuses when
/// another supervisor, or [`super::Job::bar`], was first.
fn lock(dir: &Path) -> io::Result<File> {
    let unseen = dir.join(format!(".lock-{}", getpid()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unseen)?;
    let holder = Holder {
        pid: getpid().as_raw_nonzero().get(),
    };
    file.write_all(&serde_json::to_vec(&holder)?)?;
    file.lock()?;
    let linked = fs::hard_link(&unseen, dir.join("lock"));
    fs::remove_file(&unseen)?;
    linked?;
    Ok(file)
}

/// The command line for the script: for shells and a script of usual length `-c`, which leaves standard input free;
/// for other interpreters a file in memory that nobody can change any more.
fn command(order: &Order) -> io::Result<(Command, Option<OwnedFd>)> {
    let Record {
        argv, script, cwd, ..
    } = &order.record;
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]);
    let mut held = None;
    if let Some(script) = script {
        if is_shell(&argv[0]) && script.len() <= LONGEST_ARGUMENT {
            command.args(["-c", script, "runsheet"]);
        } else {
            let file = sealed(script)?;
            command.arg(format!("/proc/self/fd/{}", file.as_raw_fd()));
            held = Some(file);
        }
    }
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    command
        .envs(order.record.env_names.iter().zip(&order.env_values))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok((command, held))
}

fn is_shell(program: &str) -> bool {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    matches!(
        name,
        Some("sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "mksh" | "yash")
    )
}

/// Not closed on exec: the interpreter must find it.
fn sealed(script: &str) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("script", MemfdFlags::ALLOW_SEALING)?);
    file.write_all(script.as_bytes())?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    // The interpreter opens it anew by its name, at its beginning.
    Ok(file.into())
}

struct Running {
    job: Taken,
    started: DateTime<FixedOffset>,
    child: Result<Watched, String>,
}

struct Watched {
    child: Child,
    exit: OwnedFd,
    out: Option<File>,
    err: Option<File>,
    timeout_at: Option<Instant>,
    /// Once it was asked to end: when it will be made to.
    kill_at: Option<Instant>,
    killed_at: Option<Instant>,
    exited_at: Option<Instant>,
    last_output: Instant,
    timed_out: bool,
    cancelled: bool,
    left_behind: bool,
}

impl Running {
    fn start(job: Taken) -> Self {
        let started = SystemClock.now();
        let child = command(&job.order)
            .and_then(|(mut command, _held)| command.spawn())
            .and_then(|child| Watched::new(child, job.order.record.timeout_ms))
            .map_err(|error| {
                let program = &job.order.record.argv[0];
                format!("`{program}` could not be started: {error}")
            });
        Self {
            job,
            started,
            child,
        }
    }

    /// `true` when the outcome was written down.
    fn finish(self) -> bool {
        let Self {
            mut job,
            started,
            child,
        } = self;
        let mut exit = Exit {
            version: 1,
            code: None,
            signal: None,
            error: None,
            started,
            ended: started,
            timed_out: false,
            cancelled: false,
            left_behind: false,
            output_bytes: 0,
            dropped_bytes: 0,
            stdout_bytes: 0,
            stdout_dropped_bytes: 0,
            disk_error: None,
        };
        match child {
            Err(error) => exit.error = Some(error),
            Ok(mut watched) => match watched.watch(&mut job) {
                Ok(status) => {
                    exit.code = status.code();
                    exit.signal = status.signal();
                    exit.timed_out = watched.timed_out;
                    exit.cancelled = watched.cancelled;
                    exit.left_behind = watched.left_behind;
                }
                // It can no longer be watched: its outcome is unknown, and no exit says so.
                Err(_) => return false,
            },
        }
        job.output.sync();
        job.stdout.sync();
        exit.ended = SystemClock.now();
        exit.output_bytes = job.output.kept;
        exit.dropped_bytes = job.output.dropped;
        exit.stdout_bytes = job.stdout.kept;
        exit.stdout_dropped_bytes = job.stdout.dropped;
        exit.disk_error = job.output.error.clone().or(job.stdout.error.clone());
        write_exit(&job, &exit)
    }
}

/// Into the room set aside, then under its name. A disk that is in trouble gets a minute to recover.
fn write_exit(job: &Taken, exit: &Exit) -> bool {
    let attempt = || -> io::Result<()> {
        let text = serde_json::to_vec(exit)?;
        job.reserve.write_all_at(&text, 0)?;
        job.reserve.set_len(text.len() as u64)?;
        job.reserve.sync_all()?;
        fs::rename(job.dir.join("exit.part"), job.dir.join("exit"))?;
        sync_dir(&job.dir)
    };
    (0..60).any(|_| {
        let written = attempt();
        if written.is_err() {
            std::thread::sleep(Duration::from_secs(1));
        }
        written.is_ok()
    })
}

impl Watched {
    fn new(mut child: Child, timeout_ms: Option<u64>) -> io::Result<Self> {
        let watch = |child: &mut Child| -> io::Result<_> {
            let exit = pidfd_open(pid(child), PidfdFlags::empty())?;
            let out = child.stdout.take().map(|pipe| non_blocking(pipe.into()));
            let err = child.stderr.take().map(|pipe| non_blocking(pipe.into()));
            Ok((exit, out.transpose()?, err.transpose()?))
        };
        let now = Instant::now();
        match watch(&mut child) {
            Ok((exit, out, err)) => Ok(Self {
                child,
                exit,
                out,
                err,
                timeout_at: timeout_ms.and_then(|ms| now.checked_add(Duration::from_millis(ms))),
                kill_at: None,
                killed_at: None,
                exited_at: None,
                last_output: now,
                timed_out: false,
                cancelled: false,
                left_behind: false,
            }),
            Err(error) => {
                signal_group(&child, Signal::KILL);
                drop(child.wait());
                Err(error)
            }
        }
    }

    fn watch(&mut self, job: &mut Taken) -> io::Result<ExitStatus> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let asked = self.wait(&job.asked)?;
            if asked {
                self.end(false);
            }
            self.drain(job, &mut buffer);
            if self.is_over() {
                break;
            }
            self.look_at_the_clock();
        }
        if self.kill_at.is_some() {
            // Whoever of the group closed its output and went on. The leader is not reaped yet, so the group's number
            // is still its own.
            signal_group(&self.child, Signal::KILL);
        }
        self.left_behind = self.out.is_some() || self.err.is_some();
        self.child.wait()
    }

    /// Waits for output, the command's end, a request or the next deadline. `true` when somebody asked to end it.
    fn wait(&mut self, asked: &UnixStream) -> io::Result<bool> {
        let mut deadlines = vec![];
        match self.kill_at {
            Some(at) if self.killed_at.is_none() => deadlines.push(at),
            None if self.exited_at.is_none() => deadlines.extend(self.timeout_at),
            _ => {}
        }
        deadlines.extend(self.gives_up_at());
        let now = Instant::now();
        let patience = deadlines
            .into_iter()
            .min()
            .map_or(Duration::from_secs(3600), |at| {
                at.saturating_duration_since(now)
            });
        let mut fds = vec![PollFd::new(asked, PollFlags::IN)];
        for pipe in [&self.out, &self.err].into_iter().flatten() {
            fds.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        let exit = self.exited_at.is_none().then(|| {
            fds.push(PollFd::new(&self.exit, PollFlags::IN));
            fds.len() - 1
        });
        poll_for(&mut fds, patience)?;
        let request = fds[0].revents().contains(PollFlags::IN);
        if exit.is_some_and(|index| fds[index].revents().contains(PollFlags::IN)) {
            self.exited_at = Some(Instant::now());
        }
        if request {
            let mut reader = asked;
            drop(reader.read(&mut [0; 64]));
        }
        Ok(request)
    }

    /// One buffer of each stream, so that their order is kept as well as two pipes allow.
    fn drain(&mut self, job: &mut Taken, buffer: &mut [u8]) {
        for is_stdout in [true, false] {
            let slot = if is_stdout {
                &mut self.out
            } else {
                &mut self.err
            };
            let Some(pipe) = slot else { continue };
            match pipe.read(buffer) {
                Ok(count) if count > 0 => {
                    self.last_output = Instant::now();
                    job.output.take(&buffer[..count]);
                    if is_stdout {
                        job.stdout.take(&buffer[..count]);
                    }
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                _ => *slot = None,
            }
        }
    }

    fn is_over(&self) -> bool {
        let silent = self.out.is_none() && self.err.is_none();
        let given_up = self.gives_up_at().is_some_and(|at| Instant::now() >= at);
        self.exited_at.is_some() && (silent || given_up)
    }

    /// When output that something in the background still holds open is no longer waited for. What was asked to end
    /// has its whole time for it, also after its leader is gone.
    fn gives_up_at(&self) -> Option<Instant> {
        let exited = self.exited_at?;
        let over = match (self.kill_at, self.killed_at) {
            (None, _) => exited,
            (Some(_), killed) => exited.max(killed?),
        };
        Some((self.last_output.max(over) + QUIET).min(over + LINGER))
    }

    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        match self.kill_at {
            Some(at) if self.killed_at.is_none() && now >= at => {
                signal_group(&self.child, Signal::KILL);
                self.killed_at = Some(now);
            }
            None if self.exited_at.is_none() && self.timeout_at.is_some_and(|at| now >= at) => {
                self.end(true);
            }
            _ => {}
        }
    }

    fn end(&mut self, timed_out: bool) {
        if self.kill_at.is_some() || self.exited_at.is_some() {
            return;
        }
        self.timed_out = timed_out;
        self.cancelled = !timed_out;
        signal_group(&self.child, Signal::TERM);
        self.kill_at = Some(Instant::now() + GRACE);
    }
}
