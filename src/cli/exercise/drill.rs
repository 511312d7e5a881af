//! A solo drill: one person against the clock, with colleagues the exercise plays itself. Everybody has a key, a journal and
//! a desk of their own in a throw-away place; whoever conducts sits at another desk, so that the player's holds no script.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::args::Common;
use super::super::cast::{Cast, Member, principal};
use super::super::config::Config;
use super::super::{CliError, incident, out, screen};
use super::start;
use crate::driver::exercise::{self, Beginning};
use crate::driver::{DriverError, Session};
use crate::engine::command::RefusalKind;
use crate::engine::{IncidentId, Intent};
use crate::exercise::Key;
use crate::exercise::colleague::{self, Spoken};
use crate::exercise::due::OVER;
use crate::host::files;
use crate::library::seed;
use crate::runbook::scenario::{Says, Scenario};

/// Who practises, and who conducts.
const PLAYER: &str = "you";
const CONDUCTOR: &str = "control";
/// How often the others look.
const LOOK: Duration = Duration::from_millis(200);

/// A drill to be begun.
pub struct Drill {
    /// Where the script stands.
    pub path: String,
    /// All of it.
    pub text: String,
    /// The runbooks, and what else the library holds.
    pub files: Vec<(String, Vec<u8>)>,
    /// Instead of the script's own, in thousandths.
    pub scale: Option<u32>,
}

/// Practises a scenario of the library, or of a file.
///
/// # Errors
/// When it cannot be used, or nothing can be made.
pub fn run(
    common: &Common,
    scenario: &str,
    scale: Option<u32>,
    no_screen: bool,
) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let desk = config.desk()?;
    let (path, text) = start::find(&desk, scenario)?;
    let files = match desk.own_library() {
        Some(library) => {
            let entries = library.entries(&library.pin()?)?.entries;
            let read = |entry: crate::library::Entry| {
                Ok((entry.path.clone(), library.read_entry(&entry)?.bytes))
            };
            entries
                .into_iter()
                .map(read)
                .collect::<Result<_, CliError>>()?
        }
        None => seed::shipped(),
    };
    let drill = Drill {
        path,
        text,
        files,
        scale,
    };
    begin(common, drill, no_screen)
}

/// Makes the place, begins the exercise there and opens the player's screen.
///
/// # Errors
/// When it cannot be made.
pub fn begin(common: &Common, drill: Drill, no_screen: bool) -> Result<(), CliError> {
    let scenario = exercise::read(&drill.path, &drill.text)?;
    let dir = tempfile::Builder::new()
        .prefix("runsheet-drill-")
        .tempdir()?
        .keep();
    files::create_private_dir(&dir.join("place"))?;
    let cast = Cast::new(dir.clone(), drill.files, &members(&scenario))?;
    let spool = dir.join("spool");
    files::create_private_dir(&spool)?;
    let base = Config::read(&Common {
        config: None,
        ..common.clone()
    })?;
    let sits = |id: &str| -> Result<Config, CliError> {
        let mut config = cast.sits(&base, id, None)?;
        config.settings.spool = Some(spool.clone());
        Ok(config)
    };
    let control = sits(CONDUCTOR)?;
    let beginning = Beginning {
        paused: false,
        scale: drill.scale,
    };
    let desk = control.desk()?;
    let session = Session::begin_exercise(Rc::clone(&desk), &drill.path, &drill.text, &beginning)?;
    let id = session.id().clone();
    drop(session);
    let colleagues = scenario
        .colleagues
        .iter()
        .map(|colleague| Ok((colleague.id.clone(), sits(&colleague.id)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    let player = sits(PLAYER)?;
    // The player's own record of it begins with what the others wrote.
    drop(Session::open(player.desk()?, &id)?);
    let play = Play {
        control,
        colleagues,
        id: id.clone(),
    };
    if no_screen {
        say(&player, &cast, &spool);
        out::data(&format!("INC-{id}"))?;
        return play.run(&AtomicBool::new(false));
    }
    let played = play.behind();
    let shown = screen::at(common, &player, id);
    played.stop();
    out::talk(&format!(
        "The drill is in {}; it can be thrown away. Its report: {}",
        dir.display(),
        command(&player, &cast, &spool, "exercise report -")
    ));
    shown
}

fn members(scenario: &Scenario) -> Vec<Member> {
    let mut members = vec![
        Member::new(CONDUCTOR, "Control", &["scribe"]),
        Member::new(
            PLAYER,
            "You",
            &["operator", "commander", "liaison", "scribe"],
        ),
    ];
    members.extend(scenario.colleagues.iter().map(|colleague| Member {
        id: colleague.id.clone(),
        name: colleague.name.clone(),
        roles: colleague.roles.iter().map(ToString::to_string).collect(),
    }));
    members
}

fn command(player: &Config, cast: &Cast, spool: &Path, what: &str) -> String {
    format!(
        "runsheet --state {} --spool {} --library {} --as {PLAYER}@example.org --key {} {what}",
        player.settings.state.display(),
        spool.display(),
        cast.library.display(),
        cast.dir.join(PLAYER).display()
    )
}

fn say(player: &Config, cast: &Cast, spool: &Path) {
    out::talk(&command(player, cast, spool, "status -"));
}

/// Everybody but the player.
struct Play {
    control: Config,
    colleagues: Vec<(String, Config)>,
    id: IncidentId,
}

/// The others, while the player has the screen.
struct Behind {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Behind {
    fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

impl Play {
    fn behind(self) -> Behind {
        let over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            // What went wrong is in the record's place, or nowhere: the screen belongs to the player.
            if let Err(error) = self.run(&flag) {
                tracing::warn!("the drill stopped: {error}");
            }
        });
        Behind { over, thread }
    }

    /// Conducts and answers until the exercise is over, or somebody says so.
    fn run(&self, over: &AtomicBool) -> Result<(), CliError> {
        let mut control = Session::open(self.control.desk()?, &self.id)?;
        let (scenario, key) = control.script()?;
        let mut others = Vec::new();
        for (id, config) in &self.colleagues {
            others.push((id.clone(), Session::open(config.desk()?, &self.id)?));
        }
        while !over.load(Ordering::Relaxed) {
            control.poll()?;
            if let Some(exercise) = control.state().exercise.as_deref()
                && !exercise.is_on()
            {
                return Ok(());
            }
            self.round(&mut control, &mut others, &scenario, &key)?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn round(
        &self,
        control: &mut Session,
        others: &mut [(String, Session)],
        scenario: &Scenario,
        key: &Key,
    ) -> Result<(), CliError> {
        let acted = control.conduct(scenario, key)?;
        if !acted.events.is_empty() {
            incident::publish(control);
        }
        let progress = control.progress();
        // The time is up, or the runbook walked to its end.
        let is_walked = control.state().runs.iter().all(|run| run.at.is_none());
        if progress.clock_was(crate::engine::exercise::ClockChange::Paused, OVER) || is_walked {
            control.end_exercise(false, None)?;
            incident::publish(control);
            return Ok(());
        }
        let now = control.now().to_utc();
        let said = colleague::spoken(scenario, control.state(), &progress, |id| {
            principal(id).ok()
        });
        for spoken in said.into_iter().filter(|spoken| spoken.at <= now) {
            let mut matching = others.iter_mut();
            if let Some((_, session)) = matching.find(|(id, _)| *id == spoken.colleague) {
                speak(session, spoken)?;
            }
        }
        Ok(())
    }
}

fn speak(session: &mut Session, spoken: Spoken) -> Result<(), CliError> {
    session.poll()?;
    let intent = match spoken.says {
        Says::Approve => Intent::Approve {
            step: spoken.step,
            request: spoken.request,
        },
        Says::Deny(reason) => Intent::Deny {
            step: spoken.step,
            request: spoken.request,
            reason,
        },
        Says::Nothing => return Ok(()),
    };
    match session.act(intent) {
        Ok(_) => incident::publish(session),
        // They may not answer this one, or it was answered meanwhile.
        Err(DriverError::Refused(refusal)) if refusal.kind != RefusalKind::BadSignature => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
