//! Any text is a list of signers and of problems; what was left out signs nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::trust::AllowedSigners;

fuzz_target!(|text: &str| {
    let (signers, _) = AllowedSigners::parse(text);
    for line in signers.signers() {
        for principal in &line.principals {
            assert!(signers.principals_of(&line.key).contains(&principal));
        }
    }
});
