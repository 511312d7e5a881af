//! The SSHSIG envelope: armor, framing and the bytes that are signed, in their one spelling.
//! Source: OpenSSH's `PROTOCOL.sshsig`. Knows nothing of who may sign, nor of cryptography.

use base64ct::{Base64, Encoding};
use ssh_key::{HashAlg, PublicKey};

use super::post;

/// The longest armored signature that is looked at, in bytes.
pub const ARMOR_LIMIT: usize = 16 * 1024;

const MAGIC: &[u8] = b"SSHSIG";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
/// `ssh-keygen` breaks its lines here.
const WIDTH: usize = 70;

/// Why a text is no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASignature {
    /// Over the limit.
    #[error("longer than 16 KiB")]
    TooLong,
    /// Not as `ssh-keygen` writes it.
    #[error("not as `ssh-keygen -Y sign` writes it, from BEGIN SSH SIGNATURE to END SSH SIGNATURE")]
    Armor,
    /// What is inside is cut, or goes on after its end.
    #[error("its inside is cut short or has something left over")]
    Framing,
    /// Another version than 1.
    #[error("SSHSIG version {0}; only version 1 is known")]
    Version(u32),
    /// Bytes in a field that must be empty.
    #[error("its reserved field is not empty")]
    Reserved,
    /// A hash that is neither SHA-256 nor SHA-512.
    #[error("its hash is neither sha256 nor sha512")]
    Hash,
}

/// A signature taken apart; nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The signer's public key, in OpenSSH's encoding.
    pub key: Vec<u8>,
    /// The namespace.
    pub namespace: Vec<u8>,
    /// What the message was hashed with.
    pub hash: HashAlg,
    /// The name of the signature algorithm.
    pub algorithm: Vec<u8>,
    /// The signature proper.
    pub signature: Vec<u8>,
    /// Flags and counter of a hardware key, else empty.
    pub trailer: Vec<u8>,
}

impl Envelope {
    /// Reads an armored signature, exactly as `ssh-keygen` writes it.
    ///
    /// # Errors
    /// For every other text; [`tidy`] repairs what mail and clipboards do.
    pub fn read(armored: &str) -> Result<Self, NotASignature> {
        Self::parse(&unarmor(armored)?)
    }

    fn parse(blob: &[u8]) -> Result<Self, NotASignature> {
        let mut rest = blob.strip_prefix(MAGIC).ok_or(NotASignature::Framing)?;
        let version = take_u32(&mut rest).ok_or(NotASignature::Framing)?;
        if version != 1 {
            return Err(NotASignature::Version(version));
        }
        let mut next = || take_string(&mut rest).ok_or(NotASignature::Framing);
        let (key, namespace, reserved, hash, mut signed) =
            (next()?, next()?, next()?, next()?, next()?);
        if !reserved.is_empty() {
            return Err(NotASignature::Reserved);
        }
        let hash = match hash {
            b"sha256" => HashAlg::Sha256,
            b"sha512" => HashAlg::Sha512,
            _ => return Err(NotASignature::Hash),
        };
        let algorithm = take_string(&mut signed).ok_or(NotASignature::Framing)?;
        let signature = take_string(&mut signed).ok_or(NotASignature::Framing)?;
        let trailer = if algorithm.starts_with(b"sk-") { 5 } else { 0 };
        if !rest.is_empty() || signed.len() != trailer {
            return Err(NotASignature::Framing);
        }
        Ok(Self {
            key: key.to_vec(),
            namespace: namespace.to_vec(),
            hash,
            algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
            trailer: signed.to_vec(),
        })
    }
}

/// The bytes the key signs, for a message hashed with SHA-512.
#[must_use]
pub fn to_be_signed(namespace: &str, message: &[u8]) -> Vec<u8> {
    use ssh_key::sha2::{Digest as _, Sha512};
    let mut out = MAGIC.to_vec();
    put_string(&mut out, namespace.as_bytes());
    put_string(&mut out, b"");
    put_string(&mut out, b"sha512");
    put_string(&mut out, &Sha512::digest(message));
    out
}

/// The armored signature, of what a key or an agent gave back for [`to_be_signed`]: the algorithm's name, the signature
/// and, for a hardware key, flags and counter.
///
/// # Errors
/// When the public key has no encoding.
pub fn seal(
    key: &PublicKey,
    namespace: &str,
    signature_blob: &[u8],
) -> Result<String, ssh_key::Error> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&1_u32.to_be_bytes());
    put_string(&mut out, &key.to_bytes()?);
    put_string(&mut out, namespace.as_bytes());
    put_string(&mut out, b"");
    put_string(&mut out, b"sha512");
    put_string(&mut out, signature_blob);
    Ok(armor(&out))
}

/// A signature as mail, chat programs and clipboards leave it, put right: line ends, quoting, blanks, other line lengths,
/// text before and after, dashes that were made into longer ones, and the inside alone, without its BEGIN and END.
///
/// # Errors
/// When there is no whole signature in the text, or more than one.
pub fn tidy(text: &str) -> Result<String, NotASignature> {
    if text.len() > ARMOR_LIMIT {
        return Err(NotASignature::TooLong);
    }
    let label = "SSH SIGNATURE";
    let blob = if text.contains(label) {
        post::unwrap(text, label).ok()
    } else {
        post::decode(text).filter(|blob| blob.starts_with(MAGIC))
    };
    Ok(armor(&blob.ok_or(NotASignature::Armor)?))
}

fn armor(blob: &[u8]) -> String {
    let digits = Base64::encode_string(blob);
    let mut out = String::with_capacity(BEGIN.len() + digits.len() * 71 / 70 + 1 + END.len());
    out.push_str(BEGIN);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % WIDTH == 0 {
            out.push('\n');
        }
        out.push(digit);
    }
    out.push('\n');
    out.push_str(END);
    out
}

fn unarmor(text: &str) -> Result<Vec<u8>, NotASignature> {
    if text.len() > ARMOR_LIMIT {
        return Err(NotASignature::TooLong);
    }
    let digits: String = text
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or(NotASignature::Armor)?
        .split('\n')
        .collect();
    let blob = Base64::decode_vec(&digits).map_err(|_| NotASignature::Armor)?;
    if armor(&blob) == text {
        Ok(blob)
    } else {
        Err(NotASignature::Armor)
    }
}

/// A `uint32` off the front.
#[must_use]
pub fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*head))
}

/// A length-prefixed string off the front, never longer than what is there.
#[must_use]
pub fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut after = *rest;
    let length = usize::try_from(take_u32(&mut after)?).ok()?;
    let (head, tail) = after.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

/// Appends a length-prefixed string. What is longer than `u32::MAX` never gets here: everything is bounded before.
pub fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}
