//! A note typed on the screen of an incident with 100,000 events: recorded and synced, the screen's list of events made
//! anew, and everything drawn. To stay under 50 ms.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    missing_docs,
    reason = "a benchmark stops where it fails"
)]

#[path = "../screen/fixture.rs"]
#[allow(dead_code, unused_imports)]
mod fixture;

use std::convert::Infallible;
use std::sync::Arc;

use divan::Bencher;
use fixture::{World, pending, walking};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use runsheet::engine::event::{Draft, Event};
use runsheet::engine::exec::PinnedPolicy;
use runsheet::engine::fact::{Fact, IncidentStarted, LibraryPin, NoteAdded};
use runsheet::evidence::Digest;
use runsheet::journal::{Journal, Store};
use runsheet::runbook::model::Severity;
use runsheet::tui::model::Wanted;
use runsheet::tui::{self, Drawn, Input, Keymap, Model, Theme};

const MANY: usize = 100_000;

fn main() {
    divan::main();
}

fn like(event: &Event, text: String) -> Draft {
    Draft {
        occurred_at: event.occurred_at,
        occurred_until: None,
        fidelity: event.fidelity,
        recorded_at: event.recorded_at,
        person: event.person.clone(),
        signed: event.signed,
        role: event.role.clone(),
        account: event.account.to_string(),
        host: event.host.to_string(),
        boot: event.boot.clone(),
        mode: event.mode,
        sim_time: None,
        fact: Fact::from(NoteAdded {
            text,
            step: None,
            details: None,
        }),
    }
}

fn start(event: &Event) -> Draft {
    let fact = IncidentStarted {
        title: "A long night".to_owned(),
        severity: Severity::Sev2,
        reference: None,
        alert: None,
        library: LibraryPin {
            source: "/srv/runbooks".to_owned(),
            commit: "0".repeat(40),
            branch: None,
            author: "Alice".to_owned(),
            date: event.occurred_at,
            subject: "Add".to_owned(),
        },
        policy: PinnedPolicy {
            commit: "0".repeat(40),
            sha256: Digest::of(b""),
        },
        policy_yaml: String::new(),
        allowed_signers: String::new(),
    };
    Draft {
        fact: Fact::from(fact),
        ..like(event, String::new())
    }
}

fn record(journal: &mut Journal, drafts: Vec<Draft>) {
    journal
        .transact(|_| Ok::<_, Infallible>((drafts, ())))
        .unwrap();
}

struct Night {
    journal: Journal,
    events: Arc<Vec<Arc<Event>>>,
    model: Model,
    world: World,
    terminal: Terminal<TestBackend>,
    _dir: tempfile::TempDir,
}

impl Night {
    fn new() -> Self {
        let world = walking(pending(false));
        let open = world.open.as_ref().unwrap();
        let first = open.events.first().unwrap().clone();
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(&Store::new(dir.path()), &open.id).unwrap();
        record(&mut journal, vec![start(&first)]);
        for batch in 0..MANY / 1000 {
            let notes = (0..1000).map(|n| like(&first, format!("Line {n} of {batch}.")));
            record(&mut journal, notes.collect());
        }
        let mut night = Self {
            journal,
            events: Arc::default(),
            model: Model::new(
                Theme::shipped("dark").unwrap_or_else(Theme::plain),
                Keymap::default(),
            ),
            terminal: Terminal::new(TestBackend::new(120, 40)).unwrap(),
            _dir: dir,
            world,
        };
        let id = night.world.open.as_ref().unwrap().id.clone();
        night.model.wanted = Some(Wanted::Incident(id, None));
        night.recorded();
        night
    }

    /// What the screen does after something was recorded.
    fn recorded(&mut self) {
        if let Some(open) = &mut self.world.open {
            open.events = Arc::default();
        }
        assert!(self.journal.log().follow(&mut self.events));
        if let Some(open) = &mut self.world.open {
            open.events = Arc::clone(&self.events);
        }
        self.input(Input::WorldChanged);
    }

    fn input(&mut self, input: Input) {
        tui::update(&mut self.model, &self.world, input);
        let mut drawn = Drawn::default();
        self.terminal
            .draw(|frame| drawn = tui::view(&self.model, &self.world, frame))
            .unwrap();
        tui::update(&mut self.model, &self.world, Input::Drawn(drawn));
    }
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn one_note_recorded_and_drawn_with_100_000_events(bencher: Bencher<'_, '_>) {
    let mut night = Night::new();
    let first = night.events.first().unwrap().clone();
    bencher.bench_local(|| {
        record(
            &mut night.journal,
            vec![like(&first, "Seen again.".to_owned())],
        );
        night.recorded();
    });
}
