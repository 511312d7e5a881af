//! Stakeholder updates on their way out: how one is worded, what a channel is sent, what is still under way, and the
//! sending itself. What is to be told whom is the engine's; what became of it is recorded by the driver.
//!
//! An update is on disk as an event before anything of this begins. From then on each of its channels has a [`Delivery`]
//! in the state directory, with a key that follows from the event and the channel, so that whoever receives it twice can
//! tell. It is tried until it is taken, at growing intervals, by one process at a time ([`Store::lock`]).

mod delivery;
mod pass;
mod retry;
mod send;
mod shape;
mod store;
mod wording;

pub use delivery::{Delivery, Standing, key};
pub use pass::{Effort, Pass, pass};
pub use retry::{GIVE_UP_AFTER, LONGEST, MOST_REFUSALS, delay};
pub use send::{Failed, Process, Secrets};
pub use shape::{Mail, document, mail, post};
pub use store::{Lock, Store};
pub use wording::{Facts, Wording, facts, worded};
