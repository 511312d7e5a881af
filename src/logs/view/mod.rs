//! Reading logs of any size: pages of lines, filters, a search that runs beside, several logs by time. Values come out;
//! nothing here knows how they are drawn, or what an incident is.

pub mod excerpt;
pub mod hunt;
mod jump;
pub mod lines;
pub mod live;
pub mod log;
mod open;
pub mod page;
mod paint;
pub mod pattern;
mod seek;
pub mod spool;
#[cfg(test)]
mod tests;
mod utf16;
mod viewer;
pub mod walk;

pub use open::open;
pub use viewer::Viewer;
