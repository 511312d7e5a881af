//! The bytes of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as reading files needs them. Pure. What a server
//! sends is taken for hostile: every length is checked against what is there, and nothing is made room for on its word.

use std::fmt;

/// The longest packet that is taken from a server: as much as OpenSSH ever sends.
pub const LONGEST: usize = 256 << 10;

/// A handle is at most this long, by the draft.
const LONGEST_HANDLE: usize = 256;

const INIT: u8 = 1;
const VERSION: u8 = 2;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const FSTAT: u8 = 8;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const STAT: u8 = 17;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

/// A question to the server; each is sent with a number of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Ask<'a> {
    Open(&'a [u8]),
    Read { handle: &'a [u8], at: u64, len: u32 },
    Fstat(&'a [u8]),
    Stat(&'a [u8]),
    OpenDir(&'a [u8]),
    ReadDir(&'a [u8]),
    Close(&'a [u8]),
}

/// An answer, without its number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Answer {
    Status(Status),
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<Entry>),
    Attrs(Attrs),
}

/// How something went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// 0 well, 1 at the end, 2 not there, 3 not allowed; more are failures.
    pub code: u32,
    /// In the server's words; raw.
    pub words: Vec<u8>,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Entry {
    pub name: Vec<u8>,
    pub attrs: Attrs,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attrs {
    /// Bytes.
    pub size: Option<u64>,
    /// The kind of file and its permissions, as in `st_mode`.
    pub mode: Option<u32>,
    /// When it was last written: seconds since 1970.
    pub mtime: Option<u32>,
}

impl Attrs {
    /// Whether this is known to be something else than a plain file.
    #[must_use]
    pub fn is_no_file(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o170_000 != 0o100_000)
    }

    /// Whether this may be a folder; a link may lead to one.
    #[must_use]
    pub fn may_be_folder(&self) -> bool {
        self.mode
            .is_none_or(|mode| matches!(mode & 0o170_000, 0o040_000 | 0o120_000))
    }
}

/// Bytes that no server of this protocol sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not SFTP: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// The first packet to send.
#[must_use]
pub fn hello() -> Vec<u8> {
    let mut out = Vec::new();
    framed(&mut out, INIT, |out| number(out, 3));
    out
}

/// Puts a question behind what is to be sent.
pub fn ask(out: &mut Vec<u8>, id: u32, ask: &Ask<'_>) {
    match ask {
        Ask::Open(path) => framed(out, OPEN, |out| {
            number(out, id);
            text(out, path);
            // For reading; with no attributes.
            number(out, 1);
            number(out, 0);
        }),
        Ask::Read { handle, at, len } => framed(out, READ, |out| {
            number(out, id);
            text(out, handle);
            out.extend_from_slice(&at.to_be_bytes());
            number(out, *len);
        }),
        Ask::Fstat(bytes) => named(out, FSTAT, id, bytes),
        Ask::Stat(bytes) => named(out, STAT, id, bytes),
        Ask::OpenDir(bytes) => named(out, OPENDIR, id, bytes),
        Ask::ReadDir(bytes) => named(out, READDIR, id, bytes),
        Ask::Close(bytes) => named(out, CLOSE, id, bytes),
    }
}

fn named(out: &mut Vec<u8>, kind: u8, id: u32, bytes: &[u8]) {
    framed(out, kind, |out| {
        number(out, id);
        text(out, bytes);
    });
}

fn framed(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    body(out);
    // A path is bounded by whoever names it: no packet of ours comes near four gigabytes.
    let len = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

fn number(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

/// The first packet in these bytes and how many they are; `None` while it is not whole.
///
/// # Errors
/// When its length is none.
pub fn packet(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Malformed> {
    let Some(head) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let len = u32::from_be_bytes(*head) as usize;
    if !(1..=LONGEST).contains(&len) {
        return Err(Malformed("a packet of impossible length"));
    }
    Ok(bytes.get(4..4 + len).map(|packet| (packet, 4 + len)))
}

/// Reads the server's greeting: its version.
///
/// # Errors
/// When it is none.
pub fn greeting(packet: &[u8]) -> Result<u32, Malformed> {
    let mut rest = Rest(packet);
    if rest.byte()? != VERSION {
        return Err(Malformed("no greeting"));
    }
    rest.number()
}

/// Reads an answer and the number of the question it answers.
///
/// # Errors
/// When it is none.
pub fn answer(packet: &[u8]) -> Result<(u32, Answer), Malformed> {
    let mut rest = Rest(packet);
    let kind = rest.byte()?;
    let id = rest.number()?;
    let answer = match kind {
        STATUS => Answer::Status(Status {
            code: rest.number()?,
            // Servers that leave the words out exist.
            words: rest.text().map(<[u8]>::to_vec).unwrap_or_default(),
        }),
        HANDLE => {
            let handle = rest.text()?;
            if handle.len() > LONGEST_HANDLE {
                return Err(Malformed("a handle that is too long"));
            }
            Answer::Handle(handle.to_vec())
        }
        DATA => Answer::Data(rest.text()?.to_vec()),
        NAME => Answer::Names(names(&mut rest)?),
        ATTRS => Answer::Attrs(attrs(&mut rest)?),
        _ => return Err(Malformed("an answer of no known kind")),
    };
    Ok((id, answer))
}

fn names(rest: &mut Rest<'_>) -> Result<Vec<Entry>, Malformed> {
    let count = rest.number()?;
    let mut names = Vec::new();
    for _ in 0..count {
        let name = rest.text()?.to_vec();
        rest.text()?;
        names.push(Entry {
            name,
            attrs: attrs(rest)?,
        });
    }
    Ok(names)
}

fn attrs(rest: &mut Rest<'_>) -> Result<Attrs, Malformed> {
    let flags = rest.number()?;
    let mut attrs = Attrs::default();
    if flags & 1 != 0 {
        attrs.size = Some(rest.long()?);
    }
    if flags & 2 != 0 {
        rest.long()?;
    }
    if flags & 4 != 0 {
        attrs.mode = Some(rest.number()?);
    }
    if flags & 8 != 0 {
        rest.number()?;
        attrs.mtime = Some(rest.number()?);
    }
    if flags & 0x8000_0000 != 0 {
        for _ in 0..rest.number()? {
            rest.text()?;
            rest.text()?;
        }
    }
    Ok(attrs)
}

/// What is not read yet of a packet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(Malformed("a packet that ends too soon"))?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        let bytes = self.take(4)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn long(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from(self.number()?) << 32 | u64::from(self.number()?))
    }

    fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.number()? as usize;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn questions_have_the_bytes_of_the_draft() {
        assert_eq!(hello(), [0, 0, 0, 5, 1, 0, 0, 0, 3]);
        let mut out = Vec::new();
        ask(&mut out, 7, &Ask::Open(b"/a"));
        assert_eq!(
            out,
            [
                0, 0, 0, 19, 3, 0, 0, 0, 7, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, 1, 0, 0, 0, 0
            ]
        );
        let mut out = Vec::new();
        let read = Ask::Read {
            handle: b"h",
            at: 1 << 32,
            len: 9,
        };
        ask(&mut out, 8, &read);
        assert_eq!(
            out,
            [
                0, 0, 0, 22, 5, 0, 0, 0, 8, 0, 0, 0, 1, b'h', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9
            ]
        );
    }

    #[test]
    fn answers_are_read_with_what_they_leave_out() {
        let status = [101, 0, 0, 0, 1, 0, 0, 0, 2];
        let expected = Status {
            code: 2,
            words: Vec::new(),
        };
        assert_eq!(answer(&status), Ok((1, Answer::Status(expected))));
        let attrs = [
            105, 0, 0, 0, 1, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 129, 164, 0, 0, 0, 1, 0, 0,
            0, 2,
        ];
        let expected = Attrs {
            size: Some(256),
            mode: Some(0o100_644),
            mtime: Some(2),
        };
        assert_eq!(answer(&attrs), Ok((1, Answer::Attrs(expected))));
        assert!(!expected.is_no_file());
    }

    #[test]
    fn a_count_or_length_that_lies_is_refused() {
        let mut names = vec![104, 0, 0, 0, 1];
        names.extend_from_slice(&u32::MAX.to_be_bytes());
        assert!(answer(&names).is_err());
        assert!(packet(&[0xff; 8]).is_err());
        assert!(packet(&[0; 8]).is_err());
        assert_eq!(packet(&[0, 0, 0, 9, 1]), Ok(None));
        let mut handle = vec![102, 0, 0, 0, 1, 0, 0, 1, 1];
        handle.extend_from_slice(&[0; 257]);
        assert!(answer(&handle).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0u8..=110, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = packet(&bytes);
            let _ = greeting(&bytes);
            let mut packet = vec![kind];
            packet.extend_from_slice(&bytes);
            let _ = answer(&packet);
        }
    }
}
