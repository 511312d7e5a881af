//! What people say about entries beside the walk: details, links, imported entries, follow-ups, decisions.

use chrono::NaiveDate;
use runsheet::engine::Command;
use runsheet::engine::details::{
    Confidence, Details, Edit, FollowupChange, FollowupKind, FollowupStatus, Origin, Relation, Tlp,
};
use runsheet::engine::fact::{
    DecisionNamed, EntryDescribed, EntryImported, EntryLinked, FollowupChanged, FollowupOpened,
    StageSubmitted,
};
use runsheet::engine::sentence::Class;
use runsheet::engine::telling::{Telling, Told};
use runsheet::evidence::Digest;

use super::chance::Chance;
use super::world::World;

/// One thing or two at once.
pub fn any(world: &World, chance: &mut Chance) -> Command {
    let told = (0..=chance.below(2)).map(|_| Told::from(one(world, chance)));
    Command::Tell(told.collect())
}

fn one(world: &World, chance: &mut Chance) -> Telling {
    let entry = chance.one(&world.events).id;
    match chance.below(7) {
        0 => Telling::Described(EntryDescribed {
            entry,
            details: details(chance),
        }),
        1 => Telling::Linked(EntryLinked {
            entry,
            other: chance.one(&world.events).id,
            relation: *chance.one(Relation::ALL),
            removed: chance.percent(30),
        }),
        2 => Telling::Imported(EntryImported {
            text: "is anybody looking?".to_owned(),
            origin: Origin {
                file: "chat.json".to_owned(),
                sha256: Digest::of(b"chat"),
                position: 7,
                person: maybe(chance, "Carol  Chu"),
                id: maybe(chance, "17"),
            },
            details: details(chance),
        }),
        3 => Telling::Opened(FollowupOpened {
            text: "Scan for keys".to_owned(),
            kind: *chance.one(FollowupKind::ALL),
            owner: maybe(chance, "erin"),
            due: due(chance),
            about: chance.percent(50).then_some(entry),
        }),
        4 => Telling::Changed(FollowupChanged {
            followup: entry,
            change: FollowupChange {
                status: Some(*chance.one(FollowupStatus::ALL)),
                text: maybe(chance, "Scan daily"),
                kind: chance.percent(50).then_some(FollowupKind::Detect),
                owner: maybe(chance, "erin"),
                due: due(chance),
            },
            note: maybe(chance, "agreed\twith erin"),
        }),
        5 => Telling::Decided(DecisionNamed {
            decision: "gdpr-33/aware".to_owned(),
            reason: "names were in it".to_owned(),
        }),
        _ => Telling::Submitted(StageSubmitted {
            clock: "gdpr-33".to_owned(),
            stage: "notification".to_owned(),
            reference: maybe(chance, "DPA-77"),
        }),
    }
}

fn maybe(chance: &mut Chance, text: &str) -> Option<String> {
    chance.percent(50).then(|| text.to_owned())
}

fn due(chance: &mut Chance) -> Option<NaiveDate> {
    let day = NaiveDate::from_ymd_opt(2026, 12, 24);
    day.filter(|_| chance.percent(50))
}

pub fn details(chance: &mut Chance) -> Details {
    let list = |chance: &mut Chance, text: &str| Edit {
        add: vec![text.to_owned(); chance.below(2)],
        remove: vec![format!("no {text}"); chance.below(2)],
    };
    Details {
        class: chance.percent(30).then(|| *chance.one(&Class::ALL)),
        tlp: chance.percent(50).then(|| *chance.one(Tlp::ALL)),
        audiences: chance
            .percent(30)
            .then(|| vec!["customers".to_owned(); chance.below(3)]),
        pinned: chance.percent(50).then(|| chance.percent(50)),
        confidence: chance.percent(30).then(|| *chance.one(Confidence::ALL)),
        source: maybe(chance, "a \u{202e}log"),
        on_behalf_of: maybe(chance, "billing"),
        tactic: maybe(chance, "TA0001"),
        technique: maybe(chance, "T1078.004"),
        tags: list(chance, "entry"),
        assets: list(chance, "iam/deploy"),
        indicators: list(chance, "203.0.113.9"),
        evidence: Edit {
            add: vec![Digest::of(b"log"); chance.below(2)],
            remove: Vec::new(),
        },
    }
}
