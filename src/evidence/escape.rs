//! The one way foreign text takes to a screen or an export: whatever could steer a terminal, hide, or change the order
//! of reading is made visible (`␛[31m`, `‹U+202E›`, `‹0xFF›`). Knows nothing of terminals, colours or layouts.
//!
//! What comes out of here holds no control character (but `\n` where lines are kept), no bidirectional control, nothing
//! zero-width but combining marks on a letter, and no character whose look nobody can tell. Escaping twice changes
//! nothing more. It is for reading, not for getting the bytes back: those lie in the record by their digest.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// Columns from one tab stop to the next in [`text`].
const TAB: usize = 8;

/// So many marks may stand on one letter; real writing needs fewer, more of them paint over the lines around.
const MARKS: u8 = 4;

/// A colour sequence longer than this is none.
const LONGEST_COLOUR: usize = 64;

/// A text on one line: control characters become their pictures (`␛`, `␀`, `␊`, `␍`, `␡`), a tab becomes one space,
/// everything else that hides becomes `‹U+202E›`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pass(text, Sink::new(Lines::Shown, Style::Pictures)))
}

/// A text of several lines: as [`line`], but `\n` stays (`\r\n` is read as `\n`) and tabs go to the next multiple of
/// eight columns.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| plain(byte) || byte == b'\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pass(text, Sink::new(Lines::Kept, Style::Pictures)))
}

/// As [`line`], for words that a digest or a commit id is made from: what comes out follows from the tables of this file
/// alone and is the same in every version of this program, so marks on letters are not counted. A picture of a control
/// character that stands in the text itself becomes `‹U+240A›`, so that it is told from the character.
#[must_use]
pub fn frozen_line(text: &str) -> Cow<'_, str> {
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pass(text, Sink::new(Lines::Shown, Style::Frozen)))
}

/// As [`text`], for words that a digest is made from; tab stops count characters, whatever their width.
#[must_use]
pub fn frozen_text(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| plain(byte) || byte == b'\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pass(text, Sink::new(Lines::Kept, Style::Frozen)))
}

/// Bytes on one line: as [`line`], and what is not UTF-8 becomes `‹0xFF›` byte by byte.
#[must_use]
pub fn bytes(bytes: &[u8]) -> String {
    pass_bytes(bytes, Sink::new(Lines::Shown, Style::Pictures))
}

/// Bytes of several lines: as [`text`], and what is not UTF-8 becomes `‹0xFF›` byte by byte.
#[must_use]
pub fn bytes_text(bytes: &[u8]) -> String {
    pass_bytes(bytes, Sink::new(Lines::Kept, Style::Pictures))
}

/// A text on one line in ASCII alone: everything outside of it becomes `<U+202E>`.
#[must_use]
pub fn ascii_line(text: &str) -> Cow<'_, str> {
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pass(text, Sink::new(Lines::Shown, Style::Ascii)))
}

/// A text of several lines in ASCII alone: as [`text`], and everything outside of ASCII becomes `<U+202E>`.
#[must_use]
pub fn ascii_text(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| plain(byte) || byte == b'\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(pass(text, Sink::new(Lines::Kept, Style::Ascii)))
}

/// What a command printed, for reading: its colours taken out, then as [`bytes_text`].
#[must_use]
pub fn output(printed: &[u8]) -> String {
    bytes_text(&decolour(printed))
}

/// Takes out colour sequences (`ESC [ … m`) and nothing else: every other sequence stays, to be made visible. Works in
/// one pass whatever the length of a line, and on bytes, so that nothing invalid is lost on the way.
#[must_use]
pub fn decolour(printed: &[u8]) -> Cow<'_, [u8]> {
    if !printed.contains(&0x1b) {
        return Cow::Borrowed(printed);
    }
    let mut kept = Vec::with_capacity(printed.len());
    let mut rest = printed;
    while let Some(at) = rest.iter().position(|byte| *byte == 0x1b) {
        kept.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = colour(rest);
        if length == 0 {
            kept.push(0x1b);
            rest = &rest[1..];
        } else {
            rest = &rest[length..];
        }
    }
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

/// How many bytes the colour sequence at the start takes; 0 when there is none.
fn colour(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 0;
    }
    bytes
        .iter()
        .take(LONGEST_COLOUR)
        .skip(2)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))
        .filter(|at| bytes[at + 2] == b'm')
        .map_or(0, |at| at + 3)
}

/// A character that makes a command read otherwise than it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hidden {
    /// The character.
    pub char: char,
    /// Where it stands, in bytes.
    pub offset: usize,
}

impl Hidden {
    /// Its name for a message: `U+202E`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("U+{:04X}", u32::from(self.char))
    }
}

/// The first character of a script or command that makes it read otherwise than it runs: a control character other than
/// `\n` and tab, a bidirectional control, something zero-width or private, or a space that is not the space of ASCII.
/// Such a command must not be approved.
#[must_use]
pub fn hidden(command: &str) -> Option<Hidden> {
    command
        .char_indices()
        .find(|(_, c)| {
            !matches!(c, '\n' | '\t') && (c.is_control() || unseen(*c) || selector(*c) || blank(*c))
        })
        .map(|(offset, char)| Hidden { char, offset })
}

/// Bytes that never need a second look.
fn plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// Spaces of many widths, the invisible line ends and the blank Braille pattern: harmless in prose, not in a command.
fn blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{2800}'
                | '\u{3000}'
    )
}

/// Marks that pick a variant of the character before them.
fn selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// Characters that show nothing, reorder what is around them, or look like nobody knows what: the format controls and
/// default-ignorable code points of Unicode 16 (DerivedCoreProperties.txt), less `selector` and the visible Arabic
/// signs, and all private and non-characters. The record format stands on this table and on `emoji`: neither changes
/// within version 1 of it.
fn unseen(c: char) -> bool {
    matches!(c,
        // Bidirectional controls.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Zero width: spaces, joiners, fillers, invisible operators, soft hyphen, byte order mark.
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        // Line ends that no line counter knows.
        | '\u{2028}' | '\u{2029}'
        // Format controls of hieroglyphs, shorthand and music.
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tags and the selectors behind them.
        | '\u{e0000}'..='\u{e0fff}'
        // Private use and non-characters.
        | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Symbols that may be followed by a selector for their coloured or plain form.
fn emoji(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{23ff}'
        | '\u{2460}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// `\n` is a line's end.
    Kept,
    /// `\n` is a character to be shown.
    Shown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Pictures,
    /// Pictures, and nothing that depends on a version of Unicode.
    Frozen,
    Ascii,
}

/// Where the characters go, with what is needed to know about those before.
struct Sink {
    lines: Lines,
    style: Style,
    out: String,
    /// Only counted where lines are kept.
    column: usize,
    /// Marks on the last letter; [`MARKS`] when there is no letter that could carry one.
    marks: u8,
    /// The last character, when a selector may follow it.
    symbol: bool,
}

fn pass(text: &str, mut sink: Sink) -> String {
    sink.out.reserve(text.len() + 16);
    sink.chars(text);
    sink.out
}

fn pass_bytes(bytes: &[u8], mut sink: Sink) -> String {
    sink.out.reserve(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        sink.chars(chunk.valid());
        for byte in chunk.invalid() {
            sink.note(format_args!("0x{byte:02X}"));
        }
    }
    sink.out
}

impl Sink {
    fn new(lines: Lines, style: Style) -> Self {
        Self {
            lines,
            style,
            out: String::new(),
            column: 0,
            marks: MARKS,
            symbol: false,
        }
    }

    fn chars(&mut self, text: &str) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match (c, self.lines) {
                ('\r', Lines::Kept) if rest.peek() == Some(&'\n') => {}
                ('\n', Lines::Kept) => self.newline(),
                ('\t', Lines::Kept) => {
                    for _ in self.column % TAB..TAB {
                        self.letter(' ', 1);
                    }
                }
                ('\t', Lines::Shown) => self.letter(' ', 1),
                _ => self.char(c),
            }
        }
    }

    fn newline(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.marks = MARKS;
        self.symbol = false;
    }

    fn char(&mut self, c: char) {
        if c.is_ascii() && plain(c as u8) {
            return self.letter(c, 1);
        }
        if self.style == Style::Ascii {
            return self.code(c);
        }
        let width = if self.style == Style::Frozen {
            Some(1)
        } else {
            c.width()
        };
        match (c, width) {
            ('\0'..='\x1f', _) => self.picture(0x2400 + u32::from(c)),
            ('\x7f', _) => self.picture(0x2421),
            // What is signed about must not read alike for a line's end and for its picture.
            ('\u{2400}'..='\u{2421}', _) if self.style == Style::Frozen => self.code(c),
            ('\u{fe0e}' | '\u{fe0f}', _) if self.symbol => {
                self.out.push(c);
                self.symbol = false;
            }
            ('\u{80}'..='\u{9f}', _) | (_, None) => self.code(c),
            _ if unseen(c) || selector(c) => self.code(c),
            (_, Some(0)) if self.marks < MARKS => {
                self.out.push(c);
                self.marks += 1;
                self.symbol = false;
            }
            (_, Some(0)) => self.code(c),
            (_, Some(width)) => self.letter(c, width),
        }
    }

    fn letter(&mut self, c: char, width: usize) {
        self.out.push(c);
        self.column += width;
        self.marks = 0;
        self.symbol = emoji(c);
    }

    fn picture(&mut self, code: u32) {
        self.letter(char::from_u32(code).unwrap_or('\u{fffd}'), 1);
        self.symbol = false;
    }

    fn code(&mut self, c: char) {
        self.note(format_args!("U+{:04X}", u32::from(c)));
    }

    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        let (open, close) = match self.style {
            Style::Pictures | Style::Frozen => ('‹', '›'),
            Style::Ascii => ('<', '>'),
        };
        let before = self.out.len();
        self.letter(open, 1);
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{what}");
        self.column += self.out.len() - before - open.len_utf8();
        self.letter(close, 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_sent() {
        assert_eq!(line("\x1b[31mred\x1b[0m"), "␛[31mred␛[0m");
        assert_eq!(line("\x1b]52;c;cm0=\x07"), "␛]52;c;cm0=␇");
        assert_eq!(line("a\rb\x08c\x7f\0"), "a␍b␈c␡␀");
        assert_eq!(line("\u{9b}31m"), "‹U+009B›31m");
        assert_eq!(
            ascii_line("\x1b[31m é\u{202e}"),
            "<U+001B>[31m <U+00E9><U+202E>"
        );
    }

    #[test]
    fn what_reorders_or_hides_is_named() {
        assert_eq!(
            line("a\u{202e}b\u{2066}c\u{200b}"),
            "a‹U+202E›b‹U+2066›c‹U+200B›"
        );
        assert_eq!(
            line("x\u{e0041}\u{e0100}\u{feff}"),
            "x‹U+E0041›‹U+E0100›‹U+FEFF›"
        );
        assert_eq!(
            line("\u{2028}\u{2029}\u{fffe}\u{10ffff}"),
            "‹U+2028›‹U+2029›‹U+FFFE›‹U+10FFFF›"
        );
        assert_eq!(line("rm\u{fe0f} a\u{fe01}"), "rm‹U+FE0F› a‹U+FE01›");
    }

    #[test]
    fn writing_of_all_kinds_stays_as_it_is() {
        for kept in [
            "Zoë e\u{301}",
            "日本語",
            "עברית",
            "हिन्दी",
            "⚠\u{fe0f} stop",
            "ключ",
            "— “quoted” …",
        ] {
            assert_eq!(line(kept), kept);
        }
    }

    #[test]
    fn marks_that_would_paint_over_other_lines_are_named() {
        assert_eq!(line("\u{301}a"), "‹U+0301›a");
        let heap = format!("a{}", "\u{301}".repeat(40));
        let shown = line(&heap);
        assert!(shown.starts_with("a\u{301}\u{301}\u{301}\u{301}‹U+0301›"));
        assert!(!shown.contains(&"\u{301}".repeat(5)));
    }

    #[test]
    fn a_picture_in_frozen_words_is_told_from_the_character_it_shows() {
        assert_eq!(
            frozen_line("a\nb\u{240a}c\x7f\u{2421}"),
            "a␊b‹U+240A›c␡‹U+2421›"
        );
        assert_eq!(line("b\u{240a}c"), "b␊c");
    }

    #[test]
    fn frozen_words_count_neither_marks_nor_widths() {
        let heap = format!("日\t{}\u{202e}\u{9b}", "\u{301}".repeat(9));
        assert_eq!(
            frozen_line(&heap),
            format!("日 {}‹U+202E›‹U+009B›", "\u{301}".repeat(9))
        );
        assert_eq!(frozen_text("日\tb\n\x1b"), "日       b\n␛");
    }

    #[test]
    fn lines_are_kept_where_asked_and_tabs_go_to_their_stops() {
        assert_eq!(line("a\tb\nc"), "a b␊c");
        assert_eq!(text("a\tb\n\tc\r\nd\re"), "a       b\n        c\nd␍e");
        assert_eq!(text("日\tb"), "日      b");
        assert_eq!(ascii_text("a\né"), "a\n<U+00E9>");
    }

    #[test]
    fn bytes_that_are_no_text_are_counted_out() {
        assert_eq!(
            bytes(b"ok \xff\xfe \xe2\x82 \n"),
            "ok ‹0xFF›‹0xFE› ‹0xE2›‹0x82› ␊"
        );
        assert_eq!(bytes_text(b"caf\xe9\n\x9b31m"), "caf‹0xE9›\n‹0x9B›31m");
    }

    #[test]
    fn only_colours_are_taken_out() {
        assert_eq!(&*decolour(b"\x1b[1;31mred\x1b[m \x1b[38:5:1mx"), b"red x");
        assert_eq!(
            output(b"\x1b[32mok\x1b[0m\x1b[2J\x1b]0;t\x07\n"),
            "ok␛[2J␛]0;t␇\n"
        );
        for kept in [
            &b"\x1b["[..],
            b"\x1b",
            b"\x1b[?1m",
            b"\x1b[1 m",
            b"\x1b\x1b[",
            b"\x1b[1\x1b",
        ] {
            assert_eq!(&*decolour(kept), kept);
        }
        let endless = [b"\x1b[".to_vec(), vec![b'1'; 100], b"m".to_vec()].concat();
        assert_eq!(&*decolour(&endless), &endless[..]);
    }

    /// A second look at each byte for each byte would not end within days.
    #[test]
    fn ten_megabytes_of_half_a_sequence_take_one_pass() {
        for unit in [&b"\x1b["[..], b"\x1b[1;", b"\x1b]0;", b"\x1b[31m"] {
            let line: Vec<u8> = unit.iter().copied().cycle().take(10_000_000).collect();
            assert!(decolour(&line).len() <= line.len());
            assert!(output(&line[..1_000_000]).len() < 6_000_000);
        }
    }

    #[test]
    fn case_34_a_command_that_reads_otherwise_than_it_runs_is_told() {
        assert_eq!(hidden("aws iam \\\n\t--key \"$key_id\" é 日"), None);
        let found = hidden("rm \u{202e}txt").unwrap();
        assert_eq!((found.name().as_str(), found.offset), ("U+202E", 3));
        for c in [
            '\r',
            '\x1b',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{200b}',
            '\u{e0061}',
            '\u{a0}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{2028}',
        ] {
            assert_eq!(
                hidden(&format!("ls{c}")).map(|hidden| hidden.char),
                Some(c),
                "{c:?}"
            );
        }
    }

    fn nasty() -> impl Strategy<Value = String> {
        let chars = prop_oneof![
            3 => any::<char>(),
            2 => (0u32..0xa0).prop_filter_map("char", char::from_u32),
            2 => (0x2000u32..0x2070).prop_filter_map("char", char::from_u32),
            1 => (0xe0000u32..0xe0200).prop_filter_map("char", char::from_u32),
            1 => (0xfe00u32..0xfe10).prop_filter_map("char", char::from_u32),
            1 => (0x300u32..0x310).prop_filter_map("char", char::from_u32),
            1 => Just('⚠'),
        ];
        proptest::collection::vec(chars, 0..60).prop_map(|chars| chars.into_iter().collect())
    }

    fn harmless(c: char) -> bool {
        let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let zero = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
        !c.is_control() && !bidi && !zero && !matches!(c, '\u{2028}' | '\u{2029}')
    }

    proptest! {
        #[test]
        fn nothing_that_steers_or_hides_ever_comes_out(input in nasty(), raw in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(line(&input).chars().all(harmless));
            prop_assert!(text(&input).chars().all(|c| c == '\n' || harmless(c)));
            prop_assert!(frozen_line(&input).chars().all(harmless));
            prop_assert!(frozen_text(&input).chars().all(|c| c == '\n' || harmless(c)));
            prop_assert!(ascii_line(&input).bytes().all(plain));
            prop_assert!(ascii_text(&input).bytes().all(|byte| byte == b'\n' || plain(byte)));
            prop_assert!(bytes(&raw).chars().all(harmless));
            prop_assert!(output(&raw).chars().all(|c| c == '\n' || harmless(c)));
        }

        #[test]
        fn escaping_twice_changes_nothing_more(input in nasty()) {
            let once = line(&input);
            prop_assert_eq!(&line(&once), &once);
            let once = text(&input);
            prop_assert_eq!(&text(&once), &once);
            let once = ascii_line(&input);
            prop_assert_eq!(&ascii_line(&once), &once);
        }

        #[test]
        fn text_without_hidden_characters_escapes_to_itself(input in "[ -~äöü日本ключ]{0,40}") {
            prop_assert_eq!(hidden(&input), None);
            prop_assert_eq!(line(&input), input.as_str());
        }

        #[test]
        fn bytes_of_a_text_read_as_the_text(input in nasty()) {
            prop_assert_eq!(bytes(input.as_bytes()), line(&input));
            prop_assert_eq!(bytes_text(input.as_bytes()), text(&input));
        }
    }
}
