//! Answers at a checkpoint, on a real terminal: what was typed too early is none, a key file's passphrase is asked for,
//! and a statement can be carried to another machine by the clipboard.

use std::time::Duration;

use super::place::{Demo, PROGRAM, poll};
use super::pty::Term;
use super::tmux::Tmux;

/// Robin has asked for approval of revoke, which is destructive.
fn asked() -> Demo {
    let demo = Demo::new();
    for step in ["welcome done --all", "look run", "keep run"] {
        demo.does(&demo.robin, &format!("step INC {step}"));
    }
    demo.does(&demo.robin, "step INC used choose Yes");
    demo.does(&demo.robin, "request INC revoke");
    demo.does(&demo.sasha, "sync INC");
    demo
}

fn approved(demo: &Demo) -> bool {
    demo.does(&demo.sasha, "timeline INC")
        .contains("approved revoke")
}

#[test]
fn case_44_what_was_typed_before_the_question_approves_nothing_on_the_command_line() {
    let demo = asked();
    let args = demo.args(&demo.sasha, "approve INC revoke");
    let mut term = Term::start(&demo.place, PROGRAM, &args, &[]);
    // Long before the text could have been read.
    term.send("revoke\nrevoke\ny\n");
    term.wait("Type the step's id (revoke) to approve it");
    assert_eq!(
        term.ends(Duration::from_millis(700)),
        None,
        "{}",
        term.text()
    );
    assert!(!approved(&demo));
    // Asked properly, it is answered.
    term.send("revoke\n");
    let status = term.ends(Duration::from_secs(20)).unwrap();
    assert!(status.success(), "{}", term.text());
    assert!(approved(&demo));
}

#[test]
fn case_44_another_word_than_the_steps_id_approves_nothing() {
    let demo = asked();
    let args = demo.args(&demo.sasha, "approve INC revoke");
    let mut term = Term::start(&demo.place, PROGRAM, &args, &[]);
    term.wait("Type the step's id (revoke) to approve it");
    term.send("yes\n");
    let status = term.ends(Duration::from_secs(20)).unwrap();
    assert_eq!(status.code(), Some(1), "{}", term.text());
    assert!(!approved(&demo));
}

fn at_the_checkpoint(demo: &Demo) -> Term {
    let args = demo.args(&demo.sasha, "open INC");
    let term = Term::start(&demo.place, PROGRAM, &args, &[]);
    term.wait("Enter read what you are asked to approve");
    term.send("\r");
    term.wait("You sign: sasha@example.org");
    read_to_the_end(&term);
    term
}

/// Nobody approves what they have not seen to its end.
fn read_to_the_end(term: &Term) {
    while !term.text().contains("Enter approve and sign") {
        let before = term.wait("Enter read on");
        term.send("\r");
        poll("the next lines", || (term.text() != before).then_some(()));
        term.quiet(Duration::from_millis(300));
    }
}

#[test]
fn case_44_what_was_typed_or_pasted_before_the_question_approves_nothing_on_the_screen() {
    let demo = asked();
    let term = at_the_checkpoint(&demo);
    // All at once: the key that opens the question, its answer, and the way on.
    term.send("arevoke\r\r\r");
    let screen = term.wait("Type revoke");
    assert!(!screen.contains("approved revoke"), "{screen}");
    term.quiet(Duration::from_millis(500));
    assert!(!approved(&demo), "{}", term.text());
    // A paste is no typing.
    term.send("\x1b[200~revoke\x1b[201~");
    term.quiet(Duration::from_millis(500));
    term.send("\r\r");
    term.quiet(Duration::from_millis(500));
    assert!(!approved(&demo), "{}", term.text());
    assert!(term.text().contains("Type revoke"), "{}", term.text());
    // Typed letter by letter into the question, it is signed.
    term.send("revoke");
    term.wait("Enter sign the approval");
    term.send("\r");
    term.wait("approved revoke");
    assert!(approved(&demo));
}

/// Gives sasha's key file a passphrase.
fn lock(demo: &Demo) {
    let at = demo.sasha.iter().position(|word| word == "--key").unwrap();
    let done = demo
        .place
        .command("ssh-keygen")
        .args([
            "-q",
            "-p",
            "-P",
            "",
            "-N",
            "correct horse",
            "-f",
            &demo.sasha[at + 1],
        ])
        .status()
        .expect("the program `ssh-keygen` is needed for this test");
    assert!(done.success());
}

#[test]
fn the_passphrase_of_a_key_file_is_asked_for_and_never_shown() {
    let demo = asked();
    lock(&demo);
    let args = demo.args(&demo.sasha, "approve INC revoke");
    // Nobody can be asked: nothing is signed, and the reason is said.
    let alone = demo.place.runsheet(&args);
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert_eq!(alone.status.code(), Some(1), "{said}");
    assert!(said.contains("needs its passphrase"), "{said}");
    for (typed, good) in [("wrong horse", false), ("correct horse", true)] {
        let mut term = Term::start(&demo.place, PROGRAM, &args, &[]);
        term.wait("Type the step's id (revoke) to approve it");
        term.send("revoke\n");
        term.wait("Passphrase of the key");
        term.send(&format!("{typed}\n"));
        let status = term.ends(Duration::from_secs(20)).unwrap();
        assert_eq!(status.success(), good, "{}", term.text());
        let bytes = String::from_utf8_lossy(&term.bytes()).into_owned();
        assert!(!bytes.contains("horse"), "{bytes}");
        assert_eq!(approved(&demo), good, "{bytes}");
    }
}

#[test]
fn the_screen_hands_the_terminal_over_for_a_passphrase_and_takes_it_back() {
    let demo = asked();
    lock(&demo);
    let term = at_the_checkpoint(&demo);
    for (typed, good) in [("wrong horse", false), ("correct horse", true)] {
        term.send("a");
        term.wait("Type revoke");
        term.send("revoke");
        term.wait("Enter sign the approval");
        term.send("\r");
        term.wait("Passphrase of the key");
        assert!(!term.is_on_other_screen());
        term.send(&format!("{typed}\r"));
        if good {
            term.wait("approved revoke");
        } else {
            term.wait("this is not the passphrase");
            term.wait("You sign: sasha@example.org");
        }
        assert!(term.is_on_other_screen());
        assert_eq!(approved(&demo), good);
    }
    let bytes = String::from_utf8_lossy(&term.bytes()).into_owned();
    assert!(!bytes.contains("horse"), "{bytes}");
}

/// What an OSC 52 among these bytes puts on the clipboard.
fn clipboard(bytes: &[u8]) -> Option<String> {
    use base64ct::Encoding as _;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (_, rest) = text.split_once("\x1b]52;c;")?;
    let end = rest.find(['\x07', '\x1b'])?;
    String::from_utf8(base64ct::Base64::decode_vec(&rest[..end]).ok()?).ok()
}

/// Signs what stands on standard input with sasha's key and nothing but ssh-keygen, and has robin take it in.
fn signed_elsewhere(demo: &Demo, who: &[String], statement: &str) {
    use std::io::Write as _;
    use std::process::Stdio;
    let at = demo.sasha.iter().position(|word| word == "--key").unwrap();
    let mut keygen = demo
        .place
        .command("ssh-keygen")
        .args([
            "-Y",
            "sign",
            "-n",
            "approval.v1@runsheet",
            "-f",
            &demo.sasha[at + 1],
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    keygen
        .stdin
        .take()
        .unwrap()
        .write_all(statement.as_bytes())
        .unwrap();
    let signature = keygen.wait_with_output().unwrap().stdout;
    let file = demo.place.path("signature");
    std::fs::write(&file, signature).unwrap();
    demo.does(
        who,
        &format!("approve INC revoke --signature {}", file.display()),
    );
    assert!(approved(demo));
}

#[test]
fn a_statement_is_copied_to_the_clipboard_of_the_terminal() {
    let demo = asked();
    let args = demo.args(
        &demo.robin,
        "statement INC revoke --for sasha@example.org --copy",
    );
    let mut term = Term::start(&demo.place, PROGRAM, &args, &[]);
    let status = term.ends(Duration::from_secs(20)).unwrap();
    assert!(status.success(), "{}", term.text());
    term.quiet(Duration::from_millis(200));
    let copied = clipboard(&term.bytes()).expect("an OSC 52");
    assert!(copied.starts_with("runsheet-approval v1\n") && copied.ends_with('\n'));
    demo.does(&demo.robin, "sync INC");
    signed_elsewhere(&demo, &demo.robin, &copied);
}

#[test]
fn c_on_the_checkpoint_screen_copies_the_statement_also_through_tmux() {
    let demo = asked();
    // Sasha's key is not on this machine: only its name is known.
    let at = demo.sasha.iter().position(|word| word == "--key").unwrap();
    let mut keyless = demo.sasha.clone();
    keyless.drain(at..at + 2);
    let mut words = vec![PROGRAM.to_owned()];
    words.extend(demo.args(&keyless, "open INC"));
    let tmux = Tmux::start(&demo.place, "tmux", (80, 24), &words.join(" "));
    tmux.wait_enter("read what you are asked to approve");
    tmux.keys(&["Enter"]);
    tmux.wait("asked by   robin@example.org");
    tmux.keys(&["c"]);
    tmux.wait("the statement is on the clipboard");
    let copied = tmux.buffer();
    assert!(copied.starts_with("runsheet-approval v1\n"), "{copied}");
    tmux.keys(&["q"]);
    signed_elsewhere(&demo, &keyless, &copied);
}
