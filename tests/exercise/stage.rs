//! The desks of an exercise: people with keys from fixed seeds, a library, a spool they share, and clocks and chance that
//! only the play moves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use runsheet::driver::exercise::Beginning;
use runsheet::driver::{Desk, Ports, Session, Settings};
use runsheet::engine::intent::Secret;
use runsheet::engine::{IncidentId, Intent};
use runsheet::evidence::Digest;
use runsheet::exercise::report::{self, Report, Source};
use runsheet::exercise::score::{self, Score};
use runsheet::exercise::{Key, due};
use runsheet::host::clock::{BootStamp, Clock};
use runsheet::host::git::Git;
use runsheet::host::random::Random;
use runsheet::identity::{Asked, Environment};
use runsheet::library::Spec;
use runsheet::runbook::model::Role;
use runsheet::runbook::scenario::Scenario;
use runsheet::trust::Principal;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use tempfile::TempDir;

/// Who conducts, and who judges.
pub const FACILITATOR: &str = "fay";
pub const EVALUATOR: &str = "eve";

/// A clock that stands still until it is set.
#[derive(Clone)]
pub struct Hand(Arc<Mutex<DateTime<Utc>>>);

impl Hand {
    pub fn at(text: &str) -> Self {
        Self(Arc::new(Mutex::new(text.parse().unwrap())))
    }

    pub fn set(&self, to: DateTime<Utc>) {
        let mut now = self.0.lock().unwrap();
        assert!(to >= *now, "a real clock does not go back");
        *now = to;
    }

    pub fn utc(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<FixedOffset> {
        self.utc().fixed_offset()
    }

    fn boot(&self) -> BootStamp {
        BootStamp {
            id: "stage".to_owned(),
            millis: u64::try_from(self.utc().timestamp_millis()).unwrap(),
        }
    }
}

/// Chance that is the same each time.
struct Dice(AtomicU64);

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        for chunk in buffer.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            let bytes = Digest::of(format!("dice {number}").as_bytes()).0;
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// An exercise under way.
pub struct Stage {
    _dir: TempDir,
    pub clock: Hand,
    pub scenario: Scenario,
    key: Key,
    sessions: BTreeMap<String, Session>,
}

impl Stage {
    /// Begins this scenario with these people and their roles.
    pub fn new(scenario: &str, text: &str, people: &BTreeMap<String, Vec<String>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut everybody = people.clone();
        everybody.insert(FACILITATOR.to_owned(), vec!["commander".to_owned()]);
        everybody.insert(EVALUATOR.to_owned(), vec!["scribe".to_owned()]);
        library(dir.path(), &everybody);
        let clock = Hand::at("2026-11-27T09:00:00Z");
        let desk = |who: &str| Rc::new(desk(dir.path(), who, &clock));
        let beginning = Beginning {
            paused: false,
            scale: None,
        };
        let path = format!("{scenario}.yaml");
        let mut first =
            Session::begin_exercise(desk(FACILITATOR), &path, text, &beginning).unwrap();
        let evaluator = Role::from("evaluator");
        let who = principal(EVALUATOR);
        first
            .act(Intent::AssignRole {
                who,
                role: evaluator,
            })
            .unwrap();
        let (scenario, key) = first.script().unwrap();
        let id = first.id().clone();
        let mut sessions = BTreeMap::from([(FACILITATOR.to_owned(), first)]);
        for who in everybody.keys().filter(|who| *who != FACILITATOR) {
            sessions.insert(who.clone(), open(desk(who), &id));
        }
        let judge = sessions.get_mut(EVALUATOR).unwrap();
        judge.join_controllers(&key).unwrap();
        let mut stage = Self {
            _dir: dir,
            clock,
            scenario,
            key,
            sessions,
        };
        stage.settle();
        stage
    }

    pub fn session(&self, who: &str) -> &Session {
        &self.sessions[who]
    }

    pub fn sim(&self) -> DateTime<Utc> {
        self.session(FACILITATOR).now().to_utc()
    }

    /// Everybody hears of everything, and the script goes on, until nothing moves any more.
    pub fn settle(&mut self) {
        loop {
            let mut moved = 0;
            let conductor = self.sessions.get_mut(FACILITATOR).unwrap();
            moved += conductor.poll().unwrap().events.len();
            moved += conductor
                .conduct(&self.scenario, &self.key)
                .unwrap()
                .events
                .len();
            for session in self.sessions.values_mut() {
                moved += session.poll().unwrap().events.len();
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// The clocks go on to this simulated time, with everything that comes on the way; they stop where the exercise does.
    pub fn go_to(&mut self, sim: DateTime<Utc>) {
        loop {
            self.settle();
            let conductor = self.session(FACILITATOR);
            let exercise = conductor.state().exercise.clone().unwrap();
            let next = conductor.next_due(&self.scenario, &self.key);
            let to = next.map_or(sim, |next| next.min(sim));
            let Some(real) = exercise.real(to) else {
                return;
            };
            if self.sim() >= sim {
                return;
            }
            self.clock.set(real.max(self.clock.utc()));
            if next.is_none_or(|next| next > sim) {
                self.settle();
                return;
            }
        }
    }

    pub fn with<T>(&mut self, who: &str, act: impl FnOnce(&mut Session) -> T) -> T {
        let session = self
            .sessions
            .get_mut(who)
            .unwrap_or_else(|| panic!("nobody is called {who}"));
        session.poll().unwrap();
        let run = session.state().open_runs().last().map(|run| run.id.clone());
        if let Some(run) = run {
            let secrets: Vec<String> = session
                .state()
                .run(&run)
                .unwrap()
                .secrets()
                .into_iter()
                .collect();
            for name in secrets {
                session.keep_secret(&run, &name, Secret("practice".to_owned()));
            }
        }
        let result = act(session);
        self.settle();
        result
    }

    pub fn score(&self) -> Score {
        let session = self.session(EVALUATOR);
        let progress = session.progress();
        let items = runsheet::exercise::seal::items(session.state(), &self.key);
        score::score(
            &self.scenario,
            session.state(),
            &progress,
            &items,
            self.sim(),
        )
    }

    /// When a move begins.
    pub fn begun(&self) -> DateTime<Utc> {
        let exercise = self.session(FACILITATOR).state().exercise.clone().unwrap();
        exercise.started.clock.sim
    }

    pub fn move_at(&self, id: &str) -> DateTime<Utc> {
        let stage = self.scenario.moves.iter().find(|one| one.id == id).unwrap();
        due::after(self.begun(), stage.at)
    }

    /// The after-action report.
    pub fn report(&self) -> Report {
        let session = self.session(EVALUATOR);
        let (countdowns, problems) = session.countdowns(false, session.now()).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let source = Source {
            scenario: &self.scenario,
            state: session.state(),
            events: session.journal().log().events(),
            items: &runsheet::exercise::seal::items(session.state(), &self.key),
            countdowns: &countdowns,
            now: self.sim(),
        };
        report::gather(source, None, &[])
    }

    /// The record breaks no promise, for anybody.
    pub fn is_proven(&self) {
        for session in self.sessions.values() {
            let state = session.state();
            let broken: Vec<_> = state.flags.iter().filter(|flag| flag.violation).collect();
            assert!(broken.is_empty(), "{broken:#?}");
        }
    }
}

fn open(desk: Rc<Desk>, id: &IncidentId) -> Session {
    Session::open(desk, id).unwrap()
}

pub fn principal(who: &str) -> Principal {
    Principal::try_from(format!("{who}@example.org").as_str()).unwrap()
}

fn desk(dir: &Path, who: &str, clock: &Hand) -> Desk {
    let seed = Digest::of(who.as_bytes()).0;
    let settings = Settings {
        state: made(dir.join("states").join(who)),
        spool: Some(dir.join("spool")),
        cache: made(dir.join("cache")),
        hub: None,
        library: Some(Spec::parse(dir.join("library").to_str().unwrap()).unwrap()),
        asked: Asked {
            principal: Some(principal(who)),
            key: Some(dir.join("keys").join(who)),
        },
        environment: Environment::default(),
        cwd: "/srv/ir".to_owned(),
        account: who.to_owned(),
        host: "bastion".to_owned(),
        program: PathBuf::from("/nonexistent/nothing-runs-in-an-exercise"),
    };
    let ports = Ports {
        clock: Arc::new(clock.clone()),
        random: Arc::new(Dice(AtomicU64::new(u64::from(seed[0]) * 1_000_000))),
        git: Git::new("git", Duration::from_secs(60)),
        passphrase: Arc::new(|| None),
    };
    Desk::new(settings, ports).unwrap()
}

fn made(path: PathBuf) -> PathBuf {
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn library(dir: &Path, people: &BTreeMap<String, Vec<String>>) {
    use std::os::unix::fs::PermissionsExt as _;
    let spool = made(dir.join("spool"));
    std::fs::set_permissions(&spool, std::fs::Permissions::from_mode(0o3770)).unwrap();
    let keys = made(dir.join("keys"));
    let books = made(dir.join("library/runbooks"));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    for entry in std::fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "yaml") {
            std::fs::copy(&path, books.join(path.file_name().unwrap())).unwrap();
        }
    }
    let (mut policy, mut signers) = (String::from("people:\n"), String::new());
    for (who, roles) in people {
        let seed = Digest::of(who.as_bytes()).0;
        let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
        let key = PrivateKey::new(pair, who).unwrap();
        let path = keys.join(who);
        std::fs::write(&path, key.to_openssh(LineEnding::LF).unwrap()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let public = key.public_key().to_openssh().unwrap();
        std::fs::write(keys.join(format!("{who}.pub")), &public).unwrap();
        let words: Vec<_> = public.split(' ').take(2).collect();
        signers.push_str(&format!("{who}@example.org {}\n", words.join(" ")));
        policy.push_str(&format!(
            "  {who}: {{principals: [{who}@example.org], accounts: [{who}], roles: [{}]}}\n",
            roles.join(", ")
        ));
    }
    policy.push_str("override: {roles: [commander], expires: 30m}\nclocks: [gdpr-33, nis2-23]\n");
    std::fs::write(dir.join("library/policy.yaml"), policy).unwrap();
    std::fs::write(dir.join("library/allowed_signers"), signers).unwrap();
    let git = |args: &[&str]| {
        let done = Command::new("git")
            .arg("-C")
            .arg(dir.join("library"))
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                [
                    (format!("GIT_{who}_NAME"), "Lee".to_owned()),
                    (format!("GIT_{who}_EMAIL"), "lee@example.org".to_owned()),
                    (format!("GIT_{who}_DATE"), "2026-11-01T12:00:00Z".to_owned()),
                ]
            }))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Runbooks"]);
}
