//! `metrics`: the figures of one incident, or of several together.

use serde_json::json;

use super::args::Common;
use super::config::Config;
use super::incident::open;
use super::{CliError, out, record};
use crate::driver::Session;
use crate::timeline::export::figures;
use crate::timeline::metrics::across::across;

/// Prints them.
///
/// # Errors
/// When an incident cannot be read.
pub fn metrics(common: &Common, named: &[String], all: bool) -> Result<(), CliError> {
    let desk = Config::read(common)?.desk()?;
    let mut timelines = Vec::new();
    if all {
        for id in Session::store(&desk).incidents()? {
            timelines.push(record::project(&open(&desk, id.as_str())?));
        }
    }
    for inc in named {
        let timeline = record::project(&open(&desk, inc)?);
        // Named twice it is still one incident.
        let id = &timeline.header.incident;
        if timelines.iter().all(|known| known.header.incident != *id) {
            timelines.push(timeline);
        }
    }
    match timelines.as_slice() {
        [one] if !all && common.json => out::json(&json!({ "metrics": one.metrics })),
        [one] if !all => out::data(&figures::text(one)),
        several if common.json => out::json(&json!({ "across": across(several) })),
        several => out::data(&figures::text_across(&across(several))),
    }
}
