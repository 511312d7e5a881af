//! One readable sentence for each fact: the subject of its commit, so `git log` is a timeline. The wording of version 1
//! is part of the record format and never changes, because commit ids follow from it. Knows nothing of any other event:
//! what stands here follows from the one event alone.

mod account;
mod class;
mod exercise;

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::event::Event;
use super::exec::Purpose;
use super::fact::{Fact, Outcome, Revoked, Signed, StepFinished};
use super::ids::StepRef;
use crate::evidence::escape;
use crate::runbook::model::Severity;
use crate::trust::{Mode, Principal};

pub use class::{Class, class};

/// A sentence has at most so many characters.
pub const LONGEST: usize = 200;

/// The sentence of an event: one line of at most [`LONGEST`] characters, without control characters.
#[must_use]
pub fn sentence(event: &Event) -> String {
    let what = Words(LONGEST).of(event);
    clip(match event.mode {
        Mode::Live => what,
        Mode::Exercise => format!("EXERCISE: {what}"),
    })
}

/// The same with every word of what people wrote, on one line, and without the mark of an exercise.
#[must_use]
pub fn in_full(event: &Event) -> String {
    Words(usize::MAX - 1).of(event)
}

/// How many characters of each foreign text are taken up.
#[derive(Clone, Copy)]
struct Words(usize);

impl Words {
    fn of(self, event: &Event) -> String {
        match &event.fact {
            Fact::CheckpointRequested(_)
            | Fact::CheckpointApproved(_)
            | Fact::CheckpointDenied(_)
            | Fact::CheckpointWithdrawn(_)
            | Fact::CheckpointOverridden(_)
            | Fact::CheckpointConsumed(_)
            | Fact::CheckpointDelegated(_)
            | Fact::OverrideReviewed(_) => self.of_checkpoint(event),
            Fact::TrustRevoked(_)
            | Fact::PolicyProposed(_)
            | Fact::PolicySeconded(_)
            | Fact::EvidenceExpunged(_)
            | Fact::HubUnreachable(_) => self.of_trust(event),
            Fact::StepClaimed(_)
            | Fact::StepStarted(_)
            | Fact::StepFinished(_)
            | Fact::StepDone(_)
            | Fact::StepSkipped(_)
            | Fact::StepResolved(_) => self.of_step(event),
            Fact::StepChosen(_) | Fact::StepAnswered(_) => self.of_answer(event),
            Fact::EntryDescribed(_)
            | Fact::EntryLinked(_)
            | Fact::EntryImported(_)
            | Fact::FollowupOpened(_)
            | Fact::FollowupChanged(_)
            | Fact::DecisionNamed(_)
            | Fact::StageSubmitted(_) => self.of_account(event),
            Fact::ExerciseStarted(_)
            | Fact::ExerciseClock(_)
            | Fact::ExerciseInjected(_)
            | Fact::ExerciseAnswered(_)
            | Fact::ExerciseRefused(_)
            | Fact::ExerciseSealed(_)
            | Fact::ExerciseFeedback(_)
            | Fact::ExerciseEnded(_) => self.of_exercise(event),
            Fact::NoteAdded(_)
            | Fact::LineNoted(_)
            | Fact::EntryCorrected(_)
            | Fact::EvidenceCaptured(_)
            | Fact::UpdateRecorded(_)
            | Fact::UpdateDelivered(_)
            | Fact::UpdateUndelivered(_) => self.of_words(event),
            _ => self.of_incident(event),
        }
    }

    fn of_incident(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::IncidentStarted(fact) => {
                let alert = self.optional(" on alert ", fact.alert.as_deref(), "");
                let severity = severity(fact.severity);
                format!(
                    "{by} started the incident{alert}: {} ({severity})",
                    self.free(&fact.title)
                )
            }
            Fact::RunStarted(fact) => {
                let commit: String = self.free(&fact.runbook.commit).chars().take(7).collect();
                let parent = fact
                    .parent
                    .as_ref()
                    .map(|step| format!(" for {}", name(step)));
                let id = self.free(fact.runbook.id.as_str());
                format!(
                    "{by} began the runbook {id} at {commit}{}",
                    parent.unwrap_or_default()
                )
            }
            Fact::RoleAssigned(fact) if fact.who == event.person => {
                format!("{by} took the role {}", self.free(fact.role.as_str()))
            }
            Fact::RoleAssigned(fact) => {
                format!(
                    "{by} gave {} the role {}",
                    local(&fact.who),
                    self.free(fact.role.as_str())
                )
            }
            Fact::SeverityChanged(fact) => {
                format!("{by} set the severity to {}", severity(fact.severity))
            }
            Fact::MilestoneReached(fact) => {
                format!("{by} marked the incident {}", fact.milestone.word())
            }
            Fact::IncidentClosed(fact) => {
                format!(
                    "{by} closed the incident over {}",
                    counted(fact.heads.len(), "head")
                )
            }
            Fact::IncidentReopened(fact) => {
                format!("{by} reopened the incident: {}", self.free(&fact.reason))
            }
            Fact::JournalRecovered(fact) => format!(
                "the journal of {by} was mended: {} bytes put aside, {}",
                fact.bytes,
                self.free(&fact.what)
            ),
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn of_words(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::NoteAdded(fact) => {
                let step = fact.step.as_ref().map(|step| format!(" at {}", name(step)));
                format!(
                    "{by} noted{}: {}",
                    step.unwrap_or_default(),
                    self.free(&fact.text)
                )
            }
            Fact::LineNoted(fact) => format!(
                "{by} noted from {}: {}",
                self.free(&fact.line.source),
                self.free(&fact.text)
            ),
            Fact::EntryCorrected(fact) => format!(
                "{by} corrected entry {}: {} (because: {})",
                fact.corrects.short(),
                self.free(&fact.text),
                self.free(&fact.reason)
            ),
            Fact::EvidenceCaptured(fact) => {
                let evidence = &fact.evidence;
                let redacted = match evidence.redacted {
                    0 => String::new(),
                    count => format!(", {count} redacted"),
                };
                format!(
                    "{by} captured {} from {}: {} bytes{redacted}, sha256 {}",
                    self.free(&evidence.name),
                    self.free(&evidence.host),
                    evidence.size,
                    evidence.sha256.short()
                )
            }
            Fact::UpdateRecorded(fact) => {
                let state = self.optional(" (", fact.state.as_deref(), ")");
                format!(
                    "{by} told {}{state}: {}",
                    self.free(&fact.audience),
                    self.free(&fact.message)
                )
            }
            Fact::UpdateDelivered(fact) => format!(
                "update {} was delivered through {}{}",
                fact.update.short(),
                self.free(&fact.channel),
                at_try(fact.tries)
            ),
            Fact::UpdateUndelivered(fact) => format!(
                "update {} was not delivered through {}{}: {}",
                fact.update.short(),
                self.free(&fact.channel),
                at_try(fact.tries),
                self.free(&fact.error)
            ),
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn of_step(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::StepClaimed(fact) => format!("{by} claimed {}", name(&fact.step)),
            Fact::StepStarted(fact) => {
                let step = name(&fact.record.step);
                let host = self.free(&fact.record.exec.host);
                let order = order(fact.out_of_order);
                match fact.record.exec.purpose {
                    Purpose::Run => format!("{by} started {step} on {host}{order}"),
                    Purpose::DryRun => format!("{by} started a dry run of {step} on {host}{order}"),
                    Purpose::RollBack => {
                        format!("{by} started to roll back {step} on {host}{order}")
                    }
                }
            }
            Fact::StepFinished(fact) => self.finished(&by, fact),
            Fact::StepDone(fact) => {
                let how = if fact.by_hand.is_some() {
                    " by hand"
                } else {
                    ""
                };
                let checked = match fact.checklist.len() {
                    0 => String::new(),
                    count => format!(" ({count} checked)"),
                };
                let order = order(fact.out_of_order);
                let note = self.optional(": ", fact.note.as_deref(), "");
                format!("{by} did {}{how}{checked}{order}{note}", name(&fact.step))
            }
            Fact::StepSkipped(fact) if fact.automatic => {
                format!("{} skipped: {}", name(&fact.step), self.free(&fact.reason))
            }
            Fact::StepSkipped(fact) => {
                format!(
                    "{by} skipped {}: {}",
                    name(&fact.step),
                    self.free(&fact.reason)
                )
            }
            Fact::StepResolved(fact) => {
                let outcome = match fact.outcome {
                    Outcome::Succeeded => "succeeded",
                    Outcome::Failed => "failed",
                    Outcome::Unknown => "has an unknown outcome",
                };
                let reason = self.optional(": ", fact.reason.as_deref(), "");
                format!("{by} said that {} {outcome}{reason}", name(&fact.step))
            }
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn of_answer(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::StepChosen(fact) => {
                let suggested = match &fact.suggested {
                    None => String::new(),
                    Some(label) if *label == fact.label => " (as suggested)".to_owned(),
                    Some(label) => format!(" (suggested: {})", self.free(label)),
                };
                let order = order(fact.out_of_order);
                format!(
                    "{by} chose {} at {}{suggested}{order}",
                    self.free(&fact.label),
                    name(&fact.step)
                )
            }
            Fact::StepAnswered(fact) => {
                let order = order(fact.out_of_order);
                let answers = self.answers(&fact.answers, &fact.secrets);
                format!("{by} answered {}{order}: {answers}", name(&fact.step))
            }
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn of_checkpoint(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::CheckpointRequested(fact) => {
                let step = name(&fact.record.step);
                match fact.record.exec.purpose {
                    Purpose::Run => format!("{by} asked for approval of {step}"),
                    Purpose::DryRun => format!("{by} asked for approval of a dry run of {step}"),
                    Purpose::RollBack => format!("{by} asked for approval to roll back {step}"),
                }
            }
            Fact::CheckpointApproved(fact) => {
                self.answer(event, "approved", &fact.step, &fact.signed)
            }
            Fact::CheckpointDenied(fact) => {
                let answer = self.answer(event, "denied", &fact.step, &fact.signed);
                format!("{answer}{}", self.reason(&fact.signed))
            }
            Fact::CheckpointWithdrawn(fact) => {
                format!("{by} withdrew the request for {}", name(&fact.step))
            }
            Fact::CheckpointOverridden(fact) => format!(
                "OVERRIDE: {by} opened the checkpoint of {} without approval{}",
                name(&fact.record.step),
                self.reason(&fact.signed)
            ),
            Fact::CheckpointConsumed(fact) => {
                let step = name(&fact.step);
                match fact.approvals.len() {
                    0 => format!("{by} passed the checkpoint of {step} without approval"),
                    count => format!(
                        "{by} passed the checkpoint of {step} with {}",
                        counted(count, "approval")
                    ),
                }
            }
            Fact::CheckpointDelegated(fact) => format!(
                "{by} passed the question about {} on to {}",
                name(&fact.step),
                local(&fact.to)
            ),
            Fact::OverrideReviewed(fact) => format!(
                "{by} reviewed override {}: {}{}",
                fact.overridden.short(),
                if fact.accepted {
                    "accepted"
                } else {
                    "rejected"
                },
                self.reason(&fact.signed)
            ),
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn of_trust(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::TrustRevoked(fact) => {
                let gone: Vec<_> = fact.revoked.iter().map(|gone| self.revoked(gone)).collect();
                format!(
                    "{by} saw that the library no longer trusts {}",
                    gone.join(", ")
                )
            }
            Fact::PolicyProposed(fact) => format!(
                "{by} proposed the policy of {}{}",
                self.commit(&fact.policy.commit),
                self.reason(&fact.signed)
            ),
            Fact::PolicySeconded(fact) => format!(
                "{by} agreed to the policy proposed in {}{}",
                fact.proposed.short(),
                self.reason(&fact.signed)
            ),
            Fact::EvidenceExpunged(fact) => format!(
                "{by} wants evidence {} taken out{}",
                fact.evidence.short(),
                self.reason(&fact.signed)
            ),
            Fact::HubUnreachable(fact) => format!(
                "the hub could not be reached by {by} with {}: {}",
                fact.about.short(),
                self.free(&fact.why)
            ),
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn commit(self, commit: &str) -> String {
        self.free(commit).chars().take(7).collect()
    }

    fn revoked(self, gone: &Revoked) -> String {
        let who = local(&gone.who);
        match (&gone.key, &gone.role) {
            (Some(key), _) => format!("the key {} of {who}", self.free(key)),
            (None, Some(role)) => format!("{who} as {}", self.free(role.as_str())),
            (None, None) => who,
        }
    }

    fn finished(self, by: &str, fact: &StepFinished) -> String {
        let step = name(&fact.step);
        let did = match fact.purpose {
            Purpose::Run => format!("ran {step}"),
            Purpose::DryRun => format!("ran a dry run of {step}"),
            Purpose::RollBack => format!("rolled back {step}"),
        };
        let status = match (fact.exit, fact.signal) {
            (Some(exit), _) => Some(format!("exit {exit}")),
            (None, Some(signal)) => Some(format!("ended by signal {signal}")),
            (None, None) => None,
        };
        let spent = span(fact.ended - fact.started);
        let end = match (fact.outcome, status) {
            (Outcome::Succeeded, Some(status)) => format!("{status} in {spent}"),
            (Outcome::Succeeded, None) => format!("succeeded in {spent}"),
            (Outcome::Failed, Some(status)) => format!("failed, {status} in {spent}"),
            (Outcome::Failed, None) => format!("failed in {spent}"),
            (Outcome::Unknown, _) => "outcome unknown".to_owned(),
        };
        let problem = self.optional(": ", fact.problem.as_deref(), "");
        format!("{by} {did}: {end}{problem}")
    }

    /// Who answered is who signed it; where somebody else recorded it, that is said.
    fn answer(self, event: &Event, did: &str, step: &StepRef, signed: &Signed) -> String {
        let who = said(signed, "approver").and_then(|who| Principal::try_from(who).ok());
        let by = local(&event.person);
        let (who, by) = match who {
            Some(who) if who != event.person => (local(&who), format!(" (recorded by {by})")),
            _ => (by, String::new()),
        };
        format!("{who} {did} {}{}{by}", name(step), self.requester(signed))
    }

    fn requester(self, signed: &Signed) -> String {
        said(signed, "requester")
            .and_then(|who| Principal::try_from(who).ok())
            .map(|who| format!(" for {}", local(&who)))
            .unwrap_or_default()
    }

    fn reason(self, signed: &Signed) -> String {
        self.optional(": ", said(signed, "reason").as_deref(), "")
    }

    fn answers(self, answers: &BTreeMap<String, String>, secrets: &[String]) -> String {
        let clear = answers
            .iter()
            .map(|(name, value)| format!("{} = {}", self.free(name), self.free(value)));
        let secret = secrets
            .iter()
            .map(|name| format!("{} = (secret)", self.free(name)));
        clear.chain(secret).take(64).collect::<Vec<_>>().join(", ")
    }

    fn optional(self, before: &str, text: Option<&str>, after: &str) -> String {
        text.map(|text| format!("{before}{}{after}", self.free(text)))
            .unwrap_or_default()
    }

    /// Foreign text: white space made single spaces, no longer than asked for, escaped.
    fn free(self, text: &str) -> String {
        let mut words = String::new();
        let mut length = 0;
        for word in text.split_ascii_whitespace() {
            let space = usize::from(length > 0);
            words.push_str(&" "[..space]);
            let left = (self.0 + 1).saturating_sub(length + space);
            words.extend(word.chars().take(left));
            length += space + word.chars().take(left).count();
            if length > self.0 {
                break;
            }
        }
        escape::frozen_line(&words).into_owned()
    }
}

/// A step as people name it: the first run of an incident goes without saying, and so does the first attempt.
#[must_use]
pub fn name(step: &StepRef) -> String {
    let run = match step.run.as_str().contains('.') {
        true => format!("{}/", step.run),
        false => String::new(),
    };
    let attempt = match step.attempt {
        0 | 1 => String::new(),
        attempt => format!(" (attempt {attempt})"),
    };
    format!("{run}{}{attempt}", Words(LONGEST).free(step.step.as_str()))
}

/// The value of a field of a signed statement, as it reads, without any check: for showing, never for deciding.
#[must_use]
pub fn said(signed: &Signed, field: &str) -> Option<String> {
    let value = signed
        .statement
        .lines()
        .take(64)
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(": "))?;
    (value != "-").then(|| percent_decoded(value))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What stands before the `@` of a principal.
#[must_use]
pub fn local(principal: &Principal) -> String {
    let text = principal.as_str();
    let local = text.split('@').next().unwrap_or(text);
    if local.is_empty() { text } else { local }.to_owned()
}

/// A length of time in the two largest units that matter.
#[must_use]
pub fn span(time: TimeDelta) -> String {
    let millis = time.num_milliseconds().max(0);
    let (seconds, minutes, hours) = (millis / 1000, millis / 60_000, millis / 3_600_000);
    match seconds {
        0 => format!("{millis} ms"),
        1..120 => format!("{seconds} s"),
        120..7200 => format!("{minutes} min {} s", seconds % 60),
        7200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// A severity's name in files and on screens.
#[must_use]
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Sev1 => "sev1",
        Severity::Sev2 => "sev2",
        Severity::Sev3 => "sev3",
        Severity::Sev4 => "sev4",
        Severity::Sev5 => "sev5",
    }
}

fn order(out_of_order: bool) -> &'static str {
    if out_of_order { " (out of order)" } else { "" }
}

fn at_try(tries: u64) -> String {
    match tries {
        0 | 1 => String::new(),
        tries => format!(" at try {tries}"),
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn clip(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some(_) => {
            let mut cut: String = text.chars().take(LONGEST - 1).collect();
            cut.truncate(cut.trim_end().len());
            cut.push('…');
            cut
        }
    }
}
