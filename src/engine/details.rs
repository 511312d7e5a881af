//! What people say about an entry beside its text: how to class it, whom it is for, what it rests on. The names are the
//! file format. Pure values; what is said later of the same thing stands.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::command::{Refusal, RefusalKind};
use super::sentence::Class;
use crate::evidence::Digest;

/// The most tags, assets, indicators or audiences one event names.
const MOST: usize = 64;
/// The longest of them, in bytes.
const LONGEST: usize = 256;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in files, on the command line and on screens.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// The Traffic Light Protocol 2.0: how far something may be passed on. From the widest to the narrowest.
    Tlp {
        Clear = "clear",
        Green = "green",
        Amber = "amber",
        AmberStrict = "amber+strict",
        Red = "red",
    }
}

words! {
    /// How sure the people are that it is so.
    Confidence {
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

words! {
    /// How two entries belong together, read from the first to the second.
    Relation {
        /// The first led to the second.
        Cause = "cause",
        /// Both tell the same; the first is the one to read.
        Duplicate = "duplicate",
        /// They belong together.
        Related = "related",
    }
}

words! {
    /// What comes of a follow-up.
    FollowupKind {
        /// Something that is broken is mended.
        Fix = "fix",
        /// It is seen sooner the next time.
        Detect = "detect",
        /// A runbook of the library is changed.
        RunbookChange = "runbook_change",
        /// A rule is changed: who may do what.
        Policy = "policy",
    }
}

words! {
    /// Where a follow-up stands.
    FollowupStatus {
        Open = "open",
        Done = "done",
        /// It is decided not to do it.
        Dropped = "dropped",
    }
}

/// Members that come to a list and that go from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Edit<T> {
    pub add: Vec<T>,
    pub remove: Vec<T>,
}

impl<T> Default for Edit<T> {
    fn default() -> Self {
        Self {
            add: Vec::new(),
            remove: Vec::new(),
        }
    }
}

impl<T: PartialEq + Clone> Edit<T> {
    /// Does it to a list, in which each stands once.
    pub fn to(&self, list: &mut Vec<T>) {
        list.retain(|one| !self.remove.contains(one));
        for one in &self.add {
            if !list.contains(one) {
                list.push(one.clone());
            }
        }
    }
}

/// What is said of an entry. What is `None` is not spoken of and stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Details {
    /// Instead of the class its kind has.
    pub class: Option<Class>,
    pub tlp: Option<Tlp>,
    /// Whom it is for; empty for everybody its class and TLP let it reach.
    pub audiences: Option<Vec<String>>,
    /// Whether it stands in the summary.
    pub pinned: Option<bool>,
    pub confidence: Option<Confidence>,
    /// Where it was seen or heard.
    pub source: Option<String>,
    /// For whom the person spoke, when not for themselves.
    pub on_behalf_of: Option<String>,
    /// Of MITRE ATT&CK: `TA0001`.
    pub tactic: Option<String>,
    /// Of MITRE ATT&CK: `T1078` or `T1078.004`.
    pub technique: Option<String>,
    pub tags: Edit<String>,
    /// Systems, accounts, data it is about.
    pub assets: Edit<String>,
    /// Addresses, hashes, names by which it can be found elsewhere.
    pub indicators: Edit<String>,
    /// Artifacts it rests on.
    pub evidence: Edit<Digest>,
}

impl Details {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What both say; where they differ, the other's word.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        fn put<T: Clone>(here: &mut Option<T>, there: &Option<T>) {
            if there.is_some() {
                here.clone_from(there);
            }
        }
        fn join<T: PartialEq + Clone>(here: &mut Edit<T>, there: &Edit<T>) {
            there.to(&mut here.add);
            here.remove.retain(|one| !there.add.contains(one));
            for one in &there.remove {
                if !here.remove.contains(one) {
                    here.remove.push(one.clone());
                }
            }
        }
        put(&mut self.class, &other.class);
        put(&mut self.tlp, &other.tlp);
        put(&mut self.audiences, &other.audiences);
        put(&mut self.pinned, &other.pinned);
        put(&mut self.confidence, &other.confidence);
        put(&mut self.source, &other.source);
        put(&mut self.on_behalf_of, &other.on_behalf_of);
        put(&mut self.tactic, &other.tactic);
        put(&mut self.technique, &other.technique);
        join(&mut self.tags, &other.tags);
        join(&mut self.assets, &other.assets);
        join(&mut self.indicators, &other.indicators);
        join(&mut self.evidence, &other.evidence);
        self
    }

    /// The same with every free text put through this.
    #[must_use]
    pub fn with_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        let texts = self
            .audiences
            .iter_mut()
            .flatten()
            .chain(&mut self.source)
            .chain(&mut self.on_behalf_of)
            .chain(&mut self.tactic)
            .chain(&mut self.technique)
            .chain(&mut self.tags.add)
            .chain(&mut self.assets.add)
            .chain(&mut self.indicators.add);
        for text in texts {
            *text = change(text);
        }
        self
    }

    /// Whether it can be recorded.
    ///
    /// # Errors
    /// When a list or a text is too long or empty, or an ATT&CK number is none.
    pub fn accept(&self) -> Result<(), Refusal> {
        let bad = |what: String| Err(Refusal::new(RefusalKind::BadValue, what));
        let lists = [
            ("audience", self.audiences.as_deref().unwrap_or_default()),
            ("tag", &self.tags.add),
            ("tag", &self.tags.remove),
            ("asset", &self.assets.add),
            ("asset", &self.assets.remove),
            ("indicator", &self.indicators.add),
            ("indicator", &self.indicators.remove),
            ("source", self.source.as_slice()),
            ("name", self.on_behalf_of.as_slice()),
        ];
        for (what, list) in lists {
            if list.len() > MOST {
                return bad(format!("more than {MOST} of one kind ({what})"));
            }
            for text in list {
                if text.trim().is_empty() {
                    return bad(format!("an empty {what}"));
                }
                if text.len() > LONGEST {
                    return bad(format!("a {what} longer than {LONGEST} bytes"));
                }
            }
        }
        if let Some(tactic) = self.tactic.as_deref().filter(|text| !is_tactic(text)) {
            return bad(format!("`{tactic}` is no ATT&CK tactic like TA0001"));
        }
        if let Some(technique) = self.technique.as_deref().filter(|text| !is_technique(text)) {
            return bad(format!(
                "`{technique}` is no ATT&CK technique like T1078 or T1078.004"
            ));
        }
        Ok(())
    }
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_tactic(text: &str) -> bool {
    text.strip_prefix("TA").is_some_and(|rest| digits(rest, 4))
}

fn is_technique(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('T') else {
        return false;
    };
    match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// Where an imported entry came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Origin {
    /// The file as it was named.
    pub file: String,
    pub sha256: Digest,
    /// Which line or message of it, from 1.
    pub position: u64,
    /// Who says so over there.
    pub person: Option<String>,
    /// Its name over there.
    pub id: Option<String>,
}

/// What changes about a follow-up. What is `None` stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct FollowupChange {
    pub status: Option<FollowupStatus>,
    pub text: Option<String>,
    pub kind: Option<FollowupKind>,
    pub owner: Option<String>,
    pub due: Option<NaiveDate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(add: &[&str], remove: &[&str]) -> Edit<String> {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        Edit {
            add: owned(add),
            remove: owned(remove),
        }
    }

    #[test]
    fn what_is_said_later_stands_and_what_is_not_spoken_of_stays() {
        let first = Details {
            tlp: Some(Tlp::Amber),
            pinned: Some(true),
            tags: edit(&["a", "b"], &["c"]),
            ..Details::default()
        };
        let second = Details {
            tlp: Some(Tlp::Red),
            tags: edit(&["c"], &["a"]),
            ..Details::default()
        };
        let both = first.then(&second);
        assert_eq!((both.tlp, both.pinned), (Some(Tlp::Red), Some(true)));
        assert_eq!(both.tags, edit(&["b", "c"], &["a"]));
    }

    #[test]
    fn attack_numbers_have_their_form() {
        let with = |technique: &str| Details {
            technique: Some(technique.to_owned()),
            ..Details::default()
        };
        assert!(with("T1078.004").accept().is_ok());
        for wrong in ["1078", "T107", "T1078.4", "T1078.", "TA0001", "T１０７８"] {
            assert!(with(wrong).accept().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_empty_too_long_or_too_many_is_refused() {
        let tags = |tags: Vec<String>| Details {
            tags: Edit {
                add: tags,
                remove: Vec::new(),
            },
            ..Details::default()
        };
        assert!(tags(vec![" ".to_owned()]).accept().is_err());
        assert!(tags(vec!["x".repeat(257)]).accept().is_err());
        assert!(tags(vec!["x".to_owned(); 65]).accept().is_err());
        assert!(tags(vec!["x".repeat(256)]).accept().is_ok());
    }
}
