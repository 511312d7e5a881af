//! What people add to the account of an incident beside the walk: details, links, imported entries, follow-ups, named
//! decisions. None of it moves a step or opens a gate. Pure values and the rules they keep to.

use chrono::{DateTime, FixedOffset};

use super::command::{Refusal, RefusalKind};
use super::decide::text;
use super::event::Fidelity;
use super::fact::{
    DecisionNamed, EntryDescribed, EntryImported, EntryLinked, Fact, FollowupChanged,
    FollowupOpened, StageSubmitted,
};

/// The most that are recorded at once; a longer import is several writes.
pub const MOST_AT_ONCE: usize = 1000;
/// The longest name of a decision, clock or stage, in bytes.
const LONGEST_NAME: usize = 64;

/// One thing told, and when it was so, if not now.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Told {
    pub what: Telling,
    pub at: Option<DateTime<FixedOffset>>,
    pub until: Option<DateTime<FixedOffset>>,
    pub fidelity: Fidelity,
}

/// What can be told.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Telling {
    Described(EntryDescribed),
    Linked(EntryLinked),
    Imported(EntryImported),
    Opened(FollowupOpened),
    Changed(FollowupChanged),
    Decided(DecisionNamed),
    Submitted(StageSubmitted),
}

impl From<Telling> for Told {
    fn from(what: Telling) -> Self {
        Self {
            what,
            at: None,
            until: None,
            fidelity: Fidelity::Exact,
        }
    }
}

impl Telling {
    /// As it is recorded.
    ///
    /// # Errors
    /// When a text is empty or too long, or it says nothing.
    pub fn accept(self) -> Result<Fact, Refusal> {
        Ok(match self {
            Self::Described(fact) => {
                if fact.details.is_empty() {
                    return Err(bad("nothing is said of the entry"));
                }
                fact.details.accept()?;
                fact.into()
            }
            Self::Linked(fact) => {
                if fact.entry == fact.other {
                    return Err(bad("an entry is not linked to itself"));
                }
                fact.into()
            }
            Self::Imported(mut fact) => {
                fact.text = text("entry", &fact.text)?;
                fact.details.accept()?;
                fact.into()
            }
            Self::Opened(mut fact) => {
                fact.text = text("follow-up", &fact.text)?;
                fact.owner = owner(fact.owner)?;
                fact.into()
            }
            Self::Changed(mut fact) => {
                if fact.change == super::details::FollowupChange::default() && fact.note.is_none() {
                    return Err(bad("nothing changes about the follow-up"));
                }
                fact.note = fact.note.map(|note| text("note", &note)).transpose()?;
                let change = &mut fact.change;
                change.text = change
                    .text
                    .take()
                    .map(|words| text("follow-up", &words))
                    .transpose()?;
                change.owner = owner(change.owner.take())?;
                fact.into()
            }
            Self::Decided(mut fact) => {
                fact.decision = name("decision", &fact.decision)?;
                fact.reason = text("reason", &fact.reason)?;
                fact.into()
            }
            Self::Submitted(mut fact) => {
                fact.clock = name("clock", &fact.clock)?;
                fact.stage = name("stage", &fact.stage)?;
                fact.reference = fact
                    .reference
                    .map(|reference| text("reference", &reference))
                    .transpose()?;
                fact.into()
            }
        })
    }

    /// The same with every free text put through this.
    #[must_use]
    pub fn with_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        let put = |text: &mut String| *text = change(text);
        let maybe = |text: &mut Option<String>| {
            if let Some(text) = text {
                *text = change(text);
            }
        };
        match &mut self {
            Self::Described(fact) => {
                fact.details = std::mem::take(&mut fact.details).with_texts(&change);
            }
            Self::Linked(_) => {}
            Self::Imported(fact) => {
                put(&mut fact.text);
                maybe(&mut fact.origin.person);
                maybe(&mut fact.origin.id);
                put(&mut fact.origin.file);
                fact.details = std::mem::take(&mut fact.details).with_texts(&change);
            }
            Self::Opened(fact) => {
                put(&mut fact.text);
                maybe(&mut fact.owner);
            }
            Self::Changed(fact) => {
                maybe(&mut fact.note);
                maybe(&mut fact.change.text);
                maybe(&mut fact.change.owner);
            }
            Self::Decided(fact) => put(&mut fact.reason),
            Self::Submitted(fact) => maybe(&mut fact.reference),
        }
        self
    }
}

fn bad(what: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::BadValue, what.into())
}

fn owner(owner: Option<String>) -> Result<Option<String>, Refusal> {
    owner
        .map(|owner| {
            let owner = text("owner", &owner)?;
            if owner.len() > 256 {
                return Err(bad("the owner is longer than 256 bytes"));
            }
            Ok(owner)
        })
        .transpose()
}

/// A name that other files refer to: `classified_major`, `gdpr-33/aware`.
fn name(what: &str, given: &str) -> Result<String, Refusal> {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte);
    if given.is_empty() || given.len() > LONGEST_NAME || !given.bytes().all(plain) {
        return Err(bad(format!(
            "a {what} is named with a-z, 0-9, `_`, `-`, `.` and `/`, at most {LONGEST_NAME} of them"
        )));
    }
    Ok(given.to_owned())
}
