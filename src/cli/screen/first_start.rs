//! The first start: asks for a name and an address, and makes a library of the shipped runbooks.

use crate::cli::args::Common;
use crate::cli::config::Config;
use crate::cli::{CliError, out, people};

/// Asks, makes, says what was made.
///
/// # Errors
/// When it cannot be made.
pub fn run(common: &Common, config: &mut Config) -> Result<(), CliError> {
    let dir = config.dirs.data.join("library");
    out::talk(
        "Welcome to runsheet. Nothing is configured yet, so the shipped runbooks become a library of your own.",
    );
    out::talk(&format!(
        "It will be a git repository at {}.",
        dir.display()
    ));
    out::talk("Two questions first; what you answer is your name in the record.\n");
    let git = crate::cli::config::ports().git;
    let name = out::ask(
        "Your name",
        &git.config_name().unwrap_or_default().unwrap_or_default(),
    )?;
    let offered = config
        .settings
        .environment
        .git_email
        .clone()
        .unwrap_or_default();
    let email = out::ask("Your address", &offered)?;
    if name.trim().is_empty() || email.trim().is_empty() {
        return Err(CliError::Input(
            "a name and an address are needed: the record says who did what".to_owned(),
        ));
    }
    people::make(common, config, &dir, &name, &email)?;
    out::talk(
        "\nMade. You are alone in it: what needs a second person can only be overridden, and the record says so.",
    );
    out::talk(
        "`runsheet people add ADDRESS --key FILE` adds a colleague; `runsheet demo` shows how two people work.",
    );
    Ok(())
}
