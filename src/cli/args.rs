//! The command line as it is typed: names, flags and help. Knows nothing of what the commands do.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::curate::{Curate, DetailsArgs};
use crate::timeline::export::Format;

const EXIT: &str = "\
Exit status:
  0   done
  1   refused, or a promise of the record is violated
  2   bad input, or (verify) not fully provable
  3   could not be recorded: nothing was done
  4   hub or network
  64  bad usage

INC is an incident's id, its unique short form (INC-7QX2), or - for the only open incident.
STEP is a step's id, or RUN/STEP when an incident has several runs.";

const GATE: &str = "\
Exit status:
  alone              0 open, 1 closed
  --run, COMMAND     the status of what ran; 124 it took too long, 126 it could not be started, 125 nobody saw its end,
                     128 + N signal N ended it. Else nothing ran: 1 closed or another command, 2, 3, 4, 64 as always.
                     The last line on standard error begins with `ran:` if it ran, with `error:` if not; --json has `ran`.

With another account's rights (sudo, set-user-id) only /etc/runsheet/gate.toml counts: docs/enforcing.md.";

/// Walk incident runbooks from git, with signed checkpoints and a timeline anyone can verify.
#[derive(Debug, Parser)]
#[command(name = "runsheet", version, about, after_help = EXIT, max_term_width = 110)]
#[allow(missing_docs)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Cmd>,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[allow(missing_docs)]
pub struct Common {
    /// Where this person's journals are; made with mode 0700
    #[arg(
        id = "state_dir",
        long = "state",
        global = true,
        env = "RUNSHEET_STATE",
        value_name = "DIR"
    )]
    pub state: Option<PathBuf>,
    /// A directory several people on this machine share (mode 3770)
    #[arg(long, global = true, env = "RUNSHEET_SPOOL", value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// The repository of runbooks, at a revision if given
    #[arg(
        long,
        global = true,
        env = "RUNSHEET_LIBRARY",
        value_name = "PATH|URL[@REV]"
    )]
    pub library: Option<String>,
    /// The git remote a team shares its records through
    #[arg(long, global = true, env = "RUNSHEET_HUB", value_name = "PATH|URL")]
    pub hub: Option<String>,
    /// Read settings from this file instead of the usual one
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who you are, as allowed_signers names you
    #[arg(long = "as", global = true, value_name = "PRINCIPAL")]
    pub as_principal: Option<String>,
    /// The SSH key to sign with; its .pub file if the agent holds it
    #[arg(long, global = true, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Print one stable JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub color: Color,
    /// A theme by name, or a file
    #[arg(long, global = true, value_name = "NAME|FILE")]
    pub theme: Option<String>,
    /// Nothing but ASCII on the screen
    #[arg(long, global = true)]
    pub ascii: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Cmd {
    /// The screen, at one incident
    Open { inc: String },
    /// An incident with two made-up people in a throw-away state, to learn on
    Demo {
        /// Alone, as a drill on a quick clock: nothing runs, and the second person answers by herself
        #[arg(long)]
        drill: bool,
        /// Prepare everything and print where it is, without the screen
        #[arg(long)]
        no_screen: bool,
    },
    /// Make a library of one's own from the shipped runbooks, with policy and signers
    Init {
        dir: Option<PathBuf>,
        /// Your name, as people call you
        #[arg(long)]
        name: Option<String>,
        /// Your address; the principal of allowed_signers
        #[arg(long)]
        email: Option<String>,
    },
    /// The people of the library
    People {
        #[command(subcommand)]
        action: Option<People>,
    },
    /// Every problem of runbooks, policy.yaml and allowed_signers
    Check {
        paths: Vec<PathBuf>,
        #[arg(long, value_enum, default_value = "text")]
        format: CheckFormat,
        /// In place of problems, who could pass each checkpoint of the library, by git and allowed_signers
        #[arg(long, conflicts_with_all = ["paths", "format"])]
        gates: bool,
    },
    /// The JSON Schema of a file format
    Schema {
        #[arg(value_enum, default_value = "runbook")]
        what: SchemaOf,
    },
    /// The runbooks of the library, those that match best first
    List {
        query: Option<String>,
        /// The scenarios of exercises instead
        #[arg(long)]
        scenarios: bool,
    },
    /// A runbook as it will be walked, or what players may see of a scenario
    Show {
        #[arg(value_name = "RUNBOOK[@REV]")]
        runbook: String,
    },
    /// Who changed a runbook, when and why
    History { runbook: String },
    /// What changed in a runbook between two revisions
    Diff {
        runbook: String,
        a: String,
        b: String,
    },
    /// Bring the library up to date, and say what changed
    Fetch,
    /// Start an incident with a runbook, or another run in one
    Start(Start),
    /// The incidents known here
    Incidents {
        /// Closed ones too
        #[arg(long)]
        all: bool,
    },
    /// Where an incident stands: steps, gates, who waits for whom
    Status { inc: String },
    /// Do something with a step
    Step {
        inc: String,
        step: String,
        #[command(subcommand)]
        action: StepAction,
    },
    /// Ask for the approvals of a step
    Request {
        inc: String,
        step: String,
        /// For its roll back instead of the step itself
        #[arg(long)]
        roll_back: bool,
        /// It is to run through a gate: what `gate INC STEP --site` prints there
        #[arg(long, value_name = "SITE")]
        gate: Option<String>,
        #[command(flatten)]
        secrets: Secrets,
    },
    /// Take a request back
    Withdraw { inc: String, step: String },
    /// Approve a step for whoever asked; prints the approval text first
    Approve {
        inc: String,
        step: String,
        /// The digest of the request you looked at; refuses any other
        #[arg(long, value_name = "DIGEST")]
        request: Option<String>,
        #[command(flatten)]
        elsewhere: SignedElsewhere,
    },
    /// Say no to a step; stands until somebody asks anew
    Deny {
        inc: String,
        step: String,
        #[arg(long, required_unless_present = "signature")]
        reason: Option<String>,
        #[command(flatten)]
        elsewhere: SignedElsewhere,
    },
    /// Whether a step is approved now; with --run or a command, runs it, once, and only if it is
    #[command(after_help = GATE)]
    Gate(Gate),
    /// Make a statement to sign elsewhere, with nothing but ssh-keygen: two files, and a letter that says how
    Statement(MakeStatement),
    /// Go through a checkpoint without the approvals; owes a review by somebody else
    Override {
        inc: String,
        step: String,
        /// For its roll back instead of the step itself
        #[arg(long)]
        roll_back: bool,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        secrets: Secrets,
    },
    /// Pass the question about a step on to somebody else who may answer it
    Delegate {
        inc: String,
        step: String,
        person: String,
    },
    /// The policy of an open incident
    Policy {
        #[command(subcommand)]
        action: PolicyAction,
    },
    /// Take an artifact out of the record; takes two people, its digest stays
    Expunge {
        inc: String,
        /// Its digest, or enough of its beginning
        evidence: String,
        #[arg(long)]
        reason: String,
    },
    /// Review an override that somebody else made
    Review {
        inc: String,
        /// The override's event, or the beginning of its digest; the only one owed if not given
        overridden: Option<String>,
        #[arg(long)]
        reason: String,
        /// It was not right to go through
        #[arg(long)]
        reject: bool,
    },
    /// Give a person a duty in this incident
    Role {
        inc: String,
        person: String,
        role: String,
    },
    /// Say how bad it is
    Severity { inc: String, severity: String },
    /// Say that a milestone was reached
    Milestone {
        inc: String,
        milestone: String,
        /// When: 13:40, -12m, or RFC 3339
        #[arg(long, allow_hyphen_values = true)]
        at: Option<String>,
        #[arg(long, value_enum, default_value = "exact")]
        fidelity: FidelityArg,
    },
    /// Write something into the timeline
    Note {
        inc: String,
        text: String,
        /// When it happened: 13:40, -12m, or RFC 3339
        #[arg(long, allow_hyphen_values = true)]
        at: Option<String>,
        /// Until when it went on
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        until: Option<String>,
        #[arg(long, value_enum, default_value = "exact")]
        fidelity: FidelityArg,
        #[arg(long)]
        step: Option<String>,
        #[command(flatten)]
        details: DetailsArgs,
    },
    #[command(flatten)]
    Curate(Curate),
    /// Correct an entry; the first wording stays in the record
    Correct {
        inc: String,
        event: String,
        text: String,
        #[arg(long)]
        reason: String,
    },
    /// Put a file into the record as evidence
    Attach {
        inc: String,
        file: PathBuf,
        #[arg(long)]
        step: Option<String>,
    },
    /// Pull a key log into the record as evidence: the lines around the incident, or of the time that is named
    Collect(Collect),
    /// Read log files
    Logs {
        #[command(subcommand)]
        action: Logs,
    },
    /// Tell stakeholders: records the update, then sends it through the channels of its audience
    Update(super::updates::Update),
    /// Updates on their way out: what was sent, what waits, what it failed at
    Outbox(super::updates::Outbox),
    /// What happened, in order
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Timeline {
        #[arg(required = true)]
        inc: Option<String>,
        /// What was known then: 13:40, -12m, or RFC 3339
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        as_of: Option<String>,
        /// In its place, what the runbook's rules suggest for it
        #[arg(long, conflicts_with = "as_of")]
        suggested: bool,
        #[command(subcommand)]
        action: Option<super::import::Action>,
    },
    /// Entries for the timeline that the runbook's rules find in collected logs; records only what is accepted
    Suggest {
        inc: String,
        /// Record this one of them; can be given several times
        #[arg(long, value_name = "ID")]
        accept: Vec<String>,
        /// Record all of them
        #[arg(long, conflicts_with = "accept")]
        accept_all: bool,
    },
    /// What the law wants by when, counted from named decisions. Not legal advice
    Clocks {
        inc: String,
        /// Also those the policy does not name
        #[arg(long)]
        all: bool,
    },
    /// How long things took, with formulas and what is missing; of several incidents median, p90 and n
    Metrics {
        #[arg(required_unless_present = "all")]
        inc: Vec<String>,
        /// Of every incident known here
        #[arg(long, conflicts_with = "inc")]
        all: bool,
    },
    /// What somebody should look at before the timeline goes out; 1 when something must not go out so
    Lint(Lint),
    /// Leave with the timeline
    Export {
        inc: String,
        #[arg(long, value_parser = format(), default_value = "markdown")]
        format: Format,
        /// Only what these people may see: responders, stakeholders, customers, regulator, auditor, or one of the policy's
        #[arg(long, value_name = "AUDIENCE")]
        audience: Option<String>,
        /// Markdown by a template: postmortem, security, executive, or a file of your own (docs/exports.md)
        #[arg(long, value_name = "NAME|FILE")]
        template: Option<String>,
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// A live page of the incident, read-only, for a browser
    Serve(super::serve::Wanted),
    /// Tabletop exercises: start SCENARIO, drill SCENARIO, INC pause|resume|speed|fire|score …, report INC, from INC, replay INC
    #[command(subcommand)]
    Exercise(super::exercise::args::Exercise),
    /// Exchange records with the hub
    Sync {
        inc: Option<String>,
        /// Go on, once a second
        #[arg(long)]
        watch: bool,
    },
    /// Prove a record: chain, publication, signatures, checkpoints
    Verify {
        inc: Option<String>,
        /// Check the references of this repository only
        #[arg(long, value_name = "DIR", conflicts_with = "inc")]
        git_dir: Option<PathBuf>,
    },
    /// Sign that the record is complete
    Close { inc: String },
    /// Open a closed incident again
    Reopen {
        inc: String,
        #[arg(long)]
        reason: String,
    },
    /// What is wrong on this machine, and what to do about it
    Doctor,
    /// Completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The manual page
    Man,
}

/// What can be done with log files.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Logs {
    /// The lines of some minutes out of logs of any size, their rotated and packed files with them
    Window(super::logs::WindowLogs),
    /// The lines that hold a match, in logs of any size; 1 when there are none, as grep does
    Search(super::logs::SearchLogs),
    /// Read files of any size on the screen; several are merged by time
    View(ViewLogs),
}

/// Log files on the screen.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct ViewLogs {
    /// Log files or patterns, packed ones too
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Begin at this time: 13:40, -12m, or RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// The same, with the rotated and packed siblings of each file that were written to since
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "at",
        allow_hyphen_values = true
    )]
    pub from: Option<String>,
    /// Stay at the end while lines are added
    #[arg(short, long)]
    pub follow: bool,
    /// How the lines say when they were written; told from them if not said
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// The zone of stamps without an offset: UTC, +02:00, Europe/Berlin; this machine's if not said
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// What is to be added to the clock of one of the files, in seconds
    #[arg(long, value_name = "FILE=SECONDS")]
    pub skew: Vec<String>,
    /// Write what was marked to this new file, as JSON, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub marks: Option<PathBuf>,
}

/// What can be done with people.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum People {
    /// Who is in the library
    List,
    /// Add a person; `--key FILE` names their public key. Commits to the library
    Add {
        /// Their address; the principal of allowed_signers
        name: String,
        /// The roles they have; approver if none is named
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// What people call them
        #[arg(long, value_name = "NAME")]
        full_name: Option<String>,
        /// Their Unix account, where people share a machine
        #[arg(long)]
        account: Vec<String>,
        /// Show the change and make no commit
        #[arg(long)]
        dry_run: bool,
    },
    /// Take a person out; commits to the library
    Remove {
        name: String,
        /// Show the change and make no commit
        #[arg(long)]
        dry_run: bool,
    },
}

/// What can be done with the policy of an incident.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum PolicyAction {
    /// Agree that the policy of your own library holds from here on; takes two people, and voids what is pending
    Adopt {
        inc: String,
        #[arg(long)]
        reason: Option<String>,
    },
}

/// What can be done with a step.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum StepAction {
    /// Start it: run, wait, collect, notify, uses; and anything behind a checkpoint
    Run {
        #[command(flatten)]
        secrets: Secrets,
        /// Do not wait for the end
        #[arg(long)]
        detach: bool,
    },
    /// Run its dry_run twin
    DryRun {
        #[command(flatten)]
        secrets: Secrets,
    },
    /// Run its rollback, under the same rules as the step
    RollBack {
        #[command(flatten)]
        secrets: Secrets,
    },
    /// Say that it was done by hand
    Done {
        /// Ticks every item of the checklist
        #[arg(long)]
        all: bool,
        /// Ticks one item
        #[arg(long, value_name = "ITEM")]
        tick: Vec<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Answer a decision
    Choose { label: String },
    /// Answer the questions of an ask step
    Answer {
        #[arg(value_name = "NAME=VALUE")]
        answers: Vec<String>,
        #[command(flatten)]
        secrets: Secrets,
    },
    /// Leave it out
    Skip {
        #[arg(long)]
        reason: String,
    },
    /// Say that you will do it
    Claim,
    /// Say what became of a step whose end nobody saw, or that a failed one counts as done
    Resolve {
        #[arg(value_enum)]
        outcome: Resolved,
        #[arg(long)]
        reason: Option<String>,
    },
    /// End a running command
    Cancel,
}

/// Where secret values come from.
#[derive(Debug, Clone, Default, Args)]
#[allow(missing_docs)]
pub struct Secrets {
    /// A secret value: NAME=env:VAR, NAME=file:PATH or NAME=fd:N; never in the arguments themselves
    #[arg(long = "secret", value_name = "NAME=SOURCE")]
    pub secret: Vec<String>,
}

/// An answer whose signature was made elsewhere, over what `runsheet statement` made here.
#[derive(Debug, Clone, Default, Args)]
#[allow(missing_docs)]
pub struct SignedElsewhere {
    /// The statement that was signed elsewhere; found by the signature if not given
    #[arg(long, value_name = "FILE", requires = "signature")]
    pub statement: Option<PathBuf>,
    /// Its signature, as ssh-keygen wrote it or as chat and mail left it; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
}

/// What is wanted of a gate.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Gate {
    #[arg(required_unless_present = "ssh")]
    pub inc: Option<String>,
    #[arg(required_unless_present = "ssh")]
    pub step: Option<String>,
    /// Use the approvals up and run the approved script, here and now
    #[arg(long, conflicts_with_all = ["site", "command"])]
    pub run: bool,
    /// Its roll back instead of the step itself
    #[arg(long)]
    pub roll_back: bool,
    /// Print where and by whom it would run here, for `request --gate`
    #[arg(long, conflicts_with = "command")]
    pub site: bool,
    /// Only what this person asked for
    #[arg(long, value_name = "PRINCIPAL")]
    pub asked_by: Option<String>,
    /// Take INC, STEP and the rest from SSH_ORIGINAL_COMMAND: for command= in authorized_keys
    #[arg(long, conflicts_with_all = ["inc", "run", "roll_back", "site", "command"])]
    pub ssh: bool,
    /// Use the approvals up and run this command, if it is exactly the step's script, values filled in
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

/// A statement to sign elsewhere.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct MakeStatement {
    pub inc: String,
    pub step: String,
    /// Who will sign it: a principal, or the name policy has for them
    #[arg(long = "for", value_name = "PRINCIPAL")]
    pub signer: String,
    #[arg(long, value_enum, default_value = "approve")]
    pub decision: Answer,
    /// Why; a denial needs it
    #[arg(long, required_if_eq("decision", "deny"))]
    pub reason: Option<String>,
    /// Where the two files go; here if not given
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Put the statement on the clipboard of the terminal, also through ssh and tmux (OSC 52)
    #[arg(long)]
    pub copy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Answer {
    Approve,
    Deny,
}

/// Which part of a key log is pulled.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Collect {
    pub inc: String,
    pub log: String,
    /// From then on: 13:40, -30m, RFC 3339; half an hour before the incident was detected unless a step says otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Until then; now unless a step says otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Only lines that match this regular expression
    #[arg(long = "match", value_name = "RE")]
    pub matching: Option<String>,
    /// Say how much it would be and pull nothing
    #[arg(long)]
    pub estimate: bool,
}

/// What is looked at before a timeline goes out.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Lint {
    pub inc: String,
    /// As it goes out to these people
    #[arg(long, value_name = "AUDIENCE")]
    pub audience: Option<String>,
    /// Only this rule; several times for several. docs/lint.md lists them
    #[arg(long = "rule", value_name = "RULE")]
    pub rules: Vec<String>,
    /// Somebody looked: leave this rule out, or what it says of one entry
    #[arg(long = "allow", value_name = "RULE[:ENTRY]")]
    pub allow: Vec<String>,
    /// 1 for warnings too
    #[arg(long)]
    pub strict: bool,
}

/// A new incident or run.
#[derive(Debug, Args)]
#[allow(missing_docs)]
pub struct Start {
    /// The runbook's id, at a revision if given
    #[arg(value_name = "RUNBOOK[@REV]")]
    pub runbook: String,
    /// An input of the runbook
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    pub secrets: Secrets,
    #[arg(long)]
    pub title: Option<String>,
    /// sev1 (worst) to sev5
    #[arg(long)]
    pub severity: Option<String>,
    /// The alert that told of it
    #[arg(long)]
    pub alert: Option<String>,
    /// An outside number, like PD-1234
    #[arg(long = "ref", value_name = "NUMBER")]
    pub reference: Option<String>,
    /// Another run in this incident instead of a new one
    #[arg(long, value_name = "INC")]
    pub incident: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum CheckFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum SchemaOf {
    Runbook,
    Scenario,
    Policy,
    Clock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Resolved {
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum FidelityArg {
    Exact,
    Minute,
    Estimated,
}

/// The formats of `export`, each with what it is for.
fn format() -> impl TypedValueParser<Value = Format> {
    let formats = Format::ALL.map(|(_, name, _, purpose)| PossibleValue::new(name).help(purpose));
    PossibleValuesParser::new(formats).try_map(|word| Format::named(&word).ok_or("no such format"))
}
