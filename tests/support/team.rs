//! People with keys, a library and perhaps a hub or a spool, who use the real program from the command line. Nothing of
//! the machine's own git, ssh or home is seen by it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use runsheet::engine::IncidentId;
use runsheet::host::clock::{Clock as _, SystemClock};
use runsheet::identity;
use runsheet::journal::{Journal, Store};
use runsheet::library::people::NewPerson;
use runsheet::library::{Author, Library, people, seed};
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_runsheet");

/// Robin operates and commands, sasha approves; lee wrote the runbooks.
pub struct Team {
    pub dir: TempDir,
    pub hub: Option<String>,
    pub spool: Option<PathBuf>,
    /// More for everybody's environment.
    pub env: Vec<(String, String)>,
}

/// One of them, at a place of their own.
#[derive(Clone)]
pub struct Person {
    pub id: &'static str,
    pub dir: PathBuf,
    pub state: PathBuf,
    pub hub: Option<String>,
    pub spool: Option<PathBuf>,
    pub env: Vec<(String, String)>,
}

impl Team {
    /// A team whose library holds these runbooks, by id.
    pub fn new(runbooks: &[(&str, &str)]) -> Self {
        Self::at(tempfile::tempdir().unwrap(), runbooks)
    }

    /// The same, in this directory.
    pub fn at(dir: TempDir, runbooks: &[(&str, &str)]) -> Self {
        let library = dir.path().join("library");
        let files = runbooks
            .iter()
            .map(|(id, text)| (format!("runbooks/{id}.yaml"), text.as_bytes().to_vec()))
            .collect();
        let lee = person(dir.path(), "lee", &["scribe"]);
        let now = SystemClock.now();
        seed::create(&library, files, &lee, now).unwrap();
        let author = Author {
            name: lee.name.clone(),
            email: lee.principal.clone(),
        };
        for (id, roles) in [
            ("robin", &["operator", "commander"][..]),
            ("sasha", &["approver"]),
        ] {
            add(dir.path(), &author, id, roles, &[]);
        }
        fs::create_dir(dir.path().join("home")).unwrap();
        fs::create_dir(dir.path().join("place")).unwrap();
        Self {
            dir,
            hub: None,
            spool: None,
            env: Vec::new(),
        }
    }

    /// With one more in the library, who has a key here.
    pub fn with_person(self, id: &str, roles: &[&str], accounts: &[&str]) -> Self {
        let author = Author {
            name: "LEE".to_owned(),
            email: "lee@example.org".to_owned(),
        };
        add(self.dir.path(), &author, id, roles, accounts);
        self
    }

    /// With a bare repository as hub, reached by its path.
    pub fn with_hub(mut self) -> Self {
        let hub = self.dir.path().join("hub.git");
        bare(&hub);
        self.hub = Some(hub.to_str().unwrap().to_owned());
        self
    }

    /// With a directory that both write to.
    pub fn with_spool(mut self) -> Self {
        let spool = self.dir.path().join("spool");
        fs::create_dir(&spool).unwrap();
        fs::set_permissions(&spool, fs::Permissions::from_mode(0o3770)).unwrap();
        self.spool = Some(spool);
        self
    }

    pub fn place(&self) -> PathBuf {
        self.dir.path().join("place")
    }

    pub fn person(&self, id: &'static str) -> Person {
        Person {
            id,
            dir: self.dir.path().to_owned(),
            state: self.dir.path().join("state").join(id),
            hub: self.hub.clone(),
            spool: self.spool.clone(),
            env: self.env.clone(),
        }
    }
}

/// An empty repository without a work tree.
pub fn bare(path: &Path) {
    let done = plain("git", path.parent().unwrap())
        .args(["init", "--quiet", "--bare", "--initial-branch=main"])
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("this test needs git: {error}"));
    assert!(done.status.success(), "{done:?}");
}

/// A program that sees nothing of the machine's own settings.
pub fn plain(program: impl AsRef<std::ffi::OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC");
    command
}

fn add(dir: &Path, author: &Author, id: &str, roles: &[&str], accounts: &[&str]) {
    let opened = Library::open_path(&dir.join("library")).unwrap();
    let mut new = person(dir, id, roles);
    new.accounts = accounts.iter().map(|name| (*name).to_owned()).collect();
    let change = people::add(&opened, &new).unwrap();
    opened.commit(&change, author, SystemClock.now()).unwrap();
}

fn person(dir: &Path, id: &str, roles: &[&str]) -> NewPerson {
    let principal = format!("{id}@example.org");
    let key = identity::create_key(&dir.join(id), &principal).unwrap();
    NewPerson {
        id: id.to_owned(),
        name: id.to_uppercase(),
        principal,
        public_key_line: key.to_openssh().unwrap(),
        accounts: Vec::new(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

impl Person {
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = plain(PROGRAM, &self.dir.join("home"));
        let home = self.dir.join("home");
        for (name, dir) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_DATA_HOME", "data"),
        ] {
            command.env(name, home.join(dir));
        }
        command
            .env("RUNSHEET_STATE", &self.state)
            .env("RUNSHEET_LIBRARY", self.dir.join("library"))
            .current_dir(self.dir.join("place"))
            .args(["--as", &format!("{}@example.org", self.id), "--key"])
            .arg(self.dir.join(self.id))
            .args(args)
            .stdin(std::process::Stdio::null());
        if let Some(hub) = &self.hub {
            command.env("RUNSHEET_HUB", hub);
        }
        if let Some(spool) = &self.spool {
            command.env("RUNSHEET_SPOOL", spool);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Does it, which must go well; what it printed on standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert!(
            done.status.success(),
            "{} {args:?}: {:?}\n{}{}",
            self.id,
            done.status,
            text(&done.stdout),
            text(&done.stderr)
        );
        text(&done.stdout)
    }

    /// Does it, which must end with this status; both streams.
    pub fn fails(&self, status: i32, args: &[&str]) -> String {
        let done = self.run(args);
        let said = format!("{}{}", text(&done.stdout), text(&done.stderr));
        assert_eq!(
            done.status.code(),
            Some(status),
            "{} {args:?}: {said}",
            self.id
        );
        said
    }

    /// Starts an incident; its full name.
    pub fn start(&self, runbook: &str) -> String {
        let place = format!("place={}", self.dir.join("place").display());
        let said = self.ok(&["start", runbook, "--set", &place]);
        said.lines().last().unwrap().to_owned()
    }

    pub fn store(&self) -> Store {
        let store = Store::new(&self.state);
        match &self.spool {
            Some(spool) => store.with_spool(spool),
            None => store,
        }
    }

    /// The record as it lies there.
    pub fn journal(&self, inc: &str) -> Journal {
        Journal::open(&self.store(), &id(inc)).unwrap()
    }

    /// This incident's own folder.
    pub fn folder(&self, inc: &str) -> PathBuf {
        self.state
            .join("incidents")
            .join(inc.trim_start_matches("INC-"))
    }
}

pub fn id(inc: &str) -> IncidentId {
    IncidentId::new(inc.trim_start_matches("INC-")).unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Looks again and again until it is there; panics with `what` when a minute has gone by.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All files below a directory.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
