//! Disks that fail in the middle of a log: what could be read is kept, and where it ended is said.

use std::io;

use super::*;

const SECOND: i64 = 1_000_000_000;

/// A log of one line a second of which one byte cannot be read.
struct Failing {
    bytes: Vec<u8>,
    at: u64,
}

impl Source for Failing {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let most = match self.at.checked_sub(at) {
            Some(0) => return Err(io::Error::from_raw_os_error(5)),
            Some(before) => buf.len().min(usize::try_from(before).unwrap()),
            None => buf.len(),
        };
        self.bytes.as_slice().read_at(&mut buf[..most], at)
    }
}

fn line(second: i64) -> String {
    format!("{second:08} a line of some length, so that the log is large enough to be searched\n")
}

fn clock(line: &[u8]) -> Option<Stamp> {
    let digits = std::str::from_utf8(line.get(..8)?).ok()?;
    digits
        .parse()
        .ok()
        .map(|second: i64| Stamp(second * SECOND))
}

#[test]
fn what_was_read_before_a_fault_is_kept_wherever_it_is() {
    let length = line(0).len() as u64;
    let bytes = (0..20_000).map(line).collect::<String>().into_bytes();
    let text = Text {
        encoding: Encoding::Bytes,
        clock: &clock,
    };
    let ask = Ask::of(Window {
        from: Stamp(5_000 * SECOND),
        to: Stamp(15_000 * SECOND),
    });
    // Also at places that a search looks at: halves, quarters, both ends.
    for part in 1..64 {
        let at = bytes.len() as u64 * part / 64;
        let source = Failing {
            bytes: bytes.clone(),
            at,
        };
        let mut out = Vec::new();
        let report = window(&source, text, &ask, &mut out).unwrap();
        let (from, to) = (5_000 * length, 15_000 * length);
        let end = if (from..to).contains(&at) || report.located.how == How::Faulty {
            at.clamp(from, to)
        } else {
            to
        };
        assert!(out == bytes[from as usize..end as usize], "{part}");
        let fault = format!("cannot be read at byte {at}: ");
        let damage = report.damage.unwrap_or_default();
        assert!(
            end == to && damage.is_empty() || damage.starts_with(&fault),
            "{part}: {damage}"
        );
        assert_eq!(report.changed, None);
    }
}
