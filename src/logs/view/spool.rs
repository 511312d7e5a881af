//! What comes out of a packed log or of UTF-16, put once into a file without a name and readable while it still comes.
//! Bounded by the room there is on the disk. Knows nothing of lines.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::page::{Made, Spooled};
use super::utf16::Utf16;
use crate::logs::lines::Encoding;
use crate::logs::packed::Packing;
use crate::logs::source::Source;

/// So much of each log comes at once; the rest in turn.
const AT_ONCE: u64 = 1 << 20;

/// What is read at a time: little first, so that there is something to show.
const FIRST: usize = 64 << 10;
const BLOCK: usize = 1 << 20;

/// So many logs are unpacked beside each other.
const TOGETHER: usize = 2;

/// So much of the disk stays free.
const RESERVE: u64 = 512 << 20;

/// Where spools are put, and whose turn it is to fill one.
#[derive(Debug, Clone)]
pub struct Room {
    dir: PathBuf,
    reserve: u64,
    turns: Arc<Turns>,
}

#[derive(Debug)]
struct Turns {
    free: Mutex<usize>,
    news: Condvar,
}

impl Room {
    /// In this folder; in that for temporary files where it cannot be written to.
    #[must_use]
    pub fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            reserve: RESERVE,
            turns: Arc::new(Turns {
                free: Mutex::new(TOGETHER),
                news: Condvar::new(),
            }),
        }
    }

    /// Leaves so many bytes free on the disk.
    #[must_use]
    pub fn leaving(self, reserve: u64) -> Self {
        Self { reserve, ..self }
    }

    fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.dir).or_else(|_| tempfile::tempfile())
    }

    /// Whether so many bytes more still leave enough.
    fn has(&self, file: &File, bytes: usize) -> bool {
        let Ok(disk) = rustix::fs::fstatvfs(file) else {
            return true;
        };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        free >= self.reserve.saturating_add(bytes as u64)
    }
}

/// A log that is being unpacked or decoded. What is there so far can be read; dropping it ends the rest.
#[derive(Debug)]
pub struct Spool {
    file: File,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    original: File,
    packing: Option<Packing>,
    room: Room,
    /// Bytes that can be read.
    written: AtomicU64,
    /// Bytes of the original that were taken.
    taken: AtomicU64,
    stop: AtomicBool,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    made: Made,
    done: bool,
    fault: Option<String>,
    /// Somebody saw that the original went on.
    more: bool,
}

impl Spool {
    /// Begins to fill it from a file that is packed, or in UTF-16. What is in UTF-16 and not packed may still grow.
    ///
    /// # Errors
    /// When there is nowhere to put it.
    pub fn start(original: File, packing: Option<Packing>, room: &Room) -> io::Result<Self> {
        let file = room.file()?;
        let out = file.try_clone()?;
        let shared = Arc::new(Shared {
            original,
            packing,
            room: room.clone(),
            written: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            state: Mutex::default(),
            news: Condvar::new(),
        });
        let filling = Arc::clone(&shared);
        std::thread::Builder::new().spawn(move || {
            let filled = fill(&filling, out);
            let mut state = filling.lock();
            state.done = true;
            if let Err(error) = filled {
                state.fault.get_or_insert_with(|| error.to_string());
            }
            filling.news.notify_all();
        })?;
        Ok(Self { file, shared })
    }

    /// Waits until so many bytes are there, or all there will be, but no longer than this.
    pub fn wait(&self, bytes: u64, patience: Duration) {
        let written = &self.shared.written;
        let lacks = |state: &mut State| !state.done && written.load(Ordering::Acquire) < bytes;
        let state = self.shared.lock();
        drop(self.shared.news.wait_timeout_while(state, patience, lacks));
    }

    /// Bytes that are there.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Acquire)
    }

    /// Whether all there will be is there, as far as is known.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.shared.lock().done
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> Spooled {
        let of = self.shared.original.size().unwrap_or(0).max(1);
        let taken = self.shared.taken.load(Ordering::Relaxed).min(of);
        let state = self.shared.lock();
        Spooled {
            made: state.made,
            percent: u8::try_from(u128::from(taken) * 100 / u128::from(of)).unwrap_or(100),
            done: state.done,
            fault: state.fault.clone(),
        }
    }
}

impl Source for Spool {
    /// What is there so far. Where all was, a look is taken at whether the original went on.
    fn size(&self) -> io::Result<u64> {
        let shared = &self.shared;
        let mut state = shared.lock();
        if state.done && shared.packing.is_none() && state.fault.is_none() {
            let taken = shared.taken.load(Ordering::Relaxed);
            let size = shared.original.size()?;
            if size < taken {
                state.fault = Some(format!("it was cut to {size} bytes: this is what it was"));
            } else if size > taken {
                state.more = true;
                state.done = false;
                shared.news.notify_all();
            }
        }
        Ok(self.written())
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.shared.lock());
        self.shared.news.notify_all();
        let turns = &self.shared.room.turns;
        drop(turns.lock());
        turns.news.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits until the original goes on; false where nobody wants it any more.
    fn goes_on(&self) -> bool {
        let mut state = self.lock();
        state.done = true;
        self.news.notify_all();
        while !state.more && !self.is_stopped() {
            state = self
                .news
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.more = false;
        !self.is_stopped()
    }
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, which ends when what comes back is dropped.
    fn take<'t>(&'t self, shared: &Shared) -> Turn<'t> {
        let mut free = self.lock();
        while *free == 0 && !shared.is_stopped() {
            free = self.news.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        // Whoever is stopped does nothing with it.
        *free = free.saturating_sub(1);
        Turn(self)
    }
}

struct Turn<'t>(&'t Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.news.notify_all();
    }
}

/// The bytes of the original, counted, until nobody wants them any more.
struct Original<'s>(&'s Shared);

impl Read for Original<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0.is_stopped() {
            return Err(io::Error::other("given up"));
        }
        let at = self.0.taken.load(Ordering::Relaxed);
        let read = self.0.original.read_at(buf, at)?;
        self.0.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Fills it to the end.
fn fill(shared: &Shared, mut out: File) -> io::Result<()> {
    let mut stream: Box<dyn Read + Send + '_> = match shared.packing {
        Some(packing) => packing.unpack(Original(shared))?,
        None => Box::new(Original(shared)),
    };
    let (mut bytes, mut text) = (Vec::new(), Vec::new());
    let mut utf16: Option<Utf16> = None;
    let mut turn = None;
    let mut size = FIRST;
    let mut begun = false;
    loop {
        if turn.is_none() && shared.written.load(Ordering::Relaxed) >= AT_ONCE {
            turn = Some(shared.room.turns.take(shared));
        }
        bytes.clear();
        let read = stream.by_ref().take(size as u64).read_to_end(&mut bytes);
        let last = bytes.len() < size;
        if !begun && !bytes.is_empty() {
            begun = true;
            utf16 = Utf16::of(Encoding::of(&bytes));
            shared.lock().made = Made {
                unpacked: shared.packing.is_some(),
                utf16: utf16.is_some(),
            };
        }
        let ready = match &mut utf16 {
            Some(utf16) => {
                text.clear();
                utf16.push(&bytes, &mut text);
                if last && shared.packing.is_some() {
                    utf16.end(&mut text);
                }
                &text
            }
            None => &bytes,
        };
        if !shared.room.has(&out, ready.len()) {
            return Err(io::Error::other("there is no room on the disk for more"));
        }
        out.write_all(ready)?;
        shared
            .written
            .fetch_add(ready.len() as u64, Ordering::Release);
        drop(shared.lock());
        shared.news.notify_all();
        if let Err(error) = read {
            return Err(io::Error::other(format!("DAMAGED ({error})")));
        }
        if last {
            turn = None;
            if shared.packing.is_some() || !shared.goes_on() {
                return Ok(());
            }
        }
        size = BLOCK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn room() -> Room {
        Room::of(&std::env::temp_dir()).leaving(0)
    }

    fn wait(spool: &Spool, bytes: u64) {
        spool.wait(bytes, Duration::from_secs(600));
    }

    fn all(spool: &Spool) -> Vec<u8> {
        wait(spool, u64::MAX);
        let mut bytes = vec![0; usize::try_from(spool.size().unwrap()).unwrap()];
        assert_eq!(spool.fill_at(&mut bytes, 0).unwrap(), bytes.len());
        bytes
    }

    #[test]
    fn what_was_packed_comes_out_whole_and_what_is_torn_as_far_as_it_goes() {
        let text: Vec<u8> = (0..400_000)
            .flat_map(|n| format!("{n} line\n").into_bytes())
            .collect();
        let packed = gz(&text);
        let spool = Spool::start(written(&packed), Some(Packing::Gzip), &room()).unwrap();
        assert!(all(&spool) == text);
        let state = spool.state();
        assert_eq!((state.percent, state.done, state.fault), (100, true, None));
        assert!(state.made.unpacked && !state.made.utf16);
        let torn = &packed[..packed.len() / 2];
        let spool = Spool::start(written(torn), Some(Packing::Gzip), &room()).unwrap();
        let some = all(&spool);
        assert!(!some.is_empty() && text.starts_with(&some));
        assert!(spool.state().fault.unwrap().starts_with("DAMAGED ("));
    }

    #[test]
    fn a_full_disk_is_not_filled_further() {
        let room = room().leaving(u64::MAX);
        let spool = Spool::start(written(&gz(b"1 a\n")), Some(Packing::Gzip), &room).unwrap();
        assert_eq!(all(&spool), b"");
        let fault = spool.state().fault.unwrap();
        assert_eq!(fault, "there is no room on the disk for more");
    }

    #[test]
    fn utf_16_is_text_and_goes_on_with_its_file() {
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let mut file = written(&wide("\u{feff}1 ä😀\r\n"));
        let spool = Spool::start(file.try_clone().unwrap(), None, &room()).unwrap();
        assert_eq!(all(&spool), "1 ä😀\r\n".as_bytes());
        assert!(spool.state().made.utf16);
        // Half of a character is none yet.
        let more = wide("2 😀\n");
        file.write_all(&more[..6]).unwrap();
        spool.size().unwrap();
        wait(&spool, "1 ä😀\r\n2 ".len() as u64);
        wait(&spool, u64::MAX);
        file.write_all(&more[6..]).unwrap();
        spool.size().unwrap();
        wait(&spool, "1 ä😀\r\n2 😀\n".len() as u64);
        assert_eq!(all(&spool), "1 ä😀\r\n2 😀\n".as_bytes());
        let packed = gz(&wide("\u{feff}1 ä\n"));
        let spool = Spool::start(written(&packed), Some(Packing::Gzip), &room()).unwrap();
        assert_eq!(all(&spool), "1 ä\n".as_bytes());
        assert!(spool.state().made.unpacked && spool.state().made.utf16);
    }

    #[test]
    fn more_logs_than_there_are_turns_are_all_unpacked() {
        let text = vec![b'x'; 3 << 20];
        let (packed, room) = (gz(&text), room());
        let spools: Vec<_> = (0..7)
            .map(|_| Spool::start(written(&packed), Some(Packing::Gzip), &room).unwrap())
            .collect();
        for spool in &spools {
            assert!(all(spool) == text);
        }
    }
}
