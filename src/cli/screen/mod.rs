//! The screen: takes the terminal, reads keys, lets `tui` decide what they mean, does what it wishes, draws. The only
//! place that owns raw mode and the event stream.

mod background;
mod brief;
mod exercise;
mod first_start;
mod inbox;
mod lean;
mod logs;
mod reader;
mod reading;
mod scroll;
mod tail;
mod terminal;
mod wishes;
mod world;

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use self::background::{Message, Pace};
use self::terminal::Taken;
use super::CliError;
use super::args::{Color, Common};
use super::config::{Config, Notify};
use crate::driver::session::Acted;
use crate::driver::{Desk, DriverError, Session};
use crate::engine::{Event, IncidentId, Intent};
use crate::evidence::Digest;
use crate::tui::model::Wanted;
use crate::tui::world::{ApprovalView, Brief, Chair, Notice, Preview, Sync, Task, World};
use crate::tui::{Input, Keymap, Model, Theme};

pub use reading::view;
pub use terminal::{flush_input, hidden_line};

/// How often running commands and other people's events are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// The screen, at Home. With nothing configured, the first start comes before it.
///
/// # Errors
/// When there is no terminal, or nobody can be made out.
pub fn home(common: &Common) -> Result<(), CliError> {
    needs_terminal()?;
    let mut config = Config::read(common)?;
    if config.settings.library.is_none() {
        first_start::run(common, &mut config)?;
        config = Config::read(common)?;
    }
    show(common, &config, None, None)
}

/// The screen, at an incident.
///
/// # Errors
/// As [`home`], or when there is no such incident.
pub fn open(common: &Common, inc: &str) -> Result<(), CliError> {
    needs_terminal()?;
    let config = Config::read(common)?;
    let desk = config.desk()?;
    let id = super::incident::resolve(&desk, inc)?;
    // One that is only at the hub is brought here first, as every other command does.
    drop(crate::driver::sync::open_or_fetch(&desk, &id)?);
    drop(desk);
    show(common, &config, Some(id), None)
}

/// Two people at one keyboard, for the demo: who else can sit down here.
#[derive(Debug, Clone)]
pub struct Others {
    /// The settings of everybody, the first of whom sits here now.
    pub people: Vec<Config>,
}

impl Others {
    /// Who would sit down next.
    fn next(&self, desk: &Desk) -> Option<Chair> {
        let name = |config: &Config| config.settings.asked.principal.clone();
        let index = self
            .people
            .iter()
            .position(|config| name(config).as_ref() != Some(&desk.identity.principal))?;
        let principal = name(self.people.get(index)?)?;
        Some(Chair {
            index,
            name: principal
                .as_str()
                .split('@')
                .next()
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

/// The screen of a demo.
///
/// # Errors
/// As [`home`].
pub fn demo(common: &Common, others: Others, inc: IncidentId) -> Result<(), CliError> {
    needs_terminal()?;
    let config = others
        .people
        .first()
        .cloned()
        .ok_or_else(|| CliError::Input("nobody sits here".to_owned()))?;
    show(common, &config, Some(inc), Some(others))
}

/// The screen of who sits there, at one incident.
///
/// # Errors
/// When there is no terminal, or it cannot be drawn.
pub fn at(common: &Common, config: &Config, inc: IncidentId) -> Result<(), CliError> {
    needs_terminal()?;
    show(common, config, Some(inc), None)
}

fn needs_terminal() -> Result<(), CliError> {
    use std::io::IsTerminal as _;
    let term = std::env::var("TERM").unwrap_or_default();
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::Input(
            "the screen needs a terminal; every command works without one: runsheet --help"
                .to_owned(),
        ));
    }
    if term == "dumb" {
        return Err(CliError::Input(
            "TERM is `dumb`: the screen cannot be drawn; every command works: runsheet --help"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Everything behind the screen.
struct App {
    common: Common,
    desk: Rc<Desk>,
    others: Option<Others>,
    session: Option<Session>,
    model: Model,
    world: World,
    events: Arc<Vec<Arc<Event>>>,
    refolded: u64,
    approval: Option<Arc<ApprovalView>>,
    clocks: world::ClockCache,
    /// What was gathered for it, by the digest of what is asked for.
    brief: Option<(Digest, Brief)>,
    /// The logs that are read.
    reading: Option<logs::Reading>,
    notices: u64,
    told: inbox::Told,
    scripts: exercise::Scripts,
    notify: Notify,
    tasks: u64,
    pace: Pace,
    send: UnboundedSender<Message>,
    quit: bool,
    /// Something to do with the whole terminal, after this round.
    terminal: Option<Whole>,
}

/// What concerns the whole terminal.
#[derive(Debug, Clone, PartialEq)]
enum Whole {
    Redraw,
    Suspend,
    /// Something that is signed with a key which asks for its passphrase, a PIN or a touch.
    Sign(Box<Intent>),
}

fn show(
    common: &Common,
    config: &Config,
    inc: Option<IncidentId>,
    others: Option<Others>,
) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (send, receive) = mpsc::unbounded_channel();
    let desk = config.desk()?;
    let mut app = App::new(common, config, desk, others, send)?;
    if let Some(inc) = inc {
        app.open(&inc)?;
        app.model.wanted = Some(Wanted::Incident(inc, None));
        app.input(Input::WorldChanged);
    }
    let result = runtime.block_on(app.run(receive));
    // Threads that still talk to a hub are not waited for: the link may be gone.
    runtime.shutdown_background();
    result
}

impl App {
    fn new(
        common: &Common,
        config: &Config,
        desk: Rc<Desk>,
        others: Option<Others>,
        send: UnboundedSender<Message>,
    ) -> Result<Self, CliError> {
        let theme = theme(common, config)?;
        let mut model = Model::new(theme, keymap(config)?);
        model.ascii = common.ascii || config.file.ascii || !utf8();
        let now = desk.ports.clock.now();
        let world = World {
            now,
            real: now.to_utc(),
            me: world::me(&desk, None),
            library: None,
            entries: Arc::default(),
            scenarios: Arc::default(),
            scenario: None,
            incidents: Arc::default(),
            open: None,
            preview: None,
            log: None,
            suggested: None,
            sync: Sync::Local,
            chair: None,
            tasks: Vec::new(),
            notices: Vec::new(),
        };
        let mut app = Self {
            common: common.clone(),
            model,
            desk,
            others,
            session: None,
            world,
            events: Arc::default(),
            refolded: 0,
            approval: None,
            clocks: world::ClockCache::default(),
            brief: None,
            reading: None,
            notices: 0,
            told: inbox::Told::default(),
            scripts: exercise::Scripts::default(),
            notify: config.file.notify,
            tasks: 0,
            pace: Pace::default(),
            send,
            quit: false,
            terminal: None,
        };
        app.sit_down();
        Ok(app)
    }

    /// Everything that depends on who sits here.
    fn sit_down(&mut self) {
        self.world.me = world::me(&self.desk, None);
        self.world.library = world::library(&self.desk);
        self.world.chair = self
            .others
            .as_ref()
            .and_then(|others| others.next(&self.desk));
        self.pace = Pace::default();
        self.told = inbox::Told::default();
        self.world.incidents = Arc::default();
        self.list_incidents();
        background::catalog(&self.desk.settings, &self.send);
        self.meet_hub();
    }

    fn open(&mut self, id: &IncidentId) -> Result<(), CliError> {
        let mut session = Session::open(Rc::clone(&self.desk), id)?;
        session.post_behind();
        self.world.me = world::me(&self.desk, Some(session.state()));
        self.session = Some(session);
        self.approval = None;
        self.recorded();
        Ok(())
    }

    /// After something was recorded or opened: the world is another one.
    fn recorded(&mut self) {
        // Whoever reads a request reads the one that stands.
        if let Some(key) = self.approval.as_ref().map(|view| view.step.clone()) {
            self.read_approval(&key);
        }
        // Nobody holds the list any more, so that it grows where it is.
        self.world.open = None;
        if let Some(session) = &self.session
            && !session.journal().log().follow(&mut self.events)
        {
            self.refolded += 1;
        }
        self.refresh();
    }

    fn tell_time(&mut self) {
        let real = self.desk.ports.clock.now();
        let session = self.session.as_ref();
        self.world.now = session.map_or(real, Session::now);
        self.world.real = real.to_utc();
    }

    fn refresh(&mut self) {
        self.tell_time();
        self.world.tasks.retain(|task| !tail::is_pull(task));
        if let Some(session) = &self.session {
            self.world.open = Some(world::open(
                session,
                &self.events,
                self.refolded,
                self.approval.clone(),
                self.clocks.of(session),
                self.scripts.shown(session),
            ));
            self.world.tasks.extend(tail::pulls(session));
            let (id, state) = (session.id().clone(), Arc::clone(session.state()));
            self.row_of_open(&id, &state);
        } else {
            self.world.open = None;
        }
    }

    /// Home's list, on a thread: there may be many, and each is a record to be read.
    fn list_incidents(&self) {
        let me = self.desk.identity.principal.clone();
        background::incidents(&self.desk.settings, me, &self.pace, &self.send);
    }

    /// A second went by: the hub is met, and Home looks for what other processes began.
    fn second(&mut self) -> Option<Input> {
        self.tell_time();
        if let (Some(session), Some(open)) = (&self.session, &mut self.world.open) {
            open.script = self.scripts.shown(session);
        }
        self.meet_hub();
        self.list_incidents();
        Some(Input::Tick)
    }

    /// Meets the hub if it is time to.
    fn meet_hub(&self) {
        if self.desk.settings.hub.is_some() {
            let inc = self.session.as_ref().map(|session| session.id().clone());
            background::sync(&self.desk.settings, inc, &self.pace, &self.send);
        }
    }

    /// Says what went wrong, what was kept, and what to do.
    fn failed(&mut self, error: &DriverError) {
        let hint = match error {
            DriverError::Refused(refusal) => refusal.hint.clone(),
            _ => None,
        };
        self.say(true, error.to_string(), Some(error.kept()), hint);
    }

    fn notice(&mut self, bad: bool, what: impl Into<String>, hint: Option<String>) {
        self.say(bad, what, None, hint);
    }

    fn say(
        &mut self,
        bad: bool,
        what: impl Into<String>,
        kept: Option<&str>,
        hint: Option<String>,
    ) {
        self.notices += 1;
        let notice = Notice {
            id: self.notices,
            bad,
            what: what.into(),
            kept: kept.map(str::to_owned),
            hint,
        };
        self.world.notices.push(notice);
        // The oldest of many go first.
        if self.world.notices.len() > 8 {
            self.world.notices.remove(0);
        }
    }

    fn task(&mut self, name: &str) -> u64 {
        self.tasks += 1;
        let task = Task {
            id: self.tasks,
            name: name.to_owned(),
            done: 0,
            total: 0,
            unit: String::new(),
            rate: 0.0,
        };
        self.world.tasks.push(task);
        self.tasks
    }

    async fn run(&mut self, mut receive: UnboundedReceiver<Message>) -> Result<(), CliError> {
        let mut taken = Taken::take()?;
        let mut ends = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
        ];
        let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
        let mut stop = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?;
        let gone = self.send.clone();
        terminal::on_hang_up(move || {
            let _ = gone.send(Message::HangUp);
        });
        let mut keys = Some(EventStream::new());
        let mut second = tokio::time::interval(Duration::from_secs(1));
        let mut look = tokio::time::interval(LOOK);
        for ticking in [&mut second, &mut look] {
            ticking.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        }
        self.draw(&mut taken)?;
        let [terminate, hang_up, interrupt] = &mut ends;
        while !self.quit {
            let input = tokio::select! {
                key = next(&mut keys) => match key {
                    Some(Ok(event)) => terminal_input(event),
                    // The terminal is gone.
                    Some(Err(_)) | None => break,
                },
                message = receive.recv() => match message {
                    Some(Message::HangUp) | None => break,
                    Some(message) => { self.received(message); Some(Input::WorldChanged) }
                },
                _ = second.tick() => self.second(),
                _ = look.tick() => self.look(),
                _ = terminate.recv() => break,
                _ = hang_up.recv() => break,
                _ = interrupt.recv() => break,
                _ = stop.recv() => { self.terminal = Some(Whole::Suspend); Some(Input::WorldChanged) }
                _ = continued.recv() => { taken.again()?; Some(Input::WorldChanged) }
            };
            let Some(input) = input else { continue };
            self.input(input);
            // What is typed or waiting already is taken in before anything is drawn.
            while let Some(Some(Ok(event))) = ready(&mut keys).await {
                if let Some(input) = terminal_input(event) {
                    self.input(input);
                }
            }
            if let Some(whole) = self.terminal.take() {
                self.whole(whole, &mut taken, &mut keys)?;
            }
            self.draw(&mut taken)?;
        }
        Ok(())
    }

    fn draw(&mut self, taken: &mut Taken) -> Result<(), CliError> {
        let mut drawn = None;
        let (model, world) = (&self.model, &self.world);
        taken.screen.draw(|buffer| {
            let (seen, caret) = crate::tui::view_on(model, world, buffer);
            drawn = Some(seen);
            caret
        })?;
        if let Some(drawn) = drawn {
            self.input(Input::Drawn(drawn));
        }
        Ok(())
    }

    /// The terminal is handed over for a moment. The stream of keys is dropped first, or it would eat the other's.
    fn whole(
        &mut self,
        whole: Whole,
        taken: &mut Taken,
        keys: &mut Option<EventStream>,
    ) -> Result<(), CliError> {
        match whole {
            Whole::Redraw => taken.redraw()?,
            Whole::Suspend => {
                *keys = None;
                taken.hand_over(|| {
                    Ok(rustix::process::kill_process(
                        rustix::process::getpid(),
                        rustix::process::Signal::STOP,
                    )?)
                })?;
                *keys = Some(EventStream::new());
            }
            Whole::Sign(intent) => {
                *keys = None;
                taken.hand_over(|| {
                    self.act(*intent);
                    Ok(())
                })?;
                *keys = Some(EventStream::new());
                self.input(Input::WorldChanged);
            }
        }
        Ok(())
    }

    fn input(&mut self, input: Input) {
        for wish in crate::tui::update(&mut self.model, &self.world, input) {
            self.wish(wish);
        }
    }

    /// Looks for what happened outside: ended commands, other processes, the spool.
    fn look(&mut self) -> Option<Input> {
        let session = self.session.as_mut()?;
        let before = session.undelivered();
        let polled = session.poll();
        let running = world_runs(session) || session.undelivered() != before;
        let polled = polled.and_then(|acted: Acted| {
            let more = self.conduct()?;
            Ok(Acted {
                events: [acted.events, more.events].concat(),
                notices: [acted.notices, more.notices].concat(),
            })
        });
        match polled {
            Ok(acted) if acted.events.is_empty() && acted.notices.is_empty() && !running => None,
            Ok(acted) => {
                let fresh = !acted.events.is_empty();
                for text in acted.notices {
                    self.notice(false, text, None);
                }
                if fresh {
                    self.publish();
                    self.recorded();
                } else {
                    self.refresh();
                }
                Some(Input::WorldChanged)
            }
            Err(error) => {
                let text = error.to_string();
                let last = self.world.notices.last();
                if last.is_none_or(|last| last.what != text) {
                    self.failed(&error);
                    return Some(Input::WorldChanged);
                }
                None
            }
        }
    }

    /// To the local references now, to the hub beside.
    fn publish(&mut self) {
        let Some(session) = self.session.as_mut() else {
            return;
        };
        let failed = session.publish().err().map(|error| error.to_string());
        if let Some(why) = failed {
            self.notice(
                true,
                format!("recorded, but not published yet: {why}"),
                None,
            );
        }
        self.pace.now();
        self.meet_hub();
    }
}

/// Whether something of this incident runs, so that its output is looked at.
fn world_runs(session: &Session) -> bool {
    session.log_pulls().next().is_some()
        || session.state().runs.iter().any(|run| {
            run.steps.iter().any(|at| {
                at.status == crate::engine::state::Status::Running
                    || at.twins.values().any(|twin| twin.running)
            })
        })
}

async fn next(keys: &mut Option<EventStream>) -> Option<io::Result<TerminalEvent>> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

/// What is there already, without waiting. It is asked for this very task, and not with `now_or_never`: the stream keeps
/// whom it is to wake from the first one who asked in vain, and would wake nobody at the next key.
async fn ready(keys: &mut Option<EventStream>) -> Option<Option<io::Result<TerminalEvent>>> {
    use std::task::Poll;
    let keys = keys.as_mut()?;
    std::future::poll_fn(|task| match keys.poll_next_unpin(task) {
        Poll::Ready(event) => Poll::Ready(Some(event)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn terminal_input(event: TerminalEvent) -> Option<Input> {
    match event {
        TerminalEvent::Key(key) => Some(Input::Key(key)),
        TerminalEvent::Paste(text) => Some(Input::Paste(text)),
        TerminalEvent::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
        TerminalEvent::FocusGained => Some(Input::WorldChanged),
        TerminalEvent::FocusLost | TerminalEvent::Mouse(_) => None,
    }
}

/// The keys of `keys.toml` beside the settings, over the built-in ones.
fn keymap(config: &Config) -> Result<Keymap, CliError> {
    let path = config.path.with_file_name("keys.toml");
    match crate::host::files::read_limited(&path, 64 << 10) {
        Ok(bytes) => Keymap::with_overrides(&String::from_utf8_lossy(&bytes)).map_err(|problems| {
            CliError::Input(format!("{}: {}", path.display(), problems.join("; ")))
        }),
        Err(_) => Ok(Keymap::default()),
    }
}

fn theme(common: &Common, config: &Config) -> Result<Theme, CliError> {
    let colourless = common.color == Color::Never
        || (common.color == Color::Auto
            && std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()));
    let name = common.theme.as_deref().or(config.file.theme.as_deref());
    let name = match name {
        _ if colourless => "monochrome",
        Some(name) => name,
        None => "dark",
    };
    if let Some(theme) = Theme::shipped(name) {
        return Ok(theme);
    }
    let path = std::path::Path::new(name);
    let bytes = crate::host::files::read_limited(path, 64 << 10).map_err(|error| {
        CliError::Input(format!(
            "theme `{name}`: {error}; the shipped ones are {}",
            Theme::names().join(", ")
        ))
    })?;
    Theme::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|problems| CliError::Input(format!("{name}: {}", problems.join("; "))))
}

/// Whether the terminal is said to show more than ASCII.
fn utf8() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}

/// A preview of nothing yet.
fn empty_preview(id: &str) -> Arc<Preview> {
    Arc::new(Preview {
        id: id.to_owned(),
        ..Preview::default()
    })
}
