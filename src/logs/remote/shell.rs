//! Reading files of a host that has no SFTP server, with nothing but a POSIX shell, `dd`, `head`, `wc` and `ls`: the
//! same questions, asked of one `sh` that reads them from its standard input. Every answer has a length that is known
//! beforehand, so no byte of a file is taken for an answer. Tells the host's clock too.

use std::io;

use crate::host::talk::Link;

/// Lines that a login prints before the shell is there are skipped up to so much.
const NOISE: usize = 64 << 10;
/// The longest line that is an answer.
const LONGEST_LINE: usize = 4 << 10;
/// The most bytes of names.
const MOST_NAMES: usize = 4 << 20;
/// Blocks that `dd` reads: it seeks to whole ones.
const BLOCK: u64 = 4096;
const BIG_BLOCK: u64 = 64 << 10;

const READY: &str = "runsheet-ready";

/// The shell.
pub struct Shell {
    link: Box<dyn Link>,
    out: Vec<u8>,
    into: Vec<u8>,
    came: u64,
    over: Option<String>,
}

/// A file as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Seen {
    pub size: u64,
    pub mtime: Option<u32>,
    pub inode: u64,
}

impl Shell {
    /// Waits until the shell answers.
    ///
    /// # Errors
    /// When none does; the link comes back, to be asked why.
    pub fn begin(link: Box<dyn Link>) -> Result<Self, (io::Error, Box<dyn Link>)> {
        let mut shell = Self {
            link,
            out: Vec::new(),
            into: Vec::new(),
            came: 0,
            over: None,
        };
        shell.say(&format!("LC_ALL=C; export LC_ALL; echo; echo {READY}\n"));
        match shell.ready() {
            Ok(()) => Ok(shell),
            Err(error) => Err((error, shell.link)),
        }
    }

    fn ready(&mut self) -> io::Result<()> {
        let mut noise = 0;
        loop {
            let line = self.line()?;
            if line == READY.as_bytes() {
                return Ok(());
            }
            noise += line.len() + 1;
            if noise > NOISE {
                return Err(self.end(unlike("a login that never stops printing")));
            }
        }
    }

    /// Bytes that came so far.
    #[must_use]
    pub fn came(&self) -> u64 {
        self.came
    }

    /// What is known of a plain file.
    ///
    /// # Errors
    /// When it is not there, not allowed or no plain file.
    pub fn stat(&mut self, path: &[u8]) -> io::Result<Seen> {
        self.name(path)?;
        self.say(
            "if [ ! -e \"$f\" ]; then echo gone; elif [ ! -f \"$f\" ]; then echo other; \
             elif [ ! -r \"$f\" ]; then echo closed; else echo file; \
             m=`stat -c %Y \"$f\" 2>/dev/null || stat -f %m \"$f\" 2>/dev/null`; echo \"${m:--}\"; ",
        );
        self.say(TAIL);
        self.say("fi\n");
        let refuse = |kind, why| Err(io::Error::new(kind, why));
        match self.line()?.as_slice() {
            b"file" => {}
            b"gone" => return refuse(io::ErrorKind::NotFound, "no such file"),
            b"closed" => return refuse(io::ErrorKind::PermissionDenied, "permission denied"),
            b"other" => return refuse(io::ErrorKind::InvalidInput, "not a plain file"),
            _ => return Err(self.end(unlike("what a file is"))),
        }
        let mtime = self.line()?;
        let mtime = std::str::from_utf8(&mtime)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let (size, inode) = self.tail()?;
        Ok(Seen { size, mtime, inode })
    }

    /// The plain files that a pattern names.
    ///
    /// # Errors
    /// When the pattern cannot be written for a shell, or there are far too many.
    pub fn find(&mut self, pattern: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let pattern = globbing(pattern).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "this pattern cannot be used there",
            )
        })?;
        self.say("for f in ");
        self.out.extend_from_slice(&pattern);
        self.say("; do [ -f \"$f\" ] && printf '%s\\000' \"$f\"; done; printf '\\000'\n");
        let (mut names, mut bytes) = (Vec::new(), 0);
        loop {
            let name = self.until(0, LONGEST_LINE)?;
            if name.is_empty() {
                return Ok(names);
            }
            bytes += name.len();
            if bytes > MOST_NAMES {
                return Err(self.end(unlike("so many names")));
            }
            names.push(name);
        }
    }

    /// Reads several places of a file that was seen before; how much of each there was.
    ///
    /// # Errors
    /// When it is another file now, or cannot be read.
    pub fn read(
        &mut self,
        path: &[u8],
        seen: Seen,
        places: &mut [(u64, &mut [u8])],
    ) -> io::Result<Vec<usize>> {
        self.name(path)?;
        let mut parts = Vec::new();
        for (at, buf) in places.iter() {
            let len = seen.size.saturating_sub(*at).min(buf.len() as u64);
            let block = if len > BIG_BLOCK { BIG_BLOCK } else { BLOCK };
            let (skip, end) = (at / block, (at + len).div_ceil(block));
            let bytes = if len == 0 { 0 } else { (end - skip) * block };
            if bytes > 0 {
                // Filled up, so that the length is known whatever becomes of the file; what is true of it comes last.
                self.say(&format!(
                    "{{ dd if=\"$f\" bs={block} skip={skip} count={} 2>/dev/null; head -c {bytes} /dev/zero; }} | head -c {bytes}; ",
                    end - skip
                ));
            }
            parts.push((at - skip * block, len, bytes));
        }
        self.say(TAIL);
        self.say("\n");
        let mut lens = Vec::new();
        for ((_, buf), (before, len, bytes)) in places.iter_mut().zip(&parts) {
            let got = self.bytes(usize::try_from(*bytes).unwrap_or(usize::MAX))?;
            let (before, len) = (*before as usize, *len as usize);
            if let Some(part) = got.get(before..before + len) {
                buf[..len].copy_from_slice(part);
            }
            lens.push(if got.is_empty() { 0 } else { len });
        }
        let (size, inode) = self.tail()?;
        if inode != seen.inode {
            return Err(io::Error::other("it was rotated while it was read"));
        }
        for (len, (at, _)) in lens.iter_mut().zip(places.iter()) {
            let there = size.saturating_sub(*at);
            *len = (*len).min(usize::try_from(there).unwrap_or(usize::MAX));
        }
        Ok(lens)
    }

    /// What the host's clock says, as `date` prints it: seconds, and what follows them.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn date(&mut self) -> io::Result<Vec<u8>> {
        self.say("date +%s.%N\n");
        self.line()
    }

    /// Says which file is meant from here on.
    fn name(&mut self, path: &[u8]) -> io::Result<()> {
        if path.is_empty() || path.contains(&0) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no path"));
        }
        self.say("f=");
        // A path that begins with a dash would be an option of `ls`.
        if path.starts_with(b"-") {
            self.say("./");
        }
        let quoted = quoted(path);
        self.out.extend_from_slice(&quoted);
        self.say("; ");
        Ok(())
    }

    fn say(&mut self, words: &str) {
        self.out.extend_from_slice(words.as_bytes());
    }

    /// The two numbers that [`TAIL`] prints.
    fn tail(&mut self) -> io::Result<(u64, u64)> {
        let line = self.line()?;
        let text = String::from_utf8_lossy(&line).into_owned();
        let mut words = text.split_whitespace().map(str::parse::<u64>);
        match (words.next(), words.next()) {
            (Some(Ok(size)), Some(Ok(inode))) => Ok((size, inode)),
            _ => Err(io::Error::other("it cannot be read any more")),
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        self.until(b'\n', LONGEST_LINE)
    }

    fn until(&mut self, end: u8, most: usize) -> io::Result<Vec<u8>> {
        let mut looked = 0;
        loop {
            if let Some(at) = self.into[looked..].iter().position(|byte| *byte == end) {
                let mut line: Vec<u8> = self.into.drain(..=looked + at).collect();
                line.pop();
                return Ok(line);
            }
            looked = self.into.len();
            if looked > most {
                return Err(self.end(unlike("so long an answer")));
            }
            self.more()?;
        }
    }

    fn bytes(&mut self, len: usize) -> io::Result<Vec<u8>> {
        while self.into.len() < len {
            self.more()?;
        }
        let rest = self.into.split_off(len);
        Ok(std::mem::replace(&mut self.into, rest))
    }

    fn more(&mut self) -> io::Result<()> {
        if let Some(why) = &self.over {
            return Err(io::Error::other(why.clone()));
        }
        let before = self.into.len();
        if let Err(error) = self.link.exchange(&mut self.out, &mut self.into) {
            return Err(self.end(error));
        }
        self.came += (self.into.len() - before) as u64;
        Ok(())
    }

    fn end(&mut self, error: io::Error) -> io::Error {
        self.over.get_or_insert_with(|| error.to_string());
        error
    }
}

/// Prints the size and the inode of the file that is meant.
const TAIL: &str =
    "s=`wc -c < \"$f\"`; i=`ls -Li \"$f\"`; i=${i##${i%%[0-9]*}}; echo $s ${i%%[!0-9]*}; ";

fn unlike(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the shell there answers nothing that can be read: {what}"),
    )
}

/// In single quotes, in which nothing has a meaning.
#[must_use]
pub fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for byte in text {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            other => out.push(*other),
        }
    }
    out.push(b'\'');
    out
}

/// A pattern for a shell, in which `*`, `?` and `[…]` alone have a meaning; `None` where that cannot be.
fn globbing(pattern: &[u8]) -> Option<Vec<u8>> {
    if pattern.is_empty() || pattern.contains(&0) {
        return None;
    }
    let mut out = Vec::new();
    if pattern.starts_with(b"-") {
        out.extend_from_slice(b"./");
    }
    let mut rest = pattern;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'*' | b'?' => out.push(byte),
            b'[' => {
                let negated = after.strip_prefix(b"!");
                let inside = negated.unwrap_or(after);
                // The first character of a class may be its own end.
                let end = 1 + inside.get(1..)?.iter().position(|byte| *byte == b']')?;
                let class = &inside[..end];
                out.extend_from_slice(if negated.is_some() { b"[!" } else { b"[" });
                for byte in class {
                    match byte {
                        b'-' => out.push(b'-'),
                        other => out.extend(quoted(&[*other])),
                    }
                }
                out.push(b']');
                rest = &inside[end + 1..];
            }
            other => out.extend(quoted(&[other])),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::host::talk::{Patience, Talk};

    fn began(command: Command, patience: Patience) -> Shell {
        let talk = Talk::start(command, patience).unwrap();
        Shell::begin(Box::new(talk)).ok().unwrap()
    }

    fn here() -> Shell {
        let patience = Patience::new(Duration::from_secs(20), Duration::from_secs(60));
        began(Command::new("sh"), patience)
    }

    #[test]
    fn a_file_with_any_name_is_read_at_any_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("it's $(a) \"log\"\n*");
        let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let path = path.to_str().unwrap().as_bytes();
        let mut shell = here();
        let seen = shell.stat(path).unwrap();
        assert_eq!(seen.size, 300_000);
        assert!(seen.mtime.is_some_and(|time| time > 1_700_000_000));
        let (mut one, mut two, mut three) = (vec![0; 200_000], [0; 10], [0; 3]);
        let mut places = [
            (150_001, &mut one[..]),
            (4095, &mut two[..]),
            (u64::MAX - 1, &mut three[..]),
        ];
        let lens = shell.read(path, seen, &mut places).unwrap();
        assert_eq!(lens, [149_999, 10, 0]);
        assert_eq!(two, bytes[4095..4105]);
        assert!(one[..149_999] == bytes[150_001..]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().as_bytes().to_vec();
        let mut shell = here();
        assert_eq!(
            shell.stat(&at("none")).unwrap_err().to_string(),
            "no such file"
        );
        assert_eq!(
            shell.stat(&at("")).unwrap_err().to_string(),
            "not a plain file"
        );
        std::fs::write(dir.path().join("log"), "0123456789").unwrap();
        let seen = shell.stat(&at("log")).unwrap();
        std::fs::write(dir.path().join("log"), "0123").unwrap();
        let mut buf = [0; 8];
        let lens = shell.read(&at("log"), seen, &mut [(0, &mut buf)]).unwrap();
        assert_eq!((lens[0], &buf[..4]), (4, &b"0123"[..]));
        std::fs::rename(dir.path().join("log"), dir.path().join("log.1")).unwrap();
        std::fs::write(dir.path().join("log"), "another").unwrap();
        let error = shell
            .read(&at("log"), seen, &mut [(0, &mut buf)])
            .unwrap_err();
        assert_eq!(error.to_string(), "it was rotated while it was read");
        assert!(shell.stat(&at("log")).is_ok(), "the shell goes on");
    }

    #[test]
    fn patterns_find_what_the_shell_would_and_run_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.log", "b.log", "c log", "d.txt"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let mut shell = here();
        let mut find = |pattern: &str| -> Vec<String> {
            let pattern = format!("{}/{pattern}", dir.path().to_str().unwrap());
            let found = shell.find(pattern.as_bytes()).unwrap();
            let names = found
                .iter()
                .map(|path| String::from_utf8_lossy(path).into_owned());
            names
                .map(|path| path.rsplit('/').next().unwrap().to_owned())
                .collect()
        };
        assert_eq!(find("*.log"), ["a.log", "b.log"]);
        assert_eq!(find("[a-b].*"), ["a.log", "b.log"]);
        assert_eq!(find("[!a-b]*"), ["c log", "d.txt"]);
        assert_eq!(find("c log"), ["c log"]);
        assert_eq!(find("$(touch x)`touch y`;touch z"), [""; 0]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
        assert!(here().find(b"/var/[a").is_err());
    }

    #[test]
    fn a_talkative_login_is_heard_out() {
        let patience = Patience::new(Duration::from_secs(20), Duration::from_secs(60));
        let mut command = Command::new("sh");
        command.args(["-c", "echo Welcome; printf 'no newline'; exec sh"]);
        let mut shell = began(command, patience);
        let date = String::from_utf8(shell.date().unwrap()).unwrap();
        assert!(date.starts_with('1'), "{date}");
    }

    struct Says(Vec<u8>);

    impl Link for Says {
        fn exchange(&mut self, out: &mut Vec<u8>, into: &mut Vec<u8>) -> io::Result<()> {
            out.clear();
            if self.0.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            into.append(&mut self.0);
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let says = || {
                let mut all = format!("\n{READY}\n").into_bytes();
                all.extend_from_slice(&bytes);
                Shell::begin(Box::new(Says(all))).ok().unwrap()
            };
            let seen = Seen { size: 1000, mtime: None, inode: 1 };
            let mut buf = [0; 100];
            let _ = says().stat(b"/x");
            let _ = says().find(b"/x*");
            let _ = says().read(b"/x", seen, &mut [(5, &mut buf)]);
            let _ = Shell::begin(Box::new(Says(bytes)));
        }
    }
}
