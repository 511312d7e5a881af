//! What a step must have before it may start: its runbook, the policy and the floor, combined; the stricter wins.
//! Knows nothing of who has approved.

use std::collections::BTreeMap;
use std::time::Duration;

use minijinja::Value;

use super::expr;
use super::model::{NotWho, Risk, Role, Runbook, Step};
use super::policy::{Checkpoint, CheckpointRule, OverrideRule, Policy, Requirement};

/// How long an approval holds where nothing says so.
pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(15 * 60);

/// The role an approval needs where nothing says so.
pub const APPROVER: &str = "approver";

/// The words a policy's `when` may use beside the values of the run. They win over values of the same name.
pub const RULE_WORDS: [&str; 9] = [
    "risk", "kind", "phase", "role", "severity", "tags", "services", "runbook", "step",
];

impl Policy {
    /// What holds where a library says nothing: one approval for a destructive step, commanders may override.
    #[must_use]
    pub fn shipped_default() -> Self {
        Self {
            checkpoints: vec![CheckpointRule {
                when: Some("risk == 'destructive'".to_owned()),
                approvals: 1,
                role: Some(Role::from(APPROVER)),
                not: vec![NotWho::Performer],
                expires: Some(DEFAULT_EXPIRY),
            }],
            override_rule: OverrideRule {
                roles: vec![Role::from("commander")],
                expires: Some(Duration::from_secs(30 * 60)),
            },
            ..Self::default()
        }
    }

    /// What a step must have before it may start; `None` if it may start freely. Of its own checkpoint, every
    /// matching rule and the floor (a destructive step: one approver who is not its performer) the strictest parts
    /// are taken. A rule whose `when` has no answer, because a value is not known, applies.
    #[must_use]
    pub fn checkpoint_for(
        &self,
        runbook: &Runbook,
        step: &Step,
        values: &BTreeMap<String, String>,
    ) -> Option<Checkpoint> {
        let mut context = None;
        self.strictest(step, |_, when| {
            let context = context.get_or_insert_with(|| facts(runbook, step, values));
            let answer = expr::parse(when).and_then(|expr| expr.eval_with(context.clone()));
            answer.unwrap_or(true)
        })
    }

    /// The same, asking `holds` whether the `when` of the rule of that index is true.
    pub(crate) fn strictest(
        &self,
        step: &Step,
        mut holds: impl FnMut(usize, &str) -> bool,
    ) -> Option<Checkpoint> {
        let mut sum = Sum::default();
        if let Some(own) = &step.checkpoint {
            sum.add(own.approvals, own.role.as_ref(), &own.not, own.expires);
        }
        for (index, rule) in self.checkpoints.iter().enumerate() {
            if rule.when.as_ref().is_none_or(|when| holds(index, when)) {
                sum.add(rule.approvals, rule.role.as_ref(), &rule.not, rule.expires);
            }
        }
        if step.risk == Risk::Destructive {
            sum.add(1, None, &[NotWho::Performer], None);
        }
        sum.checkpoint()
    }
}

/// What a rule's `when` can see.
pub(crate) fn facts(
    runbook: &Runbook,
    step: &Step,
    values: &BTreeMap<String, String>,
) -> BTreeMap<String, Value> {
    let text = |word: Option<&str>| Value::from(word.unwrap_or_default());
    let list = |words: &[String]| words.iter().map(String::as_str).collect::<Value>();
    let risk = match step.risk {
        Risk::Routine => "routine",
        Risk::Privileged => "privileged",
        Risk::Destructive => "destructive",
    };
    let severity = runbook
        .severity
        .map(|severity| format!("{severity:?}").to_lowercase());
    let mut facts: BTreeMap<String, Value> = values
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    for (word, value) in [
        ("risk", Value::from(risk)),
        ("kind", Value::from(step.kind.word())),
        ("phase", text(step.phase.as_deref())),
        ("role", text(step.role.as_ref().map(Role::as_str))),
        ("severity", text(severity.as_deref())),
        ("tags", list(&runbook.tags)),
        ("services", list(&runbook.services)),
        ("runbook", Value::from(runbook.id.as_str())),
        ("step", Value::from(step.id.as_str())),
    ] {
        facts.insert(word.to_owned(), value);
    }
    facts
}

#[derive(Default)]
struct Sum {
    by_role: BTreeMap<Role, u32>,
    not: Vec<NotWho>,
    expires: Option<Duration>,
}

impl Sum {
    fn add(
        &mut self,
        approvals: u32,
        role: Option<&Role>,
        not: &[NotWho],
        expires: Option<Duration>,
    ) {
        if approvals > 0 {
            let role = role.cloned().unwrap_or_else(|| Role::from(APPROVER));
            let most = self.by_role.entry(role).or_default();
            *most = approvals.max(*most);
        }
        self.not.extend(not.iter().cloned());
        self.expires = match (self.expires, expires) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    fn checkpoint(mut self) -> Option<Checkpoint> {
        if self.by_role.is_empty() {
            return None;
        }
        self.not.sort();
        self.not.dedup();
        let requirements = self.by_role.into_iter();
        Some(Checkpoint {
            requirements: requirements
                .map(|(role, approvals)| Requirement { approvals, role })
                .collect(),
            not: self.not,
            expires: self.expires.unwrap_or(DEFAULT_EXPIRY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn policy(text: &str) -> Policy {
        parse::policy("policy.yaml", text.as_bytes()).0.unwrap()
    }

    fn of(policy: &Policy, step: &str, values: &[(&str, &str)]) -> Option<Checkpoint> {
        let text = format!(
            "id: a\ntitle: A\nseverity: sev2\ntags: [db]\nsteps:\n  - {{id: s, run: x, {step}}}\n"
        );
        let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        policy.checkpoint_for(&runbook, &runbook.steps[0], &values)
    }

    fn needs(approvals: u32, role: &str) -> Requirement {
        Requirement {
            approvals,
            role: Role::from(role),
        }
    }

    #[test]
    fn an_empty_policy_does_not_remove_the_floor() {
        let floor = of(&policy("checkpoints: []"), "risk: destructive", &[]).unwrap();
        assert_eq!(floor.requirements, [needs(1, "approver")]);
        assert_eq!(floor.not, [NotWho::Performer]);
        assert_eq!(floor.expires, DEFAULT_EXPIRY);
        assert_eq!(
            of(&policy("checkpoints: []"), "risk: privileged", &[]),
            None
        );
    }

    #[test]
    fn the_stricter_of_runbook_and_policy_wins_in_each_part() {
        let policy = policy(
            "checkpoints: [{when: \"risk == 'destructive'\", approvals: 2, not: [author], expires: 10m}, {role: commander}]",
        );
        let step =
            "risk: destructive, checkpoint: {approvals: 1, not: [performer, author], expires: 1h}";
        let both = of(&policy, step, &[]).unwrap();
        assert_eq!(
            both.requirements,
            [needs(2, "approver"), needs(1, "commander")]
        );
        assert_eq!(both.not, [NotWho::Performer, NotWho::Author]);
        assert_eq!(both.expires, Duration::from_secs(600));
    }

    #[test]
    fn a_rule_over_an_unknown_value_applies() {
        let policy = policy(
            "checkpoints: [{when: \"account == 'prod'\"}, {when: 'broken ((', role: commander}]",
        );
        let roles = |values: &[(&str, &str)]| {
            of(&policy, "risk: routine", values)
                .unwrap()
                .requirements
                .len()
        };
        assert_eq!(roles(&[]), 2);
        assert_eq!(roles(&[("account", "prod")]), 2);
        assert_eq!(roles(&[("account", "test")]), 1);
    }

    #[test]
    fn a_value_cannot_pose_as_a_fact_of_the_step() {
        let policy = policy(
            "checkpoints: [{when: \"risk == 'privileged' and 'db' in tags and severity == 'sev2'\"}]",
        );
        assert!(
            of(
                &policy,
                "risk: privileged",
                &[("risk", "routine"), ("tags", "")]
            )
            .is_some()
        );
        assert!(of(&policy, "risk: routine", &[("risk", "privileged")]).is_none());
    }

    #[test]
    fn the_shipped_default_asks_for_another_person() {
        let checkpoint = of(&Policy::shipped_default(), "risk: destructive", &[]).unwrap();
        assert_eq!(checkpoint.requirements, [needs(1, "approver")]);
        assert_eq!(checkpoint.not, [NotWho::Performer]);
    }
}
