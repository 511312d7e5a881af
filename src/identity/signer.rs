//! A key that can sign, wherever it is kept. Every signature is verified before it is handed out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ssh_key::PublicKey;

use super::agent::{Agent, AgentError};
use super::keyfile::{self, KeyFile, KeyFileError};
use super::keygen::{self, KeygenError, Talk};
use crate::trust::signature::{self, KeyRefused, SignatureError};
use crate::trust::sshsig::{seal, tidy, to_be_signed};
use crate::trust::{Mode, signature::fingerprint};

/// Asks a person for the passphrase of a key file; `None` when there is nobody to ask or they gave up.
pub type Passphrase = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A key that can sign statements.
#[derive(Clone)]
pub struct Signer {
    key: PublicKey,
    kept: Kept,
    passphrase: Passphrase,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    Agent(Agent),
    File(PathBuf),
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The agent.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// `ssh-keygen`.
    #[error(transparent)]
    Keygen(#[from] KeygenError),
    /// A key of a kind or size that does not count.
    #[error("this key is not accepted: {0}")]
    Refused(#[from] KeyRefused),
    /// A public key whose private half is nowhere.
    #[error("{} is only a public key, and the agent does not hold it (ssh-add -l lists what it holds)", .0.display())]
    OnlyPublic(PathBuf),
    /// The key has no encoding.
    #[error("the key could not be used: {0}")]
    Key(#[from] ssh_key::Error),
    /// The file holds another key than when it was chosen.
    #[error("{} holds another key than a moment ago; nothing was signed", .0.display())]
    Changed(PathBuf),
    /// What came back does not verify.
    #[error("the signature that was made does not hold and was thrown away: {0}")]
    Worthless(#[from] SignatureError),
}

impl Signer {
    /// The key a file names. A public key, or an encrypted one, is looked for in the agent first; a public key that is
    /// not there needs its private half beside it.
    ///
    /// # Errors
    /// When the file is no key that is accepted, or only half of one.
    pub fn from_file(
        path: &Path,
        agent: Option<&Agent>,
        passphrase: Passphrase,
    ) -> Result<Self, SignError> {
        let file = KeyFile::read(path)?;
        let key = file.public_key().clone();
        signature::accept(&key)?;
        let mut trouble = None;
        if !file.is_open()
            && let Some(agent) = agent
        {
            match agent.keys() {
                Ok(keys) if keys.iter().any(|held| held.key_data() == key.key_data()) => {
                    return Ok(Self::in_agent(agent, key, passphrase));
                }
                Ok(_) => {}
                Err(error) => trouble = Some(error),
            }
        }
        let kept = match file {
            KeyFile::Memory(_) | KeyFile::Keygen { .. } => path.to_owned(),
            KeyFile::Public(_) => match private_half(path, &key) {
                Some(private) => private,
                None => {
                    return Err(trouble
                        .map_or_else(|| SignError::OnlyPublic(path.to_owned()), SignError::Agent));
                }
            },
        };
        Ok(Self {
            key,
            kept: Kept::File(kept),
            passphrase,
        })
    }

    pub(super) fn in_agent(agent: &Agent, key: PublicKey, passphrase: Passphrase) -> Self {
        Self {
            key,
            kept: Kept::Agent(agent.clone()),
            passphrase,
        }
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// `SHA256:…`, as OpenSSH prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// The key file; `None` when the agent keeps the key.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.kept {
            Kept::Agent(_) => None,
            Kept::File(path) => Some(path),
        }
    }

    /// Whether signing may ask on the terminal (a hardware key's PIN and touch, the passphrase of a key that signs
    /// through `ssh-keygen`), so that a screen hands it over first.
    #[must_use]
    pub fn needs_terminal(&self) -> bool {
        match &self.kept {
            Kept::Agent(_) => false,
            Kept::File(path) => KeyFile::read(path)
                .is_ok_and(|file| matches!(file, KeyFile::Keygen { asks: true, .. })),
        }
    }

    /// Whether signing asks somebody for anything: what needs the terminal, and the passphrase of a key that signs in
    /// memory, for which the passphrase's own way is taken.
    #[must_use]
    pub fn asks(&self) -> bool {
        match &self.kept {
            Kept::Agent(_) => false,
            Kept::File(path) => KeyFile::read(path)
                .is_ok_and(|file| !file.is_open() && !matches!(file, KeyFile::Public(_))),
        }
    }

    /// Signs a statement in the namespace of a mode: an armored SSHSIG, as `ssh-keygen -Y sign` writes it. Blocks until
    /// the agent, the person or the hardware answers: at most 30 seconds with an agent, a minute with `ssh-keygen`.
    ///
    /// # Errors
    /// When there is no signature, or none that verifies.
    pub fn sign(&self, mode: Mode, statement: &[u8]) -> Result<String, SignError> {
        let namespace = mode.namespace();
        let armored = match &self.kept {
            Kept::Agent(agent) => {
                let blob = agent.sign(&self.key, &to_be_signed(namespace, statement))?;
                seal(&self.key, namespace, &blob)?
            }
            Kept::File(path) => self.sign_with_file(path, namespace, statement)?,
        };
        let checked = signature::check(statement, &armored, mode)?;
        if checked.key.key_data() == self.key.key_data() {
            Ok(armored)
        } else {
            Err(SignatureError::Mismatch.into())
        }
    }

    fn sign_with_file(
        &self,
        path: &Path,
        namespace: &str,
        statement: &[u8],
    ) -> Result<String, SignError> {
        let file = KeyFile::read(path)?;
        if file.public_key().key_data() != self.key.key_data() {
            return Err(SignError::Changed(path.to_owned()));
        }
        match file {
            KeyFile::Memory(private) => {
                let data = to_be_signed(namespace, statement);
                let blob = keyfile::sign(path, &private, &data, &*self.passphrase)?;
                Ok(seal(&self.key, namespace, &blob)?)
            }
            KeyFile::Keygen { asks, .. } => {
                let talk = if asks { Talk::Terminal } else { Talk::Quiet };
                let text = keygen::sign(path, namespace, statement, talk)?;
                Ok(tidy(&text).map_err(SignatureError::from)?)
            }
            KeyFile::Public(_) => Err(SignError::OnlyPublic(path.to_owned())),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key", &self.fingerprint())
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// `id` beside `id.pub`, when it is the same key.
fn private_half(path: &Path, key: &PublicKey) -> Option<PathBuf> {
    if path.extension()? != "pub" {
        return None;
    }
    let private = path.with_extension("");
    let file = KeyFile::read(&private).ok()?;
    let same = file.public_key().key_data() == key.key_data();
    (same && !matches!(file, KeyFile::Public(_))).then_some(private)
}
