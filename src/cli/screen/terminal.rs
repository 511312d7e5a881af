//! The terminal itself: raw mode and the other screen, and giving both back whatever happens. Nothing else in runsheet
//! touches them.

use std::io::{self, Stdout, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute};
use ratatui::backend::Backend as _;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, poll};

use super::lean::Lean;
use super::scroll;
use crate::evidence::escape;

/// The terminal as it is drawn to: one write for a frame, of what changed since the last.
pub struct Screen {
    lean: Lean<Stdout>,
    shown: Buffer,
}

impl Screen {
    /// Draws a frame. What draws it says where the cursor belongs, if anywhere.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<(u16, u16)>) -> io::Result<()> {
        let size = self.lean.size()?;
        let area = Rect::new(0, 0, size.width, size.height);
        if area != self.shown.area {
            self.shown = Buffer::empty(area);
            self.lean.clear()?;
        }
        let mut next = Buffer::empty(area);
        let caret = draw(&mut next).filter(|(x, y)| *x < area.width && *y < area.height);
        if let Some(moved) = scroll::moved(&self.shown, &next) {
            self.lean.scroll(moved);
            scroll::apply(&mut self.shown, moved);
        }
        self.lean.draw(self.shown.diff(&next).into_iter())?;
        match caret {
            Some(caret) => {
                self.lean.show_cursor()?;
                self.lean.set_cursor_position(caret)?;
            }
            None => self.lean.hide_cursor()?,
        }
        self.shown = next;
        self.lean.flush()
    }
}

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the terminal and gives it back when dropped, on a panic too.
pub struct Taken {
    /// To draw on.
    pub screen: Screen,
}

impl Taken {
    /// Takes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn take() -> io::Result<Self> {
        on_panic();
        let screen = Screen {
            lean: Lean::new(io::stdout()),
            shown: Buffer::default(),
        };
        let entered = enter();
        let taken = Self { screen };
        // Dropped on failure, so that half of it is given back as well.
        entered.map(|()| taken)
    }

    /// Draws everything anew, whatever the terminal shows now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.screen.lean.forget();
        // Of another size than the terminal: the next frame begins with an empty one.
        self.screen.shown = Buffer::default();
        Ok(())
    }

    /// Takes the terminal again after somebody else had it: a shell between stop and `fg` sets it as it likes.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn again(&mut self) -> io::Result<()> {
        give_back();
        enter()?;
        self.redraw()
    }

    /// Gives it back for a moment, and takes it again afterwards.
    ///
    /// # Errors
    /// When the terminal is gone, or with what went wrong meanwhile.
    pub fn hand_over<T>(&mut self, meanwhile: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        give_back();
        let result = meanwhile();
        enter()?;
        self.redraw()?;
        result
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        cursor::Hide
    )
}

/// Gives the terminal back, once.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that is gone cannot be restored, and that is all right.
    let _ = execute!(
        io::stdout(),
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = terminal::disable_raw_mode();
    let _ = io::stdout().flush();
}

fn on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !crate::host::caught::is_caught() {
                give_back();
            }
            before(info);
        }));
    });
}

/// Calls back once the terminal has hung up, also where SIGHUP is ignored. Reading from a terminal that is gone returns
/// at once and for ever, so nobody else would notice.
pub fn on_hang_up(gone: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let stdin = io::stdin();
        loop {
            let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_)
                    if fds[0]
                        .revents()
                        .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) =>
                {
                    break;
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
        }
        gone();
    });
}

/// Rings the bell.
pub fn bell() {
    let _ = io::stdout().write_all(b"\x07");
    let _ = io::stdout().flush();
}

/// Has the terminal show a notice outside of its window (OSC 9), where it can. Nothing of the text is more than a
/// printable ASCII character when it gets there.
pub fn osc9(text: &str) {
    let _ = io::stdout().write_all(&notice(text, std::env::var_os("TMUX").is_some()));
    let _ = io::stdout().flush();
}

/// Longest notice, in characters.
const LONGEST_NOTICE: usize = 160;

/// The bytes of a notice; tmux hands them on only in an envelope of its own.
fn notice(text: &str, tmux: bool) -> Vec<u8> {
    let text: String = escape::ascii_line(text)
        .chars()
        .filter(|letter| matches!(letter, ' '..='~'))
        .take(LONGEST_NOTICE)
        .collect();
    if tmux {
        format!("\x1bPtmux;\x1b\x1b]9;{text}\x07\x1b\\").into_bytes()
    } else {
        format!("\x1b]9;{text}\x07").into_bytes()
    }
}

/// Throws away what was typed and not read yet, so that it cannot answer the next question.
pub fn flush_input() {
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

/// Reads a line that is not shown.
///
/// # Errors
/// When the terminal cannot be read.
pub fn hidden_line(question: &str) -> io::Result<Option<String>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ICANON);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut err = io::stderr();
    let _ = write!(err, "{question}");
    let _ = err.flush();
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    let _ = writeln!(err);
    Ok((read? > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_notice_has_no_byte_that_steers_a_terminal_but_its_own_frame() {
        let hostile =
            "alice\x1b]52;c;YQ==\x07\u{9d}\u{202e}; approve \r\n日本".to_owned() + &"x".repeat(500);
        for (tmux, head, tail) in [
            (false, "\x1b]9;", "\x07"),
            (true, "\x1bPtmux;\x1b\x1b]9;", "\x07\x1b\\"),
        ] {
            let bytes = String::from_utf8(notice(&hostile, tmux)).unwrap();
            let inside = bytes
                .strip_prefix(head)
                .unwrap()
                .strip_suffix(tail)
                .unwrap();
            assert!(
                inside.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
                "{inside:?}"
            );
            assert!(inside.len() <= LONGEST_NOTICE);
            assert!(
                inside.starts_with("alice<U+001B>]52;c;YQ==<U+0007>"),
                "{inside}"
            );
        }
    }

    const INSIDE: &str = "RUNSHEET_TEST_PANICS_IN_A_TERMINAL";

    /// Runs itself once more in a pseudo-terminal, where it takes the terminal and panics.
    #[test]
    fn case_41_a_panic_restores_the_terminal() {
        if std::env::var_os(INSIDE).is_some() {
            let mut line = String::new();
            io::stdin().read_line(&mut line).unwrap();
            let _taken = Taken::take().unwrap();
            panic!("as the test wants");
        }
        let (mut pty, pts) = pty_process::blocking::open().unwrap();
        let modes = |pty: &pty_process::blocking::Pty| {
            let modes = rustix::termios::tcgetattr(pty).unwrap();
            (modes.input_modes, modes.output_modes, modes.local_modes)
        };
        let before = modes(&pty);
        let mut child = pty_process::blocking::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "cli::screen::terminal::tests::case_41_a_panic_restores_the_terminal",
                "--nocapture",
            ])
            .env(INSIDE, "1")
            .spawn(pts)
            .unwrap();
        pty.write_all(b"go\n").unwrap();
        let (send, receive) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(count) = pty.read(&mut buffer) {
                seen.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&seen).into_owned();
                if text.contains("as the test wants") {
                    let _ = send.send(text);
                    break;
                }
            }
            pty
        });
        let said = receive.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(!child.wait().unwrap().success());
        let pty = reader.join().unwrap();
        assert_eq!(modes(&pty), before);
        let (taken, given_back) = (said.find("\x1b[?1049h"), said.find("\x1b[?1049l"));
        assert!(taken.is_some() && taken < given_back, "{said:?}");
        assert!(
            given_back < said.find("as the test wants"),
            "the message has to be on the first screen: {said:?}"
        );
    }
}
