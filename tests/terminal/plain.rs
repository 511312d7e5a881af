//! Odd surroundings: readers that go away, no UTF-8, no colours, no terminal at all. Case 43.

use std::io::Read as _;
use std::process::Stdio;

use super::place::{Demo, PROGRAM, Place, words};
use super::pty::Term;

#[test]
fn case_43_a_reader_that_goes_away_ends_it_quietly() {
    let demo = Demo::new();
    for command in [
        "man",
        "list",
        "timeline INC",
        "export INC --format json",
        "schema",
    ] {
        let mut child = demo
            .place
            .command(PROGRAM)
            .args(demo.args(&demo.robin, command))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Its end of the pipe is closed before a byte was read.
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{command}: {status} {said}");
        assert!(!said.contains("panicked"), "{command}: {said}");
    }
}

#[test]
fn case_43_head_gets_its_line_and_nobody_complains() {
    let demo = Demo::new();
    for command in ["man", "list", "timeline INC"] {
        let args = demo.args(&demo.robin, command).join(" ");
        let output = demo
            .place
            .command("sh")
            .args(["-c", &format!("{PROGRAM} {args} | head -1")])
            .output()
            .unwrap();
        assert_eq!(
            output.stdout.iter().filter(|byte| **byte == b'\n').count(),
            1
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command}");
    }
}

#[test]
fn case_43_a_locale_without_utf8_gets_ascii() {
    let demo = Demo::new();
    for env in [&[("LANG", "C"), ("LC_ALL", "C")][..], &[("LANG", "")]] {
        let term = Term::start(
            &demo.place,
            PROGRAM,
            &demo.args(&demo.robin, "open INC"),
            env,
        );
        term.wait("Enter tick");
        assert_ascii(&term);
    }
}

#[test]
fn case_43_ascii_shows_no_other_byte_on_any_screen() {
    let demo = Demo::new();
    let mut args = demo.args(&demo.robin, "open INC");
    args.push("--ascii".to_owned());
    let term = Term::start(&demo.place, PROGRAM, &args, &[]);
    term.wait("Enter tick");
    for (key, shows) in [
        ("?", "Enter back"),
        ("\x1b", "Enter tick"),
        (" ", "What can be done here"),
        ("\x1b", "Enter tick"),
        ("t", "Enter open"),
        ("\x1b", "Enter tick"),
        ("q", "Runbooks"),
        ("\x1b[B", "Enter start"),
        ("\t", "Enter start"),
    ] {
        term.send(key);
        term.wait(shows);
    }
    assert_ascii(&term);
}

fn assert_ascii(term: &Term) {
    let bytes = term.bytes();
    let odd = bytes.iter().position(|byte| *byte >= 0x80);
    let near = odd.map(|at| {
        let from = at.saturating_sub(40);
        String::from_utf8_lossy(&bytes[from..(at + 20).min(bytes.len())]).into_owned()
    });
    assert_eq!(near, None);
}

#[test]
fn case_43_bytes_that_are_no_utf8_are_taken_without_harm() {
    let demo = Demo::new();
    let mut command = demo.place.command(PROGRAM);
    command.args(demo.args(&demo.robin, "note INC"));
    use std::os::unix::ffi::OsStrExt as _;
    command.arg(std::ffi::OsStr::from_bytes(b"caf\xe9 burns"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(64), "{said}");

    let term = Term::start(
        &demo.place,
        PROGRAM,
        &demo.args(&demo.robin, "open INC"),
        &[],
    );
    term.wait("Enter tick");
    term.send("n");
    term.wait("Note");
    term.send_bytes(b"caf\xe9 \xff\xfe still here");
    term.wait("still here");
}

#[test]
fn case_43_a_dumb_terminal_is_told_why_there_is_no_screen() {
    let demo = Demo::new();
    let mut term = Term::start(
        &demo.place,
        PROGRAM,
        &demo.args(&demo.robin, "open INC"),
        &[("TERM", "dumb")],
    );
    let status = term.ends(super::place::LONG).unwrap();
    assert_eq!(status.code(), Some(2));
    term.wait("the screen cannot be drawn");
    assert!(!term.bytes().contains(&0x1b));
    let list = demo
        .place
        .command(PROGRAM)
        .env("TERM", "dumb")
        .args(demo.args(&demo.robin, "status INC"))
        .output()
        .unwrap();
    assert!(list.status.success());
    assert!(!list.stdout.contains(&0x1b));
}

#[test]
fn case_43_without_colours_no_colour_is_sent() {
    let demo = Demo::new();
    let mut plain = demo.args(&demo.robin, "open INC");
    plain.extend(words("--color never"));
    let runs = [
        (demo.args(&demo.robin, "open INC"), vec![("NO_COLOR", "1")]),
        (plain, vec![]),
    ];
    for (args, env) in runs {
        let term = Term::start(&demo.place, PROGRAM, &args, &env);
        term.wait("Enter tick");
        term.send("t");
        term.wait("Enter open");
        term.send("\x1b");
        term.wait("Enter tick");
        term.send("q");
        term.wait("Runbooks");
        assert_eq!(colours(&term.bytes()), Vec::<String>::new());
    }
    let term = Term::start(
        &demo.place,
        PROGRAM,
        &demo.args(&demo.robin, "open INC"),
        &[],
    );
    term.wait("Enter tick");
    assert!(!colours(&term.bytes()).is_empty(), "there are colours else");
}

/// The parameters of SGR sequences that set a colour.
fn colours(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let sgr = regex::Regex::new(r"\x1b\[([0-9;:]*)m").unwrap();
    sgr.captures_iter(&text)
        .flat_map(|found| {
            found[1]
                .split([';', ':'])
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|code| {
            code.parse::<u32>()
                .is_ok_and(|code| (30..=49).contains(&code) || (90..=107).contains(&code))
        })
        .collect()
}

#[test]
fn without_a_terminal_it_says_so_and_exits_2() {
    let place = Place::new();
    let output = place.runsheet(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("needs a terminal"), "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(place.path("home")).unwrap().count(), 0);
}
