//! The command line: reads it, sits down at a desk, does one thing, says how it went. Everything the screen does can be
//! done here with the same rules.

pub mod args;
mod cast;
mod check;
mod checkpoint;
mod clipboard;
mod collect;
mod config;
mod curate;
mod demo;
mod doctor;
mod elsewhere;
mod exercise;
mod export;
mod figures;
mod followups;
mod gate;
mod import;
mod incident;
mod library;
mod lint;
mod logs;
mod out;
mod people;
mod proof;
mod record;
mod scenarios;
mod screen;
mod serve;
mod status;
mod steps;
mod times;
mod updates;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use self::args::{Cli, Cmd};
use crate::driver::DriverError;
use crate::engine::command::RefusalKind;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum CliError {
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// Something typed or read that cannot be used.
    #[error("{0}")]
    Input(String),
    /// Refused or violated, already said.
    #[error("{0}")]
    Refused(String),
    /// Said already; only the status is left.
    #[error("")]
    Status(u8),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

macro_rules! through_driver {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::Driver(error.into())
            }
        }
    )*};
}

through_driver!(
    crate::engine::Refusal,
    crate::library::LibraryError,
    crate::identity::IdentityError,
    crate::journal::JournalError,
    crate::host::git::GitError,
    crate::journal::PublishError
);

impl CliError {
    fn status(&self) -> u8 {
        match self {
            Self::Driver(error) => match error {
                DriverError::Refused(refusal) if refusal.kind == RefusalKind::BadValue => 2,
                DriverError::Refused(refusal) if refusal.kind == RefusalKind::NoSuchThing => 2,
                DriverError::Refused(_) | DriverError::Sign(_) => 1,
                DriverError::Input(_)
                | DriverError::NoLibrary
                | DriverError::Library(_)
                | DriverError::Identity(_) => 2,
                DriverError::Journal(crate::journal::JournalError::NoSuchIncident(_)) => 2,
                DriverError::Journal(_) | DriverError::Publish(_) | DriverError::Io { .. } => 3,
                DriverError::Hub(_) | DriverError::Git(_) => 4,
            },
            Self::Input(_) => 2,
            Self::Refused(_) => 1,
            Self::Status(status) => *status,
            Self::Io(_) => 3,
        }
    }

    fn hint(&self) -> Option<&str> {
        match self {
            Self::Driver(DriverError::Refused(refusal)) => refusal.hint.as_deref(),
            _ => None,
        }
    }

    fn broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let json = cli.common.json;
    let gate = matches!(cli.command, Some(Cmd::Gate(_)));
    if gate::other_user() && !gate {
        let what = "only `gate` may be run with another account's rights";
        report(&CliError::Refused(what.to_owned()), json);
        return ExitCode::from(1);
    }
    // With rights that are not the caller's, nothing is written where the caller says.
    if !(gate && gate::is_lent()) {
        keep_log(&cli.common);
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, json);
            ExitCode::from(error.status())
        }
    }
}

/// What the program notes about itself goes to a file, never to the screen, and only when `RUNSHEET_LOG` asks for it:
/// `warn`, `info`, `runsheet::journal=debug`.
fn keep_log(common: &args::Common) {
    let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("RUNSHEET_LOG") else {
        return;
    };
    let Ok(config) = config::Config::read(common) else {
        return;
    };
    let path = config.settings.state.join("runsheet.log");
    let _ = crate::host::files::create_private_dir(&config.settings.state);
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path);
    if let Ok(file) = file {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(std::sync::Mutex::new(file))
            .init();
    }
}

fn report(error: &CliError, json: bool) {
    if matches!(error, CliError::Status(_)) {
        return;
    }
    if json {
        let document = serde_json::json!({
            "error": { "what": error.to_string(), "hint": error.hint(), "status": error.status() }
        });
        let _ = out::json(&document);
    }
    let what = crate::evidence::escape::text(&error.to_string()).into_owned();
    out::talk(&format!("error: {what}"));
    if let Some(hint) = error.hint() {
        out::talk(&format!("hint: {}", crate::evidence::escape::text(hint)));
    }
}

fn run(cli: Cli) -> Result<(), CliError> {
    let common = cli.common;
    let Some(command) = cli.command else {
        return screen::home(&common);
    };
    match command {
        Cmd::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "runsheet", &mut script);
            out::raw(&script)
        }
        Cmd::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            out::raw(&page)
        }
        Cmd::Curate(command) => curate::run(&common, command),
        Cmd::Gate(wanted) => gate::run(&common, &wanted),
        Cmd::Logs {
            action: args::Logs::Window(wanted),
        } => logs::window(&common, &wanted),
        Cmd::Logs {
            action: args::Logs::Search(wanted),
        } => logs::search(&common, &wanted),
        Cmd::Open { inc } => screen::open(&common, &inc),
        Cmd::Logs {
            action: args::Logs::View(wanted),
        } => screen::view(&common, &wanted),
        Cmd::Exercise(command) => exercise::run(&common, command),
        Cmd::Serve(wanted) => serve::run(&common, &wanted),
        Cmd::Demo {
            drill: true,
            no_screen,
        } => demo::drill(&common, no_screen),
        Cmd::Demo { no_screen, .. } => demo::run(&common, no_screen),
        Cmd::Doctor => doctor::run(&common),
        command @ (Cmd::Init { .. }
        | Cmd::People { .. }
        | Cmd::Check { .. }
        | Cmd::Schema { .. }
        | Cmd::List { .. }
        | Cmd::Show { .. }
        | Cmd::History { .. }
        | Cmd::Diff { .. }
        | Cmd::Fetch) => library::run(&common, command),
        command @ (Cmd::Timeline { .. }
        | Cmd::Clocks { .. }
        | Cmd::Suggest { .. }
        | Cmd::Metrics { .. }
        | Cmd::Lint(_)
        | Cmd::Export { .. }
        | Cmd::Sync { .. }
        | Cmd::Verify { .. }) => record::run(&common, command),
        command => incident::run(&common, command),
    }
}
