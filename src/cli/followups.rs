//! `followup` without anything to record: the list in its formats, and what an incident taught about its runbooks as
//! patches against the library.

use std::path::Path;

use serde_json::json;

use super::args::Common;
use super::curate::FollowupFormat;
use super::{CliError, out, record};
use crate::driver::{Desk, Session};
use crate::evidence::escape;
use crate::host::files;
use crate::timeline::Followup;
use crate::timeline::export::followups;
use crate::timeline::lessons::{self, Patch};

/// Prints the list.
///
/// # Errors
/// When standard output is closed or full.
pub fn list(common: &Common, all: &[Followup], format: FollowupFormat) -> Result<(), CliError> {
    if common.json {
        return out::json(&json!({ "followups": all }));
    }
    out::data(&match format {
        FollowupFormat::Text => followups::text(all),
        FollowupFormat::Markdown => followups::markdown(all),
        FollowupFormat::Csv => followups::csv(all),
        FollowupFormat::Github => followups::github(all),
    })
}

/// Prints the patches, or writes them to a file, or one each into a directory.
///
/// # Errors
/// When they cannot be written.
pub fn patches(
    common: &Common,
    desk: &Desk,
    session: &Session,
    output: Option<&Path>,
) -> Result<(), CliError> {
    let timeline = record::project(session);
    let principal = desk.identity.principal.as_str();
    let me = timeline
        .header
        .people
        .iter()
        .find(|one| one.principal.as_str() == principal)
        .and_then(|one| one.name.clone());
    let name = me.unwrap_or_else(|| principal.split('@').next().unwrap_or_default().to_owned());
    let plain = |c: &char| !"<>\"\\,;:()".contains(*c);
    let name: String = name.chars().filter(plain).collect();
    let events = session.journal().log().events();
    let all = lessons::patches(
        session.state(),
        events,
        &timeline,
        &format!("{name} <{principal}>"),
    );
    for problem in all.iter().flat_map(|patch| &patch.problems) {
        out::talk(&escape::line(problem));
    }
    if all.is_empty() {
        out::talk("nothing was otherwise than its runbook says");
    }
    match output {
        Some(dir) if dir.is_dir() => each(&all, dir),
        Some(file) if !all.is_empty() => write(file, &whole(&all)),
        _ if common.json => {
            let patches: Vec<_> = all
                .iter()
                .map(|one| {
                    json!({
                        "runbook": one.runbook, "path": one.path, "commit": one.commit,
                        "patch": one.text, "problems": one.problems,
                    })
                })
                .collect();
            out::json(&json!({ "patches": patches }))
        }
        Some(_) => Ok(()),
        None => out::data(&whole(&all)),
    }
}

fn whole(all: &[Patch]) -> String {
    let texts: Vec<&str> = all.iter().map(|patch| patch.text.as_str()).collect();
    texts.join("\n")
}

fn each(all: &[Patch], dir: &Path) -> Result<(), CliError> {
    for (patch, number) in all.iter().zip(1..) {
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        let name: String = patch.runbook.chars().filter(plain).collect();
        write(&dir.join(format!("{number:04}-{name}.patch")), &patch.text)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    files::write_atomic(path, text.as_bytes(), 0o644)
        .map_err(|error| CliError::Input(format!("{}: {error}", path.display())))?;
    out::talk(&format!(
        "wrote {}",
        escape::line(&path.display().to_string())
    ));
    Ok(())
}
