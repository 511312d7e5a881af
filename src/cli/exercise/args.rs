//! `exercise` as it is typed. Knows nothing of what it does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exercise::seal::{Rating, RemarkKind, Verdict};

/// Tabletop exercises, drills, and what came of them.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Exercise {
    /// Begin one by a scenario: a file, or the id of one in the library; who begins it conducts it
    Start {
        #[arg(value_name = "SCENARIO")]
        scenario: String,
        /// The clock stands still until `exercise INC resume`
        #[arg(long)]
        paused: bool,
        /// Simulated seconds a real one
        #[arg(long, value_name = "N", value_parser = scale)]
        speed: Option<u32>,
    },
    /// See what is sealed, with the key of who conducts it: for evaluators and further facilitators
    Join {
        #[arg(value_name = "INC")]
        inc: String,
        /// The file it is in: `controller.key` of the incident's folder where the exercise was begun
        #[arg(long, value_name = "FILE")]
        controller_key: PathBuf,
    },
    /// Conduct it without a screen: messages, results of steps and stops of the clock come when the script has them
    Conduct {
        #[arg(value_name = "INC")]
        inc: String,
        /// Leave when nothing is due any more before the clock is let go on
        #[arg(long)]
        until_paused: bool,
    },
    /// Practise alone: colleagues answer as the scenario has it
    Drill {
        #[arg(value_name = "SCENARIO")]
        scenario: String,
        /// Simulated seconds a real one
        #[arg(long, value_name = "N", value_parser = scale)]
        speed: Option<u32>,
        /// Make everything, say where it is, and do not open the screen
        #[arg(long)]
        no_screen: bool,
    },
    /// Let a scenario run without players, as fast as it goes, and tell what comes when
    Rehearse {
        #[arg(value_name = "SCENARIO")]
        scenario: String,
    },
    /// The after-action report
    Report(Report),
    /// Draw a scenario from an incident: its outputs, logs, times and decisions, with secrets and persons replaced
    From {
        #[arg(value_name = "INC")]
        inc: String,
        /// The id of the scenario; that of the file, or of the runbook with the day, unless said otherwise
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Write it to this file, which is not there yet
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Walk through an old incident: what was known, what would you do now, what was done; nothing is recorded
    Replay {
        #[arg(value_name = "INC")]
        inc: String,
        /// Print every point with so many of its last entries, and ask nothing
        #[arg(long, value_name = "N")]
        entries: Option<usize>,
    },
    /// INC and what to do: pause, resume, speed, ahead, back, fire, skip, say, answer, score, verdict, rate, remark, feedback, coming, end, abort
    #[command(external_subcommand)]
    Of(Vec<String>),
}

/// What report is wanted.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Report {
    #[arg(value_name = "INC")]
    pub inc: String,
    #[arg(long, value_enum, default_value_t = ReportFormat::Markdown)]
    pub format: ReportFormat,
    /// Compare with these: exercises by the same script, incidents of the same runbook; all known here without it
    #[arg(long, value_name = "INC")]
    pub compare: Vec<String>,
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ReportFormat {
    Markdown,
    Html,
    Json,
}

/// `runsheet exercise INC …`
#[derive(Debug, Parser)]
#[command(name = "runsheet exercise INC", disable_version_flag = true)]
#[allow(missing_docs)]
pub struct Of {
    #[command(subcommand)]
    pub action: Action,
    /// One JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is done in an exercise.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Action {
    /// Stop the clock
    Pause {
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let the clock go on
    Resume,
    /// Set how fast the clock runs: simulated seconds a real one
    Speed {
        #[arg(value_name = "N", value_parser = scale)]
        scale: u32,
    },
    /// Set the clock ahead: to 18:30, or by 10m
    Ahead {
        #[arg(value_name = "T")]
        to: String,
    },
    /// Go back to the beginning of a move; what came after it counts no more
    Back {
        #[arg(value_name = "MOVE")]
        stage: String,
    },
    /// Let an inject come now
    Fire {
        #[arg(value_name = "INJECT")]
        inject: String,
    },
    /// Leave an inject out
    Skip {
        #[arg(value_name = "INJECT")]
        inject: String,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Send the players a message that is in no script
    Say(Say),
    /// Answer a step that the script says nothing of
    Answer {
        #[arg(value_name = "STEP")]
        step: String,
        #[arg(long, default_value_t = 0)]
        exit: i32,
        /// What it printed
        #[arg(value_name = "TEXT")]
        output: Option<String>,
        /// What it printed, from a file
        #[arg(long, value_name = "FILE", conflicts_with = "output")]
        output_file: Option<PathBuf>,
    },
    /// How it stands: expectations, objectives, what was refused
    Score,
    /// What the script has next
    Coming,
    /// What an expectation counts as, whatever the record shows
    Verdict {
        #[arg(value_name = "EXPECTATION")]
        expectation: String,
        #[arg(value_name = "VERDICT", value_parser = verdict)]
        verdict: Verdict,
        #[arg(long)]
        reason: String,
    },
    /// Confirm or change the rating of an objective: P, S, M or U
    Rate {
        #[arg(value_name = "OBJECTIVE")]
        objective: String,
        #[arg(value_name = "RATING", value_parser = rating)]
        rating: Rating,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Keep something seen, sealed until the end
    Remark {
        #[arg(value_name = "TEXT")]
        text: String,
        /// The expectation or objective it is about
        #[arg(long, value_name = "ID")]
        about: Option<String>,
        #[arg(long, value_parser = kind, default_value = "seen")]
        kind: RemarkKind,
        /// What should be done about it
        #[arg(long, value_name = "TEXT")]
        recommend: Option<String>,
    },
    /// Say what you think of the exercise
    Feedback {
        #[arg(value_name = "TEXT")]
        text: String,
        /// The question it answers
        #[arg(long, value_name = "TEXT")]
        question: Option<String>,
    },
    /// It is over: what was sealed is opened
    End,
    /// Break it off: this is real, or something else is the matter
    Abort {
        #[arg(long)]
        reason: String,
    },
}

/// A message in no script.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Say {
    /// alert, email, phone, chat, log, news or regulator
    #[arg(long, default_value = "chat")]
    pub means: String,
    #[arg(long, default_value = "simulation cell")]
    pub from: String,
    /// Only these parts or duties
    #[arg(long, value_name = "PART")]
    pub to: Vec<String>,
    #[arg(value_name = "TEXT")]
    pub text: String,
}

/// `6`, `0.5`: in thousandths.
fn scale(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no speed: 1, 6, 0.5, at most 1000");
    let text = text.strip_suffix('x').unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 3 {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(1_000)
        .and_then(|whole| whole.checked_add(part))
        .filter(|scale| (1..=crate::engine::exercise::FASTEST).contains(scale))
        .ok_or_else(wrong)
}

fn verdict(text: &str) -> Result<Verdict, String> {
    match text {
        "met" => Ok(Verdict::Met),
        "late" => Ok(Verdict::Late),
        "missed" => Ok(Verdict::Missed),
        "not-reached" => Ok(Verdict::NotReached),
        _ => Err("met, late, missed or not-reached".to_owned()),
    }
}

fn rating(text: &str) -> Result<Rating, String> {
    match text.to_ascii_uppercase().as_str() {
        "P" => Ok(Rating::P),
        "S" => Ok(Rating::S),
        "M" => Ok(Rating::M),
        "U" => Ok(Rating::U),
        _ => Err("P (performed without challenges), S (some), M (major challenges) or U (unable to be performed)".to_owned()),
    }
}

fn kind(text: &str) -> Result<RemarkKind, String> {
    match text {
        "strength" => Ok(RemarkKind::Strength),
        "improvement" => Ok(RemarkKind::Improvement),
        "seen" => Ok(RemarkKind::Seen),
        _ => Err("strength, improvement or seen".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_with_at_most_three_places() {
        assert_eq!(scale("6"), Ok(6_000));
        assert_eq!(scale("0.5"), Ok(500));
        assert_eq!(scale("1.25x"), Ok(1_250));
        for wrong in ["", "0", "-1", "1e3", "1.2345", "1001", "99999999999", "."] {
            assert!(scale(wrong).is_err(), "{wrong}");
        }
    }
}
