//! Commands about one incident: starting it, and everything a person can want in it.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::json;

use super::args::{Cmd, Common, FidelityArg, Secrets, Start};
use super::config::Config;
use super::{CliError, checkpoint, collect, elsewhere, out, status, steps, times, updates};
use crate::driver::begin::{self, Gathered};
use crate::driver::session::Acted;
use crate::driver::{Desk, Session};
use crate::engine::command::StartIncident;
use crate::engine::event::Fidelity;
use crate::engine::fact::Milestone;
use crate::engine::intent::{Intent, Secret};
use crate::engine::{Event, IncidentId, RunId};
use crate::evidence::{Digest, escape};
use crate::host::files;
use crate::journal::Store;
use crate::runbook::model::{Role, Severity};
use crate::timeline::wording::sentence_among;
use crate::trust::{Mode, Principal};

/// Does one of these commands.
///
/// # Errors
/// As the command's own.
pub fn run(common: &Common, command: Cmd) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let desk = config.desk()?;
    match command {
        Cmd::Start(start_args) => start(common, &desk, &start_args),
        Cmd::Incidents { all } => status::incidents(common, &desk, all),
        Cmd::Status { inc } => status::status(common, &open(&desk, &inc)?),
        Cmd::Step { inc, step, action } => {
            let mut session = open(&desk, &inc)?;
            steps::run(common, &mut session, &step, action)
        }
        Cmd::Statement(wanted) => elsewhere::statement(common, &desk, &wanted),
        command if elsewhere::is_signed(&command) => elsewhere::take_in(common, &desk, &command),
        Cmd::Request { .. }
        | Cmd::Withdraw { .. }
        | Cmd::Approve { .. }
        | Cmd::Deny { .. }
        | Cmd::Override { .. }
        | Cmd::Delegate { .. }
        | Cmd::Policy { .. }
        | Cmd::Expunge { .. }
        | Cmd::Review { .. } => checkpoint::run(common, &desk, command),
        Cmd::Collect(wanted) => collect::run(common, &desk, &wanted),
        Cmd::Update(wanted) => updates::update(common, &desk, wanted),
        Cmd::Outbox(wanted) => updates::outbox(common, &desk, &wanted),
        other => entry(common, &desk, other),
    }
}

/// Opens an incident by its id, its unique short form, or `-`; brings in what a hub has of it, if there is one.
///
/// # Errors
/// When there is none, or several.
pub fn open(desk: &Rc<Desk>, text: &str) -> Result<Session, CliError> {
    let id = resolve(desk, text)?;
    let mut session = crate::driver::sync::open_or_fetch(desk, &id)?;
    if let Some(why) = session.journal().read_only() {
        out::talk(&format!(
            "READ-ONLY: nothing can be recorded here: {}",
            escape::line(why)
        ));
        return Ok(session);
    }
    settle(&mut session)?;
    Ok(session)
}

/// Brings in everything that happened meanwhile: ended commands, other processes, the hub.
fn settle(session: &mut Session) -> Result<(), CliError> {
    for notice in session.poll()?.notices {
        out::talk(&escape::line(&notice));
    }
    if let Err(error) = session.exchange() {
        out::talk(&format!("hub: {}", escape::line(&error.to_string())));
    }
    Ok(())
}

/// The incident that is meant, here or at the hub.
///
/// # Errors
/// When there is none, or several.
pub fn resolve(desk: &Desk, text: &str) -> Result<IncidentId, CliError> {
    match lookup(&Session::store(desk), text)? {
        Looked::Found(id) => Ok(id),
        Looked::Absent(tail) => at_hub(desk, &tail, text),
    }
}

/// The incident that is meant, of those known here.
///
/// # Errors
/// When there is none, or several.
pub fn known(store: &Store, text: &str) -> Result<IncidentId, CliError> {
    match lookup(store, text)? {
        Looked::Found(id) => Ok(id),
        Looked::Absent(_) => Err(CliError::Input(format!(
            "there is no incident {} here",
            escape::line(text)
        ))),
    }
}

enum Looked {
    Found(IncidentId),
    /// The end of the id that was looked for.
    Absent(String),
}

fn lookup(store: &Store, text: &str) -> Result<Looked, CliError> {
    if text == "-" {
        let summaries = store.summaries()?;
        // One without events was begun by a process that died before it recorded anything.
        let mut open = summaries
            .iter()
            .filter(|summary| !summary.closed && summary.events > 0);
        return match (open.next(), open.next()) {
            (Some(summary), None) => Ok(Looked::Found(summary.id.clone())),
            (None, _) => Err(CliError::Input("there is no open incident".to_owned())),
            _ => Err(CliError::Input(
                "several incidents are open: say which (`runsheet incidents`)".to_owned(),
            )),
        };
    }
    let wanted = text.to_ascii_uppercase();
    let tail = wanted.strip_prefix("INC-").unwrap_or(&wanted);
    if tail.len() < 4 || tail.len() > 26 {
        return Err(CliError::Input(format!(
            "`{}` is no incident: INC- and at least 4 characters of its id",
            escape::line(text)
        )));
    }
    let ids = store.incidents()?;
    let found: Vec<_> = ids
        .iter()
        .filter(|id| id.as_str().ends_with(tail))
        .collect();
    match found.as_slice() {
        [id] => Ok(Looked::Found((*id).clone())),
        [] => Ok(Looked::Absent(tail.to_owned())),
        several => {
            let names: Vec<_> = several.iter().map(|id| id.as_str()).collect();
            Err(CliError::Input(format!(
                "{text} could be any of: {}",
                names.join(", ")
            )))
        }
    }
}

fn at_hub(desk: &Desk, tail: &str, text: &str) -> Result<IncidentId, CliError> {
    let none = || {
        CliError::Input(format!(
            "there is no incident {} here{}",
            escape::line(text),
            match &desk.settings.hub {
                Some(_) => " or at the hub",
                None => ", and no hub is configured",
            }
        ))
    };
    if desk.settings.hub.is_none() {
        return Err(none());
    }
    crate::driver::sync::find_at_hub(desk, tail)?.ok_or_else(none)
}

fn start(common: &Common, desk: &Rc<Desk>, args: &Start) -> Result<(), CliError> {
    let gathered = begin::gather(desk, &args.runbook)?;
    let inputs = pairs(&args.set)?;
    let given = secrets(&args.secrets)?;
    let names: Vec<_> = given.keys().cloned().collect();
    if let Some(incident) = &args.incident {
        let mut session = open(desk, incident)?;
        let acted = session.another_run(&gathered, inputs, names)?;
        told(common, &mut session, &acted)?;
        return out::data(&format!("INC-{}", session.id()));
    }
    let begun = begun(args, &gathered, inputs, names)?;
    let mut session = Session::begin(Rc::clone(desk), begun)?;
    keep(&mut session, given);
    publish(&mut session);
    let id = session.id().clone();
    if common.json {
        let run = session.state().runs.first().map(|run| run.id.to_string());
        return out::json(&json!({ "incident": id, "short": id.short(4), "run": run }));
    }
    let at = session.state().runs.first().and_then(|run| run.at.clone());
    out::talk(&format!(
        "started {}: {}{}",
        id.short(4),
        escape::line(&gathered.book.title),
        at.map_or_else(String::new, |step| format!(" · first step: {step}"))
    ));
    out::data(&format!("INC-{id}"))
}

fn begun(
    args: &Start,
    gathered: &Gathered,
    inputs: BTreeMap<String, String>,
    secrets: Vec<String>,
) -> Result<StartIncident, CliError> {
    let severity = match &args.severity {
        Some(text) => severity(text)?,
        None => gathered.book.severity.unwrap_or(Severity::Sev3),
    };
    Ok(StartIncident {
        exercise: None,
        title: args
            .title
            .clone()
            .unwrap_or_else(|| gathered.book.title.clone()),
        severity,
        mode: Mode::Live,
        reference: args.reference.clone(),
        alert: args.alert.clone(),
        library: gathered.library.clone(),
        policy: gathered.policy.clone(),
        policy_yaml: gathered.policy_yaml.clone(),
        allowed_signers: gathered.allowed_signers.clone(),
        run: Some(gathered.run(inputs, secrets)),
    })
}

/// An intent that can only be named once the incident is open.
type MakesIntent = dyn FnOnce(&Session) -> Result<Intent, CliError>;

#[allow(clippy::too_many_lines, reason = "one arm a command, nothing else")]
fn entry(common: &Common, desk: &Rc<Desk>, command: Cmd) -> Result<(), CliError> {
    let when = |session: &Session, text: Option<&String>| {
        text.map(|text| times::read(text, session.now()))
            .transpose()
            .map_err(CliError::Input)
    };
    let (inc, intent): (String, Box<MakesIntent>) = match command {
        Cmd::Role { inc, person, role } => (
            inc,
            Box::new(move |session| {
                Ok(Intent::AssignRole {
                    who: principal(session, &person)?,
                    role: Role(role),
                })
            }),
        ),
        Cmd::Severity {
            inc,
            severity: text,
        } => {
            let severity = severity(&text)?;
            (inc, Box::new(move |_| Ok(Intent::SetSeverity(severity))))
        }
        Cmd::Milestone {
            inc,
            milestone,
            at,
            fidelity: known,
        } => {
            let reached = Milestone::named(&milestone).ok_or_else(|| {
                let names: Vec<_> = Milestone::ALL
                    .iter()
                    .map(|milestone| milestone.word())
                    .collect();
                CliError::Input(format!(
                    "`{}` is no milestone: {}",
                    escape::line(&milestone),
                    names.join(", ")
                ))
            })?;
            (
                inc,
                Box::new(move |session| {
                    Ok(Intent::Reach {
                        milestone: reached,
                        at: when(session, at.as_ref())?,
                        fidelity: fidelity(known),
                    })
                }),
            )
        }
        Cmd::Note {
            inc,
            text,
            at,
            until,
            fidelity: known,
            step,
            details,
        } => (
            inc,
            Box::new(move |session| {
                let step = step.map(|step| session.step(&step)).transpose()?;
                Ok(Intent::Note {
                    text,
                    at: when(session, at.as_ref())?,
                    until: when(session, until.as_ref())?,
                    fidelity: fidelity(known),
                    step,
                    details: details.details(session)?.map(Box::new),
                })
            }),
        ),
        Cmd::Correct {
            inc,
            event,
            text,
            reason,
        } => (
            inc,
            Box::new(move |session| {
                Ok(Intent::Correct {
                    event: event_named(session, &event)?,
                    text,
                    reason,
                })
            }),
        ),
        Cmd::Attach { inc, file, step } => (
            inc,
            Box::new(move |session| {
                let step = step.map(|step| session.step(&step)).transpose()?;
                Ok(Intent::Attach {
                    path: file.to_string_lossy().into_owned(),
                    step,
                })
            }),
        ),
        Cmd::Close { inc } => (inc, Box::new(|_| Ok(Intent::Close))),
        Cmd::Reopen { inc, reason } => (inc, Box::new(move |_| Ok(Intent::Reopen { reason }))),
        _ => return Err(CliError::Input("no such command".to_owned())),
    };
    let mut session = open(desk, &inc)?;
    let intent = intent(&session)?;
    act(common, &mut session, intent)
}

/// Does it, says what was recorded, and publishes it.
///
/// # Errors
/// A refusal, or whatever kept it from being recorded.
pub fn act(common: &Common, session: &mut Session, intent: Intent) -> Result<(), CliError> {
    let acted = session.act(intent)?;
    told(common, session, &acted)
}

/// Says what was recorded and publishes it.
///
/// # Errors
/// When nobody reads it.
pub fn told(common: &Common, session: &mut Session, acted: &Acted) -> Result<(), CliError> {
    told_with(common, session, acted, json!({}))
}

/// As [`told`], with these members more in the document.
///
/// # Errors
/// As [`told`].
pub fn told_with(
    common: &Common,
    session: &mut Session,
    acted: &Acted,
    mut document: serde_json::Value,
) -> Result<(), CliError> {
    publish(session);
    let said = |event: &Event| sentence_among(event, session.journal().log().events());
    if common.json {
        let events: Vec<_> = acted
            .events
            .iter()
            .map(|event| json!({ "event": event.id, "kind": event.fact.kind(), "sentence": said(event) }))
            .collect();
        document["incident"] = json!(session.id());
        document["events"] = json!(events);
        return out::json(&document);
    }
    for event in &acted.events {
        out::talk(&format!(
            "{} {}",
            event.told_at().format("%H:%M:%S"),
            said(event)
        ));
    }
    Ok(())
}

/// Sends what was told, and publishes to the local references and, where there is one, the hub. What was recorded stays so without either.
pub fn publish(session: &mut Session) {
    updates::send_fresh(session);
    if let Err(error) = session.publish() {
        out::talk(&format!(
            "recorded, but not published yet: {}",
            escape::line(&error.to_string())
        ));
    }
    if let Err(error) = session.exchange() {
        out::talk(&format!(
            "recorded here; the hub gets it later: {}",
            escape::line(&error.to_string())
        ));
    }
}

/// `NAME=VALUE` pairs.
///
/// # Errors
/// When one has no `=`, or a name comes twice.
pub fn pairs(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let mut values = BTreeMap::new();
    for pair in given {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            CliError::Input(format!("`{}` is not NAME=VALUE", escape::line(pair)))
        })?;
        if values.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(CliError::Input(format!(
                "`{}` is given twice",
                escape::line(name)
            )));
        }
    }
    Ok(values)
}

/// Reads secret values from where they are said to be.
///
/// # Errors
/// When a source is not understood or cannot be read.
pub fn secrets(given: &Secrets) -> Result<BTreeMap<String, Secret>, CliError> {
    let mut values = BTreeMap::new();
    for (name, source) in pairs(&given.secret)? {
        let text = match source.split_once(':') {
            Some(("env", variable)) => std::env::var(variable).map_err(|_| {
                CliError::Input(format!(
                    "--secret {name}: the environment has no {variable}"
                ))
            })?,
            Some(("file", path)) => read_secret(&name, path.as_ref())?,
            Some(("fd", number)) if number.parse::<u32>().is_ok() => {
                read_secret(&name, format!("/proc/self/fd/{number}").as_ref())?
            }
            _ => {
                return Err(CliError::Input(format!(
                    "--secret {name}: say env:VAR, file:PATH or fd:N"
                )));
            }
        };
        values.insert(name, Secret(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    Ok(values)
}

fn read_secret(name: &str, path: &std::path::Path) -> Result<String, CliError> {
    let bytes = files::read_limited(path, 64 << 10)
        .map_err(|error| CliError::Input(format!("--secret {name}: {error}")))?;
    String::from_utf8(bytes).map_err(|_| CliError::Input(format!("--secret {name}: not UTF-8")))
}

/// Gives the secrets to the first run.
fn keep(session: &mut Session, given: BTreeMap<String, Secret>) {
    if let Some(run) = session.state().runs.first().map(|run| run.id.clone()) {
        keep_for(session, &run, given);
    }
}

/// Gives the secrets to a run.
pub fn keep_for(session: &mut Session, run: &RunId, given: BTreeMap<String, Secret>) {
    for (name, value) in given {
        session.keep_secret(run, &name, value);
    }
}

fn severity(text: &str) -> Result<Severity, CliError> {
    serde_json::from_value(text.to_ascii_lowercase().into()).map_err(|_| {
        CliError::Input(format!(
            "`{}` is no severity: sev1 to sev5",
            escape::line(text)
        ))
    })
}

/// As the engine has it.
#[must_use]
pub fn fidelity(known: FidelityArg) -> Fidelity {
    match known {
        FidelityArg::Exact => Fidelity::Exact,
        FidelityArg::Minute => Fidelity::Minute,
        FidelityArg::Estimated => Fidelity::Estimated,
    }
}

/// A person by principal, or by the name policy has for them.
///
/// # Errors
/// When the text can be no principal.
pub fn principal(session: &Session, text: &str) -> Result<Principal, CliError> {
    let named = session.state().incident.as_deref().and_then(|incident| {
        incident
            .policy
            .people
            .get(text)?
            .principals
            .first()
            .map(String::as_str)
    });
    Principal::try_from(named.unwrap_or(text)).map_err(|error| CliError::Input(error.to_string()))
}

/// An event by its digest, or enough of its beginning.
/// An event by the beginning of its digest.
///
/// # Errors
/// When there is none, or several.
pub fn event_named(session: &Session, text: &str) -> Result<Digest, CliError> {
    let hex = text
        .strip_prefix("sha256:")
        .unwrap_or(text)
        .to_ascii_lowercase();
    let mut found = session
        .journal()
        .log()
        .events()
        .iter()
        .filter(|event| hex.len() >= 4 && event.id.hex().starts_with(&hex));
    match (found.next(), found.next()) {
        (Some(event), None) => Ok(event.id),
        (None, _) => Err(CliError::Input(format!(
            "there is no event `{}`",
            escape::line(text)
        ))),
        _ => Err(CliError::Input(format!(
            "several events begin with `{}`",
            escape::line(text)
        ))),
    }
}
