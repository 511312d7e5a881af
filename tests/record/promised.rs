//! By when who hears again, and whether they did: on the page, in the document, and as the live page goes on.

use chrono::{DateTime, TimeDelta, Utc};
use runsheet::engine::fact::UpdateRecorded;
use runsheet::timeline::Timeline;
use runsheet::timeline::export::html::{html, live};
use runsheet::timeline::export::markdown;
use runsheet::timeline::promises::Standing;
use runsheet::trust::Mode;

use super::audiences::for_whom;
use super::events::Tape;
use super::formats::timeline;

fn told(tape: &mut Tape, seconds: i64, audience: &str, state: &str, minutes: Option<i64>) {
    tape.add(
        "alice",
        seconds,
        UpdateRecorded {
            audience: audience.to_owned(),
            state: Some(state.to_owned()),
            message: "on it".to_owned(),
            step: None,
            next: minutes.map(|minutes| tape.now() + TimeDelta::seconds(seconds + minutes * 60)),
        },
    );
}

/// Customers heard in time and late, and wait; stakeholders wait longer; the board heard that it is over.
fn waiting() -> Tape {
    let mut tape = Tape::new(Mode::Live);
    told(&mut tape, 0, "customers", "investigating", Some(30));
    told(&mut tape, 29 * 60, "customers", "identified", Some(30));
    told(&mut tape, 0, "stakeholders", "identified", Some(240));
    told(&mut tape, 0, "board", "identified", Some(60));
    told(&mut tape, 42 * 60, "customers", "monitoring", Some(30));
    told(&mut tape, 0, "board", "resolved", Some(60));
    tape
}

fn standings(timeline: &Timeline, now: DateTime<Utc>) -> Vec<String> {
    let told = timeline.updates.iter();
    told.filter_map(|update| Some(timeline.promised(update, now)?.1.to_string()))
        .collect()
}

#[test]
fn a_promise_is_kept_late_due_or_overdue() {
    let tape = waiting();
    let timeline = timeline(&tape);
    let expected = [
        "kept",
        "12 min 0 s late",
        "in 3 h 18 min",
        "kept",
        "in 30 min 0 s",
    ];
    assert_eq!(standings(&timeline, tape.now()), expected);
    let later = standings(&timeline, tape.now() + TimeDelta::minutes(35));
    assert_eq!(later[4], "overdue by 5 min 0 s");
}

#[test]
fn the_page_says_at_its_head_who_hears_again_by_when() {
    let tape = waiting();
    let timeline = timeline(&tape);
    let head = |page: &str| {
        let (head, _) = page.split_once("</header>").unwrap();
        let facts: Vec<_> = head
            .split("<dt>Next update</dt>")
            .skip(1)
            .map(str::to_owned)
            .collect();
        facts
    };
    let page = head(&html(&timeline, &[]));
    assert_eq!(page.len(), 2, "{page:?}");
    assert!(
        page[0].contains("customers by <time datetime=\"2026-11-23T15:01:00Z\""),
        "{page:?}"
    );
    assert!(
        page[0].contains("in 30 min 0 s") && page[1].contains("stakeholders by"),
        "{page:?}"
    );
    let now = tape.now() + TimeDelta::minutes(32);
    let page = head(&live(&timeline, &[], now));
    assert!(
        page[0].contains("<span class=\"chip bad\">overdue by 2 min 0 s</span>"),
        "{page:?}"
    );
    // Customers see what they were promised and nothing of the others'.
    let page = head(&html(&for_whom(&tape, "customers"), &[]));
    assert_eq!(page.len(), 1, "{page:?}");
}

#[test]
fn what_was_promised_and_when_they_heard_stands_in_the_documents() {
    let timeline = timeline(&waiting());
    assert!(markdown(&timeline).contains("| 2026-11-23 14:19:00: 12 min 0 s late |"));
    let document = runsheet::timeline::export::json(&timeline).unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let update = &document["updates"][1];
    assert_eq!(update["next"], "2026-11-23T14:19:00Z");
    assert_eq!(update["answered"], "2026-11-23T14:31:00Z");
    assert!(!Standing::Kept.is_broken() && Standing::Missed.is_broken());
}
