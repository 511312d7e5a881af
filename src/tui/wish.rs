//! What comes in and what goes out of the screen: inputs, and wishes for whoever drives it. A wish is a value; nothing
//! has happened when it is uttered.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::extent::Drawn;
use crate::engine::command::StepKey;
use crate::engine::intent::Secret;
use crate::engine::{EventId, IncidentId, Intent, RunId, StepRef};
use crate::evidence::Digest;
use crate::exercise::seal::Item;
use crate::logs::view::page::{Ask, At};
use crate::runbook::model::{LineClass, RunbookId, Severity};
use crate::timeline::export::Format;

/// Something the screen has to know of.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A key; releases are ignored.
    Key(KeyEvent),
    /// Bracketed paste.
    Paste(String),
    /// Columns and rows.
    Resize(u16, u16),
    /// A second went by, or more work was asked for with [`Wish::Again`].
    Tick,
    /// The [`super::World`] is another one.
    WorldChanged,
    /// A frame is on the terminal: what [`super::view`] returned.
    Drawn(Drawn),
}

/// Something the screen wants done.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Wish {
    /// In the open incident.
    Act(Intent),
    /// Show exactly what an update would send, with the question whether to.
    PreviewUpdate(Intent),
    OpenIncident(IncidentId),
    /// A file of this machine is captured as evidence, and this entry rests on it.
    AttachTo {
        entry: EventId,
        path: String,
    },
    /// The incident is not looked at any more.
    LeaveIncident,
    StartIncident(Box<Start>),
    /// Read this runbook in full: `World::preview`, without history.
    Preview(RunbookId),
    /// The same with history.
    History(RunbookId),
    /// The difference between two commits of it.
    Diff {
        id: RunbookId,
        a: String,
        b: String,
    },
    /// Make the approval of this step ready: `Open::approval`.
    ShowApproval(StepKey),
    /// Open logs to be read: `World::log`.
    OpenLog(LogRef),
    /// Something of the logs that are read.
    Log(Ask),
    /// A line of them becomes an entry of the timeline.
    MarkLine {
        at: At,
        text: String,
        class: LineClass,
    },
    /// Lines of them are saved: to a file, or as evidence where there is none.
    Excerpt {
        from: Option<At>,
        here: At,
        path: Option<String>,
    },
    /// They are not looked at any more.
    CloseLog,
    /// Find what the runbook's rules suggest: `World::suggested`.
    Suggest,
    /// Read this scenario of the library: `World::scenario`.
    ReadScenario(String),
    /// Begin an exercise by it.
    BeginExercise {
        scenario: String,
        /// The clock stands still until somebody lets it go.
        paused: bool,
    },
    /// Something for the controllers of the open exercise alone, until its end.
    Seal(Item),
    /// The open exercise is over; what was sealed is opened.
    EndExercise {
        aborted: bool,
        reason: Option<String>,
    },
    /// Write the after-action report of the open exercise.
    Report {
        paper: Paper,
        path: String,
    },
    /// Bring the library up to date.
    Fetch,
    /// Meet the hub now.
    Sync,
    Export {
        format: Format,
        /// Only what these people may see.
        audience: Option<String>,
        /// By this template.
        template: Option<String>,
        path: String,
    },
    /// Write statement and text for signing elsewhere.
    CopyStatement(StepKey),
    /// End a running command.
    Cancel(StepRef),
    /// End long work.
    CancelTask(u64),
    /// A secret value for this process; never recorded.
    Secret {
        run: RunId,
        name: String,
        value: Secret,
    },
    /// Another theme was taken, for keeping.
    SetTheme(String),
    /// Ring the bell.
    Bell,
    /// Throw away what was typed before now: a question is about to be asked.
    FlushInput,
    /// Send `Input::Tick` at once and draw again: there is more to work through, or the frame turned out to hold
    /// another number of rows than was thought.
    Again,
    /// Draw everything anew.
    Redraw,
    /// Hand the terminal to the shell (job control).
    Suspend,
    Quit,
    /// In a demo: the other person sits down at this keyboard.
    SitDown(usize),
}

/// What an after-action report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Paper {
    Markdown,
    Html,
    Json,
}

/// Logs that can be opened from an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRef {
    /// What was collected, by its digest.
    Evidence(Digest),
    /// The key log of this name where it lies on this machine.
    Key(String),
}

/// What a new incident, or another run in the open one, begins with.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Start {
    pub runbook: RunbookId,
    pub title: String,
    pub severity: Severity,
    pub inputs: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, Secret>,
}
