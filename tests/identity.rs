//! Who is at the keyboard, with a real agent and real key files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod openssh;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use openssh::{Agent, NAMESPACE, STATEMENT, make_key, public, ssh_keygen};
use runsheet::identity::{
    Asked, Environment, Identity, IdentityError, Origin, Passphrase, Signer, Source, candidates,
    create_key, identify,
};
use runsheet::trust::{AllowedSigners, Mode, Principal, signature};

fn nobody() -> Passphrase {
    Arc::new(|| None)
}

fn principal(text: &str) -> Principal {
    Principal::try_from(text).unwrap()
}

fn signers(lines: &[(&str, &str)]) -> AllowedSigners {
    let text: String = lines
        .iter()
        .map(|(names, key)| format!("{names} {key}\n"))
        .collect();
    let (signers, problems) = AllowedSigners::parse(&text);
    assert_eq!(problems, []);
    signers
}

fn who(
    asked: &Asked,
    environment: &Environment,
    signers: &AllowedSigners,
) -> Result<Identity, IdentityError> {
    identify(asked, environment, signers, &nobody())
}

fn asked(name: Option<&str>, key: Option<&Path>) -> Asked {
    Asked {
        principal: name.map(principal),
        key: key.map(Path::to_owned),
    }
}

#[test]
fn the_first_key_of_the_agent_that_allowed_signers_knows_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path());
    let stranger = make_key(folder.path(), "stranger", &["-t", "ed25519"], "");
    let alice = make_key(folder.path(), "alice", &["-t", "ecdsa"], "");
    let bob = make_key(folder.path(), "bob", &["-t", "ed25519"], "");
    for key in [&stranger, &alice, &bob] {
        agent.add(key);
    }
    let signers = signers(&[
        ("bob@example.org,bob", &public(&bob)),
        ("alice@example.org", &public(&alice)),
    ]);
    let environment = Environment {
        ssh_auth_sock: Some(agent.socket.clone()),
        git_email: Some("eve@example.org".to_owned()),
        ..Environment::default()
    };
    let found = who(&Asked::default(), &environment, &signers).unwrap();
    assert_eq!(found.principal, principal("alice@example.org"));
    assert_eq!(found.origin, Origin::Agent);
    let armored = found.signer.unwrap().sign(Mode::Live, STATEMENT).unwrap();
    assert!(signature::check(STATEMENT, &armored, Mode::Live).is_ok());

    let found = who(&asked(Some("bob"), None), &environment, &signers).unwrap();
    assert_eq!(found.principal, principal("bob"));
    assert_eq!(found.origin, Origin::Asked);
    assert!(found.signer.is_some() && found.notes.is_empty());

    let found = who(&asked(Some("carol"), None), &environment, &signers).unwrap();
    assert_eq!(found.principal, principal("carol"));
    assert!(found.signer.is_none() && found.notes[0].contains("no key of carol"));
}

#[test]
fn without_a_key_git_names_somebody_who_cannot_sign() {
    let signers = AllowedSigners::default();
    let with = |email: Option<&str>| Environment {
        git_email: email.map(str::to_owned),
        ssh_auth_sock: Some("/nonexistent/agent".into()),
        ..Environment::default()
    };
    let found = who(
        &Asked::default(),
        &with(Some(" Alice@Example.org\n")),
        &signers,
    )
    .unwrap();
    assert_eq!(found.principal, principal("alice@example.org"));
    assert_eq!(found.origin, Origin::GitEmail);
    assert!(found.signer.is_none());
    assert!(
        found.notes.iter().any(|note| note.contains("/nonexistent")),
        "{:?}",
        found.notes
    );
    let refused = who(
        &Asked::default(),
        &with(Some("élise@example.org")),
        &signers,
    );
    assert!(matches!(refused, Err(IdentityError::Email(_))));
    for nothing in [None, Some(""), Some("  ")] {
        let refused = who(&Asked::default(), &with(nothing), &signers);
        assert!(matches!(refused, Err(IdentityError::Nobody)));
    }
}

#[test]
fn a_key_file_names_its_only_principal_and_else_asks_which() {
    let folder = tempfile::tempdir().unwrap();
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "");
    let environment = Environment::default();
    let line = public(&key);
    let one = signers(&[("alice", &line)]);
    let found = who(&asked(None, Some(&key)), &environment, &one).unwrap();
    assert_eq!(found.principal, principal("alice"));
    assert!(found.signer.is_some() && found.notes.is_empty());

    let two = signers(&[("alice,bob", &line)]);
    let refused = who(&asked(None, Some(&key)), &environment, &two);
    assert!(
        matches!(&refused, Err(IdentityError::KeyOfSeveral { principals, .. }) if principals.len() == 2)
    );
    let found = who(&asked(Some("bob"), Some(&key)), &environment, &two).unwrap();
    assert_eq!(found.principal, principal("bob"));

    let none = AllowedSigners::default();
    let refused = who(&asked(None, Some(&key)), &environment, &none);
    assert!(matches!(refused, Err(IdentityError::KeyOfNobody { .. })));
    let found = who(&asked(Some("eve"), Some(&key)), &environment, &none).unwrap();
    assert!(found.notes[0].contains("do not count"), "{:?}", found.notes);

    let configured = Environment {
        key_files: vec![folder.path().join("missing"), key.clone()],
        ..environment
    };
    let found = who(&Asked::default(), &configured, &one).unwrap();
    assert_eq!(found.origin, Origin::KeyFile(key));
    assert!(found.signer.is_some() && found.notes.len() == 1);
}

#[test]
fn an_encrypted_key_that_the_agent_holds_needs_no_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path());
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "");
    agent.add(&key);
    let output = openssh::run(
        ssh_keygen()
            .args(["-q", "-p", "-P", "", "-N", "correct horse", "-f"])
            .arg(&key),
        b"",
    );
    assert!(output.status.success(), "{output:?}");
    let environment = Environment {
        ssh_auth_sock: Some(agent.socket.clone()),
        ..Environment::default()
    };
    let signers = signers(&[("alice", &public(&key))]);
    let found = who(&asked(None, Some(&key)), &environment, &signers).unwrap();
    assert!(found.signer.unwrap().sign(Mode::Live, STATEMENT).is_ok());
    let found = who(&asked(None, Some(&key)), &Environment::default(), &signers).unwrap();
    assert!(found.signer.unwrap().sign(Mode::Live, STATEMENT).is_err());
}

#[test]
fn a_public_key_alone_cannot_sign() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path());
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "");
    let alone = folder.path().join("other.pub");
    fs::copy(folder.path().join("key.pub"), &alone).unwrap();
    // A private key of the name, but another one.
    make_key(folder.path(), "other2", &["-t", "ed25519"], "");
    fs::rename(folder.path().join("other2"), folder.path().join("other")).unwrap();
    let client = runsheet::identity::agent::Agent::at(&agent.socket);
    let refused = Signer::from_file(&alone, Some(&client), nobody()).unwrap_err();
    assert!(
        refused.to_string().contains("only a public key"),
        "{refused}"
    );
    agent.add(&key);
    let signer = Signer::from_file(&alone, Some(&client), nobody()).unwrap();
    assert!(signer.sign(Mode::Live, STATEMENT).is_ok());
    drop(agent);
    let refused = signer.sign(Mode::Live, STATEMENT).unwrap_err();
    assert!(
        refused.to_string().contains("cannot be reached"),
        "{refused}"
    );
}

#[test]
fn files_that_are_no_keys_or_open_to_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |path: &Path| {
        Signer::from_file(path, None, nobody())
            .unwrap_err()
            .to_string()
    };
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refusal(&key).contains("chmod 600"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(Signer::from_file(&key, None, nobody()).is_ok());

    for (name, bytes) in [
        ("text", &b"hello"[..]),
        ("empty", b""),
        ("binary", &[0xff; 100]),
        ("large", &[b'x'; 70_000]),
        ("half", &fs::read(&key).unwrap()[..200]),
        ("pem", b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(refusal(&path).contains(name), "{name}");
    }
    assert!(refusal(&folder.path().join("missing")).contains("missing"));
    assert!(refusal(folder.path()).contains("not a regular file"));
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    assert!(refusal(&fifo).contains("not a regular file"));
    let weak = make_key(folder.path(), "weak", &["-t", "rsa", "-b", "1024"], "");
    assert!(refusal(&weak).contains("1024 bits"));
}

#[test]
fn a_key_that_was_exchanged_after_it_was_chosen_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "");
    let signer = Signer::from_file(&key, None, nobody()).unwrap();
    let other = make_key(folder.path(), "other", &["-t", "ed25519"], "");
    fs::rename(other, &key).unwrap();
    let refused = signer.sign(Mode::Live, STATEMENT).unwrap_err();
    assert!(refused.to_string().contains("another key"), "{refused}");
}

#[test]
fn a_new_key_is_private_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home/.ssh/id_ed25519");
    let key = create_key(&path, "alice@example.org").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("home/.ssh")), 0o700);
    assert!(public(&path).ends_with(" alice@example.org\n"));
    let before = fs::read(&path).unwrap();
    assert!(create_key(&path, "x").is_err());
    fs::remove_file(folder.path().join("home/.ssh/id_ed25519.pub")).unwrap();
    assert!(create_key(&path, "x").is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(create_key(&folder.path().join("other"), "a\nb").is_err());
    assert!(!folder.path().join("other").exists());
    assert_ne!(
        create_key(&folder.path().join("second"), "")
            .unwrap()
            .key_data(),
        key.key_data()
    );
}

#[test]
fn the_first_start_is_offered_the_agents_keys_and_those_of_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    let agent = Agent::start(folder.path());
    let held = make_key(&ssh, "id_ecdsa", &["-t", "ecdsa"], "");
    agent.add(&held);
    let rsa = make_key(&ssh, "id_a", &["-t", "rsa", "-b", "2048"], "");
    let ed25519 = make_key(&ssh, "id_b", &["-t", "ed25519"], "locked");
    make_key(&ssh, "id_weak", &["-t", "rsa", "-b", "1024"], "");
    make_key(&ssh, "other", &["-t", "ed25519"], "");
    let lonely = make_key(&ssh, "id_lonely", &["-t", "ed25519"], "");
    fs::remove_file(lonely).unwrap();
    fs::write(ssh.join("id_broken.pub"), "hello").unwrap();
    let environment = Environment {
        home: Some(folder.path().to_owned()),
        ssh_auth_sock: Some(agent.socket.clone()),
        ..Environment::default()
    };
    let sources = |environment: &Environment| {
        let found = candidates(environment);
        let sources: Vec<Source> = found.keys.into_iter().map(|key| key.source).collect();
        (sources, found.notes)
    };
    let (found, notes) = sources(&environment);
    assert_eq!(
        found,
        [
            Source::Agent,
            Source::File(ed25519.clone()),
            Source::File(rsa.clone())
        ]
    );
    assert_eq!(notes, Vec::<String>::new());
    drop(agent);
    let (found, notes) = sources(&environment);
    assert_eq!(
        found,
        [Source::File(ed25519), Source::File(held), Source::File(rsa)]
    );
    assert_eq!(notes, ["no ssh agent is running"]);
    assert_eq!(sources(&Environment::default()).0, []);
}

#[test]
fn what_signs_here_names_the_namespace_of_the_mode() {
    let folder = tempfile::tempdir().unwrap();
    let key = make_key(folder.path(), "key", &["-t", "ed25519"], "");
    let signer = Signer::from_file(&key, None, nobody()).unwrap();
    assert_eq!(Mode::Live.namespace(), NAMESPACE);
    let practice = signer.sign(Mode::Exercise, STATEMENT).unwrap();
    assert!(signature::check(STATEMENT, &practice, Mode::Live).is_err());
    assert_ne!(practice, openssh::sign(&key, NAMESPACE, STATEMENT));
    let live = signer.sign(Mode::Live, STATEMENT).unwrap();
    assert_eq!(live, openssh::sign(&key, NAMESPACE, STATEMENT));
}
