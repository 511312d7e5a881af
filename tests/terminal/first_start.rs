//! The first start with nothing configured, and the second.

use super::place::{PROGRAM, Place};
use super::pty::Term;

/// The titles of what is shipped.
fn shipped() -> usize {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    std::fs::read_dir(dir)
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|ending| ending == "yaml")
        })
        .count()
}

fn answer_the_questions(place: &Place) -> Term {
    let term = Term::start(place, PROGRAM, &[], &[]);
    term.wait("Your name");
    term.send("Alice Ames\r");
    term.wait("Your address");
    term.send("alice@example.org\r");
    term
}

#[test]
fn the_first_start_makes_a_library_and_the_second_goes_straight_to_home() {
    let place = Place::new();
    let term = answer_the_questions(&place);
    let home = term.wait(&format!("{0}/{0}", shipped()));
    assert!(home.contains("nothing is open"), "{home}");
    assert!(home.contains("you alice"), "{home}");
    assert!(home.contains("Enter start"), "{home}");
    drop(term);
    assert!(place.path("home/.config/runsheet/config.toml").exists());

    let again = Term::start(&place, PROGRAM, &[], &[]);
    let home = again.wait(&format!("{0}/{0}", shipped()));
    assert!(!String::from_utf8_lossy(&again.bytes()).contains("Your name"));
    assert!(home.contains("you alice"), "{home}");
}

#[test]
fn whoever_is_alone_can_override_and_owes_a_review() {
    let place = Place::new();
    let term = answer_the_questions(&place);
    term.wait("Enter start");
    drop(term);
    let book = "id: alone\ntitle: Alone at night\nseverity: sev4\nsteps:\n\
                \x20 - {id: cut, title: Cut it, run: echo cut, risk: destructive}\n";
    let library = place.path("home/.local/share/runsheet/library");
    std::fs::write(library.join("runbooks/alone.yaml"), book).unwrap();
    for args in [
        ["add", "."].as_slice(),
        &["commit", "-q", "-m", "Add a runbook"],
    ] {
        let done = place
            .command("git")
            .arg("-C")
            .arg(&library)
            .args(["-c", "user.name=Lee", "-c", "user.email=lee@example.org"])
            .args(args)
            .status()
            .expect("the program `git` is needed for this test");
        assert!(done.success());
    }
    let term = Term::start(&place, PROGRAM, &[], &[]);
    term.wait("Enter start");
    term.send("/alone");
    term.wait("1/11");
    term.send("\r");
    term.wait("Start");
    // Through the form to its way on.
    for _ in 0..6 {
        if term.text().contains("Enter start the incident") || term.text().contains("Steps 0/1") {
            break;
        }
        let (before, from) = (term.text(), term.count());
        term.send("\x1b[B");
        super::place::poll("another screen", || {
            (term.count() > from && term.text() != before).then_some(())
        });
    }
    term.send("\r");
    term.wait("Steps 0/1");
    term.send("o");
    term.wait("Reason");
    term.send("nobody else is awake\x1b[B");
    term.wait("Enter sign the override");
    term.send("cut\r");
    term.wait("Enter run (override)");
    term.send("\r");
    // The command is shown before it starts.
    term.wait("Enter no, not now");
    term.send("\x1b[B");
    term.wait("Enter yes, run it");
    term.send("\r");
    term.wait("Steps 1/1");
    drop(term);
    let status = place.done(&["status".to_owned(), "-".to_owned()]);
    assert!(status.contains("review"), "{status}");
    let incidents = place.done(&["incidents".to_owned()]);
    assert!(incidents.contains("review owed"), "{incidents}");
    let verify = place.runsheet(&["verify".to_owned(), "-".to_owned()]);
    assert_eq!(
        verify.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&verify.stdout)
    );
}
