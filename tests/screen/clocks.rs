//! The regulatory clocks on the screen: one line wherever the incident is, and a page of them.

use std::sync::Arc;

use runsheet::engine::event::Fidelity;
use runsheet::engine::state::Reached;
use runsheet::timeline::clocks;
use runsheet::tui::World;
use runsheet::tui::world::{Clocks, Gate};

use crate::fixture::*;
use crate::play::Play;

/// A policy that names one clock, and one that nobody knows.
fn named(aware: Option<&str>) -> World {
    let mut world = walking(Gate::Free);
    let event = last(&world);
    let open = world.open.as_mut().unwrap();
    let regimes = clocks::shipped()
        .iter()
        .filter(|regime| regime.id == "gdpr-33");
    open.clocks = Arc::new(Clocks {
        regimes: regimes.cloned().collect(),
        problems: vec!["policy.yaml: there is no clock `gdpr-34`".to_owned()],
    });
    if let Some(aware) = aware {
        let reached = Reached {
            at: at(aware),
            recorded_at: at(aware).to_utc(),
            fidelity: Fidelity::Exact,
            by: who("carol"),
            event,
        };
        Arc::make_mut(&mut open.state)
            .decisions
            .insert("aware".to_owned(), reached);
    }
    world
}

#[test]
fn a_clock_that_runs_is_seen_on_every_screen_of_the_incident() {
    let mut play = Play::new(named(Some("13:02:11")), 80, 24);
    let line = "gdpr-33 notification: 2 d 23 h left · Not legal advice.";
    assert!(play.text().contains(line), "{}", play.text());
    play.keys("t");
    assert!(play.text().contains(line), "{}", play.text());
    let late = at("13:02:11") + chrono::Duration::hours(73);
    play.world.now = late;
    play.draw();
    let line = "gdpr-33 notification: LATE by 60 min 0 s";
    assert!(play.text().contains(line), "{}", play.text());
}

#[test]
fn one_key_tells_what_every_clock_counts_from_and_which_are_missing() {
    let mut play = Play::new(named(None), 80, 40);
    assert!(!play.text().contains("Not legal advice"));
    play.keys("K");
    let text = play.text();
    for said in [
        "Regulatory clocks",
        "no countdown: not recorded yet",
        "aware",
        "there is no clock `gdpr-34`",
        "Not legal advice.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    play.keys("<esc>");
    assert!(!play.text().contains("Regulatory clocks"));
}

#[test]
fn where_the_policy_names_no_clock_there_is_no_key_for_them() {
    let mut play = Play::new(walking(Gate::Free), 80, 24);
    play.keys("K");
    assert!(!play.text().contains("Regulatory clocks"));
}
