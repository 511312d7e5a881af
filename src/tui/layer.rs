//! What lies on top of a screen: menus, choices, forms, confirmations, readers. Values only; nothing here knows how it is
//! drawn, and what follows from an answer is a value too.

use std::collections::BTreeMap;
use std::fmt;

use tui_input::Input as Line;

use super::act::Act;
use super::exercise::Tab;
use super::extent::{Cursor, Scroll};
use super::model::Picking;
use super::said::Standing;
use super::theme::Tone;
use super::wish::{LogRef, Paper, Wish};
use super::world::Waits;
use crate::engine::command::StepKey;
use crate::engine::details::FollowupStatus;
use crate::engine::exec::Purpose;
use crate::engine::fact::{Milestone, Outcome};
use crate::engine::{EventId, IncidentId, Intent, StepRef};
use crate::evidence::Digest;
use crate::logs::view::page::At;
use crate::runbook::model::{Input as Asked, InputKind, RunbookId};
use crate::timeline::Followup;
use crate::timeline::export::Format;

/// One layer.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Layer {
    Menu(Menu),
    Choose(Choose),
    Form(Form),
    Reader(Reader),
}

/// A list of commands; the palette when it is typed into.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Menu {
    pub title: String,
    pub items: Vec<MenuItem>,
    pub cursor: Cursor,
    /// What was typed; `None` for a plain menu.
    pub query: Option<Line>,
    /// Items that fit what was typed.
    pub found: Vec<usize>,
}

/// One command as it applies now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MenuItem {
    pub act: Act,
    pub label: String,
    pub key: String,
}

/// A question with answers to pick from. A confirmation is one with two.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Choose {
    pub title: String,
    /// What has to be read before.
    pub body: Vec<(Tone, String)>,
    pub options: Vec<Choice>,
    pub cursor: Cursor,
    pub scroll: Scroll,
    /// Keys are ignored until it has been drawn.
    pub guarded: bool,
    pub drawn: bool,
}

/// One answer.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Choice {
    pub label: String,
    pub note: String,
    pub then: Then,
}

/// What follows from an answer.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Then {
    /// Nothing; the layer goes away.
    Nothing,
    Wish(Box<Wish>),
    /// As if its key had been pressed.
    Do(Act),
    /// To what waits in an incident.
    Go(IncidentId, Waits),
    /// The review of this override.
    Review(EventId),
    /// The way back of this step.
    RollBack(StepKey),
    Form(Box<Form>),
    Choose(Box<Choose>),
    /// The checkpoint of this step.
    Look(StepKey),
    /// This is recorded, and what is suggested shown again.
    Accept(Box<Intent>),
    /// These logs are read.
    OpenLog(LogRef),
    /// The other end of this link is looked for.
    Pick(Picking),
    /// To this entry of the timeline.
    Entry(EventId),
    /// This scenario is read, and then asked about.
    Scenario(String),
    Theme(String),
}

/// Fields to fill in. After the last one stand the two ways out.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Form {
    pub kind: FormKind,
    pub title: String,
    pub body: Vec<(Tone, String)>,
    pub fields: Vec<Field>,
    /// The word for the way on.
    pub submit: String,
    /// A field; `fields.len()` is the way on, one more the way back.
    pub focus: usize,
    /// What is wrong with it.
    pub error: Option<String>,
    /// In what has to be read before.
    pub scroll: Scroll,
    pub guarded: bool,
    pub drawn: bool,
}

/// What a form is for: together with its fields it becomes wishes.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum FormKind {
    Done(StepKey),
    Skip(StepKey),
    Note(Option<StepKey>),
    Answer(StepKey),
    Secrets(StepKey),
    Resolve(StepKey, Outcome),
    Override(StepKey, Purpose),
    /// `true` approves, `false` denies.
    Approval(StepKey, Digest, bool),
    Review(EventId),
    Adopt,
    Expunge(Digest),
    Start(RunbookId),
    Milestone(Milestone),
    Backdate,
    Correct(EventId),
    /// An entry, with what was so of it when it was asked.
    Tag(EventId, Box<Standing>),
    Describe(EventId, Box<Standing>),
    /// A file becomes evidence of this entry.
    Rest(EventId),
    AsOf,
    /// Perhaps because of this entry.
    Followup(Option<EventId>),
    /// As it stood when it was asked.
    ChangeFollowup(Box<Followup>),
    EndFollowup(EventId, FollowupStatus),
    Filter,
    Export(Format),
    Attach,
    /// The line that becomes an entry of the timeline.
    MarkLine(At),
    /// Where the selection began, and the line under the cursor.
    Excerpt(Option<At>, At),
    /// The keys of JSON lines that are shown.
    Columns,
    Role,
    Update,
    Reopen,
    Close,
    /// An inject that shall not come.
    LeaveInject(String),
    AnswerFor(StepRef, Purpose),
    Tell,
    Ahead,
    Verdict(String),
    Rate(String),
    /// About an expectation, an objective, or all of it.
    Remark(Option<String>),
    /// The question it answers.
    Feedback(Option<String>),
    /// The after-action report.
    Report(Paper),
    End,
    Abort,
}

/// One field. Its text form never holds what was typed into a secret one.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Field {
    /// The name of the value.
    pub name: String,
    pub label: String,
    pub kind: FieldKind,
    pub line: Line,
    pub required: bool,
    /// What the value has to look like.
    pub rule: Option<Rule>,
}

/// How a field is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// By typing.
    Text,
    /// By typing, never shown.
    Secret,
    /// By taking one of these.
    Choice(Vec<String>, usize),
    /// By ticking it; all ticks of a form have to be set.
    Tick(bool),
    /// By typing exactly this; pasting is refused.
    Typed(String),
}

/// What a value has to look like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rule {
    pub kind: InputKind,
    pub pattern: Option<String>,
}

/// Lines to read.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Reader {
    pub what: Reading,
    pub scroll: Scroll,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The keys of the screen below.
    Help,
    /// One event of the open incident.
    Event(EventId),
    /// What the dry run of the request on the screen printed.
    Output,
    /// How the regulatory clocks of the open incident stand.
    Clocks,
    /// A row of the exercise's screen, by its key.
    Exercise(Tab, String),
}

impl Form {
    /// A form without fields.
    #[must_use]
    pub fn new(kind: FormKind, title: impl Into<String>, submit: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            body: Vec::new(),
            fields: Vec::new(),
            submit: submit.into(),
            focus: 0,
            error: None,
            scroll: Scroll::default(),
            guarded: false,
            drawn: false,
        }
    }

    /// With a line to be read before.
    #[must_use]
    pub fn say(mut self, tone: Tone, line: impl Into<String>) -> Self {
        self.body.push((tone, line.into()));
        self
    }

    /// With one more field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Keys count only once it has been drawn.
    #[must_use]
    pub fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    /// How many places the focus has.
    #[must_use]
    pub fn stops(&self) -> usize {
        self.fields.len() + 2
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map_or("", Field::value)
    }

    /// The first field that is not as it has to be, and why.
    #[must_use]
    pub fn fault(&self) -> Option<(usize, String)> {
        self.fields
            .iter()
            .enumerate()
            .find_map(|(at, field)| Some((at, field.fault()?)))
    }

    /// The values by name, secret ones apart.
    #[must_use]
    pub fn values(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let (mut plain, mut secret) = (BTreeMap::new(), BTreeMap::new());
        for field in &self.fields {
            let into = if field.kind == FieldKind::Secret {
                &mut secret
            } else {
                &mut plain
            };
            into.insert(field.name.clone(), field.value().to_owned());
        }
        (plain, secret)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self.kind {
            FieldKind::Secret => "…",
            _ => self.value(),
        };
        write!(f, "Field({} = {value:?})", self.name)
    }
}

impl Field {
    /// A line of text.
    #[must_use]
    pub fn text(name: &str, label: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            label: label.into(),
            kind: FieldKind::Text,
            line: Line::default(),
            required: true,
            rule: None,
        }
    }

    /// Of another kind.
    #[must_use]
    pub fn of(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }

    /// May stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// With something in it already.
    #[must_use]
    pub fn with(mut self, value: impl Into<String>) -> Self {
        self.line = Line::new(value.into());
        self
    }

    /// The field for something a runbook asks.
    #[must_use]
    pub fn asked(asked: &Asked) -> Self {
        let label = asked.prompt.clone().unwrap_or_else(|| asked.name.clone());
        let default = asked.default.clone().unwrap_or_default();
        let mut field = Self::text(&asked.name, label);
        field.required = !asked.optional;
        let choices = match asked.kind {
            InputKind::Boolean if asked.choices.is_empty() => {
                vec!["true".to_owned(), "false".to_owned()]
            }
            _ => asked.choices.clone(),
        };
        if asked.secret {
            field.kind = FieldKind::Secret;
        } else if !choices.is_empty() {
            let at = choices.iter().position(|c| *c == default).unwrap_or(0);
            field.kind = FieldKind::Choice(choices, at);
        }
        field.rule = Some(Rule {
            kind: asked.kind,
            pattern: asked.pattern.clone(),
        });
        field.with(default)
    }

    /// What is in it.
    #[must_use]
    pub fn value(&self) -> &str {
        match &self.kind {
            FieldKind::Choice(choices, at) => choices.get(*at).map_or("", String::as_str),
            _ => self.line.value(),
        }
    }

    /// Why it cannot stay so.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        match &self.kind {
            FieldKind::Tick(false) => return Some("not ticked yet".to_owned()),
            FieldKind::Tick(true) | FieldKind::Choice(..) => return None,
            FieldKind::Typed(expected) if self.value() != expected => {
                return Some(format!("type {expected} to go on"));
            }
            _ => {}
        }
        let value = self.value();
        if value.trim().is_empty() {
            return self.required.then(|| "has to be filled in".to_owned());
        }
        self.rule.as_ref().and_then(|rule| rule.fault(value))
    }
}

impl Rule {
    fn fault(&self, value: &str) -> Option<String> {
        match self.kind {
            InputKind::Integer if value.parse::<i64>().is_err() => {
                return Some("is to be a whole number".to_owned());
            }
            InputKind::Time if chrono::DateTime::parse_from_rfc3339(value).is_err() => {
                return Some("is to be a time like 2026-11-23T13:40:00Z".to_owned());
            }
            _ => {}
        }
        let pattern = self.pattern.as_ref()?;
        let whole = regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(1 << 20)
            .build()
            .ok()?;
        (!whole.is_match(value)).then(|| format!("does not match {pattern}"))
    }
}

impl Choose {
    /// A question without answers yet.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            body: Vec::new(),
            options: Vec::new(),
            cursor: Cursor::default(),
            scroll: Scroll::default(),
            guarded: false,
            drawn: false,
        }
    }

    /// With a line to be read before.
    #[must_use]
    pub fn say(mut self, tone: Tone, line: impl Into<String>) -> Self {
        self.body.push((tone, line.into()));
        self
    }

    /// With one more answer.
    #[must_use]
    pub fn option(mut self, label: impl Into<String>, note: impl Into<String>, then: Then) -> Self {
        self.options.push(Choice {
            label: label.into(),
            note: note.into(),
            then,
        });
        self
    }

    /// Keys count only once it has been drawn.
    #[must_use]
    pub fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: InputKind, pattern: Option<&str>) -> Asked {
        Asked {
            name: "key_id".to_owned(),
            prompt: None,
            kind,
            pattern: pattern.map(str::to_owned),
            choices: Vec::new(),
            default: None,
            secret: false,
            optional: false,
        }
    }

    #[test]
    fn a_value_has_to_match_the_whole_pattern_and_its_kind() {
        let field = Field::asked(&asked(InputKind::Text, Some("AKIA[0-9]{3}|x")));
        assert!(field.clone().with("AKIA123").fault().is_none());
        assert!(field.clone().with("AKIA1234").fault().is_some());
        assert!(field.with("").fault().is_some());
        let field = Field::asked(&asked(InputKind::Integer, None));
        assert!(field.clone().with("12").fault().is_none());
        assert!(field.with("twelve").fault().is_some());
    }

    #[test]
    fn a_secret_is_kept_apart_from_the_plain_values() {
        let mut secret = asked(InputKind::Text, None);
        secret.secret = true;
        secret.name = "token".to_owned();
        let form = Form::new(FormKind::Backdate, "", "")
            .field(Field::asked(&asked(InputKind::Text, None)).with("a"))
            .field(Field::asked(&secret).with("hidden"));
        let (plain, secret) = form.values();
        assert_eq!(plain.into_values().collect::<Vec<_>>(), ["a"]);
        assert_eq!(secret.into_values().collect::<Vec<_>>(), ["hidden"]);
    }

    #[test]
    fn an_unticked_item_keeps_a_checklist_open() {
        let tick = |set| Field::text("a", "A").of(FieldKind::Tick(set));
        assert!(tick(false).fault().is_some());
        assert!(tick(true).fault().is_none());
    }
}
