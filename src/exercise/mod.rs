//! An exercise as its script and its record tell it: what comes next, what steps are answered with, what was met; and
//! what there is to practise in the record of a real incident.
//! Pure: the record's events and the simulated time go in, what is to be done about them comes out. Knows nothing of
//! files, keys, processes or the terminal.

pub mod answer;
pub mod colleague;
pub mod drawn;
pub mod due;
pub mod progress;
pub mod replay;
pub mod report;
pub mod score;
pub mod seal;

pub use due::{Due, due, next};
pub use progress::Progress;
pub use seal::{Item, Key};
