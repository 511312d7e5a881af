//! The questions: forms and choices as they are put.

mod curate;
mod exercise;
mod followups;
mod gate;
mod ground;
mod incident;
mod step;

pub(super) use curate::*;
pub(super) use exercise::*;
pub(super) use followups::*;
pub(super) use gate::*;
pub(super) use ground::*;
pub(super) use incident::*;
pub(super) use step::*;

use crate::engine::Intent;
use crate::tui::layer::{Field, Form, FormKind, Then};
use crate::tui::wish::Wish;

fn wish(intent: Intent) -> Then {
    Then::Wish(Box::new(Wish::Act(intent)))
}

fn form(form: Form) -> Then {
    Then::Form(Box::new(form))
}

/// A form with one line for the reason.
fn reason(kind: FormKind, title: impl Into<String>, submit: &str) -> Form {
    Form::new(kind, title, submit).field(Field::text("reason", "Reason"))
}
