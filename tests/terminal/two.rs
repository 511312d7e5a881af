//! Two people at two screens with one hub: what one does shows up at the other's by itself.

use std::time::{Duration, Instant};

use super::place::{Demo, PROGRAM};
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
    sasha.wait("⏳ you");
    let took = asked.elapsed();
    eprintln!("a request was on the other Home after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");

    // From there one Enter leads to what is asked.
    sasha.find("Up", "see what revoke asks");
    sasha.keys(&["Enter"]);
    sasha.wait("You sign: sasha@example.org");
    sasha.wait_enter("read on");
    sasha.keys(&["Enter"]);
    sasha.wait_enter("approve and sign");
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
