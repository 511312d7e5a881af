//! Reading real files on the screen: `runsheet logs view` in tmux, and byte by byte.

use std::io::Write as _;
use std::time::Duration;

use super::hostile::{ATTACKS, assert_clean};
use super::place::{Demo, PROGRAM, Place, words};
use super::pty::Term;
use super::tmux::Tmux;

/// Lines of a service, one a second.
fn lines(from: usize, to: usize) -> String {
    (from..to)
        .map(|at| {
            let (hour, minute, second) = (10 + at / 3600, at / 60 % 60, at % 60);
            let needle = if at % 700 == 699 { " NEEDLE" } else { "" };
            format!(
                "2026-11-23T{hour:02}:{minute:02}:{second:02}Z api[7]: request {at} took {}ms{needle}\n",
                at % 90
            )
        })
        .collect()
}

#[test]
fn a_file_is_followed_searched_and_gone_through_by_time() {
    let place = Place::new();
    let path = place.path("api.log");
    std::fs::write(&path, lines(0, 9_000)).unwrap();
    let command = format!("{PROGRAM} logs view {}", path.display());
    let tmux = Tmux::start(&place, "viewer", (80, 24), &command);
    let screen = tmux.wait("9,000 lines");
    assert!(screen.contains("request 0 took"), "{screen}");
    tmux.keys(&["f"]);
    tmux.wait("request 8999");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file.write_all(lines(9_000, 9_001).as_bytes()).unwrap();
    tmux.wait("request 9000");
    tmux.types("/needle");
    tmux.keys(&["Home"]);
    tmux.wait("/needle");
    tmux.keys(&["Enter"]);
    tmux.wait("nothing more is found below");
    tmux.keys(&["N"]);
    tmux.wait("12/12");
    tmux.types("g11:30");
    tmux.wait("11:30");
    tmux.keys(&["Enter"]);
    tmux.until("the line of 11:30", |screen| {
        screen
            .lines()
            .any(|line| line.starts_with('▌') && line.contains("T11:30:00Z"))
    });
    tmux.types("n");
    tmux.wait("8/12");
    std::fs::rename(&path, place.path("api.log.1")).unwrap();
    std::fs::write(&path, lines(10_000, 10_003)).unwrap();
    tmux.wait("was rotated");
    tmux.keys(&["f"]);
    tmux.wait("request 10002");
    tmux.keys(&["m"]);
    tmux.wait("★");
    tmux.keys(&["q"]);
    let screen = tmux.wait("ended: 0");
    assert!(screen.contains("2026-11-23T12:46:42Z  "), "{screen}");
    assert!(screen.contains("api.log bytes 106-159 sha256:"), "{screen}");
}

#[test]
fn a_pull_outside_of_a_step_shows_how_far_it_is_and_can_be_ended() {
    let demo = Demo::new();
    let book = "id: pulling\ntitle: Pulling\nseverity: sev3\nsummary: A log that never ends.\nowner: lee\n\
                logs:\n  api: {run: 'echo 2026-08-17T14:00:00Z one; sleep 300'}\n\
                steps:\n  - {id: one, title: One}\n";
    let inc = demo.begins("pulling", book);
    let mut command = vec![PROGRAM.to_owned()];
    command.extend(demo.args(&demo.robin, "open"));
    command.push(inc);
    let tmux = Tmux::start(&demo.place, "pull", (80, 24), &command.join(" "));
    tmux.wait_enter("done");
    tmux.types("l");
    tmux.wait_enter("collect api");
    tmux.keys(&["Enter"]);
    tmux.wait("pulling api 25 bytes");
    tmux.types("X");
    let screen = tmux.wait("cancelled");
    assert!(!screen.contains("pulling api 25 bytes"), "{screen}");
    tmux.wait("captured api from");
}

#[test]
fn a_packed_log_is_read_as_what_is_in_it() {
    let place = Place::new();
    let path = place.path("api.log.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(lines(0, 9_000).as_bytes()).unwrap();
    packer.finish().unwrap();
    let command = format!(
        "{PROGRAM} logs view --at 2026-11-23T11:00:00Z {}",
        path.display()
    );
    let tmux = Tmux::start(&place, "packed", (80, 24), &command);
    tmux.wait("9,000 lines");
    tmux.wait("T11:00:00Z");
    tmux.keys(&["m"]);
    tmux.wait("★");
    tmux.keys(&["q"]);
    let screen = tmux.wait("ended: 0");
    assert!(screen.contains("(unpacked) bytes "), "{screen}");
}

#[test]
fn case_33_a_hostile_log_sends_no_sequences() {
    let place = Place::new();
    let path = place.path("hostile.log");
    let mut text: Vec<u8> = ATTACKS.join("\n").into_bytes();
    text.extend(
        b"\n\xff\xfe\x9b31m\x00\n{\"ts\":\"\x1b[2J\",\"msg\":\"\\u001b]0;owned\\u0007\"}\nlast\n",
    );
    std::fs::write(&path, text).unwrap();
    let mut args = words("logs view");
    args.push(path.display().to_string());
    let term = Term::start(&place, PROGRAM, &args, &[]);
    let screen = term.wait("13 lines");
    assert!(screen.contains("␛[2J"), "shown, not sent:\n{screen}");
    for keys in ["/evil\r", "n", "w", "c", "c", "&abc\r", "u", "m", "s"] {
        term.send(keys);
        term.quiet(Duration::from_millis(120));
    }
    term.wait("Save an excerpt");
    assert_clean("the log screen", &term.bytes());
}

#[test]
fn a_line_costs_little_and_rest_costs_nothing() {
    let place = Place::new();
    let path = place.path("api.log");
    std::fs::write(&path, lines(0, 9_000)).unwrap();
    let mut args = words("logs view");
    args.push(path.display().to_string());
    let term = Term::start(&place, PROGRAM, &args, &[]);
    term.wait("9,000 lines");
    let mut moves = Vec::new();
    for number in 0..40 {
        term.quiet(Duration::from_millis(40));
        let from = term.count();
        term.send("\x1b[B");
        super::place::poll("a frame", || (term.count() > from).then_some(()));
        term.quiet(Duration::from_millis(40));
        if number != 20 {
            moves.push(term.count() - from);
        }
    }
    eprintln!("a line down: {moves:?} bytes");
    assert!(moves[..20].iter().all(|bytes| *bytes <= 80), "{moves:?}");
    assert!(moves.iter().all(|bytes| *bytes <= 300), "{moves:?}");
    let from = term.count();
    // This is what is measured: so long nobody presses anything.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(term.count(), from);
}
