//! Everything a key can mean, with the words for it, and the one table of which key means it where. Footer, help, menu,
//! palette and dispatch all come from here.

/// Where keys go: a screen, or a layer on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Place {
    /// On every screen.
    Any,
    Home,
    /// Home, while the filter is typed.
    Filter,
    Preview,
    Walk,
    /// Walk, while a search is typed.
    Find,
    Checkpoint,
    Timeline,
    /// The timeline, while the other end of a link is looked for.
    Pick,
    /// The list of follow-ups.
    Followups,
    /// Messages, script and score of an exercise.
    Exercise,
    /// Lines of logs.
    Logs,
    /// Logs, while something is typed.
    Query,
    /// Menus, choices, confirmations.
    List,
    /// The palette: a list that is typed into.
    Palette,
    Form,
    /// Help, one event.
    Reader,
}

impl Place {
    /// All, with their names in a key file.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Any, "any"),
        (Self::Home, "home"),
        (Self::Filter, "filter"),
        (Self::Preview, "preview"),
        (Self::Walk, "walk"),
        (Self::Find, "find"),
        (Self::Checkpoint, "checkpoint"),
        (Self::Timeline, "timeline"),
        (Self::Pick, "pick"),
        (Self::Followups, "followups"),
        (Self::Exercise, "exercise"),
        (Self::Logs, "logs"),
        (Self::Query, "query"),
        (Self::List, "list"),
        (Self::Palette, "palette"),
        (Self::Form, "form"),
        (Self::Reader, "reader"),
    ];

    /// Whether letters are typed here and mean nothing else.
    #[must_use]
    pub fn is_typed(self) -> bool {
        matches!(
            self,
            Self::Filter | Self::Find | Self::Query | Self::Palette | Self::Form
        )
    }

    /// Whether it lies on top of a screen.
    #[must_use]
    pub fn is_layer(self) -> bool {
        matches!(self, Self::List | Self::Palette | Self::Form | Self::Reader)
    }
}

macro_rules! acts {
    ($($variant:ident $word:literal $label:literal $about:literal;)*) => {
        /// One thing a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Act {
            $($variant,)*
        }

        impl Act {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in a key file.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Its name in the footer, where nothing more exact applies.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// What it does, in one sentence.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

acts! {
    Enter "enter" "do it" "What the footer says";
    Up "up" "up" "One up";
    Down "down" "down" "One down";
    Left "left" "back" "To the left, or back";
    Right "right" "open" "To the right, or open";
    PageUp "page-up" "page up" "A page up";
    PageDown "page-down" "page down" "A page down";
    Top "top" "first" "To the beginning";
    Bottom "bottom" "last" "To the end";
    Back "back" "back" "Go back, or leave what is asked";
    NextPane "next-pane" "pane" "The next pane or field";
    PrevPane "previous-pane" "pane back" "The pane or field before";
    Menu "menu" "more" "List everything that can be done here";
    Palette "palette" "commands" "Find a command by typing";
    Help "help" "keys" "List every key of this screen";
    Start "start" "start" "Start an incident with this runbook";
    Preview "preview" "preview" "Show the runbook as it will be walked";
    History "history" "history" "Show who changed the runbook, and when";
    Diff "diff" "difference" "Show what this change did";
    Filter "filter" "filter" "Find a runbook by typing";
    Fetch "fetch" "fetch" "Bring the library up to date";
    Exercise "exercise" "exercise" "Begin an exercise by a scenario of the library";
    Messages "messages" "messages" "Read the messages of the exercise";
    Briefing "briefing" "briefing" "Read the briefing, the code word, and when the exercise is broken off";
    Script "script" "exercise" "Conduct and judge the exercise: what comes, who does what, how it stands";
    Hold "stop-clock" "stop the clock" "Stop the clock of the exercise, or let it go on";
    Fire "fire-inject" "let it come" "Let this inject come now";
    LeaveInject "skip-inject" "skip inject" "Leave this inject out";
    AnswerFor "answer-step" "answer step" "Say what this step's command printed, instead of the script";
    Tell "say" "say something" "Send the players a message that is in no script";
    Faster "faster" "faster" "Let the clock of the exercise run faster";
    Slower "slower" "slower" "Let the clock of the exercise run slower";
    Ahead "ahead" "ahead" "Set the clock of the exercise ahead";
    GoBack "back-to-move" "back to a move" "Go back to the beginning of a move; what came after it counts no more";
    Verdict "verdict" "verdict" "Say what this expectation counts as, with a reason";
    Rate "rate" "rate" "Confirm or change the rating of this objective";
    Remark "remark" "remark" "Keep a strength or something to improve, sealed until the end";
    Feedback "feedback" "feedback" "Say what you think of the exercise";
    Report "report" "report" "Write the after-action report of the exercise as a document";
    End "end-exercise" "end" "End the exercise: what was sealed is opened";
    Abort "abort-exercise" "break off" "Break the exercise off: this is real, or something else is the matter";
    DryRun "dry-run" "dry run" "Run the step's harmless twin";
    Note "note" "note" "Write a note into the record";
    Timeline "timeline" "timeline" "Show the whole timeline";
    Approval "approval" "approval text" "Show what is asked for approval, in full";
    Override "override" "override" "Go through the checkpoint without approvals; it owes a review";
    Skip "skip" "skip" "Leave this step out, with a reason";
    Claim "claim" "claim" "Say that this step is yours";
    Withdraw "withdraw" "withdraw" "Take the question for approval back";
    RollBack "roll-back" "roll back" "Run the step's way back";
    Undo "undo" "undo steps" "Roll back the steps that ran, the last one first";
    CancelRun "cancel-run" "stop command" "End the running command";
    Logs "logs" "logs" "Read a log, or collect one of the key logs as evidence";
    Mark "mark" "mark" "Mark the line; in an incident it goes to the timeline";
    Excerpt "save-excerpt" "save excerpt" "Save lines to a file, or as evidence of the incident";
    Search "search" "search" "Find text in all lines, with a count and a strip of matches over time";
    NextMatch "next-match" "next match" "To the next line that matches";
    PreviousMatch "previous-match" "match before" "To the line before that matches";
    Keep "keep-only" "keep only" "Show only lines with a text";
    LeaveOut "leave-out" "leave out" "Show no lines with a text";
    Unfilter "unfilter" "take filter back" "Take the last filter back";
    GoTo "go-to" "time" "Go to a time (13:40, -12m, RFC 3339), a line (1200) or a part (50%)";
    Follow "follow" "follow" "Stay at the end while lines are added";
    Select "select" "select" "Begin to select lines at the cursor, or end it";
    Wrap "wrap" "wrap" "Fold long lines, or cut them";
    Columns "columns" "columns" "Show lines that are JSON in columns, or as they are";
    Keys "choose-columns" "choose columns" "Choose which keys of JSON lines are shown";
    Regex "regex" "regex" "Take what is typed as a regular expression, or literally";
    Suggested "suggested" "suggested entries" "Entries for the timeline that the runbook's rules find in collected logs";
    Attach "attach" "attach" "Put a file into the record as evidence";
    Update "update" "update" "Record an update for stakeholders";
    Milestone "milestone" "milestone" "Say that a milestone was reached";
    Severity "severity" "severity" "Change the severity";
    Role "role" "role" "Give somebody a duty in this incident";
    Review "review" "review" "Review an override";
    Adopt "adopt-policy" "adopt policy" "Agree that the policy of your library holds here from now on";
    Expunge "expunge" "expunge" "Agree that an artifact is taken out of the record";
    Find "find" "find" "Find text in the pane";
    FindNext "find-next" "next match" "The next match";
    FindPrevious "find-previous" "match before" "The match before";
    Zoom "zoom" "zoom" "Give the pane the whole screen";
    NextRun "next-run" "next run" "Show the next run of this incident";
    Export "export" "export" "Write the record as a document";
    Clocks "clocks" "clocks" "What the law wants by when, counted from named decisions";
    Close "close" "close record" "Close the record with a signature";
    Reopen "reopen" "reopen" "Open the closed record again";
    Approve "approve" "approve and sign" "Sign that exactly this may run";
    Deny "deny" "deny" "Sign that this must not run, with a reason";
    Elsewhere "sign-elsewhere" "copy" "Copy the statement, to sign it elsewhere with ssh-keygen";
    Delegate "delegate" "pass on" "Pass the question on to somebody else who may answer it";
    Evidence "evidence" "evidence" "Show what the dry run printed, in full";
    FilterEvents "filter-events" "filter" "Show only a class, a person, a stretch, or what an audience sees";
    Tag "tag" "tag" "Put tags on this entry, or take them off";
    Describe "describe" "describe" "Say how this entry is classed, for whom it is, what it is about";
    Link "link" "link" "Say which other entry led to this one, repeats it, or belongs with it";
    Rest "evidence-of" "attach evidence" "Say on which file this entry rests";
    Correct "correct" "correct" "Correct this entry, with a reason; both stay";
    AsOf "as-of" "as of" "Show what was known at a time (13:40, -12m, RFC 3339)";
    NewFollowup "new-follow-up" "follow-up" "Say what is to be done afterwards, by whom, until when";
    Followups "follow-ups" "follow-ups" "List what is to be done afterwards";
    ChangeFollowup "change-follow-up" "change" "Change what is to be done, by whom, until when";
    FinishFollowup "finish-follow-up" "done" "Say that it is done";
    DropFollowup "drop-follow-up" "drop" "Say that it will not be done, and why";
    Backdate "backdate" "backdated entry" "Add something that happened earlier";
    Inbox "inbox" "for you" "Go to what waits for you, in whatever incident";
    Sync "sync" "sync" "Meet the hub now";
    LocalTime "local-time" "local time" "Switch between UTC and local time";
    Theme "theme" "theme" "Choose another theme";
    Ascii "ascii" "ASCII" "Switch plain ASCII drawing on or off";
    CancelTask "cancel-task" "cancel" "Cancel the long work under way";
    Dismiss "dismiss" "dismiss" "Put the message away";
    SitDown "sit-down" "change places" "In the demo: the other person sits down at this keyboard";
    Submit "submit" "record it" "Send the form off, wherever in it you are";
    Redraw "redraw" "redraw" "Draw the screen anew";
    Suspend "suspend" "suspend" "Hand the terminal to the shell";
    Leave "leave" "home" "Back to the list; the incident stays open";
    Quit "quit" "quit" "Leave runsheet; nothing is lost";
}

impl Act {
    /// Whether it only moves about; menus and the palette leave such out.
    #[must_use]
    pub fn moves(self) -> bool {
        self < Self::Start
    }

    /// Whether it is of use in an exercise only; elsewhere nobody has to hear of it.
    #[must_use]
    pub fn is_of_exercise(self) -> bool {
        matches!(self, Self::Messages | Self::Briefing | Self::Script)
    }
}

/// Key, meaning, by place. What stands first of a place is first in its footer.
pub const TABLE: &[(Place, &str, Act)] = &[
    (Place::Any, "enter", Act::Enter),
    (Place::Any, "up", Act::Up),
    (Place::Any, "down", Act::Down),
    (Place::Any, "left", Act::Left),
    (Place::Any, "right", Act::Right),
    (Place::Any, "pageup", Act::PageUp),
    (Place::Any, "pagedown", Act::PageDown),
    (Place::Any, "home", Act::Top),
    (Place::Any, "end", Act::Bottom),
    (Place::Any, "esc", Act::Back),
    (Place::Any, "tab", Act::NextPane),
    (Place::Any, "shift-tab", Act::PrevPane),
    (Place::Any, "k", Act::Up),
    (Place::Any, "j", Act::Down),
    (Place::Any, "ctrl-p", Act::Palette),
    (Place::Any, ":", Act::Palette),
    (Place::Any, "space", Act::Menu),
    (Place::Any, "?", Act::Help),
    (Place::Any, "f1", Act::Help),
    (Place::Any, "i", Act::Inbox),
    (Place::Any, "L", Act::LocalTime),
    (Place::Any, "S", Act::Sync),
    (Place::Any, "T", Act::Theme),
    (Place::Any, "A", Act::Ascii),
    (Place::Any, "X", Act::CancelTask),
    (Place::Any, "D", Act::Dismiss),
    (Place::Any, "M", Act::Messages),
    (Place::Any, "B", Act::Briefing),
    (Place::Any, "G", Act::Script),
    (Place::Any, "P", Act::SitDown),
    (Place::Any, "ctrl-l", Act::Redraw),
    (Place::Any, "ctrl-z", Act::Suspend),
    (Place::Any, "ctrl-c", Act::Quit),
    (Place::Home, "s", Act::Start),
    (Place::Home, "tab", Act::Preview),
    (Place::Home, "h", Act::History),
    (Place::Home, "/", Act::Filter),
    (Place::Home, "x", Act::Exercise),
    (Place::Home, "f", Act::Fetch),
    (Place::Home, "q", Act::Quit),
    (Place::Filter, "tab", Act::Preview),
    (Place::Preview, "s", Act::Start),
    (Place::Preview, "h", Act::History),
    (Place::Preview, "d", Act::Diff),
    (Place::Walk, "M", Act::Messages),
    (Place::Walk, "G", Act::Script),
    (Place::Walk, "x", Act::CancelRun),
    (Place::Walk, "d", Act::DryRun),
    (Place::Walk, "n", Act::Note),
    (Place::Walk, "t", Act::Timeline),
    (Place::Walk, "l", Act::Logs),
    (Place::Walk, "a", Act::Approval),
    (Place::Walk, "o", Act::Override),
    (Place::Walk, "y", Act::Review),
    (Place::Walk, "w", Act::Withdraw),
    (Place::Walk, "s", Act::Skip),
    (Place::Walk, "c", Act::Claim),
    (Place::Walk, "u", Act::RollBack),
    (Place::Walk, "U", Act::Undo),
    (Place::Walk, "m", Act::Milestone),
    (Place::Walk, "v", Act::Severity),
    (Place::Walk, "r", Act::Role),
    (Place::Walk, "p", Act::Update),
    (Place::Walk, "f", Act::Attach),
    (Place::Walk, "/", Act::Find),
    (Place::Walk, ".", Act::FindNext),
    (Place::Walk, ",", Act::FindPrevious),
    (Place::Walk, "z", Act::Zoom),
    (Place::Walk, "g", Act::NextRun),
    (Place::Walk, "e", Act::Export),
    (Place::Walk, "F", Act::Followups),
    (Place::Walk, "K", Act::Clocks),
    (Place::Walk, "C", Act::Close),
    (Place::Walk, "O", Act::Reopen),
    (Place::Walk, "N", Act::Adopt),
    (Place::Walk, "E", Act::Expunge),
    (Place::Walk, "q", Act::Leave),
    (Place::Checkpoint, "a", Act::Approve),
    (Place::Checkpoint, "x", Act::Deny),
    (Place::Checkpoint, "d", Act::Delegate),
    (Place::Checkpoint, "e", Act::Evidence),
    (Place::Checkpoint, "w", Act::Withdraw),
    (Place::Checkpoint, "c", Act::Elsewhere),
    (Place::Timeline, "f", Act::FilterEvents),
    (Place::Timeline, "/", Act::FilterEvents),
    (Place::Timeline, "t", Act::Tag),
    (Place::Timeline, "d", Act::Describe),
    (Place::Timeline, "l", Act::Link),
    (Place::Timeline, "c", Act::Correct),
    (Place::Timeline, "a", Act::Rest),
    (Place::Timeline, "w", Act::NewFollowup),
    (Place::Timeline, "g", Act::AsOf),
    (Place::Timeline, "b", Act::Backdate),
    (Place::Timeline, "n", Act::Note),
    (Place::Timeline, "m", Act::Milestone),
    (Place::Timeline, "F", Act::Followups),
    (Place::Timeline, "e", Act::Export),
    (Place::Timeline, "K", Act::Clocks),
    (Place::Timeline, "s", Act::Suggested),
    (Place::Pick, "f", Act::FilterEvents),
    (Place::Pick, "/", Act::FilterEvents),
    (Place::Followups, "n", Act::NewFollowup),
    (Place::Followups, "d", Act::FinishFollowup),
    (Place::Followups, "c", Act::ChangeFollowup),
    (Place::Followups, "x", Act::DropFollowup),
    (Place::Form, "ctrl-s", Act::Submit),
    (Place::Exercise, "tab", Act::NextPane),
    (Place::Exercise, "p", Act::Hold),
    (Place::Exercise, "f", Act::Fire),
    (Place::Exercise, "s", Act::LeaveInject),
    (Place::Exercise, "w", Act::AnswerFor),
    (Place::Exercise, "v", Act::Verdict),
    (Place::Exercise, "r", Act::Rate),
    (Place::Exercise, "n", Act::Remark),
    (Place::Exercise, "m", Act::Tell),
    (Place::Exercise, "+", Act::Faster),
    (Place::Exercise, "-", Act::Slower),
    (Place::Exercise, "a", Act::Ahead),
    (Place::Exercise, "b", Act::GoBack),
    (Place::Exercise, "h", Act::Feedback),
    (Place::Exercise, "o", Act::Report),
    (Place::Exercise, "e", Act::End),
    (Place::Exercise, "x", Act::Abort),
    (Place::Exercise, "q", Act::Back),
    (Place::Logs, "m", Act::Mark),
    (Place::Logs, "s", Act::Excerpt),
    (Place::Logs, "n", Act::NextMatch),
    (Place::Logs, "N", Act::PreviousMatch),
    (Place::Logs, "/", Act::Search),
    (Place::Logs, "&", Act::Keep),
    (Place::Logs, "!", Act::LeaveOut),
    (Place::Logs, "u", Act::Unfilter),
    (Place::Logs, "g", Act::GoTo),
    (Place::Logs, "f", Act::Follow),
    (Place::Logs, "v", Act::Select),
    (Place::Logs, "w", Act::Wrap),
    (Place::Logs, "c", Act::Columns),
    (Place::Logs, "C", Act::Keys),
    (Place::Logs, "G", Act::Bottom),
    (Place::Logs, "q", Act::Back),
    (Place::Query, "ctrl-r", Act::Regex),
    (Place::Reader, "t", Act::Tag),
    (Place::Reader, "d", Act::Describe),
    (Place::Reader, "l", Act::Link),
    (Place::Reader, "c", Act::Correct),
    (Place::Reader, "a", Act::Rest),
    (Place::Reader, "w", Act::NewFollowup),
    (Place::Reader, "q", Act::Back),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_has_a_key_or_needs_none_and_every_word_is_its_own() {
        let words: BTreeSet<_> = Act::ALL.iter().map(|act| act.word()).collect();
        assert_eq!(words.len(), Act::ALL.len());
        for act in Act::ALL {
            assert!(
                TABLE.iter().any(|(_, _, bound)| bound == act),
                "{act:?} has no key"
            );
        }
    }
}
