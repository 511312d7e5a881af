//! `runsheet logs search`: the lines that hold a match, as `grep` gives them, in files of any size, packed ones too, or
//! in a window of them.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{SearchLogs, shown::Shown, window};
use crate::cli::args::Common;
use crate::cli::{CliError, out};
use crate::evidence::escape;
use crate::host::clock::{Clock as _, SystemClock};
use crate::logs::lines::Encoding;
use crate::logs::mapped::Mapped;
use crate::logs::packed::{Bytes, Packing};
use crate::logs::rotated::{self, Member};
use crate::logs::search::{Case, Found, Haystack, Hit, Pattern, Search, Sift};
use crate::logs::source::{self, Source as _};
use crate::logs::whole::{self, Dating, Out};
use crate::logs::window::Ask;

/// So many lines go into a document; their number is always that of all.
const MOST_LISTED: usize = 10_000;

/// Does it.
///
/// # Errors
/// [`CliError::Status`] 1 when nothing was found, 2 when something could not be read or used.
pub fn run(common: &Common, wanted: &SearchLogs) -> Result<(), CliError> {
    let case = match (wanted.ignore_case, wanted.smart_case) {
        (true, _) => Case::Any,
        (_, true) => Case::Smart,
        _ => Case::Exact,
    };
    let pattern = match wanted.fixed_strings {
        true => Pattern::literal(&wanted.pattern, case),
        false => Pattern::regex(&wanted.pattern, case),
    };
    let pattern = pattern.map_err(|error| CliError::Input(error.to_string()))?;
    let windowed = wanted.window()?;
    let alone = wanted.alone || windowed.is_none();
    let logs = rotated::logs(&wanted.files, alone).map_err(CliError::Input)?;
    let mut telling = Telling::new(common, wanted, logs.concat().len() > 1)?;
    let mut failed = false;
    for members in &logs {
        if let Some((dating, ask)) = &windowed {
            failed |= in_window(members, dating, ask, &pattern, &mut telling)?;
            continue;
        }
        for member in members {
            let path = &member.path;
            match in_file(path, &pattern, wanted, &mut telling) {
                Err(CliError::Input(what)) => {
                    failed = true;
                    out::talk(&escape::line(&what));
                }
                done => done?,
            }
        }
    }
    let found = telling.finish()?;
    match (failed, found) {
        (true, _) => Err(CliError::Status(2)),
        (false, 0) => Err(CliError::Status(1)),
        _ => Ok(()),
    }
}

impl SearchLogs {
    /// The window, if one is asked for.
    fn window(&self) -> Result<Option<(Dating, Ask)>, CliError> {
        let Some(from) = &self.from else {
            return Ok(None);
        };
        let window = super::WindowLogs {
            files: Vec::new(),
            from: from.clone(),
            to: self.to.clone(),
            format: self.format.clone(),
            zone: self.zone.clone(),
            slack: self.slack.clone(),
            output: None,
            estimate: false,
            limit: None,
            sha256: false,
            alone: self.alone,
        };
        let ask = window::ask(&window, SystemClock.now())?;
        let dating = super::dating(self.format.as_deref(), self.zone.as_deref())?;
        Ok(Some((dating, ask)))
    }
}

/// One file from its beginning to its end.
fn in_file(
    path: &Path,
    pattern: &Pattern,
    wanted: &SearchLogs,
    telling: &mut Telling,
) -> Result<(), CliError> {
    let fail = |error: io::Error| CliError::Input(format!("{}: {error}", path.display()));
    let file = source::open(path).map_err(fail)?;
    let mut head = [0; 16];
    let length = file.fill_at(&mut head, 0).map_err(fail)?;
    telling.begin(path, true);
    if let Some(packing) = Packing::of(&head[..length]) {
        let unpacked = packing.unpack(Bytes::of(&file)).map_err(fail)?;
        let (found, damage) = unpack(unpacked, pattern, telling);
        telling.end(found)?;
        let said = |damage| CliError::Input(format!("{}: NOT ALL OF IT: {damage}", path.display()));
        return damage.map_or(Ok(()), |damage| Err(said(damage)));
    }
    let map = Mapped::of(&file, SystemTime::from(SystemClock.now())).map_err(fail)?;
    let hay = map
        .as_ref()
        .map_or(Haystack::Source(&file), Haystack::Mapped);
    let search = Search {
        hay,
        encoding: Encoding::of(&head[..length]),
        range: 0..file.size().map_err(fail)?,
        pattern,
        threads: wanted.threads.unwrap_or_else(threads),
        numbered: wanted.line_number,
        stop: &AtomicBool::new(false),
    };
    let found = match wanted.count {
        true => search.count(),
        false => search.lines(&mut |hit| telling.hit(&hit)),
    };
    telling.end(found.map_err(fail)?)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What comes out of a packed file, and what ended it early: what is found above that counts.
fn unpack(
    mut unpacked: impl io::Read,
    pattern: &Pattern,
    telling: &mut Telling,
) -> (Found, Option<io::Error>) {
    let mut head = Vec::new();
    let begun = unpacked.by_ref().take(2).read_to_end(&mut head);
    let mut take = |hit: Hit<'_>| telling.hit(&hit);
    let mut sift = Sift::new(Encoding::of(&head), pattern, &mut take);
    let copied = begun.and_then(|_| io::copy(&mut head.as_slice().chain(unpacked), &mut sift));
    let damage = copied.err().filter(|_| !sift.is_done());
    (sift.finish(), damage)
}

/// The window of one log; whether some of it could not be read.
fn in_window(
    members: &[Member],
    dating: &Dating,
    ask: &Ask,
    pattern: &Pattern,
    telling: &mut Telling,
) -> Result<bool, CliError> {
    // The lines come from several files: named is the one that is written to.
    let Some(last) = members.last() else {
        return Ok(false);
    };
    let mut head = [0; 2];
    let encoding = source::open(&last.path)
        .and_then(|file| file.fill_at(&mut head, 0))
        .map_or(Encoding::Bytes, |length| Encoding::of(&head[..length]));
    telling.begin(&last.path, false);
    let mut take = |hit: Hit<'_>| telling.hit(&hit);
    let mut sift = Sifted(Sift::new(encoding, pattern, &mut take));
    let outcomes = match whole::window(members, dating, ask, false, &mut sift) {
        Err(error) if !sift.0.is_done() => return Err(error.into()),
        Err(_) => Vec::new(),
        Ok(outcomes) => outcomes,
    };
    let found = sift.0.finish();
    telling.end(found)?;
    let mut failed = false;
    for (member, outcome) in &outcomes {
        if super::report::lacks(outcome) {
            failed = true;
            out::talk(&escape::text(&super::report::words(member, outcome)));
        }
    }
    Ok(failed)
}

/// What was written is searched already and cannot be taken back.
struct Sifted<'a>(Sift<'a>);

impl Write for Sifted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out for Sifted<'_> {}

/// Says what is found: lines as they are, escaped on a terminal; counts; or a document.
struct Telling {
    out: Box<dyn Write>,
    /// Each hit is shown at once.
    at_once: bool,
    several: bool,
    numbered: bool,
    count: bool,
    json: bool,
    path: String,
    /// Whether the place of a line is that in the file.
    placed: bool,
    files: Vec<Value>,
    hits: Vec<Value>,
    found: u64,
    /// Why nothing more can be written.
    broken: Option<io::Error>,
}

impl Telling {
    fn new(common: &Common, wanted: &SearchLogs, several: bool) -> Result<Self, CliError> {
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let at_once = stdout.is_terminal();
        let out: Box<dyn Write> = if at_once {
            Box::new(Shown::on(stdout))
        } else {
            Box::new(BufWriter::with_capacity(256 << 10, stdout))
        };
        Ok(Self {
            out,
            at_once,
            several,
            numbered: wanted.line_number,
            count: wanted.count,
            json: common.json,
            path: String::new(),
            placed: true,
            files: Vec::new(),
            hits: Vec::new(),
            found: 0,
            broken: None,
        })
    }

    fn begin(&mut self, path: &Path, placed: bool) {
        self.path = path.to_string_lossy().into_owned();
        self.placed = placed;
    }

    fn hit(&mut self, hit: &Hit<'_>) -> ControlFlow<()> {
        if self.count {
            return ControlFlow::Continue(());
        }
        if self.json {
            if self.hits.len() < MOST_LISTED {
                self.hits.push(self.listed(hit));
            }
            return ControlFlow::Continue(());
        }
        match self.write(hit) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.broken = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn listed(&self, hit: &Hit<'_>) -> Value {
        let line = hit.line.strip_suffix(b"\n").unwrap_or(hit.line);
        json!({
            "path": self.path,
            "at": self.placed.then_some(hit.at),
            "line": (self.placed && self.numbered).then_some(hit.number),
            "text": String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)),
        })
    }

    fn write(&mut self, hit: &Hit<'_>) -> io::Result<()> {
        if self.several {
            write!(self.out, "{}:", self.path)?;
        }
        if self.numbered && self.placed {
            write!(self.out, "{}:", hit.number)?;
        }
        self.out.write_all(hit.line)?;
        if !hit.line.ends_with(b"\n") {
            self.out.write_all(b"\n")?;
        }
        if self.at_once {
            self.out.flush()?;
        }
        Ok(())
    }

    fn end(&mut self, found: Found) -> Result<(), CliError> {
        if let Some(error) = self.broken.take() {
            return Err(error.into());
        }
        self.found += found.lines;
        if self.json {
            self.files
                .push(json!({"path": self.path, "lines": found.lines}));
        } else if self.count {
            if self.several {
                write!(self.out, "{}:", self.path)?;
            }
            writeln!(self.out, "{}", found.lines)?;
        }
        Ok(())
    }

    /// How many lines were found in all.
    fn finish(mut self) -> Result<u64, CliError> {
        if self.json {
            let listed = self.hits.len() as u64;
            out::json(&json!({
                "lines": self.found,
                "files": self.files,
                "hits": self.hits,
                "more": !self.count && listed < self.found,
            }))?;
        }
        self.out.flush()?;
        Ok(self.found)
    }
}
