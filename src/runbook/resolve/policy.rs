//! From the shape people write as a policy to the model. Knows nothing of YAML; refuses nothing.

use super::{asks, counts, keys, not_who, role, some_text, span, text, texts};
use crate::runbook::adoption::FEWEST;
use crate::runbook::decode::At;
use crate::runbook::freeze::{Freeze, Period, Zone};
use crate::runbook::model::{CheckpointSpec, Role};
use crate::runbook::policy::{
    Audience, Channel, ChannelKind, CheckpointRule, OverrideRule, Person, Policy, RedactRule,
};
use crate::runbook::policy_file::{
    AdoptFile, AudienceFile, ChannelFile, FreezeFile, OverrideFile, PersonFile, PolicyFile,
    RedactFile, RuleFile,
};
use crate::runbook::words::Label;

/// The policy that a file says.
pub(crate) fn policy(file: &PolicyFile) -> Policy {
    let people = file.people.iter().flat_map(|named| &named.0);
    let channels = file.channels.iter().flat_map(|named| &named.0);
    let audiences = file.audiences.iter().flat_map(|named| &named.0);
    Policy {
        people: people
            .map(|(key, file)| (key.value.0.clone(), person(&key.value.0, file)))
            .collect(),
        checkpoints: file
            .checkpoints
            .iter()
            .flatten()
            .map(|at| rule(&at.value))
            .collect(),
        freezes: file
            .freezes
            .iter()
            .flatten()
            .filter_map(|at| freeze(&at.value))
            .collect(),
        override_rule: file
            .override_rule
            .as_ref()
            .map_or_else(OverrideRule::default, overriding),
        adopt: file.adopt.as_ref().map(|at| adopt(&at.value)),
        allow_unknown_authors: file
            .unknown_authors
            .as_ref()
            .is_some_and(|at| at.value.0 == "allow"),
        redact: file.redact.iter().flatten().map(redact).collect(),
        channels: channels
            .filter_map(|(key, file)| {
                Some(Channel {
                    name: key.value.0.clone(),
                    kind: channel(file)?,
                })
            })
            .collect(),
        audiences: audiences
            .map(|(key, file)| audience(&key.value.0, file))
            .collect(),
        clocks: file
            .clocks
            .iter()
            .flatten()
            .map(|at| at.value.0.clone())
            .collect(),
    }
}

fn redact(file: &RedactFile) -> RedactRule {
    RedactRule {
        name: file.name.value.0.clone(),
        pattern: file.pattern.as_ref().map(text),
    }
}

fn audience(name: &str, file: &AudienceFile) -> Audience {
    let channels = file.channels.iter().flatten();
    Audience {
        name: name.to_owned(),
        tlp: file.tlp.as_ref().map(|at| at.value.0.to_owned()),
        channels: channels.map(|at| at.value.0.clone()).collect(),
        approval: file.approval.is_some(),
        template: some_text(file.template.as_ref()),
    }
}

fn adopt(file: &AdoptFile) -> CheckpointSpec {
    CheckpointSpec {
        approvals: file.approvals.as_ref().map_or(FEWEST, |at| at.value.0),
        role: role(file.role.as_ref()),
        of_them: counts(file.of_them.as_ref()),
        not: Vec::new(),
        keys: keys(file.keys.as_ref().map(|at| &at.value)),
        expires: None,
    }
}

fn overriding(file: &OverrideFile) -> OverrideRule {
    OverrideRule {
        roles: roles(file.roles.as_ref()),
        when: some_text(file.when.as_ref()),
        expires: span(file.expires.as_ref()),
        review_within: span(file.review_within.as_ref()),
    }
}

fn roles(values: Option<&Vec<At<Label>>>) -> Vec<Role> {
    values
        .into_iter()
        .flatten()
        .map(|at| Role(at.value.0.clone()))
        .collect()
}

fn person(key: &str, file: &PersonFile) -> Person {
    Person {
        name: some_text(file.name.as_ref()).unwrap_or_else(|| key.to_owned()),
        principals: texts(file.principals.as_ref()),
        accounts: texts(file.accounts.as_ref()),
        roles: roles(file.roles.as_ref()),
        emails: texts(file.emails.as_ref()),
    }
}

fn rule(file: &RuleFile) -> CheckpointRule {
    CheckpointRule {
        when: some_text(file.when.as_ref()),
        asks: asks!(file),
    }
}

/// The shape lets no freeze pass that has not one of both forms.
fn freeze(file: &FreezeFile) -> Option<Freeze> {
    let period = match (&file.from, &file.until, &file.weekly) {
        (Some(from), Some(until), _) => Period::Once {
            from: from.value.0,
            until: until.value.0,
        },
        (_, _, Some(weekly)) => Period::Weekly {
            from: weekly.value.from.value.0,
            until: weekly.value.until.value.0,
            zone: weekly.value.zone.as_ref().map_or(Zone(0), |at| at.value.0),
        },
        _ => return None,
    };
    Some(Freeze {
        name: file.name.value.0.clone(),
        period,
        when: some_text(file.when.as_ref()),
        asks: asks!(file),
    })
}

fn channel(file: &ChannelFile) -> Option<ChannelKind> {
    if let Some(hook) = &file.webhook {
        return Some(ChannelKind::Webhook {
            url: text(&hook.url),
            shape: hook.shape.as_ref().map(|at| at.value.0.to_owned()),
        });
    }
    if let Some(smtp) = &file.smtp {
        return Some(ChannelKind::Smtp {
            server: text(&smtp.server),
            to: smtp.to.iter().map(text).collect(),
            from: some_text(smtp.from.as_ref()),
            user: some_text(smtp.user.as_ref()),
            password: some_text(smtp.password.as_ref()),
            tls: smtp.tls.as_ref().map(|at| at.value.0.to_owned()),
        });
    }
    if let Some(out) = &file.file {
        return Some(ChannelKind::File {
            path: text(&out.path),
        });
    }
    file.command.as_ref().map(|out| ChannelKind::Command {
        run: text(&out.run),
    })
}
