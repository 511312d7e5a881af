//! The sentences of an exercise: its clock, its messages, what the script said became of a step.

use super::{Words, local, name};
use crate::engine::event::Event;
use crate::engine::exec::Purpose;
use crate::engine::exercise::ClockChange;
use crate::engine::fact::{ExerciseAnswered, ExerciseClock, Fact};

impl Words {
    pub(super) fn of_exercise(self, event: &Event) -> String {
        let by = local(&event.person);
        match &event.fact {
            Fact::ExerciseStarted(fact) => {
                let (form, title) = (self.free(&fact.form), self.free(&fact.title));
                format!("{by} prepared an exercise ({form}): {title}")
            }
            Fact::ExerciseClock(fact) => format!("{by} {}", self.clock(fact)),
            Fact::ExerciseInjected(fact) => {
                let to = match fact.to.as_slice() {
                    [] => String::new(),
                    to => format!(" to {}", self.free(&to.join(", "))),
                };
                let (from, message) = (self.free(&fact.from), self.free(&fact.message));
                format!("{} from {from}{to}: {message}", fact.means.words())
            }
            Fact::ExerciseAnswered(fact) => self.simulated(fact),
            Fact::ExerciseRefused(fact) => {
                let step = fact.step.as_ref().map(|step| format!(" at {}", name(step)));
                let what = self.free(&fact.what);
                format!("{by} was refused{}: {what}", step.unwrap_or_default())
            }
            Fact::ExerciseSealed(fact) => {
                format!("{by} sealed {} bytes until the end", fact.sealed.text.len())
            }
            Fact::ExerciseFeedback(fact) => {
                let question = self.optional(" to \"", fact.question.as_deref(), "\"");
                format!(
                    "{by} said of the exercise{question}: {}",
                    self.free(&fact.text)
                )
            }
            Fact::ExerciseEnded(fact) => {
                let how = if fact.aborted { "broke off" } else { "ended" };
                let reason = self.optional(": ", fact.reason.as_deref(), "");
                format!("{by} {how} the exercise{reason}")
            }
            other => format!("{by}: {}", other.kind()),
        }
    }

    fn clock(self, fact: &ExerciseClock) -> String {
        let to = self.optional(" ", fact.to.as_deref(), "");
        let sim = fact.clock.sim.format("%Y-%m-%d %H:%M:%SZ");
        let stopped = if fact.clock.paused { ", stopped" } else { "" };
        match fact.change {
            ClockChange::Resumed => format!("let the clock go on at {sim}"),
            ClockChange::Paused => format!("stopped the clock at {sim}"),
            ClockChange::Scaled => {
                let (whole, part) = (fact.clock.scale / 1_000, fact.clock.scale % 1_000);
                format!("set the clock to {whole}.{part:03} times real time at {sim}")
            }
            ClockChange::Ahead => format!("set the clock ahead to {sim}{stopped}"),
            ClockChange::Back => format!("went back to the move{to} at {sim}{stopped}"),
            ClockChange::Move => format!("began the move{to} at {sim}{stopped}"),
        }
    }

    fn simulated(self, fact: &ExerciseAnswered) -> String {
        let what = match fact.purpose {
            Purpose::Run => "",
            Purpose::DryRun => "the dry run of ",
            Purpose::RollBack => "the roll back of ",
        };
        let step = name(&fact.step);
        if let Some(why) = &fact.refused {
            return format!(
                "the script has no result for {what}{step}: {}",
                self.free(why)
            );
        }
        match fact.exit {
            Some(exit) => format!("the script ended {what}{step} with exit status {exit}"),
            None => {
                let count = fact.logs.len();
                let logs = if count == 1 { "log" } else { "logs" };
                format!("the script gave {what}{step} {count} {logs}")
            }
        }
    }
}
