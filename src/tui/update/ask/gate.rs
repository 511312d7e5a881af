//! Questions at a checkpoint: waiting, answering, passing on, going through without, and the way back.

use super::{form, reason, what_runs, wish};
use crate::engine::Intent;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::tui::layer::{Choose, Field, FieldKind, Form, FormKind, Then};
use crate::tui::step::Target;
use crate::tui::theme::Tone;
use crate::tui::world::{ApprovalView, Gate, StepFacts, World};

/// Somebody else is asked: keep waiting, or not.
pub(in crate::tui::update) fn waiting(
    target: &Target<'_>,
    purpose: Purpose,
    world: &World,
) -> Choose {
    let step = target.key();
    let what = match purpose {
        Purpose::RollBack => format!("the roll back of {}", step.step),
        _ => step.step.to_string(),
    };
    let mut choose = Choose::new(format!("{what} waits for an answer"));
    let pending = target.facts.and_then(StepFacts::pending);
    if let Some((pending, _)) = pending {
        choose = choose
            .say(
                Tone::Text,
                format!(
                    "{} of {} approvals are there. Asked: {}.",
                    pending.have,
                    pending.want,
                    crate::tui::step::some(&pending.who)
                ),
            )
            .say(
                Tone::Warning,
                "Asking anew makes this request void, and every approval given to it.",
            );
    }
    choose = choose.option("keep waiting", "", Then::Nothing).option(
        "read what was asked",
        "the approval text",
        Then::Look(step.clone()),
    );
    if pending.is_some_and(|(pending, _)| pending.asked_by_me) {
        choose = choose.option(
            "withdraw the request",
            "nobody can answer it then",
            Then::Choose(Box::new(withdraw(step.clone()))),
        );
    }
    choose = choose.option(
        "ask anew",
        "voids what is under way",
        wish(Intent::Request { step, purpose }),
    );
    override_option(choose, target, purpose, world)
}

/// The way through without approvals, for whom policy lets.
fn override_option(choose: Choose, target: &Target<'_>, purpose: Purpose, world: &World) -> Choose {
    if !target.facts.is_some_and(|facts| facts.may_override) {
        return choose;
    }
    choose.option(
        "override",
        "without approvals; owes a review",
        form(override_(target, purpose, world)),
    )
}

/// A way back that stands behind a gate.
pub(in crate::tui::update) fn roll_back(target: &Target<'_>, world: &World) -> Choose {
    let step = target.key();
    let mut choose = Choose::new(format!("Rolling {} back takes an approval", step.step));
    let said = match target.roll_back() {
        Gate::Denied { by, reason, .. } => Some(format!("denied by {by}: {reason}")),
        Gate::Void { why, .. } => Some(format!("the approval is void: {why}")),
        Gate::Closed { asks, .. } => Some(format!("checkpoint: {asks}")),
        _ => None,
    };
    if let Some(said) = said {
        choose = choose.say(Tone::Waiting, said);
    }
    for (tone, line) in what_runs(target, Purpose::RollBack, world) {
        choose = choose.say(tone, line);
    }
    choose = choose.option("not now", "", Then::Nothing).option(
        "ask for approval",
        "of exactly this",
        wish(Intent::Request {
            step,
            purpose: Purpose::RollBack,
        }),
    );
    override_option(choose, target, Purpose::RollBack, world)
}

/// Which of the steps that ran, in the order they are to be undone.
pub(in crate::tui::update) fn undo(targets: &[Target<'_>]) -> Choose {
    let mut choose =
        Choose::new("Roll back").say(Tone::Text, "The step that ran last is undone first.");
    for (at, target) in targets.iter().enumerate() {
        let gate = match target.roll_back() {
            Gate::Free => "",
            Gate::Open { .. } => "approved",
            Gate::Overridden { .. } => "override",
            Gate::Pending(_) => "asked",
            _ => "takes an approval",
        };
        let order = if at == 0 { "next" } else { "out of order" };
        let script = target.step.exec.rollback.as_deref().unwrap_or_default();
        let first = script.lines().next().unwrap_or_default();
        let note: Vec<&str> = [order, gate, first]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        choose = choose.option(
            format!("roll back {}", target.step.id),
            note.join(" · "),
            Then::RollBack(target.key()),
        );
    }
    choose.option("not now", "", Then::Nothing)
}

/// To whom the question is passed on.
pub(in crate::tui::update) fn delegate(view: &ApprovalView) -> Choose {
    let choose = Choose::new(format!("Pass {} on to whom?", view.step.step)).say(
        Tone::Text,
        "You are not asked any more then. Whoever may answer still can.",
    );
    view.others
        .iter()
        .fold(choose, |choose, (name, principal)| {
            choose.option(
                name.clone(),
                principal.as_str(),
                wish(Intent::Delegate {
                    step: view.step.clone(),
                    to: principal.clone(),
                }),
            )
        })
        .option("nobody: I keep it", "", Then::Nothing)
}

/// Whether to take a question back.
pub(in crate::tui::update) fn withdraw(step: StepKey) -> Choose {
    Choose::new(format!("Withdraw the request for {}?", step.step))
        .say(
            Tone::Text,
            "It is signed, and makes every approval given to it void.",
        )
        .option("no, leave it", "", Then::Nothing)
        .option("yes, withdraw it", "", wish(Intent::Withdraw(step)))
        .guarded()
}

/// Why a checkpoint is gone through without approvals.
pub(in crate::tui::update) fn override_(
    target: &Target<'_>,
    purpose: Purpose,
    world: &World,
) -> Form {
    let step = target.key();
    let id = step.step.0.clone();
    let title = match purpose {
        Purpose::RollBack => format!("Override the checkpoint to roll {id} back"),
        _ => format!("Override the checkpoint of {id}"),
    };
    let mut form = Form::new(
        FormKind::Override(step, purpose),
        title,
        "sign the override",
    )
    .say(
        Tone::Override,
        "Nobody has approved this. The record says so for good,",
    )
    .say(Tone::Override, "and another person has to review it.");
    for (tone, line) in what_runs(target, purpose, world) {
        form = form.say(tone, line);
    }
    form.field(Field::text("reason", "Reason"))
        .field(Field::text("id", format!("Type {id}")).of(FieldKind::Typed(id)))
        .guarded()
}

/// The last question before an approval or a denial is signed.
pub(in crate::tui::update) fn approval(view: &ApprovalView, approve: bool) -> Form {
    let id = view.step.step.0.clone();
    let kind = FormKind::Approval(view.step.clone(), view.request, approve);
    if !approve {
        return reason(kind, format!("Deny {id}"), "sign the denial").guarded();
    }
    let form = Form::new(
        kind,
        format!("Approve {id} for {}?", view.requester),
        "sign the approval",
    )
    .say(Tone::Text, view.title.clone())
    .say(Tone::Dim, format!("You sign: {}", view.you_sign))
    .say(Tone::Dim, format!("request {}…", view.request.short()))
    .guarded();
    if view.destructive {
        form.say(Tone::Destructive, " DESTRUCTIVE ")
            .field(Field::text("id", format!("Type {id}")).of(FieldKind::Typed(id)))
    } else {
        let mut form = form;
        form.focus = form.fields.len() + 1;
        form
    }
}
