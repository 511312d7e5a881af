//! The exported page as its readers get it: through a validator, and in a real browser, light, dark, narrow and printed.
//! Needs `chromium` and Python's `html5lib`; `tests/run` installs both. Pictures are left in `target/tmp/browser`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[allow(dead_code, reason = "the story is told for other tests too")]
#[path = "../record/events.rs"]
mod events;
#[path = "../example/mod.rs"]
mod example;
#[path = "../support/team.rs"]
mod team;
#[allow(dead_code, reason = "its tests ask more of it")]
#[path = "../engine/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use runsheet::engine::State;
use runsheet::engine::fact::NoteAdded;
use runsheet::timeline::export::html;
use runsheet::timeline::{Options, project};
use runsheet::trust::Mode;

use events::{Tape, state, story};
use example::{Stage, drilled, played};
use team::{Person, Team};

/// A folder of its own.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("browser")
        .join(name);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

/// A page of a tape.
fn page(tape: &Tape) -> String {
    html(
        &project(&state(tape), &tape.events, Options::default()),
        &[],
    )
}

/// The page of the example incident, as all of it or as some readers get it.
fn example(stage: &Stage, readers: Option<&str>) -> String {
    let timeline = match readers {
        Some(name) => stage.seen_by(name),
        None => stage.timeline(),
    };
    html(&timeline, &stage.countdowns_of(&timeline))
}

/// Chromium with nothing of its own to say to anybody.
fn chromium(home: &Path, arguments: &[String]) -> Vec<u8> {
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ])
        .arg(format!(
            "--user-data-dir={}",
            home.join("profile").display()
        ))
        .args(arguments)
        .env("HOME", home)
        .output()
        .expect("chromium is missing: tests/run installs it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// What the harness says of a page in a frame so wide.
fn looked_at(home: &Path, page: &str, width: u32, dark: bool) -> serde_json::Value {
    let quoted = serde_json::to_string(page)
        .unwrap()
        .replace("</", "<\\/")
        .replace("<!--", "<\\!--");
    let harness = include_str!("harness.html")
        .replace("@WIDTH@", &width.to_string())
        .replace("@PAGE@", &quoted);
    let path = home.join("harness.html");
    fs::write(&path, harness).unwrap();
    let scheme = if dark { 0 } else { 1 };
    let dom = chromium(
        home,
        &[
            "--window-size=1400,900".to_owned(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
            "--dump-dom".to_owned(),
            url(&path),
        ],
    );
    let dom = String::from_utf8(dom).unwrap();
    let (_, body) = dom.split_once("<body>").unwrap();
    let (json, _) = body.split_once("</body>").unwrap();
    let json = json
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// The system's own Python has the system's packages.
fn python() -> &'static Path {
    let system = Path::new("/usr/bin/python3");
    if system.exists() {
        system
    } else {
        Path::new("python3")
    }
}

/// What the validator finds wrong with a page.
fn faults(path: &Path) -> String {
    faults_of(path, &[])
}

/// The same, of a page of a certain kind.
fn faults_of(path: &Path, kind: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/page.py");
    let output = Command::new(python())
        .arg(script)
        .arg(path)
        .args(kind)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said.trim().to_owned()
}

fn hostile() -> Tape {
    let mut tape = story(Mode::Exercise);
    for text in [
        "</td></table></main><script>alert(1)</script><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)> ' onmouseover='x' <!-- --> <![CDATA[ ]]> &lt; &#x3c; </title></style>",
        "\u{1b}]52;c;x\u{7} \u{202e}gnp.exe \u{0} \u{fffe}",
        &"unbroken".repeat(200),
    ] {
        let note = NoteAdded {
            text: text.to_owned(),
            step: None,
            details: None,
        };
        tape.add("bob", 1, note);
    }
    tape
}

#[test]
fn pages_are_valid_and_say_what_everything_is() {
    let home = place("valid");
    let nothing = project(&State::default(), &[], Options::default());
    for (name, text) in [
        ("example", example(&played(), None)),
        ("stakeholders", example(&played(), Some("stakeholders"))),
        ("customers", example(&played(), Some("customers"))),
        ("drill", example(&drilled(), None)),
        ("every kind", page(&story(Mode::Live))),
        ("hostile", page(&hostile())),
        ("empty", html(&nothing, &[])),
    ] {
        let path = home.join(format!("{name}.html"));
        fs::write(&path, text).unwrap();
        assert_eq!(faults(&path), "", "{name}");
    }
}

#[test]
fn pages_can_be_read_light_and_dark_wide_and_narrow() {
    let home = place("read");
    for page in [
        example(&played(), None),
        example(&played(), Some("stakeholders")),
        page(&hostile()),
    ] {
        for (width, dark) in [(1280, false), (1280, true), (360, false), (360, true)] {
            let seen = looked_at(&home, &page, width, dark);
            assert_eq!(seen["dark"], dark);
            assert_eq!(
                seen["faults"],
                serde_json::json!([]),
                "{width} wide, dark: {dark}"
            );
            assert!(seen["texts"].as_u64().unwrap() > 300, "{seen}");
        }
    }
}

#[test]
fn planted_faults_are_found() {
    let home = place("planted");
    let written = example(&played(), None);
    let path = home.join("page.html");
    for (from, to, fault) in [
        (
            "<main id=\"main\">",
            "<main id=\"main\"><img src=\"x\" alt=\"\">",
            "<img>",
        ),
        (
            "<main id=\"main\">",
            "<main id=\"main\"></table>",
            "unexpected-end-tag",
        ),
        (
            "<h2 id=\"metrics-h\">",
            "<h4 id=\"metrics-h\">",
            "skips a level",
        ),
        (
            "<section id=\"impact\"",
            "<section id=\"metrics\"",
            "stands twice",
        ),
        (
            "aria-label=\"Table of people\"",
            "aria-label=\"People\"",
            "two regions are called People",
        ),
        (" scope=\"row\"", "", "a row has no head"),
        ("<caption>Severity</caption>", "", "no caption"),
        (
            "href=\"#main\"",
            "href=\"https://x.example\"",
            "leads nowhere",
        ),
    ] {
        assert!(written.contains(from), "{from}");
        fs::write(&path, written.replacen(from, to, 1)).unwrap();
        let found = faults(&path);
        assert!(found.contains(fault), "{to}: {found:?}");
    }
    let planted = written
        .replacen("--soft: #575c67", "--soft: #a9a9a9", 1)
        .replacen(
            "<main id=\"main\">",
            "<main id=\"main\"><p style=\"width:30rem\">wide</p>",
            1,
        );
    let seen = looked_at(&home, &planted, 360, false)["faults"].to_string();
    for fault in ["the page is", "wider than the page: P wide", ":1 <"] {
        assert!(seen.contains(fault), "{fault}: {seen}");
    }
}

#[test]
fn pictures_are_taken_light_dark_narrow_and_printed() {
    let home = place("pictures");
    let path = home.join("page.html");
    fs::write(&path, example(&played(), None)).unwrap();
    // No window is that narrow here, a frame can be.
    let narrow = home.join("frame.html");
    let frame = "<body style=\"margin:0\"><iframe src=\"page.html\" width=\"360\" height=\"4200\" style=\"border:0\">";
    fs::write(&narrow, frame).unwrap();
    let mut pictures = Vec::new();
    for (name, path, size, scheme) in [
        ("light", &path, "1280,4200", 1),
        ("dark", &path, "1280,4200", 0),
        ("narrow", &narrow, "500,4200", 1),
    ] {
        let picture = home.join(format!("{name}.png"));
        chromium(
            &home,
            &[
                format!("--window-size={size}"),
                format!("--blink-settings=preferredColorScheme={scheme}"),
                format!("--screenshot={}", picture.display()),
                url(path),
            ],
        );
        pictures.push(fs::read(picture).unwrap());
    }
    assert!(
        pictures
            .iter()
            .all(|picture| picture.starts_with(b"\x89PNG") && picture.len() > 50_000)
    );
    assert_ne!(pictures[0], pictures[1]);
    let printed = home.join("page.pdf");
    chromium(
        &home,
        &[
            "--no-pdf-header-footer".to_owned(),
            format!("--print-to-pdf={}", printed.display()),
            url(&path),
        ],
    );
    assert!(fs::read(printed).unwrap().starts_with(b"%PDF"));
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let home = place("silent");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    let mut tape = hostile();
    let text = format!(
        "<img src={here}/a.png><link rel=stylesheet href={here}/b.css><style>@import '{here}/c.css'</style>"
    );
    tape.add(
        "bob",
        1,
        NoteAdded {
            text,
            step: None,
            details: None,
        },
    );
    let path = home.join("page.html");
    let written = page(&tape);
    fs::write(&path, &written).unwrap();
    let asks = || listener.accept().map(drop).map_err(|error| error.kind());
    chromium(&home, &["--dump-dom".to_owned(), url(&path)]);
    assert_eq!(asks(), Err(ErrorKind::WouldBlock));

    // Were there such markup in the page, its own policy would hold it back; without that policy it would ask.
    let planted = written.replace(
        "<main id=\"main\">",
        &format!("<main id=\"main\"><img src=\"{here}/d.png\" alt=\"\">"),
    );
    fs::write(&path, &planted).unwrap();
    chromium(&home, &["--dump-dom".to_owned(), url(&path)]);
    assert_eq!(asks(), Err(ErrorKind::WouldBlock));
    let (before, rest) = planted.split_once("<meta http-equiv").unwrap();
    let (_, after) = rest.split_once('>').unwrap();
    fs::write(&path, format!("{before}{after}")).unwrap();
    chromium(
        &home,
        &[
            "--timeout=2000".to_owned(),
            "--dump-dom".to_owned(),
            url(&path),
        ],
    );
    assert_eq!(asks(), Ok(()));
}

/// A page that is served until the test ends.
struct Served {
    program: Child,
    address: String,
}

impl Served {
    fn start(person: &Person, args: &[&str]) -> Self {
        let mut program = person.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(program.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        Self { program, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

const BOOK: &str = "\
id: outage
title: Payments do not go through
summary: Cards are refused.
last_reviewed: 2026-10-01
inputs:
  place: {prompt: Where?}
steps:
  - {id: look, title: Look at it, checklist: [It is the right one]}
";

#[test]
fn the_live_page_changes_as_the_incident_does_in_an_open_browser() {
    let home = place("live");
    let team = Team::new(&[("outage", BOOK)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("outage");
    robin.ok(&[
        "note",
        &inc,
        "Cards are refused in all shops",
        "--class",
        "impact",
    ]);
    robin.ok(&[
        "update",
        &inc,
        "--audience",
        "stakeholders",
        "--next",
        "30m",
        "We look at it",
    ]);
    robin.ok(&["sync", &inc]);
    // Sasha's state is her own: what Robin records comes over the hub.
    let served = Served::start(&sasha, &["serve", &inc, "--audience", "stakeholders"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/live.py");
    let mut reader = Command::new(python())
        .arg(script)
        .arg(&home)
        .args([
            &served.address,
            "Cards are refused in all shops",
            "Cards go through again",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(reader.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("shown"));
    robin.ok(&[
        "note",
        &inc,
        "A secret of the responders",
        "--class",
        "response",
    ]);
    robin.ok(&["note", &inc, "Cards go through again", "--class", "impact"]);
    robin.ok(&["sync", &inc]);
    reader.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(said.next().as_deref(), Some("changed"));
    let told = said.next().unwrap();
    assert!(told.starts_with("Updated at "), "{told}");
    assert!(reader.wait().unwrap().success());
    let path = home.join("page.html");
    let page = Command::new(python())
        .args(["-c", "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode(), end='')"])
        .arg(&served.address)
        .output()
        .unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(!page.contains("A secret of the responders"), "{page}");
    let (head, _) = page.split_once("</header>").unwrap();
    let (_, next) = head.split_once("<dt>Next update</dt>").unwrap();
    assert!(
        next.contains("<dd>stakeholders by ") && next.contains("chip due"),
        "{next}"
    );
    fs::write(&path, page).unwrap();
    assert_eq!(faults_of(&path, &["live"]), "");
}
