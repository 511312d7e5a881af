//! The reading of one simple command beside the real `sh`: whatever is taken for one, `sh -eu` runs with exactly the
//! same words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use runsheet::runbook::argv::argv;

/// Every `sh` there is: what `/bin/sh` is here, and the others people have.
fn shells() -> Vec<Vec<&'static str>> {
    let all = [
        vec!["/bin/sh"],
        vec!["/bin/dash"],
        vec!["/bin/bash", "--posix"],
        vec!["/bin/busybox", "sh"],
    ];
    all.into_iter()
        .filter(|shell| Path::new(shell[0]).exists())
        .collect()
}

/// The words after the first that this shell runs a command with.
fn run(shell: &[&str], script: &str, values: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let done = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-eu", "-c", &format!("printf '%s\\0' {script}"), "runsheet"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(values)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !done.status.success() || !done.stderr.is_empty() {
        return None;
    }
    let text = String::from_utf8(done.stdout).unwrap();
    let mut words: Vec<String> = text.split('\0').map(str::to_owned).collect();
    words.pop();
    Some(words)
}

fn same_in_every_shell(
    script: &str,
    values: &BTreeMap<String, String>,
) -> Result<bool, TestCaseError> {
    let Ok(words) = argv(&format!("printf '%s\\0' {script}"), values) else {
        return Ok(false);
    };
    let mut wanted = words[2..].to_vec();
    // Without an argument printf prints its format once, with an empty one.
    if wanted.is_empty() {
        wanted.push(String::new());
    }
    for shell in shells() {
        let ran = run(&shell, script, values);
        prop_assert_eq!(ran.as_ref(), Some(&wanted), "{:?} {:?}", shell, script);
    }
    Ok(true)
}

fn values() -> BTreeMap<String, String> {
    [
        ("plain", "AKIA-7Q"),
        ("hard", "a b\t*\n'\"\\$plain `id` ;&|é"),
        ("none", ""),
        ("n_1", "x=y"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Pieces of which scripts are made: most of them harmless, so that many are taken.
fn piece() -> impl Strategy<Value = String> {
    let harmless = prop::sample::select(vec![
        "a",
        "-x",
        "--y=z",
        "/b/c",
        "7",
        "%",
        ",",
        "@",
        ":",
        "+",
        "..",
        " ",
        "  ",
        "\t",
        "\\\n",
        " \\\n ",
        "'q r'",
        "''",
        "\"\"",
        "\"d e\"",
        "'$plain'",
        "\"$plain\"",
        "\"${hard}\"",
        "\"$hard\"",
        "$plain",
        "${plain}",
        "$n_1",
        "\"$none\"",
        "\\ ",
        "\\$",
        "\\'",
        "\\\"",
        "\\\\",
        "\\a",
        "\\*",
        "\\~",
        "\\#",
        "'*'",
        "\"*?[\"",
        "\"\\$\"",
        "\"\\a\"",
        "\"\\\\\"",
        "\"\\\n\"",
        "'\\'",
        "'\n'",
        "\"\n\"",
        "'é'",
        "\"~\"",
        "'#'",
        "\"x'y\"",
        "'x\"y'",
        "\\é",
        "\"${plain}x\"",
        "\n",
    ])
    .prop_map(str::to_owned);
    let nasty = prop::sample::select(vec![
        "$",
        "`",
        "*",
        "?",
        "[",
        "]",
        "{",
        "}",
        "~",
        "#",
        "!",
        "=",
        ";",
        "&",
        "|",
        "<",
        ">",
        "(",
        ")",
        "\"",
        "'",
        "\\",
        "$1",
        "$?",
        "${",
        "$(",
        "$hard",
        "$none",
        "$_",
        "$unknown",
        "^",
        "é",
        "\r",
        "\u{a0}",
        "\\\r",
        "$plain\\\nx",
        "$'a'",
        "$\"a\"",
        "{a,b}",
        "\u{7f}",
        "\"$\"",
        "\"`id`\"",
        "\"$(id)\"",
        "\"${plain:-x}\"",
        "\n a",
    ])
    .prop_map(str::to_owned);
    prop_oneof![12 => harmless, 1 => nasty]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn case_38_what_is_taken_for_a_simple_command_sh_runs_with_the_same_words(
        pieces in prop::collection::vec(piece(), 0..10)
    ) {
        same_in_every_shell(&pieces.concat(), &values())?;
    }

    #[test]
    fn letters_of_every_kind_are_refused_or_read_as_sh_reads_them(
        script in "[ \t\n'\"\\\\$\\{\\}a-z_*?\\[\\]~#=;|&<>()!é^%@]{0,12}"
    ) {
        same_in_every_shell(&script, &values())?;
    }

    #[test]
    fn any_words_in_quotes_are_a_simple_command(
        given in prop::collection::vec("[^\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]{0,20}", 1..5)
    ) {
        let script: Vec<_> = given
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect();
        let script = script.join(" ");
        let words = argv(&format!("run {script}"), &values());
        prop_assert_eq!(words.as_ref().map(|words| &words[1..]), Ok(&given[..]));
        prop_assert!(same_in_every_shell(&script, &values())?);
    }
}

#[test]
fn enough_of_what_is_tried_is_taken() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(piece(), 0..10);
    let taken = (0..1500)
        .filter(|_| {
            let pieces = strategy.new_tree(&mut runner).unwrap().current();
            argv(&format!("run {}", pieces.concat()), &values()).is_ok()
        })
        .count();
    eprintln!(
        "{taken} of 1500 were simple commands, in {} shells",
        shells().len()
    );
    assert!(taken > 400, "{taken}");
}
