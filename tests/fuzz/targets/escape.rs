//! No bytes steer a terminal, hide or reverse what is read, once they were escaped; and escaping again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::evidence::escape;

fn is_harmless(c: char, lines: bool) -> bool {
    match c {
        '\n' => lines,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => false,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => false,
        _ => !c.is_control(),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for (escaped, lines) in [
        (escape::bytes(bytes), false),
        (escape::bytes_text(bytes), true),
        (escape::output(bytes), true),
        (escape::line(&text).into_owned(), false),
        (escape::text(&text).into_owned(), true),
        (escape::frozen_line(&text).into_owned(), false),
        (escape::frozen_text(&text).into_owned(), true),
        (escape::ascii_line(&text).into_owned(), false),
        (escape::ascii_text(&text).into_owned(), true),
    ] {
        let bad = escaped.chars().find(|c| !is_harmless(*c, lines));
        assert!(bad.is_none(), "{bad:?} came out of {}", bytes.escape_ascii());
        let again = if lines {
            escape::text(&escaped)
        } else {
            escape::line(&escaped)
        };
        assert_eq!(again, escaped, "escaped twice");
    }
});
