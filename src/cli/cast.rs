//! Made-up people in a throw-away place: a library they are named in, their keys, a desk for each. What is recorded there is
//! real and can be verified; nothing outside of the place is touched.

use std::path::{Path, PathBuf};

use super::CliError;
use super::config::Config;
use crate::host::clock::{Clock as _, SystemClock};
use crate::host::files;
use crate::host::git::Remote;
use crate::identity::{self, Asked, Environment};
use crate::library::people::NewPerson;
use crate::library::{Author, Library, Spec, people, seed};
use crate::trust::Principal;

/// One of them.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Member {
    /// What stands before the `@`.
    pub id: String,
    pub name: String,
    pub roles: Vec<String>,
}

impl Member {
    /// Of borrowed words.
    #[must_use]
    pub fn new(id: &str, name: &str, roles: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }
}

/// The place and where its library is.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Cast {
    pub dir: PathBuf,
    pub library: PathBuf,
}

impl Cast {
    /// Makes the library out of these files, and everybody's key.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(
        dir: PathBuf,
        files: Vec<(String, Vec<u8>)>,
        members: &[Member],
    ) -> Result<Self, CliError> {
        let library = dir.join("library");
        // The runbooks are somebody else's work, so that everybody may approve.
        let writer = person(&dir, &Member::new("lee", "Lee Lindqvist", &["scribe"]))?;
        seed::create(&library, files, &writer, SystemClock.now())?;
        let author = Author {
            name: writer.name.clone(),
            email: writer.principal.clone(),
        };
        for member in members {
            let opened = Library::open_path(&library)?;
            let change = people::add(&opened, &person(&dir, member)?)?;
            opened.commit(&change, &author, SystemClock.now())?;
        }
        Ok(Self { dir, library })
    }

    /// Where one of them sits; `base` is how the program was called.
    ///
    /// # Errors
    /// When the state directory cannot be made.
    pub fn sits(&self, base: &Config, id: &str, hub: Option<&Path>) -> Result<Config, CliError> {
        let mut config = base.clone();
        let settings = &mut config.settings;
        settings.state = self.dir.join("state").join(id);
        settings.cache = self.dir.join("cache");
        settings.spool = None;
        settings.library = Some(Spec::parse(&self.library.to_string_lossy())?);
        settings.hub = hub
            .map(|hub| Remote::new(&hub.to_string_lossy()))
            .transpose()
            .map_err(|error| CliError::Input(error.to_string()))?;
        settings.asked = Asked {
            principal: Some(principal(id)?),
            key: Some(self.dir.join(id)),
        };
        settings.environment = Environment::default();
        settings.cwd = self.dir.join("place").to_string_lossy().into_owned();
        config.path = self.dir.join("config.toml");
        config.file = super::config::File::default();
        files::create_private_dir(&config.settings.state)?;
        Ok(config)
    }
}

/// The address of one of them.
///
/// # Errors
/// When the name is none.
pub fn principal(id: &str) -> Result<Principal, CliError> {
    Principal::try_from(format!("{id}@example.org").as_str())
        .map_err(|error| CliError::Input(error.to_string()))
}

fn person(dir: &Path, member: &Member) -> Result<NewPerson, CliError> {
    let principal = principal(&member.id)?.to_string();
    let key = identity::create_key(&dir.join(&member.id), &principal)
        .map_err(|error| CliError::Input(error.to_string()))?;
    Ok(NewPerson {
        id: member.id.clone(),
        name: member.name.clone(),
        principal,
        public_key_line: key
            .to_openssh()
            .map_err(|error| CliError::Input(error.to_string()))?,
        accounts: Vec::new(),
        roles: member.roles.clone(),
    })
}
