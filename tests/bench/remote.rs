//! Fifteen minutes out of a log of 1 GiB on another host: a real sshd on this machine, with a connection that is kept,
//! straight and through a relay that holds every byte back for 50 ms each way. Beside it what people do today.
//! `cargo bench --bench remote`; it needs sshd, and 1 GiB in the temporary folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "a benchmark prints what it measured and ends by panicking"
)]

#[path = "../support/sshd.rs"]
mod sshd;

/// What the server for tests needs.
mod team {
    use std::path::Path;
    use std::process::Command;

    pub fn plain(program: impl AsRef<std::ffi::OsStr>, home: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", home);
        command
    }

    pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..6000 {
            if let Some(found) = look() {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("no {what}");
    }
}

use std::fs;
use std::io::{self, BufWriter, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use chrono::DateTime;
use runsheet::host::clock::SystemClock;
use runsheet::logs::pull::{self, Artifact, Keep, Means, Origin, Part, Pulled, Wanted};
use runsheet::logs::remote::Ssh;
use runsheet::logs::stamp::{Stamp, Window, Zone};

const BEGIN: i64 = 1_786_924_800;
const DAY: u64 = 86_400;
const SIZE: u64 = 1 << 30;
const DELAY: Duration = Duration::from_millis(50);
const FROM: i64 = BEGIN + 50_400;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    let expected = write_log(&log);
    let server =
        sshd::Server::start_with(&dir.path().join("sshd"), "Subsystem sftp internal-sftp\n");
    println!(
        "a window of {} bytes in {SIZE}, over ssh on this machine",
        expected
    );
    for (name, delay) in [("straight", None), ("50 ms each way", Some(DELAY))] {
        let place = dir
            .path()
            .join(if delay.is_some() { "far" } else { "near" });
        fs::create_dir(&place).unwrap();
        let config = config(&server, &place, delay);
        let ssh = program(&place, &config);
        let sockets = place.join("s");
        fs::create_dir(&sockets).unwrap();
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700)).unwrap();
        for round in ["new connection", "kept", "kept", "kept", "kept"] {
            let begun = Instant::now();
            let (kept, moved) = window(&ssh, &sockets, &log);
            let took = begun.elapsed();
            assert_eq!(kept, expected);
            println!(
                "{name:>15}  runsheet, {round:<15} {:>7.3} s  {moved:>9} bytes read, {:+.2} MiB beside the window",
                took.as_secs_f64(),
                (moved as f64 - kept as f64) / f64::from(1 << 20)
            );
        }
        for (what, script) in [
            (
                "grep",
                format!(
                    "LC_ALL=C grep -E '2026-08-17T14:(0[0-9]|1[0-4]):' {}",
                    log.display()
                ),
            ),
            (
                "window's bytes alone",
                format!(
                    "tail -c +{} {} | head -c {expected}",
                    SIZE / 2,
                    log.display()
                ),
            ),
        ] {
            let begun = Instant::now();
            let bytes = peer(&ssh, &sockets, &script);
            println!(
                "{name:>15}  {what:<25} {:>7.3} s  {bytes:>9} bytes",
                begun.elapsed().as_secs_f64()
            );
        }
        let _ = Command::new(&ssh)
            .arg("-S")
            .arg(
                fs::read_dir(&sockets)
                    .unwrap()
                    .next()
                    .unwrap()
                    .unwrap()
                    .path(),
            )
            .args(["-O", "exit", "hub"])
            .stderr(Stdio::null())
            .status();
    }
}

/// A day in which every second has as many lines; how many bytes a quarter of an hour has.
fn write_log(path: &Path) -> u64 {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    let line = "10.0.0.7 \"GET /api/v1/things/4711?page=3 HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0 (X11; Linux)\"\n";
    let length = 21 + line.len() as u64;
    let each = SIZE / DAY / length;
    for second in 0..DAY {
        let time = DateTime::from_timestamp(BEGIN + second as i64, 0).unwrap();
        let stamp = time.format("%Y-%m-%dT%H:%M:%SZ ").to_string();
        for _ in 0..each {
            out.write_all(stamp.as_bytes()).unwrap();
            out.write_all(line.as_bytes()).unwrap();
        }
    }
    out.flush().unwrap();
    900 * each * length
}

fn config(server: &sshd::Server, place: &Path, delay: Option<Duration>) -> PathBuf {
    let path = server.client_config();
    let Some(delay) = delay else {
        return path;
    };
    let text = fs::read_to_string(path).unwrap();
    let port = text
        .split_once("Port ")
        .unwrap()
        .1
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let relay = relay(port.parse().unwrap(), delay);
    let known = text
        .split_once("UserKnownHostsFile ")
        .unwrap()
        .1
        .split_whitespace()
        .next()
        .unwrap();
    let keys = fs::read_to_string(known)
        .unwrap()
        .replace(&format!(":{port} "), &format!(":{relay} "));
    fs::write(place.join("known"), keys).unwrap();
    let text = text
        .replace(&format!("Port {port}"), &format!("Port {relay}"))
        .replace(known, place.join("known").to_str().unwrap());
    fs::write(place.join("config"), text).unwrap();
    place.join("config")
}

/// Passes everything on after so long, in both directions.
fn relay(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ] {
                from.set_nodelay(true).unwrap();
                let (send, held) = mpsc::channel::<(Instant, Vec<u8>)>();
                std::thread::spawn(move || {
                    let mut buf = vec![0; 64 << 10];
                    while let Ok(read @ 1..) = from.read(&mut buf) {
                        let _ = send.send((Instant::now() + delay, buf[..read].to_vec()));
                    }
                });
                std::thread::spawn(move || {
                    for (due, bytes) in held {
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        if to.write_all(&bytes).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    own
}

fn program(place: &Path, config: &Path) -> PathBuf {
    let program = place.join("ssh");
    fs::write(
        &program,
        format!("#!/bin/sh\nexec ssh -F {} \"$@\"\n", config.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn peer(ssh: &Path, sockets: &Path, script: &str) -> u64 {
    let output = Command::new(ssh)
        .args(["-o", "BatchMode=yes", "-o"])
        .arg(format!("ControlPath={}/%C", sockets.display()))
        .args(["--", "hub", script])
        .output()
        .unwrap();
    output.stdout.len() as u64
}

fn window(ssh: &Path, sockets: &Path, log: &Path) -> (u64, u64) {
    let keep = Arc::new(Counted::default());
    let at = |second: i64| Stamp(second * 1_000_000_000);
    let wanted = Wanted {
        name: "app".to_owned(),
        origin: Origin::Files(log.to_str().unwrap().to_owned()),
        host: Some("hub".to_owned()),
        part: Part::Window(Window {
            from: at(FROM),
            to: at(FROM + 900),
        }),
        limit: 64 << 20,
        matching: None,
        zone: Zone::UTC,
        format: None,
        timeout: None,
    };
    let means = Means {
        ssh: Ssh::new(Some(sockets)).with_program(ssh),
        clock: Arc::new(SystemClock),
        cancel: Arc::default(),
        progress: Arc::default(),
        quiet: Duration::from_secs(20),
        whole: Duration::from_secs(120),
        budget: 1 << 30,
        estimate: false,
    };
    let outcomes = pull::pull(
        vec![wanted],
        Arc::<Counted>::clone(&keep) as Arc<dyn Keep>,
        &means,
    );
    assert!(outcomes[0].problems.is_empty(), "{outcomes:?}");
    let kept = *keep.0.lock().unwrap();
    (kept, means.progress.rows()[0].bytes)
}

/// Counts what it is given.
#[derive(Default)]
struct Counted(Arc<Mutex<u64>>);

struct Counting(Arc<Mutex<u64>>);

impl Keep for Counted {
    fn begin(&self) -> io::Result<Box<dyn Artifact>> {
        Ok(Box::new(Counting(Arc::clone(&self.0))))
    }
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.lock().unwrap() += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Artifact for Counting {
    fn end(self: Box<Self>, _: Pulled) -> io::Result<()> {
        Ok(())
    }
}
