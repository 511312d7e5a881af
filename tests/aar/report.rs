//! Reports, frozen: a whole exercise, one that was broken off, one whose words are hostile.

use pulldown_cmark::{Event as Syntax, Options, Parser, Tag};
use runsheet::engine::details::FollowupKind;
use runsheet::engine::exercise::{ClockChange, Control};
use runsheet::engine::fact::{DecisionNamed, FollowupOpened, Milestone, StageSubmitted};
use runsheet::engine::telling::{Telling, Told};
use runsheet::engine::{Command, EventId};
use runsheet::exercise::report::{self, Report, Run, Source};
use runsheet::exercise::seal::{Item, Rating, RemarkKind, Verdict};
use runsheet::runbook::model::Role;
use runsheet::runbook::scenario::{self, Scenario};
use runsheet::timeline::clocks::{self, Countdown};
use runsheet::timeline::{self, Timeline, project};

use super::golden;
use super::play::{BOOK, Play};
use super::world::{POLICY, World, principal};

/// One small exercise with one of everything.
const SCRIPT: &str = r"
kind: scenario
id: leaked-key-insider
title: Leaked key with an insider twist
form: functional
summary: A key of the export is on a paste site, and the usual approver is involved.
scope: The on-call engineer and the approver of one account.
threat: A person with approval rights misuses a credential.
sponsor: Head of security
briefing: |
  It is Friday evening.
  You are on call.
runbook: leaked-key
severity: sev2
clock: {scale: 6, length: 90m}
objectives:
  - {id: contain, title: Contain the leak, capability: Cybersecurity, critical_tasks: [Switch the key off, Prove that it is off]}
  - {id: independence, title: Get approvals from people who are not involved, capability: Operational Coordination}
  - {id: tell, title: Tell who has to know, capability: Public Information and Warning}
parts:
  - {id: ops, title: On-call engineer, side: player, role: operator}
  - {id: second, title: Approver of the data centre, side: player, role: approver}
  - {id: control, title: Lead controller, side: facilitator}
  - {id: evaluator, title: Evaluator for checkpoints, side: evaluator}
moves:
  - {id: first, title: A key on a paste site, at: 0m}
  - {id: insider, title: Somebody of ours, at: 20m}
injects:
  - {id: page, title: Scanner finds the key, at: 0m, means: alert, from: secret scanner, to: [ops], message: The key is public.}
  - {id: audit, title: Audit calls, at: 20m, means: phone, from: Internal audit, to: [ops], message: Do not ask the usual approver.}
  - {id: denied, title: Why it failed, after: [{failed: revoke}], delay: 5m, means: chat, from: Cloud, message: There is a deny policy.}
  - {id: press, title: A reporter calls, by_hand: true, means: phone, from: A newspaper, message: Is it true?}
  - {id: still-on, title: More reads, at: 30m, unless: [{done: revoke}], means: alert, from: Cloud, message: The key is in use.}
expectations:
  - {id: declared, action: The incident is declared, role: ops, about: page, by: 10m, proof: [{milestone: declared}], weight: 1, objective: contain}
  - {id: revoked, action: The key is off, role: ops, by: 45m, proof: [{done: revoke}], weight: 3, critical: true, objective: contain}
  - {id: asked-second, action: The second approver is asked and the checkpoint not gone around, role: ops, about: audit, by: 15m, proof: [{asked: revoke}], never: [{overridden: revoke}], weight: 3, critical: true, objective: independence}
  - {id: quiet, action: Nothing is sent to the stakeholders, by: 60m, never: [{update: {audience: stakeholders}}], weight: 1, objective: independence}
  - {id: liaison, action: Finance is told, role: ops, about: audit, by: 10m, proof: [{note: finance}], weight: 1, objective: tell}
  - {id: press-line, action: The reporter gets no comment, about: press, by: 5m, proof: [{note: no comment}], weight: 1, objective: tell}
  - {id: substitute, action: A substitute is named, about: audit, by: 10m, proof: [{role: commander}], weight: 1, objective: independence}
  - {id: tone, action: The talk stays about facts, by: 60m, weight: 1, objective: tell}
hot_wash: [What would you do first next time?, What was missing in the runbook?]
code_word: no duff
abort: [A real incident of sev2 or higher]
";

fn script() -> Scenario {
    scenario::parse(
        "runbooks/scenarios/leaked-key-insider.yaml",
        SCRIPT.as_bytes(),
    )
    .unwrap()
}

fn open(play: &mut Play, about: Option<EventId>, text: &str, owner: Option<&str>) {
    let opened = FollowupOpened {
        text: text.to_owned(),
        kind: FollowupKind::RunbookChange,
        owner: owner.map(str::to_owned),
        due: owner.map(|_| "2026-10-15".parse().unwrap()),
        about,
    };
    tell(play, Telling::Opened(opened));
}

fn tell(play: &mut Play, telling: Telling) {
    play.act("bob", Command::Tell(vec![Told::from(telling)]));
}

fn feedback(play: &mut Play, question: Option<&str>, text: &str) {
    let said = Control::Feedback {
        question: question.map(str::to_owned),
        text: text.to_owned(),
    };
    play.act("bob", Command::Exercise(said));
}

fn remark(play: &mut Play, about: &str, kind: RemarkKind, text: &str, recommend: Option<&str>) {
    let item = Item::Remark {
        about: Some(about.to_owned()),
        kind,
        text: text.to_owned(),
        recommend: recommend.map(str::to_owned),
    };
    play.seal("carol", &item);
}

fn confirm(play: &mut Play) {
    let done = Command::Done {
        step: play.world.key("confirm"),
        checklist: Vec::new(),
        note: None,
    };
    play.act("bob", done);
}

/// From the page to the end: one late, one missed, one gone back over, one judged by hand.
fn played() -> Play {
    let mut play = Play::new(script());
    play.clock(ClockChange::Move, Some(("first", 0)), None);
    play.inject("page", false);
    play.at(4).reach(Milestone::Declared);
    play.at(6);
    confirm(&mut play);
    let tried = play.world.run("bob", "revoke");
    play.at(7).refused("bob", "revoke", tried);
    play.at(20)
        .clock(ClockChange::Move, Some(("insider", 20)), None);
    play.inject("audit", false);
    play.at(26).note("a wrong turn");
    play.at(28)
        .clock(ClockChange::Back, Some(("insider", 20)), None);
    play.inject("audit", false);
    let (who, role) = (principal("dave"), Role::from("commander"));
    play.at(22).act("bob", Command::AssignRole { who, role });
    play.at(24).world.request("bob", "revoke").unwrap();
    play.at(31).inject("still-on", true);
    play.at(33)
        .world
        .deny("dave", "revoke", "which account?")
        .unwrap();
    play.at(35).world.request("bob", "revoke").unwrap();
    play.at(38).world.approve("dave", "revoke").unwrap();
    play.world.run("bob", "revoke").unwrap();
    play.at(39).world.exit("bob", "revoke", 0, "Inactive");
    let revoked = play.world.events.last().unwrap().id;
    play.at(40).note("finance is told");
    tell(
        &mut play,
        Telling::Decided(DecisionNamed {
            decision: "aware".to_owned(),
            reason: "the export holds names".to_owned(),
        }),
    );
    open(
        &mut play,
        Some(revoked),
        "Name a second approver in the runbook",
        Some("Erin East"),
    );
    open(&mut play, None, "Tell the bank earlier", None);
    let skipped = Item::Skipped {
        inject: "press".to_owned(),
        reason: Some("the room was busy".to_owned()),
    };
    play.at(50).seal("alice", &skipped);
    play.judge("tone", Verdict::Met, "heard no accusation");
    play.rate("contain", Rating::P);
    remark(
        &mut play,
        "tell",
        RemarkKind::Improvement,
        "Nobody owned the talk with finance",
        Some("Give the liaison a checklist"),
    );
    remark(
        &mut play,
        "revoked",
        RemarkKind::Strength,
        "The request said why",
        None,
    );
    play.at(61);
    tell(
        &mut play,
        Telling::Submitted(StageSubmitted {
            clock: "gdpr-33".to_owned(),
            stage: "notification".to_owned(),
            reference: None,
        }),
    );
    play.at(70).end(false);
    feedback(
        &mut play,
        Some("What would you do first next time?"),
        "Ask who is independent",
    );
    feedback(&mut play, None, "More of this");
    play
}

fn countdowns(play: &Play) -> Vec<Countdown> {
    let shipped = clocks::shipped().iter();
    let regimes = shipped.filter(|regime| regime.id == "gdpr-33");
    let now = play.now().fixed_offset();
    clocks::due(regimes, &clocks::anchors(&play.world.state), now)
}

fn gather(play: &Play, last: Option<&Run>, real: &[Timeline]) -> Report {
    with(play, |source| report::gather(source, last, real))
}

fn with<T>(play: &Play, make: impl FnOnce(Source<'_>) -> T) -> T {
    let (events, items, countdowns) = (play.events(), play.items(), countdowns(play));
    make(Source {
        scenario: &play.scenario,
        state: &play.world.state,
        events: &events,
        items: &items,
        countdowns: &countdowns,
        now: play.now(),
    })
}

/// A run before this one, with another end.
fn before() -> Run {
    let mut play = Play::new(script());
    play.inject("page", false);
    play.at(12).reach(Milestone::Declared);
    play.at(80).end(false);
    with(&play, Run::of)
}

/// A real incident of the same runbook.
fn real() -> Timeline {
    let mut world = World::started(POLICY, &[BOOK], &[]);
    world.pass(300);
    let command = Command::Done {
        step: world.key("confirm"),
        checklist: Vec::new(),
        note: None,
    };
    world.command("bob", command).unwrap();
    let events: Vec<_> = world
        .events
        .iter()
        .cloned()
        .map(std::sync::Arc::new)
        .collect();
    project(&world.state, &events, timeline::Options::default())
}

fn freeze(name: &str, report: &Report) {
    golden(&format!("aar/{name}.md"), &report::markdown(report));
    golden(&format!("aar/{name}.html"), &report::html(report));
    golden(&format!("aar/{name}.json"), &report::json(report).unwrap());
}

#[test]
fn a_whole_exercise_is_reported() {
    let play = played();
    let report = gather(&play, Some(&before()), &[real(), exercise_timeline(&play)]);
    assert!(play.world.violations().is_empty());
    assert_eq!(report.comparison.real.as_ref().unwrap().incidents, 1);
    freeze("played", &report);
}

fn exercise_timeline(play: &Play) -> Timeline {
    project(
        &play.world.state,
        &play.events(),
        timeline::Options::default(),
    )
}

#[test]
fn one_that_was_broken_off_says_so_and_claims_nothing() {
    let mut play = Play::new(script());
    play.inject("page", false);
    play.at(4).reach(Milestone::Declared);
    play.at(12).end(true);
    let report = gather(&play, None, &[]);
    assert!(report.overview.aborted);
    assert!(report.objectives.iter().all(|one| one.proposed.is_none()));
    freeze("aborted", &report);
}

#[test]
fn an_exercise_under_way_is_told_as_it_stands() {
    let mut play = Play::new(script());
    play.at(4).reach(Milestone::Declared);
    let report = gather(&play, None, &[]);
    assert_eq!(report.overview.ended, None);
    assert!(report.summary.account[1].contains("under way"));
    assert!(report::markdown(&report).contains("under way"));
}

/// What somebody who wants to do harm writes.
const HOSTILE: &str = "=cmd|' /C calc'!A0 | x |\n\n# h\n<script>alert(1)</script> ![i](https://e.example/p.png) </title><img src=x> \u{1b}]52;c;x\u{7}\u{202e}\u{0}";

#[test]
fn hostile_words_become_neither_syntax_nor_control_characters() {
    let mut play = Play::new(script());
    let evil = || HOSTILE.to_owned();
    let script = &mut play.scenario;
    for text in [
        &mut script.title,
        &mut script.summary,
        &mut script.scope,
        &mut script.threat,
        &mut script.briefing,
        &mut script.expectations[0].action,
        &mut script.moves[0].title,
        &mut script.parts[0].title,
        &mut script.hot_wash[0],
    ] {
        *text = evil();
    }
    script.objectives[0].title = evil();
    script.objectives[0].capability = evil();
    script.injects[0].title = evil();
    script.injects[0].from = evil();
    script.sponsor = Some(evil());
    script.objectives[0].critical_tasks = vec![evil()];
    script.expectations[0].role = Some(evil());
    script.injects[0].to = vec![evil()];
    play.inject("page", false);
    play.at(4).reach(Milestone::Declared);
    play.at(6);
    confirm(&mut play);
    play.note(HOSTILE);
    open(&mut play, None, HOSTILE, Some(HOSTILE));
    let reason = "=1+1 | <script>alert(1)</script> ![i](https://e.example/p.png)";
    play.world.overrides("alice", "revoke", reason).unwrap();
    remark(
        &mut play,
        "contain",
        RemarkKind::Improvement,
        HOSTILE,
        Some(HOSTILE),
    );
    play.judge("declared", Verdict::Late, HOSTILE);
    play.at(20).end(false);
    feedback(&mut play, Some(HOSTILE), HOSTILE);
    feedback(&mut play, None, HOSTILE);
    let report = gather(&play, None, &[]);
    let (text, page) = (report::markdown(&report), report::html(&report));
    for event in Parser::new_ext(&text, Options::all()) {
        let syntax = matches!(
            event,
            Syntax::Html(_)
                | Syntax::InlineHtml(_)
                | Syntax::Start(Tag::Link { .. } | Tag::Image { .. })
        );
        assert!(!syntax, "{event:?}");
    }
    assert!(!page.contains("<script") && !page.contains("<img"));
    for out in [&text, &page, &report::json(&report).unwrap()] {
        let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!out.chars().any(is_bad));
    }
    freeze("hostile", &report);
}

#[test]
fn every_document_says_exercise_and_the_same_values_give_the_same_bytes() {
    let (one, two) = (gather(&played(), None, &[]), gather(&played(), None, &[]));
    let text = report::markdown(&one);
    for heading in text
        .lines()
        .filter(|line| line.starts_with("# ") || line.starts_with("## "))
    {
        assert!(heading.contains("EXERCISE: "), "{heading}");
    }
    let page = report::html(&one);
    assert!(page.contains("@top-center{content:\"EXERCISE\"}"));
    assert!(!page.contains("<script") && page.contains("default-src 'none'"));
    let json: serde_json::Value = serde_json::from_str(&report::json(&one).unwrap()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["exercise"], true);
    assert_eq!(text, report::markdown(&two));
    assert_eq!(page, report::html(&two));
}

#[test]
fn persons_are_named_as_participants_and_nowhere_else() {
    let report = gather(&played(), None, &[]);
    let mut without = report.clone();
    without.overview.participants.clear();
    // Who is to do something afterwards is named as well.
    for action in &mut without.improvement_plan {
        action.owner = None;
    }
    for change in &mut without.runbook_changes {
        change.patch.clear();
    }
    let text = report::json(&without).unwrap().to_lowercase();
    for name in ["alice", "bob", "carol", "dave", "erin", "example.org"] {
        assert!(!text.contains(name), "{name}");
    }
    assert_eq!(report.overview.participants.len(), 4);
}
