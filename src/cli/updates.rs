//! Stakeholder updates from the command line: telling, with a preview of exactly what leaves, and the outbox.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::args::Common;
use super::{CliError, incident, out};
use crate::driver::post::Leaving;
use crate::driver::{Desk, Session};
use crate::engine::{EventId, Intent};
use crate::evidence::{Digest, escape};
use crate::outbox::{self, Delivery, Standing};
use crate::runbook::policy::{Channel, ChannelKind};
use crate::timeline::promises::promises;

/// What stands for the key before there is an event it follows from.
const NO_KEY: &str = "(follows from the event)";

/// An update for stakeholders.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Update {
    inc: String,
    /// Who is told: an audience of the policy
    #[arg(long)]
    audience: String,
    /// Where things stand
    #[arg(id = "stands", long = "state", value_enum, value_name = "STATE")]
    state: Option<Stands>,
    /// As `--state` of every other command; `runsheet --state DIR update` does as well
    #[arg(id = "state_dir", long = "state-dir", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What they are told
    text: String,
    /// Promise the next update within this time: 30m, 2h
    #[arg(long, value_name = "TIME")]
    next: Option<String>,
    /// Show exactly what would leave, and leave it at that
    #[arg(long)]
    preview: bool,
}

/// Where things stand, as status pages have it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stands {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
}

/// What is on its way out.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Outbox {
    /// Of this incident; of all if none is named
    inc: Option<String>,
    /// Try now all that waits or was given up; 4 if something is left
    #[arg(long)]
    retry: bool,
}

/// Tells stakeholders.
///
/// # Errors
/// When a rule forbids it, or it cannot be recorded. That it cannot be sent yet is no error.
pub fn update(common: &Common, desk: &Rc<Desk>, wanted: Update) -> Result<(), CliError> {
    let mut session = incident::open(desk, &wanted.inc)?;
    let next = wanted
        .next
        .as_deref()
        .map(|text| within(text, session.now().to_utc()))
        .transpose()?;
    let state = wanted.state.and_then(|state| state.to_possible_value());
    let intent = Intent::Update {
        audience: wanted.audience,
        state: state.map(|state| state.get_name().to_owned()),
        message: wanted.text,
        next,
    };
    if wanted.preview {
        return preview(common, &session.leaving(intent)?);
    }
    let acted = session.act(intent)?;
    let told = acted.events.iter().map(|event| event.id).collect();
    if common.json {
        // Sent before it is told, so that the document can say what became of it.
        send_fresh(&mut session);
        let document = json!({ "deliveries": rows(&of(&session, &told)?) });
        return incident::told_with(common, &mut session, &acted, document);
    }
    incident::told(common, &mut session, &acted)
}

fn within(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, CliError> {
    crate::runbook::words::length(text)
        .and_then(|length| TimeDelta::from_std(length).ok())
        .and_then(|length| now.checked_add_signed(length))
        .ok_or_else(|| {
            CliError::Input(format!(
                "--next {}: a time such as 30m, 2h or 1h30m",
                escape::line(text)
            ))
        })
}

fn preview(common: &Common, leaving: &Leaving) -> Result<(), CliError> {
    let shown: Vec<_> = leaving
        .channels
        .iter()
        .map(|channel| (channel, would_send(channel, leaving)))
        .collect();
    if common.json {
        let channels: Vec<_> = shown
            .iter()
            .map(|(channel, body)| json!({ "channel": channel.name, "kind": kind(channel), "body": body }))
            .collect();
        return out::json(&json!({
            "text": leaving.wording.text, "channels": channels, "stays": leaving.stays,
        }));
    }
    out::data(&leaving.wording.text)?;
    for (channel, body) in shown {
        out::data(&format!("\n--- {} ({})", channel.name, kind(channel)))?;
        out::data(&body)?;
    }
    if leaving.channels.is_empty() {
        let audience = escape::line(&leaving.wording.audience).into_owned();
        out::talk(&format!("the policy has no channel for {audience}"));
    }
    if let Some(why) = &leaving.stays {
        out::talk(&escape::line(why));
    }
    out::talk("nothing was recorded, nothing was sent");
    Ok(())
}

/// The very bytes, but for the key.
fn would_send(channel: &Channel, leaving: &Leaving) -> String {
    let wording = leaving.wording.clone();
    let now = wording.written;
    let mut delivery = Delivery::new(Digest::of(b""), &channel.name, wording, now);
    delivery.key = NO_KEY.to_owned();
    match &channel.kind {
        ChannelKind::Webhook { shape, .. } => pretty(&outbox::post(&delivery, shape.as_deref())),
        ChannelKind::Smtp { to, from, .. } => match outbox::mail(&delivery, from.as_deref(), to) {
            Ok(mail) => escape::text(&format!(
                "From: {}\nTo: {}\nSubject: {}\nMessage-ID: {}\n\n{}",
                mail.from,
                mail.to.join(", "),
                mail.subject,
                mail.message_id,
                mail.body
            ))
            .into_owned(),
            Err(why) => format!("nothing: {}", escape::line(&why)),
        },
        ChannelKind::File { .. } | ChannelKind::Command { .. } => {
            outbox::document(&delivery).to_string()
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn kind(channel: &Channel) -> String {
    match &channel.kind {
        ChannelKind::Webhook { shape, .. } => {
            format!("web hook, {}", shape.as_deref().unwrap_or("generic"))
        }
        ChannelKind::Smtp { .. } => "mail".to_owned(),
        ChannelKind::File { path } => format!("file {}", escape::line(path)),
        ChannelKind::Command { .. } => "program".to_owned(),
    }
}

/// Tries once to send what was told just now, and says what came of it. Never fails: it is recorded, and on disk.
pub fn send_fresh(session: &mut Session) {
    let (told, acted) = match session.post_fresh() {
        Ok(Some(posted)) => posted,
        Ok(None) => return,
        Err(error) => {
            let why = error.to_string();
            out::talk(&format!(
                "recorded, but not sent yet: {}",
                escape::line(&why)
            ));
            return;
        }
    };
    for notice in &acted.notices {
        out::talk(&escape::line(notice));
    }
    let deliveries = of(session, &told).unwrap_or_default();
    if deliveries.is_empty() && acted.notices.is_empty() {
        out::talk("recorded; the policy has no channel for this audience, so nothing was sent");
    }
    for delivery in &deliveries {
        out::talk(&said(delivery));
    }
    if deliveries
        .iter()
        .any(|delivery| delivery.standing != Standing::Delivered)
    {
        let inc = session.id().short(4);
        out::talk(&format!(
            "hint: the screen and `runsheet sync --watch` go on trying; `runsheet outbox {inc} --retry` tries now"
        ));
    }
}

fn of(session: &Session, told: &BTreeSet<EventId>) -> Result<Vec<Delivery>, CliError> {
    let (mut all, _) = session.deliveries()?;
    all.retain(|delivery| told.contains(&delivery.update));
    Ok(all)
}

/// One delivery in a sentence.
fn said(delivery: &Delivery) -> String {
    let channel = escape::line(&delivery.channel).into_owned();
    let why = escape::line(delivery.last_error.as_deref().unwrap_or("not tried yet")).into_owned();
    match delivery.standing {
        Standing::Delivered => format!("sent through {channel}"),
        Standing::Waiting => format!(
            "not sent yet through {channel}: {why}; next try {}",
            delivery.next_try.format("%H:%M:%SZ")
        ),
        Standing::GivenUp => format!(
            "NOT SENT through {channel}: given up after {} tries: {why}",
            delivery.tries
        ),
    }
}

/// Shows what is on its way out, and tries it now if that is wanted.
///
/// # Errors
/// When an outbox cannot be read, or something is left after it was tried.
pub fn outbox(common: &Common, desk: &Rc<Desk>, wanted: &Outbox) -> Result<(), CliError> {
    let ids = match &wanted.inc {
        Some(inc) => vec![incident::resolve(desk, inc)?],
        None => Session::store(desk).incidents()?,
    };
    let mut document = Vec::new();
    let mut left = false;
    for id in ids {
        // Of many incidents few have told anybody anything.
        if wanted.inc.is_none() && !crate::driver::post::has_outbox(&desk.settings, &id) {
            continue;
        }
        let mut session = Session::open(Rc::clone(desk), &id)?;
        if wanted.retry {
            let acted = session.post_all()?;
            for notice in &acted.notices {
                out::talk(&format!("{}: {}", id.short(4), escape::line(notice)));
            }
            incident::publish(&mut session);
        }
        let (all, problems) = session.deliveries()?;
        for problem in problems {
            out::talk(&escape::line(&problem));
        }
        left |= all.iter().any(|one| one.standing != Standing::Delivered);
        if common.json {
            document.push(json!({ "incident": id, "deliveries": rows(&all) }));
            continue;
        }
        for delivery in &all {
            out::data(&row(&id.short(4), delivery))?;
        }
    }
    if common.json {
        out::json(&json!({ "outbox": document }))?;
    }
    if wanted.retry && left {
        return Err(CliError::Status(4));
    }
    Ok(())
}

fn row(inc: &str, delivery: &Delivery) -> String {
    let wording = &delivery.wording;
    let mut row = format!(
        "{inc}  {}  {:<9}  {:<12} {:<12} {}",
        wording.written.format("%Y-%m-%d %H:%M:%SZ"),
        word(delivery.standing),
        escape::line(&delivery.channel),
        escape::line(&wording.audience),
        wording.state.as_deref().unwrap_or("-"),
    );
    if delivery.tries != 1 || delivery.standing != Standing::Delivered {
        row.push_str(&format!("  {} tries", delivery.tries));
    }
    if let Some(why) = &delivery.last_error {
        row.push_str(&format!("  {}", escape::line(why)));
    }
    if delivery.standing == Standing::Waiting {
        row.push_str(&format!("  next {}", delivery.next_try.format("%H:%M:%SZ")));
    }
    row
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting => "waiting",
        Standing::Delivered => "delivered",
        Standing::GivenUp => "given up",
    }
}

fn rows(deliveries: &[Delivery]) -> Vec<Value> {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let row = |one: &Delivery| {
        json!({
            "key": one.key, "update": one.update, "channel": one.channel,
            "audience": one.wording.audience, "state": one.wording.state,
            "standing": one.standing, "tries": one.tries, "last_error": one.last_error,
            "last_try": one.last_try.map(time),
            "next_try": (one.standing == Standing::Waiting).then(|| time(one.next_try)),
            "written": time(one.wording.written), "text": one.wording.text,
        })
    };
    deliveries.iter().map(row).collect()
}

/// What `status` says of it: promised updates, and what is undelivered.
///
/// # Errors
/// When the outbox cannot be read.
pub fn standing(session: &Session, now: DateTime<Utc>) -> Result<Vec<String>, CliError> {
    let mut lines = Vec::new();
    if session.state().closed.is_none() {
        for promise in promises(session.journal().log().events()) {
            let mark = if promise.next <= now {
                "! OVERDUE: "
            } else {
                ""
            };
            lines.push(format!(
                "{mark}next update for {} promised by {}",
                escape::line(&promise.audience),
                promise.next.format("%Y-%m-%d %H:%M:%SZ")
            ));
        }
    }
    let (all, _) = session.deliveries()?;
    let left = all.iter().filter(|one| one.standing != Standing::Delivered);
    match left.count() {
        0 => {}
        count => lines.push(format!(
            "! {count} undelivered: runsheet outbox {}",
            session.id().short(4)
        )),
    }
    Ok(lines)
}

/// The same for programs.
///
/// # Errors
/// When the outbox cannot be read.
pub fn document(session: &Session, now: DateTime<Utc>) -> Result<Value, CliError> {
    let (all, _) = session.deliveries()?;
    let promised: Vec<_> = promises(session.journal().log().events())
        .into_iter()
        .filter(|_| session.state().closed.is_none())
        .map(|promise| {
            json!({
                "audience": promise.audience, "update": promise.update, "overdue": promise.next <= now,
                "next": promise.next.to_rfc3339_opts(SecondsFormat::Secs, true),
            })
        })
        .collect();
    let left = all.iter().filter(|one| one.standing != Standing::Delivered);
    Ok(json!({ "promised": promised, "undelivered": left.count() }))
}
