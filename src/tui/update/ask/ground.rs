//! Questions about what changes the ground under a record: another policy, an artifact taken out.

use super::form;
use crate::engine::fact::Evidence;
use crate::tui::difference::{self, Line};
use crate::tui::layer::{Choose, Field, Form, FormKind, Then};
use crate::tui::step;
use crate::tui::theme::Tone;
use crate::tui::world::{Open, World};

/// One's word for another policy, and what it changes where that is known.
pub(in crate::tui::update) fn adopt(world: &World) -> Option<Form> {
    let open = world.open.as_ref()?;
    let incident = open.state.incident.as_ref()?;
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    let mut form = Form::new(FormKind::Adopt, "Adopt another policy?", "sign").guarded();
    form = form
        .say(
            Tone::Text,
            format!(
                "The policy of {} holds now.",
                short(&incident.policy_pin.commit)
            ),
        )
        .say(
            Tone::Text,
            format!("Another takes {}.", incident.policy.adoption()),
        )
        .say(
            Tone::Warning,
            "Once it is adopted, everything asked for and not used yet is void.",
        );
    match &open.state.proposal {
        Some(proposal) => {
            let by: Vec<&str> = proposal.by.keys().map(String::as_str).collect();
            form = form.say(
                Tone::Text,
                format!(
                    "Proposed is that of {}, by {}; if your library lacks it, you propose your own.",
                    short(&proposal.policy.commit),
                    by.join(", ")
                ),
            );
            let policy =
                difference::texts("policy.yaml", &incident.policy_yaml, &proposal.policy_yaml);
            let signers = difference::texts(
                "allowed_signers",
                &incident.allowed_signers,
                &proposal.allowed_signers,
            );
            for line in policy.into_iter().chain(signers) {
                let (tone, line) = shown(line);
                form = form.say(tone, line);
            }
        }
        None => {
            let commit = world
                .library
                .as_ref()
                .map_or("nothing", |library| library.commit.as_str());
            form = form.say(
                Tone::Text,
                format!("You would propose that of your library, at {commit}."),
            );
        }
    }
    Some(form.field(Field::text("reason", "Reason").optional()))
}

fn shown(line: Line) -> (Tone, String) {
    match line {
        Line::Head(words) => (Tone::Warning, words),
        Line::Same(words) => (Tone::Dim, format!("    {words}")),
        Line::Out(words) => (Tone::Failed, format!("  - {words}")),
        Line::In(words) => (Tone::Done, format!("  + {words}")),
        Line::Value(name, ..) => (Tone::Text, name),
    }
}

/// Which artifact.
pub(in crate::tui::update) fn expunge(open: &Open) -> Choose {
    let choose = Choose::new("Take which artifact out?").say(
        Tone::Text,
        "Its bytes go, everywhere; its digest and who said so stay.",
    );
    step::artifacts(open)
        .into_iter()
        .fold(choose, |choose, evidence| {
            let note = format!(
                "{} · {} bytes · {}",
                evidence.sha256.short(),
                evidence.size,
                evidence.source
            );
            choose.option(
                evidence.name.clone(),
                note,
                form(expunge_one(open, evidence)),
            )
        })
        .option("none", "", Then::Nothing)
}

/// One's word that this one is taken out.
pub(in crate::tui::update) fn expunge_one(open: &Open, evidence: &Evidence) -> Form {
    let mut form = Form::new(
        FormKind::Expunge(evidence.sha256),
        format!("Take {} out?", evidence.name),
        "sign",
    )
    .say(
        Tone::Text,
        format!("{} bytes · {}", evidence.size, evidence.sha256),
    )
    .say(
        Tone::Text,
        format!("from {} on {}", evidence.source, evidence.host),
    );
    let words = open.state.expunged.get(&evidence.sha256);
    for (who, (_, _, reason)) in words.iter().flat_map(|words| &words.by) {
        form = form.say(Tone::Warning, format!("{who} says so: {reason}"));
    }
    let then = if words.is_some() {
        "With your word it is taken out, for good."
    } else {
        "It takes the words of two people; yours is the first."
    };
    form.say(Tone::Destructive, then)
        .field(Field::text("reason", "Reason"))
        .guarded()
}
