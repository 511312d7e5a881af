//! Whatever is read as a statement is written again to the very same bytes: one meaning has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::trust::AnyStatement;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = AnyStatement::parse(bytes) {
        assert_eq!(statement.to_bytes().as_deref(), Ok(bytes));
    }
});
