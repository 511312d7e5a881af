//! The shape people write as a scenario: every key with what it is for, each value with its place.
//! Knows nothing of what the values mean together; `check` does.

use super::words::{DecisionName, Every, FromStart, IsScenario, SaysWord, Scale, Start};
use super::{Form, Means, Purpose, Side};
use crate::runbook::decode::{At, Named, Standing, shape};
use crate::runbook::model::Severity;
use crate::runbook::words::{
    Count, Exit, Flag, Id, Label, Length, Milestone, Name, Text, UpdateState, Yes,
};

shape! {
    /// The script of one exercise: the file is `<id>.yaml`. Every time in it is counted from the start of the exercise.
    ScenarioFile in "scenario" where [Needs("with", "runbook")];
    /// Says that the file is a scenario and no runbook: `scenario`.
    required "kind" kind: At<IsScenario>,
    /// What it is called everywhere, also the name of the file: lower-case letters, digits and `-`.
    required "id" id: At<Id>,
    /// What people read in lists; players see it.
    required "title" title: At<Text>,
    /// `tabletop` is talked through, a `drill` practises one capability, in a `functional` exercise people act on simulated systems.
    required "form" form: At<Form>,
    /// One or two sentences; players may see them.
    optional "summary" summary: At<Text>,
    /// What is practised and what is not.
    optional "scope" scope: At<Text>,
    /// What is threatened, and by whom.
    optional "threat" threat: At<Text>,
    /// Who wants the exercise.
    optional "sponsor" sponsor: At<Text>,
    /// What players are told before it starts.
    required "briefing" briefing: At<Text>,
    /// For the controllers alone.
    optional "notes" notes: At<Text>,
    /// The runbook that is begun with it.
    optional "runbook" runbook: At<Id>,
    /// The inputs of that runbook.
    optional "with" with: Named<Name, At<Text>>,
    /// How bad it is at the start; sev3 unless said otherwise.
    optional "severity" severity: At<Severity>,
    /// The simulated clock.
    required "clock" clock: ClockFile,
    /// What is to be shown.
    required "objectives" objectives: Standing<Vec<ObjectiveFile>>,
    /// Who takes part as what.
    optional "parts" parts: Vec<PartFile>,
    /// The stretches of the exercise, in order.
    optional "moves" moves: Vec<MoveFile>,
    /// What reaches the players, and when.
    required "injects" injects: Standing<Vec<Standing<InjectFile>>>,
    /// What players should do, and what proves it.
    required "expectations" expectations: Standing<Vec<ExpectationFile>>,
    /// What the scripts of steps print: of those that fit, the first is used.
    optional "answers" answers: Vec<Standing<AnswerFile>>,
    /// The key logs of the runbook as they would be.
    optional "logs" logs: Vec<LogFile>,
    /// People played by the exercise itself, for who practises alone.
    optional "colleagues" colleagues: Vec<ColleagueFile>,
    /// Questions for the discussion right after it.
    optional "hot_wash" hot_wash: Vec<At<Text>>,
    /// Said aloud it means: this is real.
    required "code_word" code_word: At<Text>,
    /// When the exercise is broken off.
    optional "abort" abort: Vec<At<Text>>,
}

shape! {
    /// The simulated clock.
    ClockFile in "clock" where [];
    /// What it shows when the exercise starts, with offset: `2027-03-05T17:40:00+01:00`; the moment itself unless said otherwise.
    optional "start" start: At<Start>,
    /// Simulated seconds a real one: `6`, `0.5`; 1 unless said otherwise.
    optional "scale" scale: At<Scale>,
    /// It stops where a move begins, until the facilitator lets it go on.
    optional "by_moves" by_moves: At<Flag>,
    /// Where else it stops.
    optional "pauses" pauses: Vec<At<Length>>,
    /// When the exercise is over.
    required "length" length: At<Length>,
}

shape! {
    /// What is to be shown.
    ObjectiveFile in "objective" where [];
    /// What expectations call it.
    required "id" id: At<Id>,
    /// The objective in words.
    required "title" title: At<Text>,
    /// The core capability it is about.
    optional "capability" capability: At<Text>,
    /// What must be done for it.
    optional "critical_tasks" critical_tasks: Vec<At<Text>>,
}

shape! {
    /// Who takes part as what.
    PartFile in "part" where [];
    /// What injects and expectations call it.
    required "id" id: At<Id>,
    /// What people call it; the id unless said otherwise.
    optional "title" title: At<Text>,
    /// `player`, `facilitator`, `evaluator`, `observer` or `simulation_cell`.
    required "side" side: At<Side>,
    /// The duty a player has in the incident.
    optional "role" role: At<Label>,
}

shape! {
    /// A stretch of the exercise.
    MoveFile in "move" where [];
    /// What it is called.
    required "id" id: At<Id>,
    /// What people read; the id unless said otherwise.
    optional "title" title: At<Text>,
    /// When it begins.
    required "at" at: At<Length>,
    /// To be talked about in it.
    optional "questions" questions: Vec<At<Text>>,
}

shape! {
    /// One message to the players.
    InjectFile in "inject" where [
        ExactlyOne(&["at", "after", "by_hand"]),
        AtMostOne(&["by_hand", "unless"]),
        Needs("delay", "after"),
        Needs("within", "after"),
    ];
    /// What it is called.
    required "id" id: At<Id>,
    /// What controllers read; the id unless said otherwise.
    optional "title" title: At<Text>,
    /// It comes so long after the start.
    optional "at" at: At<Length>,
    /// It comes after any of these was so.
    optional "after" after: Standing<Vec<Standing<ProofFile>>>,
    /// So long after that; at once unless said otherwise.
    optional "delay" delay: At<Length>,
    /// Only if that was so this early, counted from the start.
    optional "within" within: At<Length>,
    /// It comes when a controller says so.
    optional "by_hand" by_hand: At<Yes>,
    /// It does not come if any of these was so by then.
    optional "unless" unless: Vec<Standing<ProofFile>>,
    /// How it reaches the players; `chat` unless said otherwise.
    optional "means" means: At<Means>,
    /// Who it is from; exercise control unless said otherwise.
    optional "from" from: At<Text>,
    /// The parts it goes to; everybody unless said otherwise.
    optional "to" to: Vec<At<Id>>,
    /// What it says.
    required "message" message: At<Text>,
    /// Texts that come with it.
    optional "attachments" attachments: Vec<AttachmentFile>,
    /// For the controllers: what to do if players go another way.
    optional "contingency" contingency: At<Text>,
    /// For the controllers alone.
    optional "notes" notes: At<Text>,
}

shape! {
    /// A text that comes with an inject.
    AttachmentFile in "attachment" where [];
    /// The name of the file.
    required "name" name: At<Label>,
    /// What is in it.
    required "text" text: At<Text>,
}

shape! {
    /// Something that can be seen in the record.
    ProofFile in "proof" where [ExactlyOne(&[
        "started", "done", "failed", "skipped", "dry_run", "asked", "approved", "denied", "overridden", "claimed",
        "refused", "chosen", "milestone", "severity", "role", "decision", "submitted", "update", "note", "followup",
        "collected", "inject",
    ])];
    /// This step was started.
    optional "started" started: At<Id>,
    /// This step was done by hand, ended well, was chosen or answered.
    optional "done" done: At<Id>,
    /// This step failed.
    optional "failed" failed: At<Id>,
    /// This step was skipped.
    optional "skipped" skipped: At<Id>,
    /// This step was run dry.
    optional "dry_run" dry_run: At<Id>,
    /// The approvals of this step were asked for.
    optional "asked" asked: At<Id>,
    /// This step was approved.
    optional "approved" approved: At<Id>,
    /// This step was denied.
    optional "denied" denied: At<Id>,
    /// The checkpoint of this step was overridden.
    optional "overridden" overridden: At<Id>,
    /// This step was claimed.
    optional "claimed" claimed: At<Id>,
    /// The checkpoint of this step refused somebody.
    optional "refused" refused: At<Id>,
    /// This answer was chosen.
    optional "chosen" chosen: ChosenFile,
    /// This milestone was reached.
    optional "milestone" milestone: At<Milestone>,
    /// The severity was set to this.
    optional "severity" severity: At<Severity>,
    /// Somebody was given this duty.
    optional "role" role: At<Label>,
    /// This decision, that clocks hang on, was taken.
    optional "decision" decision: At<DecisionName>,
    /// A report to an authority was submitted.
    optional "submitted" submitted: SubmittedFile,
    /// A stakeholder update was given.
    optional "update" update: UpdateFile,
    /// A note matches this regular expression.
    optional "note" note: At<Text>,
    /// A follow-up matches this regular expression.
    optional "followup" followup: At<Text>,
    /// This key log was pulled.
    optional "collected" collected: At<Label>,
    /// This inject came.
    optional "inject" inject: At<Id>,
}

shape! {
    /// An answer of a decision.
    ChosenFile in "chosen" where [];
    /// The step.
    required "step" step: At<Id>,
    /// The answer.
    required "label" label: At<Text>,
}

shape! {
    /// A report to an authority.
    SubmittedFile in "submitted" where [];
    /// The regulatory clock.
    required "clock" clock: At<Label>,
    /// Its stage; any unless said otherwise.
    optional "stage" stage: At<Label>,
}

shape! {
    /// A stakeholder update.
    UpdateFile in "update" where [];
    /// Who was told; anybody unless said otherwise.
    optional "audience" audience: At<Label>,
    /// What it said about the state of things; anything unless said otherwise.
    optional "state" state: At<UpdateState>,
}

shape! {
    /// What players should do.
    ExpectationFile in "expectation" where [];
    /// What it is called.
    required "id" id: At<Id>,
    /// What is to be done, in words.
    required "action" action: At<Text>,
    /// The part or duty that should.
    optional "role" role: At<Label>,
    /// The inject it is about: `by` counts from when that came.
    optional "about" about: At<Id>,
    /// By when, after `about`, or after the start.
    required "by" by: At<Length>,
    /// Any of these proves it; with none an evaluator says so.
    optional "proof" proof: Vec<Standing<ProofFile>>,
    /// None of these may happen: then it is missed.
    optional "never" never: Vec<Standing<ProofFile>>,
    /// How much it counts; 1 unless said otherwise.
    optional "weight" weight: At<Count>,
    /// Its objective is not met without it.
    optional "critical" critical: At<Flag>,
    /// The objective it is part of.
    required "objective" objective: At<Id>,
}

shape! {
    /// What a step's script prints.
    AnswerFile in "answer" where [];
    /// The step.
    required "step" step: At<Id>,
    /// Which of its scripts: `run`, `dry_run` or `roll_back`; `run` unless said otherwise.
    optional "purpose" purpose: At<Purpose>,
    /// Only this try of the step, from 1.
    optional "attempt" attempt: At<Count>,
    /// Only after any of these was so.
    optional "after" after: Vec<Standing<ProofFile>>,
    /// The simulated time it takes; 1s unless said otherwise.
    optional "takes" takes: At<Length>,
    /// Its exit status; 0 unless said otherwise.
    optional "exit" exit: At<Exit>,
    /// What it prints.
    optional "output" output: At<Text>,
}

shape! {
    /// A key log as it would be.
    LogFile in "log" where [];
    /// Its name in the runbook's `logs`.
    required "name" name: At<Label>,
    /// How a moment is written in front of each line, by strftime; `%Y-%m-%dT%H:%M:%S%:z` unless said otherwise.
    optional "stamp" stamp: At<Text>,
    /// What is in it.
    required "lines" lines: Standing<Vec<LineFile>>,
}

shape! {
    /// A line of a log, or many alike.
    LineFile in "line" where [Needs("every", "until"), Needs("until", "every")];
    /// When it is written: `20m`, or `-12m` before the start.
    required "at" at: At<FromStart>,
    /// It is written again, so far apart.
    optional "every" every: At<Every>,
    /// Until then.
    optional "until" until: At<FromStart>,
    /// The line behind its moment.
    required "text" text: At<Text>,
    /// Only after any of these was so.
    optional "after" after: Vec<Standing<ProofFile>>,
}

shape! {
    /// A person played by the exercise itself.
    ColleagueFile in "colleague" where [];
    /// The first part of the principal: `dana`.
    required "id" id: At<Id>,
    /// The name people read; the id unless said otherwise.
    optional "name" name: At<Text>,
    /// What this person may do.
    required "roles" roles: Vec<At<Label>>,
    /// What this person says when asked for an approval: of those that fit, the first.
    optional "replies" replies: Vec<Standing<ReplyFile>>,
}

shape! {
    /// What a colleague says when asked for an approval.
    ReplyFile in "reply" where [];
    /// About this step; any unless said otherwise.
    optional "step" step: At<Id>,
    /// Only when asked about it for this time, from 1.
    optional "time" time: At<Count>,
    /// The simulated time until the answer; at once unless said otherwise.
    optional "after" after: At<Length>,
    /// `approve`, `deny` or `nothing`.
    required "says" says: At<SaysWord>,
    /// Why not.
    optional "reason" reason: At<Text>,
}

impl ScenarioFile {
    /// Every proof that stands in it.
    pub fn proofs(&self) -> impl Iterator<Item = &Standing<ProofFile>> {
        let injects = self.injects.value.iter().flat_map(|inject| {
            let after = inject.value.after.iter().flat_map(|after| &after.value);
            after.chain(inject.value.unless.iter().flatten())
        });
        let expectations = self.expectations.value.iter().flat_map(|expectation| {
            let never = expectation.never.iter().flatten();
            expectation.proof.iter().flatten().chain(never)
        });
        let answers = self.answers.iter().flatten();
        let answers = answers.flat_map(|answer| answer.value.after.iter().flatten());
        let lines = self.logs.iter().flatten().flat_map(|log| &log.lines.value);
        let lines = lines.flat_map(|line| line.after.iter().flatten());
        injects.chain(expectations).chain(answers).chain(lines)
    }
}
