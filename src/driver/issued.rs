//! Statements that were made here for somebody to sign elsewhere: each is remembered by its nonce until its signature
//! comes back, so that only what this place issued is taken in, and only as it was issued.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::session::Acted;
use super::{DriverError, Session};
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::fact::Signed;
use crate::engine::ids::EventId;
use crate::engine::{Command, checkpoint};
use crate::evidence::Digest;
use crate::host::files;
use crate::trust::signature;
use crate::trust::sshsig::tidy;
use crate::trust::statement::Nonce;
use crate::trust::{Decision, Mode, Principal, Statement, post};

const LIMIT: u64 = 4 << 20;
/// What expired this long ago is forgotten when the next one is issued.
const KEPT: TimeDelta = TimeDelta::days(1);

/// What is remembered of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    statement: String,
    /// The event of the request it answers.
    asked: EventId,
    request: Digest,
    heads: Vec<EventId>,
}

/// A statement to sign elsewhere, with all that its signer has to see.
#[derive(Debug, Clone, PartialEq)]
pub struct Issued {
    /// The exact bytes to sign.
    pub text: String,
    /// The same, taken apart.
    pub statement: Statement,
    /// The approval text, whose digest is the statement's `display`.
    pub display: String,
    /// Decides the namespace to sign in.
    pub mode: Mode,
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("issued")
}

fn path(dir: &Path, nonce: &Nonce) -> PathBuf {
    folder(dir).join(format!("{nonce}.json"))
}

fn keep(dir: &Path, nonce: &Nonce, kept: &Kept, now: DateTime<Utc>) -> io::Result<()> {
    files::create_private_dir(&folder(dir))?;
    for (old, kept) in all(dir) {
        let until = kept.until();
        if until.is_none_or(|until| until + KEPT < now) {
            forget(dir, &old);
        }
    }
    files::write_atomic(&path(dir, nonce), &serde_json::to_vec(kept)?, 0o600)
}

fn read(path: &Path) -> Option<Kept> {
    let bytes = files::read_plain_limited(path, LIMIT).ok()?;
    serde_json::from_slice::<Kept>(&bytes)
        .ok()
        .filter(|kept| kept.version == 1)
}

/// Everything issued here whose signature has not come back.
fn all(dir: &Path) -> Vec<(Nonce, Kept)> {
    let Ok(entries) = std::fs::read_dir(folder(dir)) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let kept = read(&entry.ok()?.path())?;
            Some((kept.parsed()?.nonce, kept))
        })
        .collect()
}

fn forget(dir: &Path, nonce: &Nonce) {
    // One that stays is refused by its nonce, which the record holds.
    let _ = std::fs::remove_file(path(dir, nonce));
}

impl Kept {
    fn parsed(&self) -> Option<Statement> {
        Statement::parse(self.statement.as_bytes()).ok()
    }

    fn until(&self) -> Option<DateTime<Utc>> {
        self.parsed()?.not_after
    }
}

impl Session {
    /// Makes the statement that this person would sign about this step, wherever their key is, and remembers it.
    ///
    /// # Errors
    /// When there is nothing to answer, this person may not, or it cannot be remembered.
    pub fn issue(
        &self,
        step: &StepKey,
        decision: Decision,
        by: &Principal,
        reason: Option<&String>,
    ) -> Result<Issued, DriverError> {
        let at = self.at()?;
        let prepared = checkpoint::prepare::answer(self.state(), step, decision, by, reason, &at)?;
        let asked = self.asked(step)?;
        let record = prepared.record.as_ref();
        let statement = Statement::parse(prepared.statement.as_bytes())
            .map_err(|error| DriverError::Input(error.to_string()))?;
        let kept = Kept {
            version: 1,
            statement: prepared.statement.clone(),
            asked,
            request: record.map_or(statement.request, crate::engine::ExecRecord::digest),
            heads: prepared.heads,
        };
        keep(&self.dir(), &statement.nonce, &kept, at.utc()).map_err(|source| DriverError::Io {
            what: "the statement that was issued",
            source,
        })?;
        Ok(Issued {
            text: prepared.statement,
            statement,
            display: prepared.display.unwrap_or_default(),
            mode: prepared.mode,
        })
    }

    /// Records the answer that was signed elsewhere. Both texts may be as chat or mail left them; without the statement
    /// it is found by the signature.
    ///
    /// # Errors
    /// When it was not issued here, was used before, is not what is asked now, or the signature does not hold.
    pub fn record_signed(
        &mut self,
        step: &StepKey,
        decision: Decision,
        statement: Option<&str>,
        signature: &str,
    ) -> Result<Acted, DriverError> {
        let signature = tidy(signature).map_err(|error| bad(format!("the signature: {error}")))?;
        let (nonce, kept) = match statement {
            Some(text) => self.issued_as(text)?,
            None => self.issued_for(&signature)?,
        };
        if self.asked(step).ok() != Some(kept.asked) {
            let what = format!(
                "step {} was asked about anew since the statement was issued",
                step.step
            );
            return Err(Refusal::new(RefusalKind::Changed, what)
                .hint("make a new one with `runsheet statement`")
                .into());
        }
        let signed = Signed {
            statement: kept.statement,
            signature,
        };
        let (step, request, frontier) = (step.clone(), kept.request, kept.heads);
        let command = match decision {
            Decision::Deny => Command::Deny {
                step,
                request,
                frontier,
                signed,
            },
            _ => Command::Approve {
                step,
                request,
                frontier,
                signed,
            },
        };
        let acted = self.command(command)?;
        forget(&self.dir(), &nonce);
        Ok(acted)
    }

    /// The event that asks about this step now, or did last.
    fn asked(&self, step: &StepKey) -> Result<EventId, Refusal> {
        let found = checkpoint::record::find(self.state(), step)?;
        let request = found.state.request.as_deref();
        request.map(|request| request.event).ok_or_else(|| {
            let what = format!("nobody has asked for approval of {}", step.step);
            Refusal::new(RefusalKind::WrongState, what).hint("`runsheet request` asks")
        })
    }

    /// What was issued with the nonce of this text, if the text is still what was issued.
    fn issued_as(&self, text: &str) -> Result<(Nonce, Kept), Refusal> {
        let text = if post::is_wrapped(text, post::STATEMENT) {
            let bytes = post::unwrap(text, post::STATEMENT)
                .map_err(|error| bad(format!("the statement: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            post::plain(text)
        };
        let given = Statement::parse(text.as_bytes())
            .map_err(|error| bad(format!("the statement cannot be read: {error}")))?;
        let Some(kept) = read(&path(&self.dir(), &given.nonce)) else {
            let used = self.state().nonces.contains(&given.nonce.to_string());
            return Err(not_ours(used));
        };
        if kept.statement != text {
            let what = "the statement is not as it was issued here: somebody changed it";
            return Err(Refusal::new(RefusalKind::Changed, what)
                .hint("nothing was recorded; make a new one with `runsheet statement`"));
        }
        Ok((given.nonce, kept))
    }

    /// What was issued that this signature signs.
    fn issued_for(&self, signature: &str) -> Result<(Nonce, Kept), Refusal> {
        let mode = self
            .state()
            .incident
            .as_deref()
            .map_or(Mode::Live, |incident| incident.mode);
        all(&self.dir())
            .into_iter()
            .find(|(_, kept)| signature::check(kept.statement.as_bytes(), signature, mode).is_ok())
            .ok_or_else(|| {
                bad("this signature is of no statement that was issued here and is unused".into())
                    .hint("`--statement FILE` names the one that was signed, and says what is wrong with it")
            })
    }
}

fn bad(what: String) -> Refusal {
    Refusal::new(RefusalKind::BadSignature, what)
}

fn not_ours(used: bool) -> Refusal {
    if used {
        return Refusal::new(RefusalKind::Replayed, "this statement was used before");
    }
    Refusal::new(
        RefusalKind::Replayed,
        "this statement was not issued here, so it is not taken in here",
    )
    .hint("take it where `runsheet statement` made it: same person, same --state")
}
