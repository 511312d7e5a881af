//! A window out of a stream that can only be read from its beginning: one thread unpacks, the other looks at a line or
//! two of every block. What lies between two such lines is passed over or copied as a whole where their stamps tell, and
//! judged line by line where they do not; once the window has passed, nothing more is unpacked.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use super::sink::{Sifter, Sink};
use crate::logs::lines::{LOOKED_AT, Text};
use crate::logs::stamp::Stamp;
use crate::logs::window::{Ask, How, Located, MOST_LEAD, Report, Sieve, Steps};

/// What is unpacked at once; more than twice what is looked at of a line.
const BLOCK: usize = 512 << 10;

/// Blocks that may wait between the two threads.
const WAITING: usize = 4;

/// What came of a stream.
#[derive(Debug)]
pub enum Streamed {
    /// The window.
    Done(Box<Report>),
    /// The lines are further out of order than the slack, and what was written may lack some: begin again with an
    /// empty output and every line looked at.
    Unordered,
}

/// Copies the window of what `stream` gives. With `each_line` every line is looked at, whatever the order, to the end.
///
/// # Errors
/// When the output cannot be written. What cannot be unpacked ends the stream and is told as damage.
pub fn window(
    stream: &mut (dyn Read + Send),
    text: Text<'_>,
    ask: &Ask,
    each_line: bool,
    out: &mut dyn Write,
) -> io::Result<Streamed> {
    in_blocks(
        BLOCK,
        stream,
        Passing::new(text, ask, each_line, BLOCK, out),
    )
}

fn in_blocks(
    size: usize,
    stream: &mut (dyn Read + Send),
    mut passing: Passing<'_, '_>,
) -> io::Result<Streamed> {
    let damage = std::thread::scope(|scope| {
        let (filled, blocks) = sync_channel(WAITING);
        let (spent, free) = channel();
        scope.spawn(move || unpack(stream, size, &filled, &free));
        // Whoever returns from here drops `blocks`, and that ends the other thread.
        while let Ok(next) = blocks.recv() {
            let bytes = match next {
                Ok(bytes) => bytes,
                Err(damage) => return Ok(Some(damage)),
            };
            let (go_on, done) = passing.take(bytes)?;
            if let Some(block) = done {
                let _ = spent.send(block.bytes);
            }
            if !go_on {
                break;
            }
        }
        Ok::<_, io::Error>(None)
    })?;
    passing.finish(damage)
}

/// Reads block after block until the end, a fault, or until nobody wants more.
fn unpack(
    stream: &mut (dyn Read + Send),
    size: usize,
    filled: &SyncSender<Result<Vec<u8>, String>>,
    free: &Receiver<Vec<u8>>,
) {
    loop {
        let mut bytes = free.try_recv().unwrap_or_default();
        bytes.clear();
        bytes.reserve_exact(size);
        let read = stream.take(size as u64).read_to_end(&mut bytes);
        let last = bytes.len() < size;
        if !bytes.is_empty() && filled.send(Ok(bytes)).is_err() {
            return;
        }
        if let Err(error) = read {
            let _ = filled.send(Err(error.to_string()));
            return;
        }
        if last {
            return;
        }
    }
}

struct Block {
    at: u64,
    bytes: Vec<u8>,
}

/// A block that waits for the stamp of the next one.
struct Held {
    block: Block,
    /// Where its first stamped line begins.
    start: usize,
    stamp: Stamp,
}

enum State<'a> {
    /// No line had a stamp so far.
    Leading,
    Holding(Held),
    Sifting(Box<Sifter<'a>>),
}

/// One pass through a stream.
struct Passing<'a, 'w> {
    text: Text<'a>,
    ask: &'a Ask,
    each_line: bool,
    sink: Sink<'a, 'w>,
    state: State<'a>,
    steps: Steps,
    seen: u64,
    unordered: bool,
    /// Bytes of a full block.
    size: usize,
}

impl<'a, 'w> Passing<'a, 'w> {
    fn new(
        text: Text<'a>,
        ask: &'a Ask,
        each_line: bool,
        size: usize,
        out: &'w mut dyn Write,
    ) -> Self {
        Self {
            text,
            ask,
            each_line,
            sink: Sink::new(text, ask, out),
            state: State::Leading,
            steps: Steps::default(),
            seen: 0,
            unordered: false,
            size,
        }
    }

    /// Takes the next block in; whether more is wanted, and a block that is done with.
    fn take(&mut self, bytes: Vec<u8>) -> io::Result<(bool, Option<Block>)> {
        let block = Block {
            at: self.seen,
            bytes,
        };
        self.seen += block.bytes.len() as u64;
        let leading = matches!(self.state, State::Leading);
        let head = if leading || !self.each_line {
            self.head(&block)
        } else {
            None
        };
        let before = &block.bytes[..head.map_or(block.bytes.len(), |(start, _)| start)];
        let mut spent = None;
        match std::mem::replace(&mut self.state, State::Leading) {
            State::Leading if head.is_some() => {}
            State::Leading => {
                let mut sifter = self.sifter(block.at, false);
                sifter.feed(&mut self.sink, before, false)?;
                self.state = State::Sifting(sifter);
            }
            State::Holding(held) => match head {
                Some((_, next)) => {
                    self.region(&held, block.at, before, next)?;
                    spent = Some(held.block);
                }
                None => {
                    let mut sifter = self.sift(&held)?;
                    sifter.feed(&mut self.sink, before, false)?;
                    self.state = State::Sifting(sifter);
                }
            },
            State::Sifting(mut sifter) => {
                sifter.feed(&mut self.sink, before, head.is_some())?;
                self.state = State::Sifting(sifter);
            }
        }
        let Some((start, stamp)) = head else {
            return Ok((!self.sink.keeper.is_full(), spent));
        };
        self.steps.take(stamp);
        self.unordered = !self.each_line && self.steps.back > self.ask.slack;
        let leads = leading && (start as u64) < MOST_LEAD;
        let start = if leads { 0 } else { start };
        let go_on = self.hold(Held {
            block,
            start,
            stamp,
        })?;
        Ok((go_on, spent))
    }

    /// Goes on with the first stamped line of a block; whether more is wanted.
    fn hold(&mut self, held: Held) -> io::Result<bool> {
        if self.each_line {
            self.state = State::Sifting(self.sift(&held)?);
        } else if held.stamp >= self.ask.later(self.ask.window.to) {
            return Ok(false);
        } else {
            self.state = State::Holding(held);
        }
        Ok(!self.unordered && !self.sink.keeper.is_full())
    }

    /// What lies between one stamped line and the next that was looked at.
    fn region(&mut self, held: &Held, at: u64, rest: &[u8], next: Stamp) -> io::Result<()> {
        let (ask, window) = (self.ask, self.ask.window);
        if next < ask.earlier(window.from) {
            return Ok(());
        }
        if held.stamp >= ask.later(window.from) && next < ask.earlier(window.to) {
            let start = held.block.at + held.start as u64;
            return self
                .sink
                .region(start, &held.block.bytes[held.start..], at, rest);
        }
        self.sift(held)?.feed(&mut self.sink, rest, true)
    }

    fn sifter(&self, at: u64, keeping: bool) -> Box<Sifter<'a>> {
        let sieve = Sieve::new(self.text, self.ask.window, keeping);
        Box::new(Sifter::new(self.text, sieve, at))
    }

    /// Begins to look at each line, with a block that was held.
    fn sift(&mut self, held: &Held) -> io::Result<Box<Sifter<'a>>> {
        let keeping = self.ask.window.holds(held.stamp);
        let mut sifter = self.sifter(held.block.at + held.start as u64, keeping);
        sifter.feed(&mut self.sink, &held.block.bytes[held.start..], false)?;
        Ok(sifter)
    }

    fn finish(mut self, damage: Option<String>) -> io::Result<Streamed> {
        if self.unordered {
            return Ok(Streamed::Unordered);
        }
        match std::mem::replace(&mut self.state, State::Leading) {
            State::Leading => {}
            State::Holding(held) => self.sift(&held)?.feed(&mut self.sink, &[], true)?,
            State::Sifting(mut sifter) => {
                sifter.feed(&mut self.sink, &[], true)?;
                if self.each_line {
                    self.steps = sifter.steps();
                }
            }
        }
        let how = if self.each_line {
            How::Unordered
        } else {
            How::Stream
        };
        let located = Located::streamed(self.seen, how, self.steps);
        Ok(Streamed::Done(Box::new(self.sink.finish(located, damage))))
    }

    /// The first line that begins in this block, has a stamp, and is there as far as it is looked at.
    fn head(&self, block: &Block) -> Option<(usize, Stamp)> {
        let encoding = self.text.encoding;
        let last = block.bytes.len() < self.size;
        let mut start = if block.at == 0 {
            0
        } else {
            encoding.line_end(&block.bytes)?
        };
        loop {
            let rest = block.bytes.get(start..).filter(|rest| !rest.is_empty())?;
            let end = encoding.line_end(rest);
            if end.is_none() && rest.len() < LOOKED_AT && !last {
                return None;
            }
            let line = &rest[..end.unwrap_or(rest.len())];
            if let Some(stamp) = self.text.stamp(line) {
                return Some((start, stamp));
            }
            start += line.len();
        }
    }
}

#[cfg(test)]
pub fn small_blocks(
    size: usize,
    stream: &mut (dyn Read + Send),
    text: Text<'_>,
    ask: &Ask,
    each_line: bool,
    out: &mut dyn Write,
) -> Streamed {
    in_blocks(size, stream, Passing::new(text, ask, each_line, size, out)).unwrap()
}
