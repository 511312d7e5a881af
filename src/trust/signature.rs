//! Verifying a detached SSH signature over a statement, against `allowed_signers`.
//! Knows nothing of what the statement says, of roles or of people.

use chrono::{DateTime, Utc};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey, Signature, SshSig};

use super::signers::NotAllowed;
use super::sshsig::{Envelope, NotASignature};
use super::statement::STATEMENT_LIMIT;
use super::{AllowedSigners, Mode, Principal};

/// Set in the flags of a hardware key's signature when somebody touched it.
const USER_PRESENT: u8 = 1;
/// Set when the hardware key had verified who it belongs to, by PIN or finger.
const USER_VERIFIED: u8 = 4;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose it is, by `allowed_signers`.
    pub principal: Principal,
    /// `SHA256:…` of the key, as OpenSSH prints it.
    pub fingerprint: String,
    /// The signature algorithm, by OpenSSH's name.
    pub algorithm: String,
    /// The key.
    pub key: PublicKey,
    /// Whether a hardware key was touched (always true: without it the signature is refused); `None` for other keys.
    pub user_presence: Option<bool>,
    /// Whether a hardware key had verified its user, by PIN or finger; `None` for other keys.
    pub user_verified: Option<bool>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signed bytes exceed any statement.
    #[error("what was signed is no statement: it is longer than 4 KiB")]
    StatementTooLong,
    /// No signature.
    #[error("this is not an SSH signature: {0}")]
    Envelope(#[from] NotASignature),
    /// Made for something else.
    #[error(
        "signed in the namespace `{found}`, needed is `{needed}`: such a signature approves nothing here"
    )]
    Namespace {
        /// What it was made for, escaped.
        found: String,
        /// What it must be made for.
        needed: &'static str,
    },
    /// A key or algorithm that is not accepted.
    #[error("the signing key is not accepted: {0}")]
    Key(#[from] KeyRefused),
    /// The algorithm does not belong to the key.
    #[error("the signature's algorithm `{found}` is not one of the key's ({key})")]
    Algorithm {
        /// The algorithm, escaped.
        found: String,
        /// The key's kind.
        key: String,
    },
    /// A hardware key that nobody touched.
    #[error("the hardware key was not touched when it signed")]
    NotTouched,
    /// The bytes and the signature do not belong together.
    #[error(
        "the signature does not match: the statement was changed, or somebody else's key signed it"
    )]
    Mismatch,
    /// `allowed_signers` does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
}

/// Why a key is not accepted, here and in `allowed_signers`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// DSA, certificates, unknown kinds.
    #[error("keys of the kind `{0}` are not; use ed25519, ecdsa, rsa, sk-ed25519 or sk-ecdsa")]
    Kind(String),
    /// Too weak, or longer than can be verified here.
    #[error("an rsa key of {0} bits is not; 2048 to 4096 are")]
    RsaSize(usize),
    /// Not what its encoding says.
    #[error("the key's bytes are no key")]
    Malformed,
}

/// Verifies a signature over a statement, and that `allowed_signers` lets this principal sign so at that time.
///
/// # Errors
/// For every signature that does not hold; see [`SignatureError`].
pub fn verify(
    statement: &[u8],
    armored: &str,
    mode: Mode,
    signers: &AllowedSigners,
    principal: &Principal,
    at: DateTime<Utc>,
) -> Result<Verified, SignatureError> {
    let checked = check(statement, armored, mode)?;
    signers.find(principal, &checked.key, mode.namespace(), at)?;
    Ok(Verified {
        principal: principal.clone(),
        fingerprint: fingerprint(&checked.key),
        algorithm: checked.algorithm,
        key: checked.key,
        user_presence: checked.user_presence,
        user_verified: checked.user_verified,
    })
}

/// A signature that matches the bytes; whose it is has not been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The key that made it.
    pub key: PublicKey,
    /// The signature algorithm, by OpenSSH's name.
    pub algorithm: String,
    /// Whether a hardware key was touched; `None` for other keys.
    pub user_presence: Option<bool>,
    /// Whether a hardware key had verified its user; `None` for other keys.
    pub user_verified: Option<bool>,
}

/// Verifies that a signature matches a statement, and tells its key. That says nothing about who may sign: for that,
/// [`verify`].
///
/// # Errors
/// As [`verify`], but for `NotAllowed`.
pub fn check(statement: &[u8], armored: &str, mode: Mode) -> Result<Checked, SignatureError> {
    if statement.len() > STATEMENT_LIMIT {
        return Err(SignatureError::StatementTooLong);
    }
    let envelope = Envelope::read(armored)?;
    if envelope.namespace != mode.namespace().as_bytes() {
        return Err(SignatureError::Namespace {
            found: shown(&envelope.namespace),
            needed: mode.namespace(),
        });
    }
    let key = public_key(&envelope.key)?;
    let algorithm = signature_algorithm(&key, &envelope.algorithm)?;
    let flag = |bit| envelope.trailer.first().map(|flags| flags & bit != 0);
    let (user_presence, user_verified) = (flag(USER_PRESENT), flag(USER_VERIFIED));
    if user_presence == Some(false) {
        return Err(SignatureError::NotTouched);
    }
    if let KeyData::Rsa(rsa) = key.key_data()
        && rsa.n.as_positive_bytes().map(<[u8]>::len) != Some(envelope.signature.len())
    {
        return Err(SignatureError::Mismatch);
    }
    let mut data = envelope.signature;
    data.extend_from_slice(&envelope.trailer);
    let mismatch = |_| SignatureError::Mismatch;
    let signature = Signature::new(algorithm, data).map_err(mismatch)?;
    let whole = SshSig::new(
        key.key_data().clone(),
        mode.namespace(),
        envelope.hash,
        signature,
    )
    .map_err(mismatch)?;
    key.verify(mode.namespace(), statement, &whole)
        .map_err(mismatch)?;
    Ok(Checked {
        key,
        algorithm: shown(&envelope.algorithm),
        user_presence,
        user_verified,
    })
}

/// Whether a key lives in hardware that can tell whether it was touched.
#[must_use]
pub fn is_hardware(key: &PublicKey) -> bool {
    matches!(
        key.key_data(),
        KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_)
    )
}

/// `SHA256:…`, as OpenSSH prints it.
#[must_use]
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whether keys of this kind and size count here.
///
/// # Errors
/// When they do not, with the reason.
pub fn accept(key: &PublicKey) -> Result<(), KeyRefused> {
    match key.key_data() {
        KeyData::Ed25519(_)
        | KeyData::Ecdsa(_)
        | KeyData::SkEd25519(_)
        | KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Rsa(rsa) => {
            let modulus = rsa.n.as_positive_bytes().ok_or(KeyRefused::Malformed)?;
            let bits = modulus.first().map_or(0, |first| {
                modulus.len() * 8 - first.leading_zeros() as usize
            });
            if !RSA_BITS.contains(&bits) {
                return Err(KeyRefused::RsaSize(bits));
            }
            let exponent = rsa.e.as_positive_bytes().ok_or(KeyRefused::Malformed)?;
            let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
            if odd(modulus) && odd(exponent) && exponent != [1] {
                Ok(())
            } else {
                Err(KeyRefused::Malformed)
            }
        }
        other => Err(KeyRefused::Kind(shown(
            other.algorithm().as_str().as_bytes(),
        ))),
    }
}

fn public_key(blob: &[u8]) -> Result<PublicKey, SignatureError> {
    let key = PublicKey::from_bytes(blob).map_err(|_| KeyRefused::Malformed)?;
    if key.to_bytes().ok().as_deref() != Some(blob) {
        return Err(KeyRefused::Malformed.into());
    }
    accept(&key)?;
    Ok(key)
}

/// The algorithm named in the signature, when it is one this key may use. `ssh-rsa` (SHA-1) never is.
fn signature_algorithm(key: &PublicKey, name: &[u8]) -> Result<Algorithm, SignatureError> {
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    let curve = |curve| Algorithm::Ecdsa { curve };
    let named = match name {
        b"ssh-ed25519" => Some(Algorithm::Ed25519),
        b"sk-ssh-ed25519@openssh.com" => Some(Algorithm::SkEd25519),
        b"ecdsa-sha2-nistp256" => Some(curve(EcdsaCurve::NistP256)),
        b"ecdsa-sha2-nistp384" => Some(curve(EcdsaCurve::NistP384)),
        b"ecdsa-sha2-nistp521" => Some(curve(EcdsaCurve::NistP521)),
        b"sk-ecdsa-sha2-nistp256@openssh.com" => Some(Algorithm::SkEcdsaSha2NistP256),
        b"rsa-sha2-256" => Some(rsa(HashAlg::Sha256)),
        b"rsa-sha2-512" => Some(rsa(HashAlg::Sha512)),
        _ => None,
    };
    let of_key = key.algorithm();
    named
        .filter(|named| named.as_str() == of_key.as_str() || is_rsa(named) && is_rsa(&of_key))
        .ok_or_else(|| SignatureError::Algorithm {
            found: shown(name),
            key: of_key.as_str().to_owned(),
        })
}

fn is_rsa(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { .. })
}

/// Bytes from outside as a short printable text.
fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..64).unwrap_or(bytes);
    start.escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
