//! `runsheet logs`: the log engine on its own, without an incident.

pub(super) mod marks;
mod report;
mod search;
mod shown;
mod window;

use clap::Args;
use std::path::PathBuf;

use super::CliError;
use crate::host::clock;
use crate::logs::dating::Dating;
use crate::logs::stamp::{Format, Zone};

pub use self::search::run as search;
pub use self::window::run as window;

/// The lines of a window.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct WindowLogs {
    /// Log files or patterns; the rotated and packed siblings of a file belong to it
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// The first moment: 13:40, -12m, or RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: String,
    /// The moment before which it ends; now if not said
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// How the lines say when they were written; told from them if not said
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// The zone of stamps without an offset: UTC, +02:00, Europe/Berlin; this machine's if not said
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// How far out of order lines may be
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    pub slack: String,
    /// Write here instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only say how many bytes it would be
    #[arg(long)]
    pub estimate: bool,
    /// Keep at most so many bytes (k, M, G)
    #[arg(long, value_name = "BYTES")]
    pub limit: Option<String>,
    /// State the SHA-256 of what is written
    #[arg(long)]
    pub sha256: bool,
    /// Only the files that are named, without their siblings
    #[arg(long)]
    pub alone: bool,
}

/// The lines that hold a match.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct SearchLogs {
    /// Log files or patterns, packed ones too; with --from also the rotated and packed siblings of a file
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// What to look for: a regular expression
    #[arg(required = true, value_name = "RE")]
    pub pattern: String,
    /// It is a text and no expression
    #[arg(short = 'F', long)]
    pub fixed_strings: bool,
    /// The case of letters does not matter
    #[arg(short, long)]
    pub ignore_case: bool,
    /// It matters only if there is a capital letter in RE
    #[arg(short = 'S', long, conflicts_with = "ignore_case")]
    pub smart_case: bool,
    /// Only say how many lines there are
    #[arg(short, long)]
    pub count: bool,
    /// Say the number of each line; not within a window
    #[arg(short = 'n', long)]
    pub line_number: bool,
    /// Only lines from this moment on: 13:40, -12m, or RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Only lines before this moment; now if not said
    #[arg(
        long,
        value_name = "TIME",
        requires = "from",
        allow_hyphen_values = true
    )]
    pub to: Option<String>,
    /// How the lines say when they were written; told from them if not said
    #[arg(long, value_name = "FORMAT", requires = "from")]
    pub format: Option<String>,
    /// The zone of stamps without an offset: UTC, +02:00, Europe/Berlin; this machine's if not said
    #[arg(long, value_name = "ZONE", requires = "from")]
    pub zone: Option<String>,
    /// How far out of order lines may be
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    pub slack: String,
    /// Only the files that are named, without their siblings
    #[arg(long)]
    pub alone: bool,
    /// How many threads search; as many as there are processors if not said
    #[arg(short = 'j', long, value_name = "COUNT")]
    pub threads: Option<usize>,
}

/// How lines are dated, as it was typed: told from them where no format is named, in this machine's zone where none is.
pub(super) fn dating(format: Option<&str>, zone: Option<&str>) -> Result<Dating, CliError> {
    let format = format.map(|word| {
        Format::named(word).ok_or_else(|| {
            let known = Format::WORDS.join(", ");
            CliError::Input(format!("`{}` is no format: {known}", word.escape_debug()))
        })
    });
    let zone = zone.map(|word| {
        Zone::parse(word).ok_or_else(|| {
            CliError::Input(format!(
                "`{}` is no zone: UTC, +02:00, Europe/Berlin",
                word.escape_debug()
            ))
        })
    });
    let here = || clock::zone_name().and_then(|name| Zone::parse(&name));
    Ok(Dating {
        format: format.transpose()?,
        zone: zone.transpose()?.or_else(here).unwrap_or(Zone::UTC),
    })
}
