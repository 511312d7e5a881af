//! Indicators of a row that STIX has a kind of observable for: the observable, that it was observed, and a pattern to find
//! it elsewhere. What it has none for stands in the note only.

use core::net::IpAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Bundle, id, stamp};
use crate::engine::details::Tlp;
use crate::evidence::canonical;
use crate::timeline::Row;

/// Where the ids of observables come from, by the specification (section 2.9).
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// An observable as STIX has it.
struct Observable {
    kind: &'static str,
    /// The properties its id is made of; all it has.
    properties: Value,
    /// The path of a pattern that finds it, without the kind.
    path: String,
    value: String,
}

fn observable(text: &str) -> Option<Observable> {
    let hash = match text.len() {
        32 => Some("MD5"),
        40 => Some("SHA-1"),
        64 => Some("SHA-256"),
        _ => None,
    };
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(hash) = hash.filter(|_| hex) {
        let value = text.to_ascii_lowercase();
        return Some(Observable {
            kind: "file",
            properties: json!({ "hashes": { hash: value } }),
            path: format!("hashes.'{hash}'"),
            value,
        });
    }
    let kind = match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => "ipv4-addr",
        Ok(IpAddr::V6(_)) => "ipv6-addr",
        Err(_) if is_url(text) => "url",
        Err(_) if is_address(text) => "email-addr",
        Err(_) if is_domain(text) => "domain-name",
        Err(_) => return None,
    };
    Some(Observable {
        kind,
        properties: json!({ "value": text }),
        path: "value".to_owned(),
        value: text.to_owned(),
    })
}

fn is_url(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    !text.contains(char::is_whitespace)
        && text.split_once("://").is_some_and(|(scheme, rest)| {
            !rest.is_empty()
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(letter)
        })
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let ending = text.rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(label)
        && ending.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !local.contains(char::is_whitespace) && is_domain(domain)
    })
}

/// The indicators of a row; the ids of those that STIX has a kind for.
pub(super) fn indicators(bundle: &mut Bundle<'_>, row: &Row, tlp: Tlp) -> Vec<String> {
    let all = row
        .about
        .indicators
        .iter()
        .filter_map(|text| observable(text));
    all.filter_map(|one| indicator(bundle, row, tlp, one))
        .collect()
}

fn indicator(bundle: &mut Bundle<'_>, row: &Row, tlp: Tlp, one: Observable) -> Option<String> {
    let canonical = canonical::to_string(&one.properties).ok()?;
    let seen = format!(
        "{}--{}",
        one.kind,
        Uuid::new_v5(&OBSERVABLES, canonical.as_bytes())
    );
    let mut object = one.properties;
    object["type"] = one.kind.into();
    object["spec_version"] = "2.1".into();
    object["id"] = seen.clone().into();
    bundle.share(tlp, object);
    let (from, recorded) = (stamp(&row.occurred_at), stamp(&row.recorded_at));
    let until = row.occurred_until.filter(|until| *until >= row.occurred_at);
    let observed = json!({
        "type": "observed-data",
        "spec_version": "2.1",
        "id": id("observed-data", &format!("{} {seen}", row.event)),
        "created": recorded,
        "modified": recorded,
        "first_observed": from,
        "last_observed": until.map_or_else(|| from.clone(), |until| stamp(&until)),
        "number_observed": 1,
        "object_refs": [seen],
    });
    let observed = bundle.share(tlp, observed);
    let quoted = one.value.replace('\\', "\\\\").replace('\'', "\\'");
    let indicator = json!({
        "type": "indicator",
        "spec_version": "2.1",
        "id": id("indicator", &format!("{} {seen}", row.event)),
        "created": recorded,
        "modified": recorded,
        "name": one.value,
        "pattern": format!("[{}:{} = '{quoted}']", one.kind, one.path),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": from,
    });
    let indicator = bundle.share(tlp, indicator);
    let relation = json!({
        "type": "relationship",
        "spec_version": "2.1",
        "id": id("relationship", &format!("{indicator} {observed}")),
        "created": recorded,
        "modified": recorded,
        "relationship_type": "based-on",
        "source_ref": indicator,
        "target_ref": observed,
    });
    bundle.share(tlp, relation);
    Some(indicator)
}
