//! `runsheet export`: leaving with the record as a document.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::args::{Cmd, Common};
use super::config::Config;
use super::{CliError, incident, out, record};
use crate::driver::Session;
use crate::engine::{Event, State};
use crate::evidence::escape;
use crate::host::files;
use crate::timeline::Timeline;
use crate::timeline::clocks::{self, Countdown, Regime};
use crate::timeline::export::Format;
use crate::timeline::export::template::{self, Template, TemplateError};

/// Writes the document that is asked for.
///
/// # Errors
/// When there is no such incident, audience or template, or it cannot be written.
pub fn run(common: &Common, command: Cmd) -> Result<(), CliError> {
    let Cmd::Export {
        inc,
        format,
        audience,
        template,
        output,
    } = command
    else {
        return Err(CliError::Input("no such command".to_owned()));
    };
    let wanted = Wanted {
        format,
        audience: audience.as_deref(),
        template: template.as_deref(),
    };
    let desk = Config::read(common)?.desk()?;
    let session = incident::open(&desk, &inc)?;
    let regimes = wanted.regimes(&session)?;
    // From here on nothing of the record is wanted but its events, and once those are told not even they: a long one
    // need not lie here twice.
    let (state, events) = session.into_record();
    let (timeline, countdowns) = wanted.gathered(&state, &events, &regimes)?;
    drop((state, events));
    let output = output.as_deref();
    match wanted.template {
        Some(named) => {
            let text = by_template(&timeline, &countdowns, named)?;
            leave(output, |out| out.write_all(text.as_bytes()))
        }
        None => leave(output, |out| format.write(&timeline, &countdowns, out)),
    }
}

/// The record as a document: all of it, or what an audience may see; by a template, where Markdown is asked for.
///
/// # Errors
/// When there is no such audience or template.
pub fn document(
    session: &Session,
    format: Format,
    audience: Option<&str>,
    template: Option<&str>,
) -> Result<String, CliError> {
    let wanted = Wanted {
        format,
        audience,
        template,
    };
    let regimes = wanted.regimes(session)?;
    let events = session.journal().log().events();
    let (timeline, countdowns) = wanted.gathered(session.state(), events, &regimes)?;
    match template {
        Some(named) => by_template(&timeline, &countdowns, named),
        None => format
            .render(&timeline, &countdowns)
            .map_err(|error| CliError::Input(error.to_string())),
    }
}

/// Which document.
struct Wanted<'a> {
    format: Format,
    audience: Option<&'a str>,
    template: Option<&'a str>,
}

impl Wanted<'_> {
    /// The clocks that stand in it; says what is wrong with the library's own.
    fn regimes(&self, session: &Session) -> Result<Vec<Regime>, CliError> {
        if self.template.is_some() && self.format != Format::Markdown {
            let what = "--template is for --format markdown";
            return Err(CliError::Input(what.to_owned()));
        }
        if !self.format.has_clocks() && self.template.is_none() {
            return Ok(Vec::new());
        }
        let (regimes, problems) = session.regimes(false)?;
        for problem in &problems {
            out::talk(&escape::line(problem));
        }
        Ok(regimes)
    }

    /// What it is made of. The clocks stand as at the last entry of the timeline, so that the same record says the same,
    /// and nothing of what an audience does not see.
    fn gathered(
        &self,
        state: &State,
        events: &[Arc<Event>],
        regimes: &[Regime],
    ) -> Result<(Timeline, Vec<Countdown>), CliError> {
        let timeline = record::for_whom(state, events, self.audience)?;
        let Some(last) = timeline.told_until() else {
            return Ok((timeline, Vec::new()));
        };
        let mut countdowns = clocks::due(regimes, &clocks::anchors(state), last.fixed_offset());
        timeline.keep_seen(&mut countdowns);
        Ok((timeline, countdowns))
    }
}

fn leave(
    output: Option<&Path>,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let Some(path) = output else {
        return out::written(write);
    };
    files::write_atomic_with(path, 0o644, write)
        .map_err(|error| CliError::Input(format!("{}: {error}", path.display())))?;
    out::talk(&format!("wrote {}", path.display()));
    Ok(())
}

/// A timeline by a template: one of runsheet's own by its name, else a file.
fn by_template(
    timeline: &Timeline,
    countdowns: &[Countdown],
    named: &str,
) -> Result<String, CliError> {
    let wrong = |error: TemplateError| CliError::Input(error.to_string());
    if let Some(own) = template::own(named) {
        return template::render(timeline, countdowns, own).map_err(wrong);
    }
    let input = |what: String| CliError::Input(format!("{}: {what}", escape::line(named)));
    let most = u64::try_from(template::MOST_SOURCE).unwrap_or(u64::MAX);
    let mut text = String::new();
    let file = std::fs::File::open(named).map_err(|error| {
        let names: Vec<_> = template::OWN.iter().map(|(name, _, _)| *name).collect();
        input(format!(
            "{error}; templates are {}, or a file",
            names.join(", ")
        ))
    })?;
    file.take(most + 1)
        .read_to_string(&mut text)
        .map_err(|error| input(error.to_string()))?;
    let own = Template {
        name: named,
        text: &text,
    };
    template::render(timeline, countdowns, own).map_err(wrong)
}
