//! Rows, gaps, gates and figures.

use runsheet::engine::details::Details;
use runsheet::engine::event::Fidelity;
use runsheet::engine::fact::{Milestone, MilestoneReached, NoteAdded};
use runsheet::engine::sentence::Class;
use runsheet::timeline::checkpoints::Status;
use runsheet::timeline::export::figures::text_across;
use runsheet::timeline::metrics::across::across;
use runsheet::timeline::{Options, Timeline, project};
use runsheet::trust::Mode;

use super::events::{Tape, state, story};
use super::walked::{timeline_of, walked};

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
    let figures = timeline(&tape).metrics;
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
    assert_eq!(shown[4], ("TTM", "mitigated − detected", None, false));
    assert_eq!(figures.spans[4].missing, [Milestone::Mitigated]);
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
    let figures = timeline(&tape).metrics;
    assert_eq!(
        figures.warnings,
        ["odd order: contained is 10 min 0 s before detected"]
    );
    assert_eq!(figures.spans[3].millis, Some(-600_000));
}

fn told(
    tape: &mut Tape,
    text: &str,
    from: &str,
    until: Option<&str>,
) -> runsheet::engine::ids::EventId {
    let at = |text: &str| format!("2026-11-23T{text}:00Z").parse().unwrap();
    let details = Some(Box::new(Details {
        class: Some(Class::Impact),
        ..Details::default()
    }));
    let fact = NoteAdded {
        details,
        ..note(text)
    };
    let id = tape.dated("bob", at(from), Fidelity::Exact, fact);
    tape.lasted(until.map(at));
    id
}

#[test]
fn impact_that_overlaps_counts_once() {
    let mut tape = Tape::new(Mode::Live);
    told(&mut tape, "no logins", "13:00", Some("13:20"));
    told(&mut tape, "no mail", "13:10", Some("13:30"));
    told(&mut tape, "no logins again", "13:40", Some("13:45"));
    let impact = timeline(&tape).metrics.impact;
    assert_eq!(
        (impact.intervals.len(), impact.millis),
        (2, Some(35 * 60_000))
    );
    assert_eq!(impact.intervals[0].entries.len(), 2);
    assert!(!impact.estimated && impact.missing.is_empty());
}

#[test]
fn impact_without_an_end_lasts_until_recovered_or_is_not_known() {
    let mut tape = Tape::new(Mode::Live);
    assert_eq!(
        timeline(&tape).metrics.impact.missing,
        ["an entry of class impact"]
    );
    told(&mut tape, "no logins", "13:00", None);
    let impact = timeline(&tape).metrics.impact;
    assert_eq!(impact.millis, None);
    assert_eq!(impact.missing, ["the end of 1 entry of class impact"]);
    let milestone = Milestone::Recovered;
    tape.add("bob", 0, MilestoneReached { milestone });
    let impact = timeline(&tape).metrics.impact;
    assert_eq!((impact.millis, impact.estimated), (Some(20 * 60_000), true));
}

#[test]
fn the_times_of_all_steps_are_the_time_of_the_run_and_stand_against_their_budgets() {
    let tape = walked(Mode::Live);
    let metrics = timeline_of(&tape).metrics;
    let steps: Vec<_> = metrics
        .walk
        .steps
        .iter()
        .map(|one| (one.step.as_str(), one.end.as_str(), one.millis / 1000))
        .collect();
    assert_eq!(
        steps,
        [
            ("look", "done", 60),
            ("drop", "done", 1500),
            ("forensics", "skipped", 30),
            ("tell", "done", 10)
        ]
    );
    let due = &metrics.walk.steps[1].budgets[0];
    assert_eq!((due.key.as_str(), due.limit_millis), ("due", 15 * 60_000));
    assert_eq!(due.over(), Some(660_000));
    let every = &metrics.walk.steps[3].budgets[0];
    assert_eq!(
        (every.key.as_str(), every.missing.as_deref()),
        ("every", Some("resolved"))
    );
    let phases: Vec<_> = metrics
        .walk
        .phases
        .iter()
        .map(|one| (one.phase.as_deref(), one.millis / 1000, one.over))
        .collect();
    assert_eq!(
        phases,
        [
            (Some("identification"), 60, 0),
            (Some("containment"), 1530, 1),
            (None, 10, 0)
        ]
    );
}

#[test]
fn drills_and_incidents_are_never_counted_together() {
    let all = [
        timeline(&story(Mode::Live)),
        timeline_of(&walked(Mode::Live)),
        timeline(&story(Mode::Exercise)),
    ];
    let across = across(&all);
    assert_eq!((across.live.incidents, across.exercises.incidents), (2, 1));
    let ttd = &across.live.figures[0];
    assert_eq!((ttd.name.as_str(), ttd.n, ttd.without), ("TTD", 2, 0));
    let ranks = (ttd.median_millis, ttd.p90_millis, ttd.estimated);
    assert_eq!(ranks, (Some(0), Some(420_000), 1));
    let resolved = &across.live.figures[6];
    assert_eq!(
        (resolved.name.as_str(), resolved.n, resolved.without),
        ("TTRes", 1, 1)
    );
    let text = text_across(&across);
    assert!(
        text.contains("Incidents: 2") && text.contains("EXERCISES: 1"),
        "{text}"
    );
    assert!(text.contains("drop-it/drop"), "{text}");
}
