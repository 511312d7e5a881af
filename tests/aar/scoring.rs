//! What is met, late or missed, whose word holds, and what is proposed for an objective.

use chrono::TimeDelta;
use runsheet::engine::Command;
use runsheet::engine::fact::{Fact, Milestone};
use runsheet::exercise::seal::{Rating, Verdict};
use runsheet::runbook::model::{Severity, StepId};
use runsheet::runbook::scenario::{Expectation, Proof};

use super::play::{Play, expect, milestone, scenario};

fn contained(by: u64) -> Expectation {
    expect("contain", by, vec![milestone("contained")])
}

fn note(id: &str, by: u64) -> Expectation {
    expect(id, by, vec![Proof::Note(format!("^{id}$"))])
}

fn about(inject: &str, expectation: Expectation) -> Expectation {
    Expectation {
        about: Some(inject.to_owned()),
        ..expectation
    }
}

fn never(proof: Proof, expectation: Expectation) -> Expectation {
    Expectation {
        never: vec![proof],
        ..expectation
    }
}

#[test]
fn in_time_is_met_after_it_late_and_without_it_missed() {
    let mut play = Play::new(scenario(vec![contained(10)]));
    let mut late = Play::new(scenario(vec![contained(10)]));
    assert_eq!(play.verdict(), Verdict::Open);
    play.at(10);
    assert_eq!(play.verdict(), Verdict::Open, "its last moment");
    play.reach(Milestone::Contained);
    assert_eq!(play.verdict(), Verdict::Met);
    assert_eq!(play.scored("contain").took_millis, Some(600_000));
    late.at(11);
    assert_eq!(late.verdict(), Verdict::Missed);
    late.reach(Milestone::Contained);
    assert_eq!(late.verdict(), Verdict::Late);
    late.end(false);
    assert_eq!(late.verdict(), Verdict::Late);
}

#[test]
fn when_it_was_recorded_counts_and_not_what_time_somebody_gives_it() {
    let mut play = Play::new(scenario(vec![contained(10)]));
    let early = play.begun + TimeDelta::minutes(5);
    play.at(12).act(
        "bob",
        Command::Reach {
            milestone: Milestone::Contained,
            at: Some(early.fixed_offset()),
            fidelity: runsheet::engine::event::Fidelity::Exact,
        },
    );
    assert_eq!(play.verdict(), Verdict::Late);
}

#[test]
fn the_deadline_counts_from_when_the_message_first_came() {
    let mut play = Play::new(scenario(vec![about("call", note("told", 10))]));
    play.at(5).note("told");
    assert_eq!(
        play.verdict(),
        Verdict::Open,
        "what it is about has not come"
    );
    play.at(20).inject("call", true);
    assert_eq!(
        play.scored("told").deadline,
        Some(play.begun + TimeDelta::minutes(30))
    );
    play.at(25).note("told");
    assert_eq!(play.verdict(), Verdict::Met);
    // Somebody else let it come as well: what was done stays done, and the deadline stays.
    play.at(28).inject_again("call");
    assert_eq!(play.verdict(), Verdict::Met);
    assert_eq!(play.scored("told").took_millis, Some(300_000));
}

#[test]
fn what_is_done_once_may_have_been_done_before_it_was_asked_for() {
    let severe = expect("severe", 10, vec![Proof::Severity(Severity::Sev1)]);
    let script = scenario(vec![about("call", contained(10)), about("call", severe)]);
    let mut play = Play::new(script);
    play.at(5).reach(Milestone::Contained);
    play.act("bob", Command::SetSeverity(Severity::Sev1));
    let mut changed = Play::new(play.scenario.clone());
    changed
        .at(5)
        .act("bob", Command::SetSeverity(Severity::Sev1));
    changed
        .at(6)
        .act("bob", Command::SetSeverity(Severity::Sev3));
    for play in [&mut play, &mut changed] {
        play.at(20).inject("call", true);
        play.at(31);
    }
    assert_eq!(play.scored("contain").verdict, Verdict::Met);
    assert_eq!(play.scored("contain").took_millis, Some(0));
    assert_eq!(play.scored("severe").verdict, Verdict::Met);
    assert_eq!(
        changed.scored("severe").verdict,
        Verdict::Missed,
        "it stood no more"
    );
}

#[test]
fn what_must_never_be_makes_it_missed_whenever_it_comes() {
    let wiped = Proof::Note("wiped".to_owned());
    let mut play = Play::new(scenario(vec![never(wiped, note("saved", 10))]));
    play.at(3).note("saved");
    assert_eq!(play.verdict(), Verdict::Met);
    play.at(40).note("wiped");
    let scored = play.scored("saved");
    assert_eq!(scored.verdict, Verdict::Missed);
    assert_eq!(scored.broken, Some(play.begun + TimeDelta::minutes(40)));
}

#[test]
fn keeping_from_something_is_met_at_its_deadline_or_at_a_proper_end() {
    let wiped = || Proof::Note("wiped".to_owned());
    let script = scenario(vec![never(wiped(), expect("keep", 30, Vec::new()))]);
    let mut play = Play::new(script.clone());
    play.at(30);
    assert_eq!(play.verdict(), Verdict::Open);
    play.at(31);
    assert_eq!(play.verdict(), Verdict::Met);
    play.note("wiped");
    assert_eq!(play.verdict(), Verdict::Met, "it had to be kept until then");
    for (aborted, verdict) in [(false, Verdict::Met), (true, Verdict::NotReached)] {
        let mut play = Play::new(script.clone());
        play.at(20).end(aborted);
        assert_eq!(play.verdict(), verdict);
    }
    let mut play = Play::new(script);
    play.at(20).note("wiped");
    assert_eq!(play.verdict(), Verdict::Missed);
}

#[test]
fn what_came_before_the_message_breaks_nothing() {
    let wiped = Proof::Note("wiped".to_owned());
    let one = about("call", never(wiped, note("saved", 10)));
    let mut play = Play::new(scenario(vec![one]));
    play.at(3).note("wiped");
    play.at(5).inject("call", true);
    play.at(6).note("saved");
    assert_eq!(play.verdict(), Verdict::Met);
}

#[test]
fn a_message_that_never_came_and_a_time_that_did_not_come_are_not_reached() {
    let script = scenario(vec![about("call", contained(10)), note("late", 60)]);
    for aborted in [false, true] {
        let mut play = Play::new(script.clone());
        assert_eq!(play.scored("contain").verdict, Verdict::Open);
        play.at(30).end(aborted);
        // The clock stands still, whatever real ones do.
        play.world.pass(86_400);
        assert_eq!(play.scored("contain").verdict, Verdict::NotReached);
        assert_eq!(play.scored("late").verdict, Verdict::NotReached);
    }
}

#[test]
fn a_deadline_at_the_very_end_has_passed_with_it() {
    let mut play = Play::new(scenario(vec![note("told", 30)]));
    play.at(30);
    assert_eq!(play.verdict(), Verdict::Open);
    play.end(false);
    assert_eq!(play.verdict(), Verdict::Missed);
}

#[test]
fn what_comes_after_the_end_counts_for_nothing() {
    let mut play = Play::new(scenario(vec![note("told", 60)]));
    play.at(30).end(false);
    play.note("told");
    assert_eq!(play.verdict(), Verdict::NotReached);
}

#[test]
fn going_back_undoes_what_came_after_and_lets_it_be_done_again() {
    let script = scenario(vec![about("call", note("told", 10)), contained(15)]);
    let mut play = Play::new(script);
    play.at(10).reach(Milestone::Contained);
    play.at(20).inject("call", true);
    play.at(35).note("told");
    assert_eq!(play.verdict(), Verdict::Late);
    play.back(15);
    assert_eq!(play.verdict(), Verdict::Open, "it has not come any more");
    assert_eq!(
        play.scored("contain").verdict,
        Verdict::Met,
        "it was before"
    );
    play.at(20).inject("call", true);
    play.at(22).note("told");
    assert_eq!(play.verdict(), Verdict::Met);
}

#[test]
fn going_back_twice_keeps_the_beginning_of_the_earlier_move() {
    use runsheet::engine::exercise::ClockChange;
    use runsheet::exercise::Progress;
    let mut play = Play::new(scenario(Vec::new()));
    play.at(60);
    play.clock(ClockChange::Back, Some(("first", 10)), None);
    play.at(40);
    play.clock(ClockChange::Back, Some(("second", 30)), None);
    let progress = Progress::of(&play.world.state, &play.events());
    assert!(progress.clock_was(ClockChange::Back, "first"));
    assert!(progress.clock_was(ClockChange::Back, "second"));
    play.clock(ClockChange::Back, Some(("first", 10)), None);
    let progress = Progress::of(&play.world.state, &play.events());
    assert!(!progress.clock_was(ClockChange::Back, "second"));
}

#[test]
fn an_evaluators_last_word_outweighs_the_record_and_says_why() {
    let mut play = Play::new(scenario(vec![
        contained(10),
        expect("calm", 10, Vec::new()),
    ]));
    play.at(11);
    assert_eq!(
        play.scored("calm").verdict,
        Verdict::Open,
        "somebody has to say"
    );
    play.judge("contain", Verdict::Late, "by phone");
    play.judge("contain", Verdict::Met, "by phone, in time");
    play.judge("calm", Verdict::Met, "heard it");
    let scored = play.scored("contain");
    assert_eq!(
        (scored.shown, scored.verdict, scored.reason.as_deref()),
        (Verdict::Missed, Verdict::Met, Some("by phone, in time"))
    );
    assert_eq!(play.scored("calm").verdict, Verdict::Met);
    play.at(20).end(false);
    play.judge("calm", Verdict::Missed, "on reflection");
    assert_eq!(
        play.scored("calm").verdict,
        Verdict::Missed,
        "also after the end"
    );
}

#[test]
fn a_word_about_what_was_gone_back_over_is_gone_with_it() {
    let script = scenario(vec![contained(10), note("told", 35)]);
    let mut play = Play::new(script);
    play.at(40).judge("contain", Verdict::Met, "by phone");
    play.judge("told", Verdict::Met, "by phone");
    play.rate("contain", Rating::S);
    play.back(30);
    assert_eq!(
        play.scored("contain").verdict,
        Verdict::Met,
        "its time was before"
    );
    assert_eq!(play.scored("told").verdict, Verdict::Open);
    assert_eq!(play.score().objectives[0].confirmed, None);
    play.at(50).rate("contain", Rating::M);
    assert_eq!(play.score().objectives[0].confirmed, Some(Rating::M));
}

/// What is proposed where these weights were met, late and missed.
fn rated(met: u32, late: u32, missed: u32, is_critical: bool) -> (Option<Rating>, Option<u32>) {
    let weigh = |id: &str, weight: u32, critical: bool| Expectation {
        weight,
        critical,
        ..note(id, 10)
    };
    let mut all = Vec::new();
    for (id, weight, critical) in [
        ("met", met, false),
        ("late", late, false),
        ("missed", missed, is_critical),
    ] {
        if weight > 0 {
            all.push(weigh(id, weight, critical));
        }
    }
    let mut play = Play::new(scenario(all));
    play.note("met");
    play.at(12).note("late");
    let objective = &play.score().objectives[0];
    assert_eq!((objective.confirmed, objective.undecided), (None, 0));
    (objective.proposed, objective.share)
}

#[test]
fn an_objective_is_rated_at_these_borders() {
    use Rating::{M, P, S, U};
    for (met, late, missed, is_critical, rating, share) in [
        (4, 0, 0, false, P, 100),
        (99, 1, 0, false, S, 99),
        (3, 0, 1, false, S, 75),
        (3, 0, 1, true, M, 75),
        (1, 1, 0, false, S, 75),
        (749, 0, 251, false, M, 74),
        (2, 0, 3, false, M, 40),
        (399, 0, 601, false, U, 39),
        (1, 0, 1, true, M, 50),
        (499, 0, 501, true, U, 49),
        (0, 4, 0, false, M, 50),
        (0, 0, 3, false, U, 0),
    ] {
        assert_eq!(
            rated(met, late, missed, is_critical),
            (Some(rating), Some(share)),
            "{met} met, {late} late, {missed} missed, critical: {is_critical}"
        );
    }
}

#[test]
fn nothing_is_proposed_before_enough_is_decided() {
    let critical = Expectation {
        critical: true,
        ..note("hard", 60)
    };
    let mut play = Play::new(scenario(vec![note("easy", 10), critical]));
    play.note("easy");
    let objective = &play.score().objectives[0];
    assert_eq!(
        (objective.proposed, objective.share, objective.undecided),
        (None, Some(100), 1)
    );
    play.at(50).note("hard");
    assert_eq!(play.score().objectives[0].proposed, Some(Rating::P));

    let script = scenario(vec![note("a", 10), note("b", 60), note("c", 60)]);
    let mut play = Play::new(script);
    play.note("a");
    play.at(20).end(true);
    let objective = &play.score().objectives[0];
    assert_eq!((objective.proposed, objective.undecided), (None, 2));
}

#[test]
fn a_way_that_was_not_taken_weighs_nothing_unless_the_exercise_was_broken_off() {
    let script = scenario(vec![note("a", 10), about("call", contained(10))]);
    for (aborted, undecided) in [(false, 0), (true, 1)] {
        let mut play = Play::new(script.clone());
        play.note("a");
        play.at(20).end(aborted);
        let objective = &play.score().objectives[0];
        assert_eq!(objective.undecided, undecided);
        assert_eq!(objective.proposed, Some(Rating::P));
    }
}

#[test]
fn answers_are_timed_by_the_simulated_clock_each_for_its_own_request() {
    let mut play = Play::new(scenario(Vec::new()));
    play.act("bob", done(&play, "confirm"));
    play.at(5).world.request("bob", "revoke").unwrap();
    play.at(8)
        .world
        .deny("dave", "revoke", "which account?")
        .unwrap();
    play.at(9).world.request("bob", "revoke").unwrap();
    play.at(14).world.approve("dave", "revoke").unwrap();
    let score = play.score();
    let found: Vec<_> = score
        .decisions
        .iter()
        .map(|one| (one.millis.map(|millis| millis / 60_000), one.answer))
        .collect();
    assert_eq!(
        found,
        [(Some(3), Some("denied")), (Some(5), Some("approved"))]
    );
}

#[test]
fn taking_a_question_back_and_going_through_without_an_answer_end_the_wait() {
    use runsheet::engine::Intent;
    let mut play = Play::new(scenario(Vec::new()));
    play.act("bob", done(&play, "confirm"));
    play.at(5).world.request("bob", "revoke").unwrap();
    let key = play.world.key("revoke");
    play.at(6).world.act("bob", Intent::Withdraw(key)).unwrap();
    play.at(7).world.request("bob", "revoke").unwrap();
    play.at(9)
        .world
        .overrides("alice", "revoke", "no time")
        .unwrap();
    play.at(20).world.request("bob", "revoke").unwrap();
    let score = play.score();
    let found: Vec<_> = score.decisions.iter().map(|one| one.answer).collect();
    assert_eq!(found, [Some("withdrawn"), Some("overridden"), None]);
    assert_eq!(score.overrides, 1);
}

#[test]
fn what_a_checkpoint_refused_is_told_by_duty_and_not_by_person() {
    let mut play = Play::new(scenario(Vec::new()));
    play.act("bob", done(&play, "confirm"));
    let tried = play.world.run("bob", "revoke");
    play.refused("bob", "revoke", tried);
    let score = play.score();
    assert_eq!(score.refused.len(), 1);
    assert_eq!(score.refused[0].role.as_deref(), Some("operator"));
    assert_eq!(score.refused[0].step.as_deref(), Some("revoke"));
    let text = serde_json::to_string(&score).unwrap();
    assert!(
        !text.contains("bob") && !text.contains("example.org"),
        "{text}"
    );
}

#[test]
fn what_breaks_a_promise_of_the_record_proves_nothing() {
    let mut play = Play::new(scenario(vec![expect(
        "ask",
        10,
        vec![Proof::Approved(StepId::from("revoke"))],
    )]));
    play.act("bob", done(&play, "confirm"));
    play.world.request("bob", "revoke").unwrap();
    // An answer that nobody signed.
    let mut elsewhere = play.world.elsewhere();
    let decision = elsewhere.approve("dave", "revoke").unwrap();
    let mut draft = decision.events[0].clone();
    if let Fact::CheckpointApproved(fact) = &mut draft.fact {
        fact.signed.signature = String::new();
    }
    play.world.record("dave", draft);
    assert_eq!(play.world.violations().len(), 1);
    assert_eq!(play.verdict(), Verdict::Open);
    play.world.approve("dave", "revoke").unwrap();
    assert_eq!(play.verdict(), Verdict::Met);
}

fn done(play: &Play, step: &str) -> Command {
    Command::Done {
        step: play.world.key(step),
        checklist: Vec::new(),
        note: None,
    }
}
