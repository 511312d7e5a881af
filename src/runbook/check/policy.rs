//! What can be wrong in `policy.yaml` alone. The proof of gates needs the runbooks too and is elsewhere.

use std::collections::HashMap;

use super::report::Report;
use crate::runbook::Place;
use crate::runbook::adoption::FEWEST;
use crate::runbook::decode::{At, Named, OneOrMany};
use crate::runbook::floor::APPROVER;
use crate::runbook::gates::{self, Keys};
use crate::runbook::model::{NotWho, Role};
use crate::runbook::policy::{Policy, SHIPPED_RULES};
use crate::runbook::policy_file::PolicyFile;
use crate::runbook::problem::suggest;
use crate::runbook::words::{Approvals, Count, Label, Not, Text};

const DUTIES: [&str; 5] = ["commander", "operator", "approver", "scribe", "liaison"];

pub(crate) fn check(
    policy: &PolicyFile,
    model: &Policy,
    signers: Option<&Keys>,
    report: &mut Report<'_, '_>,
) {
    people(policy, signers, report);
    for asks in asked(policy) {
        if let Some(when) = asks.when {
            // Its names may be values of any runbook, so only that it can be read is checked.
            report.expression(when);
        }
        asks.check(model, report);
    }
    freezes(policy, report);
    adopting(policy, model, signers, report);
    redaction(policy, report);
    super::channels::check(policy, report);
    overriding(policy, report);
}

fn redaction(policy: &PolicyFile, report: &mut Report<'_, '_>) {
    for redact in policy.redact.iter().flatten() {
        let Some(pattern) = &redact.pattern else {
            let name = &redact.name.value.0;
            if !SHIPPED_RULES.contains(&name.as_str()) {
                let what = format!("`{name}` has no pattern and is no shipped rule");
                let hint = format!(
                    "give it a `pattern`; shipped are {}",
                    SHIPPED_RULES.join(" and ")
                );
                report.error(redact.name.at, "no-pattern", what, Some(hint));
            }
            continue;
        };
        report.pattern(pattern.at, &pattern.value.0);
        let empty =
            crate::runbook::pattern::regex(&pattern.value.0).is_ok_and(|regex| regex.is_match(""));
        if empty {
            let what = "this pattern matches nothing at all, so it would be everywhere".to_owned();
            report.error(pattern.at, "bad-regex", what, None);
        }
    }
}

/// One human being is one person: nothing that says who somebody is may stand for two.
fn people(policy: &PolicyFile, signers: Option<&Keys>, report: &mut Report<'_, '_>) {
    let mut principals: HashMap<String, &str> = HashMap::new();
    let mut accounts: HashMap<String, &str> = HashMap::new();
    for (name, person) in policy.people.iter().flat_map(|named| &named.0) {
        let who = name.value.0.as_str();
        if person.principals.iter().flatten().next().is_none() {
            let what = format!(
                "{} has no principal, so nothing can be signed as them",
                report.show(who)
            );
            let hint =
                "`principals:` names those of `allowed_signers` that are this person".to_owned();
            report.warn(name.at, "no-principal", what, Some(hint));
        }
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
            } else if signers.is_some_and(|signers| !signers.contains_key(text)) {
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

/// What a rule, a freeze or the adopting of a policy asks for, each with its place.
struct Asks<'f> {
    when: Option<&'f At<Text>>,
    approvals: Option<&'f At<Approvals>>,
    role: Option<&'f At<Label>>,
    of_them: Option<&'f Named<Label, At<Count>>>,
    not: Option<&'f OneOrMany<At<Not>>>,
    /// The role where none is said.
    usual: &'static str,
}

fn asked(policy: &PolicyFile) -> Vec<Asks<'_>> {
    let rules = policy.checkpoints.iter().flatten().map(|at| &at.value);
    let rules = rules.map(|rule| Asks {
        when: rule.when.as_ref(),
        approvals: rule.approvals.as_ref(),
        role: rule.role.as_ref(),
        of_them: rule.of_them.as_ref(),
        not: rule.not.as_ref(),
        usual: APPROVER,
    });
    let freezes = policy.freezes.iter().flatten().map(|at| &at.value);
    let freezes = freezes.map(|freeze| Asks {
        when: freeze.when.as_ref(),
        approvals: freeze.approvals.as_ref(),
        role: freeze.role.as_ref(),
        of_them: freeze.of_them.as_ref(),
        not: freeze.not.as_ref(),
        usual: APPROVER,
    });
    let adopt = policy.adopt.iter().map(|at| &at.value);
    let adopt = adopt.map(|adopt| Asks {
        when: None,
        approvals: adopt.approvals.as_ref(),
        role: adopt.role.as_ref(),
        of_them: adopt.of_them.as_ref(),
        not: None,
        usual: "commander",
    });
    rules.chain(freezes).chain(adopt).collect()
}

impl Asks<'_> {
    fn check(&self, model: &Policy, report: &mut Report<'_, '_>) {
        if let Some(at) = self.role {
            role(at, model, report);
        }
        let Some(of_them) = self.of_them else { return };
        for (also, _) in &of_them.0 {
            role(also, model, report);
        }
        let usual = if self.usual == APPROVER { 1 } else { FEWEST };
        let all = self.approvals.map_or(usual, |at| at.value.0);
        let role = self.role.map_or(self.usual, |at| at.value.0.as_str());
        self::of_them(of_them, all, role, report);
    }
}

/// The steps that rules name, each with its place.
pub(crate) fn steps(policy: &PolicyFile) -> impl Iterator<Item = (Place, &str)> {
    let not = asked(policy).into_iter().filter_map(|asks| asks.not);
    not.flat_map(|not| &not.0)
        .filter_map(|not| match &not.value.0 {
            NotWho::ApproverOf(step) => Some((not.at, step.as_str())),
            _ => None,
        })
}

/// That somebody has this role, or that everybody knows it.
pub(crate) fn role(role: &At<Label>, policy: &Policy, report: &mut Report<'_, '_>) {
    let name = role.value.0.as_str();
    if DUTIES.contains(&name) {
        return;
    }
    let held = policy.people.values().flat_map(|person| &person.roles);
    let mut roles: Vec<&str> = DUTIES.into_iter().chain(held.map(Role::as_str)).collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.contains(&name) {
        return;
    }
    let what = format!("no role is called {}", report.show(name));
    let hint = suggest(name, &roles);
    if policy.people.is_empty() {
        report.warn(role.at, "unknown-role", what, hint);
    } else {
        report.error(role.at, "unknown-role", what, hint);
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
        if let Some(weekly) = &freeze.weekly
            && weekly.value.from.value == weekly.value.until.value
        {
            let what = "it ends when it begins, so it would never end".to_owned();
            let hint = "a rule of `checkpoints` holds always".to_owned();
            report.error(weekly.value.until.at, "endless", what, Some(hint));
        }
    }
}

fn adopting(
    file: &PolicyFile,
    policy: &Policy,
    signers: Option<&Keys>,
    report: &mut Report<'_, '_>,
) {
    let Some(adopt) = &file.adopt else { return };
    if let Some(approvals) = adopt
        .value
        .approvals
        .as_ref()
        .filter(|at| at.value.0 < FEWEST)
    {
        let what = "nobody adopts a policy alone; two people are the fewest".to_owned();
        report.error(approvals.at, "no-quorum", what, None);
    }
    let asks = policy.adoption();
    if policy.people.len() > 1 && !gates::adoptable(policy, signers, &asks) {
        let what = format!("no policy can be adopted in an open incident: it takes {asks}");
        let hint = "give more people the role, or ask for less".to_owned();
        report.warn(adopt.at, "dead-adoption", what, Some(hint));
    }
}

/// Of two approvals three cannot be anybody's, and of approvers all are approvers.
pub(crate) fn of_them(
    of_them: &Named<Label, At<Count>>,
    all: u32,
    role: &str,
    report: &mut Report<'_, '_>,
) {
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
    if let Some(when) = policy
        .override_rule
        .as_ref()
        .and_then(|rule| rule.when.as_ref())
    {
        report.expression(when);
    }
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
