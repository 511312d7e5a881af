//! The address of a git repository as the user wrote it, made safe to hand to `git`.
//! Knows nothing of what is there.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// An address that `git` may be given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Remote(Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Path(PathBuf),
    Url(String),
}

/// An address that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address {shown:?} is refused: {why}")]
pub struct BadRemote {
    shown: String,
    why: &'static str,
}

impl Remote {
    /// Reads a path or URL. By git's own rule a text is a URL when it has `://` or `::`, or a colon before its first
    /// slash (`host:path`); everything else is a path, which is made absolute.
    ///
    /// # Errors
    /// When it is empty, begins with `-`, holds control characters, or names a helper that runs a command (`ext::`).
    pub fn new(text: &str) -> Result<Self, BadRemote> {
        let refuse = |why| {
            Err(BadRemote {
                shown: text.chars().take(200).collect(),
                why,
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.starts_with('-') {
            return refuse("it would be read as an option (write ./ in front of a path)");
        }
        if text.chars().any(char::is_control) {
            return refuse("it holds control characters");
        }
        let helper = text.split_once("::").map(|(name, _)| name);
        if helper.is_some_and(|name| matches!(name.to_ascii_lowercase().as_str(), "ext" | "fd")) {
            return refuse("it would run a command of its own choice");
        }
        if !is_url(text) {
            return match std::path::absolute(text) {
                Ok(path) => Ok(Self(Place::Path(path))),
                Err(_) => refuse("it is no path that can be made absolute"),
            };
        }
        if host_is_an_option(text) {
            return refuse("its host would be read as an option");
        }
        Ok(Self(Place::Url(text.to_owned())))
    }

    /// The repository at this path, which must be absolute.
    #[must_use]
    pub fn path(path: &Path) -> Option<Self> {
        path.is_absolute()
            .then(|| Self(Place::Path(path.to_owned())))
    }

    /// The path, when it is one.
    #[must_use]
    pub fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Path(path) => Some(path),
            Place::Url(_) => None,
        }
    }

    /// What stands on git's command line.
    #[must_use]
    pub fn as_arg(&self) -> &OsStr {
        match &self.0 {
            Place::Path(path) => path.as_os_str(),
            Place::Url(url) => OsStr::new(url),
        }
    }

    /// The whole of it, with a password in it; for digests, never for showing.
    #[must_use]
    pub fn exact(&self) -> OsString {
        self.as_arg().to_owned()
    }

    /// Whether git may start ssh for it.
    #[must_use]
    pub fn may_use_ssh(&self) -> bool {
        match &self.0 {
            Place::Path(_) => false,
            Place::Url(url) => !["http://", "https://", "file://", "git://"]
                .iter()
                .any(|scheme| url.starts_with(scheme)),
        }
    }
}

/// For people: a password or token in a URL is left out.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Path(path) => write!(f, "{}", path.display()),
            Place::Url(url) => f.write_str(&without_password(url)),
        }
    }
}

fn is_url(text: &str) -> bool {
    if text.contains("://") || text.contains("::") {
        return true;
    }
    match (text.find(':'), text.find('/')) {
        (Some(colon), Some(slash)) => colon < slash,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn host_is_an_option(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', ':']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    authority.starts_with('-') || host.starts_with('-')
}

fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        // Over https the name itself may be a token.
        Some((_, host)) if scheme.starts_with("http") => format!("{scheme}://{host}{path}"),
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_would_run_something_are_refused() {
        for hostile in [
            "",
            "-uevil",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c 'touch /tmp/x'",
            "EXT::sh",
            "fd::17",
            "ssh://-oProxyCommand=evil/x",
            "ssh://user@-oProxyCommand=evil/x",
            "-oProxyCommand=evil:x",
            "user@-oProxyCommand=evil:x",
            "https://host/a\nb",
            "path\0x",
            "a\u{1b}[2Jb",
        ] {
            assert!(Remote::new(hostile).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn paths_become_absolute_and_urls_stay() {
        assert_eq!(
            Remote::new("/srv/lib.git").unwrap().as_path(),
            Some(Path::new("/srv/lib.git"))
        );
        let relative = Remote::new("lib").unwrap();
        assert!(relative.as_path().unwrap().is_absolute());
        assert!(
            Remote::new("./a:b").unwrap().as_path().is_some(),
            "the colon comes after a slash"
        );
        for url in [
            "git@host:org/lib.git",
            "host:lib",
            "ssh://git@host:22/lib",
            "https://host/lib",
            "codecommit::eu-west-1://lib",
        ] {
            let remote = Remote::new(url).unwrap();
            assert_eq!(remote.as_path(), None, "{url}");
            assert_eq!(remote.as_arg(), url);
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("https://t0ken:s3cret@host/lib.git", "https://host/lib.git"),
            ("https://t0ken@host/lib.git", "https://host/lib.git"),
            ("ssh://git:s3cret@host/lib.git", "ssh://git@host/lib.git"),
        ] {
            assert_eq!(Remote::new(url).unwrap().to_string(), shown);
        }
        let remote = Remote::new("https://host/a@b").unwrap();
        assert_eq!(remote.to_string(), "https://host/a@b");
    }
}
