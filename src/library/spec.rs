//! Which library is meant: `PATH|URL[@REV]`. Knows nothing of what is there, except whether a path with `@` in it is.

use std::fmt;
use std::path::Path;

use super::LibraryError;
use crate::host::git::Remote;

/// A library and, if not its default branch, the revision wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Spec {
    pub remote: Remote,
    pub rev: Option<String>,
}

impl Spec {
    /// Reads `PATH|URL[@REV]`. What follows the last `@` is the revision, unless that `@` belongs to the address: it
    /// names a user (`git@host:…`, `ssh://git@host/…`), or the whole text is a path that exists.
    ///
    /// # Errors
    /// When the address or the revision is refused.
    pub fn parse(text: &str) -> Result<Self, LibraryError> {
        let (place, rev) = match revision_at(text) {
            Some(at) if !Path::new(text).exists() => (&text[..at], Some(&text[at + 1..])),
            _ => (text, None),
        };
        if let Some(rev) = rev {
            check_revision(rev)?;
        }
        Ok(Self {
            remote: Remote::new(place)?,
            rev: rev.map(str::to_owned),
        })
    }
}

/// Without a password.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.remote)?;
        match &self.rev {
            Some(rev) => write!(f, "@{rev}"),
            None => Ok(()),
        }
    }
}

fn revision_at(text: &str) -> Option<usize> {
    let at = text.rfind('@')?;
    let address_ends = match text.find("://") {
        Some(scheme) => {
            let host = scheme + 3;
            host + text[host..].find('/').unwrap_or(text.len() - host)
        }
        // `user@host:path`
        None => match (text.find(':'), text.find('/')) {
            (Some(colon), Some(slash)) if colon < slash => colon,
            (Some(colon), None) => colon,
            _ => 0,
        },
    };
    (at > 0 && at >= address_ends).then_some(at)
}

/// A branch, tag, id or `main~2`; nothing of git's richer language, in which a revision can search and name paths.
pub(super) fn check_revision(rev: &str) -> Result<(), LibraryError> {
    let refuse = |why| {
        Err(LibraryError::BadRevision {
            rev: rev.chars().take(200).collect(),
            why,
        })
    };
    let usual = |c: char| c.is_alphanumeric() || "._/-+~^#".contains(c);
    if rev.is_empty() {
        refuse("it is empty")
    } else if rev.len() > 250 {
        refuse("it is too long")
    } else if rev.starts_with('-') {
        refuse("it begins with a dash")
    } else if rev.contains("..") {
        refuse("it is a range")
    } else if !rev.chars().all(usual) {
        refuse("only letters, digits and . _ / - + ~ ^ # may stand in it")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let spec = Spec::parse(text).unwrap();
        (spec.remote.as_arg().to_str().unwrap().to_owned(), spec.rev)
    }

    #[test]
    fn a_revision_follows_the_last_at_sign_that_is_not_the_address_own() {
        for (text, place, rev) in [
            ("/srv/lib", "/srv/lib", None),
            ("/srv/lib@v1.2", "/srv/lib", Some("v1.2")),
            (
                "/srv/team@home/lib@main~2",
                "/srv/team@home/lib",
                Some("main~2"),
            ),
            ("/srv/lib@feature/x", "/srv/lib", Some("feature/x")),
            ("git@host:org/lib", "git@host:org/lib", None),
            ("git@host:org/lib@v1", "git@host:org/lib", Some("v1")),
            ("host:lib@v1", "host:lib", Some("v1")),
            ("ssh://git@host/lib", "ssh://git@host/lib", None),
            ("ssh://git@host/lib@v1", "ssh://git@host/lib", Some("v1")),
            (
                "https://u:p@host/lib@abc",
                "https://u:p@host/lib",
                Some("abc"),
            ),
        ] {
            assert_eq!(
                parts(text),
                (place.to_owned(), rev.map(str::to_owned)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_that_exists_is_taken_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lib@2");
        std::fs::create_dir(&path).unwrap();
        let text = path.to_str().unwrap();
        assert_eq!(parts(text), (text.to_owned(), None));
        assert_eq!(
            parts(&format!("{text}@v1")),
            (text.to_owned(), Some("v1".to_owned()))
        );
    }

    #[test]
    fn revisions_that_search_or_look_like_options_are_refused() {
        for rev in [
            "",
            "-x",
            ":/fix",
            "main:policy.yaml",
            "main@{1}",
            "a..b",
            "a b",
            "$(x)",
        ] {
            assert!(Spec::parse(&format!("/srv/lib@{rev}")).is_err(), "{rev}");
        }
    }
}
