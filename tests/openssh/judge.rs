//! What the real `ssh-keygen` makes of a signature and an `allowed_signers`.

use std::process::Command;

use chrono::{DateTime, Utc};

use super::openssh::{run, ssh_keygen};

/// The files `ssh-keygen` needs to judge a signature.
pub struct Judge {
    folder: tempfile::TempDir,
}

impl Judge {
    pub fn new(allowed_signers: &str, armored: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("allowed_signers"), allowed_signers).unwrap();
        std::fs::write(folder.path().join("signature"), armored).unwrap();
        Self { folder }
    }

    /// Whether `ssh-keygen -Y verify` accepts it.
    pub fn verify(
        &self,
        statement: &[u8],
        principal: &str,
        namespace: &str,
        at: DateTime<Utc>,
        zone: &str,
    ) -> bool {
        let mut command = self.command("verify", at);
        command
            .args(["-n", namespace, "-I", principal])
            .env("TZ", zone);
        run(&mut command, statement).status.success()
    }

    /// What `ssh-keygen -Y find-principals` prints.
    pub fn principals(&self, at: DateTime<Utc>) -> String {
        let output = run(&mut self.command("find-principals", at), b"");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn command(&self, what: &str, at: DateTime<Utc>) -> Command {
        let mut command = ssh_keygen();
        command
            .args(["-Y", what, "-f"])
            .arg(self.folder.path().join("allowed_signers"))
            .arg("-s")
            .arg(self.folder.path().join("signature"))
            .arg("-O")
            .arg(at.format("verify-time=%Y%m%d%H%M%SZ").to_string());
        command
    }
}
