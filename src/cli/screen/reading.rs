//! The screen for files that are read without an incident: `runsheet logs view`. Nothing of it is recorded.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use crossterm::event::EventStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::background::Message;
use super::logs::{self, ToRead};
use super::reader::{Read, Reader};
use super::terminal::{self, Taken};
use super::{keymap, needs_terminal, next, ready, terminal_input, theme, utf8};
use crate::cli::CliError;
use crate::cli::args::{Common, ViewLogs};
use crate::cli::config::Config;
use crate::cli::logs::marks;
use crate::cli::times;
use crate::driver::keep::Redaction;
use crate::host::clock::{Clock as _, SystemClock};
use crate::logs::rotated;
use crate::logs::stamp::Stamp;
use crate::logs::view::page::Ask;
use crate::trust::Principal;
use crate::tui::model::Screen;
use crate::tui::world::{Log, Me, Notice, Sync, World};
use crate::tui::{Input, Model, Wish};

/// Shows these files until somebody has seen enough.
///
/// # Errors
/// When one cannot be read, or there is no terminal.
pub fn view(common: &Common, wanted: &ViewLogs) -> Result<(), CliError> {
    needs_terminal()?;
    if let Some(path) = wanted.marks.as_deref().filter(|path| path.exists()) {
        let shown = path.display();
        return Err(CliError::Input(format!("{shown} is there already")));
    }
    let config = Config::read(common)?;
    let now = SystemClock.now();
    let from = wanted.from.as_deref().or(wanted.at.as_deref());
    let from = from.map(|text| times::read(text, now)).transpose();
    let from = from
        .map_err(CliError::Input)?
        .map(|at| Stamp::of(at.to_utc()));
    let (files, title) = files(wanted, from)?;
    let (viewer, watched) = logs::open(&files, &config.settings.state)?;
    let (send, receive) = mpsc::unbounded_channel();
    let reader = Reader::start(viewer, watched, send.clone());
    if let Some(from) = from {
        reader.ask(Ask::Time(from));
    }
    if wanted.follow {
        reader.ask(Ask::Follow(true));
    }
    let mut model = Model::new(theme(common, &config)?, keymap(&config)?);
    model.ascii = common.ascii || config.file.ascii || !utf8();
    model.screens = vec![Screen::Logs];
    let mut shown = Shown {
        model,
        world: world(now, title)?,
        reader,
        send,
        notices: 0,
        whole: None,
        quit: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(shown.run(receive));
    runtime.shutdown_background();
    let log = shown.world.log.as_ref();
    if let Some(log) = log.filter(|log| !log.page.marks.is_empty()) {
        marks::tell(&log.page, common.json, wanted.marks.as_deref())?;
    }
    result
}

/// Files with their names and clocks as they were given, and what they are called together.
fn files(wanted: &ViewLogs, from: Option<Stamp>) -> Result<(Vec<ToRead>, String), CliError> {
    let dating = crate::cli::logs::dating(wanted.format.as_deref(), wanted.zone.as_deref())?;
    let alone = wanted.from.is_none();
    let logs = rotated::logs(&wanted.files, alone).map_err(CliError::Input)?;
    let (mut files, mut names) = (Vec::new(), Vec::new());
    for members in logs {
        let members = match from {
            Some(from) if !alone => rotated::since(members, from),
            _ => members,
        };
        let shown: Vec<_> = members
            .iter()
            .map(|member| member.path.display().to_string())
            .collect();
        names.push(match shown.as_slice() {
            [older @ .., last] if older.len() > 1 => format!("{last} and {} older", older.len()),
            shown => shown.join(" + "),
        });
        for (member, name) in members.into_iter().zip(shown) {
            let base = member.path.with_file_name(&member.turn.base);
            files.push((
                base.display().to_string(),
                ToRead {
                    path: member.path,
                    name,
                    dating,
                    skew: 0,
                },
            ));
        }
    }
    for text in &wanted.skew {
        let wrong = || CliError::Input(format!("--skew {text}: FILE=SECONDS, like b.log=-1.5"));
        let (name, seconds) = text.rsplit_once('=').ok_or_else(wrong)?;
        let seconds: f64 = seconds.parse().map_err(|_| wrong())?;
        let named = |(base, file): &&mut (String, ToRead)| file.name == name || base == name;
        let mut known = files.iter_mut().filter(named).peekable();
        known.peek().ok_or_else(wrong)?;
        known.for_each(|(_, file)| file.skew = (seconds * 1e9) as i64);
    }
    let files = files.into_iter().map(|(_, file)| file).collect();
    Ok((files, names.join(" + ")))
}

fn world(now: DateTime<FixedOffset>, title: String) -> Result<World, CliError> {
    let principal = Principal::try_from("reader@localhost")
        .map_err(|error| CliError::Input(error.to_string()))?;
    Ok(World {
        now,
        real: now.to_utc(),
        me: Me {
            name: principal.to_string(),
            principal,
            signed: false,
            key: String::new(),
            roles: Vec::new(),
        },
        library: None,
        entries: Arc::default(),
        scenarios: Arc::default(),
        scenario: None,
        incidents: Arc::default(),
        open: None,
        preview: None,
        log: Some(Log {
            title,
            page: Arc::default(),
            recorded: false,
        }),
        suggested: None,
        sync: Sync::Local,
        chair: None,
        tasks: Vec::new(),
        notices: Vec::new(),
    })
}

/// What is behind this screen.
struct Shown {
    model: Model,
    world: World,
    reader: Reader,
    send: mpsc::UnboundedSender<Message>,
    notices: u64,
    whole: Option<Wish>,
    quit: bool,
}

impl Shown {
    async fn run(&mut self, mut receive: UnboundedReceiver<Message>) -> Result<(), CliError> {
        let mut taken = Taken::take()?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
        let gone = self.send.clone();
        terminal::on_hang_up(move || {
            let _ = gone.send(Message::HangUp);
        });
        let mut keys = Some(EventStream::new());
        self.draw(&mut taken)?;
        while !self.quit {
            let input = tokio::select! {
                key = next(&mut keys) => match key {
                    Some(Ok(event)) => terminal_input(event),
                    Some(Err(_)) | None => break,
                },
                message = receive.recv() => match message {
                    Some(Message::HangUp) | None => break,
                    Some(message) => Some(self.received(message)),
                },
                _ = terminate.recv() => break,
                _ = hang_up.recv() => break,
                _ = continued.recv() => { taken.again()?; Some(Input::WorldChanged) }
            };
            let Some(input) = input else { continue };
            self.input(input);
            while let Some(Some(Ok(event))) = ready(&mut keys).await {
                if let Some(input) = terminal_input(event) {
                    self.input(input);
                }
            }
            match self.whole.take() {
                Some(Wish::Suspend) => {
                    drop(keys.take());
                    taken.hand_over(|| {
                        let me = rustix::process::getpid();
                        Ok(rustix::process::kill_process(
                            me,
                            rustix::process::Signal::STOP,
                        )?)
                    })?;
                    keys = Some(EventStream::new());
                }
                Some(_) => taken.redraw()?,
                None => {}
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

    fn input(&mut self, input: Input) {
        self.world.now = SystemClock.now();
        for wish in crate::tui::update(&mut self.model, &self.world, input) {
            match wish {
                Wish::Quit | Wish::CloseLog => self.quit = true,
                Wish::Log(ask) => self.reader.ask(ask),
                Wish::Excerpt { from, here, path } => self.reader.excerpt(from, here, path),
                Wish::Bell => terminal::bell(),
                Wish::FlushInput => terminal::flush_input(),
                Wish::Redraw | Wish::Suspend => self.whole = Some(wish),
                Wish::Again => {
                    let _ = self.send.send(Message::Again);
                }
                // Everything else is about incidents.
                _ => {}
            }
        }
    }

    fn received(&mut self, message: Message) -> Input {
        match message {
            Message::Again => return Input::Tick,
            Message::Log(Read::Page(page)) => {
                if let Some(log) = &mut self.world.log {
                    log.page = page;
                }
            }
            Message::Log(Read::Failed(why)) => self.notice(true, why),
            Message::Log(Read::Excerpt { excerpt, path }) => {
                let redaction = Redaction::new(&[], []).map(Redaction::with_addresses);
                let written = redaction.map_err(CliError::from).and_then(|redaction| {
                    let path = path.unwrap_or_default();
                    logs::write(&excerpt, &redaction, path.as_ref())
                });
                match written {
                    Ok(said) => self.notice(false, said),
                    Err(error) => self.notice(true, error.to_string()),
                }
            }
            _ => {}
        }
        Input::WorldChanged
    }

    fn notice(&mut self, bad: bool, what: String) {
        self.notices += 1;
        self.world.notices = vec![Notice {
            id: self.notices,
            bad,
            what,
            kept: None,
            hint: None,
        }];
    }
}
