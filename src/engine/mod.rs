//! The heart: what may happen (`decide`) and what has happened (`apply`), as pure functions over values.
//! Knows nothing of files, processes, git, the terminal or the clock: time, randomness and who is asking enter as `At`.

pub mod apply;
pub mod at;
pub mod checkpoint;
pub mod collect;
pub mod command;
pub mod decide;
pub mod details;
pub mod event;
pub mod exec;
pub mod exercise;
pub mod fact;
pub mod ids;
pub mod intent;
pub mod sentence;
pub mod state;
pub mod telling;

pub use apply::{apply, told};
pub use at::At;
pub use command::{Command, Decision, Effect, Refusal};
pub use decide::decide;
pub use event::Event;
pub use exec::ExecRecord;
pub use fact::Fact;
pub use ids::{EventId, IncidentId, RunId, StepRef, WriterId};
pub use intent::Intent;
pub use state::State;
