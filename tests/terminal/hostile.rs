//! Foreign text never reaches the terminal as anything but text: case 33, from titles, notes, authors, command output and
//! file names to every screen and to the command line.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::place::{PROGRAM, Place, poll, words};
use super::pty::Term;

/// One of each: CSI, OSC 0/8/50/52, DCS, C1, lone CR, BS, and a reversal of the writing direction.
pub const ATTACKS: [&str; 10] = [
    "\x1b[2J\x1b[31m",
    "\x1b]0;owned\x07",
    "\x1b]8;;https://evil.example\x1b\\",
    "\x1b]50;evil-font\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP1;1|17/ab\x1b\\",
    "\u{9b}31m\u{9d}0;owned\u{9c}",
    "safe\revil",
    "safe\x08\x08\x08\x08evil",
    "abc\u{202e}def",
];

/// All of them in one line.
fn attack() -> String {
    ATTACKS.join(" ")
}

struct Site {
    place: Place,
    flags: Vec<String>,
    inc: String,
}

impl Site {
    /// A library whose runbook, author and log are hostile, and an incident of it.
    fn new() -> Self {
        let place = Place::new();
        let flags = words(&format!(
            "--state {} --config {} --as mallory@example.org --key {}",
            place.path("state").display(),
            place.path("config.toml").display(),
            place.path("key").display()
        ));
        std::fs::write(place.path("config.toml"), "").unwrap();
        let keygen = place
            .command("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(place.path("key"))
            .status()
            .expect("the program `ssh-keygen` is needed for this test");
        assert!(keygen.success());
        let library = place.path("library");
        let mut init = words("init");
        init.push(library.display().to_string());
        init.extend(words("--name Mallory --email mallory@example.org"));
        init.extend(flags.clone());
        place.done(&init);
        hostile_runbook(&place, &library);
        std::fs::write(place.path("config.toml"), "").unwrap();
        let mut flags = flags;
        flags.push("--library".to_owned());
        flags.push(library.display().to_string());
        let mut site = Self {
            place,
            flags,
            inc: String::new(),
        };
        let started = site.does(&["start", "hostile", "--title", &attack()]);
        site.inc = started.trim().lines().last().unwrap().to_owned();
        site
    }

    fn does(&self, args: &[&str]) -> String {
        let mut all = self.flags.clone();
        all.extend(args.iter().map(|arg| arg.replace("INC", &self.inc)));
        self.place.done(&all)
    }

    fn screen(&self) -> Term {
        let mut args = self.flags.clone();
        args.extend(words(&format!("open {}", self.inc)));
        Term::start(&self.place, PROGRAM, &args, &[])
    }
}

/// A quoted string with everything odd in it written as an escape.
fn escaped(text: &str) -> String {
    let letters: String = text
        .chars()
        .map(|letter| match letter {
            '\\' | '"' => format!("\\{letter}"),
            ' '..='~' => letter.to_string(),
            _ => format!("\\u{:04x}", u32::from(letter)),
        })
        .collect();
    format!("\"{letters}\"")
}

fn hostile_runbook(place: &Place, library: &Path) {
    // JSON's escapes are YAML's, and the parser hands out what they stand for.
    let quoted = escaped(&attack());
    let attachment = place.path(&format!("file-{}", ATTACKS[0].replace('/', "")));
    std::fs::write(&attachment, "x").unwrap();
    std::fs::write(place.path("attack"), attack()).unwrap();
    let book = format!(
        "id: hostile\ntitle: {quoted}\nseverity: sev3\nsummary: {quoted}\nsteps:\n\
         \x20 - id: one\n    title: {quoted}\n    instructions: {quoted}\n    run: cat '{}'; printf '\\n'\n\
         \x20 - id: two\n    title: {quoted}\n    run: echo {quoted}\n    risk: destructive\n",
        place.path("attack").display(),
    );
    std::fs::write(library.join("runbooks/hostile.yaml"), book).unwrap();
    for args in [
        vec!["add", "."],
        vec!["commit", "-q", "-m", "A runbook \x1b[31m of theirs"],
    ] {
        let done = Command::new("git")
            .arg("-C")
            .arg(library)
            .args(args)
            .env_clear()
            .envs(place.env())
            .envs([
                ("GIT_AUTHOR_NAME", "Eve \x1b]0;owned\x07 \u{202e}"),
                ("GIT_AUTHOR_EMAIL", "eve@example.org"),
                ("GIT_COMMITTER_NAME", "Eve"),
                ("GIT_COMMITTER_EMAIL", "eve@example.org"),
            ])
            .status()
            .expect("the program `git` is needed for this test");
        assert!(done.success());
    }
}

/// What the program itself may send: cursor, colours, modes. Everything else is foreign.
pub fn assert_clean(what: &str, bytes: &[u8]) {
    let own = regex::bytes::Regex::new(
        r"(?-u)\x1b\[\?(25|1049|2004|1004)[hl]|\x1b\[[0-9;]*[mHCJKr]|\x1bM|\x1b\[[0-9]*[ABDG]|\r\n|\n|\x07",
    )
    .unwrap();
    // A bell is the program's own only on its own; in foreign text it would end an OSC, whose ESC is found below.
    let rest = own.replace_all(bytes, &b""[..]);
    let text = String::from_utf8_lossy(&rest).into_owned();
    let odd = text.char_indices().find(|(_, letter)| {
        letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    if let Some((at, letter)) = odd {
        let from = text[..at]
            .char_indices()
            .rev()
            .nth(60)
            .map_or(0, |(at, _)| at);
        panic!("{what}: {letter:?} after {:?}", &text[from..at]);
    }
    for sequence in ["owned\x07", "ZXZpbA==\x07", "\x1b[31m\x1b]"] {
        assert!(
            !String::from_utf8_lossy(bytes).contains(sequence),
            "{what}: {sequence:?}"
        );
    }
}

#[test]
fn case_33_no_screen_sends_foreign_sequences() {
    let site = Site::new();
    site.does(&["note", "INC", &attack()]);
    let term = site.screen();
    let walk = term.wait("Steps 0/2");
    assert!(walk.contains("␛[2J"), "shown, not sent:\n{walk}");
    term.send("\r");
    term.wait("Steps 1/2");
    // Request the second step and look at what is asked.
    term.wait("Enter ask for approval");
    term.send("\r");
    term.wait("asked for approval of two");
    term.send("a");
    term.wait("risk       DESTRUCTIVE");
    // What changed since the last approval comes from a thread and makes the text longer: one page may not be enough.
    poll("the end of the text", || {
        term.send("\x1b[6~");
        term.quiet(Duration::from_millis(100));
        term.text().contains("end of the text").then_some(())
    });
    term.send("\x1b");
    term.wait("Steps 1/2");
    term.send("t");
    term.wait("Enter open");
    term.send("\r");
    term.wait("q back");
    term.send("q");
    term.wait("Enter open");
    term.send("\x1b");
    term.wait("Steps 1/2");
    term.send("q");
    term.wait("Runbooks");
    term.send("/hostile");
    term.wait("1/11");
    term.send("\t");
    term.wait("steps · history");
    term.send("h");
    term.wait("Eve");
    term.quiet(std::time::Duration::from_millis(300));
    assert_clean("the screens", &term.bytes());
}

#[test]
fn case_33_the_command_line_prints_no_foreign_sequences() {
    let site = Site::new();
    site.does(&["note", "INC", &attack()]);
    site.does(&["step", "INC", "one", "run"]);
    site.does(&["request", "INC", "two"]);
    for command in [
        "status INC",
        "timeline INC",
        "export INC --format markdown",
        "export INC --format json",
        "incidents",
        "list",
        "show hostile",
        "history hostile",
        "metrics INC",
        "status INC --json",
        "timeline INC --json",
    ] {
        let args: Vec<&str> = command.split_whitespace().collect();
        let out = site.does(&args);
        assert!(!out.is_empty(), "{command}");
        assert_clean(command, out.as_bytes());
        assert!(!out.contains('\x1b'), "{command}");
    }
    // Refusals too.
    let mut args = site.flags.clone();
    args.extend(words("status"));
    args.push(attack());
    let output = site.place.runsheet(&args);
    assert!(!output.status.success());
    assert_clean("an error", &output.stderr);
}
