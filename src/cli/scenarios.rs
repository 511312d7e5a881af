//! The scenarios of a library on the command line: listed, and shown as far as players may see them.

use serde_json::json;

use super::args::Common;
use super::config::Config;
use super::{CliError, library, out};
use crate::evidence::escape;
use crate::library::{Blob, Entry, LibraryError, Pin};
use crate::runbook::scenario::{self, Form, Head, Public, Side};
use crate::tui::picker;
use crate::tui::world::Entry as Listed;

/// Prints the scenarios of the library, those that match best first.
///
/// # Errors
/// When the library cannot be read.
pub(super) fn list(common: &Common, query: Option<&str>) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = library::open(&config)?;
    let pin = library.pin()?;
    let memory = library::memory(&config.settings.cache, &library);
    let mut rows = library.scenarios(&pin, Some(&memory))?;
    if let Some(query) = query {
        let entries: Vec<Listed> = rows.iter().map(|(_, head)| entry(head)).collect();
        let order = picker::rank(query, &entries);
        rows = order.iter().map(|index| rows[*index].clone()).collect();
    }
    if common.json {
        let items: Vec<_> = rows
            .iter()
            .map(|(entry, head)| json!({"path": entry.path, "scenario": head}))
            .collect();
        return out::json(
            &json!({ "library": library.spec().to_string(), "commit": pin.commit, "scenarios": items }),
        );
    }
    let mut text = String::new();
    for (_, head) in &rows {
        text.push_str(&format!(
            "{:<32} {:<10} {}\n",
            escape::line(&head.id),
            head.form.map_or("-", form),
            escape::line(&head.title)
        ));
    }
    out::data(&text)
}

fn entry(head: &Head) -> Listed {
    Listed {
        id: head.id.clone(),
        title: head.title.clone(),
        ..Listed::default()
    }
}

/// Prints what players may see of a scenario.
///
/// # Errors
/// When it cannot be read.
pub(super) fn show(common: &Common, pin: &Pin, entry: &Entry, blob: &Blob) -> Result<(), CliError> {
    let scenario =
        scenario::parse(&entry.path, &blob.bytes).map_err(LibraryError::BrokenScenario)?;
    let public = scenario.public();
    if common.json {
        return out::json(
            &json!({ "path": entry.path, "commit": pin.commit, "sha256": blob.sha256, "scenario": public }),
        );
    }
    let head = format!(
        "{} · {}@{}\n",
        escape::line(public.title),
        escape::line(&entry.path),
        &pin.commit[..12]
    );
    out::data(&(head + &told(&public)))
}

fn told(public: &Public<'_>) -> String {
    let severity = format!("{:?}", public.severity).to_lowercase();
    let runbook = public.runbook.map_or("no runbook", |id| id.as_str());
    let mut text = format!(
        "{} · {severity} · {} · {} simulated minutes, {} times as fast\n",
        form(public.form),
        escape::line(runbook),
        public.length.as_secs() / 60,
        f64::from(public.scale) / 1000.0
    );
    for words in [public.summary, public.briefing] {
        if !words.trim().is_empty() {
            text.push_str(&format!("\n{}\n", escape::text(words.trim_end())));
        }
    }
    text.push('\n');
    for part in public.parts {
        let role = part.role.as_ref().map_or("", |role| role.as_str());
        text.push_str(&format!(
            "{:<24} {:<16} {:<12} {}\n",
            escape::line(&part.id),
            side(part.side),
            escape::line(role),
            escape::line(&part.title)
        ));
    }
    text.push_str(&format!(
        "\nthis is real: {}\n",
        escape::line(public.code_word)
    ));
    for reason in public.abort {
        text.push_str(&format!("broken off when: {}\n", escape::line(reason)));
    }
    text
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Tabletop => "tabletop",
        Form::Drill => "drill",
        Form::Functional => "functional",
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Player => "player",
        Side::Facilitator => "facilitator",
        Side::Evaluator => "evaluator",
        Side::Observer => "observer",
        Side::SimulationCell => "simulation cell",
    }
}
