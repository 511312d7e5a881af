//! Armour from anywhere is read or refused, and mended armour is read like any other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::trust::Mode;
use runsheet::trust::signature::check;
use runsheet::trust::sshsig::tidy;

fuzz_target!(|text: &str| {
    let _ = check(b"statement", text, Mode::Live);
    let _ = tidy(text).map(|tidied| check(b"statement", &tidied, Mode::Live));
});
