//! No bytes steer a terminal, hide or reverse what is read, once they were escaped; and but for what is
//! signed, where a picture is told from what it stands for, escaping again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::evidence::escape;

fn is_harmless(c: char, lines: bool) -> bool {
    match c {
        '\n' => lines,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
            false
        }
        '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => false,
        _ => !c.is_control(),
    }
}

type Sink = fn(&[u8]) -> String;

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fuzz_target!(|bytes: &[u8]| {
    // Whether lines are kept, and whether nothing changes the second time.
    let sinks: [(Sink, bool, bool); 9] = [
        (escape::bytes, false, true),
        (|bytes| escape::line(&text(bytes)).into_owned(), false, true),
        (
            |bytes| escape::ascii_line(&text(bytes)).into_owned(),
            false,
            true,
        ),
        (
            |bytes| escape::frozen_line(&text(bytes)).into_owned(),
            false,
            false,
        ),
        (escape::bytes_text, true, true),
        (escape::output, true, true),
        (|bytes| escape::text(&text(bytes)).into_owned(), true, true),
        (
            |bytes| escape::ascii_text(&text(bytes)).into_owned(),
            true,
            true,
        ),
        (
            |bytes| escape::frozen_text(&text(bytes)).into_owned(),
            true,
            false,
        ),
    ];
    for (sink, lines, settles) in sinks {
        let escaped = sink(bytes);
        let bad = escaped.chars().find(|c| !is_harmless(*c, lines));
        assert!(
            bad.is_none(),
            "{bad:?} came out of {}",
            bytes.escape_ascii()
        );
        if settles {
            assert_eq!(sink(escaped.as_bytes()), escaped, "escaped twice");
        }
    }
});
