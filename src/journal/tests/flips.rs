//! Case 25, byte by byte: whatever is flipped in a segment or in a published object is found, and the event is named.

use std::collections::BTreeMap;

use super::proof::{files, prove, published, segments, write};
use super::publication::{dialogue, git};
use super::*;
use crate::engine::ids::EventId;
use crate::journal::verify::{Finding, Report, Severity as Weight, Trust, verify_git_dir};

/// Whether a violation names one of these events.
fn names(report: &Report, events: &[EventId]) -> bool {
    report.findings.iter().any(|finding| {
        finding.severity == Weight::Violation
            && events.iter().any(|event| {
                finding.event == Some(*event) || finding.what.contains(&event.to_string())
            })
    })
}

/// The events of a segment with the bytes each line has, its newline among them.
fn lines(segment: &[u8]) -> Vec<(EventId, std::ops::Range<usize>)> {
    let mut from = 0;
    let lines = segment.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| {
            let text = std::str::from_utf8(line).unwrap();
            let bytes = from..from + line.len();
            from = bytes.end;
            (Event::read(text.trim_end()).unwrap().id, bytes)
        })
        .collect()
}

/// One bit of a byte, another one for each place.
fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut wrong = bytes.to_vec();
    wrong[at] ^= 1 << (at % 8);
    wrong
}

/// What the references alone prove.
fn prove_published(state: &Path) -> Report {
    let mut reports = verify_git_dir(&state.join("record.git"), |_| Trust::Trusted).unwrap();
    reports.remove(&incident()).unwrap()
}

#[test]
fn case_25_any_flipped_byte_of_a_published_segment_is_a_violation_that_names_the_event() {
    let dir = tempfile::tempdir().unwrap();
    published(dir.path());
    let mut tried = 0;
    for path in segments(dir.path()) {
        let whole = std::fs::read(&path).unwrap();
        let lines = lines(&whole);
        for (index, (event, bytes)) in lines.iter().enumerate() {
            for at in bytes.clone() {
                write(&path, &flipped(&whole, at));
                let report = prove(dir.path());
                let place = format!("byte {at} of {}", path.display());
                assert_eq!(report.exit(), 1, "{place}");
                // Without its newline a line takes the next one with it.
                let next = lines.get(index + 1).filter(|_| whole[at] == b'\n');
                let events: Vec<_> = next.iter().map(|(id, _)| *id).chain([*event]).collect();
                assert!(names(&report, &events), "{place}: {report:#?}");
                tried += 1;
            }
        }
        write(&path, &whole);
    }
    assert!(tried > 3000, "only {tried} bytes");
    assert_eq!(prove(dir.path()).exit(), 0);
}

#[test]
fn case_25_any_flipped_byte_of_a_segment_alone_is_a_violation_or_a_tail_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    dialogue(dir.path(), 1);
    for path in segments(dir.path()) {
        let whole = std::fs::read(&path).unwrap();
        let writer = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for (index, (event, bytes)) in lines(&whole).into_iter().enumerate() {
            for at in bytes {
                write(&path, &flipped(&whole, at));
                let report = prove(dir.path());
                let place = format!("byte {at} of {}: {report:#?}", path.display());
                let line = format!("line {} of writer {writer}", index + 1);
                let said = |finding: &Finding| finding.what.contains(&line);
                if at + 1 == whole.len() && report.exit() == 0 {
                    let torn =
                        |finding: &Finding| finding.what.contains("behind the last whole line");
                    assert!(report.findings.iter().any(torn), "{place}");
                } else {
                    assert_eq!(report.exit(), 1, "{place}");
                    assert!(
                        report.findings.iter().any(said) || names(&report, &[event]),
                        "{place}"
                    );
                }
            }
        }
        write(&path, &whole);
    }
    assert_eq!(prove(dir.path()).exit(), 0);
}

/// Every published object with the event it is of.
fn objects(journal: &Journal) -> BTreeMap<String, EventId> {
    let git_dir = journal.store().git_dir();
    let mut of = BTreeMap::new();
    for event in journal.log().events() {
        let reference = format!("refs/incidents/{}/w/{}", incident(), event.writer);
        let back = journal.log().of_writer(&event.writer).len() as u64 - event.seq;
        for name in ["", "^{tree}", ":event.json"] {
            let object = git(
                &git_dir,
                &["rev-parse", &format!("{reference}~{back}{name}")],
            );
            of.insert(object.trim().to_owned(), event.id);
        }
    }
    for (digest, event) in journal.evidence_cited() {
        let reference = format!("refs/incidents/{}/e/{}", incident(), digest.hex());
        let object = git(&git_dir, &["rev-parse", &reference]);
        of.insert(object.trim().to_owned(), event);
    }
    assert_eq!(of.len(), 3 * journal.log().events().len() + 1);
    of
}

/// The first, the middle, the last, the last of the compressed data, and some other place of so many bytes.
fn places(bytes: std::ops::Range<usize>, seed: &mut u64) -> [usize; 5] {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let length = bytes.len();
    let other = (*seed >> 33) as usize % length;
    [0, length / 2, length - 1, length - 5, other].map(|at| bytes.start + at)
}

/// Flips places of one object's bytes and proves: beside the journal, where the event has to be named, and by the
/// references alone, where at least the object is. Nothing there says of which event the last commit was.
fn flip_object(
    journal: &Journal,
    path: &Path,
    bytes: std::ops::Range<usize>,
    object: &str,
    event: EventId,
    seed: &mut u64,
) {
    let state = journal.store().state_dir();
    let whole = std::fs::read(path).unwrap();
    for at in places(bytes, seed) {
        write(path, &flipped(&whole, at));
        let place = format!("byte {at} of {object} of {event} in {}", path.display());
        let report = prove(state);
        assert_eq!(report.exit(), 1, "{place}: {report:#?}");
        assert!(names(&report, &[event]), "{place}: {report:#?}");
        let report = prove_published(state);
        assert_eq!(report.exit(), 1, "{place}: {report:#?}");
        let told = |finding: &Finding| {
            finding.severity == Weight::Violation
                && (finding.what.contains(object) || finding.what.contains("/e/"))
        };
        assert!(
            names(&report, &[event]) || report.findings.iter().any(told),
            "{place}: {report:#?}"
        );
    }
    write(path, &whole);
}

#[test]
fn case_25_a_flipped_byte_of_any_loose_object_is_a_violation_that_names_the_event() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let fans = dir.path().join("record.git/objects");
    let mut seed = 25;
    for (object, event) in objects(&journal) {
        let path = fans.join(&object[..2]).join(&object[2..]);
        let length = std::fs::metadata(&path).unwrap().len() as usize;
        flip_object(&journal, &path, 0..length, &object, event, &mut seed);
    }
    assert_eq!(prove(dir.path()).exit(), 0);
}

#[test]
fn case_25_a_flipped_byte_of_any_packed_object_is_a_violation_that_names_the_event() {
    let dir = tempfile::tempdir().unwrap();
    let journal = published(dir.path());
    let repo = dir.path().join("record.git");
    git(&repo, &["repack", "-adq"]);
    git(&repo, &["prune-packed"]);
    let objects = objects(&journal);
    let mut packs = Vec::new();
    files(&repo.join("objects/pack"), &mut packs);
    let index = packs
        .iter()
        .find(|path| path.extension().is_some_and(|ext| ext == "idx"));
    let index = index.unwrap();
    let listed = git(&repo, &["verify-pack", "-v", index.to_str().unwrap()]);
    let mut seed = 26;
    let mut tried = 0;
    for line in listed.lines() {
        // Name, kind, size, size in the pack, offset.
        let words: Vec<_> = line.split_whitespace().collect();
        let Some(event) = objects.get(words[0]) else {
            continue;
        };
        let (size, from): (usize, usize) = (words[3].parse().unwrap(), words[4].parse().unwrap());
        let pack = index.with_extension("pack");
        flip_object(
            &journal,
            &pack,
            from..from + size,
            words[0],
            *event,
            &mut seed,
        );
        tried += 1;
    }
    assert_eq!(tried, objects.len());
    assert_eq!(prove(dir.path()).exit(), 0);
}
