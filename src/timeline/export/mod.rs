//! Leaving with a timeline: one file for each format. The same timeline gives the same bytes; no clock is asked.

pub(super) mod cell;
pub mod csv;
pub mod figures;
pub mod followups;
pub mod gantt;
pub mod html;
pub mod ics;
pub mod iris;
pub mod json;
pub mod markdown;
pub mod stix;
pub mod template;
pub mod timesketch;

pub use csv::csv;
pub use gantt::gantt;
pub use html::html;
pub use ics::ics;
pub use iris::iris;
pub use json::json;
pub use markdown::markdown;
pub use stix::stix;
