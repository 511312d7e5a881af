//! Drawing into the buffer, clipped to it: no coordinate is ever out of bounds, whatever the size of the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::rich::Rich;
use super::super::text;
use super::super::theme::{Theme, Tone};
use super::super::when::Zone;

/// A buffer with what it takes to write on it.
pub(super) struct Canvas<'a> {
    pub buf: &'a mut Buffer,
    pub theme: &'a Theme,
    pub ascii: bool,
    pub zone: Zone,
    /// Where the terminal's cursor belongs, if anywhere.
    pub caret: Option<(u16, u16)>,
}

impl Canvas<'_> {
    pub(super) fn style(&self, tone: Tone) -> Style {
        self.theme.style(tone)
    }

    /// Foreign text on one line, escaped.
    pub(super) fn clean(&self, foreign: &str) -> String {
        text::clean(foreign, self.ascii).into_owned()
    }

    /// Writes in at most so many columns; what does not fit ends in `…`.
    pub(super) fn text(&mut self, x: u16, y: u16, columns: u16, words: &str, tone: Tone) {
        let style = self.style(tone);
        self.put(x, y, columns, words, style);
    }

    fn put(&mut self, x: u16, y: u16, columns: u16, words: &str, style: Style) {
        let area = *self.buf.area();
        if y >= area.bottom() || x >= area.right() || columns == 0 {
            return;
        }
        let columns = columns.min(area.right() - x);
        let words = text::fit(words, usize::from(columns));
        self.buf
            .set_stringn(x, y, words, usize::from(columns), style);
    }

    /// Writes a row; what does not fit ends in `…`. Returns the columns it took.
    pub(super) fn rich(&mut self, x: u16, y: u16, columns: u16, row: &Rich) -> u16 {
        let mut used = 0;
        let too_wide = row.width() > usize::from(columns);
        for (tone, words) in &row.0 {
            let left = columns.saturating_sub(used);
            if left == 0 {
                break;
            }
            let wide = u16::try_from(text::width(words)).unwrap_or(u16::MAX);
            let style = self.style(*tone);
            if too_wide && wide >= left {
                let cut = format!("{}…", text::take(words, usize::from(left - 1)));
                self.put(x + used, y, left, &cut, style);
                return columns;
            }
            self.put(x + used, y, left, words, style);
            used += wide;
        }
        used
    }

    /// Writes a row so that it ends before column `right`. Returns the columns it took.
    pub(super) fn rich_right(&mut self, left: u16, right: u16, y: u16, row: &Rich) -> u16 {
        let room = right.saturating_sub(left);
        let wide = u16::try_from(row.width()).unwrap_or(u16::MAX).min(room);
        self.rich(right - wide, y, wide, row);
        wide
    }

    /// Lays a tone over what is there already.
    pub(super) fn tint(&mut self, x: u16, y: u16, columns: u16, rows: u16, tone: Tone) {
        let area = Rect::new(x, y, columns, rows).intersection(*self.buf.area());
        self.buf.set_style(area, self.theme.style(tone));
    }

    /// Empties a part of the screen.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(*self.buf.area());
        let style = self.style(Tone::Text);
        for y in area.top()..area.bottom() {
            // A wide character that reaches in from the left would hide the first column.
            if let Some(cell) = area
                .left()
                .checked_sub(1)
                .and_then(|x| self.buf.cell_mut((x, y)))
                && text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
            for x in area.left()..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// A line across, with what stands at its ends.
    pub(super) fn across(&mut self, x: u16, y: u16, columns: u16, ends: [&str; 2], tone: Tone) {
        if columns < 2 {
            return;
        }
        let line = format!(
            "{}{}{}",
            ends[0],
            "─".repeat(usize::from(columns) - 2),
            ends[1]
        );
        self.text(x, y, columns, &line, tone);
    }

    /// A line down.
    pub(super) fn down(&mut self, x: u16, y: u16, rows: u16, tone: Tone) {
        for row in 0..rows {
            self.text(x, y + row, 1, "│", tone);
        }
    }

    /// A box with a title, and what stands at the right of its upper edge. Returns the inside.
    pub(super) fn frame(&mut self, area: Rect, title: &Rich, right: &Rich, tone: Tone) -> Rect {
        let Rect {
            x,
            y,
            width,
            height,
        } = area;
        if width < 4 || height < 2 {
            return Rect::new(x, y, 0, 0);
        }
        self.across(x, y, width, ["┌", "┐"], tone);
        self.down(x, y + 1, height - 2, tone);
        self.down(x + width - 1, y + 1, height - 2, tone);
        self.across(x, y + height - 1, width, ["└", "┘"], tone);
        self.titles(x, y, width, title, right);
        Rect::new(x + 1, y + 1, width - 2, height - 2)
    }

    /// Titles on an edge.
    pub(super) fn titles(&mut self, x: u16, y: u16, width: u16, title: &Rich, right: &Rich) {
        let mut room = width.saturating_sub(4);
        if !right.is_empty() {
            let wide = u16::try_from(right.width()).unwrap_or(u16::MAX);
            if wide + 4 < room {
                let start = x + width - 2 - wide;
                self.rich(start, y, wide, right);
                self.text(start - 1, y, 1, " ", Tone::Border);
                self.text(start + wide, y, 1, " ", Tone::Border);
                room = room.saturating_sub(wide + 3);
            }
        }
        if !title.is_empty() && room > 2 {
            self.text(x + 1, y, 1, " ", Tone::Border);
            let used = self.rich(x + 2, y, room, title);
            self.text(x + 2 + used, y, 1, " ", Tone::Border);
        }
    }

    /// In ASCII mode: what was drawn with other characters is drawn with these.
    pub(super) fn make_ascii(&mut self) {
        for cell in &mut self.buf.content {
            let symbol = cell.symbol();
            if symbol.is_ascii() {
                continue;
            }
            let plain = match symbol {
                "─" => "-",
                "│" | "█" | "▌" => "|",
                "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" => "+",
                "…" | "⋯" => "~",
                "·" | "—" | "–" => "-",
                "•" => "*",
                "▶" | "→" => ">",
                "←" => "<",
                "↑" => "^",
                "↓" => "v",
                "✓" => "x",
                "✗" => "!",
                "█▌" => "#",
                _ => "?",
            };
            cell.set_symbol(plain);
        }
    }
}
