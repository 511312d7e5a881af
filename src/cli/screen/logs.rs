//! Logs on the screen of an incident: what was collected, or a key log where it lies. A marked line becomes an event, an
//! excerpt becomes evidence or a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::App;
use super::reader::{Read, Reader};
use crate::cli::CliError;
use crate::driver::Session;
use crate::driver::keep::{Output, Redaction};
use crate::engine::fact::CitedLine;
use crate::engine::intent::Intent;
use crate::evidence::{Digest, escape};
use crate::host::files;
use crate::logs::stamp::Zone;
use crate::logs::view::excerpt::Excerpt;
use crate::logs::view::live::Watched;
use crate::logs::view::page::{Ask, Mark, Page};
use crate::logs::view::{self, Viewer};
use crate::runbook::model::{LineClass, LogSource};
use crate::tui::wish::LogRef;
use crate::tui::world::{Log, Suggested, Suggestion};

/// Threads that count lines and matches beside the reading.
const THREADS: usize = 2;

/// Logs that are read, and where they come from.
#[derive(Debug)]
pub struct Reading {
    /// The thread that reads them.
    pub reader: Reader,
    title: String,
    origins: Vec<Origin>,
}

/// Where a log comes from.
#[derive(Debug, Clone)]
struct Origin {
    source: String,
    host: String,
    evidence: Option<Digest>,
    path: PathBuf,
    zone: Zone,
}

/// Opens these files to be read together.
///
/// # Errors
/// With the first that cannot be opened.
pub fn open(
    files: &[(PathBuf, String, Zone, i64)],
) -> Result<(Viewer, Vec<Option<Watched>>), CliError> {
    let (mut logs, mut watched) = (Vec::new(), Vec::new());
    for (path, name, zone, skew) in files {
        let fail = |error: std::io::Error| CliError::Input(format!("{}: {error}", path.display()));
        let (mut log, watch) = view::open(path, name.clone(), *zone, THREADS).map_err(fail)?;
        log.skew = *skew;
        logs.push(log);
        watched.push(Some(watch));
    }
    let viewer = Viewer::new(logs, THREADS)?;
    Ok((viewer, watched))
}

/// Writes an excerpt to a file, redacted. A file that is there already stays as it is.
///
/// # Errors
/// When it cannot be written.
pub fn write(excerpt: &Excerpt, redaction: &Redaction, path: &Path) -> Result<String, CliError> {
    let shown = escape::line(&path.display().to_string()).into_owned();
    let fail = |error: std::io::Error| CliError::Input(format!("{shown}: {error}"));
    if path.exists() {
        return Err(CliError::Input(format!(
            "{shown} is there already: name another file"
        )));
    }
    let bytes = redaction.bytes(&excerpt.bytes);
    files::write_atomic(path, &bytes, 0o640).map_err(fail)?;
    Ok(format!("wrote {} lines to {shown}", excerpt.lines))
}

impl App {
    /// Opens logs of the incident.
    pub(super) fn open_log(&mut self, log: &LogRef) -> Result<(), CliError> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let (title, origins) = match log {
            LogRef::Evidence(digest) => artifact(session, *digest)?,
            LogRef::Key(name) => key_log(session, name, &self.desk.settings.host)?,
        };
        let files: Vec<_> = origins
            .iter()
            .map(|origin| {
                let name = origin.path.file_name().unwrap_or(origin.path.as_os_str());
                let name = match origin.evidence {
                    Some(_) => title.clone(),
                    None => name.to_string_lossy().into_owned(),
                };
                (origin.path.clone(), name, origin.zone, 0)
            })
            .collect();
        let (viewer, watched) = open(&files)?;
        let reader = Reader::start(viewer, watched, self.send.clone());
        self.reading = Some(Reading {
            reader,
            title: title.clone(),
            origins,
        });
        self.show_log(title, Arc::default());
        Ok(())
    }

    fn show_log(&mut self, title: String, page: Arc<Page>) {
        let open = self.world.open.as_ref();
        self.world.log = Some(Log {
            title,
            page,
            recorded: open.is_some_and(|open| open.read_only.is_none()),
        });
    }

    pub(super) fn ask_log(&self, ask: Ask) {
        if let Some(reading) = &self.reading {
            reading.reader.ask(ask);
        }
    }

    pub(super) fn close_log(&mut self) {
        self.reading = None;
        self.world.log = None;
    }

    pub(super) fn read_log(&mut self, read: Read) {
        let Some(title) = self.reading.as_ref().map(|reading| reading.title.clone()) else {
            return;
        };
        match read {
            Read::Page(page) => self.show_log(title, page),
            Read::Failed(why) => {
                let kept = Some("what was read stays on the screen");
                self.say(true, format!("{title}: {why}"), kept, None);
            }
            Read::Line { mark, text, class } => self.note_line(&mark, text, class),
            Read::Excerpt { excerpt, path } => {
                let saved = self.save_excerpt(excerpt, path);
                self.told(saved);
            }
        }
    }

    /// Finds what the rules of the runbooks suggest.
    pub(super) fn suggest(&mut self) {
        let Some(session) = &self.session else {
            return;
        };
        let found = session.suggestions();
        let found = found.iter().map(|suggestion| Suggestion {
            log: suggestion.log.clone(),
            intent: suggestion.intent(),
        });
        let before = self.world.suggested.as_ref();
        self.world.suggested = Some(Suggested {
            number: before.map_or(1, |before| before.number + 1),
            entries: Arc::new(found.collect()),
        });
    }

    /// A line that was marked becomes an event.
    fn note_line(&mut self, mark: &Mark, text: String, class: LineClass) {
        let Some(origin) = self.origin(mark.log) else {
            return;
        };
        let line = CitedLine {
            source: origin.source,
            host: origin.host,
            range: (mark.line.start, mark.line.end),
            sha256: mark.sha256,
            evidence: origin.evidence,
        };
        let offset = *self.world.now.offset();
        let at = mark.stamp.map(|stamp| stamp.utc().with_timezone(&offset));
        let before = self.events.len();
        self.act(Intent::NoteLine {
            text,
            class,
            at,
            line,
        });
        if self.events.len() > before {
            self.ask_log(Ask::Mark(view::page::At {
                log: mark.log,
                start: mark.line.start,
            }));
        }
    }

    fn origin(&self, log: usize) -> Option<Origin> {
        self.reading.as_ref()?.origins.get(log).cloned()
    }

    fn save_excerpt(&mut self, excerpt: Excerpt, path: Option<String>) -> Result<(), CliError> {
        let Some(session) = self.session.as_mut() else {
            return Ok(());
        };
        if let Some(path) = path {
            let said = write(&excerpt, &session.redactor()?, Path::new(&path))?;
            self.notice(false, said, None);
            return Ok(());
        }
        let Some(origin) = self
            .reading
            .as_ref()
            .and_then(|r| r.origins.get(excerpt.log))
        else {
            return Ok(());
        };
        let name = origin.source.rsplit('/').next().unwrap_or_default();
        let lines = excerpt.lines;
        session.keep_excerpt(&Output {
            name: format!("excerpt of {name}"),
            source: origin.source.clone(),
            range: Some(excerpt.range),
            dropped: excerpt.dropped,
            bytes: excerpt.bytes,
        })?;
        self.publish();
        self.recorded();
        self.notice(false, format!("{lines} lines are evidence now"), None);
        Ok(())
    }
}

/// What was collected, by its digest.
fn artifact(session: &Session, digest: Digest) -> Result<(String, Vec<Origin>), CliError> {
    let events = session.journal().log().events();
    let evidence = events
        .iter()
        .flat_map(|event| event.fact.evidence())
        .find(|evidence| evidence.sha256 == digest)
        .ok_or_else(|| CliError::Input(format!("there is no artifact {digest}")))?;
    let path = session.evidence_dir().join(digest.hex());
    if !path.exists() {
        let what = format!("the bytes of {} are not here", evidence.name);
        return Err(CliError::Input(format!(
            "{what}; whoever collected it has them, or the hub after a sync"
        )));
    }
    let origin = Origin {
        source: evidence.source.clone(),
        host: evidence.host.clone(),
        evidence: Some(digest),
        path,
        zone: zone(session, &evidence.name),
    };
    Ok((evidence.name.clone(), vec![origin]))
}

/// The zone that the runbook says this log is written in.
fn zone(session: &Session, name: &str) -> Zone {
    let mut logs = session
        .state()
        .runs
        .iter()
        .rev()
        .flat_map(|run| &run.book.logs);
    logs.find(|log| log.name == name)
        .and_then(|log| Zone::parse(log.zone.as_deref()?))
        .unwrap_or(Zone::UTC)
}

/// A key log where it lies on this machine.
fn key_log(session: &Session, name: &str, host: &str) -> Result<(String, Vec<Origin>), CliError> {
    let found = session.state().runs.iter().rev().find_map(|run| {
        let log = run.book.logs.iter().find(|known| known.name == name)?;
        Some((log, run.plain()))
    });
    let Some((log, values)) = found else {
        return Err(CliError::Input(format!("there is no log `{name}`")));
    };
    let LogSource::File(path) = &log.source else {
        return Err(CliError::Input(format!("log `{name}` is no file")));
    };
    let path = crate::engine::checkpoint::record::expanded_path(path, &values)?;
    let paths = crate::logs::paths(&path).map_err(CliError::Input)?;
    let origins = paths.into_iter().map(|path| Origin {
        source: path.display().to_string(),
        host: host.to_owned(),
        evidence: None,
        path,
        zone: zone(session, name),
    });
    Ok((name.to_owned(), origins.collect()))
}
