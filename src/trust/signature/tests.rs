//! Signatures made by `ssh-keygen` hold, and every change to them or to the statement is refused.

use proptest::prelude::*;
use ssh_key::private::Ed25519Keypair;
use ssh_key::sha2::{Digest as _, Sha256};
use ssh_key::{PrivateKey, SigningKey};

use super::*;
use crate::trust::sshsig::{put_string, seal, tidy, to_be_signed};

const APPROVAL: &[u8] = include_bytes!("../../../tests/golden/statements/approval.txt");
const REVIEW: &[u8] = include_bytes!("../../../tests/golden/statements/review.txt");
const CLOSE: &[u8] = include_bytes!("../../../tests/golden/statements/close.txt");

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../../tests/golden/statements/", $name))
    };
}

const ED25519: &str = golden!("approval.ed25519.sig");

fn signers() -> AllowedSigners {
    let (signers, problems) = AllowedSigners::parse(golden!("allowed_signers"));
    assert_eq!(problems, []);
    signers
}

fn carol() -> Principal {
    Principal::try_from("carol@example.org").unwrap()
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn verified(statement: &[u8], armored: &str) -> Result<Verified, SignatureError> {
    verify(statement, armored, Mode::Live, &signers(), &carol(), noon())
}

#[test]
fn signatures_by_ssh_keygen_hold_for_every_kind_of_key() {
    for (armored, algorithm) in [
        (ED25519, "ssh-ed25519"),
        (golden!("approval.ed25519-sha256.sig"), "ssh-ed25519"),
        (golden!("approval.ecdsa256.sig"), "ecdsa-sha2-nistp256"),
        (golden!("approval.ecdsa384.sig"), "ecdsa-sha2-nistp384"),
        (golden!("approval.ecdsa521.sig"), "ecdsa-sha2-nistp521"),
        (golden!("approval.rsa2048.sig"), "rsa-sha2-512"),
    ] {
        let found = verified(APPROVAL, armored).unwrap();
        assert_eq!(found.algorithm, algorithm);
        assert_eq!(found.principal, carol());
        assert_eq!((found.user_presence, found.user_verified), (None, None));
        assert!(found.fingerprint.starts_with("SHA256:"));
    }
    assert!(verified(REVIEW, golden!("review.ed25519.sig")).is_ok());
    assert!(verified(CLOSE, golden!("close.ed25519.sig")).is_ok());
}

#[test]
fn case_16_signature_in_namespace_git_or_file_approves_nothing() {
    for armored in [
        golden!("approval.git.sig"),
        golden!("approval.file.sig"),
        golden!("approval.exercise.sig"),
    ] {
        let refused = verified(APPROVAL, armored).unwrap_err();
        assert!(
            matches!(refused, SignatureError::Namespace { .. }),
            "{refused}"
        );
    }
    let exercise = golden!("approval.exercise.sig");
    assert!(check(APPROVAL, exercise, Mode::Exercise).is_ok());
    assert!(check(APPROVAL, ED25519, Mode::Exercise).is_err());
}

#[test]
fn a_signature_over_another_statement_does_not_hold() {
    assert_eq!(verified(REVIEW, ED25519), Err(SignatureError::Mismatch));
    assert_eq!(verified(b"", ED25519), Err(SignatureError::Mismatch));
    let long = [b'x'; 4097];
    assert_eq!(
        verified(&long, ED25519),
        Err(SignatureError::StatementTooLong)
    );
}

#[test]
fn any_byte_of_the_statement_flipped_voids_the_signature() {
    for at in 0..APPROVAL.len() {
        let mut statement = APPROVAL.to_vec();
        statement[at] ^= 1 << (at % 8);
        assert_eq!(
            verified(&statement, ED25519),
            Err(SignatureError::Mismatch),
            "byte {at}"
        );
    }
}

#[test]
fn any_bit_of_the_armored_signature_flipped_voids_it() {
    for armored in [ED25519, golden!("approval.ecdsa256.sig")] {
        for at in 0..armored.len() {
            for bit in 0..8 {
                let mut bytes = armored.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                if let Ok(text) = String::from_utf8(bytes) {
                    assert!(verified(APPROVAL, &text).is_err(), "byte {at} bit {bit}");
                }
            }
        }
    }
}

#[test]
fn any_byte_of_the_armored_signature_left_out_or_doubled_voids_it() {
    for at in 0..ED25519.len() {
        let mut shorter = ED25519.to_owned();
        let byte = shorter.remove(at);
        assert!(verified(APPROVAL, &shorter).is_err(), "byte {at}");
        shorter.insert(at, byte);
        shorter.insert(at, byte);
        assert!(verified(APPROVAL, &shorter).is_err(), "byte {at}");
    }
}

#[test]
fn what_mail_does_to_a_signature_can_be_put_right() {
    let indented = ED25519.replace('\n', "\r\n    ");
    let quoted = format!("Hello,\n\n{ED25519}\n-- \nCarol");
    let rewrapped: String = ED25519
        .lines()
        .flat_map(|line| {
            let (head, tail) = line.split_at(if line.starts_with('-') {
                line.len()
            } else {
                line.len().min(64)
            });
            [head, tail]
        })
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    let answered: String = ED25519.lines().map(|line| format!("> {line}\n")).collect();
    let inside = ED25519
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let prettier = ED25519
        .replace("-----", "—–-")
        .replace('\n', "\u{a0}\n\u{200b}");
    for changed in [
        indented,
        quoted,
        rewrapped,
        ED25519.trim_end().to_owned(),
        answered,
        inside,
        prettier,
    ] {
        assert!(verified(APPROVAL, &changed).is_err());
        assert_eq!(tidy(&changed).as_deref(), Ok(ED25519));
    }
    for wrong in ["", "hello", &ED25519.repeat(2), &ED25519[..200]] {
        assert!(tidy(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn nobody_signs_as_somebody_else_or_outside_their_time() {
    let key = golden!("ed25519.pub");
    let at = |line: String, who: &str| {
        let (signers, problems) = AllowedSigners::parse(&line);
        assert_eq!(problems, []);
        let who = Principal::try_from(who).unwrap();
        verify(APPROVAL, ED25519, Mode::Live, &signers, &who, noon()).map(|found| found.principal)
    };
    assert!(at(format!("carol {key}"), "carol").is_ok());
    assert!(matches!(
        at(format!("carol {key}"), "alice"),
        Err(SignatureError::NotAllowed(NotAllowed::Principal(_)))
    ));
    let other = golden!("ecdsa256.pub");
    assert!(matches!(
        at(format!("carol {other}\nalice {key}"), "carol"),
        Err(SignatureError::NotAllowed(NotAllowed::Key { .. }))
    ));
    assert!(matches!(
        at(format!("carol namespaces=\"git\" {key}"), "carol"),
        Err(SignatureError::NotAllowed(NotAllowed::Namespace { .. }))
    ));
    assert!(matches!(
        at(
            format!("carol valid-before=\"20261123115959Z\" {key}"),
            "carol"
        ),
        Err(SignatureError::NotAllowed(NotAllowed::Expired { .. }))
    ));
    assert!(matches!(
        at(
            format!("carol valid-after=\"20261123120001Z\" {key}"),
            "carol"
        ),
        Err(SignatureError::NotAllowed(NotAllowed::NotYet { .. }))
    ));
}

fn raw<S: SigningKey>(key: &S, message: &[u8]) -> Signature {
    key.try_sign(message).unwrap()
}

/// What a hardware key with these flags answers.
fn hardware(flags: u8) -> (PublicKey, String) {
    let keypair = Ed25519Keypair::from_seed(&[7; 32]);
    let key = PublicKey::from(ssh_key::public::SkEd25519::new(keypair.public, "ssh:"));
    let trailer = [&[flags][..], &9_u32.to_be_bytes()].concat();
    let mut message = Sha256::digest("ssh:").to_vec();
    message.extend_from_slice(&trailer);
    message.extend_from_slice(&Sha256::digest(to_be_signed(
        Mode::Live.namespace(),
        APPROVAL,
    )));
    let signature = raw(&PrivateKey::from(keypair), &message);
    let mut blob = Vec::new();
    put_string(&mut blob, b"sk-ssh-ed25519@openssh.com");
    put_string(&mut blob, signature.as_bytes());
    blob.extend_from_slice(&trailer);
    let armored = seal(&key, Mode::Live.namespace(), &blob).unwrap();
    (key, armored)
}

#[test]
fn case_18_hardware_key_without_touch_does_not_count() {
    for flags in [0x01, 0x05] {
        let (key, armored) = hardware(flags);
        let (signers, _) = AllowedSigners::parse(&format!("carol {}", key.to_openssh().unwrap()));
        let who = Principal::try_from("carol").unwrap();
        let found = verify(APPROVAL, &armored, Mode::Live, &signers, &who, noon()).unwrap();
        assert_eq!(found.user_presence, Some(true));
        assert_eq!(found.user_verified, Some(flags & 0x04 != 0));
        assert!(is_hardware(&found.key));
        assert_eq!(found.algorithm, "sk-ssh-ed25519@openssh.com");
    }
    for flags in [0x00, 0x04] {
        let (_, armored) = hardware(flags);
        assert_eq!(
            check(APPROVAL, &armored, Mode::Live),
            Err(SignatureError::NotTouched)
        );
    }
    let (key, _) = hardware(1);
    let (_, untouched) = hardware(0);
    let mut envelope = Envelope::read(&untouched).unwrap();
    envelope.trailer[0] |= USER_PRESENT;
    let mut blob = Vec::new();
    put_string(&mut blob, &envelope.algorithm);
    put_string(&mut blob, &envelope.signature);
    blob.extend_from_slice(&envelope.trailer);
    let claimed = seal(&key, Mode::Live.namespace(), &blob).unwrap();
    assert_eq!(
        check(APPROVAL, &claimed, Mode::Live),
        Err(SignatureError::Mismatch)
    );
}

/// An envelope with every part as given.
fn envelope(version: u32, reserved: &[u8], hash: &[u8], algorithm: &[u8], tail: &[u8]) -> String {
    let good = Envelope::read(ED25519).unwrap();
    let mut blob = b"SSHSIG".to_vec();
    blob.extend_from_slice(&version.to_be_bytes());
    put_string(&mut blob, &good.key);
    put_string(&mut blob, &good.namespace);
    put_string(&mut blob, reserved);
    put_string(&mut blob, hash);
    let mut signed = Vec::new();
    put_string(&mut signed, algorithm);
    put_string(&mut signed, &good.signature);
    put_string(&mut blob, &signed);
    blob.extend_from_slice(tail);
    use base64ct::Encoding as _;
    tidy(&format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        base64ct::Base64::encode_string(&blob)
    ))
    .unwrap()
}

#[test]
fn an_envelope_of_another_shape_is_refused() {
    let read = |version, reserved, hash, algorithm, tail| {
        verified(
            APPROVAL,
            &envelope(version, reserved, hash, algorithm, tail),
        )
        .map(|_| ())
    };
    let kind = b"ssh-ed25519";
    assert_eq!(read(1, b"", b"sha512", kind, b""), Ok(()));
    let refused = |error: NotASignature| Err(SignatureError::Envelope(error));
    assert_eq!(
        read(0, b"", b"sha512", kind, b""),
        refused(NotASignature::Version(0))
    );
    assert_eq!(
        read(2, b"", b"sha512", kind, b""),
        refused(NotASignature::Version(2))
    );
    assert_eq!(
        read(1, b"x", b"sha512", kind, b""),
        refused(NotASignature::Reserved)
    );
    assert_eq!(
        read(1, b"", b"sha1", kind, b""),
        refused(NotASignature::Hash)
    );
    assert_eq!(
        read(1, b"", b"sha512", kind, b"x"),
        refused(NotASignature::Framing)
    );
    for algorithm in [&b"ssh-rsa"[..], b"rsa-sha2-512", b"none", b""] {
        assert!(matches!(
            read(1, b"", b"sha512", algorithm, b""),
            Err(SignatureError::Algorithm { .. })
        ));
    }
    let long = format!("{ED25519}{}", "A".repeat(16 * 1024));
    assert_eq!(
        verified(APPROVAL, &long).map(|_| ()),
        refused(NotASignature::TooLong)
    );
}

#[test]
fn rsa_with_sha1_and_short_rsa_keys_are_refused() {
    let good = Envelope::read(golden!("approval.rsa2048.sig")).unwrap();
    let key = PublicKey::from_bytes(&good.key).unwrap();
    for algorithm in [&b"ssh-rsa"[..], b"ssh-ed25519", b"ssh-dss"] {
        let mut blob = Vec::new();
        put_string(&mut blob, algorithm);
        put_string(&mut blob, &good.signature);
        let armored = seal(&key, Mode::Live.namespace(), &blob).unwrap();
        assert!(matches!(
            check(APPROVAL, &armored, Mode::Live),
            Err(SignatureError::Algorithm { .. })
        ));
    }
    let short = PublicKey::from_openssh(golden!("rsa1024.pub")).unwrap();
    assert_eq!(accept(&short), Err(KeyRefused::RsaSize(1024)));
    let KeyData::Rsa(mut rsa) = short.key_data().clone() else {
        unreachable!()
    };
    for (modulus, refused) in [
        (&[0xff; 513][..], KeyRefused::RsaSize(4104)),
        (&[0x7f; 256], KeyRefused::RsaSize(2047)),
        (&[0xfe; 256], KeyRefused::Malformed),
    ] {
        rsa.n = ssh_key::Mpint::from_positive_bytes(modulus).unwrap();
        assert_eq!(accept(&PublicKey::from(rsa.clone())), Err(refused));
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = verified(APPROVAL, &text);
        let _ = tidy(&text);
        use base64ct::Encoding as _;
        for blob in [bytes.clone(), [b"SSHSIG\0\0\0\x01", &bytes[..]].concat()] {
            let digits = base64ct::Base64::encode_string(&blob);
            if let Ok(armored) = tidy(&format!(
                "-----BEGIN SSH SIGNATURE-----{digits}-----END SSH SIGNATURE-----"
            )) {
                prop_assert!(verified(APPROVAL, &armored).is_err());
            }
        }
    }

    #[test]
    fn no_key_and_signature_bytes_make_it_panic(
        which in 0..5_usize,
        kind in 0..9_usize,
        key in proptest::collection::vec(any::<u8>(), 0..80),
        signature in proptest::collection::vec(any::<u8>(), 0..140),
    ) {
        const KINDS: [&[u8]; 9] = [
            b"ssh-ed25519", b"sk-ssh-ed25519@openssh.com", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384",
            b"ecdsa-sha2-nistp521", b"sk-ecdsa-sha2-nistp256@openssh.com", b"rsa-sha2-256", b"rsa-sha2-512", b"ssh-dss",
        ];
        let files = [
            ED25519, golden!("approval.ecdsa256.sig"), golden!("approval.ecdsa384.sig"),
            golden!("approval.ecdsa521.sig"), golden!("approval.rsa2048.sig"),
        ];
        let good = Envelope::read(files[which]).unwrap();
        let real = PublicKey::from_bytes(&good.key).unwrap();
        let mut blob = Vec::new();
        put_string(&mut blob, KINDS[kind]);
        put_string(&mut blob, &signature);
        let armored = seal(&real, Mode::Live.namespace(), &blob).unwrap();
        prop_assert!(verified(APPROVAL, &armored).is_err());
        let mut odd = good.key.clone();
        odd.truncate(odd.len() - key.len().min(odd.len()));
        odd.extend_from_slice(&key);
        let _ = public_key(&odd);
        let _ = public_key(&key);
    }
}
