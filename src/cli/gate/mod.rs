//! `runsheet gate`: whether a step's approvals open it now, and running exactly what was approved, for sudo rules, forced
//! commands and wrappers. The rules are the engine's; here is what makes them binding where the caller is not trusted.

mod place;

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::json;

use self::place::Place;
use super::args::{Common, Gate};
use super::incident::{open, principal};
use super::{CliError, out, steps};
use crate::driver::Session;
use crate::engine::checkpoint::record::Site;
use crate::engine::checkpoint::{person, record};
use crate::engine::command::StepKey;
use crate::engine::decide::Opened;
use crate::engine::exec::{Executor, Purpose, Var};
use crate::engine::ids::WriterId;
use crate::engine::{ExecRecord, Refusal};
use crate::evidence::escape;
use crate::host::supervise::{Exit, JobState};
use crate::runbook::argv::argv;
use crate::trust::Principal;

pub use place::{is_lent, other_user};

/// It was started, and nobody saw how it ended.
const LOST: u8 = 125;
/// It was let start, and could not be.
const NOT_STARTED: u8 = 126;
/// It took longer than the step lets it.
const TIMED_OUT: u8 = 124;

/// What is wanted of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Wanted {
    inc: String,
    step: String,
    json: bool,
    site: bool,
    run: bool,
    /// Its roll back, not the step itself.
    roll_back: bool,
    /// The one command that may be run.
    command: Option<Vec<String>>,
}

impl Wanted {
    fn purpose(&self) -> Purpose {
        if self.roll_back {
            Purpose::RollBack
        } else {
            Purpose::Run
        }
    }
}

/// Answers, or runs what was approved.
///
/// # Errors
/// When the gate is closed, or the answer cannot be given.
pub fn run(common: &Common, args: &Gate) -> Result<(), CliError> {
    let lent = is_lent();
    let wanted = if args.ssh {
        if lent {
            return Err(CliError::Input(
                "--ssh goes by the environment, which is not looked at with another account's rights"
                    .to_owned(),
            ));
        }
        let words = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
        from_ssh(&words, common.json)?
    } else {
        from_args(common.json, args)?
    };
    let place = place::find(common)?;
    let mut session = open(&place.desk, &wanted.inc)?;
    if lent {
        // A denial that is at the hub already must be seen.
        session.exchange()?;
    }
    let key = session.step(&wanted.step)?;
    if wanted.site {
        return out::data(&site_text(&Site::here(&session.at()?)));
    }
    let asked_by = args
        .asked_by
        .as_deref()
        .map(|name| principal(&session, name))
        .transpose()?;
    let opened = session.opened(&key, wanted.purpose())?;
    let opened = live(&session)
        .and(opened)
        .and_then(|opened| for_whom(&session, &place, &opened, asked_by.as_ref()).map(|()| opened));
    if !wanted.run && wanted.command.is_none() {
        return answer(&wanted, &session, &key, &opened);
    }
    let opened = opened?;
    runnable(&session, &key, &opened.record)?;
    if let Some(command) = &wanted.command {
        exactly(&opened.record, command)?;
    }
    if !wanted.json {
        for line in approvals(&opened) {
            out::talk(&line);
        }
    }
    through(&wanted, &mut session, &key, opened)
}

fn from_args(json: bool, args: &Gate) -> Result<Wanted, CliError> {
    let text = |word: &OsString| {
        word.to_str().map(str::to_owned).ok_or_else(|| {
            CliError::Input("the command is not UTF-8: no step can say that".to_owned())
        })
    };
    let command = (!args.command.is_empty())
        .then(|| args.command.iter().map(text).collect::<Result<_, _>>())
        .transpose()?;
    Ok(Wanted {
        inc: args.inc.clone().unwrap_or_default(),
        step: args.step.clone().unwrap_or_default(),
        json,
        site: args.site,
        run: args.run,
        roll_back: args.roll_back,
        command,
    })
}

/// The words somebody gave to ssh. No shell has seen them, and none will.
fn from_ssh(text: &str, json: bool) -> Result<Wanted, CliError> {
    let usage = |why: &str| {
        CliError::Input(format!(
            "{why}; say: INC STEP [--json] [--roll-back] [--site | --run | -- COMMAND …]"
        ))
    };
    let words = argv(text, &BTreeMap::new()).map_err(|error| usage(&error.to_string()))?;
    let mut words = words.into_iter();
    let (Some(inc), Some(step)) = (words.next(), words.next()) else {
        return Err(usage("an incident and a step are needed"));
    };
    let mut wanted = Wanted {
        inc,
        step,
        json,
        ..Wanted::default()
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => wanted.json = true,
            "--site" => wanted.site = true,
            "--run" => wanted.run = true,
            "--roll-back" => wanted.roll_back = true,
            "--" => {
                let command: Vec<_> = words.by_ref().collect();
                wanted.command = (!command.is_empty()).then_some(command);
            }
            other => {
                return Err(usage(&format!(
                    "`{}` is not known here",
                    escape::line(other)
                )));
            }
        }
    }
    if [wanted.site, wanted.run, wanted.command.is_some()]
        .iter()
        .filter(|set| **set)
        .count()
        > 1
    {
        return Err(usage("only one of these at a time"));
    }
    Ok(wanted)
}

/// An approval that was practised opens nothing real, whatever asks.
fn live(session: &Session) -> Result<(), Refusal> {
    if session.is_exercise() {
        return Err(refused(
            "this is an exercise: its approvals open no gate".to_owned(),
            "`runsheet step INC STEP run` practises it",
        ));
    }
    Ok(())
}

fn refused(what: String, hint: &str) -> Refusal {
    Refusal::new(crate::engine::command::RefusalKind::NotEligible, what).hint(hint)
}

/// Whether it was asked for by who calls: with lent rights the person of the calling account, else whom the wrapper names.
fn for_whom(
    session: &Session,
    place: &Place,
    opened: &Opened,
    asked_by: Option<&Principal>,
) -> Result<(), Refusal> {
    let Some(incident) = session.state().incident.as_deref() else {
        return Ok(());
    };
    let asker = person(incident, &opened.asked_by);
    let is_asker = |other: &str| incident.people.same(&asker, other);
    if let Some(named) = asked_by
        && !is_asker(&person(incident, named))
    {
        return Err(refused(
            format!("{} asked for it, not {named}", opened.asked_by),
            "whoever wants it run asks for it themselves",
        ));
    }
    let Some(account) = &place.caller else {
        return Ok(());
    };
    match incident.people.person_of_account(account) {
        Some(caller) if is_asker(caller) => Ok(()),
        Some(caller) => Err(refused(
            format!(
                "{} asked for it, and the account {account} is {caller}'s",
                opened.asked_by
            ),
            "whoever wants it run asks for it themselves",
        )),
        None => Err(refused(
            format!("policy gives the account {account} to nobody"),
            "`accounts:` of a person in policy.yaml names it",
        )),
    }
}

/// Only scripts are run here, and only where the record says: not in a folder that whoever asked has chosen.
fn runnable(session: &Session, key: &StepKey, given: &ExecRecord) -> Result<(), CliError> {
    let purpose = given.exec.purpose;
    if given.exec.kind != "run" && purpose == Purpose::Run {
        return Err(CliError::Refused(format!(
            "step {} runs no script: {} is nothing a gate can run",
            key.step, given.exec.kind
        )));
    }
    let secrets = BTreeMap::new();
    if given.vars.values().any(|var| matches!(var, Var::Secret(_))) {
        return Err(CliError::Refused(format!(
            "step {} uses a secret value, which a gate is not given",
            key.step
        )));
    }
    let found = record::find(session.state(), key)?;
    let at = session.at()?;
    let here = record::make(found, purpose, &secrets, &Site::here(&at), at.utc())?;
    if here.exec.cwd != given.exec.cwd {
        return Err(CliError::Refused(format!(
            "it was approved to run in {}, and here it would run in {}",
            escape::line(&given.exec.cwd),
            escape::line(&here.exec.cwd)
        )));
    }
    Ok(())
}

/// Whether the script is this command and nothing else.
fn exactly(given: &ExecRecord, command: &[String]) -> Result<(), CliError> {
    let not = |why: String| {
        CliError::Refused(format!(
            "this command is not what was approved for {}: {why}",
            given.step
        ))
    };
    if given.exec.shell != ["sh", "-eu"] {
        return Err(not("its script is not for `sh -eu`".to_owned()));
    }
    let values = given
        .vars
        .iter()
        .filter_map(|(name, var)| match var {
            Var::Plain(value) => Some((name.clone(), value.clone())),
            Var::Secret(_) => None,
        })
        .collect();
    let words = argv(&given.exec.script, &values)
        .map_err(|error| not(format!("its script is not one simple command ({error})")))?;
    if words == command {
        return Ok(());
    }
    let at = words
        .iter()
        .zip(command)
        .take_while(|(a, b)| a == b)
        .count();
    let shown = |words: &[String]| {
        words.get(at).map_or_else(
            || "nothing".to_owned(),
            |word| format!("`{}`", escape::line(word)),
        )
    };
    Err(not(format!(
        "word {} is {} and has to be {}",
        at + 1,
        shown(command),
        shown(&words)
    )))
}

fn approvals(opened: &Opened) -> Vec<String> {
    opened
        .approvals
        .iter()
        .map(|approval| {
            let until = approval
                .statement
                .not_after
                .map_or_else(String::new, |until| {
                    format!(" until {}", until.format("%H:%M:%S UTC"))
                });
            format!(
                "approved by {} ({}) at {}{until}",
                approval.by,
                approval.person,
                approval.at.format("%Y-%m-%d %H:%M:%S %:z")
            )
        })
        .collect()
}

fn document(
    session: &Session,
    key: &StepKey,
    opened: &Result<Opened, Refusal>,
) -> serde_json::Value {
    let found = opened.as_ref().ok();
    let approvals: Vec<_> = found
        .into_iter()
        .flat_map(|opened| &opened.approvals)
        .map(|approval| {
            json!({
                "by": approval.by, "person": approval.person, "role": approval.statement.role, "at": approval.at,
                "until": approval.statement.not_after, "key": approval.fingerprint, "event": approval.event,
            })
        })
        .collect();
    let why = opened.as_ref().err();
    json!({
        "incident": session.id(), "run": key.run, "step": key.step, "open": opened.is_ok(),
        "asked_by": found.map(|opened| &opened.asked_by), "approvals": approvals,
        "request": found.map(|opened| opened.record.digest()),
        "why": why.map(|why| &why.what), "kind": why.map(|why| why.kind), "hint": why.and_then(|why| why.hint.as_ref()),
    })
}

/// Open or not, and by whom: 0 or 1.
fn answer(
    wanted: &Wanted,
    session: &Session,
    key: &StepKey,
    opened: &Result<Opened, Refusal>,
) -> Result<(), CliError> {
    if wanted.json {
        out::json(&document(session, key, opened))?;
    } else {
        match opened {
            Ok(opened) => {
                out::data(&format!("open: {} asked for it", opened.asked_by))?;
                for line in approvals(opened) {
                    out::data(&line)?;
                }
            }
            Err(why) => {
                out::data(&format!("closed: {}", escape::text(&why.what)))?;
                if let Some(hint) = &why.hint {
                    out::talk(&format!("hint: {}", escape::text(hint)));
                }
            }
        }
    }
    match opened {
        Ok(_) => Ok(()),
        Err(_) => Err(CliError::Status(1)),
    }
}

/// Uses the approvals up and runs what they are for. The statement that uses them up names the record that was looked at
/// just now: should another request have come in between, the engine refuses it.
fn through(
    wanted: &Wanted,
    session: &mut Session,
    key: &StepKey,
    opened: Opened,
) -> Result<(), CliError> {
    let common = Common {
        json: wanted.json,
        ..Common::default()
    };
    let purpose = wanted.purpose();
    let step = steps::begin(&common, session, key, purpose)?;
    // From here on it runs. A reader that went away, or a disk that is full, changes nothing about that.
    if steps::to_its_end(&common, session, &step, purpose).is_err() {
        let _ = steps::waited_out(session, &step, purpose);
    }
    let exit = match session.job(&step, purpose).state() {
        Ok(JobState::Finished(exit)) => Some(exit),
        _ => None,
    };
    let (status, how) = ended(exit.as_ref());
    if wanted.json {
        let mut document = document(session, key, &Ok(opened));
        if let Some(members) = document.as_object_mut() {
            members.insert(
                "ran".to_owned(),
                (status != NOT_STARTED || exit.is_none()).into(),
            );
            members.insert("exit".to_owned(), status.into());
        }
        let _ = out::json(&document);
    } else {
        out::talk(&how);
    }
    if status == 0 {
        Ok(())
    } else {
        Err(CliError::Status(status))
    }
}

/// The status to pass on, and its last line.
fn ended(exit: Option<&Exit>) -> (u8, String) {
    let Some(exit) = exit else {
        return (LOST, "ran: nobody saw how it ended".to_owned());
    };
    if exit.timed_out {
        return (TIMED_OUT, "ran: ended for taking too long".to_owned());
    }
    if let Some(why) = &exit.error {
        return (NOT_STARTED, format!("not started: {}", escape::line(why)));
    }
    match (exit.code, exit.signal) {
        (Some(code), _) => (u8::try_from(code).unwrap_or(1), format!("ran: exit {code}")),
        (None, Some(signal)) => (
            u8::try_from(128 + signal).unwrap_or(LOST),
            format!("ran: ended by signal {signal}"),
        ),
        (None, None) => (LOST, "ran: nobody saw how it ended".to_owned()),
    }
}

/// Where and by whom something would run here, as `request --gate` takes it.
fn site_text(site: &Site) -> String {
    format!(
        "{}/{}/{}/{}{}",
        site.executor.principal, site.executor.host, site.executor.writer, site.run_as, site.cwd
    )
}

/// Reads what `gate --site` prints.
///
/// # Errors
/// When it is not of that form.
pub fn site(text: &str) -> Result<Site, CliError> {
    let wrong = || {
        CliError::Input(format!(
            "--gate: `{}` is not what `runsheet gate INC STEP --site` prints",
            escape::line(text)
        ))
    };
    let mut parts = text.trim_end().splitn(5, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let (Some(by), Some(host), Some(writer), Some(run_as)) = (next(), next(), next(), next())
    else {
        return Err(wrong());
    };
    let cwd = format!("/{}", parts.next().ok_or_else(wrong)?);
    let principal = Principal::try_from(by).map_err(|_| wrong())?;
    WriterId::new(writer.to_owned()).map_err(|_| wrong())?;
    Ok(Site {
        cwd,
        host: host.to_owned(),
        run_as: run_as.to_owned(),
        executor: Executor {
            principal: principal.to_string(),
            host: host.to_owned(),
            writer: writer.to_owned(),
        },
        files: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_read_as_it_was_printed() {
        for text in [
            "gate@db-7.example.org/db-7/81b637d8fcd2c6da6359e6963113a117/root/",
            "gate@db-7.example.org/db-7/81b637d8fcd2c6da6359e6963113a117/svc-ir/srv/ir",
        ] {
            assert_eq!(site_text(&site(text).unwrap()), text);
        }
        for text in [
            "",
            "a/b/c",
            "Gate/db/81b637d8fcd2c6da6359e6963113a117/root/",
            "a@b/db/zz/root/",
            "a@b//x/y/",
        ] {
            assert!(site(text).is_err(), "{text}");
        }
    }

    #[test]
    fn case_38_words_given_to_ssh_are_never_options_of_the_program() {
        let read = |text: &str| from_ssh(text, false);
        let run = read("INC-7QX2 revoke --run").unwrap();
        assert!(run.run && run.step == "revoke", "{run:?}");
        let command = read("INC-7QX2 revoke -- rm -- '/srv/a b' --run").unwrap();
        assert_eq!(command.command.unwrap(), ["rm", "--", "/srv/a b", "--run"]);
        assert!(!command.run);
        for text in [
            "",
            "INC-7QX2",
            "INC-7QX2 revoke --state /tmp",
            "INC-7QX2 revoke --library=/tmp",
            "INC-7QX2 revoke; id",
            "INC-7QX2 $(id)",
            "INC-7QX2 revoke --run --site",
            "INC-7QX2 revoke --run -- id",
            "INC-7QX2 revoke --as=x --run",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
