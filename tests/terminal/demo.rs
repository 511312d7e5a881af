//! The demo, walked from its first step to its end over ssh, at 80×24, with arrows, Enter and Esc only. One word is
//! typed: the id of the destructive step, by the person who approves it.

use super::place::{PROGRAM, Place};
use super::snapshot::check;
use super::sshd::Sshd;
use super::tmux::Tmux;

/// Keys that this walk may press.
const ARROWS_ENTER_ESC: [&str; 6] = ["Enter", "Escape", "Up", "Down", "Left", "Right"];

struct Walk {
    tmux: Tmux,
}

impl Walk {
    fn press(&self, key: &str) {
        assert!(ARROWS_ENTER_ESC.contains(&key), "{key} is not allowed here");
        self.tmux.keys(&[key]);
    }

    /// Enter, once the footer says that it will do this.
    fn enter(&self, what: &str) {
        self.tmux.wait_enter(what);
        self.press("Enter");
    }

    /// The other person sits down, by way of the line for more.
    fn change_places(&self, name: &str) {
        self.tmux.find("Down", "more");
        self.press("Enter");
        self.tmux.wait("What can be done here");
        self.tmux.find("Down", &format!("be {name}"));
        check(&format!("demo-be-{name}"), &self.tmux.screen());
        self.press("Enter");
        self.tmux.wait(&format!("you {name}"));
    }

    fn tick_off_the_welcome(&self) {
        check("demo-first-step", &self.tmux.wait_enter("tick"));
        self.press("Enter");
        self.tmux.wait("welcome: done?");
        for _ in 0..3 {
            self.enter("tick");
            self.tmux.wait("[x]");
        }
        check("demo-checklist", &self.tmux.wait_enter("done"));
        self.press("Enter");
        self.tmux.wait("✓ welcome");
    }

    fn look_keep_and_decide(&self) {
        self.enter("run");
        self.tmux.wait("✓ look");
        self.enter("collect");
        self.tmux.wait("✓ keep");
        check("demo-decision", &self.tmux.wait_enter("choose"));
        self.press("Enter");
        self.tmux.wait("▶ Yes");
        self.enter("Yes");
        self.tmux.wait("✓ used → Yes");
    }

    fn ask_and_approve(&self) {
        self.enter("ask for approval");
        check("demo-asked", &self.tmux.wait_enter("waiting for sasha"));
        self.change_places("sasha");
        self.tmux.find("Up", "read what you are asked to approve");
        self.press("Enter");
        self.tmux.wait("You sign: sasha@example.org");
        // What the text begins with, and then all of it.
        let text = self.tmux.wait_enter("read on");
        assert!(text.contains("asked by   robin@example.org"), "{text}");
        self.tmux.find("Down", "approve and sign");
        self.press("Enter");
        self.tmux.wait("Type revoke");
        self.tmux.types("revoke");
        self.enter("sign the approval");
        self.tmux.wait("approved revoke");
        check("demo-approved", &self.tmux.screen());
    }

    fn run_the_step(&self) {
        self.change_places("robin");
        self.tmux.find("Up", "run (approved by sasha");
        self.press("Enter");
        // Nothing dangerous happens on one key: the command is shown first.
        self.tmux.wait("service.key.revoked");
        let asked = self.tmux.wait_enter("no, not now");
        assert!(asked.contains("$ mv -- \"$place/service.key\""), "{asked}");
        self.tmux.find("Down", "yes, run it");
        self.press("Enter");
        self.tmux.wait("✓ revoke");
    }

    fn finish(&self) {
        self.enter("run");
        self.tmux.wait("✓ gone");
        self.tmux.find("Down", "record the update");
        self.press("Enter");
        self.tmux.wait("✓ tell");
        self.enter("answer");
        self.tmux.wait("before it is needed");
        self.enter("answer");
        check("demo-end", &self.tmux.wait("8/8"));
    }
}

#[test]
fn the_demo_can_be_walked_over_ssh_with_arrows_enter_and_esc() {
    let place = Place::new();
    let sshd = Sshd::start(&place);
    let command = sshd.command(&place, &format!("{PROGRAM} demo"));
    let walk = Walk {
        tmux: Tmux::start(&place, "tmux", (80, 24), &command),
    };
    walk.tick_off_the_welcome();
    walk.look_keep_and_decide();
    walk.ask_and_approve();
    walk.run_the_step();
    walk.finish();
    // Out again, all the way.
    walk.press("Escape");
    walk.tmux.wait("Runbooks");
    walk.tmux.find("Down", "more");
    walk.press("Enter");
    walk.tmux.wait("What can be done here");
    walk.tmux.find("Down", "quit");
    walk.press("Enter");
    walk.tmux.wait("ended: 0");
}
