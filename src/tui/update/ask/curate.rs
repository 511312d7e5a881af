//! Questions about one entry of the timeline: what is said of it, what it belongs with, on what it rests; and what of the
//! record is shown.

use super::{form, wish};
use crate::engine::command::Refusal;
use crate::engine::details::{Confidence, Details, Edit, Relation, Tlp};
use crate::engine::fact::{EntryDescribed, EntryLinked, Milestone};
use crate::engine::sentence::Class;
use crate::engine::telling::Telling;
use crate::engine::{Event, EventId, Intent};
use crate::timeline::audience::unmarked;
use crate::tui::events::{Filter, Index, audiences};
use crate::tui::layer::{Choose, Field, FieldKind, Form, FormKind, Then};
use crate::tui::model::Picking;
use crate::tui::said::Standing;
use crate::tui::step;
use crate::tui::theme::Tone;
use crate::tui::update::said::{commas, plain_words, shown_in};
use crate::tui::when::Zone;
use crate::tui::world::Open;

/// Of choices: nothing is said.
pub(in crate::tui::update) const UNSAID: &str = "-";

/// Of the choice of eyes: our own.
const US: &str = "us: the whole record";

/// One thing told of entries.
pub(in crate::tui::update) fn tell(what: Telling) -> Intent {
    Intent::Tell(vec![what.into()])
}

/// The tags of an entry.
pub(in crate::tui::update) fn tag(entry: EventId, sentence: &str, standing: Standing) -> Form {
    let tags = shown_in(&standing.details.tags.add, plain_words);
    let kept = kept(&standing.details.tags.add, plain_words);
    let kind = FormKind::Tag(entry, Box::new(standing));
    let form = Form::new(kind, "Tags of this entry", "record it").say(Tone::Dim, sentence);
    kept.into_iter()
        .fold(form, |form, line| form.say(Tone::Dim, line))
        .say(
            Tone::Text,
            "Words with spaces between; one that is taken out is taken off.",
        )
        .field(Field::text("tags", "Tags").optional().with(tags.join(" ")))
}

/// What cannot be typed into a line of a form, and stays as it is.
fn kept(list: &[String], split: fn(&str) -> Vec<String>) -> Option<String> {
    let shown = shown_in(list, split);
    let rest: Vec<_> = list.iter().filter(|one| !shown.contains(one)).collect();
    (!rest.is_empty()).then(|| format!("stays as it is: {}", rest.len()))
}

fn choice(name: &str, label: &str, words: Vec<String>, at: usize) -> Field {
    Field::text(name, label).of(FieldKind::Choice(words, at))
}

/// A choice in which nothing can be said only as long as nothing was said.
fn said_or_not<T: PartialEq + Copy>(
    name: &str,
    label: &str,
    all: &[T],
    word: fn(T) -> &'static str,
    now: Option<T>,
) -> Field {
    let unsaid = now.is_none().then(|| UNSAID.to_owned()).into_iter();
    let words = unsaid.chain(all.iter().map(|one| word(*one).to_owned()));
    let at = now.and_then(|now| all.iter().position(|one| *one == now));
    choice(name, label, words.collect(), at.unwrap_or(0))
}

/// Everything that can be said of an entry beside its text.
pub(in crate::tui::update) fn describe(event: &Event, sentence: &str, standing: Standing) -> Form {
    let unmarked = match standing.details.tlp {
        Some(_) => String::new(),
        None => format!(
            "Unmarked, it travels as far as TLP:{}. ",
            unmarked(event.fact.kind()).word()
        ),
    };
    let fields = class_and_marking(&standing)
        .into_iter()
        .chain(lists(&standing.details))
        .chain(lines(&standing.details));
    let form = Form::new(
        FormKind::Describe(event.id, Box::new(standing.clone())),
        "What is so of this entry",
        "record it",
    )
    .say(Tone::Dim, sentence)
    .say(
        Tone::Text,
        format!("{unmarked}Only what you change is recorded; the entry stays."),
    );
    fields.fold(form, Form::field)
}

/// How it is classed, how far it travels, whether it stands in the summary.
fn class_and_marking(standing: &Standing) -> [Field; 4] {
    let details = &standing.details;
    let classes = Class::ALL.iter().map(|class| class.word().to_owned());
    let class = Class::ALL.iter().position(|class| *class == standing.class);
    let audiences = details.audiences.as_deref().unwrap_or_default();
    let pinned = ["no", "yes"].map(str::to_owned).to_vec();
    [
        choice("class", "Class", classes.collect(), class.unwrap_or(0)),
        said_or_not("tlp", "TLP", Tlp::ALL, Tlp::word, details.tlp),
        Field::text("audiences", "Only for (audiences)")
            .optional()
            .with(shown_in(audiences, commas).join(", ")),
        choice(
            "pinned",
            "In the summary",
            pinned,
            usize::from(details.pinned == Some(true)),
        ),
    ]
}

fn lists(details: &Details) -> [Field; 3] {
    let list = |name: &str, label: &str, list: &[String]| {
        Field::text(name, label)
            .optional()
            .with(shown_in(list, commas).join(", "))
    };
    [
        Field::text("tags", "Tags")
            .optional()
            .with(shown_in(&details.tags.add, plain_words).join(" ")),
        list("assets", "Assets (a, b)", &details.assets.add),
        list("indicators", "Indicators (a, b)", &details.indicators.add),
    ]
}

fn lines(details: &Details) -> [Field; 5] {
    let line = |name: &str, label: &str, value: &Option<String>| {
        let field = Field::text(name, label).optional();
        field.with(value.clone().unwrap_or_default())
    };
    [
        line("tactic", "ATT&CK tactic (TA0001)", &details.tactic),
        line("technique", "ATT&CK technique (T1078)", &details.technique),
        said_or_not(
            "confidence",
            "Confidence",
            Confidence::ALL,
            Confidence::word,
            details.confidence,
        ),
        line("source", "Seen or heard where", &details.source),
        line("for", "On behalf of", &details.on_behalf_of),
    ]
}

/// How an entry belongs with another one; first what is linked already.
pub(in crate::tui::update) fn link(
    event: &Event,
    sentence: &str,
    index: &Index,
    named: impl Fn(&EventId) -> String,
) -> Choose {
    let mut choose = Choose::new("Link this entry").say(Tone::Text, sentence);
    let ways = [
        ("it led to another one", Relation::Cause, true),
        ("another one led to it", Relation::Cause, false),
        ("another one repeats it", Relation::Duplicate, true),
        ("it repeats another one", Relation::Duplicate, false),
        ("it belongs with another one", Relation::Related, true),
    ];
    for (words, relation, first) in ways {
        let picking = Picking {
            entry: event.id,
            relation,
            first,
        };
        choose = choose.option(words, relation.word(), Then::Pick(picking));
    }
    for link in index.all_said().links(&event.id) {
        let (entry, other) = if link.first {
            (event.id, link.other)
        } else {
            (link.other, event.id)
        };
        let back = wish(tell(Telling::Linked(EntryLinked {
            entry,
            other,
            relation: link.relation,
            removed: true,
        })));
        choose = choose.option(
            format!("take back: {}", link.relation.word()),
            named(&link.other),
            back,
        );
    }
    choose.option("not now", "", Then::Nothing)
}

/// On what an entry rests: a file of this machine, or what is in the record already.
pub(in crate::tui::update) fn rest(event: &Event, sentence: &str, open: &Open) -> Choose {
    let path = Form::new(
        FormKind::Rest(event.id),
        "Attach a file as evidence of this entry",
        "attach",
    )
    .say(Tone::Dim, sentence)
    .field(Field::text("path", "Path"));
    let mut choose = Choose::new("On what does this entry rest?")
        .say(Tone::Dim, sentence)
        .option("a file of this machine", "", form(path));
    for evidence in step::artifacts(open).iter().rev().take(MOST_ARTIFACTS) {
        let details = Details {
            evidence: Edit {
                add: vec![evidence.sha256],
                remove: Vec::new(),
            },
            ..Details::default()
        };
        let fact = EntryDescribed {
            entry: event.id,
            details,
        };
        choose = choose.option(
            evidence.name.clone(),
            format!("{} of {}", evidence.source, evidence.host),
            wish(tell(Telling::Described(fact))),
        );
    }
    choose.option("not now", "", Then::Nothing)
}

/// The newest artifacts that are offered.
const MOST_ARTIFACTS: usize = 30;

/// What was known at which time.
pub(in crate::tui::update) fn as_of(zone: Zone) -> Form {
    Form::new(FormKind::AsOf, "What was known at a time", "show it")
        .say(
            Tone::Text,
            "Shows what was recorded until then, whenever it occurred.",
        )
        .field(Field::text(
            "at",
            format!("At (13:40 {}, -12m, RFC 3339)", zone.name()),
        ))
}

/// Which events the timeline shows.
pub(in crate::tui::update) fn filter(index: &Index, open: &Open) -> Form {
    let filter = index.filter();
    let any = || std::iter::once("all".to_owned());
    let classes = any().chain(Class::ALL.iter().map(|class| class.word().to_owned()));
    let class = filter.class.and_then(|class| {
        let mut all = Class::ALL.iter();
        all.position(|known| *known == class)
    });
    let mut reached: Vec<_> = index.state(open).milestones.iter().collect();
    reached.sort_by_key(|(_, reached)| reached.at.to_utc());
    let reached: Vec<Milestone> = reached
        .into_iter()
        .map(|(milestone, _)| *milestone)
        .collect();
    let since = filter
        .milestone
        .and_then(|wanted| reached.iter().position(|one| *one == wanted));
    let since_words = any().chain(reached.iter().map(|one| one.word().to_owned()));
    let own = audiences(open);
    let names = std::iter::once(US).chain(own.names());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let audience = filter
        .audience
        .as_ref()
        .and_then(|wanted| names.iter().position(|name| name == wanted));
    let at = |found: Option<usize>| found.map_or(0, |at| at + 1);
    let text = |name: &str, label: &str, value: &str| {
        Field::text(name, label).optional().with(value.to_owned())
    };
    Form::new(FormKind::Filter, "Show only", "show")
        .field(choice("class", "Class", classes.collect(), at(class)))
        .field(choice(
            "milestone",
            "From … to the next",
            since_words.collect(),
            at(since),
        ))
        .field(choice(
            "audience",
            "As seen by",
            names,
            audience.unwrap_or(0),
        ))
        .field(text("person", "Person has", &filter.person))
        .field(text("text", "Text has", &filter.text))
}

/// A filter as the form has it.
pub(in crate::tui::update) fn filtered(form: &Form) -> Filter {
    let text = |name: &str| form.value(name).trim().to_owned();
    Filter {
        class: Class::ALL
            .into_iter()
            .find(|class| class.word() == form.value("class")),
        person: text("person"),
        text: text("text"),
        milestone: Milestone::ALL
            .into_iter()
            .find(|milestone| milestone.word() == form.value("milestone")),
        audience: Some(text("audience")).filter(|name| name != US),
    }
}

/// A refusal of the engine's, at this field of a form.
pub(in crate::tui::update) fn at_field(
    form: &Form,
    name: &str,
    refusal: &Refusal,
) -> (usize, String) {
    let at = form.fields.iter().position(|field| field.name == name);
    (at.unwrap_or(0), refusal.to_string())
}
