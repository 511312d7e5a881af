//! Doing what the screen wishes.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::background::{self, Message};
use super::{App, Whole, empty_preview, tail, world};
use crate::cli::CliError;
use crate::cli::export;
use crate::driver::{Session, begin};
use crate::engine::EventId;
use crate::engine::checkpoint;
use crate::engine::command::StartIncident;
use crate::engine::details::{Details, Edit};
use crate::engine::exec::Purpose;
use crate::engine::fact::EntryDescribed;
use crate::engine::intent::Intent;
use crate::engine::sentence::sentence;
use crate::engine::telling::Telling;
use crate::evidence::escape;
use crate::host::files;
use crate::library::POLICY;
use crate::runbook::parse;
use crate::timeline::export::Format;
use crate::trust::{Decision, Mode};
use crate::tui::Wish;
use crate::tui::layer::{Choose, Layer, Then};
use crate::tui::model::Wanted;
use crate::tui::theme::Tone;
use crate::tui::wish::Start;
use crate::tui::world::{Change, GatePreview, Preview, Sync};

/// The most commits a preview shows.
const MOST_HISTORY: usize = 50;

impl App {
    #[allow(clippy::too_many_lines, reason = "one arm a wish, nothing else")]
    pub(super) fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Quit => self.quit = true,
            Wish::Redraw => self.terminal = Some(Whole::Redraw),
            Wish::Suspend => self.terminal = Some(Whole::Suspend),
            Wish::FlushInput => super::terminal::flush_input(),
            Wish::Bell => super::terminal::bell(),
            Wish::Again => {
                let _ = self.send.send(Message::Again);
            }
            Wish::LeaveIncident => {
                self.close_log();
                self.session = None;
                self.approval = None;
                self.events = Arc::default();
                self.list_incidents();
                self.refresh();
            }
            Wish::OpenIncident(id) => {
                let opened = self.open(&id);
                self.told(opened);
            }
            Wish::StartIncident(start) => {
                let started = self.start(*start);
                self.told(started);
            }
            Wish::Act(intent) if self.asks_to_sign(&intent) => {
                self.terminal = Some(Whole::Sign(Box::new(intent)));
            }
            Wish::Act(intent) => self.act(intent),
            Wish::AttachTo { entry, path } => self.attach_to(entry, path),
            Wish::PreviewUpdate(intent) => self.preview_update(intent),
            Wish::ShowApproval(key) => {
                self.show_approval(&key);
                self.refresh();
            }
            Wish::Secret { run, name, value } => {
                if let Some(session) = self.session.as_mut() {
                    session.keep_secret(&run, &name, value);
                }
                self.refresh();
            }
            Wish::Cancel(step) => {
                let asked = self
                    .session
                    .as_ref()
                    .map(|session| session.cancel(&step, Purpose::Run));
                if let Some(Err(error)) = asked {
                    self.notice(true, format!("{step} could not be ended: {error}"), None);
                }
            }
            Wish::CancelTask(id) => {
                let session = self.session.as_ref();
                if !session.is_some_and(|session| tail::cancel(session, id)) {
                    self.world.tasks.retain(|task| task.id != id);
                }
            }
            Wish::Fetch => {
                let task = self.task("fetching the library");
                background::fetch(&self.desk.settings, task, &self.send);
            }
            Wish::Sync => self.sync_now(),
            Wish::ReadScenario(id) => self.read_scenario(id),
            Wish::BeginExercise { scenario, paused } => {
                let begun = self.begin_exercise(&scenario, paused);
                self.told(begun);
            }
            Wish::Report { paper, path } => {
                let written = self.report(paper, &path);
                self.told(written);
            }
            Wish::Seal(item) => self.seal(&item),
            Wish::EndExercise { aborted, reason } => self.end_exercise(aborted, reason),
            Wish::SetTheme(name) => self.keep_theme(&name),
            Wish::Preview(id) => self.preview(id.as_str(), false),
            Wish::History(id) => self.preview(id.as_str(), true),
            Wish::Diff { id, a, b } => self.diff(id.as_str(), &a, &b),
            Wish::Export {
                format,
                audience,
                template,
                path,
            } => {
                let chosen = (audience.as_deref(), template.as_deref());
                let left = self.export(format, chosen, &path);
                self.told(left);
            }
            Wish::OpenLog(log) => {
                let opened = self.open_log(&log);
                self.told(opened);
            }
            Wish::Log(ask) => self.ask_log(ask),
            Wish::MarkLine { at, text, class } => {
                if let Some(reading) = &self.reading {
                    reading.reader.line(at, text, class);
                }
            }
            Wish::Excerpt { from, here, path } => {
                if let Some(reading) = &self.reading {
                    reading.reader.excerpt(from, here, path);
                }
            }
            Wish::CloseLog => self.close_log(),
            Wish::Suggest => self.suggest(),
            Wish::CopyStatement(key) => self.copy_statement(&key),
            Wish::SitDown(index) => {
                let sat = self.change_places(index);
                self.told(sat);
            }
        }
    }

    /// What an update would send, and the question whether to.
    fn preview_update(&mut self, intent: Intent) {
        let Some(session) = self.session.as_ref() else {
            return;
        };
        let leaving = match session.leaving(intent.clone()) {
            Ok(leaving) => leaving,
            Err(error) => return self.failed(&error),
        };
        let names: Vec<_> = leaving
            .channels
            .iter()
            .map(|channel| channel.name.as_str())
            .collect();
        let through = match (&leaving.stays, names.as_slice()) {
            (Some(why), _) => why.clone(),
            (None, []) => "the policy has no channel for them: it is recorded only".to_owned(),
            (None, names) => format!("through {}", names.join(", ")),
        };
        let mut choose = Choose::new(format!("Tell {}?", leaving.wording.audience))
            .say(Tone::Dim, through)
            .say(Tone::Dim, "");
        for line in leaving.wording.text.lines() {
            choose = choose.say(Tone::Text, line);
        }
        let send = Then::Wish(Box::new(Wish::Act(intent)));
        let choose = choose
            .option("Tell them", "it is recorded, and sent", send)
            .option("Not now", "nothing is recorded", Then::Nothing);
        self.model.layers.push(Layer::Choose(choose));
    }

    /// Says what went wrong: what happened, what was kept, what to do.
    pub(super) fn told(&mut self, result: Result<(), CliError>) {
        match result {
            Ok(()) => {}
            Err(CliError::Driver(error)) => self.failed(&error),
            Err(error) => self.notice(true, error.to_string(), error.hint().map(str::to_owned)),
        }
    }

    /// Whether this takes a signature for which somebody is asked something: a passphrase, a PIN, a touch.
    fn asks_to_sign(&self, intent: &Intent) -> bool {
        let signer = self.desk.identity.signer.as_ref();
        signer.is_some_and(|signer| signer.asks())
            && self.session.as_ref().is_some_and(|session| {
                session
                    .prepare(intent)
                    .is_ok_and(|prepared| prepared.is_some())
            })
    }

    /// Captures a file, and says of an entry that it rests on it.
    fn attach_to(&mut self, entry: EventId, path: String) {
        let Some(session) = self.session.as_mut() else {
            return;
        };
        let captured = match session.act(Intent::Attach { path, step: None }) {
            Ok(acted) => acted,
            Err(error) => return self.failed(&error),
        };
        let artifacts = captured.events.iter().flat_map(|one| one.fact.evidence());
        let details = Details {
            evidence: Edit {
                add: artifacts.map(|artifact| artifact.sha256).collect(),
                remove: Vec::new(),
            },
            ..Details::default()
        };
        let rests = Telling::Described(EntryDescribed { entry, details });
        self.act(Intent::Tell(vec![rests.into()]));
    }

    pub(super) fn act(&mut self, intent: Intent) {
        let Some(session) = self.session.as_mut() else {
            return;
        };
        let asks = matches!(intent, Intent::Request { .. });
        let tells = matches!(intent, Intent::Tell(_));
        match session.act(intent) {
            Ok(acted) => {
                let told = acted.events.first().filter(|_| tells);
                if let Some(event) = told {
                    self.notice(false, format!("recorded: {}", sentence(event)), None);
                }
                for text in acted.notices {
                    self.notice(false, text, None);
                }
                self.publish();
                if let Some(chair) = self.world.chair.as_ref().filter(|_| asks) {
                    let hint = format!("P, or `be {}` in the list of `more`", chair.name);
                    let what = format!("asked; now take {}'s chair and answer", chair.name);
                    self.notice(false, what, Some(hint));
                }
            }
            Err(error) => self.failed(&error),
        }
        self.recorded();
    }

    fn start(&mut self, start: Start) -> Result<(), CliError> {
        let gathered = begin::gather(&self.desk, start.runbook.as_str())?;
        let names = start.secrets.keys().cloned().collect();
        if let Some(session) = self.session.as_mut() {
            session.another_run(&gathered, start.inputs, names)?;
        } else {
            let run = gathered.run(start.inputs, names);
            let begun = StartIncident {
                exercise: None,
                title: start.title,
                severity: start.severity,
                mode: Mode::Live,
                reference: None,
                alert: None,
                library: gathered.library.clone(),
                policy: gathered.policy.clone(),
                policy_yaml: gathered.policy_yaml.clone(),
                allowed_signers: gathered.allowed_signers.clone(),
                run: Some(run),
            };
            self.session = Some(Session::begin(Rc::clone(&self.desk), begun)?);
        }
        if let Some(session) = self.session.as_mut()
            && let Some(run) = session.state().runs.last().map(|run| run.id.clone())
        {
            for (name, value) in start.secrets {
                session.keep_secret(&run, &name, value);
            }
            self.world.me = world::me(&self.desk, Some(session.state()));
        }
        self.publish();
        self.recorded();
        if let Some(session) = &self.session {
            self.model.wanted = Some(Wanted::Incident(session.id().clone(), None));
        }
        Ok(())
    }

    fn sync_now(&mut self) {
        if self.desk.settings.hub.is_none() {
            self.notice(
                false,
                "there is no hub: the record is here only",
                Some("--hub PATH|URL names one".to_owned()),
            );
            return;
        }
        self.pace.now();
        self.meet_hub();
    }

    fn keep_theme(&mut self, name: &str) {
        let Ok(mut config) = crate::cli::config::Config::read(&self.common) else {
            return;
        };
        config.file.theme = Some(name.to_owned());
        if let Err(error) = config.save() {
            self.notice(false, format!("the theme was not kept: {error}"), None);
        }
    }

    fn preview(&mut self, id: &str, history: bool) {
        self.world.preview = Some(match self.read_preview(id, history) {
            Ok(preview) => Arc::new(preview),
            Err(error) => {
                let mut preview = Preview::clone(&empty_preview(id));
                preview.problems = vec![error.to_string()];
                Arc::new(preview)
            }
        });
    }

    fn read_preview(&self, id: &str, history: bool) -> Result<Preview, CliError> {
        let library = self.desk.library()?;
        let pin = library.pin()?;
        let entry = begin::find(library, &pin, id)?;
        let blob = library.read_entry(&entry)?;
        let (book, problems) = parse::runbook(&entry.path, &blob.bytes);
        let policy = library
            .policy(&pin)?
            .and_then(|blob| parse::policy(POLICY, &blob.bytes).0)
            .unwrap_or_default();
        let mut gates = BTreeMap::new();
        let now = self.desk.ports.clock.now().to_utc();
        for step in book
            .iter()
            .flat_map(|book| book.steps.iter().map(move |step| (book, step)))
        {
            let (book, step) = step;
            if let Some(gate) = policy.checkpoint_for(book, step, &BTreeMap::new(), now) {
                let who = crate::runbook::gates::who_could_pass(&policy, &gate, None);
                gates.insert(
                    step.id.clone(),
                    GatePreview {
                        asks: checkpoint::describe(&gate),
                        who,
                    },
                );
            }
        }
        let commits = if history {
            library.history(&pin, &entry.path, MOST_HISTORY)?
        } else {
            Vec::new()
        };
        Ok(Preview {
            id: id.to_owned(),
            book: book.map(Arc::new),
            gates,
            problems: problems.iter().map(ToString::to_string).collect(),
            history: commits
                .into_iter()
                .map(|commit| Change {
                    commit: commit.commit.chars().take(12).collect(),
                    author: commit.author_name,
                    date: commit.date,
                    subject: commit.subject,
                })
                .collect(),
            diff: None,
        })
    }

    fn diff(&mut self, id: &str, a: &str, b: &str) {
        let text = (|| -> Result<String, CliError> {
            let library = self.desk.library()?;
            let (old, new) = (library.pin_revision(a)?, library.pin_revision(b)?);
            let entry = begin::find(library, &new, id)?;
            Ok(library.diff(&entry.path, &old, &new)?)
        })();
        let text = text.unwrap_or_else(|error| error.to_string());
        if let Some(preview) = self.world.preview.as_mut() {
            Arc::make_mut(preview).diff = Some(Arc::new(text));
        }
    }

    fn export(
        &mut self,
        format: Format,
        (audience, template): (Option<&str>, Option<&str>),
        path: &str,
    ) -> Result<(), CliError> {
        let Some(session) = self.session.as_ref() else {
            return Ok(());
        };
        let text = export::document(session, format, audience, template)?;
        files::write_atomic(path.as_ref(), text.as_bytes(), 0o644)
            .map_err(|error| CliError::Input(format!("{path}: {error}")))?;
        self.notice(false, format!("wrote {}", escape::line(path)), None);
        Ok(())
    }

    /// Puts what would be signed on the clipboard of the terminal, to be signed where the key is.
    fn copy_statement(&mut self, key: &crate::engine::command::StepKey) {
        let Some(session) = self.session.as_ref() else {
            return;
        };
        let me = &self.desk.identity.principal;
        let issued = match session.issue(key, Decision::Approve, me, None) {
            Ok(issued) => issued,
            Err(error) => return self.failed(&error),
        };
        if let Err(error) = crate::cli::clipboard::copy(&issued.text) {
            return self.notice(true, format!("nothing was copied: {error}"), None);
        }
        let what = format!(
            "the statement is on the clipboard; sign it with `ssh-keygen -Y sign -n {} -f KEY`",
            issued.mode.namespace()
        );
        let hint = format!(
            "then `runsheet approve {} {} --signature -` takes the answer in",
            session.id().short(4),
            key.step
        );
        self.notice(false, what, Some(hint));
    }

    /// In a demo another of its people sits down at this keyboard.
    fn change_places(&mut self, index: usize) -> Result<(), CliError> {
        let Some(config) = self
            .others
            .as_ref()
            .and_then(|others| others.people.get(index))
            .cloned()
        else {
            return Ok(());
        };
        let here = self.session.as_ref().map(|session| session.id().clone());
        // What was recorded here must be at the hub before the other one looks.
        if let Some(session) = self.session.as_mut() {
            session.publish()?;
            session.exchange()?;
        }
        self.close_log();
        self.session = None;
        self.approval = None;
        self.events = Arc::default();
        // What was said to the one who got up does not concern the other.
        self.world.notices.clear();
        self.desk = config.desk()?;
        if let Some(id) = here {
            drop(crate::driver::sync::open_or_fetch(&self.desk, &id)?);
            self.open(&id)?;
        }
        self.sit_down();
        if let Some(session) = &self.session {
            self.world.me = world::me(&self.desk, Some(session.state()));
        }
        self.refresh();
        let name = self.world.me.name.clone();
        self.notice(false, format!("you are {name} now"), None);
        Ok(())
    }

    pub(super) fn received(&mut self, message: Message) {
        match message {
            Message::Catalog(entries, scenarios) => {
                self.world.entries = Arc::new(entries);
                self.world.scenarios = Arc::new(scenarios);
            }
            Message::Checked(counts) => self.checked(counts),
            Message::CatalogFailed(why) => {
                self.notice(true, format!("the library cannot be listed: {why}"), None)
            }
            Message::Fetched { task, result } => {
                self.world.tasks.retain(|known| known.id != task);
                match result {
                    Ok(text) => self.notice(false, text, None),
                    Err(why) => {
                        let kept = "what was fetched before is here and usable";
                        self.say(true, format!("not fetched: {why}"), Some(kept), None);
                    }
                }
                self.world.library = world::library(&self.desk);
                background::catalog(&self.desk.settings, &self.send);
            }
            Message::Synced {
                at,
                received,
                problems,
            } => {
                self.world.sync = Sync::Synced(at);
                for problem in problems {
                    self.notice(true, problem, None);
                }
                if received > 0 && self.session.is_none() {
                    self.list_incidents();
                }
                let _ = self.look();
            }
            Message::Incidents(rows) => self.listed(rows),
            Message::Brief { request, found } => self.briefed(request, found),
            Message::SyncFailed { at, why } => {
                let since = match &self.world.sync {
                    Sync::Failing { since, .. } => *since,
                    Sync::Synced(last) => *last,
                    Sync::Local => at,
                };
                self.world.sync = Sync::Failing { since, why };
            }
            Message::Log(read) => self.read_log(read),
            Message::Again => self.input(crate::tui::Input::Tick),
            Message::HangUp => self.quit = true,
        }
    }

    fn checked(&mut self, counts: Vec<(String, usize)>) {
        let counts: BTreeMap<_, _> = counts
            .into_iter()
            .filter_map(|(path, count)| {
                Some((
                    path.rsplit('/').next()?.strip_suffix(".yaml")?.to_owned(),
                    count,
                ))
            })
            .collect();
        for entry in Arc::make_mut(&mut self.world.entries) {
            entry.problems = Some(counts.get(&entry.id).copied().unwrap_or(0));
        }
    }
}
