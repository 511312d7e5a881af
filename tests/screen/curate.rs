//! An incident's account put in order on the screen: what is said of entries, links, follow-ups, what was known when, and
//! what an audience sees.

use std::sync::Arc;

use chrono::NaiveDate;
use runsheet::engine::details::{
    Confidence, Details, Edit, FollowupChange, FollowupKind, FollowupStatus, Relation, Tlp,
};
use runsheet::engine::fact::{
    EntryDescribed, EntryLinked, Evidence, EvidenceCaptured, Fact, FollowupChanged, FollowupOpened,
    MilestoneReached, NoteAdded,
};
use runsheet::engine::sentence::Class;
use runsheet::engine::telling::Telling;
use runsheet::engine::{Event, EventId, Intent};
use runsheet::evidence::Digest;
use runsheet::runbook::policy::Audience;
use runsheet::timeline::{self, Audiences, Options};
use runsheet::tui::world::Gate;
use runsheet::tui::{Input, Screen, Theme, Wish};

use crate::fixture::*;
use crate::play::Play;

fn free() -> World {
    walking(Gate::Free)
}

fn note(text: &str) -> NoteAdded {
    NoteAdded {
        text: text.to_owned(),
        step: None,
        details: None,
    }
}

fn add(list: &[&str]) -> Edit<String> {
    Edit {
        add: list.iter().map(|one| (*one).to_owned()).collect(),
        remove: Vec::new(),
    }
}

fn record(world: &mut World, event: Event) -> EventId {
    let id = event.id;
    let open = world.open.as_mut().unwrap();
    Arc::make_mut(&mut open.events).push(Arc::new(event));
    id
}

/// The id of the event at this place of the record.
fn id(world: &World, place: usize) -> EventId {
    world.open.as_ref().unwrap().events[place].id
}

fn followup(
    text: &str,
    owner: Option<&str>,
    due: Option<&str>,
    kind: FollowupKind,
) -> FollowupOpened {
    FollowupOpened {
        text: text.to_owned(),
        kind,
        owner: owner.map(str::to_owned),
        due: due.map(|due| NaiveDate::parse_from_str(due, "%Y-%m-%d").unwrap()),
        about: None,
    }
}

/// Much was said of what happened, some of it late.
fn curated() -> World {
    let mut world = free();
    {
        let open = world.open.as_mut().unwrap();
        let mut state = (*open.state).clone();
        let mut incident = (**state.incident.as_ref().unwrap()).clone();
        incident.policy.audiences = vec![Audience {
            name: "execs".to_owned(),
            tlp: Some("amber".to_owned()),
            channels: Vec::new(),
            approval: false,
            template: None,
        }];
        state.incident = Some(Arc::new(incident));
        open.state = Arc::new(state);
    }
    let mut late = event(
        20,
        at("13:40:00"),
        "alice",
        note("the bank called about it"),
    );
    late.recorded_at = at("14:01:10").to_utc();
    late.occurred_at = late
        .occurred_at
        .with_timezone(&chrono::FixedOffset::east_opt(3600).unwrap());
    late.fidelity = runsheet::engine::event::Fidelity::Minute;
    let late = record(&mut world, late);
    let evidence = Evidence {
        sha256: Digest::of(b"mail.eml"),
        size: 4_096,
        name: "mail.eml".to_owned(),
        source: "/home/alice/mail.eml".to_owned(),
        host: "bastion-2".to_owned(),
        range: Some((0, 4_096)),
        original_sha256: None,
        redacted: 2,
        dropped: 0,
        collected_at: at("14:01:12").to_utc(),
        pull: None,
    };
    let captured = EvidenceCaptured {
        evidence,
        step: None,
    };
    record(&mut world, event(21, at("14:01:12"), "alice", captured));
    let said = EntryDescribed {
        entry: late,
        details: Details {
            class: Some(Class::Comms),
            tlp: Some(Tlp::Green),
            audiences: Some(vec!["execs".to_owned()]),
            pinned: Some(true),
            confidence: Some(Confidence::High),
            source: Some("telephone".to_owned()),
            technique: Some("T1078.004".to_owned()),
            tags: add(&["bank", "vip"]),
            assets: add(&["account 4711"]),
            indicators: add(&["203.0.113.9"]),
            evidence: Edit {
                add: vec![Digest::of(b"mail.eml")],
                remove: Vec::new(),
            },
            ..Details::default()
        },
    };
    record(&mut world, event(22, at("14:01:20"), "alice", said));
    let link = EntryLinked {
        entry: id(&world, 4),
        other: late,
        relation: Relation::Cause,
        removed: false,
    };
    record(&mut world, event(23, at("14:01:30"), "bob", link));
    let mut fix = followup(
        "call the bank back",
        Some("alice"),
        Some("2026-11-20"),
        FollowupKind::Fix,
    );
    fix.about = Some(late);
    record(&mut world, event(24, at("14:01:40"), "bob", fix));
    world
}

/// Four follow-ups: late, open, done, and nobody's.
fn to_do() -> World {
    let mut world = curated();
    let rotate = followup(
        "rotate every key that is older than a year, and say in the runbook how",
        Some("bob"),
        Some("2026-12-24"),
        FollowupKind::RunbookChange,
    );
    record(&mut world, event(25, at("14:01:50"), "bob", rotate));
    let alert = followup(
        "alert on keys that are used from new networks",
        None,
        None,
        FollowupKind::Detect,
    );
    record(&mut world, event(26, at("14:01:51"), "bob", alert));
    let tell = followup(
        "tell the reporter",
        Some("carol"),
        Some("2026-11-24"),
        FollowupKind::Fix,
    );
    let tell = record(&mut world, event(27, at("14:01:52"), "bob", tell));
    let done = FollowupChanged {
        followup: tell,
        change: FollowupChange {
            status: Some(FollowupStatus::Done),
            ..FollowupChange::default()
        },
        note: Some("she was glad".to_owned()),
    };
    record(&mut world, event(28, at("14:01:55"), "carol", done));
    world
}

fn told(play: &Play) -> Vec<Telling> {
    let acts = play.wishes.iter().filter_map(|wish| match wish {
        Wish::Act(Intent::Tell(told)) => Some(told.iter().map(|one| one.what.clone())),
        _ => None,
    });
    acts.flatten().collect()
}

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

shot!(curated_timeline, curated(), "t");
shot!(curated_timeline_large, curated(), "t", 200, 50);
shot!(curated_event, curated(), "t<home><down><down><down><right>");
shot!(
    curated_event_end,
    curated(),
    "t<home><down><down><down><right><end>"
);
shot!(
    curated_event_large,
    curated(),
    "t<home><down><down><down><right>",
    200,
    50
);
shot!(
    curated_event_menu,
    curated(),
    "t<home><down><down><down><right><right>"
);
shot!(tag_form, curated(), "t<home><down><down><down>t");
shot!(describe_form, curated(), "t<home><down><down><down>d");
shot!(
    describe_wrong,
    curated(),
    "t<home>d<up><up><up><up><up><up>1078<ctrl-s>"
);
shot!(link_how, curated(), "t<home><down><down><down>l");
shot!(link_pick, curated(), "t<home>l<enter><down><down>");
shot!(evidence_how, curated(), "t<home>a");
shot!(as_of_form, curated(), "tg");
shot!(as_of, curated(), "tg14:00:20<enter>");
shot!(as_of_before_all, curated(), "tg13:00<enter>");
shot!(as_of_refuses, curated(), "tg14:00:20<enter>t");
shot!(audience, curated(), "tf<down><down>e<ctrl-s>");
shot!(timeline_help, curated(), "t?");
shot!(followups, to_do(), "F");
shot!(followups_large, to_do(), "F", 200, 50);
shot!(followups_none, free(), "tF");
shot!(followup_of, to_do(), "F<down><down><down><enter>");
shot!(followup_late, to_do(), "F<enter>");
shot!(followup_form, to_do(), "t<home>w");
shot!(followup_change, to_do(), "Fc");

#[test]
fn monochrome_and_ascii_say_the_same_of_what_is_curated() {
    for (name, world, keys) in [
        ("ascii_curated", curated(), "t"),
        ("ascii_as_of", curated(), "tg14:00:20<enter>"),
        ("ascii_link_pick", curated(), "t<home>l<enter><down>"),
        (
            "ascii_curated_event",
            curated(),
            "t<home><down><down><down><right>",
        ),
        ("ascii_followups", to_do(), "F"),
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
fn entries_stand_in_the_order_things_occurred_and_what_came_late_says_so() {
    let mut play = Play::new(curated(), 80, 24);
    play.keys("t");
    let text = play.text();
    let line = |what: &str| text.lines().position(|line| line.contains(what)).unwrap();
    assert!(line("13:25:10") < line("the bank"), "{text}");
    assert!(line("the bank") < line("13:59:40"), "{text}");
    assert!(
        text.lines()
            .nth(line("the bank"))
            .unwrap()
            .contains("21m late"),
        "{text}"
    );
}

#[test]
fn tags_are_put_on_and_taken_off_in_one_line() {
    let world = curated();
    let late = id(&world, 7);
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home><down><down><down>t");
    assert!(play.text().contains("bank vip"), "{}", play.text());
    for _ in 0..8 {
        play.keys("<backspace>");
    }
    play.keys("vip, phish<enter>");
    let tags = Edit {
        add: vec!["phish".to_owned()],
        remove: vec!["bank".to_owned()],
    };
    let details = Details {
        tags,
        ..Details::default()
    };
    assert_eq!(
        told(&play),
        [Telling::Described(EntryDescribed {
            entry: late,
            details
        })]
    );
}

#[test]
fn a_description_records_only_what_was_changed() {
    let world = curated();
    let late = id(&world, 7);
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home><down><down><down>d<ctrl-s>");
    assert!(
        play.text().contains("nothing is otherwise yet"),
        "{}",
        play.text()
    );
    // TLP one further, no longer only for execs, and a tactic.
    play.keys("<down><right><down>");
    for _ in 0..5 {
        play.keys("<backspace>");
    }
    play.keys("<down><down><down><down><down>TA0001<ctrl-s>");
    let details = Details {
        tlp: Some(Tlp::Amber),
        audiences: Some(Vec::new()),
        tactic: Some("TA0001".to_owned()),
        ..Details::default()
    };
    let entry = late;
    assert_eq!(
        told(&play),
        [Telling::Described(EntryDescribed { entry, details })]
    );
}

#[test]
fn an_audience_nobody_knows_and_a_technique_that_is_none_are_told_where_they_stand() {
    let mut play = Play::new(curated(), 80, 24);
    play.keys("t<home>d<down><down>exces<ctrl-s>");
    assert!(
        play.text().contains("no audience is called exces"),
        "{}",
        play.text()
    );
    assert!(told(&play).is_empty());
    let mut play = Play::new(curated(), 80, 24);
    play.keys("t<home>d<up><up><up><up><up><up>1078<ctrl-s>");
    assert!(
        play.text().contains("no ATT&CK technique"),
        "{}",
        play.text()
    );
    assert!(told(&play).is_empty());
}

#[test]
fn a_link_takes_the_entry_that_is_picked_and_esc_makes_none() {
    let world = curated();
    let (first, other) = (id(&world, 0), id(&world, 2));
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home>l<enter><down><down>");
    assert!(
        play.text().contains("Enter it led to this one"),
        "{}",
        play.text()
    );
    // Letters of curation mean nothing while an entry is picked.
    play.keys("t");
    assert!(play.model.layers.is_empty());
    play.keys("<esc>");
    assert!(!play.text().contains("LINK"));
    assert_eq!(play.model.screen(), Screen::Timeline);
    play.keys("l<down><enter><enter>");
    assert!(told(&play).is_empty(), "an entry is not linked to itself");
    play.keys("<down><down><enter>");
    let link = EntryLinked {
        entry: other,
        other: first,
        relation: Relation::Cause,
        removed: false,
    };
    assert_eq!(told(&play), [Telling::Linked(link)]);
    assert_eq!(play.model.timeline.cursor.at, 0, "back where it began");
}

#[test]
fn a_link_is_taken_back_where_it_is_made() {
    let world = curated();
    let (cause, late) = (id(&world, 4), id(&world, 7));
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home><down><down><down>l<up><up><enter>");
    let link = EntryLinked {
        entry: cause,
        other: late,
        relation: Relation::Cause,
        removed: true,
    };
    assert_eq!(told(&play), [Telling::Linked(link)]);
}

#[test]
fn curation_begins_from_one_entry_that_is_read_too() {
    let world = curated();
    let first = id(&world, 0);
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home><right>tphish<enter>");
    assert!(matches!(&told(&play)[..], [Telling::Described(fact)] if fact.entry == first));
    // A link leads from the reader to the list.
    play.keys("l<enter>");
    assert!(play.model.layers.is_empty(), "{}", play.text());
    assert!(
        play.text().contains("LINK: pick the other entry"),
        "{}",
        play.text()
    );
}

#[test]
fn a_file_becomes_evidence_of_an_entry_and_so_does_what_is_there_already() {
    let world = curated();
    let first = id(&world, 0);
    let mut play = Play::new(world, 80, 24);
    play.keys("t<home>a<enter>/tmp/page.png<enter>");
    assert!(play.wishes.contains(&Wish::AttachTo {
        entry: first,
        path: "/tmp/page.png".to_owned()
    }));
    play.keys("a<down><enter>");
    let [Telling::Described(fact)] = &told(&play)[..] else {
        panic!("{}", play.text());
    };
    assert_eq!(fact.details.evidence.add, [Digest::of(b"mail.eml")]);
}

#[test]
fn what_was_known_then_is_what_timeline_as_of_says() {
    let world = curated();
    let events = Arc::clone(&world.open.as_ref().unwrap().events);
    let mut play = Play::new(world, 80, 24);
    play.keys("t");
    for moment in ["13:00:00", "13:22:40", "14:00:20", "14:01:10", "14:01:35"] {
        play.keys(&format!("g{moment}<enter>"));
        for _ in 0..4 {
            play.input(Input::Tick);
        }
        let (state, known) = timeline::as_of(&events, at(moment).to_utc());
        let index = &play.model.timeline.index;
        let shown: Vec<_> = (0..index.len())
            .map(|row| events[index.at(row).unwrap()].id)
            .collect();
        let whole = timeline::project(&state, &known, Options::default());
        let rows: Vec<_> = whole.rows.iter().map(|row| row.event).collect();
        assert_eq!(shown, rows, "{moment}");
        let past = index.past().unwrap();
        assert_eq!(past.state.milestones, state.milestones);
        // What was said of an entry later was not known.
        let said: usize = known
            .iter()
            .filter(|event| matches!(event.fact, Fact::EntryDescribed(_)))
            .count();
        assert_eq!(
            index.said().details(&events[7].id).is_some(),
            said > 0,
            "{moment}"
        );
        assert!(play.text().contains("AS OF"), "{}", play.text());
        play.keys("<esc>");
        assert!(!play.text().contains("AS OF"), "{}", play.text());
    }
    assert_eq!(play.model.screen(), Screen::Timeline);
    // The same key goes back, too.
    play.keys("g-12m<enter>");
    assert!(play.text().contains("AS OF 13:50:11"), "{}", play.text());
    play.keys("g");
    assert!(!play.text().contains("AS OF"), "{}", play.text());
    play.keys("gyesterday<enter>");
    assert!(play.text().contains("a time like 13:40"), "{}", play.text());
}

#[test]
fn nothing_is_curated_in_the_past() {
    let mut play = Play::new(curated(), 80, 24);
    play.keys("tg14:00:20<enter>");
    for key in ["t", "d", "l", "a", "w", "c", "b", "n", "m"] {
        play.keys(key);
        assert!(play.model.layers.is_empty(), "{key}");
        assert!(
            play.text().contains("this is what was known then"),
            "{}",
            play.text()
        );
    }
    play.keys("<home><right>");
    assert!(!play.text().contains("t tag"), "{}", play.text());
}

#[test]
fn an_audience_sees_on_the_screen_what_its_export_has() {
    let mut world = curated();
    let milestone = MilestoneReached {
        milestone: runsheet::engine::fact::Milestone::Contained,
    };
    record(&mut world, event(30, at("14:02:00"), "alice", milestone));
    let open = world.open.as_ref().unwrap();
    let (state, events) = (Arc::clone(&open.state), Arc::clone(&open.events));
    let rules = &state.incident.as_ref().unwrap().policy.audiences;
    let audiences = Audiences::of(rules);
    let names: Vec<String> = audiences.names().map(str::to_owned).collect();
    let mut play = Play::new(world.clone(), 80, 24);
    for (at, name) in names.iter().enumerate() {
        play.keys("tf<down><down>");
        for _ in 0..=at {
            play.keys("<right>");
        }
        play.keys("<ctrl-s>");
        let reader = audiences.named(name).unwrap();
        let whole =
            timeline::audience::project(&state, &events, Options::default(), &audiences, reader);
        let index = &play.model.timeline.index;
        let shown: Vec<_> = (0..index.len())
            .map(|row| events[index.at(row).unwrap()].id)
            .collect();
        let rows: Vec<_> = whole.rows.iter().map(|row| row.event).collect();
        assert_eq!(shown, rows, "{name}");
        let (_, left_out) = index.left_out().unwrap();
        let withheld = &whole.audience.as_ref().unwrap().withheld;
        assert_eq!(*left_out, withheld.by_class, "{name}");
        for row in &whole.rows {
            let event = &events[index.place(&row.event).unwrap()];
            let standing = index.said().standing(event);
            assert_eq!(standing.class, row.class, "{name}");
            assert_eq!(standing.details.tlp, row.about.tlp, "{name}");
            assert_eq!(standing.details.tags.add, row.about.tags, "{name}");
            assert_eq!(index.said().links(&row.event), row.links, "{name}");
            assert_eq!(
                index.said().corrections(&row.event).len(),
                row.corrections.len()
            );
        }
        let banner = format!("AS {} SEE IT", name.to_uppercase());
        assert!(play.text().contains(&banner), "{}", play.text());
        play.keys("<esc><esc>");
        assert_eq!(play.model.screen(), Screen::Walk);
    }
}

#[test]
fn what_is_said_while_an_audience_looks_is_seen_at_once() {
    let mut play = Play::new(curated(), 80, 24);
    play.keys("tf<down><down>c<right><ctrl-s>");
    let name = play.model.timeline.index.filter().audience.clone().unwrap();
    let before = play.model.timeline.index.len();
    assert!(before > 0, "{name}: {}", play.text());
    let shown = play.model.timeline.index.at(0).unwrap();
    let entry = id(&play.world, shown);
    let details = Details {
        tlp: Some(Tlp::Red),
        ..Details::default()
    };
    let said = EntryDescribed { entry, details };
    record(&mut play.world, event(40, at("14:02:05"), "bob", said));
    play.input(Input::WorldChanged);
    let index = &play.model.timeline.index;
    assert!(
        (0..index.len()).all(|row| index.at(row) != Some(shown)),
        "{}",
        play.text()
    );
}

#[test]
fn a_stretch_between_two_milestones_can_be_shown_alone() {
    let mut play = Play::new(curated(), 80, 24);
    play.keys("tf<down><right><ctrl-s>");
    let text = play.text();
    assert!(
        text.contains("from detected to the next milestone"),
        "{text}"
    );
    assert!(!text.contains("alice    note "), "{text}");
    assert!(text.contains("13:25:10"), "{text}");
    assert!(!text.contains("without an entry"), "{text}");
    // Esc shows all again, and only then leaves.
    play.keys("<esc>");
    assert!(play.text().contains("13:21:04"));
    play.keys("<esc>");
    assert_eq!(play.model.screen(), Screen::Walk);
}

#[test]
fn the_cursor_stays_on_its_entry_when_others_come_before_it_and_goes_to_what_i_add() {
    let mut play = Play::new(curated(), 80, 24);
    play.keys("t<home><down><down><down><down>");
    let on = play.model.event(&play.world).unwrap().id;
    let mut late = event(41, at("13:22:00"), "carol", note("a late word"));
    late.recorded_at = at("14:02:09").to_utc();
    record(&mut play.world, late);
    play.input(Input::WorldChanged);
    assert_eq!(play.model.event(&play.world).unwrap().id, on);
    assert_eq!(play.model.timeline.cursor.at, 5);
    play.keys("b13:23 a word of mine<enter>");
    let mut mine = event(42, at("13:23:00"), "bob", note("a word of mine"));
    mine.recorded_at = at("14:02:10").to_utc();
    let mine = record(&mut play.world, mine);
    play.input(Input::WorldChanged);
    assert_eq!(play.model.event(&play.world).unwrap().id, mine);
}

#[test]
fn follow_ups_are_added_changed_done_and_dropped() {
    let mut play = Play::new(to_do(), 80, 24);
    play.keys("F");
    assert_eq!(play.model.screen(), Screen::Followups);
    assert!(play.text().contains("OVERDUE"), "{}", play.text());
    let first = id(&play.world, 11);
    play.keys("nwrite it down<down>d<down>dan<down>14d<enter>");
    let opened = FollowupOpened {
        text: "write it down".to_owned(),
        kind: FollowupKind::Detect,
        owner: Some("dan".to_owned()),
        due: NaiveDate::from_ymd_opt(2026, 12, 7),
        about: None,
    };
    assert_eq!(told(&play), [Telling::Opened(opened)]);
    play.wishes.clear();
    play.keys("d<enter>");
    let change = FollowupChange {
        status: Some(FollowupStatus::Done),
        ..FollowupChange::default()
    };
    let done = FollowupChanged {
        followup: first,
        change,
        note: None,
    };
    assert_eq!(told(&play), [Telling::Changed(done)]);
    play.wishes.clear();
    play.keys("x<enter>");
    assert!(told(&play).is_empty(), "dropping takes a reason");
    play.keys("the bank is closed<enter>");
    assert!(matches!(&told(&play)[..], [Telling::Changed(fact)]
        if fact.change.status == Some(FollowupStatus::Dropped) && fact.note.is_some()));
    play.wishes.clear();
    play.keys("c<ctrl-s>");
    assert!(
        play.text().contains("nothing is otherwise yet"),
        "{}",
        play.text()
    );
    play.keys("<down><down><down><end><backspace><backspace>30<ctrl-s>");
    let change = FollowupChange {
        due: NaiveDate::from_ymd_opt(2026, 11, 30),
        ..FollowupChange::default()
    };
    assert!(matches!(&told(&play)[..], [Telling::Changed(fact)] if fact.change == change));
    // What is done is neither finished nor dropped again.
    play.wishes.clear();
    play.keys("<down><down><down>dx");
    assert!(told(&play).is_empty() && play.model.layers.is_empty());
}

#[test]
fn the_palette_finds_the_follow_ups_from_the_walk_and_the_timeline() {
    for before in ["", "t"] {
        let mut play = Play::new(to_do(), 80, 24);
        play.keys(before).keys(":follow-ups<enter>");
        assert_eq!(play.model.screen(), Screen::Followups, "{}", play.text());
    }
}

#[test]
fn a_follow_up_leads_to_its_entry_and_an_entry_to_its_follow_up() {
    let mut play = Play::new(to_do(), 80, 24);
    play.keys("F<enter><up><up><enter>");
    assert_eq!(play.model.screen(), Screen::Timeline, "{}", play.text());
    let late = id(&play.world, 7);
    assert_eq!(play.model.event(&play.world).unwrap().id, late);
    play.keys("<right><end>");
    assert!(
        play.text().contains("call the bank back"),
        "{}",
        play.text()
    );
    play.keys("wagain<enter><enter><enter><enter>");
    assert!(matches!(&told(&play)[..], [Telling::Opened(fact)] if fact.about == Some(late)));
}

#[test]
fn one_hundred_thousand_events_never_hold_a_key_up() {
    let mut world = free();
    world.open.as_mut().unwrap().events = Arc::new(many_events(100_000));
    let mut play = Play::new(world, 80, 24);
    play.keys("tg13:00<enter>");
    assert!(play.wishes.contains(&Wish::Again), "it goes on in pieces");
    assert!(play.text().contains("searching"), "{}", play.text());
    for _ in 0..16 {
        play.input(Input::Tick);
    }
    assert!(!play.text().contains("searching"), "{}", play.text());
    assert_eq!(
        play.model.timeline.index.past().unwrap().known,
        play.model.timeline.index.len()
    );
}

#[test]
fn what_others_said_of_an_entry_is_shown_and_never_sent() {
    let evil = "\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{202e}\u{200b}x\r\u{8}";
    let mut world = to_do();
    let text = || Some(evil.to_owned());
    let details = Details {
        audiences: Some(vec![evil.to_owned()]),
        source: text(),
        on_behalf_of: text(),
        tactic: text(),
        technique: text(),
        tags: add(&[evil, "a,b"]),
        assets: add(&[evil]),
        indicators: add(&[evil]),
        ..Details::default()
    };
    let entry = id(&world, 7);
    record(
        &mut world,
        event(50, at("14:02:06"), "bob", EntryDescribed { entry, details }),
    );
    record(
        &mut world,
        event(
            51,
            at("14:02:07"),
            "bob",
            followup(evil, Some(evil), None, FollowupKind::Policy),
        ),
    );
    for keys in [
        "t",
        "t<home><down><down><down><right>",
        "t<home><down><down><down>t",
        "t<home><down><down><down>d",
        "t<home><down><down><down>l",
        "F",
        "F<up><up><enter>",
        "F<up><up>c",
    ] {
        let mut play = Play::new(world.clone(), 80, 24);
        play.keys(keys);
        for bad in [
            '\u{7}', '\u{8}', '\r', '\u{9b}', '\u{202e}', '\u{200b}', '\u{1b}',
        ] {
            assert!(!play.text().contains(bad), "{keys}: {bad:?}");
        }
    }
}
