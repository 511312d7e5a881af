//! Pictures of the screens, styles included.

use std::sync::Arc;

use chrono::TimeDelta;
use runsheet::engine::Event;
use runsheet::engine::state::Status;
use runsheet::runbook::model::StepId;
use runsheet::trust::Mode;
use runsheet::tui::Theme;
use runsheet::tui::world::{Gate, Notice, Task};

use crate::fixture::*;
use crate::play::Play;

/// `shot!(name, world, "keys")`, at 80×24 unless told.
macro_rules! shot {
    ($name:ident, $world:expr, $keys:expr) => {
        shot!($name, $world, $keys, 80, 24);
    };
    ($name:ident, $world:expr, $keys:expr, $columns:expr, $rows:expr) => {
        #[test]
        fn $name() {
            let mut play = Play::new($world, $columns, $rows);
            play.keys($keys);
            insta::assert_snapshot!(stringify!($name), play.shot());
        }
    };
}

fn home_with_preview() -> World {
    World {
        preview: Some(Arc::new(preview())),
        ..world()
    }
}

fn asked_of_me() -> World {
    let mut world = walking(pending(true));
    world.me = me("carol", "approver");
    world.incidents = crate::fixture::world().incidents;
    world.open.as_mut().unwrap().approval = Some(Arc::new(approval()));
    world
}

/// Nothing of what helps to judge is as one would wish, and some is still looked for.
fn changed_since() -> World {
    let mut world = asked_of_me();
    let mut view = approval();
    view.brief.changed = None;
    view.brief.output = Some(Err("its output is not here and not at the hub".to_owned()));
    view.dry_run.as_mut().unwrap().same = false;
    let text = |text: &str| text.to_owned();
    view.brief.earlier = Some(Ok(Earlier {
        at: at("08:15:00"),
        by: vec![text("dan"), text("carol")],
        incident: text("INC-0017"),
        lines: vec![
            Line::Head(text("the script is another one:")),
            Line::Same(text(
                "aws iam update-access-key --access-key-id \"$key_id\" \\",
            )),
            Line::Out(text("  --status Active")),
            Line::In(text("  --status Inactive \u{202e}; rm -rf /\u{1b}[8m")),
            Line::Value(text("run as"), Some(text("svc")), Some(text("root"))),
            Line::Value(text("region"), None, Some(text("eu-west-1"))),
        ],
    }));
    world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    world
}

fn asked_by_me() -> World {
    let mut world = walking(pending(false));
    let mut view = approval();
    view.asked_by_me = true;
    view.requester = "bob".to_owned();
    view.eligible = Err("bob@example.org asked for it".to_owned());
    world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    world
}

fn reviewing() -> World {
    let mut world = overridden(walking(Gate::Free), "alice");
    world.me = me("carol", "approver");
    world
}

fn running() -> World {
    let mut world = with_run(walking(open_gate()), |run| {
        let step = &mut run.steps[3];
        step.status = Status::Running;
        step.attempt = 1;
        step.started = Some(at("14:02:00"));
        step.by = Some(who("bob"));
    });
    let lines: Vec<String> = (0..40)
        .map(|n| format!("line {n} of output \u{1b}[31mred\u{1b}[0m 日本語"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let key = runsheet::engine::StepRef {
        run: run_id(),
        step: StepId::from("revoke"),
        attempt: 1,
    };
    let open = world.open.as_mut().unwrap();
    open.tails.insert(key, Arc::new(tail(&lines)));
    world
}

fn proposing() -> World {
    let mut world = walking(Gate::Free);
    proposed(
        &mut world,
        "people:\n  carol: {roles: [approver]}\n  dan: {roles: [approver]}\n",
    );
    world
}

fn expunging() -> World {
    let mut world = walking(Gate::Free);
    captured(&mut world, "dump.txt");
    world
}

fn gate_closed() -> Gate {
    Gate::Closed {
        asks: "1 approver; not performer; 15m".to_owned(),
        who: vec!["carol".to_owned()],
    }
}

fn open_gate() -> Gate {
    Gate::Open {
        by: vec!["carol".to_owned()],
        until: Some(at("14:15:52")),
    }
}

fn failed() -> World {
    with_run(walking(open_gate()), |run| {
        let step = &mut run.steps[3];
        step.status = Status::Failed;
        step.attempt = 1;
        step.exit = Some(254);
        step.ended = Some(at("14:02:03"));
        step.reason = Some("An error occurred (NoSuchEntity)".to_owned());
    })
}

fn troubled() -> World {
    let mut world = walking(pending(false));
    world.open.as_mut().unwrap().read_only = Some("no space left on /var/lib".to_owned());
    world.notices.push(Notice {
        id: 1,
        bad: true,
        what: "The note could not be recorded: no space left on device".to_owned(),
        kept: Some("everything recorded before it; what runs goes on".to_owned()),
        hint: Some("make room on /var/lib, then press Ctrl-L".to_owned()),
    });
    world.tasks.push(Task {
        id: 7,
        name: "fetch".to_owned(),
        done: 312,
        total: 412,
        unit: "runbooks".to_owned(),
        rate: 40.0,
    });
    world
}

shot!(home, world(), "");
shot!(home_large, world(), "", 200, 50);
shot!(home_filtered, world(), "/leak cl");
shot!(home_menu_by_arrows, world(), "<up><enter>");
shot!(preview_steps, home_with_preview(), "jj<tab>");
shot!(preview_history, home_with_preview(), "jjh");
shot!(start_form, home_with_preview(), "jj<enter>");
shot!(walk, walking(pending(false)), "");
shot!(walk_large, walking(pending(false)), "", 200, 50);
shot!(walk_approved, walking(open_gate()), "");
shot!(walk_confirm_destructive, walking(open_gate()), "<enter>");
shot!(walk_other_step, walking(open_gate()), "kk<right>");
shot!(walk_running, running(), "");
shot!(
    walk_running_zoomed_and_searched,
    running(),
    "<tab>z/line 7<enter>"
);
shot!(walk_failed, failed(), "<enter>");

shot!(walk_menu, walking(pending(false)), "<right><right>");
shot!(walk_override, walking(pending(false)), "o");
shot!(walk_read_only, troubled(), "");
shot!(
    walk_note_form,
    walking(open_gate()),
    "nfirst call from billing"
);
shot!(palette, walking(open_gate()), "<ctrl-p>mile");
shot!(help, walking(open_gate()), "?");
shot!(home_inbox, two_wait(world()), "");
shot!(inbox_choice, two_wait(asked_of_me()), "i");
shot!(review, reviewing(), "y");
shot!(review_large, reviewing(), "y", 200, 50);
shot!(
    walk_overridden,
    overridden(walking(pending(false)), "bob"),
    ""
);
shot!(checkpoint, asked_of_me(), "<enter>");
shot!(checkpoint_large, asked_of_me(), "<enter>", 200, 50);
shot!(checkpoint_typed, asked_of_me(), "<enter><end><enter>revo");
shot!(walk_adopt, proposing(), "N");
shot!(walk_expunge, expunging(), "E<enter>");
shot!(walk_undo, undoing(gate_closed()), "U");
shot!(walk_undo_asks, undoing(gate_closed()), "U<enter>");
shot!(walk_undo_pending, undoing(pending(false)), "kk<right>");
shot!(checkpoint_delegate, asked_of_me(), "<enter>d");
shot!(checkpoint_evidence, asked_of_me(), "<enter>e");
shot!(checkpoint_changed, changed_since(), "<enter>");
shot!(checkpoint_mine, asked_by_me(), "<enter><down><enter>");
shot!(walk_waiting, walking(pending(false)), "<enter>");
shot!(checkpoint_denied, asked_of_me(), "<enter>x");
shot!(timeline, walking(open_gate()), "t");
shot!(timeline_large, walking(open_gate()), "t", 200, 50);
shot!(timeline_event, walking(open_gate()), "t<home><right>");
shot!(
    timeline_filtered,
    walking(open_gate()),
    "tf<right><right><right><right><right><right><right><ctrl-s>"
);
shot!(too_small, world(), "", 59, 15);

#[test]
fn monochrome_and_ascii_say_the_same() {
    for (name, world, keys) in [
        ("ascii_home", world(), ""),
        ("ascii_walk", walking(pending(false)), ""),
        ("ascii_running", running(), ""),
        ("ascii_checkpoint", asked_of_me(), "<enter>"),
        ("ascii_changed", changed_since(), "<enter>"),
        ("ascii_evidence", asked_of_me(), "<enter>e"),
        ("ascii_inbox", two_wait(asked_of_me()), "i"),
        ("ascii_review", reviewing(), "y"),
        ("ascii_timeline", walking(open_gate()), "t"),
    ] {
        let mut play = Play::new(world, 80, 24);
        play.model.ascii = true;
        play.model.theme = Theme::shipped("monochrome").unwrap();
        play.draw();
        play.keys(keys);
        let shot = play.shot();
        assert!(shot.is_ascii(), "{name}: {shot}");
        insta::assert_snapshot!(name, shot);
    }
}

#[test]
fn an_exercise_says_so_everywhere() {
    for keys in ["", "t"] {
        let mut world = walking(pending(false));
        let open = world.open.as_mut().unwrap();
        open.state = Arc::new(state(Mode::Exercise));
        let mut play = Play::new(world, 80, 24);
        play.keys(keys);
        assert!(
            play.text().matches("EXERCISE").count() >= 2,
            "{}",
            play.text()
        );
    }
}

#[test]
fn an_entry_of_an_exercise_is_not_late_by_real_clocks() {
    let mut world = walking(pending(false));
    let open = world.open.as_mut().unwrap();
    open.state = Arc::new(state(Mode::Exercise));
    let in_an_exercise = |event: &Arc<Event>| {
        let sim = event.recorded_at;
        Arc::new(Event {
            mode: Mode::Exercise,
            sim_time: Some(sim),
            recorded_at: sim + TimeDelta::days(120),
            ..event.as_ref().clone()
        })
    };
    open.events = Arc::new(open.events.iter().map(in_an_exercise).collect());
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home><right>");
    let text = play.text();
    assert!(text.contains("by real clocks"), "{text}");
    assert!(!text.contains("later"), "{text}");
}
