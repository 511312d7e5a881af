//! What is to be done afterwards, as the record has it: made again only when the record is another one.

use super::world::Open;
use crate::engine::IncidentId;
use crate::timeline::Followup;
use crate::timeline::followups::followups;

/// The follow-ups of the open incident.
#[derive(Debug, Clone, Default)]
pub struct Followups {
    of: Option<(IncidentId, u64, usize)>,
    list: Vec<Followup>,
}

impl Followups {
    /// Looks whether something was recorded since.
    pub fn follow(&mut self, open: &Open) {
        let of = (open.id.clone(), open.refolded, open.events.len());
        if self.of.as_ref() != Some(&of) {
            self.list = followups(&open.events);
            self.of = Some(of);
        }
    }

    /// In the order they were asked for.
    #[must_use]
    pub fn list(&self) -> &[Followup] {
        &self.list
    }
}
