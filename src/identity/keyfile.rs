//! Key files: reading them, signing with them, and making one. Knows nothing of agents and of who a key belongs to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use ssh_key::public::KeyData;
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey, PublicKey, SigningKey};

use crate::trust::sshsig::{take_string, take_u32};

const FILE_LIMIT: u64 = 64 * 1024;

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system says no.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// By the system.
        source: io::Error,
    },
    /// Neither a private nor a public key.
    #[error("{} is no OpenSSH key (and there is no readable {}.pub beside it)", .path.display(), .path.display())]
    NotAKey {
        /// Which file.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("{} can be read by others than its owner, so it may be stolen already; chmod 600 it", .path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// Encrypted, and nobody gave a passphrase.
    #[error("{} needs its passphrase; give it, or put the key into the agent with ssh-add", .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The passphrase does not fit.
    #[error("this is not the passphrase of {}", .path.display())]
    WrongPassphrase {
        /// Which file.
        path: PathBuf,
    },
    /// It is there already.
    #[error("{} exists already and was left as it is", .path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// A comment that would break the line.
    #[error("a key's comment cannot hold control characters")]
    Comment,
    /// The library refused; nothing was written.
    #[error("the key could not be made or used: {0}")]
    Key(#[from] ssh_key::Error),
}

/// A key file, by how it signs.
#[derive(Debug)]
pub enum KeyFile {
    /// An ed25519 key, perhaps still encrypted, which signs in memory.
    Memory(Box<PrivateKey>),
    /// Any other private key, which signs through `ssh-keygen`: hardware answers to nothing else, older formats are read
    /// by nothing else, and ssh-key 0.6 cannot be relied on (it makes an rsa key of p and p instead of p and q, and does
    /// not read ecdsa keys that begin with a zero byte). So no private rsa operation is ever ours (RUSTSEC-2023-0071).
    Keygen {
        /// The public half.
        key: PublicKey,
        /// Whether `ssh-keygen` will ask for a passphrase, a PIN or a touch.
        asks: bool,
    },
    /// The public half only.
    Public(PublicKey),
}

impl KeyFile {
    /// Reads a private or a public key.
    ///
    /// # Errors
    /// When it cannot be read, is no key, or others can read a private one.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = read(path)?;
        if let Ok(key) = PublicKey::from_openssh(text.trim()) {
            return Ok(Self::Public(key));
        }
        refuse_exposed(path)?;
        let file = match outside(&text) {
            Some((key, encrypted)) => Some(Self::private(&text, key, encrypted)),
            None if text.contains("PRIVATE KEY-----") => read(&beside(path))
                .ok()
                .and_then(|text| PublicKey::from_openssh(text.trim()).ok())
                .map(|key| Self::Keygen {
                    key,
                    asks: text.contains("ENCRYPTED"),
                }),
            None => None,
        };
        file.ok_or_else(|| KeyFileError::NotAKey {
            path: path.to_owned(),
        })
    }

    fn private(text: &str, key: PublicKey, encrypted: bool) -> Self {
        let in_memory = matches!(key.key_data(), KeyData::Ed25519(_));
        let hardware = matches!(
            key.key_data(),
            KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_)
        );
        match PrivateKey::from_openssh(text) {
            Ok(private) if in_memory => Self::Memory(Box::new(private)),
            _ => Self::Keygen {
                key,
                asks: encrypted || hardware,
            },
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Memory(key) => key.public_key(),
            Self::Public(key) | Self::Keygen { key, .. } => key,
        }
    }

    /// Whether it signs without anybody being asked anything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Memory(key) => !key.is_encrypted(),
            Self::Keygen { asks, .. } => !asks,
            Self::Public(_) => false,
        }
    }
}

/// The public half of a private key in OpenSSH's format, and whether the rest is encrypted: what stands outside the
/// encryption. Source: OpenSSH's `PROTOCOL.key`.
fn outside(text: &str) -> Option<(PublicKey, bool)> {
    let inside = text
        .trim()
        .strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----")?
        .strip_suffix("-----END OPENSSH PRIVATE KEY-----")?;
    let digits: String = inside.split_ascii_whitespace().collect();
    let blob = Base64::decode_vec(&digits).ok()?;
    let mut rest = blob.strip_prefix(b"openssh-key-v1\0")?;
    let cipher = take_string(&mut rest)?;
    let _function = take_string(&mut rest)?;
    let _options = take_string(&mut rest)?;
    let count = take_u32(&mut rest)?;
    let key = PublicKey::from_bytes(take_string(&mut rest)?).ok()?;
    (count == 1).then_some((key, cipher != b"none"))
}

/// Signs with a key in memory; the answer is the algorithm's name and the signature.
///
/// # Errors
/// When the passphrase is missing or wrong.
pub fn sign(
    path: &Path,
    key: &PrivateKey,
    data: &[u8],
    passphrase: &dyn Fn() -> Option<String>,
) -> Result<Vec<u8>, KeyFileError> {
    let path = path.to_owned();
    if !key.is_encrypted() {
        return Ok(sign_with(key, data)?);
    }
    let Some(passphrase) = passphrase() else {
        return Err(KeyFileError::Locked { path });
    };
    match key.decrypt(passphrase.as_bytes()) {
        Ok(opened) => Ok(sign_with(&opened, data)?),
        Err(_) => Err(KeyFileError::WrongPassphrase { path }),
    }
}

fn sign_with<K: SigningKey>(key: &K, data: &[u8]) -> Result<Vec<u8>, ssh_key::Error> {
    Vec::try_from(key.try_sign(data)?)
}

/// Makes an ed25519 key: `path` with mode 0600 and `path.pub` beside it, both on disk when this returns. Folders that
/// are missing are made with mode 0700.
///
/// # Errors
/// When either file exists (it is left alone) or cannot be written.
pub fn create_key(path: &Path, comment: &str) -> Result<PublicKey, KeyFileError> {
    if comment.chars().any(char::is_control) {
        return Err(KeyFileError::Comment);
    }
    let public_path = beside(path);
    if public_path.exists() {
        return Err(KeyFileError::Exists { path: public_path });
    }
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)?;
    key.set_comment(comment);
    let public = key.public_key().clone();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| at(folder, source))?;
    write_new(path, key.to_openssh(LineEnding::LF)?.as_bytes(), 0o600)?;
    let line = public.to_openssh()? + "\n";
    write_new(&public_path, line.as_bytes(), 0o644)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| at(folder, source))?;
    Ok(public)
}

/// `path.pub`.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn at(path: &Path, source: io::Error) -> KeyFileError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path },
        _ => KeyFileError::Io { path, source },
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyFileError> {
    let written = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(|source| at(path, source))
}

fn read(path: &Path) -> Result<String, KeyFileError> {
    let text = || {
        // A FIFO would block for ever: only regular files are opened.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut text = String::new();
        let read = File::open(path)?
            .take(FILE_LIMIT + 1)
            .read_to_string(&mut text)?;
        if read as u64 > FILE_LIMIT {
            return Err(io::Error::other("longer than 64 KiB"));
        }
        Ok(text)
    };
    text().map_err(|source| at(path, source))
}

/// As ssh does: one's own key must not be readable by others.
fn refuse_exposed(path: &Path) -> Result<(), KeyFileError> {
    let metadata = fs::metadata(path).map_err(|source| at(path, source))?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if own && metadata.mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
        });
    }
    Ok(())
}
