//! Lines on their way to a terminal: whatever could steer it is made visible. To a file or a pipe they go as they are.

use std::io::{self, Write};

use crate::evidence::escape;
use crate::logs::whole::Out;

/// So much of a line is held before it is shown without its end.
const MOST_HELD: usize = 64 << 10;

/// Escapes line by line.
pub struct Shown<W: Write> {
    out: W,
    held: Vec<u8>,
}

impl<W: Write> Shown<W> {
    /// Onto this.
    pub fn on(out: W) -> Self {
        Self {
            out,
            held: Vec::new(),
        }
    }

    fn show(&mut self, upto: usize) -> io::Result<()> {
        let shown = escape::bytes_text(&self.held[..upto]);
        self.held.drain(..upto);
        self.out.write_all(shown.as_bytes())
    }
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        for piece in buf.chunks(MOST_HELD) {
            self.held.extend_from_slice(piece);
            let whole = memchr::memrchr(b'\n', &self.held).map_or(0, |at| at + 1);
            if whole > 0 {
                self.show(whole)?;
            }
            if self.held.len() > MOST_HELD {
                self.show(self.held.len())?;
            }
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.held.is_empty() {
            self.show(self.held.len())?;
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

impl<W: Write> Out for Shown<W> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_steers_the_terminal_however_it_is_cut() {
        let log = "\u{1b}[2Jone\n\u{202e}two\u{7}\nthree é".as_bytes();
        let mut whole = Vec::new();
        let mut shown = Shown::on(&mut whole);
        shown.write_all(log).unwrap();
        shown.flush().unwrap();
        assert_eq!(
            String::from_utf8(whole.clone()).unwrap(),
            "␛[2Jone\n‹U+202E›two␇\nthree é\n"
        );
        for at in 0..log.len() {
            let mut out = Vec::new();
            let mut shown = Shown::on(&mut out);
            shown.write_all(&log[..at]).unwrap();
            shown.write_all(&log[at..]).unwrap();
            shown.flush().unwrap();
            assert_eq!(out, whole);
        }
    }
}
