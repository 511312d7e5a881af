//! An exercise at four screens over one hub: who conducts, two who play, who evaluates. What is to come is nowhere that
//! a player could look, before it comes.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::{Place, poll};
use super::team::{PROGRAM, Person, Team, files_below};
use super::tmux::{Tmux, footer};

const BOOK: &str = "\
id: small
title: A small thing
steps:
  - {id: look, title: Look into the cellar, run: cat /srv/cellar}
  - {id: wipe, title: Wipe the cache, run: rm -rf /srv/cache, risk: destructive}
  - {id: tell, title: Tell the others}
";

const SCRIPT: &str = "\
kind: scenario
id: small-drill
title: Something in the cellar
form: drill
summary: Something moves in the cellar.
briefing: |
  You are two, and alone in the house.
runbook: small
severity: sev3
clock: {scale: 60, length: 20h}
objectives:
  - {id: act, title: Act together, capability: Incident management}
parts:
  - {id: ops, title: On-call engineer, side: player, role: operator}
  - {id: lead, title: Approver, side: player, role: approver}
  - {id: control, title: Controller, side: facilitator}
injects:
  - {id: page, title: Erstruf, at: 1m, means: alert, from: monitoring, to: [ops], message: Marderalarm im Keller}
  - {id: boss, title: Zweitruf, by_hand: true, means: phone, from: Boss, message: Zitronenfalter am Apparat}
  - {id: desk, title: Drittruf, after: [{done: wipe}], delay: 10m, means: chat, from: Desk, message: Dachsbau gemeldet, contingency: Nashorn fragen}
expectations:
  - {id: asked, action: Ask before the cache is wiped, role: ops, by: 10h, proof: [{asked: wipe}], objective: act}
  - {id: hummel, action: Tell the boss, role: lead, about: boss, by: 5h, proof: [{note: boss}], objective: act}
answers:
  - {step: look, takes: 10m, output: Luchsauge offen}
code_word: NIGHTINGALE
";

/// A person at a terminal.
fn sit(place: &Place, person: &Person, size: (u16, u16), args: &[&str]) -> Tmux {
    let command = person.command(args);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let mut words = vec![
        format!(
            "cd {} &&",
            quoted(command.get_current_dir().unwrap().as_os_str())
        ),
        "exec env -i TERM=\"$TERM\"".to_owned(),
    ];
    for (name, value) in command.get_envs() {
        let value = value.unwrap_or_default();
        words.push(format!("{}={}", name.to_str().unwrap(), quoted(value)));
    }
    words.push(quoted(PROGRAM.as_ref()));
    words.extend(command.get_args().map(quoted));
    Tmux::start(place, person.id, size, &words.join(" "))
}

/// Everything in every object of every repository below a directory, or in it.
fn objects(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    let mut repositories: Vec<PathBuf> = files_below(dir)
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "HEAD"))
        .filter_map(|file| file.parent().map(Path::to_owned))
        .filter(|dir| dir.join("objects").is_dir())
        .collect();
    repositories.sort();
    assert!(
        !repositories.is_empty(),
        "no repository in {}",
        dir.display()
    );
    for repository in repositories {
        let done = Command::new("git")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .arg("--git-dir")
            .arg(&repository)
            .args(["cat-file", "--batch-all-objects", "--batch"])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        all.extend(done.stdout);
    }
    all
}

fn has(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}

/// The players' side: their screens, all that was ever written to them, their files, and the hub.
struct Watched<'a> {
    players: [(&'a Tmux, &'a Person); 2],
    hub: PathBuf,
    place: &'a Place,
}

impl Watched<'_> {
    fn written(&self, person: &Person) -> PathBuf {
        self.place.path(&format!("{}.written", person.id))
    }

    fn nowhere(&self, words: &[&str]) {
        let hub = objects(&self.hub);
        for word in words {
            assert!(!has(&hub, word), "{word} is at the hub");
        }
        for (screen, person) in self.players {
            let seen = screen.screen();
            let written = std::fs::read(self.written(person)).unwrap();
            let objects = objects(&person.state);
            for word in words {
                assert!(!seen.contains(word), "{word} is on the screen:\n{seen}");
                assert!(
                    !has(&written, word),
                    "{word} was on the screen of {}",
                    person.id
                );
                assert!(
                    !has(&objects, word),
                    "{word} is in an object of {}",
                    person.id
                );
            }
            for file in files_below(&person.state) {
                let bytes = std::fs::read(&file).unwrap_or_default();
                for word in words {
                    assert!(!has(&bytes, word), "{word} is in {}", file.display());
                }
            }
        }
    }
}

/// Presses a key until the footer offers this.
fn find(screen: &Tmux, key: &str, offer: &str) {
    for _ in 0..20 {
        let seen = screen.screen();
        if footer(&seen).contains(offer) {
            return;
        }
        screen.keys(&[key]);
        screen.until("another screen", |now| now != seen);
    }
    panic!("{key} does not lead to {offer:?}:\n{}", screen.screen());
}

#[test]
fn four_people_play_an_exercise_over_one_hub() {
    let place = Place::new();
    let team = Team::new(&[("small", BOOK), ("scenarios/small-drill", SCRIPT)])
        .with_person("fay", &["commander"], &[])
        .with_person("eve", &["scribe"], &[])
        .with_hub();
    let [fay, robin, sasha, eve] = ["fay", "robin", "sasha", "eve"].map(|id| team.person(id));

    // Fay begins it at Home, with the clock stopped.
    let control = sit(&place, &fay, (200, 50), &[]);
    control.until("the scenarios", |seen| footer(seen).contains("x exercise"));
    control.keys(&["x"]);
    control.wait_enter("Something in the cellar");
    control.keys(&["Enter"]);
    control.wait("You are two, and alone in the house.");
    control.wait_enter("begin it, the clock stopped");
    control.keys(&["Enter"]);
    control.wait("STANDS STILL");
    let inc = poll("the incident", || {
        let mut dirs = std::fs::read_dir(fay.state.join("incidents")).ok()?;
        let name = dirs.next()?.ok()?.file_name();
        Some(format!("INC-{}", name.to_str()?))
    });

    // The players see it at their Homes and come in.
    let ops = sit(&place, &robin, (100, 30), &[]);
    let lead = sit(&place, &sasha, (100, 30), &[]);
    let watched = Watched {
        players: [(&ops, &robin), (&lead, &sasha)],
        hub: PathBuf::from(team.hub.as_ref().unwrap()),
        place: &place,
    };
    for (screen, person) in watched.players {
        screen.record(&watched.written(person));
        screen.wait("EXERCISE Something in the cellar");
        screen.find("Up", "open");
        screen.keys(&["Enter"]);
        screen.wait("STANDS STILL");
        screen.keys(&["B"]);
        screen.wait("NIGHTINGALE");
        screen.keys(&["Escape"]);
        screen.wait("Steps");
    }

    // Eve evaluates, with the key of who conducts.
    fay.ok(&["role", &inc, "eve@example.org", "evaluator"]);
    fay.ok(&["sync", &inc]);
    let key = fay.folder(&inc).join("controller.key");
    let key = key.to_str().unwrap();
    eve.ok(&["exercise", "join", &inc, "--controller-key", key]);
    let judge = sit(&place, &eve, (100, 30), &["open", &inc]);
    judge.wait("you eve (evaluator)");
    judge.keys(&["G"]);
    judge.wait("[Script");
    judge.keys(&["Tab", "Tab"]);
    judge.wait("[Score");
    judge.wait("hummel");

    // Before anything comes: fay has it all before her, the players nothing.
    control.keys(&["G"]);
    control.wait("Marderalarm im Keller");
    control.wait("boss: Zweitruf");
    let page = ["Erstruf", "Marderalarm"];
    let rest = [
        "Zweitruf",
        "Zitronenfalter",
        "Drittruf",
        "Dachsbau",
        "Nashorn",
        "Luchsauge",
        "hummel",
        "Tell the boss",
        "Nachtigallgrund",
    ];
    watched.nowhere(&page);
    watched.nowhere(&rest);

    // The clock goes on, and the first message comes.
    control.keys(&["p"]);
    for (screen, _) in watched.players {
        screen.wait("! alert from monitoring to ops: Erstruf");
    }
    ops.keys(&["M"]);
    ops.wait("Marderalarm im Keller");
    ops.keys(&["Escape"]);
    ops.until("no banner", |seen| {
        !seen.contains("! alert from monitoring")
    });
    ops.wait_enter("run");
    let came = "Marderalarm";
    assert!(
        has(&objects(&watched.hub), came),
        "what came is looked for where it is"
    );
    assert!(has(&std::fs::read(watched.written(&robin)).unwrap(), came));
    watched.nowhere(&rest);
    ops.keys(&["Enter"]);
    ops.wait("waiting for the exercise");
    ops.wait("✓ look");

    // Fay stops the clock and lets the second one come by a key.
    control.keys(&["p"]);
    ops.wait("STANDS STILL");
    lead.wait("STANDS STILL");
    watched.nowhere(&["Zweitruf", "Zitronenfalter", "Drittruf", "Dachsbau"]);
    find(&control, "Down", "f let boss come");
    control.keys(&["f"]);
    lead.wait("! phone call from Boss: Zweitruf");

    // Robin asks, sasha answers, robin starts; the script has no result, so fay says it.
    ops.wait_enter("ask for approval");
    ops.keys(&["Enter"]);
    ops.wait("asked for approval of wipe");
    lead.wait("1 for you: i");
    lead.keys(&["i"]);
    lead.wait("You sign: sasha@example.org");
    lead.find("Down", "approve and sign");
    lead.keys(&["Enter"]);
    lead.wait("Type wipe");
    lead.types("wipe");
    lead.wait_enter("sign the approval");
    lead.keys(&["Enter"]);
    lead.wait("approved wipe");
    ops.wait_enter("run (approved by sasha");
    ops.keys(&["Enter"]);
    ops.find("Down", "yes, run it");
    ops.keys(&["Enter"]);
    ops.wait("waiting for the exercise");
    control.wait("wipe waits for a result that the script does not have");
    control.keys(&["Tab"]);
    control.wait("[Now");
    control.wait_enter("answer wipe");
    control.keys(&["Enter"]);
    control.wait("What became of wipe?");
    control.keys(&["Enter"]);
    control.types("Ottermeldung");
    control.keys(&["Enter"]);
    ops.wait("✓ wipe");

    // The third one waits for that, and for the clock.
    let last = ["Drittruf", "Dachsbau", "Nashorn", "hummel", "Tell the boss"];
    watched.nowhere(&last);
    control.until("the clock", |seen| seen.contains("STANDS STILL"));
    control.keys(&["p"]);
    ops.wait("! chat message from Desk: Drittruf");
    lead.wait("Drittruf");

    // Eve says what she thinks of it; nobody else hears of it yet.
    judge.wait_enter("verdict on asked");
    judge.keys(&["Enter"]);
    judge.wait("the record shows: met");
    judge.keys(&["Right"]);
    judge.wait("← late →");
    judge.keys(&["Enter"]);
    judge.types("Nachtigallgrund");
    judge.keys(&["Enter"]);
    judge.wait("record: met");
    control.keys(&["Tab"]);
    control.wait("[Score");
    control.wait("record: met");
    watched.nowhere(&["Nachtigallgrund", "Nashorn", "hummel", "Tell the boss"]);

    // Fay ends it, asked twice; then everybody reads how it went.
    control.keys(&["e"]);
    control.wait("End the exercise?");
    control.find("Down", "it is over");
    control.keys(&["Enter"]);
    control.wait("Type end");
    control.types("end");
    control.wait_enter("end it");
    control.keys(&["Enter"]);
    for (screen, _) in watched.players {
        screen.wait("OVER: G tells how it went");
        screen.keys(&["G"]);
        screen.wait("record: met");
        screen.wait("Nachtigallgrund");
        screen.wait("hummel");
    }
    ops.keys(&["h"]);
    ops.wait_enter("something else");
    ops.keys(&["Enter"]);
    ops.wait("What do you think of it?");
    ops.types("calm enough");
    ops.keys(&["Enter"]);
    ops.keys(&["Escape"]);
    ops.wait("said of the exercise: calm enough");
}
