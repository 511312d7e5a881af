//! Two people at two screens with one hub: what one does shows up at the other's by itself.

use std::time::{Duration, Instant};

use super::place::{Demo, PROGRAM, words};
use super::pty::Term;
use super::tmux::Tmux;

#[test]
fn a_request_shows_up_on_the_other_screen_without_a_key() {
    let demo = Demo::new();
    let command = |who: &[String], more: &str| {
        let mut words = vec![PROGRAM.to_owned()];
        words.extend(demo.args(who, more));
        words.join(" ")
    };
    // Sasha knows nothing of the incident yet.
    let sasha = Tmux::start(&demo.place, "sasha", (80, 24), &command(&demo.sasha, ""));
    sasha.wait("step 0/8");

    for step in ["welcome done --all", "look run", "keep run"] {
        demo.does(&demo.robin, &format!("step INC {step}"));
    }
    demo.does(&demo.robin, "step INC used choose Yes");
    let robin = Tmux::start(
        &demo.place,
        "robin",
        (80, 24),
        &command(&demo.robin, "open INC"),
    );
    robin.wait_enter("ask for approval");
    robin.keys(&["Enter"]);
    robin.wait("asked for approval of revoke");
    let asked = Instant::now();
    sasha.wait("⏳ approve revoke");
    sasha.wait("⏳ 1 for you");
    let took = asked.elapsed();
    eprintln!("a request was on the other Home after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");

    // From there one Enter leads to what is asked.
    sasha.find("Up", "see what revoke asks");
    sasha.keys(&["Enter"]);
    sasha.wait("You sign: sasha@example.org");
    sasha.wait_enter("read on");
    sasha.find("Down", "approve and sign");
    sasha.keys(&["Enter"]);
    sasha.wait("Type revoke");
    sasha.types("revoke");
    sasha.wait_enter("sign the approval");
    sasha.keys(&["Enter"]);
    sasha.wait("approved revoke");
    let approved = Instant::now();
    robin.wait_enter("run (approved by sasha");
    let took = approved.elapsed();
    eprintln!("an approval was on the other Walk after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

fn count(bytes: &[u8], what: &str) -> usize {
    let what = what.as_bytes();
    bytes.windows(what.len()).filter(|at| *at == what).count()
}

#[test]
fn a_request_is_told_once_by_bell_and_notice_and_never_again() {
    let demo = Demo::new();
    let config = demo.place.path("notify.toml");
    std::fs::write(&config, "notify = 'both'\n").unwrap();
    for step in ["welcome done --all", "look run", "keep run"] {
        demo.does(&demo.robin, &format!("step INC {step}"));
    }
    demo.does(&demo.robin, "step INC used choose Yes");
    demo.does(&demo.robin, "sync");
    demo.does(&demo.sasha, "sync INC");
    let mut args = demo.args(&demo.sasha, "open INC");
    args.extend(words("--config"));
    args.push(config.display().to_string());
    let sasha = Term::start(&demo.place, PROGRAM, &args, &[]);
    sasha.wait("4/8");
    let from = sasha.count();
    demo.does(&demo.robin, "request INC revoke");
    demo.does(&demo.robin, "sync");
    // Wherever sasha is: the header counts it, a message says it, and a key goes there.
    sasha.wait("robin asks you to approve revoke");
    sasha.wait("1 for you: i");
    let notice = "\x1b]9;runsheet: robin asks you to approve revoke in INC-";
    let told = sasha.bytes()[from..].to_vec();
    assert_eq!(count(&told, notice), 1, "{}", told.escape_ascii());
    // The bell itself and the one that ends the notice.
    assert_eq!(count(&told, "\x07"), 2, "{}", told.escape_ascii());
    // Drawing everything anew, and going in and out, tells nothing anew.
    let from = sasha.count();
    sasha.send("\x0c");
    sasha.wait("1 for you: i");
    sasha.send("i");
    sasha.wait("You sign: sasha@example.org");
    sasha.send("\x1b");
    sasha.wait("Timeline");
    sasha.quiet(Duration::from_millis(300));
    let later = sasha.bytes()[from..].to_vec();
    assert_eq!(count(&later, "\x07"), 0, "{}", later.escape_ascii());
}
