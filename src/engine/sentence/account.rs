//! The sentences of what people add to the account: details, links, imported entries, follow-ups, named decisions.

use chrono::NaiveDate;

use super::{Words, local};
use crate::engine::details::{Details, Edit, FollowupChange};
use crate::engine::event::Event;
use crate::engine::fact::Fact;
use crate::evidence::Digest;

impl Words {
    pub(super) fn of_account(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::EntryDescribed(fact) => {
                let details = self.details(&fact.details);
                format!("{by} described entry {}: {details}", fact.entry.short())
            }
            Fact::EntryLinked(fact) => {
                let verb = if fact.removed { "unlinked" } else { "linked" };
                let (one, other) = (fact.entry.short(), fact.other.short());
                let relation = fact.relation.word();
                format!("{by} {verb} entry {one} and {other}: {relation}")
            }
            Fact::EntryImported(fact) => {
                let who = self.optional(" of ", fact.origin.person.as_deref(), "");
                let file = self.free(&fact.origin.file);
                let text = self.free(&fact.text);
                format!(
                    "{by} imported{who} from {file}, {}: {text}",
                    fact.origin.position
                )
            }
            Fact::FollowupOpened(fact) => {
                let owner = self.optional(" for ", fact.owner.as_deref(), "");
                let due = due(fact.due);
                let text = self.free(&fact.text);
                format!(
                    "{by} asked for a follow-up ({}){owner}{due}: {text}",
                    fact.kind.word()
                )
            }
            Fact::FollowupChanged(fact) => {
                let change = self.change(&fact.change);
                let note = self.optional(": ", fact.note.as_deref(), "");
                let followup = fact.followup.short();
                format!("{by} changed follow-up {followup}{change}{note}")
            }
            Fact::DecisionNamed(fact) => format!(
                "{by} decided {}: {}",
                self.free(&fact.decision),
                self.free(&fact.reason)
            ),
            Fact::StageSubmitted(fact) => {
                let reference = self.optional(" as ", fact.reference.as_deref(), "");
                let (clock, stage) = (self.free(&fact.clock), self.free(&fact.stage));
                format!("{by} submitted {stage} of {clock}{reference}")
            }
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn details(self, details: &Details) -> String {
        let mut said: Vec<String> = Vec::new();
        let mut word = |name: &str, word: Option<String>| {
            said.extend(word.map(|word| format!("{name} {word}")));
        };
        word("class", details.class.map(|class| class.word().to_owned()));
        word("TLP", details.tlp.map(|tlp| tlp.word().to_owned()));
        word("for", details.audiences.as_ref().map(|all| self.list(all)));
        word(
            "confidence",
            details.confidence.map(|known| known.word().to_owned()),
        );
        for (name, text) in [
            ("source", &details.source),
            ("on behalf of", &details.on_behalf_of),
            ("tactic", &details.tactic),
            ("technique", &details.technique),
        ] {
            word(name, text.as_deref().map(|text| self.free(text)));
        }
        for (name, edit) in [
            ("tag", &details.tags),
            ("asset", &details.assets),
            ("indicator", &details.indicators),
        ] {
            word(name, self.edit(edit));
        }
        let evidence = Edit {
            add: details.evidence.add.iter().map(Digest::short).collect(),
            remove: details.evidence.remove.iter().map(Digest::short).collect(),
        };
        word("evidence", self.edit(&evidence));
        match details.pinned {
            Some(true) => said.push("pinned".to_owned()),
            Some(false) => said.push("not pinned".to_owned()),
            None => {}
        }
        said.join(", ")
    }

    fn list(self, all: &[String]) -> String {
        match all {
            [] => "everybody".to_owned(),
            all => {
                let all: Vec<_> = all.iter().map(|one| self.free(one)).collect();
                all.join(" ")
            }
        }
    }

    fn edit(self, edit: &Edit<String>) -> Option<String> {
        let added = edit.add.iter().map(|one| format!("+{}", self.free(one)));
        let removed = edit.remove.iter().map(|one| format!("-{}", self.free(one)));
        let all: Vec<_> = added.chain(removed).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn change(self, change: &FollowupChange) -> String {
        let status = change
            .status
            .map_or_else(String::new, |status| format!(" {}", status.word()));
        let kind = change
            .kind
            .map_or_else(String::new, |kind| format!(" ({})", kind.word()));
        let owner = self.optional(" for ", change.owner.as_deref(), "");
        let text = self.optional(" to: ", change.text.as_deref(), "");
        format!("{status}{kind}{owner}{}{text}", due(change.due))
    }
}

fn due(due: Option<NaiveDate>) -> String {
    due.map_or_else(String::new, |due| format!(" by {due}"))
}
