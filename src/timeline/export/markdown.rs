//! A postmortem to be finished by people: everything the record knows is filled in, everything it cannot know is asked
//! for. All times are UTC. Knows nothing but the timeline.

mod checkpoints;
mod entries;
mod summary;
pub(crate) mod syntax;

use std::fmt::Write as _;

use syntax::{code, counted, prose, table};

use crate::timeline::{Projection, Timeline};

/// The document. Writing to a `String` cannot fail, so results of `write!` are let go throughout.
#[must_use]
pub fn markdown(timeline: &Timeline) -> String {
    let mut page = Page::of(timeline);
    title(&mut page, timeline);
    summary::summary(&mut page, timeline);
    summary::impact(&mut page, timeline);
    summary::roles(&mut page, &timeline.header);
    summary::milestones(&mut page, &timeline.header);
    summary::metrics(&mut page, &timeline.metrics);
    entries::timeline(&mut page, timeline);
    entries::decisions(&mut page, timeline);
    checkpoints::gates(&mut page, timeline);
    checkpoints::overrides(&mut page, timeline);
    entries::updates(&mut page, timeline);
    entries::evidence(&mut page, timeline);
    lessons(&mut page, timeline);
    flags(&mut page, timeline);
    verifying(&mut page, timeline);
    page.out
}

/// The text so far. A drill says so in every heading.
struct Page {
    out: String,
    exercise: bool,
    /// Whether something is left out: then of nothing can be said that it never was.
    partial: bool,
}

/// What must be said of a timeline before anything else is read: a drill, for whom it is and what is left out, reviews
/// owed, a record that does not hold. Empty where there is nothing of that.
pub(super) fn notice(timeline: &Timeline) -> String {
    let mut page = Page::of(timeline);
    notices(&mut page, timeline);
    page.out
}

/// How somebody proves a document.
pub(super) fn how_to_verify(timeline: &Timeline) -> String {
    let mut page = Page::of(timeline);
    proof(&mut page, timeline);
    page.out
}

impl Page {
    fn of(timeline: &Timeline) -> Self {
        Self {
            out: String::new(),
            exercise: timeline.is_exercise(),
            partial: timeline.is_partial(),
        }
    }

    fn heading(&mut self, text: &str) {
        let drill = if self.exercise { "EXERCISE: " } else { "" };
        let _ = write!(self.out, "## {drill}{text}\n\n");
    }

    fn paragraph(&mut self, text: &str) {
        let _ = write!(self.out, "{text}\n\n");
    }

    /// Where a list is empty.
    fn none(&mut self, text: &str) {
        let partial = self.partial;
        self.paragraph(if partial {
            "None that is for this audience."
        } else {
            text
        });
    }

    fn ask(&mut self, text: &str) {
        let _ = write!(self.out, "*To be written: {text}*\n\n");
    }

    fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        table(&mut self.out, head, rows);
    }
}

fn title(page: &mut Page, timeline: &Timeline) {
    let drill = if page.exercise { "EXERCISE: " } else { "" };
    let _ = write!(
        page.out,
        "# {drill}Postmortem: {}\n\n",
        prose(&timeline.header.title)
    );
    notices(page, timeline);
}

fn notices(page: &mut Page, timeline: &Timeline) {
    if page.exercise {
        page.paragraph("> **EXERCISE.** This was a drill. Nothing in this document happened for real, and no approval in it opens a live gate.");
    }
    if let Some(audience) = &timeline.audience {
        page.paragraph(&format!("> {}", left_out(audience)));
    }
    let owed = timeline.reviews_owed();
    if owed > 0 {
        let unreviewed = timeline.overrides.iter().filter(|over| over.owes_review());
        let which: Vec<String> = unreviewed
            .map(|over| format!("{} by {}", prose(&over.step), code(over.said.by.as_str())))
            .collect();
        page.paragraph(&format!(
            "> **Review owed.** {} gone through without approval; another person's review is still missing: {}.",
            counted(owed, "checkpoint"),
            which.join(", ")
        ));
    }
    let violations = timeline.flags.iter().filter(|flag| flag.violation).count();
    if violations > 0 {
        page.paragraph(&format!(
            "> **The record does not hold.** It has {} of what a record promises: see “What does not fit”.",
            counted(violations, "violation")
        ));
    }
}

/// For whom it is and what they do not see.
fn left_out(audience: &Projection) -> String {
    let withheld = &audience.withheld;
    let mut text = format!(
        "**For {}, TLP:{}.** ",
        prose(&audience.name),
        audience.tlp.word().to_uppercase()
    );
    if withheld.entries == 0 {
        text.push_str("Nothing is left out.");
        return text;
    }
    let classes: Vec<_> = withheld
        .by_class
        .iter()
        .map(|(class, count)| format!("{count} {}", class.word()))
        .collect();
    let entries = match withheld.entries {
        1 => "1 entry is".to_owned(),
        many => format!("{many} entries are"),
    };
    let _ = write!(
        text,
        "{entries} left out ({}). The full record confirms which by their digest {}.",
        classes.join(", "),
        code(&withheld.sha256.to_string())
    );
    if withheld.violations > 0 {
        let _ = write!(
            text,
            " {} of them **do not fit in the record**.",
            withheld.violations
        );
    }
    text
}

fn counted_events(events: u64) -> String {
    counted(usize::try_from(events).unwrap_or(usize::MAX), "event")
}

fn lessons(page: &mut Page, timeline: &Timeline) {
    page.heading("Follow-ups");
    if timeline.followups.is_empty() {
        page.none("None is recorded. For each: what, who, by when.");
        if !page.partial {
            page.paragraph("- [ ] …");
        }
    } else {
        page.paragraph(super::followups::markdown(&timeline.followups).trim_end());
    }
    page.heading("What went well");
    page.ask("what found it early, kept it small, or made it short, and should stay.");
    page.heading("What went wrong");
    page.ask("what made it start, spread or last; causes in the system, not in people.");
    page.heading("Where we were lucky");
    page.ask("what could as well have gone otherwise.");
}

fn flags(page: &mut Page, timeline: &Timeline) {
    if timeline.flags.is_empty() {
        return;
    }
    page.heading("What does not fit");
    let rows: Vec<_> = timeline
        .flags
        .iter()
        .map(|flag| {
            vec![
                code(&flag.event.short()),
                code(flag.by.as_str()),
                if flag.violation {
                    "**violation**"
                } else {
                    "conflict"
                }
                .to_owned(),
                prose(&flag.what),
            ]
        })
        .collect();
    page.table(&["Event", "By", "Kind", "What"], &rows);
}

fn verifying(page: &mut Page, timeline: &Timeline) {
    page.heading("How to verify this");
    proof(page, timeline);
}

fn proof(page: &mut Page, timeline: &Timeline) {
    let head = &timeline.header;
    let id = head.incident.as_ref().map_or("INC", |id| id.as_str());
    let audience = timeline
        .audience
        .as_ref()
        .map(|audience| format!(" --audience {}", prose(&audience.name)))
        .unwrap_or_default();
    page.paragraph(&format!(
        "This document was made from {} and nothing else; the same events give the same bytes. `runsheet verify INC-{id}` proves the chain, every signature and every gate again, and `runsheet export INC-{id} --format markdown{audience}` makes this document again.",
        counted_events(head.events)
    ));
    if let Some(audience) = &timeline.audience {
        page.paragraph(&format!(
            "The events that are left out, sorted, as the canonical JSON `{{\"withheld\":[…]}}`, have the SHA-256 {}.",
            code(&audience.withheld.sha256.to_string())
        ));
    }
    let which = if page.partial {
        "Of the heads that the record ends in, these are for this audience"
    } else {
        "The record ends in these heads"
    };
    page.paragraph(&format!(
        "{which}; {} is the SHA-256 of the canonical JSON `{{\"heads\":[…]}}` of all of them, in this order.",
        code(&head.heads_sha256.to_string())
    ));
    for event in &head.heads {
        let _ = writeln!(page.out, "- {}", code(&event.to_string()));
    }
    if page.exercise {
        page.paragraph("\n**EXERCISE.** This was a drill.");
    }
}
