//! The approver's side, on a machine of its own: what is signed, and what helps to judge it.

use super::place::{Demo, PROGRAM};
use super::tmux::Tmux;

/// Up to the destructive step, with its dry run, and asked.
fn ask(demo: &Demo, inc: &str) {
    for command in [
        "step INC welcome done --all",
        "step INC look run",
        "step INC keep run",
        "step INC used choose Yes",
        "step INC revoke dry-run",
        "request INC revoke",
    ] {
        demo.does(&demo.robin, &command.replace("INC", inc));
    }
    demo.does(&demo.robin, "sync");
}

#[test]
fn an_approver_sees_evidence_author_and_what_changed_since_the_last_approval() {
    let demo = Demo::new();
    ask(&demo, "INC");
    demo.does(&demo.sasha, "sync INC");
    demo.does(&demo.sasha, "approve INC revoke");
    demo.does(&demo.sasha, "sync");
    demo.does(&demo.robin, "sync");
    demo.does(&demo.robin, "step INC revoke run");
    // The same step in another incident, at another place.
    let other = demo.place.path("other");
    std::fs::create_dir(&other).unwrap();
    for file in ["service.key", "app.log"] {
        std::fs::write(other.join(file), "another\n").unwrap();
    }
    let start = format!("start first-tour --set place={}", other.display());
    let said = demo.does(&demo.robin, &start);
    let second = said
        .lines()
        .last()
        .unwrap()
        .trim_start_matches("INC-")
        .to_owned();
    ask(&demo, &second);

    let mut words = vec![PROGRAM.to_owned()];
    words.extend(demo.args(&demo.sasha, ""));
    let sasha = Tmux::start(&demo.place, "sasha", (80, 24), &words.join(" "));
    sasha.wait("⏳ approve revoke");
    sasha.keys(&["i"]);
    sasha.wait("Approve revoke for robin?");
    sasha.wait("step last changed by Lee Lindqvist");
    sasha.wait("commit not signed");
    let screen = sasha.wait("the same script as approved");
    assert!(screen.contains("by sasha in INC-"), "{screen}");
    sasha.wait("place: /tmp/");
    // The dry run ran on the other machine; its output came by way of the hub.
    sasha.wait("dry run");
    sasha.wait("by robin: exit 0");
    sasha.wait("service.key");
    sasha.keys(&["e"]);
    sasha.wait("Output of the dry run");
    sasha.keys(&["Escape"]);
    sasha.wait_enter("read on");
    sasha.keys(&["End"]);
    sasha.wait_enter("approve and sign");
}

#[test]
fn a_step_is_rolled_back_by_two_people_at_two_screens() {
    let demo = Demo::new();
    ask(&demo, "INC");
    demo.does(&demo.sasha, "sync INC");
    demo.does(&demo.sasha, "approve INC revoke");
    demo.does(&demo.sasha, "sync");
    demo.does(&demo.robin, "sync");
    demo.does(&demo.robin, "step INC revoke run");
    let screen = |who: &[String], command: &str, name: &str| {
        let mut words = vec![PROGRAM.to_owned()];
        words.extend(demo.args(who, command));
        Tmux::start(&demo.place, name, (80, 24), &words.join(" "))
    };
    let robin = screen(&demo.robin, "open INC", "robin");
    let sasha = screen(&demo.sasha, "", "sasha");
    robin.wait("✓ revoke");
    robin.keys(&["U"]);
    robin.wait_enter("roll back revoke");
    robin.keys(&["Enter"]);
    robin.wait("Rolling revoke back takes an approval");
    robin.find("Down", "ask for approval");
    robin.keys(&["Enter"]);
    robin.wait("undo ⏳ 0/1");

    sasha.wait("⏳ approve undo of revoke");
    sasha.find("Up", "see what revoke asks");
    sasha.keys(&["Enter"]);
    sasha.wait("Approve undoing revoke");
    sasha.find("Down", "approve and sign");
    sasha.keys(&["Enter"]);
    sasha.wait("Type revoke");
    sasha.types("revoke");
    sasha.wait_enter("sign the approval");
    sasha.keys(&["Enter"]);
    sasha.wait("approved rolling back revoke");

    robin.wait("1 for you: i");
    robin.keys(&["i"]);
    robin.wait_enter("roll back (approved by sasha");
    robin.keys(&["Enter"]);
    robin.find("Down", "yes, roll it back");
    robin.keys(&["Enter"]);
    robin.wait("✓ revoke       rolled back");
    robin.wait("│ rolled back ");
}
