//! The terminal goes away, is resized, is taken by the shell: cases 40 to 42. Whatever happens, it is given back as it was.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::place::{self, Demo, PROGRAM};
use super::pty::Term;
use super::tmux::Tmux;

fn shell(demo: &Demo, script: &str) -> Term {
    let mut command = vec![PROGRAM.to_owned()];
    command.extend(demo.args(&demo.robin, "open INC"));
    let script = script.replace("RUNSHEET", &command.join(" "));
    Term::start(&demo.place, "/bin/sh", &["-c".to_owned(), script], &[])
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// Seconds of processor time a process has used.
fn cpu(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

#[test]
fn case_40_the_terminal_is_gone_while_sighup_is_ignored() {
    let demo = Demo::new();
    let mut term = shell(&demo, "trap '' HUP; exec RUNSHEET");
    term.wait("Enter tick");
    let before = cpu(term.child.id()).unwrap();
    term.hang_up();
    let ended = term.ends(Duration::from_secs(1));
    let after = cpu(term.child.id()).unwrap_or(before);
    assert!(ended.is_some(), "it still runs a second after");
    assert!(after - before < 0.5, "it span for {} s", after - before);
}

#[test]
fn case_40_the_terminal_is_gone_and_sighup_comes() {
    let demo = Demo::new();
    let mut term = shell(&demo, "exec RUNSHEET");
    term.wait("Enter tick");
    term.hang_up();
    assert!(term.ends(Duration::from_secs(1)).is_some());
}

#[test]
fn case_41_a_signal_that_ends_it_restores_the_terminal() {
    let demo = Demo::new();
    for end in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut term = shell(&demo, "read go; exec RUNSHEET");
        let before = term.modes();
        term.send("\n");
        term.wait("Enter tick");
        assert!(term.is_on_other_screen());
        assert_ne!(term.modes(), before, "raw mode");
        signal(term.child.id(), end);
        assert!(term.ends(Duration::from_secs(5)).is_some(), "{end:?}");
        place::poll("the first screen", || {
            (!term.is_on_other_screen()).then_some(())
        });
        assert_eq!(term.modes(), before, "{end:?}");
        let bytes = term.bytes();
        let tail = String::from_utf8_lossy(&bytes).into_owned();
        for given_back in ["\x1b[?1049l", "\x1b[?2004l", "\x1b[?1004l", "\x1b[?25h"] {
            assert!(tail.contains(given_back), "{given_back:?} after {end:?}");
        }
    }
}

#[test]
fn case_41_leaving_restores_the_terminal() {
    let demo = Demo::new();
    let mut term = shell(&demo, "read go; exec RUNSHEET");
    let before = term.modes();
    term.send("\n");
    term.wait("Enter tick");
    term.send("\x03");
    assert!(term.ends(Duration::from_secs(5)).unwrap().success());
    assert_eq!(term.modes(), before);
    assert!(!term.is_on_other_screen());
}

#[test]
fn case_41_stopping_gives_the_shell_the_terminal_and_fg_takes_it_back() {
    let demo = Demo::new();
    let mut command = vec![PROGRAM.to_owned()];
    command.extend(demo.args(&demo.robin, "open INC"));
    let tmux = Tmux::start(&demo.place, "tmux", (80, 24), "bash --norc --noprofile -i");
    tmux.types("PS1='$ '; stty -a >before\n");
    tmux.types(&format!("{}\n", command.join(" ")));
    tmux.wait("Enter tick");
    for stop in ["key", "signal"] {
        if stop == "key" {
            tmux.keys(&["C-z"]);
        } else {
            let pid = runsheet_of(&tmux);
            signal(pid, Signal::TSTP);
        }
        tmux.wait("Stopped");
        tmux.types(&format!("stty -a >after-{stop}\n"));
        tmux.types("echo $((40+2))\n");
        tmux.wait("42");
        tmux.types("clear; fg\n");
        let screen = tmux.wait("Enter tick");
        assert!(screen.contains("Steps 0/8"), "{screen}");
        tmux.keys(&["Down"]);
        tmux.wait_enter("look");
        tmux.keys(&["Up"]);
        tmux.wait_enter("tick");
        let home = demo.place.path("home");
        let read = |name: &str| std::fs::read_to_string(home.join(name)).unwrap();
        assert_eq!(read("before"), read(&format!("after-{stop}")), "{stop}");
    }
}

/// The program that the pane's shell runs.
fn runsheet_of(tmux: &Tmux) -> u32 {
    let mut parents = vec![tmux.pid().parse::<u32>().unwrap()];
    while let Some(parent) = parents.pop() {
        let children =
            std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
        for child in children.split_whitespace() {
            let child: u32 = child.parse().unwrap();
            let program = std::fs::read_link(format!("/proc/{child}/exe")).unwrap_or_default();
            if program.ends_with("runsheet") {
                return child;
            }
            parents.push(child);
        }
    }
    panic!("runsheet is not there");
}

#[test]
fn case_42_a_thousand_sizes_are_survived() {
    let demo = Demo::new();
    let mut term = shell(&demo, "exec RUNSHEET");
    term.wait("Enter tick");
    let mut state: u32 = 1;
    let mut next = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u16::try_from(state / 65_536 % most + 1).unwrap()
    };
    let edges = [(1, 1), (500, 200), (1, 200), (500, 1), (59, 15), (60, 16)];
    for round in 0..1_000 {
        let (columns, rows) = edges
            .get(round)
            .copied()
            .unwrap_or_else(|| (next(500), next(200)));
        term.resize(columns, rows);
        if round % 10 == 0 {
            // Every tenth size is drawn before the next one comes; keys go on meaning what they mean.
            term.send(if round % 20 == 0 { "\x1b[B" } else { "\x1b[A" });
            term.quiet(Duration::from_millis(5));
        }
        assert!(term.child.try_wait().unwrap().is_none(), "{columns}×{rows}");
    }
    term.resize(80, 24);
    // A key may overtake the last size: in a window too small for help it means nothing, so it is pressed until it does.
    for _ in 0..100 {
        term.send("?");
        term.quiet(Duration::from_millis(100));
        if term.text().contains("Enter back") {
            break;
        }
    }
    term.wait("Enter back");
    term.send("\x03");
    assert!(term.ends(Duration::from_secs(10)).unwrap().success());
}
