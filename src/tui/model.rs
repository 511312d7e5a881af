//! What the screen itself remembers: where one is, what has the keys, what is being typed. None of it is in the record.

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_input::Input as Line;

use super::act::Place;
use super::events::Index;
use super::exercise::Tab;
use super::extent::{Cursor, Drawn, Scroll};
use super::followups::Followups;
use super::keymap::Keymap;
use super::layer::Layer;
use super::picker::Picker;
use super::theme::Theme;
use super::world::{Entry, Notice, Waits, World};
use crate::engine::command::StepKey;
use crate::engine::details::Relation;
use crate::engine::{EventId, IncidentId, RunId};
use crate::evidence::Digest;
use crate::logs::view::page::{At, Page};
use crate::runbook::model::{RunbookId, StepId};

/// A screen. They lie on a stack, Home at its bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Screen {
    Home,
    Preview,
    Walk,
    Checkpoint,
    Timeline,
    Followups,
    Exercise,
    Logs,
}

/// Everything the screen remembers.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Model {
    pub screens: Vec<Screen>,
    pub layers: Vec<Layer>,
    pub home: HomeView,
    pub preview: PreviewView,
    pub walk: WalkView,
    pub checkpoint: CheckpointView,
    pub timeline: TimelineView,
    pub followups: FollowupsView,
    pub exercise: ExerciseView,
    pub logs: LogsView,
    pub keymap: Keymap,
    pub theme: Theme,
    pub ascii: bool,
    /// Times in local time instead of UTC.
    pub local: bool,
    /// Columns and rows.
    pub size: (u16, u16),
    pub drawn: Drawn,
    /// Notices up to this one were put away.
    pub dismissed: u64,
    /// Something this screen itself has to say; goes with the next key.
    pub remark: Option<Notice>,
    /// What is shown as soon as the world has it.
    pub wanted: Option<Wanted>,
}

/// Something that was wished for and is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The incident, and then perhaps what of it waits.
    Incident(IncidentId, Option<Waits>),
    /// The form to start this runbook.
    StartForm(RunbookId),
    /// What everybody may know of this scenario, and the question whether to begin it.
    Scenario(String),
    /// The logs that were asked for.
    Log,
    /// What the runbook's rules suggest, found after the time of this number.
    Suggested(u64),
}

/// Home's memory. The cursor runs through what is open, then runbooks, then the line for more.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct HomeView {
    pub at: usize,
    pub incidents_top: usize,
    pub books_top: usize,
    pub query: Line,
    pub typing: bool,
    pub picker: Picker,
    /// What the rows of the list were about, so that the cursor stays on its row when others come before it.
    pub seen: Vec<(IncidentId, Option<Waits>)>,
    /// Somebody moved the cursor; until then it stands on what comes first.
    pub moved: bool,
}

/// What Home's cursor stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeRow {
    /// A row of what is open.
    Open(usize),
    /// An entry of the library.
    Book(usize),
    /// The line for everything else.
    More,
}

/// The preview's memory.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct PreviewView {
    pub id: String,
    pub tab: PreviewTab,
    pub scroll: Scroll,
    pub cursor: Cursor,
}

/// Parts of the preview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PreviewTab {
    #[default]
    Steps,
    History,
    Diff,
}

/// Panes of the walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Pane {
    #[default]
    Steps,
    Step,
    Events,
}

/// The walk's memory.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct WalkView {
    /// The run that was chosen; else the one that is worked on.
    pub run: Option<RunId>,
    pub pane: Pane,
    /// In the list of steps; behind the last stands the line for more.
    pub cursor: Cursor,
    /// The step in the right pane; `None` follows the current one.
    pub shown: Option<StepId>,
    pub scroll: Scroll,
    /// The right pane keeps to its end.
    pub follow: bool,
    /// How many rows the list of events is scrolled back.
    pub events: Scroll,
    pub zoom: bool,
    /// Columns to the right.
    pub pan: usize,
    pub query: Line,
    pub typing: bool,
    /// Run and current step when it was last looked at.
    pub seen: Option<(RunId, Option<StepId>)>,
}

/// The checkpoint's memory.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct CheckpointView {
    pub step: Option<StepKey>,
    pub scroll: Scroll,
    /// Which of the ways out is marked.
    pub button: usize,
    /// The request that is on the screen.
    pub request: Option<Digest>,
    /// Its end was on the screen.
    pub read: bool,
    /// It waited for my answer.
    pub mine: bool,
}

/// The timeline's memory.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct TimelineView {
    pub index: Index,
    pub cursor: Cursor,
    /// The cursor stays at the end as events come.
    pub tail: bool,
    /// The place in the record of what is under the cursor, which goes along with it; `None` on the line for more.
    pub held: Option<usize>,
    /// What I record next is gone to: the length of the record before.
    pub awaited: Option<usize>,
    /// The other end of a link is looked for.
    pub picking: Option<Picking>,
}

/// A link whose other end is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Picking {
    pub entry: EventId,
    pub relation: Relation,
    /// The entry is the first of the two.
    pub first: bool,
}

/// The memory of the list of follow-ups.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct FollowupsView {
    /// Behind the last stands the line to add one.
    pub cursor: Cursor,
    pub list: Followups,
}

/// The memory of the exercise's screen.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct ExerciseView {
    pub tab: Tab,
    pub cursor: Cursor,
    /// In the briefing.
    pub scroll: Scroll,
    /// What the cursor stands on: it goes along when rows come or go.
    pub on: Option<String>,
    /// Messages that were on the screen in full.
    pub read: BTreeSet<(IncidentId, String)>,
    /// Messages there were when it was last looked.
    pub heard: Option<(IncidentId, usize)>,
}

/// The log screen's memory. Where one is in the logs is known to whoever reads them; here is only the page.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct LogsView {
    /// The row of the page under the cursor.
    pub cursor: usize,
    /// Columns to the right.
    pub pan: usize,
    pub wrap: bool,
    /// Lines that are JSON are shown by these keys.
    pub columns: Option<Vec<String>>,
    /// What the keys were when columns were shown last.
    pub keys: Vec<String>,
    /// What is being typed, and what for.
    pub typing: Option<Typing>,
    pub line: Line,
    /// What is typed is a regular expression.
    pub regex: bool,
    /// The strip of matches has the keys; the column its cursor is in.
    pub strip: Option<usize>,
    /// Where the selection began.
    pub anchor: Option<At>,
    /// The jump that the cursor went along with last.
    pub jumped: u64,
    /// The page that was seen last.
    pub seen: Option<Arc<Page>>,
    /// Lines of a page, as they were asked for last.
    pub rows: usize,
}

/// What is typed on the log screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Typing {
    Search,
    Keep,
    LeaveOut,
    GoTo,
}

impl Model {
    /// The beginning: Home.
    #[must_use]
    pub fn new(theme: Theme, keymap: Keymap) -> Self {
        Self {
            screens: vec![Screen::Home],
            layers: Vec::new(),
            home: HomeView::default(),
            preview: PreviewView::default(),
            walk: WalkView::default(),
            checkpoint: CheckpointView::default(),
            timeline: TimelineView::default(),
            followups: FollowupsView::default(),
            exercise: ExerciseView::default(),
            logs: LogsView::default(),
            keymap,
            theme,
            ascii: false,
            local: false,
            size: (80, 24),
            drawn: Drawn::default(),
            dismissed: 0,
            remark: None,
            wanted: None,
        }
    }

    /// Shows this incident as soon as the world has it open, and then perhaps what of it waits. Home lies below.
    pub fn show_incident(&mut self, id: IncidentId, what: Option<Waits>) {
        self.wanted = Some(Wanted::Incident(id, what));
    }

    /// The screen that is seen.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screens.last().copied().unwrap_or(Screen::Home)
    }

    /// The place of the screen, whatever lies on top of it.
    #[must_use]
    pub fn screen_place(&self) -> Place {
        match self.screen() {
            Screen::Home if self.home.typing => Place::Filter,
            Screen::Home => Place::Home,
            Screen::Preview => Place::Preview,
            Screen::Walk if self.walk.typing => Place::Find,
            Screen::Walk => Place::Walk,
            Screen::Checkpoint => Place::Checkpoint,
            Screen::Timeline if self.timeline.picking.is_some() => Place::Pick,
            Screen::Timeline => Place::Timeline,
            Screen::Followups => Place::Followups,
            Screen::Exercise => Place::Exercise,
            Screen::Logs if self.logs.typing.is_some() => Place::Query,
            Screen::Logs => Place::Logs,
        }
    }

    /// Where keys go.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.layers.last() {
            None => self.screen_place(),
            Some(Layer::Menu(menu)) if menu.query.is_some() => Place::Palette,
            Some(Layer::Menu(_) | Layer::Choose(_)) => Place::List,
            Some(Layer::Form(_)) => Place::Form,
            Some(Layer::Reader(_)) => Place::Reader,
        }
    }

    /// Whether what is asked on top has not been seen yet, so that keys cannot be meant for it.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        match self.layers.last() {
            Some(Layer::Form(form)) => form.guarded && !form.drawn,
            Some(Layer::Choose(choose)) => choose.guarded && !choose.drawn,
            _ => false,
        }
    }

    /// What Home's cursor stands on.
    #[must_use]
    pub fn home_row(&self, world: &World) -> HomeRow {
        let incidents = world.open_rows().len();
        let found = self.home.picker.found();
        if self.home.at < incidents {
            HomeRow::Open(self.home.at)
        } else {
            found
                .get(self.home.at - incidents)
                .map_or(HomeRow::More, |at| HomeRow::Book(*at))
        }
    }

    /// The runbook that Home's cursor or the preview stands on.
    #[must_use]
    pub fn book<'w>(&self, world: &'w World) -> Option<&'w Entry> {
        if self.screen() == Screen::Preview {
            return world.entry(&self.preview.id);
        }
        match self.home_row(world) {
            HomeRow::Book(at) => world.entries.get(at),
            _ => None,
        }
    }

    /// The newest message that was not put away; what went wrong comes before mere news.
    #[must_use]
    pub fn notice<'a>(&'a self, world: &'a World) -> Option<&'a Notice> {
        self.remark.as_ref().or_else(|| {
            let fresh = |notice: &&Notice| notice.id > self.dismissed;
            let mut newest = world.notices.iter().rev().filter(fresh);
            newest
                .clone()
                .find(|notice| notice.bad)
                .or_else(|| newest.next())
        })
    }

    /// Says something until the next key.
    pub fn say(&mut self, what: impl Into<String>, hint: Option<String>) {
        self.remark = Some(Notice {
            id: u64::MAX,
            bad: true,
            what: what.into(),
            kept: None,
            hint,
        });
    }

    /// The follow-up under the cursor of their list.
    #[must_use]
    pub fn followup(&self) -> Option<&crate::timeline::Followup> {
        self.followups.list.list().get(self.followups.cursor.at)
    }

    /// The event the timeline's cursor or the reader stands on.
    #[must_use]
    pub fn event<'w>(&self, world: &'w World) -> Option<&'w Arc<crate::engine::Event>> {
        let open = world.open.as_ref()?;
        if let Some(Layer::Reader(reader)) = self.layers.last()
            && let super::layer::Reading::Event(id) = &reader.what
        {
            return open.events.get(self.timeline.index.place(id)?);
        }
        let at = self.timeline.index.at(self.timeline.cursor.at)?;
        open.events.get(at)
    }
}
