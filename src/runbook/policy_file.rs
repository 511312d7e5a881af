//! The shape people write as `policy.yaml`: every key with what it is for, each value with its place.
//! Knows nothing of what the values mean together; `check` and `gates` do.

use super::decode::{At, Named, OneOrMany, Standing, shape};
use super::file::KeysFile;
use super::moments::{Moment, Offset, WeekTime};
use super::words::{
    Approvals, Count, HookShape, Label, Length, MailTls, Not, Text, Tlp, UnknownAuthors, Yes,
};

shape! {
    /// Who is who, what needs an approval, who may override.
    PolicyFile in "policy" where [];
    /// Everybody who acts, by the name used in the record.
    optional "people" people: Named<Label, PersonFile>,
    /// What a step gets even if its runbook asks for nothing or less; the stricter wins.
    optional "checkpoints" checkpoints: Vec<Standing<RuleFile>>,
    /// Times in which steps get more: a year's end, every weekend.
    optional "freezes" freezes: Vec<Standing<FreezeFile>>,
    /// Who may go through a checkpoint without its approvals.
    optional "override" override_rule: OverrideFile,
    /// Who may bring a new policy into an open incident.
    optional "adopt" adopt: Standing<AdoptFile>,
    /// Whether a step whose author is nobody of `people` passes `not: [author]`.
    optional "unknown_authors" unknown_authors: At<UnknownAuthors>,
    /// What is taken out of everything before it is recorded, beside the shipped rules.
    optional "redact" redact: Vec<RedactFile>,
    /// Ways out for stakeholder updates.
    optional "channels" channels: Named<Label, ChannelFile>,
    /// Who reads, and through which channels.
    optional "audiences" audiences: Named<Label, AudienceFile>,
    /// The regulatory clocks that may run here.
    optional "clocks" clocks: Vec<At<Label>>,
}

shape! {
    /// One human being.
    PersonFile in "person" where [];
    /// The name people know.
    optional "name" name: At<Text>,
    /// The principals of `allowed_signers` that are this person.
    optional "principals" principals: Vec<At<Text>>,
    /// The Unix accounts that are this person.
    optional "accounts" accounts: Vec<At<Text>>,
    /// What this person may do: `operator`, `approver`, `commander`, `scribe`, `liaison`, or your own.
    optional "roles" roles: Vec<At<Label>>,
    /// Addresses this person commits with, beside the principals.
    optional "emails" emails: Vec<At<Text>>,
}

shape! {
    /// A checkpoint that every matching step gets.
    RuleFile in "checkpoints" where [];
    /// An expression over `risk`, `kind`, `phase`, `severity`, `tags`, `services`, `runbook`, `step` and the values of the run; every step without it.
    optional "when" when: At<Text>,
    /// How many distinct people; 1 unless said otherwise.
    optional "approvals" approvals: At<Approvals>,
    /// The role they must have; `approver` unless said otherwise.
    optional "role" role: At<Label>,
    /// Of these approvals, so many by people who have another role as well: `{security: 1}`.
    optional "of_them" of_them: Named<Label, At<Count>>,
    /// Who does not count: `performer`, `requester`, `author`, `approver-of:STEP`.
    optional "not" not: OneOrMany<At<Not>>,
    /// Which keys count: hardware keys, touched or with their user verified; any without it.
    optional "keys" keys: Standing<KeysFile>,
    /// How long an approval holds; 15m unless said otherwise.
    optional "expires" expires: At<Length>,
}

shape! {
    /// A time in which matching steps get this checkpoint beside what they have anyhow.
    FreezeFile in "freeze" where [
        ExactlyOne(&["from", "weekly"]),
        Needs("from", "until"),
        Needs("until", "from"),
        Rising("from", "until"),
    ];
    /// What people call it.
    required "name" name: At<Label>,
    /// Its first moment, with offset: `2026-12-20T00:00:00+01:00`.
    optional "from" from: At<Moment>,
    /// The moment it is over.
    optional "until" until: At<Moment>,
    /// In place of `from` and `until`: every week.
    optional "weekly" weekly: Standing<WeeklyFile>,
    /// An expression as in a rule of `checkpoints`; every step without it.
    optional "when" when: At<Text>,
    /// How many distinct people; 1 unless said otherwise.
    optional "approvals" approvals: At<Approvals>,
    /// The role they must have; `approver` unless said otherwise.
    optional "role" role: At<Label>,
    /// Of these approvals, so many by people who have another role as well: `{security: 1}`.
    optional "of_them" of_them: Named<Label, At<Count>>,
    /// Who does not count: `performer`, `requester`, `author`, `approver-of:STEP`.
    optional "not" not: OneOrMany<At<Not>>,
    /// Which keys count: hardware keys, touched or with their user verified; any without it.
    optional "keys" keys: Standing<KeysFile>,
    /// How long an approval holds; 15m unless said otherwise.
    optional "expires" expires: At<Length>,
}

shape! {
    /// A time of every week.
    WeeklyFile in "weekly" where [];
    /// When it begins: `Fri 16:00`.
    required "from" from: At<WeekTime>,
    /// When it is over: `Mon 06:00`.
    required "until" until: At<WeekTime>,
    /// The offset of both from UTC; `Z` unless said otherwise.
    optional "zone" zone: At<Offset>,
}

shape! {
    /// Who may go through a checkpoint without its approvals.
    OverrideFile in "override" where [];
    /// The roles that may.
    optional "roles" roles: Vec<At<Label>>,
    /// An expression as in a rule of `checkpoints`: only such steps; every step without it.
    optional "when" when: At<Text>,
    /// How long an override holds.
    optional "expires" expires: At<Length>,
    /// How soon another person has to review it; later it is shown as late.
    optional "review_within" review_within: At<Length>,
}

shape! {
    /// The quorum that may bring a new policy into an open incident.
    AdoptFile in "adopt" where [];
    /// How many distinct people; 2 unless said otherwise, and never fewer.
    optional "approvals" approvals: At<Approvals>,
    /// The role they must have; `commander` unless said otherwise.
    optional "role" role: At<Label>,
    /// Of them, so many who have another role as well: `{security: 1}`.
    optional "of_them" of_them: Named<Label, At<Count>>,
    /// Which keys count: hardware keys, touched or with their user verified; any without it.
    optional "keys" keys: Standing<KeysFile>,
}

shape! {
    /// Something that is never recorded.
    RedactFile in "redact" where [];
    /// What is shown in its place.
    required "name" name: At<Label>,
    /// The regular expression that finds it. Without one it is a shipped rule that is not in force by itself: `email` or `ip`.
    optional "pattern" pattern: At<Text>,
}

shape! {
    /// A way out for stakeholder updates.
    ChannelFile in "channel" where [ExactlyOne(&["webhook", "smtp", "file", "command"])];
    /// A post to a URL.
    optional "webhook" webhook: WebhookFile,
    /// A mail.
    optional "smtp" smtp: SmtpFile,
    /// A file that is written.
    optional "file" file: FileChannel,
    /// A program that gets the update on its standard input.
    optional "command" command: CommandChannel,
}

shape! {
    /// A post to a URL.
    WebhookFile in "webhook" where [];
    /// Where to; `env:NAME` takes it from the environment, `file:PATH` out of a file.
    required "url" url: At<Text>,
    /// How the body looks.
    optional "shape" shape: At<HookShape>,
}

shape! {
    /// A mail.
    SmtpFile in "smtp" where [];
    /// Host and port.
    required "server" server: At<Text>,
    /// The addresses it goes to.
    required "to" to: Vec<At<Text>>,
    /// The address it comes from.
    optional "from" from: At<Text>,
    /// The name to log in with.
    optional "user" user: At<Text>,
    /// The password, as `env:NAME` or `file:PATH`.
    optional "password" password: At<Text>,
    /// How it is kept from being read on its way: `starttls` unless said otherwise; `tls` on port 465, `none` on this machine.
    optional "tls" tls: At<MailTls>,
}

shape! {
    /// A file that is written.
    FileChannel in "file" where [];
    /// Its path.
    required "path" path: At<Text>,
}

shape! {
    /// A program that gets the update on its standard input.
    CommandChannel in "command" where [];
    /// The script.
    required "run" run: At<Text>,
}

shape! {
    /// Who reads, and through which channels.
    AudienceFile in "audience" where [];
    /// How far what they get may travel.
    optional "tlp" tlp: At<Tlp>,
    /// The channels of this policy.
    optional "channels" channels: Vec<At<Label>>,
    /// What is told them wants an approval: it passes the checkpoint of a `notify` step.
    optional "approval" approval: At<Yes>,
    /// How an update is worded for them: `{{ message }}`, `{{ title }}`, `{{ severity }}`, `{{ impact }}`, `{{ state }}`, `{{ next_update }}`, `{{ incident }}`, `{{ time }}`; the lines whose fact is missing are left out.
    optional "template" template: At<Text>,
}
