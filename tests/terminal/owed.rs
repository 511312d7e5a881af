//! An override at two screens: its banner stays until somebody else has reviewed it, and nothing is closed before.

use super::place::{Demo, PROGRAM};
use super::tmux::Tmux;

#[test]
fn an_override_is_on_every_screen_until_somebody_else_reviewed_it() {
    let demo = Demo::new();
    for command in [
        "step INC welcome done --all",
        "step INC look run",
        "step INC keep run",
        "step INC used choose Yes",
        "override INC revoke --reason nobody-answers",
        "step INC revoke run",
        "sync",
    ] {
        demo.does(&demo.robin, command);
    }
    let screen = |who: &[String], command: &str, name: &str| {
        let mut words = vec![PROGRAM.to_owned()];
        words.extend(demo.args(who, command));
        Tmux::start(&demo.place, name, (80, 24), &words.join(" "))
    };
    let robin = screen(&demo.robin, "open INC", "robin");
    let banner = "! override of revoke by robin";
    robin.wait("review owed by somebody else");
    robin.keys(&["t"]);
    assert!(robin.wait("began the runbook").contains(banner));
    robin.keys(&["Escape"]);
    robin.wait("Steps");
    robin.keys(&["C"]);
    robin.wait("not closed: the override of revoke is not reviewed");

    let sasha = screen(&demo.sasha, "", "sasha");
    sasha.wait("⏳ review revoke");
    sasha.find("Up", "review the override of revoke");
    sasha.keys(&["Enter"]);
    let form = sasha.wait("Your signature covers exactly these 2 events:");
    assert!(form.contains(banner), "{form}");
    assert!(form.contains("nobody-answers"), "{form}");
    assert!(form.contains("started revoke"), "{form}");
    sasha.keys(&["Right"]);
    sasha.wait("← accepted →");
    sasha.keys(&["Enter"]);
    sasha.types("the key was leaked");
    sasha.wait_enter("sign the review");
    sasha.keys(&["Enter"]);
    sasha.until("no banner", |screen| !screen.contains(banner));
    robin.until("no banner", |screen| !screen.contains(banner));
}
