//! What is found, what is left alone, and that nothing found comes out.

use proptest::prelude::*;

use super::*;

fn plain() -> Redactor {
    Redactor::new(&[]).unwrap()
}

fn left(text: &str) -> String {
    plain().text(text).text
}

/// Put together here, so that no scanner takes this file for a leak.
fn made(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn keys_and_tokens_of_known_issuers_are_taken_out() {
    let body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0";
    for (rule, secret) in [
        ("github-token", made(&["ghp", "_", &body[..36]])),
        ("github-token", made(&["github", "_pat_", body])),
        ("gitlab-token", made(&["glpat", "-", &body[..20]])),
        ("slack-token", made(&["xoxb", "-123456789012-", body])),
        (
            "jwt",
            made(&["eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0In0.", body]),
        ),
        ("api-key", made(&["AIza", &body[..35]])),
    ] {
        let redacted = plain().text(&format!("before {secret} after"));
        assert_eq!(redacted.text, format!("before [redacted:{rule}] after"));
        assert_eq!(redacted.by_rule, BTreeMap::from([(rule.to_owned(), 1)]));
    }
}

#[test]
fn an_access_key_keeps_the_ends_that_tell_which_it_was() {
    assert_eq!(
        left("key AKIAIOSFODNN7EXAMPLE used"),
        "key AKIA[redacted:aws-access-key]MPLE used"
    );
    let secret = made(&["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYEXAMPLEKEY"]);
    for text in [
        format!("aws_secret_access_key = {secret}"),
        format!("\"SecretAccessKey\": \"{secret}\","),
        format!("export AWS_SECRET_ACCESS_KEY={secret}"),
    ] {
        assert!(!left(&text).contains("K7MDENG"), "{}", left(&text));
    }
}

#[test]
fn a_private_key_goes_from_head_to_foot() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
    assert_eq!(
        left(&format!("a\n{key}\nb")),
        "a\n[redacted:private-key]\nb"
    );
    assert_eq!(
        left(&format!("\"{}\"", key.replace('\n', "\\n"))),
        "\"[redacted:private-key]\""
    );
    let cut = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd";
    assert_eq!(
        left(&format!("{cut}\n[next]")),
        "[redacted:private-key][next]"
    );
    let public = "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----";
    assert_eq!(left(public), public);
}

#[test]
fn passwords_go_where_they_are_named() {
    for (text, expected) in [
        (
            "postgres://app:hunter2@db/x",
            "postgres://app:[redacted:url-password]@db/x",
        ),
        (
            "https://u:p@ss@host/",
            "https://u:[redacted:url-password]@host/",
        ),
        (
            "curl -H 'Authorization: Bearer abc.def' x",
            "curl -H 'Authorization: Bearer [redacted:authorization]' x",
        ),
        (
            "authorization: Basic dXNlcjpwdw==\nnext",
            "authorization: Basic [redacted:authorization]\nnext",
        ),
        (
            "Cookie: sid=1; csrf=2\r\nHost: x",
            "Cookie: [redacted:cookie]\r\nHost: x",
        ),
        (
            "password=hunter2 user=bob",
            "password=[redacted:password] user=bob",
        ),
        (
            "PGPASSWORD='a b' psql",
            "PGPASSWORD='[redacted:password]' psql",
        ),
        (
            "{\"client_secret\": \"a\\\"b\", \"n\": 1}",
            "{\"client_secret\": \"[redacted:password]\", \"n\": 1}",
        ),
        (
            "{\\\"password\\\": \\\"hunter2\\\"}",
            "{\\\"password\\\": \\\"[redacted:password]\\\"}",
        ),
        ("password=\"cut off", "password=\"[redacted:password] off"),
        ("?token=abcd&x=1", "?token=[redacted:token]&x=1"),
        (
            "mysql --password hunter2 -u x",
            "mysql --password [redacted:password-option] -u x",
        ),
    ] {
        assert_eq!(left(text), expected);
    }
}

#[test]
fn what_only_looks_near_a_secret_is_left_alone() {
    for text in [
        "sudo: deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/id",
        "password: true, secret: null",
        "password authentication failed for user bob",
        "13:12:07.201 sshd[811]: Accepted publickey for deploy from 203.0.113.9 port 52144",
        "https://example.org:8443/a@b",
        "2026-11-23T14:00:52Z 1763906452123 1763906452123456789",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "tokens used: 412",
        "secretName: db-credentials, session_token_id=77, password_file=/run/pw",
        "valueFrom:\n  secretKeyRef:\n    name: db",
    ] {
        assert_eq!(left(text), text);
    }
}

#[test]
fn card_numbers_go_when_their_check_digit_is_right() {
    assert_eq!(
        left("card 4111 1111 1111 1111 ok"),
        "card [redacted:card-number] ok"
    );
    assert_eq!(left("4111-1111-1111-1111"), "[redacted:card-number]");
    assert_eq!(left("3782 822463 10005"), "[redacted:card-number]");
    assert_eq!(
        left("at 222 333 4111111111111111"),
        "at 222 333 [redacted:card-number]"
    );
    assert_eq!(left("4111111111111112"), "4111111111111112");
    assert_eq!(left("x4111111111111111"), "x4111111111111111");
}

#[test]
fn values_given_go_in_every_form() {
    let redactor = plain().secrets(["s3cr3t/väl\"ue", "abc", "aaaa"]);
    let encoded = "dXNlcjpzM2NyM3QvdsOkbCJ1ZTo=";
    for (text, expected) in [
        ("x s3cr3t/väl\"ue y", "x [redacted:secret] y"),
        ("q=s3cr3t%2Fv%C3%A4l%22ue", "q=[redacted:secret]"),
        (
            "{\"a\":\"s3cr3t/väl\\\"ue\"}",
            "{\"a\":\"[redacted:secret]\"}",
        ),
        ("abc", "abc"),
        ("aaaaa", "[redacted:secret]"),
        (encoded, "[redacted:secret-base64]"),
    ] {
        assert_eq!(redactor.text(text).text, expected);
    }
    assert!(!format!("{redactor:?}").contains("s3cr3t"));
}

#[test]
fn own_rules_are_used_and_bad_ones_refused_with_their_name() {
    let rule = |name: &str, pattern: &str| Rule {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
    };
    let own = Redactor::new(&[
        rule("ticket", "SEC-[0-9]+"),
        rule("pin", "pin (?P<secret>[0-9]+)"),
    ])
    .unwrap();
    let redacted = own.text("see SEC-12, SEC-13 and pin 4711");
    assert_eq!(
        redacted.text,
        "see [redacted:ticket], [redacted:ticket] and pin [redacted:pin]"
    );
    assert_eq!((redacted.count, redacted.by_rule["ticket"]), (3, 2));

    assert!(matches!(
        Redactor::new(&[rule("a b", "x")]),
        Err(BadRule::Name(_))
    ));
    assert!(matches!(Redactor::new(&[rule("a", "x*")]), Err(BadRule::Empty(name)) if name == "a"));
    assert!(matches!(
        Redactor::new(&[rule("a", "(")]),
        Err(BadRule::Pattern { .. })
    ));
    assert!(matches!(
        Redactor::new(&[rule("a", r"(\w{1000}){1000}")]),
        Err(BadRule::Pattern { .. })
    ));
    assert!(matches!(
        Redactor::new(&vec![rule("a", "x"); 300]),
        Err(BadRule::Many(300))
    ));
}

#[test]
fn overlapping_finds_are_one_place() {
    let redactor = plain().secrets(["hunter2-and-more"]);
    let redacted = redactor.text("password=hunter2-and-more;");
    assert_eq!(
        (redacted.text.as_str(), redacted.count),
        ("password=[redacted:secret];", 1)
    );
}

#[test]
fn a_secret_across_the_limit_is_still_found_and_the_rest_dropped() {
    let mut bytes = vec![b'.'; LIMIT - 5];
    bytes.extend_from_slice(b" password=hunter2hunter2 ");
    bytes.extend_from_slice(&[b'.'; 100]);
    let redacted = plain().redact(&bytes);
    assert_eq!(redacted.dropped, 120);
    assert!(
        redacted.bytes.ends_with(b". pass"),
        "the value lies behind the limit"
    );

    let mut bytes = vec![b'.'; LIMIT - 12];
    bytes.extend_from_slice(b" password=hunter2hunter2 ");
    let redacted = plain().redact(&bytes);
    assert!(redacted.bytes.ends_with(b" password=[redacted:password]"));
}

/// A second look at everything behind for each byte would not end within the hour.
#[test]
fn hostile_bytes_take_no_longer_than_others() {
    for unit in [
        "-----BEGIN PRIVATE KEY-----",
        "4111 ",
        "4111",
        "://a:b",
        "password=",
        "eyJ",
        "\u{ff}",
    ] {
        let bytes: Vec<u8> = unit.bytes().cycle().take(200_000).collect();
        let redacted = plain().secrets(["aaaa"]).redact(&bytes);
        assert_eq!(redacted.dropped, 0);
    }
}

proptest! {
    #[test]
    fn no_given_value_ever_comes_out(
        before in "[ -~]{0,30}", value in "[a-zA-Z0-9/+$%&\"äö]{8,24}", after in "[ -~]{0,30}",
    ) {
        let redactor = plain().secrets([value.as_str()]);
        let out = redactor.text(&format!("{before}{value}{after}{value}"));
        prop_assert!(!out.text.contains(&value));
        prop_assert!(out.count >= 1);
    }

    #[test]
    fn redacting_twice_takes_nothing_more(text in "(password=|token: |AKIA|[a-z ]|[ -~]){0,20}") {
        let once = plain().text(&text);
        let twice = plain().text(&once.text);
        prop_assert_eq!(twice.count, 0, "{}", once.text);
    }

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let redacted = plain().secrets(["\u{0}\u{1}\u{2}\u{3}"]).redact(&bytes);
        if redacted.count == 0 {
            prop_assert_eq!(redacted.bytes, bytes);
        }
    }
}
