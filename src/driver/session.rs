//! One incident, open at a desk: everything a person does in it goes through here, from whatever screen or command.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::engine::at::{At, Claim, Root};
use crate::engine::checkpoint::record::Site;
use crate::engine::checkpoint::{self, Prepared};
use crate::engine::command::{Effect, StepKey};
use crate::engine::exec::Purpose;
use crate::engine::fact::Signed;
use crate::engine::intent::{Intent, Secret};
use crate::engine::telling::Told;
use crate::engine::{
    Command, Event, Fact, IncidentId, Refusal, RunId, State, StepRef, WriterId, decide,
};
use crate::journal::{Journal, Store, TransactError};

use super::begin::Gathered;
use super::intents::{command, rests_on_trust};
use super::named::step_key;
use super::receipts::Receipts;
use super::secrets::{self, Secrets};
use super::{Desk, DriverError, jobs, root};

/// An open incident.
pub struct Session {
    /// Where this person sits.
    pub desk: Rc<Desk>,
    pub(super) journal: Journal,
    pub(super) writer: WriterId,
    pub(super) secrets: Secrets,
    receipts: Receipts,
    root: Root,
    elsewhere: Option<Site>,
    /// How many runs' authors were compared with git.
    pub(super) compared: usize,
    pub(super) pending: Vec<jobs::Pending>,
    /// Locks of pulls that this process makes, until their end is recorded.
    pub(super) pulling: BTreeMap<PathBuf, File>,
    pub(super) post: super::post::Post,
}

/// HMACs by name, and the key they were made with.
type Marks = (BTreeMap<String, String>, Option<[u8; 32]>);

/// What an action led to.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Acted {
    pub events: Vec<Arc<Event>>,
    /// Sentences for whoever looks on: somebody should know now.
    pub notices: Vec<String>,
}

impl Session {
    /// Where records lie at this desk.
    #[must_use]
    pub fn store(desk: &Desk) -> Store {
        Self::store_of(&desk.settings)
    }

    /// Where records lie by these settings.
    #[must_use]
    pub fn store_of(settings: &super::Settings) -> Store {
        let store = Store::new(&settings.state);
        match &settings.spool {
            Some(spool) => store.with_spool(spool),
            None => store,
        }
    }

    /// Opens the record of an incident, mends what a crash left, and picks up what ended meanwhile.
    ///
    /// # Errors
    /// When there is no such record here, or it cannot be read.
    pub fn open(desk: Rc<Desk>, id: &IncidentId) -> Result<Self, DriverError> {
        let store = Self::store(&desk);
        let journal = Journal::open(&store, id)?;
        Self::with(desk, journal)
    }

    fn with(desk: Rc<Desk>, mut journal: Journal) -> Result<Self, DriverError> {
        let writer = match journal.writer(&desk.identity.principal) {
            Ok(writer) => writer,
            // Reading goes on. Whoever wants to record something is told why that cannot be.
            Err(error) => {
                journal.read_only.get_or_insert(error.to_string());
                WriterId::generate(&desk.random()?)
            }
        };
        let mut session = Self {
            desk,
            writer,
            secrets: Secrets::default(),
            receipts: Receipts::default(),
            root: Root::Trusted {
                revoked: Vec::new(),
            },
            elsewhere: None,
            compared: 0,
            pending: Vec::new(),
            pulling: BTreeMap::new(),
            post: super::post::Post::new(),
            journal,
        };
        session.receipts = Receipts::load(&session.dir());
        let events: Vec<_> = session.journal.log().events().to_vec();
        if let Err(error) = session.see(&events)
            && session.journal.read_only().is_none()
        {
            return Err(error);
        }
        session.trust();
        Ok(session)
    }

    /// Begins an incident, with its first run.
    ///
    /// # Errors
    /// When a rule forbids it, or it cannot be recorded.
    pub fn begin(
        desk: Rc<Desk>,
        start: crate::engine::command::StartIncident,
    ) -> Result<Self, DriverError> {
        let id = Self::new_id(&desk)?;
        Self::begin_as(desk, &id, start, |_| Ok(()))
    }

    /// An id that no incident has yet.
    pub(super) fn new_id(desk: &Desk) -> Result<IncidentId, DriverError> {
        let millis = u64::try_from(desk.ports.clock.now().timestamp_millis()).unwrap_or(0);
        Ok(IncidentId::generate(millis, &desk.random()?))
    }

    /// Begins the incident of this id; `first` is done in its folder before anything is recorded.
    pub(super) fn begin_as(
        desk: Rc<Desk>,
        id: &IncidentId,
        start: crate::engine::command::StartIncident,
        first: impl FnOnce(&Self) -> Result<(), DriverError>,
    ) -> Result<Self, DriverError> {
        // Decided once before anything is made, so that a refusal leaves nothing behind.
        let trial = WriterId::generate(&desk.random()?);
        let at = desk.at(
            &trial,
            Root::Trusted {
                revoked: Vec::new(),
            },
            Receipts::default(),
        )?;
        decide(
            &State::default(),
            Command::StartIncident(Box::new(start.clone())),
            &at,
        )?;
        let journal = Journal::create(&Self::store(&desk), id)?;
        let mut session = Self::with(desk, journal)?;
        first(&session)?;
        session.command(Command::StartIncident(Box::new(start)))?;
        session.trust();
        Ok(session)
    }

    /// Starts another run in this incident.
    ///
    /// # Errors
    /// As [`Session::begin`].
    pub fn another_run(
        &mut self,
        gathered: &Gathered,
        inputs: BTreeMap<String, String>,
        secrets: Vec<String>,
    ) -> Result<Acted, DriverError> {
        let acted = self.command(Command::StartRun(Box::new(gathered.run(inputs, secrets))))?;
        self.trust();
        Ok(acted)
    }

    /// The incident's id.
    #[must_use]
    pub fn id(&self) -> &IncidentId {
        self.journal.incident()
    }

    /// Only what the record says: the state and the events it follows from.
    #[must_use]
    pub fn into_record(self) -> (Arc<State>, Vec<Arc<Event>>) {
        self.journal.into_record()
    }

    /// What is so now.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        self.journal.state()
    }

    /// The record.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The record, to exchange it with others.
    pub fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// What the own library says of this record's root of trust.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Who writes here.
    #[must_use]
    pub fn writer(&self) -> &WriterId {
        &self.writer
    }

    /// This incident's folder in the own state directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.desk
            .settings
            .state
            .join("incidents")
            .join(self.id().as_str())
    }

    /// Where artifacts lie: in the spool where there is one, so that whoever shares it has them too.
    #[must_use]
    pub fn evidence_dir(&self) -> PathBuf {
        let root = self
            .desk
            .settings
            .spool
            .as_ref()
            .unwrap_or(&self.desk.settings.state);
        root.join("incidents")
            .join(self.id().as_str())
            .join("evidence")
    }

    /// Remembers a secret value for as long as this process lives.
    pub fn keep_secret(&mut self, run: &RunId, name: &str, value: Secret) {
        self.secrets.keep(run, name, value);
    }

    /// Names of secret values that this step's script would need and this process was not given.
    #[must_use]
    pub fn missing_secrets(&self, key: &StepKey) -> Vec<String> {
        let state = self.state();
        let Some(run) = state.run(&key.run) else {
            return Vec::new();
        };
        run.secrets()
            .into_iter()
            .filter(|name| self.secrets.get(&run.id, name).is_none())
            .collect()
    }

    /// Asks the own library again whether it vouches for this record.
    pub fn trust(&mut self) {
        self.root = root::root(self.desk.own_library(), self.journal.state());
    }

    pub(super) fn distrust(&mut self, why: String) {
        self.root = Root::Untrusted(why);
    }

    /// Whether what is open is an exercise: nothing real is run, pulled or sent.
    #[must_use]
    pub fn is_exercise(&self) -> bool {
        let incident = self.state().incident.as_deref();
        incident.is_some_and(|incident| incident.mode == crate::trust::Mode::Exercise)
    }

    /// Now, by the clock that rules here: the simulated one in an exercise.
    #[must_use]
    pub fn now(&self) -> chrono::DateTime<chrono::FixedOffset> {
        let now = self.desk.ports.clock.now();
        match &self.state().exercise {
            Some(exercise) => exercise.sim(now.to_utc()).with_timezone(now.offset()),
            None => now,
        }
    }

    /// The circumstances of the next command.
    ///
    /// # Errors
    /// When the kernel has no randomness.
    pub fn at(&self) -> Result<At, DriverError> {
        let at = self
            .desk
            .at(&self.writer, self.root.clone(), self.receipts.clone())?;
        Ok(At {
            elsewhere: self.elsewhere.clone(),
            ..at.ruled_by(self.state())
        })
    }

    /// What is asked for from now on would run there, by them.
    pub fn ask_for(&mut self, site: Site) {
        self.elsewhere = Some(site);
    }

    /// What would be signed for this intent now, and its approval text; `None` where nothing is signed.
    ///
    /// # Errors
    /// When the engine would refuse it.
    pub fn prepare(&self, intent: &Intent) -> Result<Option<Prepared>, DriverError> {
        let marks = self.marks_for(intent)?.0;
        let mut at = self.at()?;
        at.files = self.files_for(intent, &marks, &at);
        Ok(checkpoint::prepare(self.state(), intent, &marks, &at)?)
    }

    /// Does what a person wants: signs where that is needed, decides, records, applies, and starts what follows.
    ///
    /// # Errors
    /// A refusal, or whatever kept it from being signed or recorded.
    pub fn act(&mut self, intent: Intent) -> Result<Acted, DriverError> {
        match intent {
            Intent::Attach { path, step } => self.attach(&path, step),
            Intent::CollectLog { log, asked } => self.collect_log(&log, &asked),
            Intent::Adopt { reason } => self.adopt(reason.as_ref()),
            intent if self.state().exercise.is_some() => {
                let tried = intent.clone();
                let acted = self.act_signed(intent);
                if let Err(DriverError::Refused(refusal)) = &acted {
                    self.keep_refusal(&tried, refusal);
                }
                acted
            }
            intent => self.act_signed(intent),
        }
    }

    fn act_signed(&mut self, intent: Intent) -> Result<Acted, DriverError> {
        let mut acted = if rests_on_trust(&intent) {
            self.shrink()?
        } else {
            Acted::default()
        };
        let (marks, key) = self.marks_for(&intent)?;
        let claim = match &intent {
            Intent::Start { step, purpose } => self.claim_for(step, *purpose)?,
            _ => Claim::NotAsked,
        };
        let mut at = At {
            claim,
            ..self.at()?
        };
        at.files = self.files_for(&intent, &marks, &at);
        let prepared = checkpoint::prepare(self.state(), &intent, &marks, &at)?;
        let signed = match &prepared {
            Some(prepared) => Some(self.sign(prepared)?),
            None => None,
        };
        if let (Some(prepared), Some(key), Intent::Request { .. } | Intent::Override { .. }) =
            (&prepared, &key, &intent)
            && let Some(record) = &prepared.record
        {
            secrets::keep_key(&self.dir(), &record.step, key).map_err(|source| {
                DriverError::Io {
                    what: "the key of the secret values",
                    source,
                }
            })?;
        }
        if let Intent::Answer { step, secrets, .. } = &intent {
            for (name, value) in secrets {
                self.secrets.keep(&step.run, name, value.clone());
            }
        }
        let heads = prepared.map(|prepared| prepared.heads).unwrap_or_default();
        let command = command(intent, marks, signed, heads)?;
        let more = self.decided(command, &at)?;
        acted.events.extend(more.events);
        acted.notices.extend(more.notices);
        self.tell_at_once(&mut acted)?;
        self.withhold()?;
        Ok(acted)
    }

    /// Records what a statement made and signed elsewhere says, or any other command that is complete already.
    ///
    /// # Errors
    /// As [`Session::act`].
    pub fn command(&mut self, command: Command) -> Result<Acted, DriverError> {
        let mut at = self.at()?;
        // Tried again, it runs what is there now.
        if let Command::Start {
            step,
            purpose,
            secrets,
            ..
        } = &command
        {
            at.files = self.files_of(step, *purpose, secrets, &Site::here(&at), &at);
        }
        self.decided(command, &at)
    }

    fn decided(&mut self, command: Command, at: &At) -> Result<Acted, DriverError> {
        let command = self.redacted(command)?;
        let _spawning = jobs::spawning(&self.dir());
        let (events, effects) = self
            .journal
            .transact(|state| {
                decide(state, command, at).map(|decision| (decision.events, decision.effects))
            })
            .map_err(|error| match error {
                TransactError::Refused(refusal) => DriverError::Refused(refusal),
                TransactError::Journal(error) => DriverError::Journal(error),
            })?;
        self.post.told(&events);
        let mut acted = Acted {
            events,
            notices: Vec::new(),
        };
        // They are recorded, whatever comes of this.
        if let Err(error) = self.see(&acted.events) {
            acted.notices.push(error.to_string());
        }
        for effect in effects {
            if let Effect::Notice(text) = effect {
                acted.notices.push(text);
            } else {
                self.carry_out(effect);
            }
        }
        Ok(acted)
    }

    pub(super) fn sign(&self, prepared: &Prepared) -> Result<Signed, DriverError> {
        let signer = self.desk.identity.signer.as_ref().ok_or_else(|| {
            DriverError::Refused(
                Refusal::new(
                    crate::engine::command::RefusalKind::Unsigned,
                    "there is no key to sign with",
                )
                .hint("`runsheet doctor` says what is missing; `--key FILE` names a key"),
            )
        })?;
        let signature = signer.sign(prepared.mode, prepared.statement.as_bytes())?;
        Ok(Signed {
            statement: prepared.statement.clone(),
            signature,
        })
    }

    /// The HMACs of the secret values an intent's record would carry, and the key they were made with.
    fn marks_for(&self, intent: &Intent) -> Result<Marks, DriverError> {
        let run = match intent {
            Intent::Start { step, .. }
            | Intent::Request { step, .. }
            | Intent::Override { step, .. } => &step.run,
            _ => return Ok((BTreeMap::new(), None)),
        };
        let key = self.desk.random()?;
        Ok((self.secrets.marks(run, &key), Some(key)))
    }

    /// Takes known secrets out of free text before it is recorded.
    #[allow(clippy::too_many_lines, reason = "one arm a command, nothing else")]
    pub(super) fn redacted(&self, command: Command) -> Result<Command, DriverError> {
        let redactor = self.redactor()?;
        let clean = |text: &str| redactor.text(text);
        let tell = |told: Told| Told {
            what: told.what.with_texts(clean),
            ..told
        };
        Ok(match command {
            Command::Note {
                text,
                at,
                until,
                fidelity,
                step,
                details,
            } => Command::Note {
                text: redactor.text(&text),
                at,
                until,
                fidelity,
                step,
                details: details.map(|details| Box::new(details.with_texts(clean))),
            },
            Command::Tell(told) => Command::Tell(told.into_iter().map(tell).collect()),
            Command::NoteLine {
                text,
                class,
                at,
                line,
            } => Command::NoteLine {
                text: clean(&text),
                class,
                at,
                line,
            },
            Command::Correct {
                event,
                text,
                reason,
            } => Command::Correct {
                event,
                text: redactor.text(&text),
                reason: redactor.text(&reason),
            },
            Command::Skip { step, reason } => Command::Skip {
                step,
                reason: clean(&reason),
            },
            Command::Update {
                audience,
                state,
                message,
                next,
            } => Command::Update {
                audience,
                state,
                message: clean(&message),
                next,
            },
            other => other,
        })
    }

    /// The redaction rules of this incident: the built-in ones, the pinned policy's, and the secrets given here.
    ///
    /// # Errors
    /// When no rule can be used at all.
    pub fn redactor(&self) -> Result<super::keep::Redaction, DriverError> {
        let rules = self
            .state()
            .incident
            .as_deref()
            .map(|incident| incident.policy.redact.clone())
            .unwrap_or_default();
        super::keep::Redaction::new(&rules, self.secrets.all())
    }

    /// Everything that is new since the last time: events of other processes and people, ended commands, pulled files.
    /// Never blocks for long.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn poll(&mut self) -> Result<Acted, DriverError> {
        let mut acted = Acted {
            events: self.journal.poll()?,
            notices: Vec::new(),
        };
        let events = acted.events.clone();
        self.see(&events)?;
        if !events.is_empty() {
            self.post.saw(&events);
            self.trust_if_changed(&events);
        }
        if events
            .iter()
            .any(|event| matches!(event.fact, Fact::EvidenceExpunged(_)))
        {
            self.withhold()?;
        }
        for (command, notice) in self.results() {
            match self.command(command) {
                Ok(more) => acted.events.extend(more.events),
                Err(DriverError::Refused(refusal)) => acted.notices.push(refusal.what),
                Err(error) => return Err(error),
            }
            acted.notices.extend(notice);
        }
        let posted = self.post()?;
        acted.events.extend(posted.events);
        acted.notices.extend(posted.notices);
        for pulled in self.pulled_logs() {
            acted.notices.extend(pulled.problems());
            acted
                .events
                .extend(self.record_pulled(pulled, None)?.events);
        }
        Ok(acted)
    }

    fn trust_if_changed(&mut self, events: &[Arc<Event>]) {
        let pins = |event: &Arc<Event>| {
            matches!(
                event.fact,
                Fact::RunStarted(_)
                    | Fact::IncidentStarted(_)
                    | Fact::PolicyProposed(_)
                    | Fact::PolicySeconded(_)
                    | Fact::TrustRevoked(_)
            )
        };
        if events.iter().any(pins) {
            self.trust();
        }
    }

    /// Keeps when the approvals among these events were first seen here.
    pub(super) fn see(&mut self, events: &[Arc<Event>]) -> Result<(), DriverError> {
        let (dir, now) = (self.dir(), self.desk.boot());
        self.receipts
            .see(&dir, events.iter().map(Arc::as_ref), &now)
            .map_err(|source| DriverError::Io {
                what: "when approvals were first seen",
                source,
            })
    }

    /// The step that is meant: `STEP`, or `RUN/STEP` where an incident has several runs.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn step(&self, text: &str) -> Result<StepKey, DriverError> {
        step_key(self.state(), text)
    }
}

/// A step and what is run of it, as a job's folder is named.
#[must_use]
pub fn job_name(step: &StepRef, purpose: Purpose) -> String {
    let word = match purpose {
        Purpose::Run => "run",
        Purpose::DryRun => "dry-run",
        Purpose::RollBack => "roll-back",
    };
    format!("{}.{}.{}.{word}", step.run, step.step, step.attempt)
}
