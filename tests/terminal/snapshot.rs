//! Screens kept as text under `snapshots/`, with what differs from run to run masked. `UPDATE_SNAPSHOTS=1` writes them.

use std::path::Path;

use regex::Regex;

/// What differs, and what stands for it. As wide as it was, so that borders stay where they are.
const MASKS: [(&str, &str); 12] = [
    (r"\d\d:\d\d:\d\d", "HH:MM:SS"),
    (r"T\+\d\d:\d\d", "T+hh:mm"),
    (r"INC-[0-9A-Z]{4,16}\b", "INC-####"),
    (r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "##########################"),
    (r"SHA256:[0-9A-Za-z+/]{43}", "SHA256:…"),
    (r"(@|\bat )[0-9a-f]{7}\b", "$1#######"),
    (r"20\d\d-\d\d-\d\d", "YYYY-MM-DD"),
    (r"\b\d\d:\d\d\b", "mm:ss"),
    // What a window covers in part.
    (r"INC-[0-9A-Z]┌", "INC-#┌"),
    (r"│ \d\d:\d([│└┌])", "│ hh:m$1"),
    (r"\d UTC", "# UTC"),
    (r"(runsheet-demo|rs)-[0-9A-Za-z]{6}", "$1-######"),
];

/// A screen without what differs.
pub fn masked(screen: &str) -> String {
    let mut text = screen.to_owned();
    for (pattern, with) in MASKS {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, with)
            .into_owned();
    }
    // A span of time may have more digits or fewer; the blanks after it make up for that.
    let span = Regex::new(r"(\d+) ms( *)").unwrap();
    text = span
        .replace_all(&text, |found: &regex::Captures<'_>| {
            let wide = found[0].chars().count();
            format!("{:<wide$}", "# ms")
        })
        .into_owned();
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// Compares a screen with the one that is kept.
pub fn check(name: &str, screen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/terminal/snapshots")
        .join(format!("{name}.txt"));
    let now = masked(screen);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept, now,
        "the screen {name} is not as it is kept:\n{now}\nUPDATE_SNAPSHOTS=1 keeps the new one"
    );
}
