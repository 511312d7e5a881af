//! Messages of a chat as Slack exports them: one file a day and channel, an array of messages. People by their names
//! where the export tells them; what nobody said (joining, leaving, topics) is passed over.
//! <https://slack.com/help/articles/220556107>

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Deserialize;

use super::{Entry, Place, Read, Skipped, object, when};
use crate::engine::details::Details;
use crate::engine::event::Fidelity;
use crate::engine::sentence::Class;

/// Kinds of messages that somebody said all the same.
const SAID: [&str; 4] = [
    "bot_message",
    "file_share",
    "me_message",
    "thread_broadcast",
];

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    r#type: String,
    subtype: Option<String>,
    ts: Option<String>,
    user: Option<String>,
    username: Option<String>,
    #[serde(default)]
    text: String,
    user_profile: Option<Profile>,
    edited: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Profile {
    real_name: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    name: Option<String>,
    real_name: Option<String>,
    profile: Option<Profile>,
}

/// The names of people, out of the `users.json` of an export; nobody's where it is none.
#[must_use]
pub fn people(users: &[u8]) -> BTreeMap<String, String> {
    let users: Vec<User> = serde_json::from_slice(users).unwrap_or_default();
    let named = users.into_iter().filter_map(|user| {
        let profile = user.profile.and_then(Profile::name);
        let name = user.real_name.filter(|name| !name.is_empty());
        Some((user.id, name.or(profile).or(user.name)?))
    });
    named.collect()
}

impl Profile {
    fn name(self) -> Option<String> {
        let given = |name: Option<String>| name.filter(|name| !name.is_empty());
        given(self.real_name).or_else(|| given(self.display_name))
    }
}

pub(super) fn read(text: &str, people: &BTreeMap<String, String>) -> Result<Read, Skipped> {
    let mut read = Read::default();
    let mut places = object::Places::of(text);
    for (index, raw) in object::elements(text)?.into_iter().enumerate() {
        let place = places.next(raw);
        let message: Message = match serde_json::from_str(raw.get()) {
            Ok(message) => message,
            Err(error) => {
                read.skip(place, error.to_string());
                continue;
            }
        };
        match entry(message, people) {
            Ok(entry) => read.entries.push(Entry {
                place,
                position: index as u64 + 1,
                ..entry
            }),
            Err(why) => read.skip(place, why),
        }
    }
    Ok(read)
}

fn entry(message: Message, people: &BTreeMap<String, String>) -> Result<Entry, String> {
    if let Some(kind) = not_said(&message) {
        return Err(format!("nobody said it: {kind}"));
    }
    let ts = message.ts.unwrap_or_default();
    let (at, _) =
        when::read(&ts).ok_or_else(|| format!("`{}` is no time", crate::timeline::shown(&ts)))?;
    let mut text = plain(&message.text, people);
    if message.edited.is_some() {
        text.push_str(" (edited)");
    }
    let known = message
        .user
        .as_ref()
        .and_then(|user| people.get(user))
        .cloned();
    let profile = message.user_profile.and_then(Profile::name);
    Ok(Entry {
        place: Place::default(),
        position: 0,
        id: Some(ts),
        person: known.or(profile).or(message.username).or(message.user),
        at,
        until: None,
        fidelity: Fidelity::Exact,
        text,
        details: Details {
            class: Some(Class::Comms),
            source: Some("Slack".to_owned()),
            ..Details::default()
        },
    })
}

fn not_said(message: &Message) -> Option<String> {
    if message.r#type != "message" {
        return Some(crate::timeline::shown(&message.r#type));
    }
    let kind = message.subtype.as_deref()?;
    (!SAID.contains(&kind)).then(|| crate::timeline::shown(kind))
}

static MARK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>").ok());

/// The text of a message without Slack's marks: people and channels by name, links with where they lead.
fn plain(text: &str, people: &BTreeMap<String, String>) -> String {
    let named = |marks: &Captures<'_>| {
        let part = |index| marks.get(index).map_or("", |found| found.as_str());
        let (kind, target, label) = (part(1), part(2), part(3));
        match (kind, label) {
            ("@", "") => format!("@{}", people.get(target).map_or(target, String::as_str)),
            ("", "") => target.to_owned(),
            ("", label) => format!("{label} ({target})"),
            ("!", "") => format!("@{target}"),
            (_, "") => format!("{kind}{target}"),
            (_, label) => format!("{}{label}", kind.replace('!', "")),
        }
    };
    let text = match MARK.as_ref() {
        Some(mark) => mark.replace_all(text, named).into_owned(),
        None => text.to_owned(),
    };
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
