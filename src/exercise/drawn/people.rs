//! Everybody an incident names, and the made-up person who stands for each: the policy's people, whoever recorded
//! anything, who wrote the runbooks, who spoke in an imported chat, who owns what is to be done. Who is only named in
//! the middle of a sentence is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{Event, Fact, State};
use crate::trust::Principal;

/// Nobody in particular; who is called so in the incident as well is passed over.
const MADE_UP: [&str; 24] = [
    "Arden Ashby",
    "Blair Bexley",
    "Corin Caldwell",
    "Darcy Denholm",
    "Emery Elstow",
    "Flynn Farrow",
    "Greer Garside",
    "Harley Hazelby",
    "Indigo Irwell",
    "Jules Jarrow",
    "Kit Kelmarsh",
    "Linden Lorton",
    "Marlowe Marbury",
    "Nico Norwell",
    "Onyx Orford",
    "Perry Penrith",
    "Quill Quorndon",
    "Reese Rushden",
    "Sorrel Sutcombe",
    "Tamsin Thornbury",
    "Umber Ullswater",
    "Vesper Varndell",
    "Wren Wickham",
    "Yarrow Yoxford",
];

/// What is no name although somebody is called so, or is part of what a group is called.
const COMMON: [&str; 34] = [
    "account", "admin", "agent", "alert", "and", "bot", "call", "ci", "cloud", "data", "deploy",
    "desk", "duty", "for", "incident", "network", "oncall", "operator", "ops", "platform",
    "postgres", "release", "response", "root", "security", "service", "sre", "support", "system",
    "team", "the", "ubuntu", "user", "www-data",
];

/// More than any incident has.
const MOST: usize = 500;

/// Who stands for whom.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// What somebody is called, in lower case, with what is said instead.
    pub instead: BTreeMap<String, String>,
    /// The places in the list of whoever has this name.
    known: BTreeMap<String, usize>,
    /// The made-up people.
    names: Vec<String>,
}

/// What one person is called.
#[derive(Default)]
struct Real {
    full: Vec<String>,
    /// Ids, accounts, parts of addresses.
    short: Vec<String>,
    addresses: Vec<String>,
}

impl People {
    /// Everybody in these events.
    pub fn of(state: &State, events: &[Arc<Event>]) -> Self {
        let reals = reals(state, events);
        let taken: BTreeSet<String> = reals
            .iter()
            .flat_map(|real| real.full.iter().chain(&real.short))
            .flat_map(|name| words(name).map(str::to_lowercase))
            .collect();
        let free = MADE_UP.iter().filter(|name| {
            let mut parts = words(name);
            parts.all(|part| !taken.contains(&part.to_lowercase()))
        });
        let further = (1..).map(|number| format!("Person No{number}"));
        let mut names = free.map(|name| (*name).to_owned()).chain(further);
        let mut people = Self::default();
        for real in reals.into_iter().take(MOST) {
            people.add(&real, &mut names);
        }
        people
    }

    fn add(&mut self, real: &Real, names: &mut impl Iterator<Item = String>) {
        let all = || real.full.iter().chain(&real.short).chain(&real.addresses);
        let same = all().find_map(|name| self.known.get(&name.to_lowercase()).copied());
        let index = match same {
            Some(index) => index,
            None => {
                self.names.extend(names.next());
                self.names.len() - 1
            }
        };
        for name in all() {
            self.known.entry(name.to_lowercase()).or_insert(index);
        }
        let Some(name) = self.names.get(index).cloned() else {
            return;
        };
        let (first, last) = name.split_once(' ').unwrap_or((&name, &name));
        let mut say = |real: &str, instead: &str| {
            let real = real.to_lowercase();
            if real.chars().count() >= 3 && !COMMON.contains(&real.as_str()) {
                self.instead.entry(real).or_insert(instead.to_owned());
            }
        };
        for address in &real.addresses {
            say(address, &address_of(first));
        }
        for short in &real.short {
            say(short, first);
        }
        for full in &real.full {
            say(full, &name);
            let parts: Vec<&str> = words(full).collect();
            for (at, part) in parts.iter().enumerate() {
                let is_last = at > 0 && at + 1 == parts.len();
                say(part, if is_last { last } else { first });
            }
        }
    }

    /// The made-up id and name of somebody.
    pub fn called(&self, who: &Principal) -> (String, String) {
        let known = self.known.get(&who.as_str().to_lowercase());
        let name = known.and_then(|index| self.names.get(*index)).cloned();
        let name = name.unwrap_or_else(|| "Somebody Else".to_owned());
        let first = name.split(' ').next().unwrap_or(&name).to_lowercase();
        let id = match first.as_str() {
            "person" => super::page::slug(&name),
            _ => first,
        };
        (id, name)
    }
}

/// Where a made-up person is written to.
fn address_of(first: &str) -> String {
    format!("{}@example.org", first.to_lowercase())
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !(letter.is_alphanumeric() || "'’-".contains(letter)))
        .filter(|word| !word.is_empty())
}

fn reals(state: &State, events: &[Arc<Event>]) -> Vec<Real> {
    let mut all = Vec::new();
    if let Some(incident) = &state.incident {
        let people = &incident.policy.people;
        let shared = |account: &str| {
            let has = people.values().filter(|other| {
                let mut accounts = other.accounts.iter();
                accounts.any(|one| one == account)
            });
            has.count() > 1
        };
        for (id, person) in people {
            let mut real = Real::default();
            real.full.push(person.name.clone());
            real.short.push(id.clone());
            let own = person.accounts.iter().filter(|account| !shared(account));
            real.short.extend(own.cloned());
            for address in person.principals.iter().chain(&person.emails) {
                add_address(&mut real, address);
            }
            all.push(real);
        }
        all.extend(written(&incident.library.author));
    }
    let mut principals: BTreeSet<&str> = state.seen_people.iter().map(Principal::as_str).collect();
    principals.extend(state.roles.keys().map(Principal::as_str));
    let authors = state.runs.iter().flat_map(|run| {
        let pins = std::iter::once(run.pin.as_ref()).chain(run.uses.iter());
        pins.flat_map(|pin| pin.authors.values().flatten())
    });
    principals.extend(authors.map(String::as_str));
    for principal in principals {
        let mut real = Real::default();
        add_address(&mut real, principal);
        all.push(real);
    }
    all.extend(events.iter().filter_map(|event| named(&event.fact)));
    all
}

fn add_address(real: &mut Real, address: &str) {
    match address.split_once('@') {
        Some((local, _)) => {
            real.addresses.push(address.to_owned());
            real.short.push(local.to_owned());
        }
        None => real.short.push(address.to_owned()),
    }
}

/// `Erin Engel <erin@example.org>`
fn written(author: &str) -> Option<Real> {
    let (name, address) = author.split_once('<').unwrap_or((author, ""));
    let mut real = Real::default();
    if !name.trim().is_empty() {
        real.full.push(name.trim().to_owned());
    }
    let address = address.trim_end_matches('>').trim();
    if !address.is_empty() {
        add_address(&mut real, address);
    }
    (!real.full.is_empty() || !real.short.is_empty()).then_some(real)
}

/// Whom a fact names beside who recorded it.
fn named(fact: &Fact) -> Option<Real> {
    let name = match fact {
        Fact::EntryImported(fact) => fact.origin.person.as_ref()?,
        Fact::FollowupOpened(fact) => fact.owner.as_ref()?,
        Fact::FollowupChanged(fact) => fact.change.owner.as_ref()?,
        _ => return None,
    };
    let mut real = Real::default();
    if name.contains('@') {
        add_address(&mut real, name);
    } else {
        real.full.push(name.clone());
    }
    Some(real)
}
