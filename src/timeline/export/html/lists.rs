//! What was decided, who was told, what is to be done, what was captured, what does not fit, and how all of it is
//! verified.

use chrono::{DateTime, Utc};

use super::markup::{Markup, put};
use super::section;
use super::words::{Entry, Promised, Show, Time, Who, counted, moment};
use crate::engine::details::FollowupStatus;
use crate::timeline::rows::Captured;
use crate::timeline::{Followup, Timeline};

pub(super) fn decisions(page: &mut Markup, timeline: &Timeline) {
    section(page, "decisions", "Decisions");
    let named = || {
        timeline
            .rows
            .iter()
            .filter(|row| row.kind == "decision.named")
    };
    if timeline.decisions.is_empty() && named().next().is_none() {
        page.none("None is recorded.");
        put!(page, "</section>");
        return;
    }
    put!(page, "<ul class=\"entries\">");
    for choice in &timeline.decisions {
        let question = choice.question.as_deref().unwrap_or(&choice.step);
        put!(page, "<li>" [moment(choice.at)] " <strong>" {question} "</strong> → <strong>" {&choice.chosen} "</strong>, by " [Who(&choice.by)]);
        if let Some(suggested) = &choice.suggested {
            put!(page, " (suggested: " {suggested} ")");
        }
        put!(page, " " [Entry(choice.event)] "</li>");
    }
    for row in named() {
        put!(page, "<li>" [Time(row.occurred_at, row.fidelity, Show::Whole)] " <strong>" {&row.who} "</strong> " {&row.text} " " [Entry(row.event)] "</li>");
    }
    put!(page, "</ul></section>");
}

pub(super) fn updates(page: &mut Markup, timeline: &Timeline, now: DateTime<Utc>) {
    section(page, "updates", "Stakeholder updates");
    if timeline.updates.is_empty() {
        page.none("None is recorded.");
        put!(page, "</section>");
        return;
    }
    put!(page, "<ul class=\"entries\">");
    for update in &timeline.updates {
        put!(page, "<li>" [moment(update.at)] " to <strong>" {&update.audience} "</strong>");
        if let Some(state) = &update.state {
            put!(page, " <span class=\"chip\">" {state} "</span>");
        }
        put!(page, " by " [Who(&update.by)] " " [Entry(update.event)] "<blockquote>" {&update.message} "</blockquote>");
        if let Some((next, standing)) = timeline.promised(update, now) {
            put!(page, "<p class=\"meta\">next one promised by " [moment(next.fixed_offset())] " " [Promised(standing)] "</p>");
        }
        put!(page, "</li>");
    }
    put!(page, "</ul></section>");
}

pub(super) fn followups(page: &mut Markup, timeline: &Timeline) {
    section(page, "followups", "Follow-ups");
    if timeline.followups.is_empty() {
        page.none("None is recorded.");
        put!(page, "</section>");
        return;
    }
    put!(page, "<ul class=\"tasks\">");
    for one in &timeline.followups {
        followup(page, one);
    }
    put!(page, "</ul></section>");
}

fn followup(page: &mut Markup, one: &Followup) {
    let mark = match one.status {
        FollowupStatus::Open => "☐",
        FollowupStatus::Done => "☑",
        FollowupStatus::Dropped => "☒",
    };
    put!(page, "<li><span class=\"box\" aria-hidden=\"true\">" {mark} "</span><div><strong>" {&one.text} "</strong> " [Entry(one.event)]);
    put!(page, "<p class=\"meta\">" {one.status.word()} " · " {one.kind.word().replace('_', " ")} " · ");
    match &one.owner {
        Some(owner) => put!(page, "owner " {owner}),
        None => put!(page, "<strong class=\"bad\">no owner</strong>"),
    }
    match one.due {
        Some(due) => put!(page, " · due <time datetime=\"" {due} "\">" {due} "</time>"),
        None => put!(page, " · <strong class=\"bad\">no date</strong>"),
    }
    if let Some(about) = one.about {
        put!(page, " · from "[Entry(about)]);
    }
    put!(page, "</p>");
    for said in &one.notes {
        put!(page, "<p class=\"meta\">" [moment(said.at)] " " [Who(&said.by)] ": " {&said.text} "</p>");
    }
    put!(page, "</div></li>");
}

pub(super) fn evidence(page: &mut Markup, timeline: &Timeline) {
    section(page, "evidence", "Evidence");
    if timeline.evidence.is_empty() {
        page.none("None was captured.");
        put!(page, "</section>");
        return;
    }
    put!(page, "<ul class=\"evidence\">");
    for captured in &timeline.evidence {
        artifact(page, captured);
    }
    put!(page, "</ul></section>");
}

fn artifact(page: &mut Markup, captured: &Captured) {
    put!(page, "<li><strong>" {&captured.name} "</strong>");
    if captured.withheld {
        put!(page, " <span class=\"chip bad\">withheld</span>");
    }
    put!(page, " " [Entry(captured.event)] "<p class=\"meta\">" [moment(captured.collected_at.fixed_offset())] " by " [Who(&captured.by)] " · " {&captured.source} " on " {&captured.host});
    if let Some((from, to)) = captured.range {
        put!(page, ", bytes " {from} " to " {to});
    }
    put!(page, " · " {captured.size} " bytes");
    if captured.redacted > 0 {
        put!(page, ", " {captured.redacted} " redacted");
    }
    if captured.dropped > 0 {
        put!(page, ", " {captured.dropped} " bytes not kept");
    }
    put!(page, "</p><p class=\"meta\"><code>" {captured.sha256} "</code></p></li>");
}

pub(super) fn flags(page: &mut Markup, timeline: &Timeline) {
    if timeline.flags.is_empty() {
        return;
    }
    section(page, "flags", "What does not fit");
    put!(page, "<ul class=\"entries\">");
    for flag in &timeline.flags {
        let (class, word) = if flag.violation {
            ("bad", "violation")
        } else {
            ("", "conflict")
        };
        put!(page, "<li><span class=\"chip " {class} "\">" {word} "</span> " {&flag.what} ", by " [Who(&flag.by)] " " [Entry(flag.event)] "</li>");
    }
    put!(page, "</ul></section>");
}

pub(super) fn verifying(page: &mut Markup, timeline: &Timeline) {
    let head = &timeline.header;
    let id = head.incident.as_ref().map_or("INC", |id| id.as_str());
    section(page, "verifying", "How to verify this");
    let events = counted(
        usize::try_from(head.events).unwrap_or(usize::MAX),
        "event",
        "events",
    );
    put!(page, "<p>This page was made from " {events} " and nothing else; the same events give the same bytes. <code>runsheet verify INC-" {id} "</code> proves the chain, every signature and every gate again.</p>");
    if let Some(audience) = &timeline.audience {
        put!(page, "<p>The events that are left out, sorted, as the canonical JSON <code>{&quot;withheld&quot;:[…]}</code>, have the SHA-256 <code>" {audience.withheld.sha256} "</code>.</p>");
    }
    put!(page, "<dl class=\"facts\">");
    if let Some(library) = &head.library {
        put!(page, "<div><dt>Library</dt><dd>" {&library.source} " at <code>" {&library.commit} "</code>: " {&library.subject} "</dd></div>");
    }
    for run in &head.runs {
        put!(page, "<div><dt>Runbook</dt><dd>" {&run.path} " at <code>" {&run.commit} "</code> <code>" {run.sha256} "</code></dd></div>");
    }
    if let Some(policy) = &head.policy {
        put!(page, "<div><dt>Policy</dt><dd><code>" {&policy.commit} "</code> <code>" {policy.sha256} "</code></dd></div>");
    }
    put!(page, "<div><dt>Heads</dt><dd><code>" {head.heads_sha256} "</code> is the SHA-256 of the canonical JSON <code>{&quot;heads&quot;:[…]}</code> of these, in this order:<ul>");
    for event in &head.heads {
        put!(page, "<li><code>" {event} "</code></li>");
    }
    put!(page, "</ul></dd></div></dl></section>");
}
