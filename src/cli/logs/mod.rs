//! `runsheet logs`: the log engine on its own, without an incident.

mod report;
mod shown;
mod window;

use clap::Args;
use std::path::PathBuf;

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
