//! What can be wrong in `policy.yaml` alone. The proof of gates needs the runbooks too and is elsewhere.

use std::collections::{BTreeSet, HashMap};

use super::report::Report;
use crate::runbook::decode::{At, Named};
use crate::runbook::floor::APPROVER;
use crate::runbook::policy_file::PolicyFile;
use crate::runbook::problem::suggest;
use crate::runbook::words::{Approvals, Count, Label};

pub(crate) fn check(
    policy: &PolicyFile,
    signers: Option<&BTreeSet<String>>,
    report: &mut Report<'_, '_>,
) {
    people(policy, signers, report);
    for rule in policy.checkpoints.iter().flatten() {
        if let Some(when) = &rule.value.when {
            // Its names may be values of any runbook, so only that it can be read is checked.
            report.expression(when);
        }
        if let Some(of_them) = &rule.value.of_them {
            let (approvals, role) = (rule.value.approvals.as_ref(), rule.value.role.as_ref());
            self::of_them(of_them, approvals, role, report);
        }
    }
    freezes(policy, report);
    for redact in policy.redact.iter().flatten() {
        report.pattern(redact.pattern.at, &redact.pattern.value.0);
        let empty = crate::runbook::pattern::regex(&redact.pattern.value.0)
            .is_ok_and(|regex| regex.is_match(""));
        if empty {
            let what = "this pattern matches nothing at all, so it would be everywhere".to_owned();
            report.error(redact.pattern.at, "bad-regex", what, None);
        }
    }
    let channels: Vec<&str> = policy
        .channels
        .iter()
        .flat_map(|named| &named.0)
        .map(|(name, _)| name.value.0.as_str())
        .collect();
    for (_, audience) in policy.audiences.iter().flat_map(|named| &named.0) {
        for channel in audience.channels.iter().flatten() {
            let name = channel.value.0.as_str();
            if !channels.contains(&name) {
                let what = format!("no channel is called {}", report.show(name));
                report.error(
                    channel.at,
                    "unknown-channel",
                    what,
                    suggest(name, &channels),
                );
            }
        }
    }
    for (_, channel) in policy.channels.iter().flat_map(|named| &named.0) {
        let password = channel
            .smtp
            .as_ref()
            .and_then(|smtp| smtp.password.as_ref());
        if let Some(password) = password.filter(|password| !password.value.0.starts_with("env:")) {
            let what = "a password stands in the policy".to_owned();
            report.error(
                password.at,
                "secret-default",
                what,
                Some("write `env:NAME`".to_owned()),
            );
        }
    }
    overriding(policy, report);
}

/// One human being is one person: nothing that says who somebody is may stand for two.
fn people(policy: &PolicyFile, signers: Option<&BTreeSet<String>>, report: &mut Report<'_, '_>) {
    let mut principals: HashMap<String, &str> = HashMap::new();
    let mut accounts: HashMap<String, &str> = HashMap::new();
    for (name, person) in policy.people.iter().flat_map(|named| &named.0) {
        let who = name.value.0.as_str();
        for principal in person.principals.iter().flatten() {
            let text = principal.value.0.as_str();
            let good = |b: u8| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || matches!(b, b'.' | b'_' | b'@' | b'+' | b'-')
            };
            if text.is_empty() || !text.bytes().all(good) {
                let what = format!("{} is not a principal", report.show(text));
                let hint = "lower-case letters, digits and `. _ @ + -`, no wildcards".to_owned();
                report.error(principal.at, "bad-principal", what, Some(hint));
            } else if signers.is_some_and(|signers| !signers.contains(text)) {
                let what = format!("`allowed_signers` has no key for {}", report.show(text));
                report.warn(
                    principal.at,
                    "no-key",
                    what,
                    Some("runsheet people add".to_owned()),
                );
            }
        }
        let emails = person
            .principals
            .iter()
            .flatten()
            .chain(person.emails.iter().flatten());
        for text in emails {
            claim(
                &mut principals,
                text.value.0.to_lowercase(),
                who,
                text.at,
                report,
            );
        }
        for account in person.accounts.iter().flatten() {
            claim(
                &mut accounts,
                account.value.0.clone(),
                who,
                account.at,
                report,
            );
        }
    }
}

fn claim<'p>(
    claimed: &mut HashMap<String, &'p str>,
    text: String,
    who: &'p str,
    at: crate::runbook::Place,
    report: &mut Report<'_, '_>,
) {
    match claimed.get(&text) {
        Some(other) if *other != who => {
            let what = format!("{} is already {}", report.show(&text), report.show(other));
            report.error(
                at,
                "two-people",
                what,
                Some("one human being is one person".to_owned()),
            );
        }
        _ => {
            claimed.insert(text, who);
        }
    }
}

fn freezes(policy: &PolicyFile, report: &mut Report<'_, '_>) {
    let mut seen: Vec<&str> = Vec::new();
    for freeze in policy.freezes.iter().flatten().map(|at| &at.value) {
        let name = freeze.name.value.0.as_str();
        if seen.contains(&name) {
            let what = format!("a freeze is called {} already", report.show(name));
            report.error(freeze.name.at, "duplicate-name", what, None);
        }
        seen.push(name);
        if let Some(when) = &freeze.when {
            report.expression(when);
        }
        if let Some(weekly) = &freeze.weekly
            && weekly.value.from.value == weekly.value.until.value
        {
            let what = "it ends when it begins, so it would never end".to_owned();
            let hint = "a rule of `checkpoints` holds always".to_owned();
            report.error(weekly.value.until.at, "endless", what, Some(hint));
        }
        if let Some(of_them) = &freeze.of_them {
            let (approvals, role) = (freeze.approvals.as_ref(), freeze.role.as_ref());
            self::of_them(of_them, approvals, role, report);
        }
    }
}

/// Of two approvals three cannot be anybody's, and of approvers all are approvers.
pub(crate) fn of_them(
    of_them: &Named<Label, At<Count>>,
    approvals: Option<&At<Approvals>>,
    role: Option<&At<Label>>,
    report: &mut Report<'_, '_>,
) {
    let all = approvals.map_or(1, |at| at.value.0);
    let role = role.map_or(APPROVER, |at| at.value.0.as_str());
    for (also, count) in &of_them.0 {
        if count.value.0 > all {
            let what = format!("of {all} approvals {} cannot be of one role", count.value.0);
            let hint = format!("`approvals: {}`", count.value.0);
            report.error(count.at, "of-them", what, Some(hint));
        }
        if also.value.0 == role {
            let what = format!("all of them have the role {}", report.show(role));
            let hint = "name a second role, or leave it out".to_owned();
            report.warn(also.at, "of-them", what, Some(hint));
        }
    }
}

fn overriding(policy: &PolicyFile, report: &mut Report<'_, '_>) {
    let people = || policy.people.iter().flat_map(|named| &named.0);
    let held: Vec<&str> = people()
        .flat_map(|(_, person)| person.roles.iter().flatten())
        .map(|role| role.value.0.as_str())
        .collect();
    let roles = policy
        .override_rule
        .iter()
        .flat_map(|rule| rule.roles.iter().flatten());
    for role in roles {
        if people().count() > 0 && !held.contains(&role.value.0.as_str()) {
            let what = format!(
                "nobody has the role {}, so nobody can override by it",
                report.show(&role.value.0)
            );
            report.warn(role.at, "unknown-role", what, suggest(&role.value.0, &held));
        }
    }
}
