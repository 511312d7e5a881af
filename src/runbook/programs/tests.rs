//! What is found of scripts as people write them.

use super::*;

fn found(script: &str) -> Vec<Named> {
    let values = [
        ("tool", "./tools/fix it"),
        ("dir", "/srv/ir"),
        ("line", "./x --now"),
    ];
    let values = values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    named(&["sh".to_owned(), "-eu".to_owned()], script, &values)
}

/// Read as scripts, whatever their mode.
fn scripts(script: &str) -> Vec<String> {
    let found = found(script).into_iter();
    found
        .filter(|named| named.script)
        .map(|named| named.path)
        .collect()
}

fn names(script: &str, path: &str) -> bool {
    found(script).iter().any(|named| named.path == path)
}

#[test]
fn every_word_that_could_name_a_file_is_found_wherever_it_stands() {
    for script in [
        "./x --now",
        "set -e\nif ! ./x; then\n  A=1 ./fix \\\n   ./not\nfi",
        "sudo -n ./x",
        "timeout 5 ./x",
        "nice -n 5 ./x",
        "printf '%s\\n' a b | xargs -n 1 ./x",
        "env A=1 ./x",
        "sh -c './x --now'",
        "sh -c \"cd /; sh -c './x'\"",
        "find . -name '*.log' -exec ./x {} \\;",
        "eval './x' --now",
        "echo \"$(./x)\" `./y`",
        "echo `./x`",
        "(./x) && { ./y; }",
        "$line",
        "EDITOR=./x git rebase",
        "git --exec=./x",
        "run=${unknown:-./x}",
        "sh <<END\n./x\nEND",
        "./y > ./x",
        "trap ./x EXIT",
    ] {
        assert!(names(script, "./x"), "{script}: {:?}", found(script));
    }
    assert!(names("\"$tool\" && ${dir}/run", "./tools/fix it"));
    assert!(names("\"$tool\" && ${dir}/run", "/srv/ir/run"));
    assert!(names("xargs x", "x"));
}

#[test]
fn the_script_of_an_interpreter_is_found_behind_options_and_wrappers() {
    for script in [
        "sh x",
        "sh -eu x log",
        "bash -euo pipefail x log",
        "bash +o posix -- x log",
        "/bin/sh -x x",
        "sudo -n sh x log",
        "timeout 5 env A=1 bash -e x",
        "nice -n 5 python3.11 x log",
        "find . -exec sh x {} +",
        "xargs -n 1 perl x",
        "python3 -u -W ignore x log",
        "sh < x",
        "sh -s a b < x",
        "python3 - < x",
        ". x",
        "source x log",
        "awk -f x log",
        "exec sh x",
        "sh -c 'sh x'",
        "php -f x",
    ] {
        let found = scripts(script);
        assert!(found.contains(&"x".to_owned()), "{script}: {found:?}");
        assert!(!found.contains(&"log".to_owned()), "{script}: {found:?}");
    }
}

#[test]
fn what_is_only_read_is_no_script() {
    for script in [
        "cat log",
        "grep python log",
        "python3 -m json.tool log",
        "perl -ne 'print' log",
        "sh -c 'cat \"$1\"' sh log",
        "python3 x.py < log",
        "find . log",
        "echo . log",
        "node -e 'x' log",
    ] {
        let found = scripts(script);
        assert!(!found.contains(&"log".to_owned()), "{script}: {found:?}");
    }
}

#[test]
fn behind_a_change_of_directory_names_are_read_from_there_too() {
    assert!(names("cd /srv/ir && ./x", "/srv/ir/./x"));
    assert!(names("cd \"$dir\"; cd bin; sh x", "/srv/ir/bin/x"));
    assert!(scripts("cd bin; sh x").contains(&"bin/x".to_owned()));
    assert!(names("cd \"$unknown\"; ./x", "./x"));
}

#[test]
fn a_shell_that_is_a_file_is_named_too() {
    let shell = ["./our-shell".to_owned(), "-e".to_owned()];
    let found = named(&shell, "ls", &BTreeMap::new());
    assert!(found.iter().any(|named| named.path == "./our-shell"));
    let shell = ["sudo", "sh", "-e", "prelude"].map(str::to_owned);
    let found = named(&shell, "ls", &BTreeMap::new());
    let prelude = found.iter().find(|named| named.path == "prelude");
    assert!(prelude.is_some_and(|named| named.script));
}

#[test]
fn what_is_not_known_before_it_runs_and_what_is_no_word_is_left_out() {
    for script in [
        "$unknown/x",
        "./$unknown",
        "# ./x",
        "ls # ./x",
        "",
        "'",
        "\\",
    ] {
        assert!(!names(script, "./x"), "{script}");
    }
    assert!(!names("./$unknown", "./$unknown"));
}

#[test]
fn one_script_names_so_many_and_no_more() {
    let many: String = (0..3 * MOST).map(|n| format!("./{n} ")).collect();
    assert_eq!(found(&many).len(), MOST);
    let _ = found(&"sh -c \"".repeat(1000));
    // Values that hold one another many times over are filled in up to a bound.
    let value = "$a $a '$a' ".repeat(1000);
    let values = [("a".to_owned(), value)].into();
    assert!(named(&[], &"$a ".repeat(1000), &values).len() <= MOST);
}

proptest::proptest! {
    #[test]
    fn no_script_makes_it_panic(script in "[\\PC\n\t'\"$`\\\\{}#;|&()<>=-]{0,80}") {
        let _ = found(&script);
    }
}
