//! The git objects of an event. They follow from the event alone, so that whoever publishes it gets the same ids, and a
//! commit that is not byte for byte the one of its event is found. Knows no repository.
//!
//! Version 1 of the published form, which never changes because ids follow from it:
//!
//! * Reference: `refs/incidents/<incident>/w/<writer>` is the commit of that writer's last event. Evidence is a blob at
//!   `refs/incidents/<incident>/e/<64 hex digits of its SHA-256>`.
//! * Blob: the event's line of the journal and a newline.
//! * Tree: one entry, `100644 event.json`, that blob.
//! * Commit, all of it, lines ended by LF:
//!
//! ```text
//! tree <id>
//! parent <commit of prev>                    if there is one, then
//! parent <commit of an event in seen>        for each, in the order of `seen` (by event id)
//! author <person> <<person>> <seconds of occurred_at> <its offset, ±hhmm>
//! committer <person> <<person>> <seconds of recorded_at> +0000
//!
//! <the sentence of the event>
//!
//! Event: sha256:<id>
//! Kind: <kind>
//! Incident: <incident>
//! Writer: <writer>
//! Seq: <number>
//! ```
//!
//! Times before 1970 are written as 0: git has no others. Seconds are rounded down. There is no signature, no encoding
//! header and no other member.

use std::fmt::Write as _;

use git2::{ObjectType, Oid};

use crate::engine::event::Event;
use crate::engine::ids::EventId;
use crate::engine::sentence::sentence;

/// Above this a commit is none of ours: 512 parents, a sentence, five trailers.
pub const MAX_COMMIT: usize = 256 << 10;

const ENTRY: &[u8] = b"100644 event.json\0";

/// The objects of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Objects {
    pub blob: Vec<u8>,
    pub tree: Vec<u8>,
    pub commit: Vec<u8>,
    pub blob_id: Oid,
    pub tree_id: Oid,
    pub id: Oid,
}

impl Objects {
    /// Makes them. `parents`: the commits of `event.parents()`, in that order.
    ///
    /// # Errors
    /// Never but for want of memory.
    pub fn of(event: &Event, line: &[u8], parents: &[Oid]) -> Result<Self, git2::Error> {
        let mut blob = Vec::with_capacity(line.len() + 1);
        blob.extend_from_slice(line);
        blob.push(b'\n');
        let blob_id = Oid::hash_object(ObjectType::Blob, &blob)?;
        let tree = [ENTRY, blob_id.as_bytes()].concat();
        let tree_id = Oid::hash_object(ObjectType::Tree, &tree)?;
        let commit = text(event, tree_id, parents).into_bytes();
        let id = Oid::hash_object(ObjectType::Commit, &commit)?;
        Ok(Self {
            blob,
            tree,
            commit,
            blob_id,
            tree_id,
            id,
        })
    }

    /// The three objects, the ones that are pointed to first.
    #[must_use]
    pub fn all(&self) -> [(ObjectType, Oid, &[u8]); 3] {
        [
            (ObjectType::Blob, self.blob_id, &self.blob),
            (ObjectType::Tree, self.tree_id, &self.tree),
            (ObjectType::Commit, self.id, &self.commit),
        ]
    }
}

fn text(event: &Event, tree: Oid, parents: &[Oid]) -> String {
    let mut text = format!("tree {tree}\n");
    for parent in parents {
        let _ = writeln!(text, "parent {parent}");
    }
    let minutes = event.occurred_at.offset().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let offset = format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60);
    let who = &event.person;
    let _ = writeln!(
        text,
        "author {who} <{who}> {} {offset}",
        event.occurred_at.timestamp().max(0)
    );
    let _ = writeln!(
        text,
        "committer {who} <{who}> {} +0000",
        event.recorded_at.timestamp().max(0)
    );
    let _ = write!(
        text,
        "\n{}\n\nEvent: {}\nKind: {}\nIncident: {}\nWriter: {}\nSeq: {}\n",
        subject(event),
        event.id,
        event.fact.kind(),
        event.incident,
        event.writer,
        event.seq
    );
    text
}

/// The sentence, on one line whatever it says.
fn subject(event: &Event) -> String {
    let line: String = sentence(event)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = line.trim();
    if line.is_empty() {
        event.fact.kind().to_owned()
    } else {
        line.to_owned()
    }
}

/// What a commit points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    pub tree: Oid,
    pub parents: Vec<Oid>,
}

/// Reads the links of a raw commit.
pub(crate) fn links(raw: &[u8]) -> Option<Links> {
    let mut lines = raw.split(|byte| *byte == b'\n');
    let oid = |hex: &[u8]| Oid::from_str(std::str::from_utf8(hex).ok()?).ok();
    let tree = oid(lines.next()?.strip_prefix(b"tree ")?)?;
    let parents = lines
        .map_while(|line| line.strip_prefix(b"parent "))
        .map(oid)
        .collect::<Option<_>>()?;
    Some(Links { tree, parents })
}

/// The event a raw commit says it is of. A shortcut for one's own repository; proof is comparing all of it.
pub(crate) fn event_named(raw: &[u8]) -> Option<EventId> {
    let text = std::str::from_utf8(raw).ok()?;
    let (_, rest) = text.rsplit_once("\nEvent: ")?;
    rest.lines().next()?.parse().ok()
}

/// The blob a raw tree holds, if it holds what the tree of an event does.
pub(crate) fn blob_of(tree: &[u8]) -> Option<Oid> {
    Oid::from_bytes(tree.strip_prefix(ENTRY)?).ok()
}

/// The reference of a writer.
pub(crate) fn writer_ref(incident: &crate::engine::IncidentId, writer: &str) -> String {
    format!("refs/incidents/{incident}/w/{writer}")
}

/// What the hub was last seen to have there.
pub(crate) fn hub_ref(incident: &crate::engine::IncidentId, writer: &str) -> String {
    format!("refs/hub/{incident}/w/{writer}")
}

/// The reference of an artifact.
pub(crate) fn evidence_ref(
    incident: &crate::engine::IncidentId,
    digest: &crate::evidence::Digest,
) -> String {
    format!("refs/incidents/{incident}/e/{}", digest.hex())
}
