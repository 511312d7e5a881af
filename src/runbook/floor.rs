//! What a step must have before it may start: its runbook, the policy and the floor, combined; the stricter wins.
//! Knows nothing of who has approved.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use minijinja::Value;

use super::expr;
use super::freeze::Freeze;
use super::model::{CheckpointSpec, KeyRule, NotWho, Risk, Role, Runbook, Step};
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
                asks: floor(),
            }],
            override_rule: OverrideRule {
                roles: vec![Role::from("commander")],
                expires: Some(Duration::from_secs(30 * 60)),
                ..OverrideRule::default()
            },
            ..Self::default()
        }
    }

    /// What a step must have before it may start; `None` if it may start freely. Of its own checkpoint, every
    /// matching rule and the floor (a destructive step: one approver who is not its performer) the strictest parts
    /// are taken. A rule whose `when` has no answer, because a value is not known, applies. So does every freeze that is
    /// in force at this moment.
    #[must_use]
    pub fn checkpoint_for(
        &self,
        runbook: &Runbook,
        step: &Step,
        values: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Option<Checkpoint> {
        let mut context = None;
        let holds = |_, when: &str| {
            let context = context.get_or_insert_with(|| facts(runbook, step, values));
            holds(when, context)
        };
        self.strictest(step, |_, freeze| freeze.period.contains(at), holds)
    }

    /// The freezes that ask something for this step at this moment.
    pub fn freezes_for<'a>(
        &'a self,
        runbook: &'a Runbook,
        step: &'a Step,
        values: &'a BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a Freeze> {
        let holds = |when: &String| holds(when, &facts(runbook, step, values));
        let current = self.freezes.iter();
        current
            .filter(move |freeze| freeze.period.contains(at))
            .filter(move |freeze| freeze.when.as_ref().is_none_or(holds))
    }

    /// Whether policy lets anybody go through the checkpoint of this step without its approvals. Where its `when` has no
    /// answer, it does not: what opens a gate has to be certain.
    #[must_use]
    pub fn lets_override(
        &self,
        runbook: &Runbook,
        step: &Step,
        values: &BTreeMap<String, String>,
    ) -> bool {
        self.override_rule.when.as_ref().is_none_or(|when| {
            let facts = facts(runbook, step, values);
            expr::parse(when)
                .and_then(|expr| expr.eval_with(facts))
                .unwrap_or(false)
        })
    }

    /// As [`Policy::checkpoint_for`], asking `in_force` which freezes count, and `holds` whether the `when` of the rule of that index is
    /// true; freezes are counted on after the rules.
    pub(crate) fn strictest(
        &self,
        step: &Step,
        in_force: impl Fn(usize, &Freeze) -> bool,
        mut holds: impl FnMut(usize, &str) -> bool,
    ) -> Option<Checkpoint> {
        let mut sum = Sum::default();
        if let Some(own) = &step.checkpoint {
            sum.add(own);
        }
        for (index, rule) in self.checkpoints.iter().enumerate() {
            if rule.when.as_ref().is_none_or(|when| holds(index, when)) {
                sum.add(&rule.asks);
            }
        }
        for (index, freeze) in self.freezes.iter().enumerate() {
            let rule = self.checkpoints.len() + index;
            let matches = |when: &String| holds(rule, when);
            if in_force(index, freeze) && freeze.when.as_ref().is_none_or(matches) {
                sum.add(&freeze.asks);
            }
        }
        if step.risk == Risk::Destructive {
            sum.add(&floor());
        }
        sum.checkpoint()
    }
}

/// Whether a rule with this `when` counts: also where it has no answer.
fn holds(when: &str, facts: &BTreeMap<String, Value>) -> bool {
    let answer = expr::parse(when).and_then(|expr| expr.eval_with(facts.clone()));
    answer.unwrap_or(true)
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

/// What a destructive step needs whatever anybody wrote.
fn floor() -> CheckpointSpec {
    CheckpointSpec {
        approvals: 1,
        role: Some(Role::from(APPROVER)),
        of_them: BTreeMap::new(),
        not: vec![NotWho::Performer],
        keys: KeyRule::Any,
        expires: Some(DEFAULT_EXPIRY),
    }
}

#[derive(Default)]
struct Sum {
    needs: BTreeMap<(Role, Option<Role>), u32>,
    not: Vec<NotWho>,
    keys: KeyRule,
    expires: Option<Duration>,
}

impl Sum {
    fn add(&mut self, asks: &CheckpointSpec) {
        let role = asks.role.clone().unwrap_or_else(|| Role::from(APPROVER));
        for (also, approvals) in &asks.of_them {
            let also = Some(also.clone()).filter(|also| *also != role);
            self.need(role.clone(), also, *approvals);
        }
        self.need(role, None, asks.approvals);
        self.not.extend(asks.not.iter().cloned());
        self.keys = self.keys.max(asks.keys);
        self.expires = match (self.expires, asks.expires) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    fn need(&mut self, role: Role, also: Option<Role>, approvals: u32) {
        if approvals > 0 {
            let most = self.needs.entry((role, also)).or_default();
            *most = approvals.max(*most);
        }
    }

    fn checkpoint(mut self) -> Option<Checkpoint> {
        if self.needs.is_empty() {
            return None;
        }
        self.not.sort();
        self.not.dedup();
        let needs = self.needs.into_iter();
        Some(Checkpoint {
            requirements: needs
                .map(|((role, also), approvals)| Requirement {
                    approvals,
                    role,
                    also,
                })
                .collect(),
            not: self.not,
            keys: self.keys,
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
        policy.checkpoint_for(&runbook, &runbook.steps[0], &values, DateTime::UNIX_EPOCH)
    }

    fn needs(approvals: u32, role: &str) -> Requirement {
        Requirement {
            approvals,
            role: Role::from(role),
            also: None,
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
    fn some_of_the_approvals_can_be_asked_of_a_second_role() {
        let policy = policy(
            "checkpoints: [{approvals: 2, of_them: {security: 1}}, {of_them: {security: 2, approver: 3}, role: approver}]",
        );
        let own = "checkpoint: {approvals: 1, of_them: {legal: 1}, role: commander}";
        let all = of(&policy, own, &[]).unwrap();
        let both = |approvals, role: &str, also: &str| Requirement {
            also: Some(Role::from(also)),
            ..needs(approvals, role)
        };
        assert_eq!(
            all.requirements,
            [
                needs(3, "approver"),
                both(2, "approver", "security"),
                needs(1, "commander"),
                both(1, "commander", "legal"),
            ]
        );
        let shown: Vec<String> = all.requirements.iter().map(ToString::to_string).collect();
        assert_eq!(shown[..2], ["3 approver", "2 approver+security"]);
    }

    #[test]
    fn the_strictest_keys_count() {
        let text = "checkpoints: [{keys: {touch: required}}, {when: \"account == 'prod'\", keys: {touch: required, verified: required}}, {}]";
        let keys = |account| {
            of(&policy(text), "risk: routine", &[("account", account)])
                .unwrap()
                .keys
        };
        assert_eq!(keys("test"), KeyRule::Touched);
        assert_eq!(keys("prod"), KeyRule::Verified);
        assert!(KeyRule::Any < KeyRule::Touched && KeyRule::Touched < KeyRule::Verified);
    }

    #[test]
    fn whoever_has_both_roles_meets_what_asks_for_one() {
        let both = Requirement {
            also: Some(Role::from("security")),
            ..needs(2, "approver")
        };
        assert!(both.implies(&needs(2, "approver")) && both.implies(&needs(1, "security")));
        assert!(!both.implies(&needs(3, "approver")) && !both.implies(&needs(1, "legal")));
        assert!(!needs(2, "approver").implies(&both) && both.implies(&both));
        let has = |held: &'static [&'static str]| move |role: &Role| held.contains(&role.as_str());
        assert!(both.fits(has(&["security", "approver"])));
        assert!(!both.fits(has(&["approver"])) && !both.fits(has(&["security"])));
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
    fn a_rule_can_ask_for_every_fact_of_a_step_and_for_the_values_of_the_run() {
        let text = "id: a\ntitle: A\nseverity: sev2\ntags: [db]\nservices: [billing, web]\nsteps:\n  - {id: s, phase: recovery, role: operator, run: x, risk: privileged}\n";
        let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
        let values = BTreeMap::from([("account".to_owned(), "prod".to_owned())]);
        for (when, applies) in [
            ("risk == 'privileged'", true),
            ("risk == 'destructive'", false),
            ("kind == 'run'", true),
            ("kind == 'manual'", false),
            ("phase == 'recovery'", true),
            ("phase == 'containment'", false),
            ("role == 'operator'", true),
            ("role == 'scribe'", false),
            ("severity == 'sev2'", true),
            ("severity in ['sev3', 'sev4']", false),
            ("'db' in tags", true),
            ("'web' in tags", false),
            ("'billing' in services", true),
            ("'db' in services", false),
            ("runbook == 'a' and step == 's'", true),
            ("step == 't'", false),
            ("account == 'prod'", true),
            ("account == 'test'", false),
        ] {
            let yaml = format!("checkpoints: [{{when: \"{when}\"}}]");
            let policy = policy(&yaml);
            let at = DateTime::UNIX_EPOCH;
            let gate = policy.checkpoint_for(&runbook, &runbook.steps[0], &values, at);
            assert_eq!(gate.is_some(), applies, "{when}");
        }
    }

    #[test]
    fn the_shipped_default_asks_for_another_person() {
        let checkpoint = of(&Policy::shipped_default(), "risk: destructive", &[]).unwrap();
        assert_eq!(checkpoint.requirements, [needs(1, "approver")]);
        assert_eq!(checkpoint.not, [NotWho::Performer]);
    }
}
