//! Ways out for stakeholder updates: that audiences name channels there are, that no secret stands in a policy or travels
//! in clear, that a template names facts there are.

use super::report::Report;
use crate::runbook::policy::UPDATE_FACTS;
use crate::runbook::policy_file::{ChannelFile, PolicyFile, SmtpFile};
use crate::runbook::problem::suggest;
use crate::runbook::text::braces;

pub(super) fn check(policy: &PolicyFile, report: &mut Report<'_, '_>) {
    let all = || policy.channels.iter().flat_map(|named| &named.0);
    let channels: Vec<&str> = all().map(|(name, _)| name.value.0.as_str()).collect();
    for (_, audience) in policy.audiences.iter().flat_map(|named| &named.0) {
        for channel in audience.channels.iter().flatten() {
            let name = channel.value.0.as_str();
            if !channels.contains(&name) {
                let what = format!("no channel is called {}", report.show(name));
                let hint = suggest(name, &channels);
                report.error(channel.at, "unknown-channel", what, hint);
            }
        }
        if let Some(template) = &audience.template {
            for (_, _, name) in braces(&template.value.0) {
                if !UPDATE_FACTS.contains(&name) {
                    let what = format!("an update has no {}", report.show(name));
                    let hint = suggest(name, &UPDATE_FACTS);
                    report.error(template.at, "unknown-name", what, hint);
                }
            }
        }
    }
    for (_, channel) in all() {
        one(channel, report);
    }
}

fn one(channel: &ChannelFile, report: &mut Report<'_, '_>) {
    if let Some(hook) = &channel.webhook
        && !["https://", "http://", "env:", "file:"]
            .iter()
            .any(|scheme| hook.url.value.0.starts_with(scheme))
    {
        let what = "this is no place to post to".to_owned();
        let hint = "write `https://…`, or `env:NAME` where the address is a secret".to_owned();
        report.error(hook.url.at, "bad-url", what, Some(hint));
    }
    if let Some(file) = &channel.file
        && !file.path.value.0.starts_with('/')
    {
        let what = "the path does not begin with `/`, so nobody knows where it leads".to_owned();
        report.error(file.path.at, "relative-path", what, None);
    }
    if let Some(smtp) = &channel.smtp {
        mail(smtp, report);
    }
}

fn mail(smtp: &SmtpFile, report: &mut Report<'_, '_>) {
    let Some(password) = &smtp.password else {
        return;
    };
    if !["env:", "file:"]
        .iter()
        .any(|from| password.value.0.starts_with(from))
    {
        let what = "a password stands in the policy".to_owned();
        let hint = "write `env:NAME` or `file:PATH`".to_owned();
        report.error(password.at, "secret-default", what, Some(hint));
    }
    if let Some(tls) = smtp.tls.as_ref().filter(|tls| tls.value.0 == "none") {
        let what = "the password would travel in clear".to_owned();
        let hint = "`tls: starttls`".to_owned();
        report.error(tls.at, "secret-in-clear", what, Some(hint));
    }
}
