//! Any bytes are a scenario or a list of problems; what is read is read the same again, and can be checked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runsheet::runbook::check::{File, Set, check};
use runsheet::runbook::scenario::{head, is_scenario, parse};

const BOOK: &[u8] = include_bytes!("../../scenarios/restart-api.yaml");

fuzz_target!(|bytes: &[u8]| {
    let read = parse("every-key.yaml", bytes);
    match &read {
        Ok(scenario) => {
            assert!(is_scenario(bytes), "read, and not told from a runbook");
            assert_eq!(head(bytes).map(|head| head.id), Some(scenario.id.clone()));
            let _ = scenario.public();
        }
        Err(problems) => assert!(!problems.is_empty(), "refused without a reason"),
    }
    assert_eq!(read, parse("every-key.yaml", bytes));
    let file = |path, bytes| File { path, bytes };
    let runbooks = vec![file("every-key.yaml", bytes), file("restart-api.yaml", BOOK)];
    let _ = check(&Set { runbooks, ..Set::default() }, Default::default());
});
