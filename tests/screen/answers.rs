//! What keys bring about: the wishes, and where one is then.

use std::sync::Arc;

use runsheet::engine::Intent;
use runsheet::engine::exec::Purpose;
use runsheet::engine::state::{Run, Status};
use runsheet::engine::{RunId, StepRef};
use runsheet::evidence::Digest;
use runsheet::runbook::model::{Kind, RunbookId, Severity, StepId, Uses};
use runsheet::timeline::export::Format;
use runsheet::tui::world::Gate;
use runsheet::tui::{Input, Keymap, Screen, Wish};

use crate::fixture::*;
use crate::play::Play;

fn approved() -> Gate {
    Gate::Open {
        by: vec!["carol".to_owned()],
        until: None,
    }
}

fn asked_of_carol() -> World {
    let mut world = walking(pending(true));
    world.me = me("carol", "approver");
    world.incidents = crate::fixture::world().incidents;
    world.open.as_mut().unwrap().approval = Some(Arc::new(approval()));
    world
}

fn acts(play: &Play) -> Vec<&Intent> {
    play.wishes
        .iter()
        .filter_map(|wish| match wish {
            Wish::Act(intent) => Some(intent),
            _ => None,
        })
        .collect()
}

#[test]
fn a_destructive_step_is_never_started_by_one_key() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.keys("<enter>");
    assert!(acts(&play).is_empty());
    assert!(play.text().contains("on bastion-2 as svc-ir in /srv/ir"));
    assert!(play.text().contains("key_id = AKIAIOSFODNN7EXAMPLE"));
    play.keys("<enter>");
    assert!(acts(&play).is_empty(), "the first answer is no");
    play.keys("<enter><down><enter>");
    let start = Intent::Start {
        step: key("revoke"),
        purpose: Purpose::Run,
    };
    assert_eq!(acts(&play), [&start]);
}

#[test]
fn a_closed_gate_asks_and_an_unsigned_person_cannot() {
    let closed = Gate::Closed {
        asks: "1 approver".to_owned(),
        who: vec!["carol".to_owned()],
    };
    let mut play = Play::new(walking(closed.clone()), 80, 24);
    assert!(play.text().contains("now: ask for approval"));
    play.keys("<enter>");
    assert_eq!(
        acts(&play),
        [&Intent::Request {
            step: key("revoke"),
            purpose: Purpose::Run
        }]
    );
    let mut world = walking(closed);
    world.me.signed = false;
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter>");
    assert!(acts(&play).is_empty());
    assert!(play.text().contains("no key that the library knows"));
}

#[test]
fn an_approval_takes_the_step_id_typed_after_the_question_was_seen() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter>");
    assert_eq!(play.model.screen(), Screen::Checkpoint);
    assert!(play.wishes.contains(&Wish::ShowApproval(key("revoke"))));
    play.keys("<end><enter>revok<enter>");
    assert!(acts(&play).is_empty());
    assert!(play.text().contains("type revoke to go on"));
    play.keys("e<enter>");
    let approve = Intent::Approve {
        step: key("revoke"),
        request: Digest::of(b"request"),
    };
    assert_eq!(acts(&play), [&approve]);
}

#[test]
fn what_was_typed_before_the_question_was_drawn_does_not_answer_it() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter><end>");
    play.wishes.clear();
    for event in crate::play::parse("arevoke<enter>") {
        let more = runsheet::tui::update(&mut play.model, &play.world, Input::Key(event));
        play.wishes.extend(more);
    }
    assert!(acts(&play).is_empty());
    assert!(play.wishes.contains(&Wish::FlushInput));
    play.draw();
    play.keys("<enter>");
    assert!(acts(&play).is_empty(), "the field is still empty");
    play.keys("revoke<enter>");
    assert_eq!(acts(&play).len(), 1);
}

#[test]
fn nobody_approves_a_text_whose_end_was_never_on_the_screen() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter>a");
    assert!(play.model.layers.is_empty());
    assert!(
        play.text().contains("more lines are below"),
        "{}",
        play.text()
    );
    assert!(play.text().contains("Enter read on"), "{}", play.text());
    play.keys("<enter>");
    assert!(
        play.text().contains("Enter approve and sign"),
        "{}",
        play.text()
    );
    // Once it was seen, it may be scrolled back to what is being signed.
    play.keys("<home>a");
    assert!(play.text().contains("Type revoke"), "{}", play.text());
    // Whoever says no need not read on.
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter>xnot now<enter>");
    assert!(matches!(acts(&play)[..], [Intent::Deny { .. }]));
    // Another request is another text.
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter><end>");
    let mut view = approval();
    view.request = Digest::of(b"another");
    play.world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    play.input(Input::WorldChanged);
    play.keys("<home>");
    assert!(play.text().contains("Enter read on"), "{}", play.text());
}

#[test]
fn asking_again_while_others_are_asked_says_what_it_voids() {
    let mut play = Play::new(walking(pending(false)), 80, 24);
    assert!(play.text().contains("now: waiting for carol, dan"));
    play.keys("<enter>");
    assert!(acts(&play).is_empty());
    assert!(play.text().contains("every approval given to it"));
    play.keys("<enter>");
    assert!(acts(&play).is_empty(), "the first answer is to wait");
    play.keys("<enter><down><down><down><enter>");
    let again = Intent::Request {
        step: key("revoke"),
        purpose: Purpose::Run,
    };
    assert_eq!(acts(&play), [&again]);
}

#[test]
fn a_request_is_withdrawn_only_after_a_question() {
    let mut play = Play::new(walking(pending(false)), 80, 24);
    play.keys("w<enter>");
    assert!(acts(&play).is_empty(), "the first answer is no");
    play.keys("w<down><enter>");
    assert_eq!(acts(&play), [&Intent::Withdraw(key("revoke"))]);
}

#[test]
fn a_duty_is_given_to_somebody_who_is_known() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.keys("r");
    assert!(play.text().contains("example.org →"), "{}", play.text());
    play.keys("<right><enter><enter>");
    assert!(
        matches!(acts(&play)[..], [Intent::AssignRole { .. }]),
        "{:?}",
        play.wishes
    );
}

#[test]
fn pasting_the_step_id_is_refused() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter><end><enter>");
    play.input(Input::Paste("revoke".to_owned()));
    assert!(play.text().contains("pasting is refused"));
    play.keys("<enter>");
    assert!(acts(&play).is_empty());
}

#[test]
fn who_may_not_answer_is_told_why_and_cannot() {
    let mut world = asked_of_carol();
    let mut view = approval();
    view.eligible = Err("you asked for it yourself".to_owned());
    world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter>a<enter>x");
    assert!(acts(&play).is_empty());
    assert!(
        play.text()
            .contains("You cannot answer: you asked for it yourself")
    );
}

#[test]
fn approving_by_arrows_enter_and_esc_only() {
    let mut world = asked_of_carol();
    let mut view = approval();
    view.destructive = false;
    world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter><enter><enter><left><enter>");
    assert_eq!(acts(&play).len(), 1, "{}", play.text());
}

#[test]
fn a_checklist_is_ticked_item_by_item() {
    let world = with_run(walking(Gate::Free), |run| {
        run.steps[0].status = Status::Todo;
        run.at = Some(StepId::from("confirm"));
    });
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter><enter><down><down><enter>");
    assert!(acts(&play).is_empty(), "one item is open");
    assert!(play.text().contains("Reporter thanked: not ticked yet"));
    play.keys("<enter><down><enter>");
    let [Intent::Done { checklist, .. }] = acts(&play)[..] else {
        panic!("{:?}", play.wishes);
    };
    assert_eq!(checklist.len(), 2);
}

#[test]
fn the_suggested_answer_is_marked_and_the_person_decides() {
    let mut world = with_run(walking(Gate::Free), |run| {
        run.steps[2].status = Status::Todo;
        run.steps[2].choice = None;
        run.at = Some(StepId::from("used"));
    });
    let facts = StepFacts {
        suggested: Some(("No".to_owned(), "uses == '0'".to_owned())),
        ..StepFacts::default()
    };
    let open = world.open.as_mut().unwrap();
    open.steps.insert(key("used"), Arc::new(facts));
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter>");
    assert!(
        play.text().contains("▶ No  suggested: uses == '0'"),
        "{}",
        play.text()
    );
    play.keys("<up><enter>");
    let choose = Intent::Choose {
        step: key("used"),
        label: "Yes".to_owned(),
    };
    assert_eq!(acts(&play), [&choose]);
}

#[test]
fn an_answer_of_the_wrong_kind_is_not_taken() {
    let world = with_run(walking(Gate::Free), |run| {
        run.at = Some(StepId::from("scope"))
    });
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter>many<enter>");
    assert!(acts(&play).is_empty());
    assert!(play.text().contains("whole number"));
    play.keys("<ctrl-u>12<enter>");
    let [Intent::Answer { answers, .. }] = acts(&play)[..] else {
        panic!("{:?}", play.wishes);
    };
    assert_eq!(answers["accounts_affected"], "12");
}

#[test]
fn an_incident_is_started_with_its_inputs_and_secrets_stay_masked() {
    let mut play = Play::new(world(), 80, 24);
    play.keys("/leak cl<enter>");
    let read = Wish::Preview("leaked-cloud-key".into());
    assert!(play.wishes.contains(&read), "{:?}", play.wishes);
    play.world.preview = Some(Arc::new(preview()));
    play.input(Input::WorldChanged);
    play.keys("<enter><enter>akia<enter><right><enter>hunter2");
    assert!(!play.text().contains("hunter2"));
    assert!(
        !format!("{:?}", play.model).contains("hunter2"),
        "the value is in a text form"
    );
    play.keys("<enter>");
    assert!(play.text().contains("does not match"), "{}", play.text());
    play.keys("<ctrl-u>AKIA12345<enter><enter><enter>");
    let start = play.wishes.iter().find_map(|wish| match wish {
        Wish::StartIncident(start) => Some(start),
        _ => None,
    });
    let start = start.expect("a start");
    assert_eq!(start.title, "Leaked cloud access key");
    assert_eq!(start.severity, Severity::Sev2);
    assert_eq!(start.inputs["key_id"], "AKIA12345");
    assert_eq!(start.inputs["account"], "staging");
    assert_eq!(start.secrets["token"].0, "hunter2");
}

#[test]
fn what_waits_for_me_opens_its_checkpoint() {
    let mut play = Play::new(world(), 80, 24);
    play.keys("<enter>");
    assert!(play.wishes.contains(&Wish::OpenIncident(incident_id())));
    play.world = World {
        now: play.world.now,
        ..asked_of_carol()
    };
    play.input(Input::WorldChanged);
    assert_eq!(play.model.screen(), Screen::Checkpoint);
    assert!(play.text().contains("will run on bastion-2"));
    play.keys("<esc><esc>");
    assert_eq!(play.model.screen(), Screen::Home);
    assert!(play.wishes.contains(&Wish::LeaveIncident));
}

#[test]
fn a_backdated_entry_needs_a_time_and_a_note_may_have_one() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.keys("tbfirst page<enter>");
    assert!(play.text().contains("begins with a time"));
    play.keys("<ctrl-u>13:40 first page<enter>");
    let [
        Intent::Note {
            text,
            at: Some(time),
            ..
        },
    ] = acts(&play)[..]
    else {
        panic!("{:?}", play.wishes);
    };
    assert_eq!((text.as_str(), *time), ("first page", at("13:40:00")));
}

#[test]
fn a_milestone_can_be_backdated() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.keys("m<enter>-5m<enter>");
    let [
        Intent::Reach {
            milestone,
            at: time,
            ..
        },
    ] = acts(&play)[..]
    else {
        panic!("{:?}", play.wishes);
    };
    assert_eq!(milestone.word(), "acknowledged");
    assert_eq!(*time, Some(at("13:57:11")));
}

#[test]
fn a_run_that_is_over_says_what_comes_next() {
    let world = with_run(walking(Gate::Free), |run| run.at = None);
    let mut play = Play::new(world, 80, 24);
    assert!(play.text().contains("now: what next"));
    play.keys("<enter>");
    assert!(play.text().contains("set the milestone resolved"));
    play.keys("<enter><enter>");
    assert!(
        matches!(acts(&play)[..], [Intent::Reach { at: None, .. }]),
        "{:?}",
        play.wishes
    );
}

#[test]
fn an_unknown_outcome_is_settled_by_a_person() {
    let world = with_run(walking(approved()), |run| {
        run.steps[3].status = Status::Unknown
    });
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter><enter>seen in the console<enter>");
    assert!(
        matches!(
            acts(&play)[..],
            [Intent::Resolve {
                reason: Some(_),
                ..
            }]
        ),
        "{:?}",
        play.wishes
    );
}

#[test]
fn the_cursor_goes_along_when_the_run_moves_on() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.world = with_run(play.world.clone(), |run| {
        run.at = Some(StepId::from("verify"))
    });
    play.input(Input::WorldChanged);
    assert_eq!(play.model.walk.cursor.at, 4);
    play.keys("kk");
    play.world = with_run(play.world.clone(), |run| {
        run.at = Some(StepId::from("rotate"))
    });
    play.input(Input::WorldChanged);
    assert_eq!(
        play.model.walk.cursor.at, 2,
        "it was moved away, so it stays"
    );
}

#[test]
fn a_message_is_put_away_by_esc_and_stays_away() {
    let mut world = walking(approved());
    world.notices.push(Notice {
        id: 3,
        bad: true,
        what: "Refused".to_owned(),
        kept: None,
        hint: None,
    });
    let mut play = Play::new(world, 80, 24);
    assert!(play.text().contains("✗ Refused"));
    play.keys("<esc>");
    assert!(!play.text().contains("Refused"));
    assert_eq!(play.model.screen(), Screen::Walk);
}

#[test]
fn every_label_of_the_footer_is_of_a_key_that_does_something() {
    for world in [world(), walking(pending(false)), asked_of_carol()] {
        let play = Play::new(world, 80, 24);
        let before = play.model.clone();
        for (key, label) in runsheet::tui::applies::footer(&before, &play.world) {
            let mut model = before.clone();
            let spelled = match key.as_str() {
                "→" => "right".to_owned(),
                key if key.chars().count() > 1 => key.to_lowercase(),
                key => key.to_owned(),
            };
            let event = crate::play::parse(&format!("<{spelled}>"))[0];
            let wishes = runsheet::tui::update(&mut model, &play.world, Input::Key(event));
            let moved = format!("{model:?}") != format!("{before:?}");
            assert!(moved || !wishes.is_empty(), "{key} {label} does nothing");
            assert!(!wishes.contains(&Wish::Bell), "{key} {label} rings");
        }
    }
}

#[test]
fn an_entry_is_corrected_by_arrows_and_enter() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.keys("t<up><right><right><down><down><down><enter>now with a port<enter>typo<enter>");
    let [
        Intent::Correct {
            event,
            text,
            reason,
        },
    ] = acts(&play)[..]
    else {
        panic!("{:?}", play.text());
    };
    assert_eq!(
        (text.as_str(), reason.as_str()),
        ("now with a port", "typo")
    );
    assert_eq!(*event, play.world.open.as_ref().unwrap().events[5].id);
}

#[test]
fn a_sub_runbook_is_walked_and_then_left_for_its_parent() {
    let world = with_run(walking(approved()), |run| {
        run.steps[3].status = Status::Running;
        let mut book = (*run.book).clone();
        book.steps[3].kind = Kind::Uses(Uses {
            runbook: RunbookId::from("host-forensics"),
            with: Vec::new(),
        });
        run.book = Arc::new(book);
    });
    let mut play = Play::new(world, 80, 24);
    let child = |at: Option<&str>| {
        let mut child = run();
        child.id = RunId::new("host-forensics.a1b2").unwrap();
        child.parent = Some(StepRef {
            run: run_id(),
            step: StepId::from("revoke"),
            attempt: 1,
        });
        child.at = at.map(StepId::from);
        Arc::new(child)
    };
    let put = |play: &mut Play, child: Arc<Run>| {
        let open = play.world.open.as_mut().unwrap();
        let mut state = (*open.state).clone();
        state.runs.truncate(1);
        state.runs.push(child);
        open.state = Arc::new(state);
        play.input(Input::WorldChanged);
    };
    put(&mut play, child(Some("confirm")));
    assert!(play.text().contains("run 2/2"), "{}", play.text());
    play.keys("g");
    assert!(
        play.text().contains("walk host-forensics"),
        "{}",
        play.text()
    );
    play.keys("<enter>");
    assert!(play.text().contains("run 2/2"), "{}", play.text());
    put(&mut play, child(None));
    assert!(play.text().contains("run 1/2"), "{}", play.text());
}

#[test]
fn a_rebound_key_is_shown_and_works() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.model.keymap = Keymap::with_overrides("[walk]\nnote = 'ctrl-n'").unwrap();
    play.draw();
    assert!(play.text().contains("Ctrl-N note"), "{}", play.text());
    play.keys("n");
    assert!(play.model.layers.is_empty());
    play.keys("<ctrl-n>");
    assert!(play.text().contains("A time in front backdates it"));
}

#[test]
fn with_thirty_thousand_events_a_filter_never_holds_a_key_up() {
    let mut world = walking(approved());
    world.open.as_mut().unwrap().events = Arc::new(many_events(30_000));
    let mut play = Play::new(world, 80, 24);
    play.keys("t/<up><up><up>noted<enter>");
    assert!(play.wishes.contains(&Wish::Again), "it goes on in pieces");
    assert!(play.text().contains("searching"), "{}", play.text());
    for _ in 0..8 {
        play.input(Input::Tick);
    }
    assert!(!play.text().contains("searching"));
    assert_eq!(play.model.timeline.index.len(), 30_000);
}

#[test]
fn what_waits_for_me_stands_first_on_home_and_is_counted_everywhere() {
    let play = Play::new(two_wait(world()), 80, 24);
    let text = play.text();
    let line = |what: &str| text.lines().position(|line| line.contains(what));
    assert!(text.contains("⏳ 2 for you"), "{text}");
    assert_eq!(line("⏳ review drop"), Some(2), "asked first: {text}");
    assert_eq!(line("⏳ approve revoke"), Some(3), "{text}");
    for keys in ["", "t", "<enter>"] {
        let mut world = asked_of_carol();
        world.incidents = two_wait(crate::fixture::world()).incidents;
        let mut play = Play::new(world, 80, 24);
        play.keys(keys);
        assert!(play.text().contains("⏳ 2 for you: i"), "{}", play.text());
    }
}

#[test]
fn from_any_screen_one_key_leads_to_what_waits_elsewhere() {
    let mut world = two_wait(crate::fixture::world());
    world.open = walking(approved()).open;
    let mut play = Play::new(world, 80, 24);
    play.keys("ti");
    assert!(
        play.text().contains("What waits for you"),
        "{}",
        play.text()
    );
    play.keys("<enter>");
    let other = play.world.incidents[1].id.clone();
    assert!(play.wishes.contains(&Wish::OpenIncident(other)));
    play.keys("i<down><enter>");
    // This one is open already.
    assert!(play.wishes.contains(&Wish::ShowApproval(key("revoke"))));
}

#[test]
fn the_cursor_of_home_stays_on_its_row_when_another_comes_before_it() {
    let mut play = Play::new(world(), 80, 24);
    play.keys("<down>");
    assert!(play.text().contains("Enter open"), "{}", play.text());
    let on = |play: &Play| play.world.open_rows()[play.model.home.at].name();
    let stood = on(&play);
    let mut incidents = (*play.world.incidents).clone();
    let mut fresh = incidents[0].clone();
    fresh.id = runsheet::engine::IncidentId::new("01JDC0W4Q0ABCDEFGHJKMN0099").unwrap();
    incidents.push(fresh);
    play.world.incidents = Arc::new(incidents);
    play.input(Input::WorldChanged);
    assert_eq!(on(&play), stood);
    // On a runbook it stays on the runbook.
    play.keys("<down><down>");
    let book = play.model.book(&play.world).map(|entry| entry.id.clone());
    assert!(book.is_some());
    play.world.incidents = Arc::new(Vec::new());
    play.input(Input::WorldChanged);
    assert_eq!(
        play.model.book(&play.world).map(|entry| entry.id.clone()),
        book
    );
}

#[test]
fn a_review_lists_its_events_and_asks_for_verdict_and_reason() {
    let mut world = overridden(walking(Gate::Free), "alice");
    world.me = me("carol", "approver");
    let event = last(&world);
    let mut play = Play::new(world, 80, 24);
    play.keys("y");
    let text = play.text();
    assert!(text.contains("exactly this event"), "{text}");
    assert!(text.contains(&event.short()), "{text}");
    assert!(
        text.contains("alice went through without approval"),
        "{text}"
    );
    play.keys("<enter>looked at the log<enter>");
    assert!(acts(&play).is_empty(), "no verdict was given");
    assert!(play.text().contains("choose accepted or rejected"));
    play.keys("<right><right><enter><enter>");
    let review = Intent::Review {
        overridden: event,
        accepted: false,
        reason: "looked at the log".to_owned(),
    };
    assert_eq!(acts(&play), [&review], "{}", play.text());
}

#[test]
fn closing_says_that_a_review_is_owed() {
    let world = with_run(overridden(walking(Gate::Free), "alice"), |run| {
        run.at = None
    });
    let mut play = Play::new(world, 80, 24);
    play.keys("C");
    assert!(play.model.layers.is_empty());
    assert!(
        play.text()
            .contains("the override of revoke is not reviewed"),
        "{}",
        play.text()
    );
}

#[test]
fn who_asked_withdraws_on_the_checkpoint_and_not_by_the_first_enter() {
    let mut world = walking(pending(false));
    let mut view = approval();
    view.asked_by_me = true;
    view.eligible = Err("bob@example.org asked for it".to_owned());
    world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    let mut play = Play::new(world, 80, 24);
    play.keys("<enter><down><enter>");
    assert!(
        play.text().contains("What you ask: revoke"),
        "{}",
        play.text()
    );
    assert!(play.text().contains("Enter later"), "{}", play.text());
    play.keys("<right><enter><down><enter>");
    assert_eq!(acts(&play), [&Intent::Withdraw(key("revoke"))]);
}

#[test]
fn what_the_dry_run_printed_is_read_in_full_and_never_steers() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter>e");
    let text = play.text();
    assert!(text.contains("status Active"), "{text}");
    assert!(text.contains("␛[31msts␛[0m ‹U+202E›"), "{text}");
    play.keys("<esc>");
    assert_eq!(play.model.screen(), Screen::Checkpoint);
    let mut view = approval();
    view.brief.output = Some(Err("not at the hub".to_owned()));
    play.world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    play.input(Input::WorldChanged);
    play.keys("e");
    assert!(play.model.layers.is_empty());
    assert!(
        play.text().contains("is not here: not at the hub"),
        "{}",
        play.text()
    );
}

#[test]
fn an_answered_or_replaced_request_leaves_the_checkpoint_and_says_so() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter>xno");
    let answered = walking(approved()).open.unwrap();
    play.world.open = Some(answered);
    play.input(Input::WorldChanged);
    assert_eq!(play.model.screen(), Screen::Walk);
    assert!(play.model.layers.is_empty());
    assert!(play.text().contains("nothing is asked there any more"));
}

#[test]
fn a_question_is_passed_on_to_somebody_who_could_answer_it() {
    let mut play = Play::new(asked_of_carol(), 80, 24);
    play.keys("<enter>d");
    assert!(
        play.text().contains("Pass revoke on to whom?"),
        "{}",
        play.text()
    );
    play.keys("<enter>");
    let passed = Intent::Delegate {
        step: key("revoke"),
        to: who("dan"),
    };
    assert_eq!(acts(&play), [&passed]);
    // Whoever is not asked any more is back at the walk.
    play.world.open = walking(pending(false)).open;
    play.input(Input::WorldChanged);
    assert_eq!(play.model.screen(), Screen::Walk);
    // With nobody else it says so.
    let mut play = Play::new(asked_of_carol(), 80, 24);
    let mut view = approval();
    view.others.clear();
    play.world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    play.keys("<enter>d");
    assert!(
        play.text().contains("nobody else could answer it"),
        "{}",
        play.text()
    );
}

#[test]
fn steps_are_rolled_back_in_reverse_order_through_the_same_gate() {
    let closed = Gate::Closed {
        asks: "1 approver".to_owned(),
        who: vec!["carol".to_owned()],
    };
    let mut play = Play::new(undoing(closed), 80, 24);
    play.keys("<space>");
    assert!(
        play.text().contains("roll back key-age, then confirm"),
        "{}",
        play.text()
    );
    play.keys("<esc>U");
    let text = play.text();
    let line = |what: &str| text.lines().position(|line| line.contains(what));
    assert!(
        line("roll back key-age  next") < line("roll back confirm  out of order"),
        "{text}"
    );
    play.keys("<enter>");
    assert!(
        play.text()
            .contains("Rolling key-age back takes an approval")
    );
    play.keys("<enter>");
    assert!(acts(&play).is_empty(), "the first answer is not now");
    play.keys("U<enter><down><enter>");
    let asks = Intent::Request {
        step: key("key-age"),
        purpose: Purpose::RollBack,
    };
    assert_eq!(acts(&play), [&asks]);
    // Without a gate, or through an open one, it is shown and confirmed.
    let mut play = Play::new(undoing(approved()), 80, 24);
    play.keys("U<enter>");
    assert!(play.text().contains("restore-key"), "{}", play.text());
    play.keys("<down><enter>");
    let start = Intent::Start {
        step: key("key-age"),
        purpose: Purpose::RollBack,
    };
    assert_eq!(acts(&play), [&start]);
}

#[test]
fn who_is_asked_about_a_roll_back_finds_it_on_the_step_that_is_done() {
    let mut world = undoing(pending(true));
    world.me = me("carol", "approver");
    let mut view = approval();
    view.step = key("key-age");
    view.purpose = Purpose::RollBack;
    world.open.as_mut().unwrap().approval = Some(Arc::new(view));
    let mut play = Play::new(world, 80, 24);
    play.keys("kk<right><enter>");
    assert!(
        play.text().contains("Approve undoing key-age for bob?"),
        "{}",
        play.text()
    );
}

#[test]
fn an_override_of_a_roll_back_says_what_it_is_for() {
    let closed = Gate::Closed {
        asks: "1 approver".to_owned(),
        who: Vec::new(),
    };
    let mut play = Play::new(undoing(closed), 80, 24);
    play.keys("U<enter><down><down><enter>");
    assert!(
        play.text()
            .contains("Override the checkpoint to roll key-age back")
    );
    play.keys("it broke<enter>key-age<enter>");
    let over = Intent::Override {
        step: key("key-age"),
        purpose: Purpose::RollBack,
        reason: "it broke".to_owned(),
    };
    assert_eq!(acts(&play), [&over]);
}

#[test]
fn a_proposed_policy_is_read_line_by_line_before_it_is_agreed_to() {
    let mut world = walking(Gate::Free);
    proposed(
        &mut world,
        "people:\n  carol: {roles: [approver]}\n  mallory: {roles: [approver]}\n",
    );
    let mut play = Play::new(world, 80, 24);
    play.keys("N");
    let text = play.text();
    assert!(text.contains("2 commander or approver"), "{text}");
    assert!(
        text.contains("  +   mallory: {roles: [approver]}"),
        "{text}"
    );
    play.keys("<enter>");
    assert_eq!(acts(&play), [&Intent::Adopt { reason: None }]);
}

#[test]
fn an_artifact_is_taken_out_with_a_reason() {
    let mut world = walking(Gate::Free);
    let digest = captured(&mut world, "dump.txt");
    let mut play = Play::new(world, 80, 24);
    play.keys("E");
    assert!(play.text().contains("dump.txt"), "{}", play.text());
    play.keys("<enter><enter>");
    assert!(acts(&play).is_empty(), "a reason is missing");
    play.keys("a password is in it<enter>");
    let expunge = Intent::Expunge {
        evidence: digest,
        reason: "a password is in it".to_owned(),
    };
    assert_eq!(acts(&play), [&expunge]);
}

#[test]
fn an_export_is_of_any_format_for_an_audience_and_by_a_template() {
    let mut play = Play::new(walking(Gate::Free), 80, 24);
    play.keys("e");
    for word in ["markdown", "html", "stix", "mermaid"] {
        assert!(play.text().contains(word), "{word}: {}", play.text());
    }
    play.keys("<down><enter>");
    assert!(play.text().contains("the whole record"), "{}", play.text());
    play.keys("<enter><enter>");
    let html = Wish::Export {
        format: Format::Html,
        audience: None,
        template: None,
        path: "INC-0042.html".to_owned(),
    };
    assert!(play.wishes.contains(&html), "{:?}", play.wishes);
    play.keys("e<enter>");
    assert!(play.text().contains("Template"), "{}", play.text());
    play.keys("<right><enter><right><enter><enter>");
    let postmortem = Wish::Export {
        format: Format::Markdown,
        audience: Some("responders".to_owned()),
        template: Some("postmortem".to_owned()),
        path: "INC-0042.md".to_owned(),
    };
    assert!(play.wishes.contains(&postmortem), "{:?}", play.wishes);
}

#[test]
fn what_an_update_would_send_is_shown_before_it_is_told() {
    let mut play = Play::new(walking(approved()), 80, 24);
    play.keys("p<enter><right><enter>We look at it.<enter>soon<enter>");
    assert!(
        play.text().contains("a time such as 30m"),
        "{}",
        play.text()
    );
    play.keys("<ctrl-u>30m<enter>");
    assert!(acts(&play).is_empty(), "{:?}", play.wishes);
    let shown = play.wishes.iter().find_map(|wish| match wish {
        Wish::PreviewUpdate(Intent::Update {
            state,
            message,
            next,
            ..
        }) => Some((state.clone(), message.clone(), *next)),
        _ => None,
    });
    let (state, message, next) = shown.unwrap_or_else(|| panic!("{:?}", play.wishes));
    assert_eq!(state.as_deref(), Some("investigating"));
    assert_eq!(message, "We look at it.");
    assert_eq!(next, Some(at("14:32:11").to_utc()));
}

#[test]
fn what_stakeholders_wait_for_is_on_every_screen_of_the_incident() {
    let mut world = walking(approved());
    let open = world.open.as_mut().unwrap();
    open.undelivered = 2;
    let promise = |audience: &str, next: &str| runsheet::timeline::promises::Promise {
        audience: audience.to_owned(),
        update: Digest::of(b"update"),
        by: who("bob"),
        next: at(next).to_utc(),
    };
    open.promised = vec![promise("board", "14:00:00"), promise("press", "14:30:00")];
    let mut play = Play::new(world, 80, 24);
    for keys in ["", "t"] {
        let text = play.keys(keys).text();
        assert!(
            text.contains("board wait for an update since 14:00"),
            "{text}"
        );
        assert!(text.contains("2 updates not delivered yet"), "{text}");
        assert!(!text.contains("press wait"), "{text}");
    }
}
