//! Follow-ups for where they are worked off: plain lines, a Markdown task list, a table, bodies of GitHub issues.

use super::cell::cell;
use super::markdown::syntax::prose;
use crate::engine::details::FollowupStatus;
use crate::timeline::Followup;

/// One line each.
#[must_use]
pub fn text(all: &[Followup]) -> String {
    let mut out = String::new();
    for one in all {
        let owner = one.owner.as_deref().unwrap_or("nobody");
        let due = one
            .due
            .map_or_else(|| "no date".to_owned(), |due| due.to_string());
        out.push_str(&format!(
            "{:<8} {:<14} {due:<10}  {owner:<16}  {}  [{}]\n",
            one.status.word(),
            one.kind.word(),
            one.text,
            one.event.short()
        ));
    }
    out
}

/// A task list.
#[must_use]
pub fn markdown(all: &[Followup]) -> String {
    let mut out = String::new();
    for one in all {
        let (mark, strike) = match one.status {
            FollowupStatus::Open => (' ', ""),
            FollowupStatus::Done => ('x', ""),
            FollowupStatus::Dropped => ('x', "~~"),
        };
        out.push_str(&format!(
            "- [{mark}] {strike}{}{strike} ({}; {}; {}) `{}`\n",
            prose(&one.text),
            one.kind.word().replace('_', " "),
            one.owner
                .as_deref()
                .map_or("**no owner**".to_owned(), prose),
            one.due
                .map_or("**no date**".to_owned(), |due| format!("due {due}")),
            one.event.short()
        ));
        for said in &one.notes {
            out.push_str(&format!(
                "  - {}: {}\n",
                prose(said.by.as_str()),
                prose(&said.text)
            ));
        }
    }
    out
}

/// A table with a head, safe to open in a spreadsheet.
#[must_use]
pub fn csv(all: &[Followup]) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let head = [
        "id",
        "status",
        "kind",
        "text",
        "owner",
        "due",
        "by",
        "opened_at",
    ];
    let mut fine = writer.write_record(head).is_ok();
    for one in all {
        let due = one.due.map(|due| due.to_string()).unwrap_or_default();
        let row = [
            one.event.to_string(),
            one.status.word().to_owned(),
            one.kind.word().to_owned(),
            cell(&one.text).into_owned(),
            cell(one.owner.as_deref().unwrap_or_default()).into_owned(),
            due,
            one.by.to_string(),
            one.at.to_rfc3339(),
        ];
        fine &= writer.write_record(row).is_ok();
    }
    // Writing into memory does not fail, and what was written is UTF-8.
    debug_assert!(fine);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// The bodies of GitHub issues, each under its title, with a rule between them.
#[must_use]
pub fn github(all: &[Followup]) -> String {
    let open = all
        .iter()
        .filter(|one| one.status == FollowupStatus::Open)
        .map(|one| {
            let owner = one.owner.as_deref().map_or("nobody yet".to_owned(), prose);
            let due = one
                .due
                .map_or("no date yet".to_owned(), |due| due.to_string());
            let mut body = format!(
                "# {}\n\n- Kind: {}\n- Owner: {owner}\n- Due: {due}\n- Asked for by {} at {}\n- Follow-up `{}`\n",
                prose(&one.text),
                one.kind.word().replace('_', " "),
                prose(one.by.as_str()),
                one.at.to_rfc3339(),
                one.event,
            );
            if let Some(about) = one.about {
                body.push_str(&format!("- Comes from entry `{about}`\n"));
            }
            body
        });
    open.collect::<Vec<_>>().join("\n---\n\n")
}
