//! What surrounds every call of git: settings that nobody overrides, the variables it may see, an ssh that never asks.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// Settings that no repository and no user configuration may change for these calls.
const SETTINGS: [&str; 14] = [
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=no",
    "push.recurseSubmodules=no",
    "push.followTags=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "color.ui=never",
    "advice.detachedHead=false",
];

/// Variables of git's that are the user's way to their servers. Every other `GIT_…` is dropped, so that one which
/// names a repository, an index or an object directory cannot lead us elsewhere.
const KEPT: [&str; 10] = [
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
];
const KEPT_PREFIXES: [&str; 4] = [
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
    "GIT_SSL_",
    "GIT_HTTP_",
];

/// The start of a command line for git: its program, environment and settings, and the repository it is about.
pub(super) fn command(program: &Path, dir: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if is_foreign(&name) {
            command.env_remove(name);
        }
    }
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    match dir {
        Some(dir) => {
            let mut flag = OsString::from("--git-dir=");
            flag.push(dir);
            command.arg(flag);
        }
        // No repository is meant: one that happens to be around the current directory has no say.
        None => {
            command.current_dir("/").env("GIT_CEILING_DIRECTORIES", "/");
        }
    }
    command
}

/// Options come first for ssh, whichever it finds first wins: what the user gave stands before ours.
pub(super) fn batch_mode(own: Option<&str>) -> String {
    match own.map(str::trim).filter(|own| !own.is_empty()) {
        None => "ssh -o BatchMode=yes".to_owned(),
        Some(own) if own.to_ascii_lowercase().contains("plink") => own.to_owned(),
        Some(own) => format!("{own} -o BatchMode=yes"),
    }
}

fn is_foreign(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return name.as_encoded_bytes().starts_with(b"GIT_");
    };
    name.starts_with("GIT_")
        && !KEPT.contains(&name)
        && !KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_never_asks_whatever_command_the_user_has() {
        assert_eq!(batch_mode(None), "ssh -o BatchMode=yes");
        assert_eq!(batch_mode(Some(" ")), "ssh -o BatchMode=yes");
        assert_eq!(
            batch_mode(Some("ssh -i key -F /dev/null")),
            "ssh -i key -F /dev/null -o BatchMode=yes"
        );
        assert_eq!(
            batch_mode(Some("/opt/plink.exe")),
            "/opt/plink.exe",
            "which knows no -o"
        );
    }

    #[test]
    fn variables_that_name_a_repository_do_not_reach_git() {
        for dropped in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_CONFIG_PARAMETERS",
            "GIT_NAMESPACE",
            "GIT_TEMPLATE_DIR",
        ] {
            assert!(is_foreign(dropped.as_ref()), "{dropped}");
        }
        for kept in [
            "PATH",
            "GIT_SSH_COMMAND",
            "GIT_CONFIG_VALUE_0",
            "GIT_SSL_CAINFO",
        ] {
            assert!(!is_foreign(kept.as_ref()), "{kept}");
        }
    }
}
