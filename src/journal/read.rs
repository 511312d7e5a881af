//! Lines of segments into events: split, checked against their digests, on all processors where there are many.

use std::sync::Arc;

use crate::engine::event::{Event, UnreadableEvent};
use crate::engine::ids::{IncidentId, WriterId};

/// One line and what it is.
#[derive(Debug)]
pub(crate) struct ReadLine {
    /// Of the line, without its newline.
    pub length: usize,
    pub event: Result<Arc<Event>, BadLine>,
}

/// Why a line is no event of this segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadLine {
    pub what: String,
    pub newer: bool,
}

impl From<UnreadableEvent> for BadLine {
    fn from(error: UnreadableEvent) -> Self {
        use crate::engine::fact::UnreadableFact;
        Self {
            newer: matches!(
                error,
                UnreadableEvent::Newer(_) | UnreadableEvent::Fact(UnreadableFact::Kind(_))
            ),
            what: error.to_string(),
        }
    }
}

/// Fewer bytes than this are not worth a thread.
const WORTH: usize = 256 << 10;

/// Reads whole lines; `bytes` ends with a newline or is empty.
pub(crate) fn lines(bytes: &[u8], incident: &IncidentId, writer: &WriterId) -> Vec<ReadLine> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(bytes.len() / WORTH).clamp(1, 16);
    if threads == 1 {
        return part(bytes, incident, writer);
    }
    let parts = split(bytes, threads);
    std::thread::scope(|scope| {
        let hands: Vec<_> = parts
            .into_iter()
            .map(|bytes| (bytes, scope.spawn(move || part(bytes, incident, writer))))
            .collect();
        hands
            .into_iter()
            // A thread that panicked read nothing: read its part here, where a panic is seen.
            .flat_map(|(bytes, hand)| {
                hand.join()
                    .unwrap_or_else(|_| part(bytes, incident, writer))
            })
            .collect()
    })
}

fn split(mut bytes: &[u8], parts: usize) -> Vec<&[u8]> {
    let size = bytes.len() / parts + 1;
    let mut pieces = Vec::with_capacity(parts);
    while bytes.len() > size {
        let end = bytes[size..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |at| size + at + 1);
        let (piece, rest) = bytes.split_at(end);
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn part(bytes: &[u8], incident: &IncidentId, writer: &WriterId) -> Vec<ReadLine> {
    let mut before: Option<Arc<Event>> = None;
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let event = event(line, incident, writer).map(|mut event| {
                if let Some(before) = &before {
                    event.share(before);
                }
                Arc::new(event)
            });
            if let Ok(event) = &event {
                before = Some(Arc::clone(event));
            }
            ReadLine {
                length: line.len(),
                event,
            }
        })
        .collect()
}

/// One line as an event of this writer in this incident.
pub(crate) fn event(
    line: &[u8],
    incident: &IncidentId,
    writer: &WriterId,
) -> Result<Event, BadLine> {
    let plain = |what: String| BadLine { what, newer: false };
    let text = std::str::from_utf8(line).map_err(|error| plain(format!("not UTF-8: {error}")))?;
    let event = Event::read(text)?;
    if &event.incident != incident {
        return Err(plain(format!("it belongs to incident {}", event.incident)));
    }
    if &event.writer != writer {
        return Err(plain(format!("it is an event of writer {}", event.writer)));
    }
    Ok(event)
}
