//! What can be wrong in the key logs of one runbook. Knows nothing of its steps.

use super::names::{Fate, Names};
use super::report::Report;
use super::scripts::{self, Around};
use crate::runbook::file::RunbookFile;
use crate::runbook::pattern;
use crate::runbook::problem::quoted;
use crate::runbook::zone;

pub(crate) fn check(runbook: &RunbookFile, names: &Names<'_>, report: &mut Report<'_, '_>) {
    for (_, log) in runbook.logs.iter().flat_map(|named| &named.0) {
        let log = &log.value;
        let around = Around {
            env: Vec::new(),
            item: false,
            shell: true,
        };
        if let Some(run) = &log.run {
            scripts::check(run, names, &around, report);
        }
        for text in log.file.iter().chain(&log.journal).chain(&log.host) {
            names.in_value(text, false, Fate::Recorded, report);
        }
        if let Some(named) = &log.zone
            && !zone::is_zone(&named.value.0)
        {
            let what = format!("no time zone {}", quoted(&named.value.0));
            let hint = zone::hint(&named.value.0);
            report.error(named.at, "unknown-zone", what, Some(hint));
        }
        for rule in log.matching.iter().flatten() {
            report.pattern(rule.pattern.at, &rule.pattern.value.0);
            if let Some(say) = &rule.say {
                let regex = pattern::regex(&rule.pattern.value.0).ok();
                let groups = regex
                    .iter()
                    .flat_map(|regex| regex.capture_names().flatten());
                names.said(say, &groups.collect::<Vec<_>>(), report);
            }
        }
    }
}
