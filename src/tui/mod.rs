//! The screen as values: what it remembers ([`Model`]), what it shows ([`World`]), what comes in ([`Input`]), what it
//! wants ([`Wish`]). [`update`] moves it, [`view`] draws it. Knows nothing of files, processes, git, the clock, or the
//! terminal's modes: whoever drives it does.

pub mod act;
pub mod applies;
pub mod asked;
pub mod columns;
pub mod difference;
pub mod events;
pub mod exercise;
pub mod extent;
pub mod followups;
pub mod glyph;
pub mod inbox;
pub mod keymap;
pub mod layer;
pub mod logline;
pub mod markdown;
pub mod model;
pub mod picker;
pub mod rich;
pub mod said;
pub mod step;
pub mod text;
pub mod theme;
mod update;
mod view;
pub mod when;
pub mod wish;
pub mod world;

pub use act::{Act, Place};
pub use applies::applies;
pub use extent::Drawn;
pub use keymap::Keymap;
pub use model::{Model, Screen};
pub use theme::Theme;
pub use update::update;
pub use view::{view, view_on};
pub use wish::{Input, Start, Wish};
pub use world::World;
