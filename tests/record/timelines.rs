//! Rows, gaps, gates and figures.

use runsheet::engine::event::Fidelity;
use runsheet::engine::fact::{Milestone, MilestoneReached, NoteAdded};
use runsheet::engine::sentence::Class;
use runsheet::timeline::checkpoints::Status;
use runsheet::timeline::{Options, Timeline, metrics, project};
use runsheet::trust::Mode;

use super::events::{Tape, state, story};

fn timeline(tape: &Tape) -> Timeline {
    project(&state(tape), &tape.events, Options::default())
}

fn note(text: &str) -> NoteAdded {
    NoteAdded {
        text: text.to_owned(),
        step: None,
        details: None,
    }
}

#[test]
fn rows_stand_where_things_occurred_and_say_when_they_were_recorded() {
    let timeline = timeline(&story(Mode::Live));
    assert!(
        timeline
            .rows
            .is_sorted_by_key(|row| row.occurred_at.to_utc())
    );
    let first = &timeline.rows[0];
    assert_eq!(
        (first.text.as_str(), first.class),
        ("marked the incident started", Class::Milestone)
    );
    assert_eq!(first.fidelity, Fidelity::Estimated);
    assert_eq!(first.late().as_deref(), Some("recorded +15 min 35 s later"));
    let on_time = timeline
        .rows
        .iter()
        .find(|row| row.kind == "incident.started")
        .unwrap();
    assert_eq!(on_time.late(), None);
}

#[test]
fn an_entry_dated_ahead_is_marked() {
    let mut tape = Tape::new(Mode::Live);
    let ahead = "2026-11-23T13:30:00Z".parse().unwrap();
    tape.dated("bob", ahead, Fidelity::Exact, note("soon"));
    assert_eq!(
        timeline(&tape).rows[0].late().as_deref(),
        Some("dated 10 min 0 s ahead")
    );
}

#[test]
fn a_correction_stands_at_the_entry_it_corrects_and_at_its_own_time() {
    let timeline = timeline(&story(Mode::Live));
    let corrected = timeline
        .rows
        .iter()
        .find(|row| !row.corrections.is_empty())
        .unwrap();
    assert_eq!(corrected.kind, "note.added");
    assert_eq!(corrected.corrections[0].text, "since 12:45");
    assert!(
        timeline
            .rows
            .iter()
            .any(|row| row.event == corrected.corrections[0].event)
    );
}

#[test]
fn only_silences_over_ten_minutes_are_gaps() {
    let mut tape = Tape::new(Mode::Live);
    tape.add("bob", 0, note("a"));
    tape.add("bob", 600, note("b"));
    tape.add("bob", 601, note("c"));
    let gaps = timeline(&tape).gaps;
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].before, gaps[0].millis), (2, 601_000));
}

#[test]
fn what_comes_after_closing_is_marked_until_it_is_open_again() {
    let timeline = timeline(&story(Mode::Live));
    let late: Vec<_> = timeline
        .rows
        .iter()
        .filter(|row| row.after_closing)
        .map(|row| row.kind)
        .collect();
    assert_eq!(late, ["note.added", "incident.reopened"]);
}

#[test]
fn each_request_has_its_own_answers_and_its_end() {
    let gates = timeline(&story(Mode::Live)).checkpoints;
    let ends: Vec<_> = gates.iter().map(|gate| gate.status).collect();
    assert_eq!(ends, [Status::Denied, Status::Withdrawn, Status::Passed]);
    assert_eq!(
        gates[0].answers[0].reason.as_deref(),
        Some("tell billing first")
    );
    let approval = &gates[2].answers[0];
    assert_eq!(approval.role.as_deref(), Some("approver"));
    assert!(
        approval
            .fingerprint
            .as_deref()
            .unwrap()
            .starts_with("SHA256:")
    );
    assert_eq!(gates[2].used, [approval.event]);
}

#[test]
fn an_override_owes_a_review_until_another_person_gave_it() {
    let timeline = timeline(&story(Mode::Live));
    let owed: Vec<_> = timeline
        .overrides
        .iter()
        .map(|over| (over.used, over.owes_review()))
        .collect();
    assert_eq!(owed, [(true, false), (false, true)]);
    assert_eq!(timeline.reviews_owed(), 1);
}

#[test]
fn figures_come_with_formula_anchors_and_what_is_missing() {
    let tape = story(Mode::Live);
    let figures = metrics(&state(&tape), &tape.events);
    let shown: Vec<_> = figures
        .spans
        .iter()
        .map(|span| {
            (
                span.name,
                span.formula.as_str(),
                span.millis.map(|ms| ms / 1000),
                span.estimated,
            )
        })
        .collect();
    assert_eq!(shown[0], ("TTD", "detected − started", Some(420), true));
    assert_eq!(
        shown[1],
        ("TTA", "acknowledged − detected", Some(525), false)
    );
    assert_eq!(shown[3], ("TTM", "mitigated − detected", None, false));
    assert_eq!(figures.spans[3].missing, [Milestone::Mitigated]);
    assert!(
        figures
            .spans
            .iter()
            .all(|span| span.millis.is_none() || span.from.event.is_some())
    );
    assert_eq!(
        (figures.approvals.p50_millis, figures.approvals.max_millis),
        (Some(80_000), Some(80_000))
    );
    assert_eq!(
        (figures.recording.late, figures.recording.p50_millis),
        (3, Some(0))
    );
    assert_eq!(figures.warnings, Vec::<String>::new());
}

#[test]
fn an_odd_order_of_milestones_warns_and_computes_all_the_same() {
    let mut tape = Tape::new(Mode::Live);
    let early = "2026-11-23T13:10:00Z".parse().unwrap();
    tape.add(
        "bob",
        0,
        MilestoneReached {
            milestone: Milestone::Detected,
        },
    );
    tape.dated(
        "bob",
        early,
        Fidelity::Exact,
        MilestoneReached {
            milestone: Milestone::Contained,
        },
    );
    tape.dated(
        "bob",
        early,
        Fidelity::Exact,
        MilestoneReached {
            milestone: Milestone::Escalated,
        },
    );
    let figures = metrics(&state(&tape), &tape.events);
    assert_eq!(
        figures.warnings,
        ["odd order: contained is 10 min 0 s before detected"]
    );
    assert_eq!(figures.spans[2].millis, Some(-600_000));
}
