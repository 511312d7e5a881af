//! What goes over the line: cells to bytes, as few as will do, one write for a frame. Remembers what the terminal already
//! knows (colours, cursor), so that a frame in which nothing changed costs nothing. Knows nothing of what is drawn.

use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

use super::scroll::Move;

/// The largest screen that is drawn to; a terminal that claims more is believed so far.
const LARGEST: (u16, u16) = (1_000, 500);

/// What the terminal was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

/// A terminal to draw to.
#[derive(Debug)]
pub struct Lean<W: Write> {
    out: W,
    /// The frame so far.
    frame: String,
    /// `None` when nobody knows.
    pen: Option<Pen>,
    /// Where the next character will go, where that is certain.
    at: Option<(u16, u16)>,
    shown: Option<bool>,
    /// As was last asked.
    columns: std::cell::Cell<u16>,
}

impl<W: Write> Lean<W> {
    /// A terminal of which nothing is known yet.
    pub fn new(out: W) -> Self {
        Self {
            out,
            frame: String::new(),
            pen: None,
            at: None,
            shown: None,
            columns: std::cell::Cell::new(u16::MAX),
        }
    }

    /// Somebody else wrote to the terminal: nothing is known of it any more.
    pub fn forget(&mut self) {
        self.frame.clear();
        self.pen = None;
        self.at = None;
        self.shown = None;
    }

    /// Has the terminal move rows by itself. What comes into sight is empty. Line feeds at the lower edge and reverse
    /// ones at the upper are what every terminal knows.
    pub fn scroll(&mut self, moved: Move) {
        self.dip(PLAIN);
        let Move { top, bottom, by } = moved;
        let (edge, feed) = if by > 0 {
            (bottom, "\n")
        } else {
            (top + 1, "\x1bM")
        };
        let feeds = feed.repeat(usize::from(by.unsigned_abs()));
        let _ = write!(
            self.frame,
            "\x1b[{};{bottom}r\x1b[{edge}H{feeds}\x1b[r",
            top + 1
        );
        self.at = None;
    }

    fn go(&mut self, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        let _ = match self.at {
            Some((from, row)) if row == y && x > from && x - from < 10 => {
                write!(self.frame, "\x1b[{}C", x - from)
            }
            _ => write!(self.frame, "\x1b[{};{}H", y + 1, x + 1),
        };
        self.at = Some((x, y));
    }

    fn dip(&mut self, pen: Pen) {
        if self.pen == Some(pen) {
            return;
        }
        let before = self.pen.unwrap_or(PLAIN);
        let lost = self.pen.is_none() || !(before.modifier - pen.modifier).is_empty();
        let mut codes: Vec<String> = Vec::new();
        let from = if lost {
            codes.push("0".to_owned());
            PLAIN
        } else {
            before
        };
        for (modifier, code) in MODIFIERS {
            if (pen.modifier - from.modifier).contains(modifier) {
                codes.push(code.to_owned());
            }
        }
        if pen.fg != from.fg {
            codes.push(color(pen.fg, 30));
        }
        if pen.bg != from.bg {
            codes.push(color(pen.bg, 40));
        }
        // A lone 0 may be left out.
        let codes = codes.join(";");
        let _ = write!(
            self.frame,
            "\x1b[{}m",
            if codes == "0" { "" } else { &codes }
        );
        self.pen = Some(pen);
    }

    fn put(&mut self, x: u16, y: u16, symbol: &str) {
        self.frame.push_str(symbol);
        // Terminals disagree on how wide other characters are, and on what comes after the last column: say where the
        // next one goes instead of trusting them.
        let certain = symbol.chars().count() == 1 && symbol.chars().all(is_certainly_narrow);
        let last = x.saturating_add(1) >= self.columns.get();
        self.at = (certain && !last).then(|| (x + 1, y));
    }
}

/// One column wide wherever text is shown at all.
fn is_certainly_narrow(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{2500}'..='\u{259f}' | '·' | '…')
}

const MODIFIERS: [(Modifier, &str); 8] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::SLOW_BLINK, "5"),
    (Modifier::REVERSED, "7"),
    (Modifier::HIDDEN, "8"),
    (Modifier::CROSSED_OUT, "9"),
];

/// The parameters of a colour; `ground` is 30 in front and 40 behind.
fn color(color: Color, ground: u8) -> String {
    let code = match color {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => return format!("{};5;{index}", ground + 8),
        Color::Rgb(red, green, blue) => return format!("{};2;{red};{green};{blue}", ground + 8),
    };
    (ground + code).to_string()
}

/// Columns and rows, within reason. One that says it has none is an old console line, which has as many as it always had.
fn size() -> io::Result<Size> {
    let told = rustix::termios::tcgetwinsize(rustix::stdio::stdout())?;
    if told.ws_col == 0 || told.ws_row == 0 {
        return Ok(Size::new(80, 24));
    }
    Ok(Size::new(
        told.ws_col.min(LARGEST.0),
        told.ws_row.min(LARGEST.1),
    ))
}

impl<W: Write> Backend for Lean<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.go(x, y);
            self.dip(Pen {
                fg: cell.fg,
                bg: cell.bg,
                modifier: cell.modifier - Modifier::RAPID_BLINK,
            });
            self.put(x, y, cell.symbol());
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown != Some(false) {
            self.frame.push_str("\x1b[?25l");
            self.shown = Some(false);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown != Some(true) {
            self.frame.push_str("\x1b[?25h");
            self.shown = Some(true);
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        let (x, y) = self.at.unwrap_or_default();
        Ok(Position { x, y })
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        self.go(position.x, position.y);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.dip(PLAIN);
        self.frame.push_str(match clear_type {
            ClearType::All => "\x1b[2J",
            ClearType::AfterCursor => "\x1b[J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        let size = size()?;
        self.columns.set(size.width);
        Ok(size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: size()?,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let frame = std::mem::take(&mut self.frame);
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(symbol: &str, fg: Color, modifier: Modifier) -> Cell {
        let mut cell = Cell::default();
        cell.set_symbol(symbol);
        cell.fg = fg;
        cell.modifier = modifier;
        cell
    }

    fn drawn(lean: &mut Lean<Vec<u8>>, cells: &[(u16, u16, Cell)]) -> String {
        lean.out.clear();
        lean.draw(cells.iter().map(|(x, y, cell)| (*x, *y, cell)))
            .unwrap();
        lean.hide_cursor().unwrap();
        lean.flush().unwrap();
        String::from_utf8(lean.out.clone()).unwrap()
    }

    #[test]
    fn a_frame_in_which_nothing_changed_costs_nothing() {
        let mut lean = Lean::new(Vec::new());
        drawn(&mut lean, &[(0, 0, cell("a", Color::Red, Modifier::BOLD))]);
        assert_eq!(drawn(&mut lean, &[]), "");
        let tick = [(70, 0, cell("7", Color::Red, Modifier::BOLD))];
        assert_eq!(drawn(&mut lean, &tick), "\x1b[1;71H7");
    }

    #[test]
    fn what_the_terminal_shows_is_what_was_drawn() {
        let mut lean = Lean::new(Vec::new());
        let mut terminal = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        let styles = [
            (Color::Red, Modifier::BOLD),
            (Color::Reset, Modifier::empty()),
            (Color::Indexed(208), Modifier::REVERSED | Modifier::BOLD),
            (Color::LightBlue, Modifier::REVERSED),
            (Color::Rgb(1, 2, 3), Modifier::UNDERLINED),
        ];
        for round in 0..styles.len() {
            let cells: Vec<_> = (0..styles.len())
                .map(|at| {
                    let (fg, modifier) = styles[(at + round) % styles.len()];
                    let x = u16::try_from(at * 3).unwrap();
                    (x, 5, cell(["x", "日", "─"][(at + round) % 3], fg, modifier))
                })
                .collect();
            let bytes = drawn(&mut lean, &cells);
            terminal.process(bytes.as_bytes());
            for (x, y, cell) in &cells {
                let seen = terminal.screen().cell(*y, *x).unwrap();
                assert_eq!(seen.contents(), cell.symbol());
                assert_eq!(seen.bold(), cell.modifier.contains(Modifier::BOLD));
                assert_eq!(seen.inverse(), cell.modifier.contains(Modifier::REVERSED));
                assert_eq!(
                    seen.underline(),
                    cell.modifier.contains(Modifier::UNDERLINED)
                );
                let expected = match cell.fg {
                    Color::Red => vt100::Color::Idx(1),
                    Color::LightBlue => vt100::Color::Idx(12),
                    Color::Indexed(index) => vt100::Color::Idx(index),
                    Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
                    _ => vt100::Color::Default,
                };
                assert_eq!(seen.fgcolor(), expected);
            }
        }
    }

    #[test]
    fn the_place_after_a_character_of_doubtful_width_is_said_again() {
        let mut lean = Lean::new(Vec::new());
        let cells = [
            (0, 0, cell("▶", Color::Reset, Modifier::empty())),
            (1, 0, cell("a", Color::Reset, Modifier::empty())),
            (2, 0, cell("b", Color::Reset, Modifier::empty())),
        ];
        assert!(drawn(&mut lean, &cells).contains("▶\x1b[1;2Hab"));
    }
}
