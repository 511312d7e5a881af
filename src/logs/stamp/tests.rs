//! Exact lines and exact moments.

use super::*;

fn newest() -> Stamp {
    at("2026-08-17T16:00:00Z")
}

fn at(text: &str) -> Stamp {
    Stamp::of(text.parse().unwrap())
}

fn learnt(line: &str) -> Stamps {
    Stamps::detect(line.as_bytes(), Zone::UTC, newest()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn lines_say_when_they_were_written() {
    for (word, line, moment) in [
        ("iso", "2026-08-17T14:00:00Z up", "2026-08-17T14:00:00Z"),
        (
            "iso",
            "2026-08-17 14:00:00,123 - INFO",
            "2026-08-17T14:00:00.123Z",
        ),
        (
            "iso",
            "[2026-08-17 14:00:00.123456789+02] x",
            "2026-08-17T12:00:00.123456789Z",
        ),
        (
            "rfc5424",
            "<34>1 2026-08-17T14:00:00.003-03:30 h app",
            "2026-08-17T17:30:00.003Z",
        ),
        (
            "nginx",
            r#"::1 - a b [17/Aug/2026:14:00:00 +0200] "GET / HTTP/1.1" 200 1"#,
            "2026-08-17T12:00:00Z",
        ),
    ] {
        let stamps = learnt(line);
        assert_eq!(stamps.format().word(), word, "{line}");
        assert_eq!(stamps.of(line.as_bytes()), Some(at(moment)), "{line}");
        let format = Format::named(word).unwrap();
        let with = Stamps::with(format, Zone::UTC, newest());
        assert_eq!(with.of(line.as_bytes()), Some(at(moment)), "{line}");
    }
}
