//! An SFTP session over whatever carries its bytes: questions go out many at once, so that a round trip is paid once and
//! not for each. The server is taken for hostile; after the first answer that cannot be, nothing more is asked of it.

use std::collections::{HashMap, VecDeque};
use std::io;

use crate::evidence::escape;
use crate::host::talk::Link;

use super::wire::{self, Answer, Ask, Attrs, Entry, Malformed, Status};

/// Bytes asked for in one question: what every server has to give at once.
const PIECE: usize = 32 << 10;
/// Questions that are out at once.
const IN_FLIGHT: usize = 64;
/// The most names a folder may have.
const MOST_NAMES: usize = 100_000;

const END: u32 = 1;
const NOT_THERE: u32 = 2;
const NOT_ALLOWED: u32 = 3;

/// The session.
pub struct Session {
    link: Box<dyn Link>,
    next: u32,
    out: Vec<u8>,
    into: Vec<u8>,
    /// How much of `into` is done with.
    taken: usize,
    /// Bytes that came, in all.
    came: u64,
    /// Handles nobody reads from any more: closed with the next questions.
    idle: Vec<Vec<u8>>,
    /// Why it is over.
    over: Option<String>,
}

/// A part of one place that is still to be read.
struct Piece {
    place: usize,
    from: usize,
    len: usize,
}

impl Session {
    /// Greets the server.
    ///
    /// # Errors
    /// When there is no SFTP server at the other end; the link comes back, to be asked why.
    pub fn begin(link: Box<dyn Link>) -> Result<Self, (io::Error, Box<dyn Link>)> {
        let mut session = Self {
            link,
            next: 0,
            out: wire::hello(),
            into: Vec::new(),
            taken: 0,
            came: 0,
            idle: Vec::new(),
            over: None,
        };
        match session.packet(wire::greeting) {
            Ok(3..) => Ok(session),
            Ok(_) => Err((Malformed("a version older than 3").into(), session.link)),
            Err(error) => Err((error, session.link)),
        }
    }

    /// Bytes that came from the server so far.
    #[must_use]
    pub fn came(&self) -> u64 {
        self.came
    }

    /// Opens a plain file for reading: its handle and what is known of it.
    ///
    /// # Errors
    /// When it is not there, not allowed, or no plain file.
    pub fn open(&mut self, path: &[u8]) -> io::Result<(Vec<u8>, Attrs)> {
        // Looked at first: opening a FIFO would wait for a writer.
        let attrs = self.stat(path)?;
        if attrs.is_no_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a plain file",
            ));
        }
        let handle = match self.one(&Ask::Open(path))? {
            Answer::Handle(handle) => handle,
            other => return Err(refused(other)),
        };
        // Of what was opened, not of what was there before.
        let attrs = match self.one(&Ask::Fstat(&handle))? {
            Answer::Attrs(now) => Attrs {
                size: now.size.or(attrs.size),
                mode: now.mode.or(attrs.mode),
                mtime: now.mtime.or(attrs.mtime),
            },
            other => return Err(refused(other)),
        };
        Ok((handle, attrs))
    }

    /// What is known of a file; links are followed.
    ///
    /// # Errors
    /// When it is not there or not allowed.
    pub fn stat(&mut self, path: &[u8]) -> io::Result<Attrs> {
        match self.one(&Ask::Stat(path))? {
            Answer::Attrs(attrs) => Ok(attrs),
            other => Err(refused(other)),
        }
    }

    /// What is known of each of these; `None` for those that cannot be looked at.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn stat_all(&mut self, paths: &[Vec<u8>]) -> io::Result<Vec<Option<Attrs>>> {
        let asks: Vec<_> = paths.iter().map(|path| Ask::Stat(path)).collect();
        let answers = self.all(&asks)?;
        Ok(answers
            .into_iter()
            .map(|answer| match answer {
                Answer::Attrs(attrs) => Some(attrs),
                _ => None,
            })
            .collect())
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// When it is not there or not allowed, or has far too many.
    pub fn list(&mut self, path: &[u8]) -> io::Result<Vec<Entry>> {
        let handle = match self.one(&Ask::OpenDir(path))? {
            Answer::Handle(handle) => handle,
            other => return Err(refused(other)),
        };
        let mut names = Vec::new();
        loop {
            match self.one(&Ask::ReadDir(&handle))? {
                Answer::Names(more) if more.is_empty() => {
                    return Err(self.end(Malformed("an empty list of names").into()));
                }
                Answer::Names(more) => names.extend(more),
                Answer::Status(status) if status.code == END => break,
                other => return Err(refused(other)),
            }
            if names.len() > MOST_NAMES {
                return Err(io::Error::other(format!("more than {MOST_NAMES} names")));
            }
        }
        self.close(handle);
        Ok(names)
    }

    /// Reads several places of an open file; how much of each there was.
    ///
    /// # Errors
    /// When the server cannot or does not answer.
    pub fn read(
        &mut self,
        handle: &[u8],
        places: &mut [(u64, &mut [u8])],
    ) -> io::Result<Vec<usize>> {
        let mut lens: Vec<usize> = places.iter().map(|(_, buf)| buf.len()).collect();
        let mut waiting: VecDeque<Piece> = VecDeque::new();
        for (place, len) in lens.iter().enumerate() {
            waiting.extend((0..*len).step_by(PIECE).map(|from| Piece {
                place,
                from,
                len: PIECE.min(len - from),
            }));
        }
        let mut asked: HashMap<u32, Piece> = HashMap::new();
        let mut failed = None;
        loop {
            while asked.len() < IN_FLIGHT && failed.is_none() {
                let Some(piece) = waiting.pop_front() else {
                    break;
                };
                if piece.from >= lens[piece.place] {
                    continue;
                }
                let at = places[piece.place].0.saturating_add(piece.from as u64);
                let len = u32::try_from(piece.len).unwrap_or(u32::MAX);
                let id = self.ask(&Ask::Read { handle, at, len });
                asked.insert(id, piece);
            }
            if asked.is_empty() {
                break;
            }
            let (id, answer) = self.packet(wire::answer)?;
            let Some(piece) = asked.remove(&id) else {
                return Err(self.end(Malformed("an answer to nothing").into()));
            };
            match answer {
                Answer::Data(data) if (1..=piece.len).contains(&data.len()) => {
                    let (from, to) = (piece.from, piece.from + data.len());
                    places[piece.place].1[from..to].copy_from_slice(&data);
                    if data.len() < piece.len {
                        waiting.push_front(Piece {
                            from: to,
                            len: piece.len - data.len(),
                            ..piece
                        });
                    }
                }
                Answer::Data(_) => {
                    return Err(self.end(Malformed("more or less data than was asked for").into()));
                }
                Answer::Status(status) if status.code == END => {
                    let len = &mut lens[piece.place];
                    *len = piece.from.min(*len);
                }
                other => failed = Some(refused(other)),
            }
        }
        failed.map_or(Ok(lens), Err)
    }

    /// Nobody reads from this handle any more.
    pub fn close(&mut self, handle: Vec<u8>) {
        self.idle.push(handle);
    }

    fn one(&mut self, ask: &Ask<'_>) -> io::Result<Answer> {
        let mut answers = self.all(std::slice::from_ref(ask))?;
        answers
            .pop()
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// One answer for each question, in their order.
    fn all(&mut self, asks: &[Ask<'_>]) -> io::Result<Vec<Answer>> {
        let idle = std::mem::take(&mut self.idle);
        let closes = idle.iter().map(|handle| Ask::Close(handle));
        let mut waiting: VecDeque<(usize, Ask<'_>)> =
            asks.iter().cloned().chain(closes).enumerate().collect();
        let mut answers: Vec<Option<Answer>> = vec![None; waiting.len()];
        let mut asked: HashMap<u32, usize> = HashMap::new();
        loop {
            while asked.len() < IN_FLIGHT {
                let Some((place, ask)) = waiting.pop_front() else {
                    break;
                };
                let id = self.ask(&ask);
                asked.insert(id, place);
            }
            if asked.is_empty() {
                break;
            }
            let (id, answer) = self.packet(wire::answer)?;
            let Some(place) = asked.remove(&id) else {
                return Err(self.end(Malformed("an answer to nothing").into()));
            };
            answers[place] = Some(answer);
        }
        answers.truncate(asks.len());
        Ok(answers.into_iter().flatten().collect())
    }

    fn ask(&mut self, ask: &Ask<'_>) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        wire::ask(&mut self.out, id, ask);
        id
    }

    /// The next packet, read by `read`.
    fn packet<T>(&mut self, read: impl Fn(&[u8]) -> Result<T, Malformed>) -> io::Result<T> {
        if let Some(why) = &self.over {
            return Err(io::Error::other(why.clone()));
        }
        loop {
            match wire::packet(&self.into[self.taken..]) {
                Ok(Some((packet, len))) => {
                    let read = read(packet);
                    self.taken += len;
                    return read.map_err(|error| self.end(error.into()));
                }
                Ok(None) => {}
                Err(error) => return Err(self.end(error.into())),
            }
            self.into.drain(..self.taken);
            self.taken = 0;
            let before = self.into.len();
            if let Err(error) = self.link.exchange(&mut self.out, &mut self.into) {
                return Err(self.end(error));
            }
            self.came += (self.into.len() - before) as u64;
        }
    }

    /// Answers may still be on their way: nothing that comes now can be told apart.
    fn end(&mut self, error: io::Error) -> io::Error {
        self.over.get_or_insert_with(|| error.to_string());
        error
    }
}

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// What an answer means that is not the one hoped for.
fn refused(answer: Answer) -> io::Error {
    let Answer::Status(Status { code, words }) = answer else {
        return Malformed("an answer to another question").into();
    };
    match code {
        NOT_THERE => io::Error::new(io::ErrorKind::NotFound, "no such file"),
        NOT_ALLOWED => io::Error::new(io::ErrorKind::PermissionDenied, "permission denied"),
        _ => {
            let words = String::from_utf8_lossy(&words[..words.len().min(200)]).into_owned();
            io::Error::other(format!("the server says {code}: {}", escape::line(&words)))
        }
    }
}

#[cfg(test)]
mod tests;
