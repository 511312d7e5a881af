//! What happens when a mapped file is cut short: the kernel answers a read of what is gone with SIGBUS, which ends a
//! program. Here such a read gets zeros instead, and the map remembers from where on. Knows nothing of what is mapped.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many maps are guarded at a time.
const MOST: usize = 16;

/// Nothing was cut off.
const WHOLE: usize = usize::MAX;

/// One map, as the handler of the signal sees it: addresses, for it may take no lock.
#[derive(Debug)]
pub(super) struct Guard {
    /// 0 where it is free, 1 while it is made.
    start: AtomicUsize,
    end: AtomicUsize,
    /// Bytes from the start on that were not seen to be gone.
    whole: AtomicUsize,
}

static GUARDS: [Guard; MOST] = [const {
    Guard {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        whole: AtomicUsize::new(WHOLE),
    }
}; MOST];

/// Bytes of a page, once the handler is there.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// What SIGBUS did before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

impl Guard {
    /// Guards a map; `None` where too many are guarded, or none can be.
    pub(super) fn over(map: &[u8]) -> Option<&'static Self> {
        if !install() {
            return None;
        }
        let free = GUARDS.iter().find(|guard| {
            let taken = guard
                .start
                .compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed);
            taken.is_ok()
        })?;
        let start = map.as_ptr().addr();
        free.whole.store(WHOLE, Ordering::Relaxed);
        free.end.store(start + map.len(), Ordering::Relaxed);
        free.start.store(start, Ordering::Release);
        Some(free)
    }

    /// From which byte on something was gone, if it was.
    pub(super) fn cut(&self) -> Option<u64> {
        let whole = self.whole.load(Ordering::Acquire);
        (whole != WHOLE).then_some(whole as u64)
    }

    /// The map is about to go; nobody reads it any more.
    pub(super) fn free(&self) {
        self.start.store(0, Ordering::Release);
    }
}

/// Whether the handler is there; puts it there the first time.
fn install() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(put)
}

#[allow(
    unsafe_code,
    reason = "what SIGBUS does can be told to the kernel in no other way"
)]
fn put() -> bool {
    // SAFETY: `sysconf` takes a number. All zeros are a valid `sigaction`, and both of its uses get pointers to one. The
    // handler only loads and stores atomics and calls `mmap` and `sigaction`, none of which takes a lock.
    unsafe {
        let page = libc::sysconf(libc::_SC_PAGESIZE);
        let mut before: libc::sigaction = std::mem::zeroed();
        let mut ours: libc::sigaction = std::mem::zeroed();
        ours.sa_sigaction = on_bus_error as *const () as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        if libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut before) != 0 {
            return false;
        }
        // Before the handler is there, so that it never misses them.
        PAGE.store(usize::try_from(page).unwrap_or(4096), Ordering::Release);
        BEFORE.get_or_init(|| before);
        libc::sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut()) == 0
    }
}

#[allow(unsafe_code, reason = "a handler of SIGBUS that replaces what is gone")]
extern "C" fn on_bus_error(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands over a valid `siginfo_t`, which has an address for SIGBUS. What is mapped anew lies inside
    // of one map that is guarded, from a page on that cannot be read to its end: it stays readable memory of the same
    // length, and whoever reads it sees zeros.
    unsafe {
        let address = (*info).si_addr().addr();
        let page = PAGE.load(Ordering::Acquire);
        for guard in &GUARDS {
            let start = guard.start.load(Ordering::Acquire);
            let end = guard.end.load(Ordering::Relaxed);
            if start <= 1 || !(start..end).contains(&address) {
                continue;
            }
            let gone = address - address % page;
            let zeros = libc::mmap(
                std::ptr::with_exposed_provenance_mut(gone),
                end - gone,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            );
            if zeros == libc::MAP_FAILED {
                break;
            }
            guard.whole.fetch_min(gone - start, Ordering::Release);
            return;
        }
        // It is no map of ours: the read is made again, and does what it would have done.
        if let Some(before) = BEFORE.get() {
            libc::sigaction(libc::SIGBUS, before, std::ptr::null_mut());
        }
    }
}
