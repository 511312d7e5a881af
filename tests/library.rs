//! Libraries opened, pinned, read, distorted, fetched and catalogued: against repositories made with the user's git.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use runsheet::evidence::Digest;
use runsheet::host::git::Git;
use runsheet::library::catalog::{Catalog, Memory};
use runsheet::library::{Author, How, Library, LibraryError, Spec};
use tempfile::TempDir;

mod support;
use support::{clock, commit, git, git_as, repository};

fn open(path: &Path) -> Library {
    Library::open_path(path).unwrap()
}

fn two_runbooks(dir: &TempDir) -> std::path::PathBuf {
    let path = repository(&dir.path().join("lib"));
    commit(&path, "runbooks/a.yaml", "id: a\ntitle: A\n", "Add a");
    commit(&path, "runbooks/cloud/b.yaml", "id: b\n", "Add b");
    path
}

#[test]
fn a_library_is_read_at_its_pinned_commit_whatever_the_work_tree_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let library = open(&path);
    let pin = library.pin().unwrap();
    assert_eq!(pin.commit, git(&path, &["rev-parse", "main"]));
    assert_eq!(
        (pin.subject.as_str(), pin.branch.as_deref()),
        ("Add b", Some("main"))
    );
    assert_eq!(pin.author_email, "test@example.org");
    fs::write(path.join("runbooks/a.yaml"), "changed").unwrap();
    fs::write(path.join("runbooks/new.yaml"), "new").unwrap();
    let blob = library.read(&pin, "runbooks/a.yaml").unwrap();
    assert_eq!(blob.bytes, b"id: a\ntitle: A\n");
    assert_eq!(blob.sha256, Digest::of(&blob.bytes));
    assert_eq!(blob.id, git(&path, &["rev-parse", "main:runbooks/a.yaml"]));
    let listing = library.entries(&pin).unwrap();
    let paths: Vec<_> = listing.entries.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["runbooks/a.yaml", "runbooks/cloud/b.yaml"]);
    assert!(library.clocks(&pin).unwrap().entries.is_empty());
    commit(&path, "clocks/own.yaml", "id: own\n", "Add a clock");
    let clocks = library.clocks(&library.pin().unwrap()).unwrap();
    assert_eq!(clocks.entries[0].path, "clocks/own.yaml");
    assert_eq!(library.policy(&pin).unwrap(), None);
    assert!(matches!(
        library.read(&pin, "runbooks/none.yaml"),
        Err(LibraryError::Missing { .. })
    ));
}

#[test]
fn any_revision_can_be_wanted_and_wrong_ones_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let first = git(&path, &["rev-parse", "main~1"]);
    git(&path, &["tag", "-a", "-m", "one", "v1", "main~1"]);
    git(&path, &["branch", "feature/x", "main~1"]);
    let pin = |rev: &str| {
        let spec = Spec::parse(&format!("{}@{rev}", path.display())).unwrap();
        let library = Library::open(
            &spec,
            dir.path(),
            &Git::default(),
            &clock("2026-11-23T10:00:00Z"),
        )?;
        library.pin()
    };
    for (rev, branch) in [
        ("v1", None),
        ("feature/x", Some("feature/x")),
        ("refs/heads/feature/x", Some("feature/x")),
        ("main~1", None),
        (first.as_str(), None),
        (&first[..10], None),
    ] {
        let pin = pin(rev).unwrap();
        assert_eq!(
            (pin.commit.as_str(), pin.branch.as_deref()),
            (first.as_str(), branch),
            "{rev}"
        );
    }
    assert!(matches!(pin("v2"), Err(LibraryError::NoSuchRevision(_))));
    let library = open(&path);
    assert_eq!(library.pin_commit(&first).unwrap().commit, first);
    assert!(
        library.pin_commit(&first[..10]).is_err(),
        "a pin is a full id"
    );
    assert!(library.pin_commit("main").is_err());
}

#[test]
fn what_is_no_library_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        Library::open_path(&dir.path().join("none")),
        Err(LibraryError::NotThere(_))
    ));
    fs::create_dir(dir.path().join("plain")).unwrap();
    assert!(matches!(
        Library::open_path(&dir.path().join("plain")),
        Err(LibraryError::NotARepository(_))
    ));
    let path = two_runbooks(&dir);
    assert!(
        matches!(
            Library::open_path(&path.join("runbooks")),
            Err(LibraryError::NotARepository(_))
        ),
        "nothing above the path is searched"
    );
    let empty = repository(&dir.path().join("empty"));
    assert!(matches!(open(&empty).pin(), Err(LibraryError::Empty)));
    let sha256 = dir.path().join("sha256");
    git(
        dir.path(),
        &["init", "--quiet", "--object-format=sha256", "sha256"],
    );
    assert!(matches!(
        Library::open_path(&sha256),
        Err(LibraryError::Sha256(_))
    ));
}

#[test]
fn trust_is_being_reachable_from_the_own_branch() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let old = git(&path, &["rev-parse", "main~1"]);
    let tip = git(&path, &["rev-parse", "main"]);
    git(&path, &["checkout", "--quiet", "-b", "side"]);
    let side = commit(&path, "policy.yaml", "people: {}\n", "Side");
    git(&path, &["checkout", "--quiet", "main"]);
    let library = open(&path);
    assert!(library.trusts(&tip).unwrap() && library.trusts(&old).unwrap());
    assert!(!library.trusts(&side).unwrap());
    assert!(!library.trusts(&"0".repeat(40)).unwrap());
    assert!(!library.trusts("main").unwrap());
    assert!(!library.trusts(&tip[..12]).unwrap());
}

#[test]
fn case_20_replacements_do_nothing_and_grafts_shallow_and_alternates_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let tip = git(&path, &["rev-parse", "main"]);
    let first = git(&path, &["rev-parse", "main~1"]);
    let real = git(&path, &["rev-parse", "main:runbooks/a.yaml"]);
    fs::write(path.join("forged"), "id: forged\n").unwrap();
    let forged = git(&path, &["hash-object", "-w", "forged"]);
    git(&path, &["replace", &real, &forged]);
    let orphan = git(&path, &["commit-tree", "-m", "Forged", "main^{tree}"]);
    git(&path, &["replace", &tip, &orphan]);
    let library = open(&path);
    let pin = library.pin().unwrap();
    assert_eq!(
        (pin.commit.as_str(), pin.subject.as_str()),
        (tip.as_str(), "Add b")
    );
    assert_eq!(
        library.read(&pin, "runbooks/a.yaml").unwrap().bytes,
        b"id: a\ntitle: A\n"
    );
    assert_eq!(
        library.history(&pin, "runbooks/a.yaml", 9).unwrap().len(),
        1
    );
    assert!(
        library.trusts(&first).unwrap(),
        "the replaced tip has no parents"
    );

    let refused = |library: &Library, commit: &str| {
        let lines = [1..=1];
        let pin = library.pin().unwrap();
        matches!(library.trusts(commit), Err(LibraryError::Distorted { .. }))
            && matches!(
                library.authors(&pin, "runbooks/a.yaml", &lines),
                Err(LibraryError::Distorted { .. })
            )
    };
    let graft = path.join(".git/info/grafts");
    fs::create_dir_all(graft.parent().unwrap()).unwrap();
    fs::write(&graft, format!("{tip}\n")).unwrap();
    assert!(refused(&open(&path), &tip));
    fs::remove_file(&graft).unwrap();
    assert!(open(&path).undistorted().is_ok());

    let shallow = dir.path().join("shallow");
    let url = format!("file://{}", path.display());
    git(
        dir.path(),
        &["clone", "--quiet", "--depth=1", &url, "shallow"],
    );
    assert!(refused(&open(&shallow), &tip));

    git(
        dir.path(),
        &["clone", "--quiet", "--shared", "lib", "borrowing"],
    );
    assert!(refused(&open(&dir.path().join("borrowing")), &tip));
}

/// A branch `hostile` whose trees git itself would not write, written as raw objects.
fn hostile_branch(dir: &TempDir) -> std::path::PathBuf {
    let path = two_runbooks(dir);
    let blob = git(&path, &["rev-parse", "main:runbooks/a.yaml"]);
    let head = git(&path, &["rev-parse", "main"]);
    let mut tree = Vec::new();
    let mut add = |mode: &str, name: &[u8], id: &str| {
        tree.extend_from_slice(mode.as_bytes());
        tree.push(b' ');
        tree.extend_from_slice(name);
        tree.push(0);
        tree.extend((0..20).map(|i| u8::from_str_radix(&id[2 * i..2 * i + 2], 16).unwrap()));
    };
    let long = format!("{}.yaml", "x".repeat(300));
    for name in [
        "../up.yaml",
        "/abs.yaml",
        "a\\b.yaml",
        "Case.yaml",
        "case.yaml",
        "fine.yaml",
        "line\nfeed.yaml",
        "turn\u{202e}lmay.yaml",
        long.as_str(),
        "not.yml",
        "README.md",
    ] {
        add("100644", name.as_bytes(), &blob);
    }
    add("100644", b"latin\xe9.yaml", &blob);
    add("120000", b"link.yaml", &blob);
    add("160000", b"module", &head);
    let inner = git(&path, &["rev-parse", "main:runbooks/cloud"]);
    add("40000", b"..", &inner);
    add("40000", b".GIT", &inner);
    add("40000", b"deep", &inner);
    let raw = dir.path().join("tree");
    fs::write(&raw, &tree).unwrap();
    let write = |args: &[&str]| {
        git(
            &path,
            &[&["hash-object", "-w", "--literally"], args].concat(),
        )
    };
    let runbooks = write(&["-t", "tree", raw.to_str().unwrap()]);
    let mut outer = b"40000 runbooks\0".to_vec();
    outer.extend((0..20).map(|i| u8::from_str_radix(&runbooks[2 * i..2 * i + 2], 16).unwrap()));
    fs::write(&raw, &outer).unwrap();
    let root = write(&["-t", "tree", raw.to_str().unwrap()]);
    let made = git(&path, &["commit-tree", "-m", "Hostile", &root]);
    git(&path, &["update-ref", "refs/heads/hostile", &made]);

    path
}

#[test]
fn case_36_hostile_paths_in_a_tree_are_left_out_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = hostile_branch(&dir);
    let library = open(&path);
    let pin = library.pin_revision("hostile").unwrap();
    let listing = library.entries(&pin).unwrap();
    let paths: Vec<_> = listing.entries.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["runbooks/deep/b.yaml", "runbooks/fine.yaml"]);
    assert_eq!(listing.skipped.len(), 14, "{:#?}", listing.skipped);
    for (path, why) in [
        ("runbooks/Case.yaml", "letter case"),
        ("runbooks/case.yaml", "letter case"),
        ("runbooks/link.yaml", "symbolic link"),
        ("runbooks/module", "submodule"),
        ("runbooks/..", "elsewhere"),
        ("runbooks/.GIT", "git's own"),
        ("runbooks/not.yml", ".yaml"),
    ] {
        let found = listing.skipped.iter().find(|it| it.path == path);
        assert!(
            found.is_some_and(|it| it.why.contains(why)),
            "{path}: {found:?}"
        );
    }
    for path in [
        "../up.yaml",
        "/etc/passwd",
        "runbooks/../policy.yaml",
        "runbooks/link.yaml",
        "runbooks/module",
        "runbooks//fine.yaml",
        "runbooks",
        "runbooks/fine.yaml/x",
        "",
    ] {
        assert!(library.read(&pin, path).is_err(), "{path:?}");
    }
}

#[test]
fn a_few_trees_that_make_endless_folders_are_listed_in_bounded_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let mut tree = git(&path, &["rev-parse", "main:runbooks/cloud"]);
    for _ in 0..11 {
        let lines: String = (0..100)
            .map(|n| format!("040000 tree {tree}\tf{n}\n"))
            .collect();
        let file = dir.path().join("lines");
        fs::write(&file, lines).unwrap();
        let done = Command::new("git")
            .arg("-C")
            .arg(&path)
            .arg("mktree")
            .stdin(fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        tree = String::from_utf8(done.stdout).unwrap().trim().to_owned();
    }
    let file = dir.path().join("lines");
    fs::write(&file, format!("040000 tree {tree}\trunbooks\n")).unwrap();
    let root = Command::new("git")
        .arg("-C")
        .arg(&path)
        .arg("mktree")
        .stdin(fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    let root = String::from_utf8(root.stdout).unwrap();
    let made = git(&path, &["commit-tree", "-m", "Bomb", root.trim()]);
    git(&path, &["update-ref", "refs/heads/bomb", &made]);
    let library = open(&path);
    let pin = library.pin_revision("bomb").unwrap();
    let begun = std::time::Instant::now();
    let listing = library.entries(&pin).unwrap();
    assert!(listing.skipped.iter().any(|it| it.why.contains("folders")));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn oversized_files_are_refused_before_they_are_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    let path = repository(&dir.path().join("lib"));
    commit(
        &path,
        "runbooks/big.yaml",
        &"x".repeat((1 << 20) + 1),
        "Big",
    );
    commit(&path, "runbooks/fits.yaml", &"x".repeat(1 << 20), "Fits");
    let refused = || {
        let library = open(&path);
        let pin = library.pin().unwrap();
        assert!(matches!(
            library.read(&pin, "runbooks/big.yaml"),
            Err(LibraryError::TooLarge { size, .. }) if size == (1 << 20) + 1
        ));
        assert!(library.read(&pin, "runbooks/fits.yaml").is_ok());
    };
    refused();
    git(&path, &["repack", "-adq"]);
    refused();
}

/// What a power cut leaves: libgit2 itself never comes back from such an object.
#[test]
fn a_loose_object_that_ends_early_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let file = |name: &str| {
        let id = git(&path, &["rev-parse", name]);
        let (fan, rest) = id.split_at(2);
        path.join(".git/objects").join(fan).join(rest)
    };
    for name in [
        "main:runbooks/a.yaml",
        "main:runbooks",
        "main^{tree}",
        "main",
    ] {
        let place = file(name);
        let whole = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        fs::write(&place, &whole[..whole.len() - 6]).unwrap();
        let read = Library::open_path(&path).and_then(|library| {
            let pin = library.pin()?;
            library.read(&pin, "runbooks/a.yaml")
        });
        assert!(
            matches!(read, Err(LibraryError::Objects(_))),
            "{name}: {read:?}"
        );
        fs::write(&place, &whole).unwrap();
    }
    let library = open(&path);
    assert!(
        library
            .read(&library.pin().unwrap(), "runbooks/a.yaml")
            .is_ok()
    );
}

#[test]
fn case_37_config_hooks_and_attributes_of_a_library_have_no_effect() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let trace = dir.path().join("ran");
    let evil = dir.path().join("evil.sh");
    fs::write(
        &evil,
        format!("#!/bin/sh\ntouch {}\ncat\n", trace.display()),
    )
    .unwrap();
    Command::new("chmod").arg("+x").arg(&evil).status().unwrap();
    commit(
        &path,
        ".gitattributes",
        "*.yaml diff=evil filter=evil text eol=crlf\n",
        "Attributes",
    );
    let evil = evil.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "core.sshCommand",
    ] {
        git(&path, &["config", key, evil]);
    }
    git(&path, &["config", "include.path", "/dev/zero-is-not-here"]);
    for hook in [
        "post-commit",
        "pre-commit",
        "reference-transaction",
        "post-index-change",
    ] {
        fs::copy(evil, path.join(".git/hooks").join(hook)).unwrap();
    }
    let library = open(&path);
    let pin = library.pin().unwrap();
    let old = library.pin_revision("main~2").unwrap();
    library.entries(&pin).unwrap();
    library.diff("runbooks/cloud/b.yaml", &old, &pin).unwrap();
    library.authors(&pin, "runbooks/a.yaml", &[1..=9]).unwrap();
    let change = runsheet::library::people::add(&library, &support::alice()).unwrap();
    let author = Author {
        name: "Alice".to_owned(),
        email: "alice@example.org".to_owned(),
    };
    library
        .commit(&change, &author, support::at("2026-11-23T10:00:00Z"))
        .unwrap();
    assert!(!trace.exists());
}

#[test]
fn history_and_difference_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    commit(
        &path,
        "runbooks/a.yaml",
        "id: a\ntitle: Better\n",
        "Reword a",
    );
    git(&path, &["checkout", "--quiet", "-b", "side", "main~1"]);
    commit(&path, "runbooks/c.yaml", "id: c\n", "Add c");
    git(&path, &["checkout", "--quiet", "main"]);
    git(
        &path,
        &["merge", "--quiet", "--no-ff", "-m", "Merge side", "side"],
    );
    let library = open(&path);
    let pin = library.pin().unwrap();
    let subjects = |path: &str| -> Vec<String> {
        let history = library.history(&pin, path, 9).unwrap();
        history.into_iter().map(|it| it.subject).collect()
    };
    assert_eq!(subjects("runbooks/a.yaml"), ["Reword a", "Add a"]);
    assert_eq!(subjects("runbooks/c.yaml"), ["Add c"]);
    assert!(subjects("runbooks/none.yaml").is_empty());
    assert_eq!(
        library.history(&pin, "runbooks/a.yaml", 1).unwrap().len(),
        1
    );
    let old = library.pin_revision("main~2").unwrap();
    let diff = library.diff("runbooks/a.yaml", &old, &pin).unwrap();
    assert!(diff.contains("\n-title: A\n+title: Better\n"), "{diff}");
    assert_eq!(library.diff("runbooks/a.yaml", &pin, &pin).unwrap(), "");
    let added = library.diff("runbooks/c.yaml", &old, &pin).unwrap();
    assert!(added.contains("\n+id: c\n"), "{added}");
    let removed = library.diff("runbooks/c.yaml", &pin, &old).unwrap();
    assert!(removed.contains("\n-id: c\n"), "{removed}");
    assert!(library.diff("runbooks/none.yaml", &old, &pin).is_err());
}

#[test]
fn authors_are_those_of_the_lines_asked_for_in_bare_repositories_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = repository(&dir.path().join("lib"));
    let file = "runbooks/a.yaml";
    commit(&path, file, "one\ntwo\nthree\nfour\n", "One");
    fs::write(path.join(file), "one\nTWO\nthree\nfour\n").unwrap();
    git_as(
        &path,
        "Bob \u{1b}[2J",
        "bob@example.org",
        &["commit", "--quiet", "-am", "Two"],
    );
    fs::write(path.join(file), "zero\none\nTWO\nthree\nFOUR\n").unwrap();
    git_as(
        &path,
        "Eve",
        "eve@example.org",
        &["commit", "--quiet", "-am", "Three"],
    );
    git(
        dir.path(),
        &[
            "clone",
            "--quiet",
            "--bare",
            "--no-local",
            "lib",
            "bare.git",
        ],
    );
    for place in [path.clone(), dir.path().join("bare.git")] {
        let library = open(&place);
        let pin = library.pin().unwrap();
        let emails = |lines: &[std::ops::RangeInclusive<usize>]| -> Vec<String> {
            let authors = library.authors(&pin, file, lines).unwrap();
            authors.into_iter().map(|it| it.email).collect()
        };
        assert_eq!(emails(&[2..=2]), ["test@example.org"]);
        assert_eq!(emails(&[3..=3]), ["bob@example.org"]);
        assert_eq!(emails(&[1..=1, 5..=5]), ["eve@example.org"]);
        assert_eq!(emails(&[3..=4]), ["bob@example.org", "test@example.org"]);
        assert!(emails(&[6..=9]).is_empty());
        let earlier = library.pin_revision("main~1").unwrap();
        let authors = library.authors(&earlier, file, &[1..=9]).unwrap();
        assert!(authors.iter().all(|it| it.email != "eve@example.org"));
    }
}

#[test]
fn whoever_renames_a_file_or_merges_it_is_not_its_author() {
    let dir = tempfile::tempdir().unwrap();
    let path = repository(&dir.path().join("lib"));
    let text = |last: &str| (0..20).map(|n| format!("line {n}\n")).collect::<String>() + last;
    commit(&path, "runbooks/old.yaml", &text("end\n"), "One");
    git(&path, &["checkout", "--quiet", "-b", "side"]);
    fs::write(path.join("runbooks/old.yaml"), text("side\n")).unwrap();
    git_as(
        &path,
        "Bob",
        "bob@example.org",
        &["commit", "--quiet", "-am", "Side"],
    );
    git(&path, &["checkout", "--quiet", "main"]);
    let eve = |args: &[&str]| git_as(&path, "Eve", "eve@example.org", args);
    eve(&["merge", "--quiet", "--no-ff", "-m", "Merge", "side"]);
    eve(&["mv", "runbooks/old.yaml", "runbooks/new.yaml"]);
    eve(&["commit", "--quiet", "-m", "Rename"]);
    let library = open(&path);
    let pin = library.pin().unwrap();
    let blame = library.blame(&pin, "runbooks/new.yaml").unwrap();
    let emails = |line: usize| -> Vec<String> {
        let authors = blame.authors(&[line..=line]);
        authors.into_iter().map(|it| it.email).collect()
    };
    assert_eq!(emails(1), ["test@example.org"]);
    assert_eq!(emails(21), ["bob@example.org"]);
}

#[test]
fn a_url_is_copied_once_read_offline_with_its_age_and_fetching_says_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    commit(&path, "policy.yaml", "people: {}\n", "Policy");
    let cache = dir.path().join("cache");
    let spec = Spec::parse(&format!("file://{}", path.display())).unwrap();
    let tool = Git::default();
    let monday = clock("2026-11-23T10:00:00+01:00");
    let mut library = Library::open(&spec, &cache, &tool, &monday).unwrap();
    assert!(library.is_copy());
    assert_eq!(library.fetched_at(), Some(monday.now));
    let before = library.pin().unwrap();
    assert_eq!(before.branch.as_deref(), Some("main"));

    let away = dir.path().join("away");
    fs::rename(&path, &away).unwrap();
    let tuesday = clock("2026-11-24T10:00:00+01:00");
    let offline = Library::open(&spec, &cache, &tool, &tuesday).unwrap();
    assert_eq!(offline.pin().unwrap(), before);
    assert_eq!(offline.fetched_at(), Some(monday.now));
    assert!(library.fetch(&tool, &tuesday).is_err());
    assert_eq!(
        library.pin().unwrap(),
        before,
        "a failed fetch changes nothing"
    );
    assert_eq!(library.fetched_at(), Some(monday.now));

    fs::rename(&away, &path).unwrap();
    commit(&path, "runbooks/a.yaml", "id: a\n", "Reword");
    commit(&path, "runbooks/new.yaml", "id: new\n", "New");
    commit(&path, "policy.yaml", "people:\n", "Policy");
    git(&path, &["rm", "--quiet", "runbooks/cloud/b.yaml"]);
    git(&path, &["commit", "--quiet", "-m", "Without b"]);
    let fetched = library.fetch(&tool, &tuesday).unwrap().unwrap();
    let changes: Vec<_> = fetched
        .changes
        .iter()
        .map(|it| (it.path.as_str(), it.how))
        .collect();
    assert_eq!(
        changes,
        [
            ("policy.yaml", How::Changed),
            ("runbooks/a.yaml", How::Changed),
            ("runbooks/cloud/b.yaml", How::Removed),
            ("runbooks/new.yaml", How::Added),
        ]
    );
    assert!(!fetched.rewritten);
    assert_eq!(library.fetched_at(), Some(tuesday.now));

    git(&path, &["commit", "--quiet", "--amend", "-m", "Rewritten"]);
    let fetched = library.fetch(&tool, &tuesday).unwrap().unwrap();
    assert!(fetched.rewritten);
    assert!(!library.trusts(&fetched.before.commit).unwrap());
    let nothing = open(&path).fetch(&tool, &tuesday).unwrap();
    assert_eq!(nothing, None, "a local repository is never out of date");
}

#[test]
fn a_url_that_was_never_reached_has_no_copy_and_leaves_none() {
    let dir = tempfile::tempdir().unwrap();
    let spec = Spec::parse(&format!("file://{}/none", dir.path().display())).unwrap();
    let now = clock("2026-11-24T10:00:00Z");
    for _ in 0..2 {
        let failed = Library::open(&spec, dir.path(), &Git::default(), &now).unwrap_err();
        assert!(matches!(failed, LibraryError::NoCopy { .. }), "{failed}");
    }
}

#[test]
fn no_token_of_a_url_is_written_into_its_copy() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_runbooks(&dir);
    let cache = dir.path().join("cache");
    let spec = Spec::parse(&format!("file://{}", path.display())).unwrap();
    Library::open(
        &spec,
        &cache,
        &Git::default(),
        &clock("2026-11-24T10:00:00Z"),
    )
    .unwrap();
    let copies = cache.join("libraries");
    let copy = fs::read_dir(copies)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let config = fs::read_to_string(copy.join("repository.git/config")).unwrap();
    assert!(!config.contains("url"), "{config}");
    assert!(!copy.join("repository.git/FETCH_HEAD").exists());
}

#[test]
fn a_catalog_remembers_by_content_and_a_damaged_memory_is_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = repository(&dir.path().join("lib"));
    for n in 0..200 {
        let place = path.join(format!("runbooks/r{n}.yaml"));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, format!("id: r{n}\n")).unwrap();
    }
    git(&path, &["add", "."]);
    git(&path, &["commit", "--quiet", "-m", "Many"]);
    commit(&path, "runbooks/broken.yaml", "\u{0}", "Broken");
    commit(&path, "runbooks/big.yaml", &"x".repeat(2 << 20), "Big");
    let cache = dir.path().join("cache");
    let head = |bytes: &[u8]| -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        text.strip_prefix("id: ").map(|id| id.trim().to_owned())
    };
    let load = |version| {
        let library = open(&path);
        let pin = library.pin().unwrap();
        let memory = Memory::of(&library, &cache, version);
        Catalog::load(&library, &pin, Some(&memory), head).unwrap()
    };
    let cold = load(1);
    assert_eq!((cold.rows.len(), cold.read), (202, 202));
    assert!(cold.rows.is_sorted_by_key(|row| row.entry.path.clone()));
    for row in &cold.rows {
        let name = row
            .entry
            .path
            .trim_start_matches("runbooks/")
            .trim_end_matches(".yaml");
        let expected = name.starts_with('r').then(|| name.to_owned());
        assert_eq!(row.head, expected, "{}", row.entry.path);
    }
    let warm = load(1);
    assert_eq!(warm.read, 0);
    assert_eq!(warm.rows, cold.rows);
    assert_eq!(load(2).read, 202, "another reader's memory");

    let file = fs::read_dir(cache.join("catalog"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&file, b"{\"format\":1,\"version\":2,\"heads\":{").unwrap();
    assert_eq!(load(2).read, 202);
    fs::remove_file(&file).unwrap();
    symlink("/dev/zero", &file).unwrap();
    assert_eq!(load(2).rows, cold.rows);
    commit(&path, "runbooks/r7.yaml", "id: changed\n", "Change one");
    let after = load(2);
    assert_eq!(after.read, 1);
    assert!(
        after
            .rows
            .iter()
            .any(|row| row.head.as_deref() == Some("changed"))
    );
}
