//! A hardware key in software: it signs SHA256(application) ‖ flags ‖ counter ‖ SHA256(message), as FIDO has it.

use runsheet::evidence::Digest;
use runsheet::trust::sshsig;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::sha2::{Digest as _, Sha256};
use ssh_key::{PrivateKey, PublicKey, Signature, SigningKey};

const APPLICATION: &str = "ssh:";

fn inside() -> PrivateKey {
    let seed = Digest::of(b"the inside of a hardware key").0;
    PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&seed)), "").unwrap()
}

/// What stands of it in `allowed_signers`.
pub fn public() -> PublicKey {
    let key = inside();
    let ed25519 = key.public_key().key_data().ed25519().unwrap();
    PublicKey::from(ssh_key::public::SkEd25519::new(*ed25519, APPLICATION))
}

fn raw<S: SigningKey>(key: &S, message: &[u8]) -> Signature {
    key.try_sign(message).unwrap()
}

/// Its signature, armored; 0x01 among the flags is a touch, 0x04 a pin or a finger.
pub fn sign(flags: u8, namespace: &str, statement: &[u8]) -> String {
    let trailer = [&[flags][..], &9_u32.to_be_bytes()].concat();
    let mut message = Sha256::digest(APPLICATION).to_vec();
    message.extend_from_slice(&trailer);
    let inner = sshsig::to_be_signed(namespace, statement);
    message.extend_from_slice(&Sha256::digest(inner));
    let signature = raw(&inside(), &message);
    let mut blob = Vec::new();
    sshsig::put_string(&mut blob, b"sk-ssh-ed25519@openssh.com");
    sshsig::put_string(&mut blob, signature.as_bytes());
    blob.extend_from_slice(&trailer);
    sshsig::seal(&public(), namespace, &blob).unwrap()
}
