//! Behind a real sudo, with throw-away accounts of this machine: docs/enforcing.md as it is meant.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::BOOK;
use super::team::{PROGRAM, Person, Team, plain, text};

const FOLDER: &str = "/etc/runsheet";
const SUDOERS: &str = "/etc/sudoers.d/runsheet-test";
/// Bo has two accounts; sasha has one.
const ACCOUNTS: [&str; 3] = ["rsgate-bo", "rsgate-bo2", "rsgate-sasha"];

/// What is made on the machine, and taken away again.
struct Machine {
    team: Team,
    bo: Person,
    sasha: Person,
    program: PathBuf,
}

fn must(program: &str, args: &[&str]) {
    let done = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    assert!(done.status.success(), "{program} {args:?}: {done:?}");
}

fn uid(account: &str) -> u32 {
    let done = Command::new("id").args(["-u", account]).output().unwrap();
    text(&done.stdout).trim().parse().unwrap()
}

fn open_to_all(path: &Path) {
    let mode = if path.is_dir() { 0o777 } else { 0o666 };
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            open_to_all(&entry.unwrap().path());
        }
    }
}

impl Machine {
    fn new() -> Self {
        assert!(
            !Path::new(FOLDER).exists(),
            "this test needs {FOLDER} for itself, and it is there already"
        );
        must("sudo", &["-n", "true"]);
        for account in ACCOUNTS {
            // A run that was killed may have left it.
            let _ = Command::new("userdel").arg(account).output();
            must(
                "useradd",
                &[
                    "--system",
                    "--no-create-home",
                    "--shell",
                    "/bin/sh",
                    account,
                ],
            );
        }
        // Not under /tmp: everybody may write there, and a gate goes by nothing that lies in such a place.
        let dir = tempfile::Builder::new()
            .prefix("rsgate-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/var/lib")
            .unwrap();
        let mut team = Team::at(dir, &[("gated", BOOK)])
            .with_person("bo", &["operator"], &ACCOUNTS[..2])
            .with_person("gate", &["gate"], &[])
            .with_hub();
        let dir = team.dir.path().to_owned();
        // Sasha has an account too; the policy is a file of the library like any other.
        let policy = dir.join("library/policy.yaml");
        let said = fs::read_to_string(&policy).unwrap();
        let with = said.replace(
            "principals: [sasha@example.org]",
            &format!(
                "principals: [sasha@example.org], accounts: [{}]",
                ACCOUNTS[2]
            ),
        );
        assert_ne!(said, with, "{said}");
        fs::write(&policy, with).unwrap();
        let commit = [
            "-c",
            "user.name=Lee",
            "-c",
            "user.email=lee@example.org",
            "commit",
            "-qam",
            "Accounts",
        ];
        let done = plain("git", &dir)
            .arg("-C")
            .arg(dir.join("library"))
            .args(commit)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");

        let program = dir.join("runsheet");
        fs::copy(PROGRAM, &program).unwrap();
        let hub = dir.join("hub.git");
        must(
            "git",
            &[
                "-C",
                hub.to_str().unwrap(),
                "config",
                "core.sharedRepository",
                "0777",
            ],
        );
        open_to_all(&hub);
        open_to_all(&dir.join("place"));
        open_to_all(&dir.join("home"));
        fs::write(dir.join("home/.gitconfig"), "[safe]\n\tdirectory = *\n").unwrap();
        let config = dir.join("home/.gitconfig").display().to_string();
        team.env.push(("GIT_CONFIG_GLOBAL".to_owned(), config));
        fs::create_dir(dir.join("state")).unwrap();
        for (account, name) in [(ACCOUNTS[0], "bo"), (ACCOUNTS[2], "sasha")] {
            fs::create_dir(dir.join("state").join(name)).unwrap();
            for path in [dir.join("state").join(name), dir.join(name)] {
                chown(path, Some(uid(account)), None).unwrap();
            }
        }
        let machine = Self {
            bo: team.person("bo"),
            sasha: team.person("sasha"),
            team,
            program,
        };
        fs::create_dir(FOLDER).unwrap();
        fs::set_permissions(FOLDER, Permissions::from_mode(0o755)).unwrap();
        machine.configure();
        // Worse than any site would have it: the environment comes through as it is.
        let rules: String = ACCOUNTS
            .iter()
            .map(|account| {
                let rule = super::from_the_page(
                    "sudoers",
                    &[
                        ("%responders", account),
                        ("/usr/local/bin/runsheet", machine.program.to_str().unwrap()),
                    ],
                );
                format!("Defaults:{account} !env_reset\n{rule}")
            })
            .collect();
        fs::write(SUDOERS, rules).unwrap();
        fs::set_permissions(SUDOERS, Permissions::from_mode(0o440)).unwrap();
        machine
    }

    fn configure(&self) {
        let dir = self.team.dir.path();
        let path = |name: &str| dir.join(name).display().to_string();
        let text = super::from_the_page(
            "toml",
            &[
                ("/srv/runsheet/library", &path("library")),
                ("git@git.example.org:incidents.git", &path("hub.git")),
                ("/var/lib/runsheet-gate", &path("gate-state")),
                ("gate@db-7.example.org", "gate@example.org"),
                ("/etc/runsheet/gate_key", &path("gate")),
            ],
        );
        let _ = fs::remove_file(Path::new(FOLDER).join("gate.toml"));
        fs::write(Path::new(FOLDER).join("gate.toml"), text).unwrap();
        fs::set_permissions(
            Path::new(FOLDER).join("gate.toml"),
            Permissions::from_mode(0o644),
        )
        .unwrap();
    }

    /// A person's own command, as their own account.
    fn own(&self, person: &Person, account: &str, args: &[&str]) -> String {
        let uid = uid(account);
        let done = person.command(args).uid(uid).gid(uid).output().unwrap();
        let said = text(&done.stdout) + &text(&done.stderr);
        assert!(done.status.success(), "{args:?}: {said}");
        text(&done.stdout)
    }

    /// `sudo runsheet …` as that account, with an environment that lies about everything.
    fn sudo(&self, account: &str, args: &[&str]) -> Output {
        let uid = uid(account);
        let evil = self.team.place().join("evil");
        plain("sudo", &evil)
            .env("RUNSHEET_STATE", evil.join("state"))
            .env("RUNSHEET_LIBRARY", evil.join("library"))
            .env("RUNSHEET_HUB", evil.join("hub"))
            .env("RUNSHEET_LOG", "trace")
            .env("XDG_CONFIG_HOME", &evil)
            .env("GIT_SSH_COMMAND", "touch evil")
            .env("HOSTILE", "yes")
            .env("SUDO_UID", "0")
            .current_dir(self.team.place())
            .args(["-n"])
            .arg(&self.program)
            .args(args)
            .uid(uid)
            .gid(uid)
            .output()
            .unwrap()
    }

    fn gate(&self, account: &str, status: i32, args: &[&str]) -> String {
        let mut all = vec!["gate"];
        all.extend(args);
        let done = self.sudo(account, &all);
        let said = text(&done.stdout) + &text(&done.stderr);
        assert_eq!(
            done.status.code(),
            Some(status),
            "{account} {args:?}: {said}"
        );
        said
    }

    /// Bo asks for it to run through the gate, and sasha approves.
    fn approved(&self, inc: &str, step: &str) {
        let site = text(
            &self
                .sudo(ACCOUNTS[0], &["gate", inc, step, "--site"])
                .stdout,
        );
        assert!(
            site.starts_with("gate@example.org/") && site.trim_end().ends_with("/root/"),
            "{site}"
        );
        self.own(
            &self.bo,
            ACCOUNTS[0],
            &["request", inc, step, "--gate", site.trim_end()],
        );
        self.gate(ACCOUNTS[0], 1, &[inc, step, "--run"]);
        self.own(&self.sasha, ACCOUNTS[2], &["approve", inc, step]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_file(SUDOERS);
        let _ = fs::remove_dir_all(FOLDER);
        for account in ACCOUNTS {
            let _ = Command::new("userdel").arg(account).output();
        }
    }
}

/// Runs this test as root, by way of sudo where that asks for no password.
fn as_root(test: &str) -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let done = Command::new("sudo")
        .args(["-n", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap_or_else(|error| panic!("this test needs sudo (package sudo): {error}"));
    assert!(
        done.status.success(),
        "this test makes accounts and a sudo rule: it needs root, or a sudo that asks for no password: {done:?}"
    );
    false
}

#[test]
fn case_02_another_account_gets_nothing_and_sudo_runs_only_what_was_approved() {
    if !as_root("sudo::case_02_another_account_gets_nothing_and_sudo_runs_only_what_was_approved") {
        return;
    }
    let machine = Machine::new();
    let [bo, bo2, sasha] = ACCOUNTS;
    let place = format!("place={}", machine.team.place().display());
    let begun = machine.own(&machine.bo, bo, &["start", "gated", "--set", &place]);
    let inc = begun.lines().last().unwrap();
    fs::create_dir(machine.team.place().join("evil")).unwrap();
    open_to_all(&machine.team.place().join("evil"));

    // The rule lets nothing else of runsheet through.
    assert!(!machine.sudo(bo, &["status", inc]).status.success());
    assert!(machine.gate(bo, 1, &[inc, "cut"]).contains("closed"));
    machine.approved(inc, "cut");
    assert!(
        machine
            .gate(bo, 0, &[inc, "cut"])
            .contains("approved by sasha@example.org")
    );
    // Bo's own key and journal cannot use it up: it is for the gate.
    let refused = machine
        .bo
        .command(&["step", inc, "cut", "run"])
        .uid(uid(bo))
        .gid(uid(bo))
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");

    // Case 2: whose account calls is a matter of the policy, not of what is said.
    let said = machine.gate(sasha, 1, &[inc, "cut", "--run", "--as", "bo@example.org"]);
    assert!(
        said.contains("the account rsgate-sasha is sasha's"),
        "{said}"
    );
    assert!(machine.gate(bo2, 0, &[inc, "cut"]).contains("open"));

    let file = machine.team.place().join("cut two words");
    let path = file.display().to_string();
    let said = machine.gate(bo, 1, &[inc, "cut", "--", "touch", "--", "/etc/other"]);
    assert!(said.contains("not what was approved"), "{said}");
    // Flags say nothing either.
    let evil = machine.team.place().join("evil").display().to_string();
    let said = machine.gate(
        bo,
        0,
        &[
            inc,
            "cut",
            "--state",
            &evil,
            "--library",
            &evil,
            "--hub",
            &evil,
            "--as",
            "bo@example.org",
            "--key",
            &evil,
            "--config",
            &evil,
            "--",
            "touch",
            "--",
            &path,
        ],
    );
    assert!(said.contains("ran: exit 0"), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().uid(), 0, "root did it");
    machine.gate(bo, 1, &[inc, "cut", "--run"]);

    // What runs sees nothing of the caller.
    machine.approved(inc, "env");
    machine.gate(bo, 0, &[inc, "env", "--run"]);
    let seen = fs::read_to_string(machine.team.place().join("env")).unwrap();
    for word in [
        "HOSTILE",
        "evil",
        "GIT_SSH_COMMAND",
        "RUNSHEET_LOG",
        "SUDO_USER",
    ] {
        assert!(!seen.contains(word), "{word}: {seen}");
    }
    assert!(seen.ends_with("\n0\n/\n"), "{seen}");
    assert_eq!(
        fs::read_dir(&evil).unwrap().count(),
        0,
        "nothing was written where the caller said"
    );
    machine.own(&machine.bo, bo, &["sync", inc]);
    let verified = machine.own(&machine.bo, bo, &["verify", inc]);
    assert!(verified.contains("proven"), "{verified}");

    // The file that only root can write, and what becomes of it when others can.
    machine.approved(inc, "seven");
    let config = Path::new(FOLDER).join("gate.toml");
    fs::set_permissions(&config, Permissions::from_mode(0o666)).unwrap();
    assert!(
        machine
            .gate(bo, 2, &[inc, "seven", "--run"])
            .contains("others may write")
    );
    machine.configure();
    chown(&config, Some(uid(bo)), None).unwrap();
    assert!(
        machine
            .gate(bo, 2, &[inc, "seven", "--run"])
            .contains("another account")
    );
    let real = Path::new(FOLDER).join("real.toml");
    fs::rename(&config, &real).unwrap();
    chown(&real, Some(0), None).unwrap();
    symlink(&real, &config).unwrap();
    assert!(
        machine
            .gate(bo, 2, &[inc, "seven", "--run"])
            .contains("symlink")
    );
    machine.configure();
    fs::set_permissions(FOLDER, Permissions::from_mode(0o777)).unwrap();
    assert!(
        machine
            .gate(bo, 2, &[inc, "seven", "--run"])
            .contains("others may write")
    );
    fs::set_permissions(FOLDER, Permissions::from_mode(0o755)).unwrap();
    // A hub that cannot be reached might know of a denial.
    let hub = machine.team.dir.path().join("hub.git");
    fs::rename(&hub, hub.with_extension("away")).unwrap();
    machine.gate(bo, 4, &[inc, "seven", "--run"]);
    fs::rename(hub.with_extension("away"), &hub).unwrap();
    assert_eq!(
        machine.gate(bo, 7, &[inc, "seven", "--run"]).lines().last(),
        Some("ran: exit 7")
    );
}
