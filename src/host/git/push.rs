//! Pushing, and what the remote said to each reference.

use std::ffi::OsStr;
use std::path::Path;

use super::{Git, GitError, Remote, failed};

/// What became of one reference in a push.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Pushed {
    /// The reference at the remote.
    pub to: String,
    pub outcome: PushOutcome,
}

/// The remote's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// It was made or moved forward.
    Updated,
    /// It was there already.
    UpToDate,
    /// It was moved by force.
    Forced,
    /// It was taken away.
    Deleted,
    /// Refused, in git's words (raw).
    Rejected(String),
}

impl Git {
    /// Pushes these refspecs out of the repository `dir`. A reference the remote refuses is in the answer, not an
    /// error: the others may have arrived.
    ///
    /// # Errors
    /// When git fails as a whole.
    pub fn push(
        &self,
        dir: &Path,
        remote: &Remote,
        refspecs: &[String],
    ) -> Result<Vec<Pushed>, GitError> {
        self.push_with(&[], dir, remote, refspecs)
    }

    /// As [`Git::push`], but every reference must be new at the remote: of two who try, one is rejected.
    ///
    /// # Errors
    /// When git fails as a whole.
    pub fn push_new(
        &self,
        dir: &Path,
        remote: &Remote,
        refspecs: &[String],
    ) -> Result<Vec<Pushed>, GitError> {
        let leases: Vec<String> = refspecs
            .iter()
            .filter_map(|spec| spec.rsplit_once(':'))
            .map(|(_, to)| format!("--force-with-lease={to}:"))
            .collect();
        self.push_with(&leases, dir, remote, refspecs)
    }

    fn push_with(
        &self,
        leases: &[String],
        dir: &Path,
        remote: &Remote,
        refspecs: &[String],
    ) -> Result<Vec<Pushed>, GitError> {
        let flags = [
            "push",
            "--porcelain",
            "--no-progress",
            "--no-verify",
            "--no-signed",
        ];
        let mut args: Vec<&OsStr> = flags.map(OsStr::new).to_vec();
        args.extend(leases.iter().map(OsStr::new));
        args.push("--".as_ref());
        args.push(remote.as_arg());
        args.extend(refspecs.iter().map(OsStr::new));
        let done = self.run("push", Some(dir), &args, Some(remote), None)?;
        let pushed = porcelain(&String::from_utf8_lossy(&done.stdout));
        let refused = pushed
            .iter()
            .any(|it| matches!(it.outcome, PushOutcome::Rejected(_)));
        if done.status.success() || refused {
            Ok(pushed)
        } else {
            Err(failed("push", &done))
        }
    }
}

/// The lines `<flag>\t<from>:<to>\t<summary>` of `git push --porcelain`; others say nothing of references.
fn porcelain(text: &str) -> Vec<Pushed> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, '\t');
            let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
            let (_, to) = refs.rsplit_once(':')?;
            let outcome = match flag {
                " " | "*" => PushOutcome::Updated,
                "=" => PushOutcome::UpToDate,
                "+" => PushOutcome::Forced,
                "-" => PushOutcome::Deleted,
                "!" => PushOutcome::Rejected(summary.to_owned()),
                _ => return None,
            };
            Some(Pushed {
                to: to.to_owned(),
                outcome,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_push_is_read_by_reference() {
        let text = "To /hub\n*\trefs/a:refs/a\t[new reference]\n!\trefs/b:refs/b\t[rejected] (non-fast-forward)\n\
                    =\trefs/c:refs/c\t[up to date]\nDone\n";
        let pushed = porcelain(text);
        let outcomes: Vec<_> = pushed
            .iter()
            .map(|it| (it.to.as_str(), &it.outcome))
            .collect();
        assert_eq!(
            outcomes,
            [
                ("refs/a", &PushOutcome::Updated),
                (
                    "refs/b",
                    &PushOutcome::Rejected("[rejected] (non-fast-forward)".to_owned())
                ),
                ("refs/c", &PushOutcome::UpToDate),
            ]
        );
    }
}
