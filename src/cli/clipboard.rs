//! The clipboard of the terminal somebody sits at, through whatever lies between: OSC 52, which ssh carries as it is, and
//! tmux by its own command, because by default it keeps an application's OSC 52 to itself.

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Puts a text there. Whether the terminal takes it cannot be known; most do, some ask.
///
/// # Errors
/// When there is no terminal, or it is gone.
pub fn copy(text: &str) -> io::Result<()> {
    if in_tmux() && through_tmux(text).is_ok() {
        return Ok(());
    }
    let mut terminal = std::fs::OpenOptions::new().write(true).open("/dev/tty")?;
    crossterm::execute!(
        terminal,
        crossterm::clipboard::CopyToClipboard::to_clipboard_from(text)
    )?;
    terminal.flush()
}

fn in_tmux() -> bool {
    std::env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

/// `load-buffer -w` keeps it in tmux and hands it on to the terminal outside (tmux 3.2).
fn through_tmux(text: &str) -> io::Result<()> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut pipe) = tmux.stdin.take() {
        pipe.write_all(text.as_bytes())?;
    }
    if tmux.wait()?.success() {
        Ok(())
    } else {
        Err(io::Error::other("tmux did not take it"))
    }
}
