//! A new library, its people, and the commits that change them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::fs;
use std::path::Path;

use runsheet::library::change::Change;
use runsheet::library::people::{self, NewPerson};
use runsheet::library::seed::{POLICY_TEMPLATE, create, shipped};
use runsheet::library::{Author, Library, LibraryError, Pin};

mod support;
use support::{ALICE, CAROL, alice, at, carol, commit, git, repository};

const NOW: &str = "2026-11-23T10:00:00+01:00";

fn author() -> Author {
    Author {
        name: "Alice Ames".to_owned(),
        email: "alice@example.org".to_owned(),
    }
}

fn seeded(dir: &Path) -> (Library, Pin) {
    let pin = create(dir, shipped(), &alice(), at(NOW)).unwrap();
    (Library::open_path(dir).unwrap(), pin)
}

fn text(library: &Library, path: &str) -> String {
    let pin = library.pin().unwrap();
    String::from_utf8(library.read(&pin, path).unwrap().bytes).unwrap()
}

fn make(library: &Library, change: &Change) -> Pin {
    library.commit(change, &author(), at(NOW)).unwrap()
}

#[test]
fn a_new_library_has_the_shipped_runbooks_its_first_person_and_a_clean_work_tree() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("library");
    let (library, pin) = seeded(&place);
    assert_eq!(pin.author_email, "alice@example.org");
    assert_eq!(pin.branch.as_deref(), Some("main"));
    assert_eq!(pin.date, at(NOW));
    assert_eq!(git(&place, &["status", "--porcelain"]), "");
    git(&place, &["fsck", "--strict"]);
    let listing = library.entries(&pin).unwrap();
    assert!(!listing.entries.is_empty() && listing.skipped.is_empty());
    assert_eq!(listing.entries.len(), shipped().len());
    let members = people::list(&library, &pin).unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].roles.len(), 5);
    assert_eq!(members[0].keys.len(), 1);
    assert!(members[0].keys[0].starts_with("SHA256:"));
    let policy = text(&library, "policy.yaml");
    assert!(policy.contains(
        "  alice: {name: Alice Ames, principals: [alice@example.org], accounts: [alice], roles: ["
    ));
    assert!(policy.contains("unknown_authors"), "comments stay");
    let signers = text(&library, "allowed_signers");
    assert!(signers.ends_with(&format!("alice@example.org {ALICE}\n")));
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing beside it"
    );
}

#[test]
fn ssh_keygen_understands_the_signers_file() {
    let dir = tempfile::tempdir().unwrap();
    let (library, _) = seeded(&dir.path().join("library"));
    make(&library, &people::add(&library, &carol()).unwrap());
    let key = dir.path().join("key");
    let run = |args: &[&str]| {
        let done = std::process::Command::new("ssh-keygen")
            .args(args)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    run(&["-q", "-t", "ed25519", "-N", "", "-f", key.to_str().unwrap()]);
    let dave = NewPerson {
        id: "dave".to_owned(),
        principal: "dave@example.org".to_owned(),
        public_key_line: fs::read_to_string(key.with_extension("pub")).unwrap(),
        ..carol()
    };
    make(&library, &people::add(&library, &dave).unwrap());
    let signers = dir.path().join("signers");
    fs::write(&signers, text(&library, "allowed_signers")).unwrap();
    let message = dir.path().join("message");
    fs::write(&message, "x").unwrap();
    run(&[
        "-q",
        "-Y",
        "sign",
        "-n",
        "test",
        "-f",
        key.to_str().unwrap(),
        message.to_str().unwrap(),
    ]);
    let signature = dir.path().join("message.sig");
    let found = run(&[
        "-Y",
        "find-principals",
        "-f",
        signers.to_str().unwrap(),
        "-s",
        signature.to_str().unwrap(),
    ]);
    assert_eq!(found.trim(), "dave@example.org");
}

#[test]
fn the_same_arguments_make_the_same_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (_, first) = seeded(&dir.path().join("a"));
    let (_, second) = seeded(&dir.path().join("b"));
    assert_eq!(first, second);
}

#[test]
fn a_directory_in_use_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "x").unwrap();
    let refused = create(dir.path(), shipped(), &alice(), at(NOW)).unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    create(&empty, shipped(), &alice(), at(NOW)).unwrap();
}

#[test]
fn a_person_is_added_and_removed_with_a_look_at_the_change_first() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("library");
    let (library, start) = seeded(&place);
    let before = (
        text(&library, "policy.yaml"),
        text(&library, "allowed_signers"),
    );
    let change = people::add(&library, &carol()).unwrap();
    let diff = change.diff().unwrap();
    let added: Vec<_> = diff
        .lines()
        .filter(|line| line.starts_with('+') && !line.starts_with("+++"))
        .collect();
    assert_eq!(
        added,
        [
            "+  carol: {name: 'Carol O''Chu: ops', principals: [carol@example.org], roles: [approver]}".to_owned(),
            format!("+carol@example.org {CAROL}"),
        ]
    );
    assert!(
        !diff
            .lines()
            .any(|line| line.starts_with('-') && !line.starts_with("---")),
        "{diff}"
    );
    assert_eq!(library.pin().unwrap(), start, "a look changes nothing");
    let pin = make(&library, &change);
    assert_eq!(pin.subject, "Add carol as approver");
    assert_eq!(
        git(&place, &["status", "--porcelain"]),
        "",
        "the work tree followed"
    );
    assert!(
        fs::read_to_string(place.join("policy.yaml"))
            .unwrap()
            .contains("carol")
    );
    assert!(library.trusts(&start.commit).unwrap());
    let names: Vec<_> = people::list(&library, &pin)
        .unwrap()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["Alice Ames", "Carol O'Chu: ops"]);

    make(&library, &people::remove(&library, "carol").unwrap());
    let after = (
        text(&library, "policy.yaml"),
        text(&library, "allowed_signers"),
    );
    assert_eq!(after, before);
    let refused = people::remove(&library, "alice").unwrap_err();
    assert!(refused.to_string().contains("last person"), "{refused}");
    assert!(people::remove(&library, "nobody").is_err());
}

#[test]
fn who_is_there_already_and_malformed_people_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let (library, _) = seeded(&dir.path().join("library"));
    type Spoil = fn(&mut NewPerson);
    let wrong: [(Spoil, &str); 12] = [
        (|it| it.id = "alice".to_owned(), "already"),
        (
            |it| it.principal = "alice@example.org".to_owned(),
            "belongs to `alice`",
        ),
        (
            |it| it.public_key_line = ALICE.to_owned(),
            "one key is one person",
        ),
        (
            |it| it.public_key_line = ALICE.replace("alice@laptop", "other"),
            "one key is one person",
        ),
        (|it| it.id = "Carol".to_owned(), "short name"),
        (|it| it.id = "c: {}".to_owned(), "short name"),
        (
            |it| it.principal = "Carol@example.org".to_owned(),
            "no principal",
        ),
        (
            |it| it.principal = "*@example.org".to_owned(),
            "no principal",
        ),
        (|it| it.name = "two\nlines".to_owned(), "one line"),
        (|it| it.roles.clear(), "needs a role"),
        (
            |it| it.public_key_line = "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
            "private key",
        ),
        (
            |it| it.public_key_line = "ssh-ed25519 AAAA".to_owned(),
            "no SSH public key",
        ),
    ];
    for (spoil, words) in wrong {
        let mut person = carol();
        spoil(&mut person);
        let refused = people::add(&library, &person).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn names_that_yaml_would_read_as_something_else_arrive_as_they_are() {
    for name in [
        "no",
        "Ümit Ö",
        "a: b",
        "it's # fine",
        "{x}",
        "~",
        "1e3",
        "- x",
        "\"q\"",
        "trailing ",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (library, _) = seeded(&dir.path().join("library"));
        let person = NewPerson {
            name: name.to_owned(),
            ..carol()
        };
        let pin = make(&library, &people::add(&library, &person).unwrap());
        let found = people::list(&library, &pin).unwrap();
        assert!(
            found.iter().any(|it| it.name == name),
            "{name:?}: {found:?}"
        );
    }
}

#[test]
fn policies_in_other_shapes_are_edited_or_refused_but_never_spoiled() {
    let block = "# top\npeople:   # who\n    bob:\n      name: Bob\n      principals: [bob@example.org]\n      # about bob\n      roles: [operator]\n\n    # the next\n    eve:\n      principals: [eve@example.org]\n      roles: [approver]\n# end\ncheckpoints: []\n";
    let cases = [
        ("", Some("\npeople:\n  carol: {")),
        (
            "checkpoints: []",
            Some("checkpoints: []\n\npeople:\n  carol: {"),
        ),
        ("people:\ncheckpoints: []\n", Some("people:\n  carol: {")),
        (
            "people: {} # nobody\n",
            Some("people: # nobody\n  carol: {"),
        ),
        (block, Some("roles: [approver]\n    carol: {")),
        ("people: {bob: {roles: [operator]}}\n", None),
        ("{people: {bob: {roles: [operator]}}}\n", None),
        ("note: |\n  x\npeople: &p\n  bob: {}\n", None),
        ("- a\n- b\n", None),
        ("people: [\n", None),
    ];
    for (policy, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = repository(&dir.path().join("lib"));
        commit(&path, "policy.yaml", policy, "Policy");
        let library = Library::open_path(&path).unwrap();
        match (people::add(&library, &carol()), expected) {
            (Ok(change), Some(part)) => {
                let after = format!("\n{}", change.files[0].after);
                assert!(after.contains(part), "{after}");
                make(&library, &change);
            }
            (Err(LibraryError::Refused(_)), None) => {}
            (other, _) => panic!("{policy:?}: {other:?}"),
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = repository(&dir.path().join("lib"));
    commit(&path, "policy.yaml", block, "Policy");
    let signers =
        format!("# keys\nbob@example.org,eve@example.org {ALICE}\nbob@example.org {CAROL}\n");
    commit(&path, "allowed_signers", &signers, "Signers");
    let library = Library::open_path(&path).unwrap();
    let change = people::remove(&library, "bob").unwrap();
    assert_eq!(
        change.files[0].after,
        "# top\npeople:   # who\n\n    # the next\n    eve:\n      principals: [eve@example.org]\n      roles: [approver]\n# end\ncheckpoints: []\n"
    );
    assert_eq!(
        change.files[1].after,
        format!("# keys\neve@example.org {ALICE}\n")
    );
}

#[test]
fn a_dirty_work_tree_a_moved_branch_and_a_tag_are_refused_and_bare_repositories_are_changed() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("library");
    let (library, start) = seeded(&place);
    let change = people::add(&library, &carol()).unwrap();

    fs::write(place.join("policy.yaml"), "mine: 1\n").unwrap();
    let refused = library.commit(&change, &author(), at(NOW)).unwrap_err();
    assert!(matches!(refused, LibraryError::Dirty { .. }), "{refused}");
    assert_eq!(
        fs::read_to_string(place.join("policy.yaml")).unwrap(),
        "mine: 1\n"
    );
    assert_eq!(library.pin().unwrap(), start);
    git(&place, &["checkout", "--quiet", "policy.yaml"]);

    git(&place, &["tag", "v1"]);
    let spec = runsheet::library::Spec::parse(&format!("{}@v1", place.display())).unwrap();
    let tool = runsheet::host::git::Git::default();
    let at_tag = Library::open(&spec, dir.path(), &tool, &support::clock(NOW)).unwrap();
    assert!(matches!(
        at_tag.commit(&change, &author(), at(NOW)),
        Err(LibraryError::Refused(_))
    ));

    commit(&place, "note.md", "x", "Somebody else's");
    let refused = library.commit(&change, &author(), at(NOW)).unwrap_err();
    assert!(matches!(refused, LibraryError::Moved), "{refused}");

    git(
        dir.path(),
        &["clone", "--quiet", "--bare", "library", "bare.git"],
    );
    let bare = Library::open_path(&dir.path().join("bare.git")).unwrap();
    let pin = make(&bare, &people::add(&bare, &carol()).unwrap());
    assert_eq!(people::list(&bare, &pin).unwrap().len(), 2);

    let spec = runsheet::library::Spec::parse(&format!("file://{}", place.display())).unwrap();
    let copy = Library::open(
        &spec,
        &dir.path().join("cache"),
        &tool,
        &support::clock(NOW),
    )
    .unwrap();
    let change = people::add(&copy, &carol()).unwrap();
    assert!(matches!(
        copy.commit(&change, &author(), at(NOW)),
        Err(LibraryError::ReadOnly(_))
    ));
}

#[test]
fn an_author_that_git_cannot_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (library, start) = seeded(&dir.path().join("library"));
    let change = people::add(&library, &carol()).unwrap();
    let nobody = Author {
        name: String::new(),
        email: "x@example.org".to_owned(),
    };
    assert!(library.commit(&change, &nobody, at(NOW)).is_err());
    assert_eq!(library.pin().unwrap(), start);
}

#[test]
fn the_policy_template_is_yaml_without_people() {
    let value: serde_json::Value = serde_yaml::from_str(POLICY_TEMPLATE).unwrap();
    assert_eq!(value["people"], serde_json::json!({}));
    assert_eq!(value["checkpoints"][0]["role"], "approver");
}

#[test]
fn what_is_shipped_is_what_the_folder_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let shipped = shipped();
    for (path, bytes) in &shipped {
        let name = path.strip_prefix("runbooks/").unwrap();
        assert_eq!(&fs::read(folder.join(name)).unwrap(), bytes, "{path}");
    }
    let on_disk = fs::read_dir(&folder).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.ends_with(".yaml") && name != "policy.yaml"
    });
    let folders = shipped
        .iter()
        .filter(|(path, _)| path.matches('/').count() > 1);
    assert_eq!(on_disk.count(), shipped.len() - folders.count());
}
