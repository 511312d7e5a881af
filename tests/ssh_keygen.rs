//! Statements, signatures and `allowed_signers` against the real `ssh-keygen`, both ways.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "openssh/judge.rs"]
mod judge;
mod openssh;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use judge::Judge;
use openssh::{Agent, NAMESPACE, STATEMENT, make_key, public, sign};
use proptest::prelude::*;
use runsheet::identity::{Passphrase, Signer, create_key};
use runsheet::trust::sshsig::{put_string, seal, to_be_signed};
use runsheet::trust::{AllowedSigners, Mode, Principal, signature, verify};
use ssh_key::private::Ed25519Keypair;
use ssh_key::sha2::{Digest, Sha256};
use ssh_key::{PrivateKey, PublicKey, SigningKey};

const KINDS: [(&str, &[&str]); 5] = [
    ("ed25519", &["-t", "ed25519"]),
    ("ecdsa256", &["-t", "ecdsa", "-b", "256"]),
    ("ecdsa384", &["-t", "ecdsa", "-b", "384"]),
    ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
];

fn nobody() -> Passphrase {
    Arc::new(|| None)
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn carol() -> Principal {
    Principal::try_from("carol@example.org").unwrap()
}

fn line(key: &str) -> String {
    format!(
        "carol@example.org namespaces=\"approval.v1@runsheet,exercise-approval.v1@runsheet\" {key}"
    )
}

/// Both verifiers accept it for the statement, and neither for a changed one or in another namespace.
fn both_accept(key: &str, armored: &str) {
    let (signers, problems) = AllowedSigners::parse(&line(key));
    assert_eq!(problems, []);
    let judge = Judge::new(&line(key), armored);
    let mut changed = STATEMENT.to_vec();
    changed[30] ^= 1;
    for (statement, mode, expected) in [
        (STATEMENT, Mode::Live, true),
        (&changed, Mode::Live, false),
        (STATEMENT, Mode::Exercise, false),
    ] {
        let ours = verify(statement, armored, mode, &signers, &carol(), noon());
        assert_eq!(ours.is_ok(), expected, "{key}: {ours:?}");
        assert_eq!(
            judge.verify(
                statement,
                "carol@example.org",
                mode.namespace(),
                noon(),
                "UTC"
            ),
            expected,
            "ssh-keygen: {key}"
        );
    }
}

fn by_file(path: &Path, passphrase: Passphrase) -> Signer {
    Signer::from_file(path, None, passphrase).unwrap()
}

#[test]
fn signatures_by_ssh_keygen_verify_here() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in KINDS {
        let key = make_key(folder.path(), name, arguments, "");
        both_accept(&public(&key), &sign(&key, NAMESPACE, STATEMENT));
    }
}

#[test]
fn signatures_with_key_files_verify_with_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in KINDS {
        let key = make_key(folder.path(), name, arguments, "");
        let signer = by_file(&key, nobody());
        assert!(!signer.needs_terminal());
        both_accept(&public(&key), &signer.sign(Mode::Live, STATEMENT).unwrap());
        let public_half = format!("{}.pub", key.display());
        let signer = by_file(Path::new(&public_half), nobody());
        assert_eq!(signer.file(), Some(key.as_path()));
        assert!(signer.sign(Mode::Exercise, STATEMENT).is_ok());
    }
    let made = folder.path().join("new/.ssh/id_ed25519");
    let key = create_key(&made, "Carol's key").unwrap();
    let armored = by_file(&made, nobody()).sign(Mode::Live, STATEMENT);
    both_accept(&key.to_openssh().unwrap(), &armored.unwrap());
    let output = openssh::run(openssh::ssh_keygen().arg("-lf").arg(&made), b"");
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.contains(&signature::fingerprint(&key)), "{listed}");
    assert!(listed.contains("Carol's key"), "{listed}");
}

#[test]
fn encrypted_key_files_sign_with_their_passphrase_only() {
    let folder = tempfile::tempdir().unwrap();
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "correct horse");
    let with = |words: &'static str| -> Passphrase { Arc::new(move || Some(words.to_owned())) };
    let right = by_file(&key, with("correct horse"));
    assert!(!right.needs_terminal() && right.asks());
    both_accept(&public(&key), &right.sign(Mode::Live, STATEMENT).unwrap());
    for (passphrase, says) in [
        (with("battery staple"), "not the passphrase"),
        (nobody(), "needs its passphrase"),
    ] {
        let refused = by_file(&key, passphrase).sign(Mode::Live, STATEMENT);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    for (name, arguments) in &KINDS[1..] {
        let key = make_key(folder.path(), name, arguments, "correct horse");
        assert!(by_file(&key, nobody()).needs_terminal(), "{name}");
    }
}

#[test]
fn a_private_key_in_an_older_format_signs_through_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["-t", "rsa", "-b", "2048", "-m", "PEM"];
    let key = make_key(folder.path(), "pem", &arguments, "");
    let text = std::fs::read_to_string(&key).unwrap();
    assert!(text.contains("BEGIN RSA PRIVATE KEY"));
    let signer = by_file(&key, nobody());
    assert!(!signer.needs_terminal());
    both_accept(&public(&key), &signer.sign(Mode::Live, STATEMENT).unwrap());
    let locked = make_key(folder.path(), "locked", &arguments, "correct horse");
    assert!(by_file(&locked, nobody()).needs_terminal());
}

#[test]
fn signatures_by_the_agent_verify_with_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path());
    let client = runsheet::identity::agent::Agent::at(&agent.socket);
    for (name, arguments) in KINDS {
        let key = make_key(folder.path(), name, arguments, "");
        agent.add(&key);
        std::fs::remove_file(&key).unwrap();
        let public_half = format!("{}.pub", key.display());
        let signer = Signer::from_file(Path::new(&public_half), Some(&client), nobody()).unwrap();
        assert_eq!(signer.file(), None);
        both_accept(&public(&key), &signer.sign(Mode::Live, STATEMENT).unwrap());
    }
    assert_eq!(client.keys().unwrap().len(), KINDS.len());
}

fn raw<K: SigningKey>(key: &K, message: &[u8]) -> Vec<u8> {
    key.try_sign(message).unwrap().as_bytes().to_vec()
}

#[test]
fn signatures_of_hardware_keys_are_read_as_ssh_keygen_reads_them() {
    let keypair = Ed25519Keypair::from_seed(&[3; 32]);
    let key = PublicKey::from(ssh_key::public::SkEd25519::new(
        keypair.public,
        "ssh:runsheet",
    ));
    let trailer = [1, 0, 0, 1, 0];
    let mut message = Sha256::digest("ssh:runsheet").to_vec();
    message.extend_from_slice(&trailer);
    message.extend_from_slice(&Sha256::digest(to_be_signed(NAMESPACE, STATEMENT)));
    let mut blob = Vec::new();
    put_string(&mut blob, b"sk-ssh-ed25519@openssh.com");
    put_string(&mut blob, &raw(&PrivateKey::from(keypair), &message));
    blob.extend_from_slice(&trailer);
    let armored = seal(&key, NAMESPACE, &blob).unwrap();
    both_accept(&key.to_openssh().unwrap(), &armored);
}

/// Two keys, one signature by the first.
struct Pair {
    first: String,
    second: String,
    armored: String,
}

fn pair() -> Pair {
    let golden = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/statements");
        std::fs::read_to_string(path.join(name)).unwrap()
    };
    Pair {
        first: golden("ed25519.pub").trim().to_owned(),
        second: golden("ecdsa256.pub").trim().to_owned(),
        armored: golden("approval.ed25519.sig"),
    }
}

/// What both say about a file; `exact` where every line is one that both must read alike.
fn compare(text: &str, principal: &str, at: DateTime<Utc>, exact: bool) {
    let pair = pair();
    let text = text
        .replace("FIRST", &pair.first)
        .replace("SECOND", &pair.second);
    let (signers, problems) = AllowedSigners::parse(&text);
    let judge = Judge::new(&text, &pair.armored);
    let who = Principal::try_from(principal).unwrap();
    let ours = verify(STATEMENT, &pair.armored, Mode::Live, &signers, &who, at);
    let theirs = judge.verify(STATEMENT, principal, NAMESPACE, at, "UTC");
    if !exact {
        assert!(
            ours.is_err() || theirs,
            "only accepted here: {text}\n{problems:?}"
        );
        return;
    }
    assert_eq!(problems, [], "{text}");
    assert_eq!(ours.is_ok(), theirs, "{principal} {at}: {text}\n{ours:?}");
    let key = PublicKey::from_openssh(&pair.first).unwrap();
    let lists = signers.signers().iter().find(|signer| {
        signer.key.key_data() == key.key_data()
            && signer.valid_after.is_none_or(|from| at >= from)
            && signer.valid_before.is_none_or(|until| at <= until)
    });
    let names: Vec<&str> = lists
        .iter()
        .flat_map(|signer| &signer.principals)
        .map(Principal::as_str)
        .collect();
    assert_eq!(names.join("\n"), judge.principals(at), "{text}");
}

#[test]
fn allowed_signers_is_read_as_ssh_keygen_reads_it() {
    for text in [
        "carol FIRST",
        "carol SECOND\ncarol FIRST",
        "dave FIRST\ncarol SECOND",
        "dave,carol FIRST",
        "\"carol\" FIRST",
        "\"dave,carol\"   FIRST",
        "car\"ol\" FIRST",
        "  \tcarol\tFIRST\r\n",
        "# carol FIRST\n\n  # x\ncarol FIRST a comment",
        "carol namespaces=\"approval.v1@runsheet\" FIRST",
        "carol NAMESPACES=\"git,*@runsheet\" FIRST",
        "carol namespaces=\"git,file\" FIRST",
        "carol namespaces=\"*,!approval.v1@runsheet\" FIRST",
        "carol namespaces=\"!git\" FIRST",
        "carol namespaces=\"approval.v?@runsheet\" FIRST",
        "carol namespaces=\"approval.v1@Runsheet\" FIRST",
        "carol namespaces=\"a b\\\" c,approval.v1@runsheet\"  FIRST",
        "carol namespaces=\"git\" FIRST\ncarol FIRST",
        "carol valid-after=\"20261123120000Z\" FIRST",
        "carol valid-after=\"20261123120001Z\" FIRST",
        "carol valid-before=\"20261123120000Z\" FIRST",
        "carol valid-before=\"20261123115959Z\" FIRST",
        "carol valid-after=\"202611231200utc\" FIRST",
        "carol valid-after=\"20261123z\",valid-before=\"20261124UTC\" FIRST",
        "carol valid-before=\"20200101Z\",namespaces=\"approval.v1@runsheet\" FIRST",
        "carol valid-before=\"20200101Z\" FIRST\ndave FIRST\ncarol valid-after=\"20200101Z\" FIRST",
    ] {
        for principal in ["carol", "dave"] {
            for seconds in [-1, 0, 1] {
                compare(text, principal, noon() + TimeDelta::seconds(seconds), true);
            }
        }
    }
}

#[test]
fn what_is_refused_here_only_takes_away() {
    for text in [
        "* FIRST",
        "car* FIRST",
        "!carol,* FIRST",
        "carol,Dave FIRST",
        "carol cert-authority FIRST",
        "carol namespaces=\"git\",namespaces=\"*\" FIRST",
        "carol verify-required FIRST",
        "carol valid-after=\"20260230Z\" FIRST",
        "carol valid-before=\"20270101Z\"valid-after=\"20260101Z\" FIRST",
        "carol namespaces=\"*\", FIRST",
        "carol\\ FIRST",
        "\"carol FIRST",
        "carol FIRSTX",
        "carol ssh-ed25519FIRST",
    ] {
        compare(text, "carol", noon(), false);
    }
}

#[test]
fn a_time_without_zone_is_accepted_only_when_every_zone_accepts_it() {
    let pair = pair();
    for option in ["valid-after=\"20261123\"", "valid-before=\"20261123\""] {
        let text = format!("carol {option} {}", pair.first);
        let (signers, _) = AllowedSigners::parse(&text);
        let judge = Judge::new(&text, &pair.armored);
        let who = Principal::try_from("carol").unwrap();
        let midnight: DateTime<Utc> = "2026-11-23T00:00:00Z".parse().unwrap();
        let mut accepted = 0;
        for quarter in -60..=60 {
            let at = midnight + TimeDelta::minutes(15 * quarter);
            if verify(STATEMENT, &pair.armored, Mode::Live, &signers, &who, at).is_err() {
                continue;
            }
            accepted += 1;
            for zone in ["UTC", "EAST-14", "WEST12"] {
                assert!(
                    judge.verify(STATEMENT, "carol", NAMESPACE, at, zone),
                    "{zone} {at}"
                );
            }
        }
        assert!(accepted > 3, "{option}: {accepted}");
    }
}

fn options() -> impl Strategy<Value = String> {
    let stamp = "202611(22|23|24)(1200)?(00)?Z"
        .prop_filter("a time has minutes before seconds", |text| text.len() != 11);
    let one = prop_oneof![
        "(approval|exercise|git|\\*|\\?|!|,|\\.v1|@runsheet){1,5}"
            .prop_map(|list| format!("namespaces=\"{list}\"")),
        stamp.clone().prop_map(|at| format!("valid-after=\"{at}\"")),
        stamp.prop_map(|at| format!("valid-before=\"{at}\"")),
    ];
    proptest::collection::vec(one, 0..3).prop_map(|all| all.join(","))
}

fn lines() -> impl Strategy<Value = String> {
    let names = prop_oneof![
        Just("carol"),
        Just("dave"),
        Just("carol,dave"),
        Just("\"dave,carol\"")
    ];
    let key = prop_oneof![3 => Just("FIRST"), 1 => Just("SECOND")];
    let one = (names, options(), key, "[ \t]{1,3}")
        .prop_map(|(names, options, key, space)| format!("{names}{space}{options} {key}"));
    proptest::collection::vec(one, 1..4).prop_map(|all| all.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_allowed_signers_is_read_as_ssh_keygen_reads_it(text in lines(), hours in -30..30_i64) {
        let at = noon() + TimeDelta::hours(hours);
        // ssh-keygen stops at the first line it cannot read; here the others go on counting.
        let (_, problems) = AllowedSigners::parse(&text.replace("FIRST", &pair().first).replace("SECOND", &pair().second));
        if problems.is_empty() {
            compare(&text, "carol", at, true);
        }
    }

    #[test]
    fn no_odd_line_is_accepted_here_only(
        text in "(carol|\"carol\"|car\"ol\"|car|,|\\*)[ \t]{0,2}(namespaces=|valid-after=|valid-before=|\"|\\\\|\\*|,|20261101Z| |=|git){0,7}[ \t]{0,2}FIRST",
    ) {
        compare(&text, "carol", noon(), false);
    }
}
