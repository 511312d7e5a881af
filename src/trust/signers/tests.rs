//! Lines that count, lines that do not, and why.

use proptest::prelude::*;

use super::*;
use crate::trust::Mode;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOhuuTkDBoAY8GWp8uGwg3MRV3gliqtypuf5vQEzNfiZ";
const OTHER: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJCczrAHle2u+AL/MZnAg6gVzZ1haZ/mtyvLMYD79yA+u0u771JFWmY1Zhipp+vhCr5+cx2TewkR2L5VZYhj1M0=";

fn key(text: &str) -> PublicKey {
    PublicKey::from_openssh(text).unwrap()
}

fn principal(text: &str) -> Principal {
    Principal::try_from(text).unwrap()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn only(line: &str) -> Signer {
    let (signers, problems) = AllowedSigners::parse(line);
    assert_eq!(problems, [], "{line}");
    assert_eq!(signers.signers.len(), 1, "{line}");
    signers.signers[0].clone()
}

#[test]
fn a_line_may_be_written_in_every_way_openssh_reads() {
    for line in [
        format!("carol@example.org {KEY}"),
        format!("  carol@example.org \t {KEY} Carol's key \r\n"),
        format!("\"carol@example.org\" {KEY}"),
        format!("\"carol@example.org\"{KEY}"),
        format!("carol@example.org namespaces=\"*\" {KEY}"),
        format!("carol@example.org NameSpaces=\"a b,git\"   {KEY} x"),
        format!("carol@example.org namespaces=\"a\\\"b\" {KEY}"),
        format!("# people\n\n   # more\ncarol@example.org {KEY}"),
        format!(
            "carol@example.org valid-after=\"20260101Z\",valid-before=\"202701011200UTC\",namespaces=\"git\" {KEY}"
        ),
    ] {
        let signer = only(&line);
        assert_eq!(signer.principals, [principal("carol@example.org")]);
        assert_eq!(signer.key.key_data(), key(KEY).key_data());
    }
    let two = only(&format!("carol,dave@example.org,carol {KEY} a comment"));
    assert_eq!(
        two.principals,
        [principal("carol"), principal("dave@example.org")]
    );
    assert_eq!(two.key.comment(), "a comment");
    let quoted = only(&format!("carol namespaces=\"a b,\\\"c\" {KEY}"));
    assert_eq!(quoted.namespaces.as_deref(), Some("a b,\"c"));
}

/// Lines, and what is said of them.
const WRONG: &[(&str, &str)] = &[
    ("*@example.org KEY", "is a pattern"),
    ("carol,* KEY", "is a pattern"),
    ("carol,!dave KEY", "is a pattern"),
    ("car?l KEY", "is a pattern"),
    ("Carol KEY", "is not a principal"),
    ("carol, KEY", "is not a principal"),
    ("car\u{43e}l KEY", "is not a principal"),
    ("\"carol dave\" KEY", "is not a principal"),
    ("\"carol KEY", "not closed"),
    ("carol", "has no key"),
    ("carol namespaces=\"git\"", "has no key"),
    ("carol namespaces=\"git KEY", "not closed"),
    ("carol namespaces=git KEY", "not in quotation marks"),
    ("carol namespaces KEY", "is no option"),
    ("carol namespaces=\"a\",namespaces=\"b\" KEY", "given twice"),
    ("carol namespaces=\"a\", KEY", "do not end"),
    ("carol namespaces=\"a\"x KEY", "do not end"),
    ("carol cert-authority KEY", "cert-authority"),
    (
        "carol cert-authority,namespaces=\"a\" KEY",
        "cert-authority",
    ),
    ("carol no-touch-required KEY", "is no option"),
    ("carol valid-after=\"2026-01-01Z\" KEY", "YYYYMMDD"),
    ("carol valid-after=\"20260230Z\" KEY", "YYYYMMDD"),
    ("carol valid-after=\"2026010125Z\" KEY", "YYYYMMDD"),
    ("carol valid-after=\"202601012500Z\" KEY", "YYYYMMDD"),
    ("carol valid-after=\"19700101Z\" KEY", "YYYYMMDD"),
    ("carol valid-after=\"\" KEY", "YYYYMMDD"),
    (
        "carol valid-after=\"20260102Z\",valid-before=\"20260102Z\" KEY",
        "not after",
    ),
    ("carol ssh-dss AAAAB3NzaC1kc3MAAACBAL", "no kind of key"),
    ("carol ssh-ed25519", "not readable"),
    ("carol ssh-ed25519 AAAA", "not readable"),
    (
        "carol ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAIOhuuTkDBoAY8GWp8uGwg3MRV3gliqtypuf5vQEzNfiZ",
        "not readable",
    ),
    (
        "carol ssh-ed25519-cert-v01@openssh.com AAAA",
        "no kind of key",
    ),
    (
        "carol namespaces=\"a\" ssh-ed25519-cert-v01@openssh.com AAAA",
        "certificate",
    ),
    ("car\0ol KEY", "control characters"),
    ("carol\u{1b}[2J KEY", "control characters"),
];

#[test]
fn case_03_wildcards_and_other_wrong_lines_are_left_out_and_the_others_count() {
    for (wrong, says) in WRONG {
        let text = format!("# first\n{}\ndave {OTHER}\n", wrong.replace("KEY", KEY));
        let (signers, problems) = AllowedSigners::parse(&text);
        assert_eq!(problems.len(), 1, "{wrong}: {problems:?}");
        assert!(!problems[0].used && problems[0].line == 2, "{wrong}");
        let said = problems[0].to_string();
        assert!(said.contains(says), "{wrong}: {said}");
        assert!(!said.contains(['\0', '\u{1b}']), "{said:?}");
        assert_eq!(signers.signers.len(), 1, "{wrong}");
        assert_eq!(signers.principals_of(&key(KEY)), Vec::<&Principal>::new());
    }
}

#[test]
fn a_line_made_here_is_read_back_and_bound_to_our_namespaces() {
    let mut first = key(KEY);
    first.set_comment(" Carol's\n* laptop ");
    let line = line_for(&principal("carol"), &first).unwrap();
    assert!(!line.contains('\n'));
    let signer = only(&line);
    assert_eq!(signer.principals, [principal("carol")]);
    assert_eq!(signer.key.key_data(), first.key_data());
    assert_eq!(signer.key.comment(), "Carol's* laptop");
    let (signers, _) = AllowedSigners::parse(&line);
    let at = |namespace| {
        signers.find(
            &principal("carol"),
            &first,
            namespace,
            time("2026-01-01T00:00:00Z"),
        )
    };
    assert!(at(Mode::Live.namespace()).is_ok() && at(Mode::Exercise.namespace()).is_ok());
    assert!(at("git").is_err());
}

#[test]
fn short_rsa_keys_are_left_out() {
    let line = format!(
        "carol {}",
        include_str!("../../../tests/golden/statements/rsa1024.pub")
    );
    let (signers, problems) = AllowedSigners::parse(&line);
    assert!(signers.signers.is_empty());
    assert!(problems[0].what.contains("1024 bits"), "{problems:?}");
}

#[test]
fn a_file_longer_than_a_mebibyte_lets_nobody_sign() {
    let text = format!("carol {KEY}\n").repeat(20_000);
    let (signers, problems) = AllowedSigners::parse(&text);
    assert!(signers.signers.is_empty() && problems.len() == 1);
}

#[test]
fn validity_includes_both_ends_to_the_second() {
    let (signers, _) = AllowedSigners::parse(&format!(
        "carol valid-after=\"20260101Z\",valid-before=\"20270101123000Z\" {KEY}"
    ));
    let at = |when: &str| signers.find(&principal("carol"), &key(KEY), "git", time(when));
    assert!(matches!(
        at("2025-12-31T23:59:59.9Z"),
        Err(NotAllowed::NotYet { line: 1, .. })
    ));
    assert!(at("2026-01-01T00:00:00Z").is_ok());
    assert!(at("2027-01-01T12:30:00.9Z").is_ok());
    assert!(matches!(
        at("2027-01-01T12:30:01Z"),
        Err(NotAllowed::Expired { line: 1, .. })
    ));
}

#[test]
fn a_time_without_zone_counts_only_where_all_zones_agree() {
    let (signers, problems) = AllowedSigners::parse(&format!(
        "carol valid-after=\"20260101\",valid-before=\"202701010000\" {KEY}"
    ));
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|problem| problem.used));
    let signer = &signers.signers[0];
    assert_eq!(signer.valid_after, Some(time("2026-01-01T12:00:00Z")));
    assert_eq!(signer.valid_before, Some(time("2026-12-31T10:00:00Z")));
}

#[test]
fn of_several_lines_for_a_key_one_that_allows_is_enough() {
    let (signers, _) = AllowedSigners::parse(&format!(
        "carol namespaces=\"git\" {KEY}\ncarol valid-before=\"20200101Z\" {KEY}\ncarol {OTHER}\ncarol,dave {KEY}\n"
    ));
    let now = time("2026-01-01T00:00:00Z");
    let found = signers.find(&principal("carol"), &key(KEY), "approval.v1@runsheet", now);
    assert_eq!(found.map(|signer| signer.line), Ok(4));
    assert_eq!(
        signers.principals_of(&key(KEY)),
        [&principal("carol"), &principal("dave")]
    );
    assert_eq!(signers.keys_of(&principal("carol")).len(), 2);
    assert_eq!(signers.keys_of(&principal("dave")).len(), 1);
    assert_eq!(
        signers.find(&principal("dave"), &key(OTHER), "git", now),
        Err(NotAllowed::Key {
            principal: principal("dave"),
            fingerprint: fingerprint(&key(OTHER)),
        })
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(carol )?(namespaces=|valid-after=|[\" ,\\\\=\t])*.{0,60}") {
        let _ = AllowedSigners::parse(&text);
        let (signers, _) = AllowedSigners::parse(&format!("{text} {KEY}"));
        for signer in signers.signers() {
            prop_assert!(!signer.principals.is_empty());
        }
    }
}
