//! Any bytes are a policy or a list of problems with places in the file; and what is a policy makes people of itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::runbook::parse;
use runsheet::trust::{AllowedSigners, People};

fuzz_target!(|bytes: &[u8]| {
    let (policy, problems) = parse::policy("policy.yaml", bytes);
    match policy {
        Some(policy) => {
            let people = People::new(&policy, &AllowedSigners::default());
            let _ = (people.alone().map(str::to_owned), policy.adoption());
        }
        None => assert!(!problems.is_empty(), "refused without a reason"),
    }
});
