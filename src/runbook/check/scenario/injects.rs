//! When injects come: those that never can, or wait for each other, and deadlines that lie after the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Check;
use super::proofs::Seen;
use crate::runbook::scenario::file::InjectFile;
use crate::runbook::scenario::{Inject, Proof, When};

/// The earliest each inject can come, by id; those that are not in it never do.
type Earliest<'m> = BTreeMap<&'m str, Duration>;

impl Check<'_, '_, '_> {
    pub(super) fn injects(&mut self) {
        let file = self.file;
        let parts: Vec<&str> = self
            .model
            .parts
            .iter()
            .map(|part| part.id.as_str())
            .collect();
        let mut dead = Vec::new();
        for inject in &file.injects.value {
            let inject = &inject.value;
            for to in inject.to.iter().flatten() {
                self.known(to, "part", "unknown-part", &parts);
            }
            self.proofs(inject.unless.as_ref());
            let after = inject.after.iter().flat_map(|after| &after.value);
            let seen: Vec<Seen> = after.map(|proof| self.proof(proof)).collect();
            if inject.after.is_some() && seen.iter().all(|seen| *seen == Seen::Never) {
                dead.push(inject.id.value.0.as_str());
            }
            if inject.message.value.0.trim().is_empty() {
                self.error(inject.message.at, "empty", "it says nothing".to_owned());
            }
        }
        if self.torn {
            return;
        }
        let model = self.model;
        let earliest = earliest(&model.injects, &dead);
        for (inject, file) in model.injects.iter().zip(&file.injects.value) {
            self.comes(inject, &file.value, &earliest, &dead);
        }
    }

    fn comes(&mut self, inject: &Inject, file: &InjectFile, all: &Earliest<'_>, dead: &[&str]) {
        let length = self.model.clock.length;
        let known = |id: &str| self.model.injects.iter().any(|other| other.id == id);
        match (&inject.when, all.get(inject.id.as_str())) {
            (When::At { at, unless }, _) => {
                let place = file.at.as_ref().map_or(file.id.at, |at| at.at);
                self.inside(place, *at, "this inject");
                let before = unless.iter().find_map(|proof| match proof {
                    Proof::Inject(id) if *id != inject.id => self.surely(id, *at).then_some(id),
                    _ => None,
                });
                if let Some(before) = before {
                    let what = format!(
                        "it never comes: {} has come by then",
                        self.report.show(before)
                    );
                    self.error(file.id.at, "never-comes", what);
                }
            }
            (When::After { .. }, Some(earliest)) if *earliest > length => {
                let what = "this inject can only come after the end of the exercise".to_owned();
                self.error(file.id.at, "after-the-end", what);
            }
            (When::After { after, within, .. }, None) => {
                let unknown = after
                    .iter()
                    .any(|proof| matches!(proof, Proof::Inject(id) if !known(id)));
                let round = round(&inject.id, &self.model.injects);
                let what = if unknown {
                    return;
                } else if let Some(round) = round.filter(|_| !dead.contains(&inject.id.as_str())) {
                    format!("injects wait for each other: {}", round.join(", "))
                } else if within.is_some()
                    && after.iter().any(|proof| at_least(proof, all).is_some())
                {
                    "it never comes: what it waits for comes later than `within`".to_owned()
                } else {
                    "it never comes: nothing it waits for can happen".to_owned()
                };
                self.error(file.id.at, "never-comes", what);
            }
            _ => {}
        }
    }

    /// Whether that inject comes by then whatever the players do.
    fn surely(&self, id: &str, by: Duration) -> bool {
        let other = self.model.injects.iter().find(|other| other.id == id);
        other.is_some_and(|other| {
            matches!(&other.when, When::At { at, unless } if *at <= by && unless.is_empty())
        })
    }

    /// Expectations that would still be open when all is over.
    pub(super) fn deadlines(&mut self) {
        let model = self.model;
        let earliest = earliest(&model.injects, &[]);
        for (file, expectation) in self.file.expectations.value.iter().zip(&model.expectations) {
            let about = expectation.about.as_deref();
            let from = match about.map(|about| earliest.get(about)) {
                Some(None) => continue,
                Some(Some(from)) => *from,
                None => Duration::ZERO,
            };
            let end = from.saturating_add(expectation.by);
            self.inside(file.by.at, end, "this deadline");
        }
    }
}

/// The earliest a proof can be seen; `None`: never.
fn at_least(proof: &Proof, earliest: &Earliest<'_>) -> Option<Duration> {
    match proof {
        Proof::Inject(id) => earliest.get(id.as_str()).copied(),
        _ => Some(Duration::ZERO),
    }
}

/// The smallest times that fit together: what waits only for itself is not among them.
fn earliest<'m>(injects: &'m [Inject], dead: &[&str]) -> Earliest<'m> {
    let mut earliest = Earliest::new();
    for _ in 0..=injects.len() {
        let mut changed = false;
        for inject in injects {
            let at = match &inject.when {
                When::At { at, .. } => Some(*at),
                When::ByHand => Some(Duration::ZERO),
                When::After { .. } if dead.contains(&inject.id.as_str()) => None,
                When::After {
                    after,
                    delay,
                    within,
                    ..
                } => {
                    let first = after
                        .iter()
                        .filter_map(|proof| at_least(proof, &earliest))
                        .min();
                    first
                        .filter(|first| within.is_none_or(|within| *first <= within))
                        .map(|first| first.saturating_add(*delay))
                }
            };
            let known = earliest.get(inject.id.as_str()).copied();
            if let Some(at) = at.filter(|at| known.is_none_or(|known| *at < known)) {
                earliest.insert(inject.id.as_str(), at);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    earliest
}

/// The injects through which this one waits for itself, if it does.
fn round(id: &str, injects: &[Inject]) -> Option<Vec<String>> {
    let waits = |id: &str| -> Vec<&str> {
        let inject = injects.iter().find(|inject| inject.id == id);
        let After { after } = inject.map_or(After { after: &[] }, After::of);
        let named = after.iter().filter_map(|proof| match proof {
            Proof::Inject(id) => Some(id.as_str()),
            _ => None,
        });
        named.collect()
    };
    let mut from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut wanted: Vec<&str> = vec![id];
    while let Some(next) = wanted.pop() {
        for other in waits(next) {
            if other == id {
                let mut names = vec![format!("`{next}`")];
                let mut at = next;
                while let Some(before) = from.get(at).filter(|_| at != id) {
                    names.push(format!("`{before}`"));
                    at = before;
                }
                names.reverse();
                names.truncate(8);
                return Some(names);
            }
            if !from.contains_key(other) {
                from.insert(other, next);
                wanted.push(other);
            }
        }
    }
    None
}

/// What an inject waits for.
struct After<'m> {
    after: &'m [Proof],
}

impl<'m> After<'m> {
    fn of(inject: &'m Inject) -> Self {
        match &inject.when {
            When::After { after, .. } => Self { after },
            _ => Self { after: &[] },
        }
    }
}
