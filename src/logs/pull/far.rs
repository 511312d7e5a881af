//! Logs of another host: a window of all files of a log, or one file by itself. Files that the time of their last write
//! or the first line of the one after them puts before the window are not opened.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::files::{BLOCK, MOST_FILES, Open, Taken, UNDATED, also, file, lacks, left_out};
use super::sift::Sift;
use super::{Job, Phase, Pulled, beside};
use crate::logs::lines::{Encoding, Text};
use crate::logs::packed::{self, Bytes, Packing, Streamed};
use crate::logs::remote::{FarFile, FarPath, Host};
use crate::logs::rotated::{self, Member, Turn};
use crate::logs::source::Source;
use crate::logs::stamp::{Stamp, Stamps, Window};
use crate::logs::window::{self, Ask, Located, Reading, Report};

/// What is looked at to learn how lines are dated: of the beginning, and of two places further on.
const SAMPLE: usize = 32 << 10;
/// Nanoseconds by which a file may have been written to earlier than its last line says, beside the slack.
const COARSE: i64 = 2_000_000_000;

/// A file that is open, and what its beginning tells.
struct Learnt {
    path: String,
    file: FarFile,
    packing: Option<Packing>,
    encoding: Encoding,
    stamps: Option<Stamps>,
    first: Option<Stamp>,
    /// Where the window is, where that was looked for.
    located: Option<Located>,
}

impl Job<'_> {
    pub(super) fn there(&mut self, name: &str, pattern: &str) -> Result<(), String> {
        let host = self.connect(name)?;
        let at = |error: io::Error| format!("{name}:{pattern}: {error}");
        self.progress().phase(self.row, Phase::Searching);
        let shared = self.shared;
        let (taken, skew) = beside(shared, &host, || match self.window() {
            Some(window) => self.windows_there(&host, pattern, window),
            None => self.ends_there(&host, pattern),
        });
        for (artifact, pulled) in taken.map_err(at)? {
            artifact.end(Pulled { skew, ..pulled }).map_err(at)?;
        }
        Ok(())
    }

    fn ends_there(&mut self, host: &Host, pattern: &str) -> io::Result<Vec<Taken>> {
        let mut taken = Vec::new();
        for found in found(host, pattern)? {
            let path = String::from_utf8_lossy(&found.path).into_owned();
            let patience = self.patience.clone();
            let ended = host.open(&found.path).and_then(|opened| {
                let open = Open {
                    path: path.clone(),
                    source: self.watched(&opened, &patience),
                };
                self.end_of(&open, None)
            });
            match ended {
                Ok(more) => taken.extend(more),
                Err(error) => self.fails(host, &path, &error),
            }
        }
        Ok(taken)
    }

    fn windows_there(
        &mut self,
        host: &Host,
        pattern: &str,
        window: Window,
    ) -> io::Result<Vec<Taken>> {
        let mut taken = Vec::new();
        for (base, log) in self.logs_there(host, pattern, window)? {
            match self.window_there(host, &base, log, window) {
                Ok(more) => taken.extend(more),
                Err(error) => self.fails(host, &base, &error),
            }
        }
        Ok(taken)
    }

    fn fails(&mut self, host: &Host, path: &str, error: &io::Error) {
        self.problems
            .push(format!("{}:{path}: {error}", host.name()));
    }

    /// The logs that are meant, each with those of its files that may hold lines of the window, oldest first.
    fn logs_there(
        &self,
        host: &Host,
        pattern: &str,
        window: Window,
    ) -> io::Result<Vec<(String, Vec<Learnt>)>> {
        if !is_pattern(pattern) {
            return Ok(vec![(
                pattern.to_owned(),
                self.log_there(host, pattern, window)?,
            )]);
        }
        let mut logs: Vec<(PathBuf, Vec<Member>)> = Vec::new();
        for member in found(host, pattern)?.iter().map(member) {
            let base = member.path.with_file_name(&member.turn.base);
            match logs.iter_mut().find(|(other, _)| *other == base) {
                Some((_, members)) => members.push(member),
                None => logs.push((base, vec![member])),
            }
        }
        let mut learnt = Vec::new();
        for (base, members) in logs {
            let files = self.learn_all(host, members, window)?;
            learnt.push((base.display().to_string(), files));
        }
        Ok(learnt)
    }

    /// The file in use, with those it was rotated from where it does not reach back to the window.
    fn log_there(&self, host: &Host, path: &str, window: Window) -> io::Result<Vec<Learnt>> {
        let in_use = self.learn(host, path);
        let from = Ask::of(window).earlier(window.from);
        let reaches = |learnt: &Learnt| learnt.first.is_some_and(|first| first < from);
        if in_use.as_ref().is_ok_and(reaches) {
            return Ok(vec![in_use?]);
        }
        let siblings = host.find(&format!("{}[-._]*", glob::Pattern::escape(path)));
        let name = name(Path::new(path));
        let mut members: Vec<_> = siblings.unwrap_or_default().iter().map(member).collect();
        // `app.log.gz` beside `app.log` is the same once more, not older.
        members.retain(|member| member.turn.base == name && !member.turn.is_base());
        let mut learnt = self.learn_all(host, members, window)?;
        match in_use {
            Ok(in_use) => learnt.push(in_use),
            Err(error) if learnt.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(learnt)
    }

    /// From the youngest on, until one begins before the window.
    fn learn_all(
        &self,
        host: &Host,
        members: Vec<Member>,
        window: Window,
    ) -> io::Result<Vec<Learnt>> {
        let ask = Ask::of(window);
        let from = ask.earlier(window.from);
        let mut learnt = Vec::new();
        for member in rotated::in_order(members).iter().rev() {
            if ask.later(member.written).0.saturating_add(COARSE) < window.from.0 {
                break;
            }
            let opened = self.learn(host, &member.path.to_string_lossy())?;
            let first = opened.first;
            learnt.push(opened);
            if first.is_some_and(|first| first < from) {
                break;
            }
        }
        learnt.reverse();
        Ok(learnt)
    }

    fn learn(&self, host: &Host, path: &str) -> io::Result<Learnt> {
        let file = host.open(path.as_bytes())?;
        let mut head = sample(&self.watched(&file, &self.patience))?;
        let packing = Packing::of(&head);
        if let Some(packing) = packing {
            let mut unpacked = Vec::new();
            // What is damaged is told by whoever reads on.
            let _ = packing
                .unpack(Bytes::of(&file))?
                .take(SAMPLE as u64)
                .read_to_end(&mut unpacked);
            head = unpacked;
        }
        let encoding = Encoding::of(&head);
        let zone = self.wanted.zone;
        let newest = file.written().map_or(Stamp::of(self.now()), seconds);
        let stamps = match self.wanted.format {
            Some(format) => Some(Stamps::with(format, zone, newest)),
            None => Stamps::detect(&encoding.decoded(&head), zone, newest),
        };
        let first = stamps.as_ref().and_then(|stamps| {
            let clock = |line: &[u8]| stamps.of(line);
            let text = Text {
                encoding,
                clock: &clock,
            };
            text.first_stamp(&head)
        });
        Ok(Learnt {
            path: path.to_owned(),
            file,
            packing,
            encoding,
            stamps,
            first,
            located: None,
        })
    }

    fn window_there(
        &mut self,
        host: &Host,
        base: &str,
        mut log: Vec<Learnt>,
        window: Window,
    ) -> io::Result<Option<Taken>> {
        let started = self.now();
        if let [only] = log.as_slice()
            && only.stamps.is_none()
        {
            let patience = self.patience.clone();
            let open = Open {
                path: only.path.clone(),
                source: self.watched(&only.file, &patience),
            };
            return self.end_of(&open, Some(UNDATED.to_owned()));
        }
        let mut ask = Ask::of(window);
        let mut most = 0;
        for learnt in &mut log {
            most += self.locate(learnt, &ask)?;
        }
        if !self.expects(most) {
            return Ok(None);
        }
        let matching = self.wanted.matching.as_ref();
        let room = self.shared.budget.take(most.min(self.wanted.limit));
        let mut artifact = self.shared.keep.begin()?;
        let mut sift = Sift::new(&mut *artifact, matching, room);
        let (mut files, mut dropped, mut lacking) = (Vec::new(), 0, None);
        for learnt in &mut log {
            // Where lines are matched it is those that have to find room, else the search ends when there is none.
            ask.limit = matching
                .is_none()
                .then(|| room.saturating_sub(sift.bytes()));
            match self.copy(learnt, &ask, &mut sift) {
                Ok(report) => {
                    dropped += left_out(&report);
                    also(&mut lacking, &learnt.path, lacks(&report));
                    files.push(file(&learnt.path, &report));
                }
                Err(error) => also(&mut lacking, &learnt.path, Some(error.to_string())),
            }
        }
        let told = sift.end()?;
        self.shared.budget.give_back(room - told.bytes.min(room));
        let problem = lacking.as_ref().map(|why| format!("{}:{why}", host.name()));
        self.problems.extend(problem);
        if told.bytes == 0 && lacking.is_some() {
            return Ok(None);
        }
        let mut pulled = self.pulled(base, told, started);
        pulled.window = Some(window);
        pulled.files = files;
        pulled.dropped += dropped;
        pulled.incomplete = lacking;
        Ok(Some((artifact, pulled)))
    }

    /// How much it would be, at most.
    fn locate(&self, learnt: &mut Learnt, ask: &Ask) -> io::Result<u64> {
        if learnt.packing.is_some() {
            // What is packed is larger than it looks.
            return Ok(learnt.file.size()?.saturating_mul(10));
        }
        let Some(stamps) = &learnt.stamps else {
            return Ok(0);
        };
        let clock = |line: &[u8]| stamps.of(line);
        let text = Text {
            encoding: learnt.encoding,
            clock: &clock,
        };
        let source = self.watched(&learnt.file, &self.patience);
        let located = window::locate(&source, text, ask)?;
        let most = located.estimate().1;
        learnt.located = Some(located);
        Ok(most)
    }

    fn copy(&self, learnt: &mut Learnt, ask: &Ask, sift: &mut Sift<'_>) -> io::Result<Report> {
        let Some(stamps) = &learnt.stamps else {
            return Err(io::Error::other(UNDATED));
        };
        let clock = |line: &[u8]| stamps.of(line);
        let text = Text {
            encoding: learnt.encoding,
            clock: &clock,
        };
        let source = self.watched(&learnt.file, &self.patience);
        if let Some(located) = learnt.located.take() {
            let reading = Reading {
                block: BLOCK,
                ..Reading::of(&source)
            };
            let ask = Ask {
                reading: Some(reading),
                ..*ask
            };
            return window::copy(&source, text, &ask, located, sift);
        }
        let packing = learnt.packing.ok_or(io::ErrorKind::Unsupported)?;
        let mut unpacked = packing.unpack(Bytes::of(&source))?;
        match packed::window(&mut unpacked, text, ask, false, sift)? {
            Streamed::Done(report) => Ok(*report),
            Streamed::Unordered => Err(io::Error::other("it is packed, and out of order")),
        }
    }
}

/// The files a pattern names. A path of its own is taken at its word.
fn found(host: &Host, pattern: &str) -> io::Result<Vec<FarPath>> {
    if !is_pattern(pattern) {
        return Ok(vec![FarPath {
            path: pattern.as_bytes().to_vec(),
            size: None,
            mtime: None,
        }]);
    }
    let found = host.find(pattern)?;
    if found.len() > MOST_FILES {
        return Err(io::Error::other(format!("more than {MOST_FILES} files")));
    }
    Ok(found)
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn member(found: &FarPath) -> Member {
    let path = PathBuf::from(String::from_utf8_lossy(&found.path).into_owned());
    Member {
        turn: Turn::of(&name(&path)),
        path,
        // Of what tells no time nothing can be left out.
        written: found.mtime.map_or(Stamp(i64::MAX), seconds),
        bytes: found.size.unwrap_or(0),
        identity: (0, 0),
    }
}

fn seconds(seconds: u32) -> Stamp {
    Stamp(i64::from(seconds) * 1_000_000_000)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn sample(source: &dyn Source) -> io::Result<Vec<u8>> {
    let mut places = vec![(0, SAMPLE)];
    let apart = source.size()? / 3;
    if apart > SAMPLE as u64 {
        // From even places on, for the sake of encodings with characters of two bytes.
        places.extend([1, 2].map(|n| ((n * apart) & !1, SAMPLE / 2)));
    }
    // What begins in the middle of a line begins with the next one.
    let mut all = Vec::new();
    for (n, part) in source.read_many(&places)?.into_iter().enumerate() {
        let from = match n {
            0 => 0,
            _ => memchr::memchr(b'\n', &part).map_or(part.len(), |at| at + 1),
        };
        all.extend_from_slice(&part[from..]);
    }
    Ok(all)
}
