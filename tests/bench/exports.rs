//! Leaving with a record of 100,000 events, in every format, and what an audience may see of it. The timeline is made
//! before, except where that is what is measured.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark stops where it fails"
)]

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use divan::Bencher;
use runsheet::engine::at::BootStamp;
use runsheet::engine::event::{Event, Fidelity};
use runsheet::engine::fact::NoteAdded;
use runsheet::engine::ids::{IncidentId, WriterId};
use runsheet::engine::state::State;
use runsheet::evidence::Digest;
use runsheet::timeline::audience::project as project_for;
use runsheet::timeline::{Audiences, Options, Timeline, export, project};
use runsheet::trust::{Mode, Principal};

const EVENTS: u32 = 100_000;

fn main() {
    divan::main();
}

fn event(number: u32) -> Arc<Event> {
    let start: DateTime<Utc> = "2026-11-23T13:20:00Z".parse().unwrap();
    let at = start + TimeDelta::seconds(i64::from(number));
    let note = NoteAdded {
        text: format!(
            "The pool of db-{} has {number} of 100,000 connections open",
            number % 40
        ),
        step: None,
        details: None,
    };
    Arc::new(Event {
        id: Digest::of(&number.to_le_bytes()),
        incident: IncidentId::new("01KATC7Q00ABCDEFGHJKMNPQRS").unwrap(),
        writer: WriterId::new("0".repeat(32)).unwrap(),
        seq: u64::from(number) + 1,
        prev: None,
        seen: Vec::new(),
        recorded_at: at,
        occurred_at: at.fixed_offset(),
        occurred_until: None,
        fidelity: Fidelity::Exact,
        person: Principal::try_from(format!("responder-{}@example.org", number % 9)).unwrap(),
        signed: true,
        role: None,
        account: "responder".into(),
        host: "bastion".into(),
        boot: BootStamp {
            id: "".into(),
            millis: 0,
        },
        mode: Mode::Live,
        sim_time: None,
        fact: note.into(),
    })
}

static TAPE: LazyLock<Vec<Arc<Event>>> = LazyLock::new(|| (0..EVENTS).map(event).collect());
static TIMELINE: LazyLock<Timeline> =
    LazyLock::new(|| project(&State::default(), &TAPE, Options::default()));

#[divan::bench(sample_count = 10)]
fn timeline(bencher: Bencher) {
    let (state, tape) = (State::default(), LazyLock::force(&TAPE));
    bencher.bench(|| project(&state, tape, Options::default()));
}

#[divan::bench(sample_count = 10, args = ["responders", "stakeholders", "customers"])]
fn audience(bencher: Bencher, name: &str) {
    let (state, tape) = (State::default(), LazyLock::force(&TAPE));
    let audiences = Audiences::of(&[]);
    let reader = audiences.named(name).unwrap();
    bencher.bench(|| project_for(&state, tape, Options::default(), &audiences, reader));
}

macro_rules! formats {
    ($($name:ident: $make:expr;)*) => {
        $(
            #[divan::bench(sample_count = 10)]
            fn $name(bencher: Bencher) {
                let timeline = LazyLock::force(&TIMELINE);
                bencher.bench(|| $make(timeline));
            }
        )*
    };
}

formats! {
    json: |timeline: &Timeline| export::json(timeline).unwrap();
    csv: export::csv;
    markdown: export::markdown;
    html: |timeline: &Timeline| export::html(timeline, &[]);
    timesketch_jsonl: |timeline: &Timeline| export::timesketch::jsonl(timeline).unwrap();
    timesketch_csv: export::timesketch::csv;
    iris: export::iris;
    stix: |timeline: &Timeline| export::stix(timeline).unwrap();
    ics: export::ics;
    mermaid: export::gantt;
}

#[divan::bench(sample_count = 10)]
fn json_back(bencher: Bencher) {
    let text = export::json(&TIMELINE).unwrap();
    bencher.bench(|| export::json::read(&text).unwrap());
}

#[divan::bench(sample_count = 10)]
fn csv_back(bencher: Bencher) {
    let text = export::csv(&TIMELINE);
    bencher.bench(|| export::csv::read(&text).unwrap());
}
