//! A STIX 2.1 bundle: the incident with the Incident Core extension, a note for each row, techniques, indicators and what
//! was observed, people, and TLP 2.0 markings. Ids are UUIDs of version 5, so that the same timeline gives the same
//! objects. <https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html>, and for the extension
//! <https://github.com/oasis-open/cti-stix-common-objects>.

mod attack;
mod observed;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::details::{Confidence, Tlp};
use crate::engine::fact::Milestone;
use crate::evidence::Digest;
use crate::runbook::model::Severity;
use crate::timeline::audience::marking;
use crate::timeline::{Row, Timeline};

/// The extension of incidents.
pub const INCIDENT_CORE: &str = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";
/// The extension that TLP 2.0 is.
const TLP_2: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
/// Where our ids come from.
const OURS: Uuid = Uuid::from_u128(0x9a7d_5d3e_61c2_5b0f_8e44_2f0a_77c1_93d8);

/// The bundle, indented, with a newline at its end.
///
/// # Errors
/// When a value does not serialize, which none of a timeline does.
pub fn stix(timeline: &Timeline) -> Result<String, serde_json::Error> {
    let mut bundle = Bundle::new(timeline);
    bundle.people();
    bundle.incident();
    for row in &timeline.rows {
        bundle.row(row);
    }
    let mut text = serde_json::to_string_pretty(&bundle.done())?;
    text.push('\n');
    Ok(text)
}

/// What is being put together.
struct Bundle<'a> {
    timeline: &'a Timeline,
    incident: String,
    /// When the record begins: for objects that no event made.
    begun: String,
    markings: BTreeSet<Tlp>,
    people: Vec<Value>,
    objects: Vec<Value>,
    /// By id: what several rows speak of stands once, under the widest of their markings.
    shared: BTreeMap<String, (Tlp, Value)>,
    notes: Vec<Value>,
}

impl<'a> Bundle<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        let head = &timeline.header;
        let name = head.incident.as_ref().map_or("-", |id| id.as_str());
        let begun = timeline.rows.iter().map(|row| row.recorded_at).min();
        Self {
            timeline,
            incident: id("incident", name),
            begun: stamp(&begun.unwrap_or_default()),
            markings: BTreeSet::new(),
            people: Vec::new(),
            objects: Vec::new(),
            shared: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// The reference to a marking, which is then in the bundle.
    fn marked(&mut self, tlp: Tlp) -> Value {
        self.markings.insert(tlp);
        json!([tlp_id(tlp)])
    }

    /// The widest marking of anything in it; of the incident itself, as its title goes wherever a row goes.
    fn widest(&self) -> Tlp {
        let audience = self.timeline.audience.as_ref();
        let all = self.timeline.rows.iter().map(|row| marking(row, audience));
        let title = self
            .timeline
            .rows
            .iter()
            .find(|row| row.kind == "incident.started");
        title
            .map(|row| marking(row, audience))
            .or(all.min())
            .unwrap_or(Tlp::Amber)
    }

    fn people(&mut self) {
        for person in &self.timeline.header.people {
            let name = person.name.as_deref().unwrap_or(person.principal.as_str());
            self.people.push(json!({
                "type": "identity",
                "spec_version": "2.1",
                "id": id("identity", person.principal.as_str()),
                "created": self.begun,
                "modified": self.begun,
                "name": name,
                "identity_class": "individual",
            }));
        }
    }

    fn incident(&mut self) {
        let head = &self.timeline.header;
        let drill = if self.timeline.is_exercise() {
            "EXERCISE: "
        } else {
            ""
        };
        let title = if head.title.is_empty() {
            "Incident"
        } else {
            &head.title
        };
        let tlp = self.widest();
        let mut labels = vec!["runsheet".to_owned()];
        labels.extend(self.timeline.is_exercise().then(|| "exercise".to_owned()));
        let mut reached = head.milestones.iter();
        if reached.any(|reached| reached.milestone == Milestone::Declared) {
            labels.push("declared".to_owned());
        }
        let mut incident = json!({
            "type": "incident",
            "spec_version": "2.1",
            "id": self.incident,
            "created": self.begun,
            "modified": self.begun,
            "name": format!("{drill}{title}"),
            "labels": labels,
            "object_marking_refs": self.marked(tlp),
            "extensions": { INCIDENT_CORE: self.core() },
        });
        let audience = self.timeline.audience.as_ref();
        if let Some(audience) = audience {
            incident["description"] = audience.sentence().into();
        }
        if let Some(reference) = head.reference.as_deref().filter(|text| !text.is_empty()) {
            incident["external_references"] =
                json!([{ "source_name": "reference", "external_id": reference }]);
        }
        self.objects.push(incident);
    }

    fn core(&self) -> Value {
        let head = &self.timeline.header;
        let mut core = json!({
            "extension_type": "property-extension",
            // The specification says `confirmed`, its schema `successful-attempt`; only this is in both.
            "determination": "suspected",
            "investigation_status": if head.closed.is_some() { "closed" } else { "open" },
        });
        if let Some(severity) = head.severity {
            core["criticality"] = criticality(severity).into();
        }
        core
    }

    fn row(&mut self, row: &Row) {
        let tlp = marking(row, self.timeline.audience.as_ref());
        let mut about = vec![self.incident.clone()];
        about.extend(attack::pattern(self, row, tlp));
        about.extend(observed::indicators(self, row, tlp));
        let labels: Vec<&str> = std::iter::once(row.class.word())
            .chain(row.about.tags.iter().map(String::as_str))
            .collect();
        let recorded = stamp(&row.recorded_at);
        let mut note = json!({
            "type": "note",
            "spec_version": "2.1",
            "id": id("note", &row.event.hex()),
            "created": recorded,
            "modified": recorded,
            "created_by_ref": id("identity", row.person.as_str()),
            "abstract": format!("{} {}", row.occurred_at.to_rfc3339(), row.class.word()),
            "content": content(row),
            "authors": [row.person.as_str()],
            "object_refs": about,
            "labels": labels,
            "object_marking_refs": self.marked(tlp),
            "external_references": [{ "source_name": "runsheet", "external_id": row.event.to_string() }],
        });
        if let Some(confidence) = row.about.confidence {
            note["confidence"] = match confidence {
                Confidence::Low => 15,
                Confidence::Medium => 50,
                Confidence::High => 85,
            }
            .into();
        }
        self.notes.push(note);
    }

    /// Puts an object in that several rows may speak of.
    fn share(&mut self, tlp: Tlp, object: Value) -> String {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        let known = self.shared.entry(id.clone()).or_insert((tlp, object));
        known.0 = known.0.min(tlp);
        id
    }

    fn done(mut self) -> Value {
        for (tlp, mut object) in std::mem::take(&mut self.shared).into_values() {
            object["object_marking_refs"] = self.marked(tlp);
            self.objects.push(object);
        }
        let objects: Vec<_> = self
            .markings
            .iter()
            .map(|tlp| marking_definition(*tlp))
            .chain(self.people)
            .chain(self.objects)
            .chain(self.notes)
            .collect();
        let audience = self.timeline.audience.as_ref();
        let name = format!(
            "{} {}",
            self.timeline.header.heads_sha256,
            audience.map_or("-", |audience| &audience.name)
        );
        json!({ "type": "bundle", "id": id("bundle", &name), "objects": objects })
    }
}

fn id(kind: &str, name: &str) -> String {
    let uuid = Uuid::new_v5(&OURS, format!("{kind}:{name}").as_bytes());
    format!("{kind}--{uuid}")
}

fn stamp<Z: TimeZone>(at: &DateTime<Z>) -> String {
    at.with_timezone(&Utc)
        .format("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

fn content(row: &Row) -> String {
    let mut lines = vec![format!("{} {}", row.who, row.text)];
    if let Some(until) = row.occurred_until {
        lines.push(format!("until {}", until.to_rfc3339()));
    }
    lines.extend(row.late());
    let about = &row.about;
    let evidence: Vec<_> = row.evidence.iter().map(Digest::to_string).collect();
    for (what, list) in [
        ("assets", &about.assets),
        ("indicators", &about.indicators),
        ("evidence", &evidence),
    ] {
        if !list.is_empty() {
            lines.push(format!("{what}: {}", list.join(", ")));
        }
    }
    lines.extend(
        about
            .source
            .as_ref()
            .map(|source| format!("source: {source}")),
    );
    for one in &row.corrections {
        lines.push(format!(
            "corrected by {}: {} ({})",
            one.by, one.text, one.reason
        ));
    }
    lines.extend(row.flags.iter().map(|flag| format!("does not fit: {flag}")));
    lines.join("\n")
}

/// From 0 to 100, as the extension's scale has it.
fn criticality(severity: Severity) -> u8 {
    match severity {
        Severity::Sev1 => 90,
        Severity::Sev2 => 70,
        Severity::Sev3 => 50,
        Severity::Sev4 => 30,
        Severity::Sev5 => 10,
    }
}

/// The ids that OASIS gave the markings of TLP 2.0.
fn tlp_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

fn marking_definition(tlp: Tlp) -> Value {
    json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": tlp_id(tlp),
        "created": "2022-10-01T00:00:00.000Z",
        "name": format!("TLP:{}", tlp.word().to_uppercase()),
        "extensions": { TLP_2: { "extension_type": "property-extension", "tlp_2_0": tlp.word() } },
    })
}
