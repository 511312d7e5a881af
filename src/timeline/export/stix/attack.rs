//! Techniques of MITRE ATT&CK as attack patterns, related to the incident.

use serde_json::json;

use super::{Bundle, id};
use crate::engine::details::Tlp;
use crate::timeline::Row;

/// The phase of the kill chain that a tactic is.
fn phase(tactic: &str) -> Option<&'static str> {
    Some(match tactic {
        "TA0043" => "reconnaissance",
        "TA0042" => "resource-development",
        "TA0001" => "initial-access",
        "TA0002" => "execution",
        "TA0003" => "persistence",
        "TA0004" => "privilege-escalation",
        "TA0005" => "defense-evasion",
        "TA0006" => "credential-access",
        "TA0007" => "discovery",
        "TA0008" => "lateral-movement",
        "TA0009" => "collection",
        "TA0011" => "command-and-control",
        "TA0010" => "exfiltration",
        "TA0040" => "impact",
        _ => return None,
    })
}

/// The technique of a row; its id.
pub(super) fn pattern(bundle: &mut Bundle<'_>, row: &Row, tlp: Tlp) -> Option<String> {
    let technique = row.about.technique.as_deref()?;
    let phase = row.about.tactic.as_deref().and_then(phase);
    let name = format!("{technique} {}", phase.unwrap_or("-"));
    let mut pattern = json!({
        "type": "attack-pattern",
        "spec_version": "2.1",
        "id": id("attack-pattern", &name),
        "created": bundle.begun,
        "modified": bundle.begun,
        "name": technique,
        "external_references": [{
            "source_name": "mitre-attack",
            "external_id": technique,
            "url": format!("https://attack.mitre.org/techniques/{}/", technique.replace('.', "/")),
        }],
    });
    if let Some(phase) = phase {
        pattern["kill_chain_phases"] =
            json!([{ "kill_chain_name": "mitre-attack", "phase_name": phase }]);
    }
    let pattern = bundle.share(tlp, pattern);
    let relation = json!({
        "type": "relationship",
        "spec_version": "2.1",
        "id": id("relationship", &format!("{} {pattern}", bundle.incident)),
        "created": bundle.begun,
        "modified": bundle.begun,
        "relationship_type": "related-to",
        "source_ref": bundle.incident,
        "target_ref": pattern,
    });
    bundle.share(tlp, relation);
    Some(pattern)
}
