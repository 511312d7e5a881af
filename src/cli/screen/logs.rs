//! Logs on the screen of an incident: what was collected, or a key log where it lies. A marked line becomes an event, an
//! excerpt becomes evidence or a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::App;
use super::reader::{Read, Reader};
use crate::cli::CliError;
use crate::driver::Session;
use crate::driver::collect::simulated_only;
use crate::driver::keep::{Output, Redaction};
use crate::engine::fact::CitedLine;
use crate::engine::intent::Intent;
use crate::evidence::{Digest, escape};
use crate::host::files;
use crate::logs::dating::Dating;
use crate::logs::rotated;
use crate::logs::stamp::{Format, Stamp, Zone};
use crate::logs::view::excerpt::Excerpt;
use crate::logs::view::live::Watched;
use crate::logs::view::page::{Ask, Mark, Page};
use crate::logs::view::spool::Room;
use crate::logs::view::{self, Viewer};
use crate::runbook::model::{LineClass, LogSource};
use crate::tui::wish::LogRef;
use crate::tui::world::{Log, Suggested, Suggestion};

/// Threads that count lines and matches beside the reading.
const THREADS: usize = 2;

/// So many files are read together.
const MOST_FILES: usize = 64;

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
    dating: Dating,
}

/// A file to be read.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ToRead {
    pub path: PathBuf,
    /// What it is called on the screen.
    pub name: String,
    pub dating: Dating,
    /// What is to be added to its clock, in nanoseconds.
    pub skew: i64,
}

/// Opens these files to be read together. What is packed is unpacked into a file without a name under `state`.
///
/// # Errors
/// With the first that cannot be opened.
pub fn open(files: &[ToRead], state: &Path) -> Result<(Viewer, Vec<Option<Watched>>), CliError> {
    if files.len() > MOST_FILES {
        let what = format!("{} files are too many to read together", files.len());
        return Err(CliError::Input(format!("{what}: at most {MOST_FILES}")));
    }
    let room = Room::of(state);
    let (mut logs, mut watched) = (Vec::new(), Vec::new());
    for file in files {
        let path = &file.path;
        let fail = |error: std::io::Error| CliError::Input(format!("{}: {error}", path.display()));
        let name = file.name.clone();
        let (mut log, watch) =
            view::open(path, name, &file.dating, &room, THREADS).map_err(fail)?;
        log.skew = file.skew;
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
            LogRef::Key(_) if session.is_exercise() => return Err(simulated_only().into()),
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
                ToRead {
                    path: origin.path.clone(),
                    name,
                    dating: origin.dating,
                    skew: 0,
                }
            })
            .collect();
        let (viewer, watched) = open(&files, &self.desk.settings.state)?;
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
            source: mark.made.of(&origin.source),
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
            let said = write(
                &excerpt,
                &session.redactor()?.with_addresses(),
                Path::new(&path),
            )?;
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
            source: excerpt.made.of(&origin.source),
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
        dating: dating(session, &evidence.name),
    };
    Ok((evidence.name.clone(), vec![origin]))
}

/// How the runbook says that the lines of this log are dated.
fn dating(session: &Session, name: &str) -> Dating {
    let runs = session.state().runs.iter().rev();
    let log = runs
        .flat_map(|run| &run.book.logs)
        .find(|log| log.name == name);
    let format = log.and_then(|log| log.format.as_deref());
    let zone = log.and_then(|log| log.zone.as_deref());
    Dating {
        format: format.and_then(Format::named),
        zone: zone.and_then(Zone::parse).unwrap_or(Zone::UTC),
    }
}

/// A key log where it lies on this machine: its files that were written to since a day before the incident.
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
    let members = rotated::logs(&[path], false).map_err(CliError::Input)?;
    let members = rotated::since(members.concat(), day_before(session));
    let origins = members.into_iter().map(|member| Origin {
        source: member.path.display().to_string(),
        host: host.to_owned(),
        evidence: None,
        path: member.path,
        dating: dating(session, name),
    });
    Ok((name.to_owned(), origins.collect()))
}

fn day_before(session: &Session) -> Stamp {
    let incident = session.state().incident.as_ref();
    let started = incident.map(|incident| incident.started - chrono::TimeDelta::days(1));
    started.map_or(Stamp(i64::MIN), |started| Stamp::of(started.to_utc()))
}
