//! Documents by template: runsheet's own, and a team's. A template reads the document that `json` writes and nothing
//! else: no file, no clock, no other template. What it prints is escaped as Markdown unless this file made it Markdown.
//! What must be said is said whatever the template says: that it was a drill, for whom it is, what is left out.

mod context;
mod filters;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::markdown;
use super::markdown::syntax::prose;
use crate::timeline::Timeline;
use crate::timeline::clocks::Countdown;

/// The templates that runsheet brings, by name, with what they are for.
pub const OWN: [(&str, &str, &str); 3] = [
    (
        "postmortem",
        "a blameless engineering postmortem",
        include_str!("templates/postmortem.md"),
    ),
    (
        "security",
        "a security incident report",
        include_str!("templates/security.md"),
    ),
    (
        "executive",
        "one page for people who decide",
        include_str!("templates/executive.md"),
    ),
];

/// A template is no longer than this.
pub const MOST_SOURCE: usize = 1 << 20;
/// A document is no longer than this.
const MOST_OUTPUT: usize = 64 << 20;
/// Steps and bytes of memory a template may use, and how many more for each row.
const FUEL: u64 = 10_000_000;
const FUEL_PER_ROW: u64 = 2_000;
const RECURSION: usize = 64;

/// A template and what errors call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Template<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TemplateError {
    #[error("{name}: a template has at most {MOST_SOURCE} bytes")]
    Long { name: String },
    #[error("{name}:{line}: {what}")]
    At {
        name: String,
        line: usize,
        what: String,
    },
}

/// The template of runsheet's own that has this name.
#[must_use]
pub fn own(name: &str) -> Option<Template<'static>> {
    let found = OWN.iter().find(|(own, _, _)| *own == name);
    found.map(|(name, _, text)| Template { name, text })
}

/// The document this template makes of a timeline and of the clocks as they stood at its last entry.
///
/// # Errors
/// With the line of the template, where it is none, names what is not there, or asks for too much.
pub fn render(
    timeline: &Timeline,
    countdowns: &[Countdown],
    template: Template<'_>,
) -> Result<String, TemplateError> {
    let name = crate::timeline::shown(template.name);
    if template.text.len() > MOST_SOURCE {
        return Err(TemplateError::Long { name });
    }
    let wrong = |error: Error| wrong(&name, &error);
    let noticed = Arc::new(AtomicBool::new(false));
    let environment = environment(timeline, &noticed);
    let template = environment
        .template_from_named_str(&name, template.text)
        .map_err(wrong)?;
    let named = template.undeclared_variables(false);
    let context = context::context(timeline, countdowns, &named).map_err(wrong)?;
    let mut page = Page::default();
    template
        .render_captured_to(context, &mut page)
        .map_err(wrong)?;
    // Pieces of a template and texts are UTF-8, and are written whole.
    let text = String::from_utf8(page.0).unwrap_or_default();
    let notice = markdown::notice(timeline);
    if noticed.load(Ordering::Relaxed) || notice.is_empty() {
        return Ok(text);
    }
    Ok(format!("{notice}{text}"))
}

fn wrong(name: &str, error: &Error) -> TemplateError {
    let mut inner = error;
    // A mistake in a macro is told where it is.
    while let Some(cause) = std::error::Error::source(inner).and_then(|cause| cause.downcast_ref())
    {
        inner = cause;
    }
    let kind = inner.kind().to_string();
    let what = inner
        .detail()
        .map_or(kind.clone(), |detail| format!("{kind}: {detail}"));
    TemplateError::At {
        name: name.to_owned(),
        line: inner.line().or(error.line()).unwrap_or(1),
        what: crate::timeline::shown(&what),
    }
}

fn environment<'a>(timeline: &Timeline, noticed: &Arc<AtomicBool>) -> Environment<'a> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let rows = u64::try_from(timeline.rows.len()).unwrap_or(u64::MAX);
    environment.set_fuel(Some(FUEL.saturating_add(rows.saturating_mul(FUEL_PER_ROW))));
    environment.set_recursion_limit(RECURSION);
    // The usual marks are never refused.
    if let Ok(syntax) = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(format);
    filters::add(&mut environment);
    let (notice, said) = (markdown::notice(timeline), Arc::clone(noticed));
    environment.add_function("notice", move || {
        said.store(true, Ordering::Relaxed);
        Value::from_safe_string(notice.clone())
    });
    let verifying = markdown::how_to_verify(timeline);
    environment.add_function("verifying", move || {
        Value::from_safe_string(verifying.clone())
    });
    environment
}

/// Writes a value: as it is where this program made it Markdown, else as prose.
fn format(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        let what = "an `if` without an `else`, or a name that has no value";
        return Err(Error::new(ErrorKind::UndefinedError, what));
    }
    if value.is_none() {
        return Ok(());
    }
    match value.as_str() {
        Some(text) if value.is_safe() => out.write_str(text)?,
        Some(text) => {
            let blank = |edge: bool| if edge { " " } else { "" };
            out.write_str(blank(text.starts_with(' ')))?;
            out.write_str(&prose(text))?;
            out.write_str(blank(text.ends_with(' ') && !text.trim().is_empty()))?;
        }
        None => out.write_str(&prose(&value.to_string()))?,
    }
    Ok(())
}

/// What is written, up to a limit.
#[derive(Default)]
struct Page(Vec<u8>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_OUTPUT {
            let what = format!("the document is longer than {MOST_OUTPUT} bytes");
            return Err(io::Error::other(what));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
