//! Statements as golden bytes, and everything else refused.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::evidence::Digest;
use crate::runbook::model::{Role, StepId};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn principal(text: &str) -> Principal {
    Principal::try_from(text).unwrap()
}

fn approval() -> Statement {
    Statement {
        incident: "01JD8Q4Z7V3N5K2M9T6R1XWBYC".to_owned(),
        genesis: Digest::of(b"genesis"),
        policy: PolicyPin {
            commit: "4f0c1a2b3d4e5f60718293a4b5c6d7e8f9012345".to_owned(),
            digest: Digest::of(b"policy"),
        },
        runbook: RunbookPin {
            commit: "4f0c1a2b3d4e5f60718293a4b5c6d7e8f9012345".to_owned(),
            path: "runbooks/cloud/leaked key.yaml".to_owned(),
            digest: Digest::of(b"runbook"),
        },
        step: StepRef {
            run: "r1".to_owned(),
            step: StepId::from("revoke"),
            attempt: 2,
        },
        request: Digest::of(b"request"),
        frontier: Some(Digest::of(b"frontier")),
        exec: Some(Digest::of(b"exec")),
        vars: Some(Digest::of(b"vars")),
        display: Some(Digest::of(b"display")),
        requester: principal("alice@example.org"),
        executor: Some(Executor {
            principal: principal("alice@example.org"),
            host: "bastion.example.org".to_owned(),
            writer: "w-7f3a".to_owned(),
        }),
        approver: Some(principal("carol@example.org")),
        role: Some(Role::from("approver")),
        quorum: Some(Quorum {
            approvals: 1,
            rule: "approver".to_owned(),
        }),
        decision: Decision::Approve,
        consumes: None,
        reason: Some("100% sure: sieht gut aus, grün".to_owned()),
        not_before: Some(time("2026-11-23T13:37:00Z")),
        not_after: Some(time("2026-11-23T13:52:00Z")),
        nonce: Nonce(*b"0123456789abcdef"),
    }
}

fn review() -> ReviewStatement {
    ReviewStatement {
        incident: "01JD8Q4Z7V3N5K2M9T6R1XWBYC".to_owned(),
        genesis: Digest::of(b"genesis"),
        policy: approval().policy,
        override_event: Digest::of(b"override"),
        events: Digest::of(b"events"),
        reviewer: principal("carol@example.org"),
        decision: ReviewDecision::Accepted,
        reason: Some("-".to_owned()),
        time: time("2026-11-24T09:00:00Z"),
        nonce: Nonce([0xab; 16]),
    }
}

fn close() -> CloseStatement {
    CloseStatement {
        incident: "01JD8Q4Z7V3N5K2M9T6R1XWBYC".to_owned(),
        genesis: Digest::of(b"genesis"),
        policy: approval().policy,
        heads: Digest::of(b"heads"),
        closer: principal("alice@example.org"),
        decision: CloseDecision::Close,
        time: time("2026-11-24T10:00:00Z"),
        nonce: Nonce([0; 16]),
    }
}

#[test]
fn statements_have_the_golden_bytes_and_read_back() {
    let golden: [(&[u8], AnyStatement); 3] = [
        (
            include_bytes!("../../../tests/golden/statements/approval.txt"),
            AnyStatement::Approval(approval()),
        ),
        (
            include_bytes!("../../../tests/golden/statements/review.txt"),
            AnyStatement::Review(review()),
        ),
        (
            include_bytes!("../../../tests/golden/statements/close.txt"),
            AnyStatement::Close(close()),
        ),
    ];
    for (bytes, statement) in golden {
        assert_eq!(
            String::from_utf8(statement.to_bytes().unwrap()).unwrap(),
            String::from_utf8(bytes.to_vec()).unwrap()
        );
        assert_eq!(AnyStatement::parse(bytes).unwrap(), statement);
    }
}

#[test]
fn case_19_cr_nul_duplicate_line_one_mib_and_unknown_version_are_refused() {
    for bytes in [
        approval().to_bytes().unwrap(),
        review().to_bytes().unwrap(),
        close().to_bytes().unwrap(),
    ] {
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let whole = |lines: &[&str]| lines.join("\n") + "\n";
        assert!(AnyStatement::parse(whole(&lines).as_bytes()).is_ok());
        for index in 0..lines.len() {
            let mut missing = lines.clone();
            missing.remove(index);
            let mut twice = lines.clone();
            twice.insert(index, lines[index]);
            let mut unknown = lines.clone();
            unknown.insert(index, "note: hello");
            let mut blank = lines.clone();
            blank.insert(index, "");
            let mut moved = lines.clone();
            moved.swap(index, (index + 1) % lines.len());
            for wrong in [missing, twice, unknown, blank, moved] {
                assert!(
                    AnyStatement::parse(whole(&wrong).as_bytes()).is_err(),
                    "{wrong:#?}"
                );
            }
        }
        for wrong in [
            text.trim_end().to_owned(),
            text.clone() + "\n",
            text.clone() + "note: hello\n",
            text.replace('\n', "\r\n"),
            text.replace(" v1\n", " v2\n"),
            text.replace("incident: ", "incident:"),
            text.replace("incident: ", "incident:  "),
            text.replace("incident: ", "Incident: "),
            text.replacen("Z\n", "+00:00\n", 1),
            text.replacen("Z\n", ".0Z\n", 1),
            text.replacen("Z\n", " \n", 1),
            text.replacen("sha256:", "sha512:", 1),
            text.replacen("sha256:", "SHA256:", 1),
            format!("\u{feff}{text}"),
            text.replacen("01JD", "\0", 1),
            text.replacen("01JD", "é", 1),
            String::new(),
            "\n".to_owned(),
            "x".repeat(1 << 20),
            text.clone() + &"x".repeat(1 << 20),
        ] {
            assert!(AnyStatement::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}

#[test]
fn any_byte_flipped_is_refused_or_means_something_else() {
    let bytes = approval().to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(other) = Statement::parse(&flipped) {
                assert_ne!(other, approval());
                assert_eq!(other.to_bytes().unwrap(), flipped);
            }
        }
    }
}

#[test]
fn every_escape_has_one_spelling() {
    let text = approval().to_text().unwrap();
    for (canonical, other) in [
        ("leaked%20key", "leaked key"),
        ("leaked%20key", "leaked%20%6Bey"),
        ("leaked%20key", "%6Ceaked%20key"),
        ("100%25", "100%"),
        ("100%25", "100%2"),
        ("gr%C3%BCn", "gr%c3%bcn"),
        ("gr%C3%BCn", "gr%C3n"),
        ("gr%C3%BCn", "gr%FCn"),
        ("reason: 100", "reason: %0D100"),
        ("reason: 100", "reason: %00100"),
        ("runbooks/cloud", "runbooks/../cloud"),
        ("runbooks/cloud", "/runbooks/cloud"),
        ("runbooks/cloud", "runbooks%2Fcloud"),
        ("runbooks/cloud", "runbooks//cloud"),
        ("#2\n", "#02\n"),
        ("#2\n", "#+2\n"),
        ("#2\n", "#0\n"),
        ("#2\n", "#4294967296\n"),
        ("quorum: 1/", "quorum: 01/"),
        ("decision: approve", "decision: Approve"),
        ("13:52:00Z", "13:52:60Z"),
        ("13:52:00Z", "24:00:00Z"),
        ("2026-11-23T13:52", "2026-11-31T13:52"),
        ("2026-11-23T13:52", "+2026-11-23T13:52"),
        ("2026-11-23T13:52", "2026-11-23t13:52"),
        ("nonce: 3031", "nonce: 303A"),
        ("nonce: 3031", "nonce: 31"),
    ] {
        assert!(text.contains(canonical), "{canonical}");
        let wrong = text.replacen(canonical, other, 1);
        assert!(Statement::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_reason_of_one_kib_fits_and_a_longer_one_is_refused() {
    let mut statement = approval();
    statement.reason = Some("x".repeat(1024));
    let bytes = statement.to_bytes().unwrap();
    assert_eq!(Statement::parse(&bytes).unwrap(), statement);
    statement.reason = Some("x".repeat(1025));
    assert!(statement.to_bytes().is_err());
    let longer = String::from_utf8(bytes)
        .unwrap()
        .replace("reason: x", "reason: xx");
    assert!(Statement::parse(longer.as_bytes()).is_err());
    statement.reason = Some("€".repeat(341));
    assert!(matches!(
        statement.to_bytes(),
        Err(StatementError::TooLong { .. })
    ));
}

#[test]
fn values_that_would_break_a_line_never_get_into_one() {
    let changes: [fn(&mut Statement); 12] = [
        |s| s.incident = "x\nnonce: 1".to_owned(),
        |s| s.incident = "-".to_owned(),
        |s| s.incident = String::new(),
        |s| s.step.run = "a/b".to_owned(),
        |s| s.step.step = StepId::from("a#1"),
        |s| s.step.attempt = 0,
        |s| s.policy.commit = "HEAD".to_owned(),
        |s| s.runbook.path = "../policy.yaml".to_owned(),
        |s| s.role = Some(Role::from("a b")),
        |s| s.reason = Some(String::new()),
        |s| s.reason = Some("\u{1b}[2J".to_owned()),
        |s| s.not_after = s.not_after.map(|t| t + TimeDelta::milliseconds(1)),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut statement = approval();
        change(&mut statement);
        assert!(statement.to_bytes().is_err(), "change {index}");
    }
}

#[test]
fn fields_that_contradict_each_other_are_refused_both_ways() {
    let changes: [fn(&mut Statement); 6] = [
        |s| s.consumes = Some(Digest::of(b"x")),
        |s| s.decision = Decision::Consume,
        |s| s.approver = None,
        |s| {
            s.decision = Decision::Override;
            s.reason = None;
        },
        |s| std::mem::swap(&mut s.not_before, &mut s.not_after),
        |s| {
            s.decision = Decision::Consume;
            s.consumes = Some(Digest::of(b"x"));
            s.executor = None;
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut statement = approval();
        change(&mut statement);
        assert!(
            matches!(statement.to_bytes(), Err(StatementError::Contradiction(_))),
            "change {index}"
        );
    }
    let text = approval().to_text().unwrap();
    for (from, to) in [
        ("decision: approve", "decision: consume"),
        ("approver: carol@example.org", "approver: -"),
        ("not-before: 2026-11-23", "not-before: 2027-11-23"),
    ] {
        assert!(Statement::parse(text.replace(from, to).as_bytes()).is_err());
    }
}

#[test]
fn the_signer_is_whom_the_decision_says() {
    let mut statement = approval();
    for (decision, signer) in [
        (Decision::Request, "alice@example.org"),
        (Decision::Approve, "carol@example.org"),
        (Decision::Deny, "carol@example.org"),
        (Decision::Override, "carol@example.org"),
        (Decision::Withdraw, "carol@example.org"),
        (Decision::Consume, "alice@example.org"),
    ] {
        statement.decision = decision;
        assert_eq!(statement.signer(), Some(&principal(signer)), "{decision:?}");
    }
    statement.decision = Decision::Withdraw;
    statement.approver = None;
    assert_eq!(statement.signer(), Some(&principal("alice@example.org")));
}

#[test]
fn nonces_are_32_hex_digits_in_json_too() {
    let nonce = approval().nonce;
    let json = serde_json::to_string(&nonce).unwrap();
    assert_eq!(json, "\"30313233343536373839616263646566\"");
    assert_eq!(serde_json::from_str::<Nonce>(&json).unwrap(), nonce);
    assert!(serde_json::from_str::<Nonce>("\"3031\"").is_err());
}

#[test]
fn one_kind_of_statement_is_not_taken_for_another() {
    assert!(Statement::parse(&review().to_bytes().unwrap()).is_err());
    assert!(ReviewStatement::parse(&close().to_bytes().unwrap()).is_err());
    assert!(CloseStatement::parse(&approval().to_bytes().unwrap()).is_err());
}

fn words() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,40}".prop_filter("a lone - means none", |word| word != "-")
}

fn paths() -> impl Strategy<Value = String> {
    proptest::collection::vec("[^/\\pC]{1,12}", 1..4)
        .prop_map(|parts| parts.join("/"))
        .prop_filter("no . or ..", |path| {
            path.split('/').all(|part| part != "." && part != "..")
        })
}

prop_compose! {
    fn statements()(
        incident in words(),
        path in paths(),
        run in words(),
        attempt in 1..=u32::MAX,
        digest in proptest::option::of(any::<[u8; 32]>()),
        reason in proptest::option::of("[^\\pC]{1,80}"),
        rule in words(),
        approvals in any::<u32>(),
        seconds in 0..253_402_300_800_i64,
        nonce in any::<[u8; 16]>(),
        role in proptest::option::of(words()),
    ) -> Statement {
        let digest = digest.map(Digest);
        let stamp = DateTime::from_timestamp(seconds, 0);
        Statement {
            incident,
            runbook: RunbookPin { path, ..approval().runbook },
            step: StepRef { run, attempt, ..approval().step },
            exec: digest,
            vars: digest,
            role: role.map(Role),
            quorum: Some(Quorum { approvals, rule }),
            reason,
            not_before: stamp,
            not_after: stamp,
            nonce: Nonce(nonce),
            ..approval()
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back(statement in statements()) {
        let bytes = statement.to_bytes().unwrap();
        prop_assert!(bytes.is_ascii() && bytes.len() <= STATEMENT_LIMIT);
        prop_assert_eq!(Statement::parse(&bytes).unwrap(), statement);
    }

    #[test]
    fn whatever_is_read_writes_back(at in 0..1800_usize, with in "[ -~\n]{0,3}", cut in 0..3_usize) {
        let mut bytes = approval().to_bytes().unwrap();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, with.into_bytes());
        if let Ok(statement) = Statement::parse(&bytes) {
            prop_assert_eq!(statement.to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = AnyStatement::parse(&bytes);
        let mut after_header = b"runsheet-close v1\nincident: ".to_vec();
        after_header.extend(bytes);
        let _ = AnyStatement::parse(&after_header);
    }
}
