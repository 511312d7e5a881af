//! The files of one log: `app.log`, `app.log.1`, `app.log.2.gz`, `app.log-20260817.zst`, `app-2026-08-17.log` in the order
//! of their time, told by their names. Knows nothing of what is in them.

use std::cmp::Ordering;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::packed::Packing;
use super::stamp::Stamp;

/// So many entries of a folder are looked at, and so many files of a set or pattern are taken.
const MOST_ENTRIES: usize = 100_000;
/// See [`MOST_ENTRIES`].
pub const MOST_FILES: usize = 4096;

/// Nanoseconds by which a file may have been written to earlier than its last line says: lines a little out of order, and
/// file systems and packers that keep whole or even seconds only.
const COARSE: i64 = 32_000_000_000;

/// `app.log-20260817`, `app.log.2026-08-17_14`, `app.log.3`, `app.log-20260817.2`.
static BEHIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?<base>.+?)(?:[-._](?<date>(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[-_T]?\d[\d:-]*)?))?(?:\.(?<age>\d{1,5}))?$",
    )
    .ok()
});

/// `app-2026-08-17.log`, `app.20260817.2.log`.
static WITHIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?<stem>.+?)[-._](?<date>(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[-_T]\d[\d:-]*)?)(?:[-._](?<age>\d{1,5}))?(?<ending>\.[A-Za-z][A-Za-z0-9]{0,7})$",
    )
    .ok()
});

/// Where a name stands among those of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The name of the log that is still written to.
    pub base: String,
    /// The digits of a date.
    date: Option<String>,
    age: Option<u32>,
    packing: Option<Packing>,
}

impl Turn {
    /// By the name of a file.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let packing = Packing::named(name);
        let plain = match packing {
            Some(packing) => &name[..name.len() - packing.ending().len() - 1],
            None => name,
        };
        let part = |found: &regex::Captures<'_>, part: &str| {
            found.name(part).map(|part| part.as_str().to_owned())
        };
        let within = WITHIN.as_ref().and_then(|regex| regex.captures(plain));
        let behind = BEHIND.as_ref().and_then(|regex| regex.captures(plain));
        let (base, found) = match (within, behind) {
            (Some(found), _) => (
                format!("{}{}", &found["stem"], &found["ending"]),
                Some(found),
            ),
            (None, Some(found)) => (found["base"].to_owned(), Some(found)),
            (None, None) => (plain.to_owned(), None),
        };
        let date = found.as_ref().and_then(|found| part(found, "date"));
        let date = date.map(|date| date.chars().filter(char::is_ascii_digit).collect());
        let age = found.as_ref().and_then(|found| part(found, "age"));
        Self {
            base,
            date,
            age: age.and_then(|age| age.parse().ok()),
            packing,
        }
    }

    /// Whether this is the file that is still written to.
    #[must_use]
    pub fn is_base(&self) -> bool {
        self.date.is_none() && self.age.is_none() && self.packing.is_none()
    }

    /// Older first; by name where names tell, else not at all.
    fn order(&self, other: &Self) -> Option<Ordering> {
        if self.is_base() || other.is_base() {
            return Some(self.is_base().cmp(&other.is_base()));
        }
        match (&self.date, &other.date) {
            (Some(one), Some(two)) => Some(one.cmp(two).then(self.age.cmp(&other.age))),
            (None, None) => Some(other.age.cmp(&self.age)),
            _ => None,
        }
    }
}

/// A file of a log as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Member {
    pub path: PathBuf,
    pub turn: Turn,
    /// When it was last written to; none of its lines is younger.
    pub written: Stamp,
    pub bytes: u64,
    /// Device and inode: whether it is still the same when it is opened.
    pub identity: (u64, u64),
}

impl Member {
    /// Looks at one file.
    ///
    /// # Errors
    /// When it is not there.
    pub fn of(path: &Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            path: path.to_owned(),
            turn: Turn::of(&name),
            written: written(&meta),
            bytes: meta.len(),
            identity: identity(&meta),
        })
    }
}

/// When a file was last written to.
#[must_use]
pub fn written(meta: &Metadata) -> Stamp {
    let nanos = meta.mtime().saturating_mul(1_000_000_000);
    Stamp(nanos.saturating_add(meta.mtime_nsec()))
}

/// Which file it is, whatever its name.
#[must_use]
pub fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// All files of the log whose file in use is `path`, oldest first, itself last if it is there.
///
/// # Errors
/// When the folder cannot be read, or nothing of that log is there.
pub fn siblings(path: &Path) -> io::Result<Vec<Member>> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut members = Vec::new();
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")));
    for entry in entries.into_iter().flatten().flatten().take(MOST_ENTRIES) {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        let turn = Turn::of(&other);
        // `app.log.gz` beside `app.log` is the same once more, not older.
        let rotated = turn.date.is_some() || turn.age.is_some();
        if other != name && turn.base == name && rotated {
            let path = match folder {
                Some(folder) => folder.join(entry.file_name()),
                None => PathBuf::from(entry.file_name()),
            };
            members.extend(Member::of(&path).ok().filter(|_| path.is_file()));
        }
    }
    match Member::of(path) {
        Ok(member) => members.push(member),
        Err(error) if members.is_empty() => return Err(error),
        Err(_) => {}
    }
    Ok(in_order(members))
}

/// Oldest first, and of a file and its packed twin (it is being packed right now) the file alone.
#[must_use]
pub fn in_order(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by(|one, two| one.path.cmp(&two.path));
    let names_tell = members.iter().all(|one| {
        members
            .iter()
            .all(|two| one.turn.order(&two.turn).is_some())
    });
    if names_tell {
        members.sort_by(|one, two| one.turn.order(&two.turn).unwrap_or(Ordering::Equal));
    } else {
        members.sort_by_key(|member| (member.turn.is_base(), member.written));
    }
    let twin = |one: &Turn, two: &Turn| {
        (&one.base, &one.date, one.age) == (&two.base, &two.date, two.age)
            && !(one.date.is_none() && one.age.is_none())
    };
    let plain: Vec<_> = members
        .iter()
        .filter(|member| member.turn.packing.is_none())
        .map(|member| member.turn.clone())
        .collect();
    members.retain(|member| {
        member.turn.packing.is_none() || !plain.iter().any(|plain| twin(plain, &member.turn))
    });
    members.truncate(MOST_FILES);
    members
}

/// Of the files of a log, oldest first, those that may hold lines written since a moment; at least the last.
#[must_use]
pub fn since(members: Vec<Member>, from: Stamp) -> Vec<Member> {
    let old = |member: &Member| member.written.0.saturating_add(COARSE) < from.0;
    let last = members.len().saturating_sub(1);
    let start = members.iter().rposition(old).map_or(0, |at| at + 1);
    members.into_iter().skip(start.min(last)).collect()
}

/// Paths and patterns, as logs: files of one log are together, each log's oldest first. Where the file in use of a log
/// is named, its siblings belong to it unless it is to stand `alone`.
///
/// # Errors
/// In words, with the first that is not there.
pub fn logs(named: &[String], alone: bool) -> Result<Vec<Vec<Member>>, String> {
    let mut logs: Vec<(PathBuf, Vec<Member>)> = Vec::new();
    for path in named
        .iter()
        .map(|name| paths(name))
        .collect::<Result<Vec<_>, _>>()?
        .concat()
    {
        let fail = |error: io::Error| format!("{}: {error}", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let turn = Turn::of(&name);
        let found = if turn.is_base() && !alone {
            siblings(&path).map_err(fail)?
        } else {
            vec![Member::of(&path).map_err(fail)?]
        };
        let base = path.with_file_name(&turn.base);
        match logs.iter_mut().find(|(other, _)| *other == base) {
            Some((_, members)) => members.extend(found),
            None => logs.push((base, found)),
        }
    }
    for (_, members) in &mut logs {
        members.sort_by(|one, two| one.path.cmp(&two.path));
        members.dedup_by(|one, two| one.path == two.path);
        *members = in_order(std::mem::take(members));
    }
    Ok(logs.into_iter().map(|(_, members)| members).collect())
}

/// The files a path or pattern names, in order of their names. A name that is there is no pattern.
fn paths(named: &str) -> Result<Vec<PathBuf>, String> {
    let path = PathBuf::from(named);
    if !named.contains(['*', '?', '[']) || path.symlink_metadata().is_ok() {
        return Ok(vec![path]);
    }
    let found = glob::glob(named).map_err(|error| format!("{named}: {error}"))?;
    let files = found.filter_map(Result::ok).filter(|path| path.is_file());
    let mut found: Vec<_> = files.take(MOST_FILES + 1).collect();
    if found.is_empty() {
        return Err(format!("{named}: no such file"));
    }
    if found.len() > MOST_FILES {
        return Err(format!("{named}: more than {MOST_FILES} files"));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(name: &str) -> (String, Option<String>, Option<u32>) {
        let turn = Turn::of(name);
        (turn.base, turn.date, turn.age)
    }

    #[test]
    fn names_tell_whose_turn_it_was() {
        let of =
            |base: &str, date: Option<&str>, age| (base.to_owned(), date.map(str::to_owned), age);
        for (name, expected) in [
            ("app.log", of("app.log", None, None)),
            ("app.log.1", of("app.log", None, Some(1))),
            ("app.log.12.gz", of("app.log", None, Some(12))),
            ("app.log-20260817.gz", of("app.log", Some("20260817"), None)),
            (
                "app.log-20260817-1755400000.xz",
                of("app.log", Some("202608171755400000"), None),
            ),
            (
                "app.log.2026-08-17_14",
                of("app.log", Some("2026081714"), None),
            ),
            (
                "app.log.2026-08-17.2.zst",
                of("app.log", Some("20260817"), Some(2)),
            ),
            (
                "app-2026-08-17.log.bz2",
                of("app.log", Some("20260817"), None),
            ),
            (
                "app.2026-08-17.3.log",
                of("app.log", Some("20260817"), Some(3)),
            ),
            ("syslog", of("syslog", None, None)),
            ("syslog.1", of("syslog", None, Some(1))),
            ("app.log.gz", of("app.log", None, None)),
            ("v1.2", of("v1", None, Some(2))),
            (".1", of(".1", None, None)),
        ] {
            assert_eq!(turn(name), expected, "{name}");
        }
        assert!(Turn::of("app.log").is_base());
        assert!(!Turn::of("app.log.gz").is_base());
    }

    fn listed(dir: &Path, names: &[&str]) -> Vec<String> {
        let names: Vec<_> = names
            .iter()
            .map(|name| format!("{}/{name}", dir.display()))
            .collect();
        let logs = logs(&names, false).unwrap();
        let shown = |members: Vec<Member>| {
            let names = members
                .iter()
                .map(|member| member.path.file_name().unwrap().to_str().unwrap());
            names.collect::<Vec<_>>().join(" ")
        };
        logs.into_iter().map(shown).collect()
    }

    #[test]
    fn the_files_of_one_log_are_in_the_order_of_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "app.log",
            "app.log.1",
            "app.log.2.gz",
            "app.log.10.zst",
            "app.log.1.gz",
            "other.log",
            "app.logger",
            "app.log.gz",
            "web.log",
            "web.log-20260817.gz",
            "web.log-20260816",
            "app.log.d",
        ];
        for name in names {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(dir.path().join("app.log.3")).unwrap();
        assert_eq!(
            listed(dir.path(), &["app.log"]),
            ["app.log.10.zst app.log.2.gz app.log.1 app.log"]
        );
        assert_eq!(
            listed(dir.path(), &["web.log*", "app.log.2.gz", "app.log.1"]),
            [
                "web.log-20260816 web.log-20260817.gz web.log",
                "app.log.2.gz app.log.1"
            ]
        );
        assert_eq!(
            listed(dir.path(), &["*.log"]),
            [
                "app.log.10.zst app.log.2.gz app.log.1 app.log",
                "other.log",
                "web.log-20260816 web.log-20260817.gz web.log"
            ]
        );
        let all = logs(&[format!("{}/app.log", dir.path().display())], false).unwrap();
        let written = all[0][3].written;
        assert_eq!(since(all[0].clone(), written).len(), 4);
        let later = Stamp(written.0 + 3_600_000_000_000);
        assert_eq!(since(all[0].clone(), later), all[0][3..]);
        let alone = logs(&[format!("{}/app.log", dir.path().display())], true).unwrap();
        assert_eq!(alone[0].len(), 1);
        assert!(
            logs(&[format!("{}/none*", dir.path().display())], false)
                .unwrap_err()
                .contains("no such file")
        );
    }
}
