//! The shape people write as a clock file: every key with what it is for, each value with its place.
//! Knows nothing of what the values mean together; `read` does.

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::Status;
use super::calendar::{Holidays, day_end};
use crate::runbook::decode::{At, Leaf, Standing, shape};
use crate::runbook::words::{Count, Day, Id, Milestone, Name, Text};
use crate::runbook::yaml::Scalar;

shape! {
    /// One regime: the file is `<id>.yaml`.
    ClockFile in "clock" where [];
    /// What `policy.yaml` calls it, also the name of the file: lower-case letters, digits and `-`.
    required "id" id: At<Id>,
    /// The clock whose stages and source these are; then only `title`, `note`, `zone`, `holidays` and `days_off` stand beside it.
    optional "based_on" based_on: At<Id>,
    /// What it is about, in a few words.
    optional "title" title: At<Text>,
    /// The law, rule or contract, with its article.
    optional "law" law: At<Text>,
    /// Where that can be read.
    optional "source" source: At<Text>,
    /// The day up to which the source was looked at.
    optional "as_of" as_of: At<Day>,
    /// Whether it binds anybody yet.
    optional "status" status: At<Status>,
    /// What to know before relying on it.
    optional "note" note: At<Text>,
    /// The zone its days are counted in: `Europe/Brussels`.
    optional "zone" zone: At<Zone>,
    /// The holidays of every year; only weekends are off unless said otherwise.
    optional "holidays" holidays: At<Holidays>,
    /// Further days off.
    optional "days_off" days_off: Vec<At<Day>>,
    /// What is due, in the order it usually comes.
    optional "stages" stages: Standing<Vec<Standing<StageFile>>>,
}

shape! {
    /// One thing that is due.
    StageFile in "stage" where [];
    /// Unique in the file.
    required "id" id: At<Id>,
    /// In a few words.
    required "title" title: At<Text>,
    /// Who is told.
    required "tell" tell: At<Text>,
    /// What they are told.
    required "what" what: At<Text>,
    /// The place in the law.
    optional "cite" cite: At<Text>,
    /// How long after what.
    required "within" within: Standing<LimitFile>,
    /// A second limit that binds where it is earlier, unless the first began after it had passed.
    optional "and_within" and_within: Standing<LimitFile>,
    /// It is due only if this was decided.
    optional "only_if" only_if: OnlyIfFile,
    /// When the last day of a limit in days or months ends: `17:30`; with the day unless said otherwise.
    optional "ends" ends: At<Time>,
    /// What falls on a day off is due at this time of the next working day.
    optional "off_day" off_day: At<Time>,
}

shape! {
    /// So long after that.
    LimitFile in "limit" where [ExactlyOne(&["hours", "days", "business_days", "months"])];
    /// Elapsed hours.
    optional "hours" hours: At<Count>,
    /// Calendar days.
    optional "days" days: At<Count>,
    /// Days that are neither weekend nor holiday.
    optional "business_days" business_days: At<Count>,
    /// Months, to the day of the same number or the last one of the month.
    optional "months" months: At<Count>,
    /// What it is counted from.
    required "after" after: Standing<AfterFile>,
}

shape! {
    /// What a limit is counted from.
    AfterFile in "after" where [ExactlyOne(&["decision", "end_of_year", "milestone", "submitted", "last_submitted"])];
    /// A named decision by a named person: `aware`.
    optional "decision" decision: At<Name>,
    /// The end of the calendar year of that decision.
    optional "end_of_year" end_of_year: At<Name>,
    /// A milestone of the incident.
    optional "milestone" milestone: At<Milestone>,
    /// The first submission of an earlier stage.
    optional "submitted" submitted: At<Id>,
    /// The latest submission of an earlier stage.
    optional "last_submitted" last_submitted: At<Id>,
}

shape! {
    /// On what a stage hangs beside its limit.
    OnlyIfFile in "only_if" where [];
    /// A named decision by a named person.
    required "decision" decision: At<Name>,
}

/// A zone of the tz database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zone(pub Tz);

impl Leaf for Zone {
    const WANTED: &'static str = "a time zone such as `Europe/Brussels`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.text.parse() {
            Ok(zone) => (Some(Self(zone)), None),
            Err(_) => {
                let hint = "a name of the tz database, with its continent".to_owned();
                (None, Some(hint))
            }
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_+/-]*$", "examples": ["Europe/Brussels"]})
    }
}

/// A time of day; `24:00` is the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub NaiveTime);

impl Leaf for Time {
    const WANTED: &'static str = "a time of day such as `17:30`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        if text == "24:00" {
            return (Some(Self(day_end())), None);
        }
        let time = (text.len() == 5)
            .then(|| NaiveTime::parse_from_str(text, "%H:%M").ok())
            .flatten();
        match time {
            Some(time) => (Some(Self(time)), None),
            None => (None, Some("two digits, a colon, two digits".to_owned())),
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"})
    }
}

impl Leaf for Status {
    const WANTED: &'static str = "`in_force` or `proposed`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.text.as_ref() {
            "in_force" => (Some(Self::InForce), None),
            "proposed" => (Some(Self::Proposed), None),
            _ => (None, None),
        }
    }

    fn schema() -> Json {
        json!({"enum": ["in_force", "proposed"]})
    }
}

impl Leaf for Holidays {
    const WANTED: &'static str = "`none` or `us-federal`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.text.as_ref() {
            "none" => (Some(Self::None), None),
            "us-federal" => (Some(Self::UsFederal), None),
            _ => (None, Some("list other days with `days_off`".to_owned())),
        }
    }

    fn schema() -> Json {
        json!({"enum": ["none", "us-federal"]})
    }
}
