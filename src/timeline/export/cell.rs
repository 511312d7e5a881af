//! Cells of tables that spreadsheets open: what they would take for a formula is made plain text, and back.

use std::borrow::Cow;

/// What begins a formula, a command or another cell for one program or another.
const DANGEROUS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a spreadsheet would take this for more than text; also what stands here already as plain text.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(DANGEROUS)
}

/// Text that is nothing but text, whoever opens it.
pub(in crate::timeline) fn cell(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that such a cell was made of.
#[must_use]
pub(in crate::timeline) fn text(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text_and_back() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''@x"] {
            assert_eq!(cell(formula), format!("'{formula}"));
            assert_eq!(text(&cell(formula)), formula);
        }
        for plain in ["", "a=1", "'tis", "' =1", "12"] {
            assert_eq!(cell(plain), plain);
            assert_eq!(text(&cell(plain)), plain);
        }
    }
}
