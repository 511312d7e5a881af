//! Any bytes have a format or none, and no line of them stops the reading of its stamp.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::logs::stamp::{Format, Stamp, Stamps, Zone};

fuzz_target!(|bytes: &[u8]| {
    // New York has more years with two changes of the clock than most zones.
    let Some(zone) = Zone::parse("America/New_York") else {
        return;
    };
    let newest = Stamp(1_786_975_200_000_000_000);
    if let Some(stamps) = Stamps::detect(bytes, zone, newest) {
        let dated = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| stamps.of(line).is_some());
        assert!(dated.count() > 0, "a format that dates no line");
    }
    for format in Format::ALL {
        let _ = Stamps::with(*format, zone, newest).of(bytes);
    }
});
