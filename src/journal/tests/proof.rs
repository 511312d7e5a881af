//! Case 25: whatever byte is flipped, whatever line is taken, exchanged or cut, it is found and named.

use std::path::PathBuf;

use super::publication::{captured, dialogue, git};
use super::*;
use crate::journal::verify::{Report, Severity as Weight, Trust, verify, verify_git_dir};
use crate::journal::{Publisher, Store};

pub(super) fn prove(state: &Path) -> Report {
    verify(
        &Store::new(state),
        &incident(),
        |_| Vec::new(),
        |_| Trust::Trusted,
    )
    .unwrap()
}

/// A small published record with evidence; its events.
pub(super) fn published(state: &Path) -> Journal {
    let mut journal = dialogue(state, 1);
    let (digest, size) = journal.put_evidence(&mut &b"lines of a log\n"[..]).unwrap();
    record(&mut journal, vec![captured("alice", digest, size)]).unwrap();
    Publisher::open(journal.store())
        .unwrap()
        .publish(&journal)
        .unwrap();
    journal
}

pub(super) fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out)
        } else {
            out.push(path)
        }
    }
}

pub(super) fn segments(state: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(&state.join("incidents"), &mut all);
    all.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
    all
}

pub(super) fn write(path: &Path, bytes: &[u8]) {
    // Objects of git are read-only, which does not stop the one we fear.
    let mut permissions = std::fs::metadata(path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o640);
    std::fs::set_permissions(path, permissions).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Says which positions of a file can be changed without verification failing.
fn unnoticed(state: &Path, path: &Path, stride: usize, mask: u8) -> Vec<usize> {
    let bytes = std::fs::read(path).unwrap();
    let mut missed = Vec::new();
    for at in (0..bytes.len()).step_by(stride) {
        let mut wrong = bytes.clone();
        wrong[at] ^= mask;
        write(path, &wrong);
        let report = prove(state);
        if report.exit() != 1 {
            missed.push(at);
        }
    }
    write(path, &bytes);
    missed
}

#[test]
fn an_untouched_record_is_proven_and_its_unwitnessed_tail_said() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let report = prove(dir.path());
    assert_eq!(report.exit(), 0, "{report:#?}");
    assert_eq!(report.counts.events, journal.log().events().len());
    assert_eq!(report.counts.published, journal.log().events().len());
    assert_eq!((report.counts.evidence, report.counts.writers), (1, 2));
    let notes: Vec<_> = report
        .findings
        .iter()
        .map(|finding| &finding.what)
        .collect();
    assert!(
        matches!(&notes[..], [note] if note.contains("nobody else has seen")),
        "{notes:?}"
    );
    let reports = verify_git_dir(&dir.path().join("record.git"), |_| Trust::Trusted).unwrap();
    assert_eq!(reports[&incident()].exit(), 0, "{reports:#?}");
    assert_eq!(
        reports[&incident()].counts.events,
        journal.log().events().len()
    );
}

#[test]
fn case_25_every_flipped_byte_of_a_published_object_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    published(dir.path());
    let mut objects = Vec::new();
    files(&dir.path().join("record.git/objects"), &mut objects);
    assert!(objects.len() >= 13);
    for path in &objects {
        assert_eq!(
            unnoticed(dir.path(), path, 9, 0xff),
            [0usize; 0],
            "{}",
            path.display()
        );
    }
    for path in &objects {
        let length = std::fs::metadata(path).unwrap().len() as usize;
        let bytes = std::fs::read(path).unwrap();
        for keep in [0, 1, length / 2, length - 1] {
            write(path, &bytes[..keep]);
            assert_eq!(
                prove(dir.path()).exit(),
                1,
                "{} cut to {keep}",
                path.display()
            );
        }
        std::fs::remove_file(path).unwrap();
        let report = prove(dir.path());
        assert_eq!(report.exit(), 1, "{} removed", path.display());
        std::fs::write(path, &bytes).unwrap();
    }
    assert_eq!(prove(dir.path()).exit(), 0);
}

#[test]
fn case_25_every_flipped_byte_of_a_pack_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    published(dir.path());
    git(&dir.path().join("record.git"), &["repack", "-adq"]);
    git(&dir.path().join("record.git"), &["prune-packed"]);
    assert_eq!(prove(dir.path()).exit(), 0, "{:#?}", prove(dir.path()));
    let mut objects = Vec::new();
    files(&dir.path().join("record.git/objects/pack"), &mut objects);
    objects.retain(|path| {
        path.extension()
            .is_some_and(|ext| ext == "pack" || ext == "idx")
    });
    assert_eq!(objects.len(), 2);
    for path in &objects {
        assert_eq!(
            unnoticed(dir.path(), path, 37, 0xff),
            [0usize; 0],
            "{}",
            path.display()
        );
    }
}

#[test]
fn case_25_lines_deleted_swapped_and_cut_are_violations_that_name_the_event() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    for path in segments(dir.path()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let id = |line: &str| Event::read(line.trim_end()).unwrap().id;
        for gone in 0..lines.len() {
            let rest: String = lines
                .iter()
                .enumerate()
                .filter(|(n, _)| *n != gone)
                .map(|(_, l)| *l)
                .collect();
            std::fs::write(&path, rest).unwrap();
            let report = prove(dir.path());
            assert_eq!(report.exit(), 1, "line {gone} deleted");
            let missing = id(lines[gone]);
            let named = |finding: &&crate::journal::verify::Finding| {
                finding.severity == Weight::Violation
                    && (finding.event == Some(missing)
                        || finding.what.contains(&missing.to_string()))
            };
            assert!(
                report.findings.iter().any(|finding| named(&finding)),
                "{gone}: {report:#?}"
            );
        }
        for at in 1..lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at - 1, at);
            std::fs::write(&path, swapped.concat()).unwrap();
            assert_eq!(
                prove(dir.path()).exit(),
                1,
                "lines {} and {at} swapped",
                at - 1
            );
        }
        for keep in [0, 10, text.len() / 2, text.len() - 1] {
            std::fs::write(&path, &text[..keep]).unwrap();
            assert_eq!(prove(dir.path()).exit(), 1, "cut to {keep}");
        }
        std::fs::write(&path, format!("{text}{}", lines[0])).unwrap();
        assert_eq!(prove(dir.path()).exit(), 1, "a line twice");
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(prove(dir.path()).exit(), 0);
    drop(journal);
}

#[test]
fn a_line_that_means_the_same_but_is_not_canonical_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    begun(dir.path(), 1);
    let path = only_segment(dir.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    // The same members with a blank between them, under the digest of exactly that text.
    let old = Event::read(last).unwrap().id;
    let spaced = last.replacen(",\"boot\"", ", \"boot\"", 1);
    let bare = spaced.replace(&format!("\"sha256\":\"{old}\","), "");
    let spaced = spaced.replace(&old.to_string(), &Digest::of(bare.as_bytes()).to_string());
    assert!(Event::read(&spaced).is_ok());
    std::fs::write(&path, text.replace(last, &spaced)).unwrap();
    let report = prove(dir.path());
    assert_eq!(report.exit(), 1);
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what.contains("canonical")),
        "{report:#?}"
    );
}

#[test]
fn withheld_evidence_and_no_trust_are_owed_and_changed_evidence_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let digest = *journal.evidence_cited().keys().next().unwrap();
    let file = dir.path().join(format!(
        "incidents/{}/evidence/{}",
        incident(),
        digest.hex()
    ));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, "changed").unwrap();
    assert_eq!(prove(dir.path()).exit(), 1);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(prove(dir.path()).exit(), 2);
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(prove(dir.path()).exit(), 0);
    let untrusted = verify(
        journal.store(),
        &incident(),
        |_| Vec::new(),
        |_| Trust::Untrusted("the commit is not in it".to_owned()),
    )
    .unwrap();
    assert_eq!(untrusted.exit(), 2);
    assert!(
        untrusted.findings[0]
            .what
            .contains("policy not from a trusted library")
    );
}

#[test]
fn case_20_replacements_grafts_shallow_and_alternates_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let repo = dir.path().join("record.git");
    let events = journal.log().events();
    let name = format!("refs/incidents/{}/w/{}", incident(), events[0].writer);
    let tip = git(&repo, &["rev-parse", &name]);
    let first = git(&repo, &["rev-parse", &format!("{name}~2")]);
    git(&repo, &["replace", tip.trim(), first.trim()]);
    std::fs::write(repo.join("shallow"), &tip).unwrap();
    std::fs::create_dir_all(repo.join("info")).unwrap();
    std::fs::write(repo.join("info/grafts"), &tip).unwrap();
    std::fs::create_dir_all(repo.join("objects/info")).unwrap();
    std::fs::write(repo.join("objects/info/alternates"), "/nowhere/objects\n").unwrap();
    let report = prove(dir.path());
    assert_eq!(report.exit(), 0, "{report:#?}");
    for what in ["replaced objects", "grafts", "shallow", "alternates"] {
        assert!(
            report
                .findings
                .iter()
                .any(|finding| finding.what.contains(what)),
            "{what}: {report:#?}"
        );
    }
    let reports = verify_git_dir(&repo, |_| Trust::Trusted).unwrap();
    assert_eq!(reports[&incident()].counts.events, events.len());
    assert_eq!(reports[&incident()].exit(), 0, "{reports:#?}");
}

#[test]
fn case_20_commits_of_ours_made_by_others_are_no_proof() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let repo = dir.path().join("record.git");
    let name = format!(
        "refs/incidents/{}/w/{}",
        incident(),
        journal.log().events()[0].writer
    );
    git(&repo, &["update-ref", &name, &format!("{name}~1")]);
    assert_eq!(
        prove(dir.path()).exit(),
        0,
        "what is not published yet is no lie"
    );
    let raw = git(&repo, &["cat-file", "commit", &name]);
    let file = dir.path().join("forged");
    std::fs::write(&file, raw.replacen("\n\n", "\n\nLies: ", 1)).unwrap();
    let forged = git(
        &repo,
        &["hash-object", "-t", "commit", "-w", file.to_str().unwrap()],
    );
    git(&repo, &["update-ref", &name, forged.trim()]);
    assert_eq!(prove(dir.path()).exit(), 1);
    let reports = verify_git_dir(&repo, |_| Trust::Trusted).unwrap();
    assert_eq!(reports[&incident()].exit(), 1);
}

#[test]
fn evidence_that_is_not_published_is_withheld_from_whoever_has_only_the_references() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let repo = dir.path().join("record.git");
    let digest = *journal.evidence_cited().keys().next().unwrap();
    let name = format!("refs/incidents/{}/e/{}", incident(), digest.hex());
    git(&repo, &["update-ref", "-d", &name]);
    let reports = verify_git_dir(&repo, |_| Trust::Trusted).unwrap();
    let report = &reports[&incident()];
    assert_eq!(report.exit(), 2, "{report:#?}");
    assert_eq!((report.counts.evidence, report.counts.withheld), (1, 1));
    assert!(report.findings[0].what.contains("withheld"), "{report:#?}");
}
