//! Who is at the keyboard: by what they say, by the agent's keys, by a key file, or unsigned by git's address.
//! Knows nothing of roles: a name found here may do nothing yet.

use std::fs;
use std::path::{Path, PathBuf};

use ssh_key::PublicKey;
use ssh_key::public::KeyData;

use super::agent::{Agent, AgentError};
use super::keyfile::KeyFile;
use super::signer::{Passphrase, SignError, Signer};
use crate::trust::principal::NotAPrincipal;
use crate::trust::signature::{accept, fingerprint};
use crate::trust::{AllowedSigners, Principal};

const FILES_LIMIT: usize = 100;

/// What of the process's surroundings matters here; nothing else is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `HOME`, under which `.ssh` is.
    pub home: Option<PathBuf>,
    /// `SSH_AUTH_SOCK`; an empty one is none.
    pub ssh_auth_sock: Option<PathBuf>,
    /// git's `user.email`.
    pub git_email: Option<String>,
    /// Key files to try after the agent, as configured.
    pub key_files: Vec<PathBuf>,
}

impl Environment {
    /// The agent, if there is said to be one.
    #[must_use]
    pub fn agent(&self) -> Option<Agent> {
        self.ssh_auth_sock
            .as_deref()
            .filter(|socket| !socket.as_os_str().is_empty())
            .map(Agent::at)
    }
}

/// What the command line says: `--as` and `--key`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Asked {
    pub principal: Option<Principal>,
    pub key: Option<PathBuf>,
}

/// Where an identity comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--as` or `--key`.
    Asked,
    /// The agent's first key that `allowed_signers` knows.
    Agent,
    /// A configured key file that `allowed_signers` knows.
    KeyFile(PathBuf),
    /// git's `user.email`: never signed.
    GitEmail,
}

/// Who is at the keyboard.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As whom they act.
    pub principal: Principal,
    /// How they sign; `None` is *unsigned*.
    pub signer: Option<Signer>,
    /// How that was found.
    pub origin: Origin,
    /// What a person should know about it, such as why it is unsigned; sentences.
    pub notes: Vec<String>,
}

/// Why nobody could be made out.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// `--key` cannot be used.
    #[error("--key: {0}")]
    Key(#[from] SignError),
    /// `--key` alone, and no line lists it.
    #[error(
        "allowed_signers does not list the key {fingerprint}; add --as PRINCIPAL, or have it added with `runsheet people add`"
    )]
    KeyOfNobody {
        /// Which key.
        fingerprint: String,
    },
    /// `--key` alone, and several principals have it.
    #[error("the key {fingerprint} signs as {}; choose one with --as", .principals.iter().map(Principal::as_str).collect::<Vec<_>>().join(" and "))]
    KeyOfSeveral {
        /// Which key.
        fingerprint: String,
        /// Whose.
        principals: Vec<Principal>,
    },
    /// git's address cannot name anybody.
    #[error("git's user.email cannot be used as a name: {0}; use --as PRINCIPAL")]
    Email(#[source] NotAPrincipal),
    /// Nothing to go by.
    #[error(
        "nobody knows who you are: no key of the agent is in allowed_signers, and git has no user.email; use --as PRINCIPAL --key FILE"
    )]
    Nobody,
}

/// Finds out who is at the keyboard: `--as` with `--key`; else the agent's first key that `allowed_signers` knows; else
/// a configured key file it knows; else git's `user.email`, unsigned. `--as` alone takes that principal's key from the
/// same places, and is unsigned without one.
///
/// # Errors
/// When `--key` is of no use, or there is nothing to go by.
pub fn identify(
    asked: &Asked,
    environment: &Environment,
    signers: &AllowedSigners,
    passphrase: &Passphrase,
) -> Result<Identity, IdentityError> {
    if let Some(path) = &asked.key {
        return by_key(path, asked, environment, signers, passphrase);
    }
    let mut notes = Vec::new();
    let wanted = asked.principal.as_ref();
    if let Some((principal, signer, origin)) =
        listed(wanted, environment, signers, passphrase, &mut notes)
    {
        let origin = wanted.map_or(origin, |_| Origin::Asked);
        return Ok(Identity {
            principal,
            signer: Some(signer),
            origin,
            notes,
        });
    }
    if let Some(principal) = wanted {
        notes.push(format!(
            "no key of {principal} was found, so nothing can be signed; use --key FILE"
        ));
        return Ok(Identity {
            principal: principal.clone(),
            signer: None,
            origin: Origin::Asked,
            notes,
        });
    }
    let email = environment
        .git_email
        .as_deref()
        .map(str::trim)
        .filter(|email| !email.is_empty())
        .ok_or(IdentityError::Nobody)?;
    notes.push(
        "known only by git's user.email, so nothing can be signed; use --as PRINCIPAL --key FILE"
            .to_owned(),
    );
    Ok(Identity {
        principal: Principal::try_from(email.to_ascii_lowercase()).map_err(IdentityError::Email)?,
        signer: None,
        origin: Origin::GitEmail,
        notes,
    })
}

fn by_key(
    path: &Path,
    asked: &Asked,
    environment: &Environment,
    signers: &AllowedSigners,
    passphrase: &Passphrase,
) -> Result<Identity, IdentityError> {
    let signer = Signer::from_file(path, environment.agent().as_ref(), passphrase.clone())?;
    let listed = signers.principals_of(signer.key());
    let mut notes = Vec::new();
    let principal = match (&asked.principal, listed.as_slice()) {
        (Some(principal), _) => {
            if !listed.contains(&principal) {
                notes.push(format!(
                    "allowed_signers does not list the key {} for {principal}, so its signatures do not count",
                    signer.fingerprint()
                ));
            }
            principal.clone()
        }
        (None, [only]) => (*only).clone(),
        (None, []) => {
            return Err(IdentityError::KeyOfNobody {
                fingerprint: signer.fingerprint(),
            });
        }
        (None, several) => {
            return Err(IdentityError::KeyOfSeveral {
                fingerprint: signer.fingerprint(),
                principals: several.iter().copied().cloned().collect(),
            });
        }
    };
    Ok(Identity {
        principal,
        signer: Some(signer),
        origin: Origin::Asked,
        notes,
    })
}

/// The first key that `allowed_signers` knows (of this principal, if one is wanted): the agent's, then the files'.
fn listed(
    wanted: Option<&Principal>,
    environment: &Environment,
    signers: &AllowedSigners,
    passphrase: &Passphrase,
    notes: &mut Vec<String>,
) -> Option<(Principal, Signer, Origin)> {
    let known = |key: &PublicKey| {
        signers
            .principals_of(key)
            .into_iter()
            .find(|principal| wanted.is_none_or(|wanted| wanted == *principal))
            .cloned()
    };
    let agent = environment.agent();
    if let Some(agent) = &agent {
        match agent.keys() {
            Ok(keys) => {
                for key in keys {
                    if let Some(principal) = known(&key) {
                        let signer = Signer::in_agent(agent, key, passphrase.clone());
                        return Some((principal, signer, Origin::Agent));
                    }
                }
            }
            Err(error) => notes.push(error.to_string()),
        }
    }
    for path in &environment.key_files {
        match Signer::from_file(path, None, passphrase.clone()) {
            Ok(signer) => {
                if let Some(principal) = known(signer.key()) {
                    return Some((principal, signer, Origin::KeyFile(path.clone())));
                }
            }
            Err(error) => notes.push(error.to_string()),
        }
    }
    None
}

/// A key somebody could sign with, for the first start to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The public half.
    pub key: PublicKey,
    /// `SHA256:…`, as OpenSSH prints it.
    pub fingerprint: String,
    /// Where it is kept.
    pub source: Source,
}

/// Where a key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The agent.
    Agent,
    /// The private key file, whose `.pub` was read.
    File(PathBuf),
}

/// The keys that were found, and what hindered looking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The agent's in its order, then the files', ed25519 before others.
    pub keys: Vec<Candidate>,
    /// Sentences.
    pub notes: Vec<String>,
}

/// The agent's keys, and `~/.ssh/id_*.pub` whose private half is beside it. Nothing private is read.
#[must_use]
pub fn candidates(environment: &Environment) -> Candidates {
    let mut found = Candidates::default();
    match environment.agent().map(|agent| agent.keys()) {
        Some(Ok(keys)) => {
            for key in keys {
                found.add(key, Source::Agent);
            }
        }
        Some(Err(AgentError::Unreachable { .. })) | None => {
            found.notes.push("no ssh agent is running".to_owned());
        }
        Some(Err(error)) => found.notes.push(error.to_string()),
    }
    let mut files: Vec<(u8, PathBuf, PublicKey)> = environment
        .home
        .as_deref()
        .map(public_files)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|path| match KeyFile::read(&path) {
            Ok(KeyFile::Public(key)) => Some((preference(&key), path, key)),
            _ => None,
        })
        .collect();
    files.sort_by(|(a, a_path, _), (b, b_path, _)| (a, a_path).cmp(&(b, b_path)));
    for (_, path, key) in files {
        let private = path.with_extension("");
        if private.is_file() {
            found.add(key, Source::File(private));
        }
    }
    found
}

impl Candidates {
    fn add(&mut self, key: PublicKey, source: Source) {
        let known = |known: &Candidate| known.key.key_data() == key.key_data();
        if accept(&key).is_ok() && !self.keys.iter().any(known) {
            self.keys.push(Candidate {
                fingerprint: fingerprint(&key),
                key,
                source,
            });
        }
    }
}

fn public_files(home: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(home.join(".ssh")) else {
        return Vec::new();
    };
    folder
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("id_") && name.ends_with(".pub")
        })
        .map(|entry| entry.path())
        .take(FILES_LIMIT)
        .collect()
}

fn preference(key: &PublicKey) -> u8 {
    match key.key_data() {
        KeyData::Ed25519(_) => 0,
        KeyData::SkEd25519(_) => 1,
        KeyData::Ecdsa(_) | KeyData::SkEcdsaSha2NistP256(_) => 2,
        _ => 3,
    }
}
