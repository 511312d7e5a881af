//! Commands that add to the account of an incident: details of entries, links, follow-ups, named decisions.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, NaiveDate};
use clap::{Args, Subcommand, ValueEnum};

use super::args::Common;
use super::config::Config;
use super::incident::{act, event_named, open};
use super::{CliError, followups, out, record, times};
use crate::driver::Session;
use crate::engine::details::{
    Confidence, Details, Edit, FollowupChange, FollowupKind, FollowupStatus, Relation, Tlp,
};
use crate::engine::fact::{
    DecisionNamed, EntryDescribed, EntryLinked, FollowupChanged, FollowupOpened, StageSubmitted,
};
use crate::engine::intent::Intent;
use crate::engine::sentence::Class;
use crate::engine::telling::{Telling, Told};
use crate::evidence::{Digest, escape};
use crate::timeline::clocks::{NOT_APPLICABLE, Regime};

/// What stands on the command line.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Curate {
    /// Tag an entry of the timeline
    Tag {
        inc: String,
        event: String,
        #[arg(required = true)]
        tags: Vec<String>,
        /// Take the tags away instead
        #[arg(long)]
        remove: bool,
    },
    /// Say of an entry how it is classed, whom it is for, what it rests on; the entry itself stays
    Describe {
        inc: String,
        event: String,
        #[command(flatten)]
        details: DetailsArgs,
        /// Keep it out of the summary again
        #[arg(long, conflicts_with = "pin")]
        unpin: bool,
        #[arg(long, value_name = "TAG")]
        remove_tag: Vec<String>,
        #[arg(long, value_name = "ASSET")]
        remove_asset: Vec<String>,
        #[arg(long, value_name = "INDICATOR")]
        remove_indicator: Vec<String>,
    },
    /// Say that two entries belong together
    Link {
        inc: String,
        event: String,
        other: String,
        /// How, read from the first to the second
        #[arg(long, value_parser = word::<Relation>, default_value = "cause", value_name = "cause|duplicate|related")]
        relation: Relation,
        /// Take the link back
        #[arg(long)]
        remove: bool,
    },
    /// What is to be done afterwards: listed, added, changed
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Followup {
        #[arg(required = true)]
        inc: Option<String>,
        /// How the list is printed
        #[arg(long, value_enum, default_value = "text")]
        format: FollowupFormat,
        /// In place of the list, what the incident taught about its runbooks, as patches for `git am` or `git apply`
        #[arg(long, conflicts_with = "format")]
        patch: bool,
        /// Where patches go: a file, or a directory for one file each
        #[arg(short, long, value_name = "FILE|DIR", requires = "patch")]
        output: Option<PathBuf>,
        #[command(subcommand)]
        action: Option<FollowupAction>,
    },
    /// A decision that clocks of the law hang on: aware, material, classified_major
    Decision {
        inc: String,
        decision: String,
        #[arg(long)]
        reason: String,
        /// When it was made: 13:40, -12m, or RFC 3339
        #[arg(long, allow_hyphen_values = true)]
        at: Option<String>,
    },
    /// A stage of a clock of the law was met: a notification went out
    Submitted {
        inc: String,
        #[arg(value_name = "CLOCK/STAGE")]
        stage: String,
        /// What the authority calls it
        #[arg(long)]
        reference: Option<String>,
        /// When it went out: 13:40, -12m, or RFC 3339
        #[arg(long, allow_hyphen_values = true)]
        at: Option<String>,
    },
}

/// What is done with follow-ups.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum FollowupAction {
    /// Something is to be done
    Add {
        inc: String,
        text: String,
        #[arg(long, value_parser = word::<FollowupKind>, default_value = "fix", value_name = "fix|detect|runbook_change|policy")]
        kind: FollowupKind,
        #[arg(long)]
        owner: Option<String>,
        /// Until when: 2026-12-24
        #[arg(long, value_name = "DATE")]
        due: Option<NaiveDate>,
        /// The entry it comes from
        #[arg(long, value_name = "EVENT")]
        about: Option<String>,
    },
    /// Something about one is otherwise
    Change {
        inc: String,
        followup: String,
        #[arg(long, value_parser = word::<FollowupStatus>, value_name = "open|done|dropped")]
        status: Option<FollowupStatus>,
        #[arg(long)]
        text: Option<String>,
        #[arg(long, value_parser = word::<FollowupKind>, value_name = "KIND")]
        kind: Option<FollowupKind>,
        #[arg(long)]
        owner: Option<String>,
        #[arg(long, value_name = "DATE")]
        due: Option<NaiveDate>,
        #[arg(long)]
        note: Option<String>,
    },
    /// It is done
    Done {
        inc: String,
        followup: String,
        #[arg(long)]
        note: Option<String>,
    },
}

/// How follow-ups are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum FollowupFormat {
    Text,
    /// A task list
    Markdown,
    Csv,
    /// One GitHub issue body after the other
    Github,
}

/// Details of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[allow(missing_docs)]
pub struct DetailsArgs {
    /// response, decision, evidence, comms, impact, adversary, …
    #[arg(long, value_parser = class)]
    pub class: Option<Class>,
    /// clear, green, amber, amber+strict or red
    #[arg(long, value_parser = word::<Tlp>)]
    pub tlp: Option<Tlp>,
    /// Whom it is for; several times for several
    #[arg(long = "audience", value_name = "AUDIENCE")]
    pub audiences: Vec<String>,
    /// Put it into the summary
    #[arg(long)]
    pub pin: bool,
    /// low, medium or high
    #[arg(long, value_parser = word::<Confidence>)]
    pub confidence: Option<Confidence>,
    /// Where it was seen or heard
    #[arg(long)]
    pub source: Option<String>,
    /// For whom you speak
    #[arg(long, value_name = "NAME")]
    pub on_behalf_of: Option<String>,
    /// MITRE ATT&CK: TA0001
    #[arg(long)]
    pub tactic: Option<String>,
    /// MITRE ATT&CK: T1078 or T1078.004
    #[arg(long)]
    pub technique: Option<String>,
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    #[arg(long = "asset", value_name = "ASSET")]
    pub assets: Vec<String>,
    #[arg(long = "indicator", value_name = "INDICATOR")]
    pub indicators: Vec<String>,
    /// The digest of an artifact it rests on
    #[arg(long = "evidence", value_name = "SHA256")]
    pub evidence: Vec<String>,
}

/// What has a word for each of its values.
trait Worded: Sized + Copy + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;
}

macro_rules! worded {
    ($($name:ident),*) => {
        $(impl Worded for $name {
            const ALL: &'static [Self] = $name::ALL;
            fn word(self) -> &'static str {
                self.word()
            }
        })*
    };
}

worded!(Tlp, Confidence, Relation, FollowupKind, FollowupStatus);

fn word<T: Worded>(text: &str) -> Result<T, String> {
    let all = || T::ALL.iter().copied();
    all().find(|one| one.word() == text).ok_or_else(|| {
        let words: Vec<_> = all().map(T::word).collect();
        format!("one of: {}", words.join(", "))
    })
}

fn class(text: &str) -> Result<Class, String> {
    Class::ALL
        .into_iter()
        .find(|class| class.word() == text)
        .ok_or_else(|| {
            let words: Vec<_> = Class::ALL.iter().map(|class| class.word()).collect();
            format!("one of: {}", words.join(", "))
        })
}

impl DetailsArgs {
    /// As the engine takes them; `None` where nothing is said.
    ///
    /// # Errors
    /// When a digest is none of this record.
    pub fn details(self, session: &Session) -> Result<Option<Details>, CliError> {
        let add = |add| Edit {
            add,
            remove: Vec::new(),
        };
        let evidence: Result<Vec<Digest>, _> = self
            .evidence
            .iter()
            .map(|text| artifact(session, text))
            .collect();
        let details = Details {
            class: self.class,
            tlp: self.tlp,
            audiences: (!self.audiences.is_empty()).then_some(self.audiences),
            pinned: self.pin.then_some(true),
            confidence: self.confidence,
            source: self.source,
            on_behalf_of: self.on_behalf_of,
            tactic: self.tactic,
            technique: self.technique,
            tags: add(self.tags),
            assets: add(self.assets),
            indicators: add(self.indicators),
            evidence: Edit {
                add: evidence?,
                remove: Vec::new(),
            },
        };
        Ok(Some(details).filter(|details| !details.is_empty()))
    }
}

/// An artifact of this record by the beginning of its digest.
fn artifact(session: &Session, text: &str) -> Result<Digest, CliError> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let cited = session.journal().evidence_cited();
    let mut found = cited
        .keys()
        .filter(|digest| hex.len() >= 4 && digest.hex().starts_with(hex));
    match (found.next(), found.next()) {
        (Some(digest), None) => Ok(*digest),
        (None, _) => Err(CliError::Input(format!(
            "no artifact of this record is `{}`",
            escape::line(text)
        ))),
        _ => Err(CliError::Input(format!(
            "several artifacts begin with `{}`",
            escape::line(text)
        ))),
    }
}

/// Does one of these commands.
///
/// # Errors
/// As the command's own.
pub fn run(common: &Common, command: Curate) -> Result<(), CliError> {
    let desk = Config::read(common)?.desk()?;
    let inc = command.inc().to_owned();
    let mut session = open(&desk, &inc)?;
    if let Curate::Followup {
        format,
        patch,
        ref output,
        action: None,
        ..
    } = command
    {
        if patch {
            return followups::patches(common, &desk, &session, output.as_deref());
        }
        return followups::list(common, &record::project(&session).followups, format);
    }
    let told = told(&session, command, session.now())?;
    act(common, &mut session, Intent::Tell(vec![told]))
}

/// What a command tells.
#[allow(clippy::too_many_lines, reason = "one arm a command, nothing else")]
fn told(session: &Session, command: Curate, now: DateTime<FixedOffset>) -> Result<Told, CliError> {
    let when = |text: Option<String>| {
        text.map(|text| times::read(&text, now))
            .transpose()
            .map_err(CliError::Input)
    };
    Ok(match command {
        Curate::Tag {
            event,
            tags,
            remove,
            ..
        } => {
            let (add, remove) = if remove {
                (vec![], tags)
            } else {
                (tags, vec![])
            };
            let details = Details {
                tags: Edit { add, remove },
                ..Details::default()
            };
            described(session, &event, details)?
        }
        Curate::Describe {
            event,
            details,
            unpin,
            remove_tag,
            remove_asset,
            remove_indicator,
            ..
        } => {
            let mut details = details.details(session)?.unwrap_or_default();
            if unpin {
                details.pinned = Some(false);
            }
            details.tags.remove = remove_tag;
            details.assets.remove = remove_asset;
            details.indicators.remove = remove_indicator;
            described(session, &event, details)?
        }
        Curate::Link {
            event,
            other,
            relation,
            remove,
            ..
        } => Telling::Linked(EntryLinked {
            entry: event_named(session, &event)?,
            other: event_named(session, &other)?,
            relation,
            removed: remove,
        })
        .into(),
        Curate::Followup { action, .. } => followup(session, action)?.into(),
        Curate::Decision {
            decision,
            reason,
            at,
            ..
        } => {
            if let Some(doubt) = doubt_of(session, &decision)? {
                out::talk(&escape::line(&doubt));
            }
            Told {
                at: when(at)?,
                ..Telling::Decided(DecisionNamed { decision, reason }).into()
            }
        }
        Curate::Submitted {
            stage,
            reference,
            at,
            ..
        } => {
            let (clock, stage) = stage.split_once('/').ok_or_else(|| {
                CliError::Input(format!("`{}` is not CLOCK/STAGE", escape::line(&stage)))
            })?;
            is_stage(session, clock, stage)?;
            Told {
                at: when(at)?,
                ..Telling::Submitted(StageSubmitted {
                    clock: clock.to_owned(),
                    stage: stage.to_owned(),
                    reference,
                })
                .into()
            }
        }
    })
}

/// A clock that is not there, or a stage that it does not have, is a slip. What a library that is not here may hold is not
/// known.
fn is_stage(session: &Session, clock: &str, stage: &str) -> Result<(), CliError> {
    let (regimes, unknown) = session.regimes(true)?;
    let list = |names: Vec<&str>| names.join(", ");
    let what = match regimes.iter().find(|regime| regime.id == clock) {
        Some(regime) if regime.stage(stage).is_some() => return Ok(()),
        Some(regime) => {
            let stages = regime.stages.iter().map(|stage| stage.id.as_str());
            format!(
                "{clock} has no stage `{stage}`: it has {}",
                list(stages.collect())
            )
        }
        None if !unknown.is_empty() => return Ok(()),
        None => {
            let ids = regimes.iter().map(|regime| regime.id.as_str());
            format!(
                "there is no clock `{clock}`: there are {}",
                list(ids.collect())
            )
        }
    };
    Err(CliError::Input(escape::line(&what).into_owned()))
}

/// Any decision can be named; one that no clock counts from may be a slip.
fn doubt_of(session: &Session, decision: &str) -> Result<Option<String>, CliError> {
    let (regimes, _) = session.regimes(true)?;
    let (clock, name) = match decision.split_once('/') {
        Some((clock, name)) => (Some(clock), name),
        None => (None, decision),
    };
    let meant = || {
        regimes
            .iter()
            .filter(|one| clock.is_none_or(|clock| one.id == clock))
    };
    let names: BTreeSet<&str> = meant().flat_map(Regime::decisions).collect();
    if names.contains(name) || (name == NOT_APPLICABLE && meant().next().is_some()) {
        return Ok(None);
    }
    let names: Vec<&str> = names.into_iter().collect();
    Ok(Some(match names.as_slice() {
        [] => format!("there is no clock `{}`", clock.unwrap_or_default()),
        names => format!(
            "no clock counts from `{name}`; they count from {}",
            names.join(", ")
        ),
    }))
}

impl Curate {
    fn inc(&self) -> &str {
        match self {
            Self::Tag { inc, .. }
            | Self::Describe { inc, .. }
            | Self::Link { inc, .. }
            | Self::Decision { inc, .. }
            | Self::Submitted { inc, .. } => inc,
            Self::Followup { inc, action, .. } => match action {
                Some(
                    FollowupAction::Add { inc, .. }
                    | FollowupAction::Change { inc, .. }
                    | FollowupAction::Done { inc, .. },
                ) => inc,
                None => inc.as_deref().unwrap_or_default(),
            },
        }
    }
}

fn described(session: &Session, event: &str, details: Details) -> Result<Told, CliError> {
    let entry = event_named(session, event)?;
    Ok(Telling::Described(EntryDescribed { entry, details }).into())
}

fn followup(session: &Session, action: Option<FollowupAction>) -> Result<Telling, CliError> {
    let action = action.ok_or_else(|| CliError::Input("nothing to do".to_owned()))?;
    Ok(match action {
        FollowupAction::Add {
            text,
            kind,
            owner,
            due,
            about,
            ..
        } => Telling::Opened(FollowupOpened {
            text,
            kind,
            owner,
            due,
            about: about
                .map(|about| event_named(session, &about))
                .transpose()?,
        }),
        FollowupAction::Change {
            followup,
            status,
            text,
            kind,
            owner,
            due,
            note,
            ..
        } => Telling::Changed(FollowupChanged {
            followup: opened(session, &followup)?,
            change: FollowupChange {
                status,
                text,
                kind,
                owner,
                due,
            },
            note,
        }),
        FollowupAction::Done { followup, note, .. } => Telling::Changed(FollowupChanged {
            followup: opened(session, &followup)?,
            change: FollowupChange {
                status: Some(FollowupStatus::Done),
                ..FollowupChange::default()
            },
            note,
        }),
    })
}

/// A follow-up by the beginning of its event.
fn opened(session: &Session, text: &str) -> Result<Digest, CliError> {
    let event = event_named(session, text)?;
    let all = record::project(session).followups;
    all.iter()
        .any(|one| one.event == event)
        .then_some(event)
        .ok_or_else(|| CliError::Input(format!("`{}` is no follow-up", escape::line(text))))
}
