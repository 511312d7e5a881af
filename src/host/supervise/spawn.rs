//! Starting a supervisor and handing it, through a pipe, what to run and with which values.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::super::files::{create_private_dir, write_atomic};
use super::{JobSpec, SUPERVISE};

/// `job.json`: what runs. No value of the environment is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub version: u32,
    pub argv: Vec<String>,
    pub script: Option<String>,
    pub cwd: Option<PathBuf>,
    pub timeout_ms: Option<u64>,
    pub output_limit: u64,
    pub env_names: Vec<String>,
}

/// What goes through the pipe: the record, and the values in the order of its names.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub record: Record,
    pub env_values: Vec<String>,
}

/// Starts a job in `job_dir` (made, private, when missing) and returns when its supervisor has taken it over. From
/// then on it does not need this process any more.
///
/// # Errors
/// When the order is malformed, the directory holds a job already, or the supervisor did not take it over; nothing
/// has run then. That the command itself cannot be started is no error but in its [`super::Exit`].
pub fn spawn(job_dir: &Path, spec: JobSpec) -> io::Result<()> {
    check(&spec)?;
    create_private_dir(job_dir)?;
    let (env_names, env_values) = spec.env.into_iter().unzip();
    let record = Record {
        version: 1,
        argv: spec.argv,
        script: spec.script,
        cwd: spec.cwd,
        timeout_ms: spec
            .timeout
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        output_limit: spec.output_limit,
        env_names,
    };
    let job_json = job_dir.join("job.json");
    if job_json.try_exists()? {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} holds a job already", job_dir.display()),
        ));
    }
    write_atomic(&job_json, &serde_json::to_vec(&record)?, 0o600)?;
    let order = serde_json::to_vec(&Order { record, env_values })?;

    let mut command = Command::new(&spec.program);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"RUNSHEET_") {
            command.env_remove(name);
        }
    }
    let mut supervisor = command
        .arg(SUPERVISE)
        .arg(std::path::absolute(job_dir)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let sent = match supervisor.stdin.take() {
        Some(mut pipe) => pipe.write_all(&order),
        None => Ok(()),
    };
    let mut answer = String::new();
    if let Some(pipe) = supervisor.stdout.take() {
        BufReader::new(pipe.take(4096)).read_line(&mut answer)?;
    }
    // Nobody needs to wait for it, but somebody must, or it stays in the process table when it ends.
    std::thread::spawn(move || drop(supervisor.wait()));
    match answer.trim() {
        "taken" => Ok(()),
        "" => {
            sent?;
            Err(io::Error::other("the supervisor ended without a word"))
        }
        other => Err(io::Error::other(other.to_owned())),
    }
}

fn check(spec: &JobSpec) -> io::Result<()> {
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if spec.argv.first().is_none_or(String::is_empty) {
        return refuse("there is no program to run".to_owned());
    }
    let texts = spec.argv.iter().chain(&spec.script);
    if texts.into_iter().any(|text| text.contains('\0')) {
        return refuse("a command cannot hold a NUL byte".to_owned());
    }
    for (name, value) in &spec.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return refuse(format!("the variable {name:?} cannot be set"));
        }
    }
    Ok(())
}
