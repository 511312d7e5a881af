//! One person's place at one machine: where the record is kept, which library and hub, who is at the keyboard.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::at::{At, BootStamp, Claim, Root, Who};
use crate::engine::ids::WriterId;
use crate::host::clock::Clock;
use crate::host::git::{Git, Remote};
use crate::host::random::Random;
use crate::identity::{self, Asked, Environment, Identity, Passphrase};
use crate::library::{Library, LibraryError, Pin, Spec};
use crate::trust::AllowedSigners;

use super::DriverError;

/// What was configured or typed.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Settings {
    pub state: PathBuf,
    pub spool: Option<PathBuf>,
    pub cache: PathBuf,
    pub hub: Option<Remote>,
    pub library: Option<Spec>,
    pub asked: Asked,
    pub environment: Environment,
    /// Where scripts start unless a step says otherwise.
    pub cwd: String,
    /// The Unix account and the machine's name.
    pub account: String,
    pub host: String,
    /// This program, to start supervisors with.
    pub program: PathBuf,
}

/// What varies between runs of a test and is frozen there.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Ports {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub git: Git,
    /// Asks for the passphrase of a key file, where somebody can be asked.
    pub passphrase: Passphrase,
}

/// The place itself.
#[allow(missing_docs)]
pub struct Desk {
    pub settings: Settings,
    pub ports: Ports,
    pub identity: Identity,
    /// Whether the key at hand may sign as this person by the library's `allowed_signers`.
    listed: bool,
    library: Option<Library>,
}

impl Desk {
    /// Sits down: opens the library if there is one and finds out who is here.
    ///
    /// # Errors
    /// When the library cannot be opened, or nobody can be made out.
    pub fn new(settings: Settings, ports: Ports) -> Result<Self, DriverError> {
        let library = match &settings.library {
            Some(spec) => Some(Library::open(
                spec,
                &settings.cache,
                &ports.git,
                ports.clock.as_ref(),
            )?),
            None => None,
        };
        let signers = signers(library.as_ref())?;
        let identity = identity::identify(
            &settings.asked,
            &settings.environment,
            &signers,
            &ports.passphrase,
        )?;
        // Without a library nobody can say whose key it is; then what was named is believed, as git's address is.
        let listed = library.is_none()
            || identity.signer.as_ref().is_some_and(|signer| {
                signers
                    .principals_of(signer.key())
                    .contains(&&identity.principal)
            });
        Ok(Self {
            settings,
            ports,
            identity,
            listed,
            library,
        })
    }

    /// The own library.
    ///
    /// # Errors
    /// When none is configured.
    pub fn library(&self) -> Result<&Library, DriverError> {
        self.library.as_ref().ok_or(DriverError::NoLibrary)
    }

    /// The own library, if any.
    #[must_use]
    pub fn own_library(&self) -> Option<&Library> {
        self.library.as_ref()
    }

    /// Opens the library again, after it was fetched or changed.
    ///
    /// # Errors
    /// As [`Desk::new`].
    pub fn reopen_library(&mut self) -> Result<(), DriverError> {
        if let Some(spec) = &self.settings.library {
            self.library = Some(Library::open(
                spec,
                &self.settings.cache,
                &self.ports.git,
                self.ports.clock.as_ref(),
            )?);
        }
        Ok(())
    }

    /// The library's commit that new runs pin.
    ///
    /// # Errors
    /// When there is no library, or it has no commit.
    pub fn pin(&self) -> Result<Pin, DriverError> {
        Ok(self.library()?.pin()?)
    }

    /// Who is here, as an event will say it.
    #[must_use]
    pub fn who(&self) -> Who {
        Who {
            principal: self.identity.principal.clone(),
            signed: self.identity.signer.is_some() && self.listed,
            account: self.settings.account.clone(),
            host: self.settings.host.clone(),
        }
    }

    /// The clock nobody sets.
    #[must_use]
    pub fn boot(&self) -> BootStamp {
        let stamp = self.ports.clock.boot();
        BootStamp {
            id: stamp.id.into(),
            millis: stamp.millis,
        }
    }

    /// Fresh randomness.
    ///
    /// # Errors
    /// When the kernel has none.
    pub fn random(&self) -> Result<[u8; 32], DriverError> {
        let mut bytes = [0; 32];
        self.ports
            .random
            .fill(&mut bytes)
            .map_err(|source| DriverError::Io {
                what: "random bytes",
                source,
            })?;
        Ok(bytes)
    }

    /// The circumstances of a command by this writer.
    ///
    /// # Errors
    /// When the kernel has no randomness.
    pub fn at(
        &self,
        writer: &WriterId,
        root: Root,
        receipts: super::receipts::Receipts,
    ) -> Result<At, DriverError> {
        Ok(At {
            now: self.ports.clock.now(),
            real: self.ports.clock.now().to_utc(),
            boot: self.boot(),
            who: self.who(),
            writer: writer.clone(),
            random: self.random()?,
            cwd: self.settings.cwd.clone(),
            root,
            files: std::collections::BTreeMap::new(),
            elsewhere: None,
            receipts: receipts.into_map(),
            claim: Claim::NotAsked,
        })
    }
}

/// The library's signers at its tip; none where there is no library or no such file.
fn signers(library: Option<&Library>) -> Result<AllowedSigners, LibraryError> {
    let Some(library) = library else {
        return Ok(AllowedSigners::default());
    };
    let pin = library.pin()?;
    let text = library
        .allowed_signers(&pin)?
        .map(|blob| String::from_utf8_lossy(&blob.bytes).into_owned());
    Ok(AllowedSigners::parse(&text.unwrap_or_default()).0)
}
