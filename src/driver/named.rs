//! Steps as people name them: by their id, or by run and id where an incident has several runs.

use super::DriverError;
use crate::engine::State;
use crate::engine::command::StepKey;

/// The step that is meant.
///
/// # Errors
/// When there is none, or several.
pub(super) fn step_key(state: &State, text: &str) -> Result<StepKey, DriverError> {
    let (run, step) = match text.rsplit_once('/') {
        Some((run, step)) => (Some(run), step),
        None => (None, text),
    };
    let mut found: Vec<_> = state
        .runs
        .iter()
        .filter(|known| {
            run.is_none_or(|run| known.id.as_str() == run) && known.state(&step.into()).is_some()
        })
        .collect();
    if found.len() > 1 {
        // The one that is still being walked is meant, if there is just one.
        let open: Vec<_> = found
            .iter()
            .copied()
            .filter(|run| run.at.is_some())
            .collect();
        if open.len() == 1 {
            found = open;
        }
    }
    match found.as_slice() {
        [run] => Ok(StepKey {
            run: run.id.clone(),
            step: step.into(),
        }),
        [] => {
            let known: Vec<_> = state
                .runs
                .iter()
                .flat_map(|run| run.steps.iter().map(|at| at.id.as_str()))
                .collect();
            let near = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, step).total_cmp(&strsim::jaro_winkler(b, step))
            });
            let hint = near.filter(|near| strsim::jaro_winkler(near, step) > 0.8);
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(DriverError::Input(format!(
                "there is no step `{text}` in this incident{hint}"
            )))
        }
        several => {
            let names: Vec<_> = several
                .iter()
                .map(|run| format!("{}/{step}", run.id))
                .collect();
            Err(DriverError::Input(format!(
                "several runs have a step `{step}`: say {}",
                names.join(" or ")
            )))
        }
    }
}
