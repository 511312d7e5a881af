//! What a frame turned out to hold, so that moving through it knows where the ends are.

/// Sizes of the scrollable parts of the frame that was drawn. The driver hands it back as `Input::Drawn`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Drawn {
    /// The list with the cursor.
    pub list: Extent,
    /// The text beside or instead of it.
    pub text: Extent,
    /// The layer on top: dialog, help, palette.
    pub layer: Extent,
    /// The guarded question on top is on the terminal.
    pub question: bool,
}

/// Rows there are and rows that fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Extent {
    pub rows: usize,
    pub page: usize,
}

impl Extent {
    /// The largest scroll that still fills the page.
    #[must_use]
    pub fn end(self) -> usize {
        self.rows.saturating_sub(self.page)
    }
}

/// A scroll position, moved within the extent last seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Scroll {
    pub top: usize,
}

impl Scroll {
    /// Moves by so many rows.
    pub fn by(&mut self, rows: isize, extent: Extent) {
        self.top = self
            .top
            .min(extent.end())
            .saturating_add_signed(rows)
            .min(extent.end());
    }

    /// The first row to draw.
    #[must_use]
    pub fn within(self, extent: Extent) -> usize {
        self.top.min(extent.end())
    }
}

/// A cursor in a list, with the first row that is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Cursor {
    pub at: usize,
    pub top: usize,
}

impl Cursor {
    /// Moves by so many rows in a list of `count`, staying at its ends.
    pub fn by(&mut self, rows: isize, count: usize) {
        self.at = self
            .at
            .saturating_add_signed(rows)
            .min(count.saturating_sub(1));
    }

    /// Moves one up or down, going round at the ends.
    pub fn round(&mut self, rows: isize, count: usize) {
        if rows < 0 && self.at == 0 {
            self.at = count.saturating_sub(1);
        } else if rows > 0 && self.at + 1 >= count {
            self.at = 0;
        } else {
            self.by(rows, count);
        }
    }

    /// Brings the row into the page by a third of it, so that a slow line is not sent a whole list for every step on.
    pub fn jump(&mut self, row: usize, page: usize, rows: usize) {
        let before = self.top;
        self.show(row, page);
        let third = page / 3;
        if self.top < before {
            self.top = self.top.saturating_sub(third);
        } else if self.top > before {
            self.top = (self.top + third).min(rows.saturating_sub(page)).min(row);
        }
    }

    /// Brings the row into the page, by as little as can be.
    pub fn show(&mut self, row: usize, page: usize) {
        if row < self.top {
            self.top = row;
        } else if page > 0 && row >= self.top + page {
            self.top = row + 1 - page;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scroll_stays_within_what_was_drawn() {
        let extent = Extent { rows: 10, page: 4 };
        let mut scroll = Scroll { top: 90 };
        scroll.by(-1, extent);
        assert_eq!(scroll.top, 5);
        scroll.by(40, extent);
        assert_eq!(scroll.top, 6);
        scroll.by(-40, extent);
        assert_eq!(scroll.top, 0);
    }

    #[test]
    fn a_cursor_goes_round_and_keeps_in_view() {
        let mut cursor = Cursor::default();
        cursor.round(-1, 5);
        assert_eq!(cursor.at, 4);
        cursor.show(4, 3);
        assert_eq!(cursor.top, 2);
        cursor.round(1, 5);
        cursor.show(0, 3);
        assert_eq!((cursor.at, cursor.top), (0, 0));
        cursor.round(1, 0);
        assert_eq!(cursor.at, 0);
    }
}
