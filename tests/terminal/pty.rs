//! The program in a pseudo-terminal: what it sends is kept, counted and shown on a screen in memory.

use std::io::{Read as _, Write as _};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::place::{self, LONG, Place};

/// So long after its last byte a frame is taken to be whole.
const FRAME: Duration = Duration::from_millis(30);

/// What came out.
struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    /// When the last of them came.
    last: Instant,
}

/// A terminal with a program in it.
pub struct Term {
    pty: Option<Arc<Pty>>,
    pub child: Child,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Term {
    /// Starts a program in a terminal of 80×24.
    pub fn start(place: &Place, program: &str, args: &[String], env: &[(&str, &str)]) -> Self {
        Self::sized(place, program, args, env, (80, 24))
    }

    pub fn sized(
        place: &Place,
        program: &str,
        args: &[String],
        env: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(place.env())
            .envs(env.iter().copied())
            .current_dir(place.path("home"))
            .spawn(pts)
            .unwrap();
        let seen = Arc::new(Mutex::new(Seen {
            screen: vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0),
            bytes: Vec::new(),
            last: Instant::now(),
        }));
        let pty = Arc::new(pty);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let (pty, seen, stop) = (Arc::clone(&pty), Arc::clone(&seen), Arc::clone(&stop));
            std::thread::spawn(move || read(&pty, &seen, &stop))
        };
        Self {
            pty: Some(pty),
            child,
            seen,
            stop,
            reader: Some(reader),
        }
    }

    pub fn send(&self, keys: &str) {
        self.send_bytes(keys.as_bytes());
    }

    pub fn send_bytes(&self, bytes: &[u8]) {
        let pty = self.pty.as_ref().unwrap();
        (&**pty).write_all(bytes).unwrap();
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.seen.lock().unwrap().bytes.clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().bytes.len()
    }

    pub fn is_on_other_screen(&self) -> bool {
        self.seen.lock().unwrap().screen.screen().alternate_screen()
    }

    /// Waits until a text is on the screen, and gives the screen.
    pub fn wait(&self, text: &str) -> String {
        let end = Instant::now() + LONG;
        loop {
            // Once the frame is whole: its rows come from the top.
            let whole = self.seen.lock().unwrap().last.elapsed() > FRAME;
            let screen = self.text();
            if whole && screen.contains(text) {
                return screen;
            }
            assert!(
                Instant::now() < end,
                "waited in vain for {text:?}; the screen is\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nothing came for so long.
    pub fn quiet(&self, pause: Duration) {
        place::poll("a quiet terminal", || {
            (self.seen.lock().unwrap().last.elapsed() > pause).then_some(())
        });
    }

    /// Another size, as if the window were drawn to it. The screen in memory keeps its own.
    pub fn resize(&self, columns: u16, rows: u16) {
        let pty = self.pty.as_ref().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
    }

    /// The modes of the terminal, as text that can be compared.
    pub fn modes(&self) -> String {
        let modes = rustix::termios::tcgetattr(self.pty.as_ref().unwrap()).unwrap();
        format!(
            "{:?} {:?} {:?} {:?}",
            modes.input_modes, modes.output_modes, modes.control_modes, modes.local_modes
        )
    }

    /// The cable is pulled.
    pub fn hang_up(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
        self.pty = None;
    }

    /// Waits for its end, at most so long.
    pub fn ends(&mut self, within: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stop.store(true, Ordering::SeqCst);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read(pty: &Pty, seen: &Mutex<Seen>, stop: &AtomicBool) {
    let mut buffer = [0; 65_536];
    while !stop.load(Ordering::SeqCst) {
        let mut fds = [PollFd::new(pty, PollFlags::IN)];
        let pause = Timespec {
            tv_sec: 0,
            tv_nsec: 20_000_000,
        };
        if !poll(&mut fds, Some(&pause)).is_ok_and(|ready| ready > 0) {
            continue;
        }
        match (&*pty).read(&mut buffer) {
            Ok(0) | Err(_) => {
                // Nobody has the other end open; somebody may again.
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(count) => {
                let mut seen = seen.lock().unwrap();
                seen.screen.process(&buffer[..count]);
                seen.bytes.extend_from_slice(&buffer[..count]);
                seen.last = Instant::now();
            }
        }
    }
}
