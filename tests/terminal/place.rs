//! A place of its own for a test: home, configuration and temporary files lie in one directory, and nothing of the user's
//! own configuration reaches the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_runsheet");
/// Longest wait for anything; machines of a test farm are slow.
pub const LONG: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONG;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory with a home in it.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// An empty one. Its path has always the same length, which keeps screens alike.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("rs-")
            .rand_bytes(6)
            .tempdir_in("/tmp")
            .unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The whole environment of a program in it.
    pub fn env(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let home = self.path("home").display().to_string();
        [
            ("PATH", format!("{path}:/usr/sbin:/usr/bin:/bin")),
            ("HOME", home),
            ("TMPDIR", self.path("tmp").display().to_string()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
            ("GIT_CONFIG_SYSTEM", "/dev/null".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("SHELL", "/bin/sh".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// A command with that environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.env())
            .current_dir(self.path("home"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program without a terminal.
    pub fn runsheet(&self, args: &[String]) -> Output {
        self.command(PROGRAM).args(args).output().unwrap()
    }

    /// Runs the program without a terminal; it has to go well.
    pub fn done(&self, args: &[String]) -> String {
        let output = self.runsheet(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Words of a line.
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The demo, without its screen: two people, a hub, an incident.
pub struct Demo {
    pub place: Place,
    /// The flags of either.
    pub robin: Vec<String>,
    pub sasha: Vec<String>,
    /// `INC-…`
    pub inc: String,
}

impl Demo {
    pub fn new() -> Self {
        let place = Place::new();
        let output = place.runsheet(&words("demo --no-screen"));
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{talk}");
        let flags = |who: &str| {
            talk.lines()
                .find_map(|line| line.strip_prefix(&format!("{who}: ")))
                .map(words)
                .unwrap_or_else(|| panic!("no flags of {who} in {talk}"))
        };
        Self {
            robin: flags("robin"),
            sasha: flags("sasha"),
            inc: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            place,
        }
    }

    /// A command of one of them, as words.
    pub fn args(&self, who: &[String], command: &str) -> Vec<String> {
        let mut args = who.to_vec();
        args.extend(
            command
                .split_whitespace()
                .map(|word| word.replace("INC", &self.inc)),
        );
        args
    }

    /// Runs a command as one of them; it has to go well.
    pub fn does(&self, who: &[String], command: &str) -> String {
        self.place.done(&self.args(who, command))
    }

    /// Puts a runbook into the library and begins an incident with it, which is returned.
    pub fn begins(&self, id: &str, book: &str) -> String {
        let library = self.flag("--library");
        std::fs::write(library.join(format!("runbooks/{id}.yaml")), book).unwrap();
        for args in [
            ["add", "."].as_slice(),
            &["commit", "-q", "-m", "Add a runbook"],
        ] {
            let done = self
                .place
                .command("git")
                .arg("-C")
                .arg(&library)
                .args(["-c", "user.name=Lee", "-c", "user.email=lee@example.org"])
                .args(args)
                .status()
                .unwrap();
            assert!(done.success());
        }
        let printed = self.does(&self.robin, &format!("start {id}"));
        printed.trim().lines().last().unwrap().to_owned()
    }

    /// The value of one of robin's flags.
    pub fn flag(&self, name: &str) -> PathBuf {
        let at = self.robin.iter().position(|word| word == name).unwrap();
        Path::new(&self.robin[at + 1]).to_owned()
    }
}
