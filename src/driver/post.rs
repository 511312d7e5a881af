//! The outbox of an open incident: what was told is queued, sent, and what became of it recorded. Only this state
//! directory's own updates are sent from here; of an exercise nothing is.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::session::{Acted, Session};
use super::{DriverError, Settings};
use crate::engine::at::Root;
use crate::engine::fact::{Fact, UpdateDelivered, UpdateRecorded, UpdateUndelivered};
use crate::engine::{Command, Event, EventId, Intent, decide};
use crate::outbox::{
    Delivery, Effort, Facts, GIVE_UP_AFTER, Pass, Process, Standing, Store, Wording, facts, pass,
    worded,
};
use crate::runbook::policy::{Audience, Channel};
use crate::trust::Mode;

/// What whoever waits at the command line waits for.
const AT_ONCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(6));
/// What somebody waits for who asked for it.
const ASKED: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));

/// What this process knows of its outbox.
#[derive(Default)]
pub(super) struct Post {
    /// Whether something may have been told that is not queued yet, or may have become of it.
    stale: bool,
    /// What was told by this process and not sent yet.
    fresh: BTreeSet<EventId>,
    /// Set where this process sends by itself.
    behind: bool,
    due: Option<DateTime<Utc>>,
    undelivered: usize,
    running: Option<mpsc::Receiver<std::io::Result<bool>>>,
}

impl Post {
    pub(super) fn new() -> Self {
        Self {
            stale: true,
            ..Self::default()
        }
    }

    pub(super) fn saw(&mut self, events: &[Arc<Event>]) {
        self.stale |= events.iter().any(is_update);
    }

    pub(super) fn told(&mut self, events: &[Arc<Event>]) {
        let fresh = events.iter().filter(|event| is_update(event));
        self.fresh.extend(fresh.map(|event| event.id));
        self.saw(events);
    }
}

/// An update as it would leave.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Leaving {
    pub wording: Wording,
    pub channels: Vec<Channel>,
    /// Why nothing leaves, if nothing does.
    pub stays: Option<String>,
}

impl Session {
    /// Exactly what an update would send, and through which channels. Nothing is recorded.
    ///
    /// # Errors
    /// When a rule forbids the update.
    pub fn leaving(&self, intent: Intent) -> Result<Leaving, DriverError> {
        let at = self.at()?;
        let command = self.redacted(super::intents::command(
            intent,
            Default::default(),
            None,
            Vec::new(),
        )?)?;
        let decision = decide(self.state(), command, &at)?;
        let told = decision.events.iter().find_map(|draft| match &draft.fact {
            Fact::UpdateRecorded(fact) => Some(fact),
            _ => None,
        });
        let Some(told) = told else {
            return Err(DriverError::Input("that is no update".to_owned()));
        };
        let events = self.journal().log().events();
        let wording = self
            .wording(events, told, at.utc(), at.who.principal.as_str())?
            .ok_or_else(|| DriverError::Input("this record has no beginning".to_owned()))?;
        Ok(Leaving {
            wording,
            channels: self.channels_of(&told.audience),
            stays: self.stays(),
        })
    }

    /// The deliveries of this incident, and files of the outbox that cannot be read.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn deliveries(&self) -> Result<(Vec<Delivery>, Vec<String>), DriverError> {
        self.outbox().all().map_err(failed)
    }

    /// How many deliveries wait or were given up, as far as this process has looked.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.post.undelivered
    }

    /// From now on this process sends by itself what is due.
    pub fn post_behind(&mut self) {
        self.post.behind = true;
    }

    /// Sends what this process told and has not sent yet, and what else is due, with little patience. The updates, and
    /// what came of it; `None` where nothing was told.
    ///
    /// # Errors
    /// When the outbox cannot be read or written, or what became of it not be recorded.
    pub fn post_fresh(&mut self) -> Result<Option<(BTreeSet<EventId>, Acted)>, DriverError> {
        let told = std::mem::take(&mut self.post.fresh);
        if told.is_empty() {
            return Ok(None);
        }
        self.queue()?;
        let (limit, budget) = AT_ONCE;
        let acted = self.post_now(Effort {
            limit,
            budget,
            all: false,
            first: told.clone(),
        })?;
        Ok(Some((told, acted)))
    }

    /// Sends all that waits or was given up, now.
    ///
    /// # Errors
    /// As [`Session::post_fresh`].
    pub fn post_all(&mut self) -> Result<Acted, DriverError> {
        self.queue()?;
        let (limit, budget) = ASKED;
        self.post_now(Effort {
            limit,
            budget,
            all: true,
            ..Effort::default()
        })
    }

    fn post_now(&mut self, effort: Effort) -> Result<Acted, DriverError> {
        let mut notices = Vec::new();
        match self.stays() {
            Some(why) => notices.push(why),
            None => {
                if !pass(&self.pass(effort)).map_err(failed)? {
                    notices.push("another process sends it now".to_owned());
                }
            }
        }
        let mut acted = self.record_posted()?;
        acted.notices.extend(notices);
        Ok(acted)
    }

    /// Where this process sends by itself: queues, begins to send on a thread, and records what came of it. Never waits.
    ///
    /// # Errors
    /// When the outbox cannot be read or written, or what became of it not be recorded.
    pub fn post(&mut self) -> Result<Acted, DriverError> {
        if !self.post.behind || self.journal().read_only().is_some() {
            return Ok(Acted::default());
        }
        let mut acted = Acted::default();
        if let Some(running) = &self.post.running {
            match running.try_recv() {
                Err(mpsc::TryRecvError::Empty) => return Ok(acted),
                Ok(Err(error)) => acted.notices.push(format!("the outbox: {error}")),
                Ok(Ok(_)) | Err(mpsc::TryRecvError::Disconnected) => {}
            }
            self.post.running = None;
            self.post.stale = true;
        }
        if std::mem::take(&mut self.post.stale) {
            self.queue()?;
            let settled = self.record_posted()?;
            acted.events.extend(settled.events);
        }
        let now = self.desk.ports.clock.now().to_utc();
        if self.post.due.is_some_and(|due| due <= now) && self.stays().is_none() {
            let (limit, budget) = ASKED;
            let wanted = self.pass(Effort {
                limit,
                budget,
                ..Effort::default()
            });
            let (done, running) = mpsc::channel();
            std::thread::spawn(move || {
                let _ = done.send(pass(&wanted));
            });
            self.post.running = Some(running);
            self.post.due = None;
        }
        Ok(acted)
    }

    /// Queues what was told here and is not queued yet: told a moment ago, or before a process was killed.
    fn queue(&mut self) -> Result<(), DriverError> {
        if self.mode() != Mode::Live {
            return Ok(());
        }
        let store = self.outbox();
        let own = self.journal().own_writers()?;
        let now = self.desk.ports.clock.now().to_utc();
        let events = self.journal().log().events().to_vec();
        for (at, event) in events.iter().enumerate() {
            let Fact::UpdateRecorded(told) = &event.fact else {
                continue;
            };
            // What is old was told when this outbox was not there; a clock that runs ahead is none of its concern.
            let old = now.signed_duration_since(event.recorded_at) > GIVE_UP_AFTER;
            if old || !own.contains(&event.writer) || store.is_queued(&event.id) {
                continue;
            }
            let _lock = store.wait().map_err(failed)?;
            let by = event.person.as_str();
            let known = &events[..=at];
            let Some(wording) = self.wording(known, told, event.recorded_at, by)? else {
                continue;
            };
            for channel in self.channels_of(&told.audience) {
                let delivery = Delivery::new(event.id, &channel.name, wording.clone(), now);
                if !store.has(&delivery.key) {
                    store.keep(&delivery).map_err(failed)?;
                }
            }
            store.queued(&event.id).map_err(failed)?;
        }
        Ok(())
    }

    /// Records what became of deliveries, and looks when the next one is due.
    fn record_posted(&mut self) -> Result<Acted, DriverError> {
        let (all, notices) = self.deliveries()?;
        let mut acted = Acted {
            notices,
            ..Acted::default()
        };
        for delivery in &all {
            let key = (delivery.update, delivery.channel.clone());
            let told = self.state().deliveries.get(&key).copied();
            let command = match delivery.standing {
                Standing::Delivered if told.is_none_or(|told| !told.delivered) => {
                    Command::Delivered(Box::new(UpdateDelivered {
                        update: delivery.update,
                        channel: delivery.channel.clone(),
                        key: delivery.key.clone(),
                        tries: delivery.tries,
                        text: delivery.wording.text.clone(),
                    }))
                }
                Standing::GivenUp if told.is_none_or(|told| told.tries < delivery.tries) => {
                    Command::Undelivered(Box::new(UpdateUndelivered {
                        update: delivery.update,
                        channel: delivery.channel.clone(),
                        key: delivery.key.clone(),
                        tries: delivery.tries,
                        error: delivery.last_error.clone().unwrap_or_default(),
                    }))
                }
                _ => continue,
            };
            match self.command(command) {
                Ok(more) => acted.events.extend(more.events),
                // Another process of this outbox was faster.
                Err(DriverError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let waiting = |delivery: &&Delivery| delivery.standing == Standing::Waiting;
        self.post.due = all.iter().filter(waiting).map(|one| one.next_try).min();
        self.post.undelivered = all
            .iter()
            .filter(|delivery| delivery.standing != Standing::Delivered)
            .count();
        Ok(acted)
    }

    fn pass(&self, effort: Effort) -> Pass {
        let incident = self.state().incident.as_deref();
        Pass {
            store: self.outbox(),
            channels: incident.map_or_else(Vec::new, |incident| incident.policy.channels.clone()),
            secrets: Arc::new(Process),
            clock: Arc::clone(&self.desk.ports.clock),
            random: Arc::clone(&self.desk.ports.random),
            effort,
        }
    }

    fn wording(
        &self,
        events: &[Arc<Event>],
        told: &UpdateRecorded,
        written: DateTime<Utc>,
        by: &str,
    ) -> Result<Option<Wording>, DriverError> {
        let state = self.state();
        let Some(incident) = state.incident.as_deref() else {
            return Ok(None);
        };
        let redaction = self.redactor()?;
        let facts: Facts = facts(incident, state, events, told, written, by);
        let template = self
            .audience(&told.audience)
            .and_then(|rule| rule.template.as_deref());
        Ok(Some(worded(&facts, template, |text| redaction.text(text))))
    }

    /// Why nothing is sent from here, if so. A policy may name programs, so it is the own library that vouches for it.
    fn stays(&self) -> Option<String> {
        if self.mode() != Mode::Live {
            return Some("this is an exercise: nothing is sent".to_owned());
        }
        match self.root() {
            Root::Trusted { .. } => None,
            Root::Untrusted(why) => Some(format!("nothing is sent: {why}")),
        }
    }

    fn mode(&self) -> Mode {
        let incident = self.state().incident.as_deref();
        incident.map_or(Mode::Live, |incident| incident.mode)
    }

    fn audience(&self, name: &str) -> Option<&Audience> {
        let incident = self.state().incident.as_deref()?;
        let mut audiences = incident.policy.audiences.iter();
        audiences.find(|audience| audience.name == name)
    }

    /// The channels through which an audience is told.
    #[must_use]
    pub fn channels_of(&self, audience: &str) -> Vec<Channel> {
        let Some(incident) = self.state().incident.as_deref() else {
            return Vec::new();
        };
        let Some(rule) = self.audience(audience) else {
            return Vec::new();
        };
        let named = |channel: &&Channel| rule.channels.contains(&channel.name);
        let channels = incident.policy.channels.iter();
        channels.filter(named).cloned().collect()
    }

    fn outbox(&self) -> Store {
        Store::new(&self.dir())
    }
}

fn is_update(event: &Arc<Event>) -> bool {
    matches!(event.fact, Fact::UpdateRecorded(_))
}

/// Whether anything was told in an incident from here, without opening its record.
#[must_use]
pub fn has_outbox(settings: &Settings, id: &crate::engine::IncidentId) -> bool {
    let dir = settings.state.join("incidents").join(id.as_str());
    dir.join("outbox").is_dir()
}

fn failed(source: std::io::Error) -> DriverError {
    DriverError::Io {
        what: "the outbox",
        source,
    }
}
