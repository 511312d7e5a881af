//! The files that a step runs, however its script comes to them: swapped after they were approved, they do not run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Site;

/// Ways to run `./x`, which is executable, and `script`, which is not.
const WAYS: [&str; 13] = [
    "sh -eu script",
    "sudo -n ./x || ./x",
    "timeout 5 ./x",
    "nice -n 5 ./x",
    "echo a | xargs ./x",
    "env A=1 ./x",
    "sh -c './x; true'",
    "sh < script",
    "find script -exec ./x {} +",
    "cd sub && ./y",
    "echo \"$(./x)\"",
    "timeout 5 sh -e script",
    ". ./script",
];

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn case_09_a_file_swapped_before_running_is_not_run_whatever_runs_it() {
    let steps: String = WAYS
        .iter()
        .enumerate()
        .map(|(number, way)| {
            let way = way.replace('\'', "''");
            format!("  - {{id: way-{number}, run: '{way}', risk: destructive}}\n")
        })
        .collect();
    let book = format!("id: a\ntitle: A\ninputs: {{place: {{}}}}\nsteps:\n{steps}");
    let site = Site::with(
        &book,
        "approvals: 1, role: approver, not: [performer], expires: 15m",
    );
    let place = site.team.place();
    fs::create_dir(place.join("sub")).unwrap();
    let write = |word: &str| {
        let text = format!("#!/bin/sh\necho {word} >> {}/ran\n", place.display());
        executable(&place.join("x"), &text);
        executable(&place.join("sub/y"), &text);
        fs::write(place.join("script"), text.replace("#!/bin/sh\n", "")).unwrap();
    };
    let (robin, sasha) = (site.team.person("robin"), site.team.person("sasha"));
    write("good");
    let inc = robin.start("a");
    for (number, way) in WAYS.iter().enumerate() {
        let step = format!("way-{number}");
        robin.ok(&["request", &inc, &step]);
        sasha.ok(&["approve", &inc, &step]);
        write("evil");
        let said = robin.fails(1, &["step", &inc, &step, "run"]);
        assert!(said.contains("is not what it was"), "{way}: {said}");
        assert!(!place.join("ran").exists(), "{way}");
        // As it was shown, it runs.
        write("good");
        robin.ok(&["step", &inc, &step, "run"]);
        let ran = fs::read_to_string(place.join("ran")).unwrap();
        assert!(ran.starts_with("good\n") && !ran.contains("evil"), "{way}");
        fs::remove_file(place.join("ran")).unwrap();
    }
    robin.ok(&["verify", &inc]);
}

#[test]
fn case_09_a_file_that_was_none_to_run_when_it_was_asked_for_is_not_run_and_a_log_may_grow() {
    let book = "\
id: a
title: A
inputs: {place: {}}
steps:
  - {id: drop, run: 'timeout 5 ./x < log; cat log > /dev/null', risk: destructive}
";
    let site = Site::with(
        book,
        "approvals: 1, role: approver, not: [performer], expires: 15m",
    );
    let place = site.team.place();
    fs::write(place.join("log"), "a line\n").unwrap();
    fs::write(place.join("x"), "not executable, and no script\n").unwrap();
    let (robin, inc) = site.asked("robin");
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    executable(&place.join("x"), "#!/bin/sh\ntouch ran\n");
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(
        said.contains("./x was not there when it was asked"),
        "{said}"
    );
    assert!(!place.join("ran").exists());
    robin.ok(&["withdraw", &inc, "drop"]);
    robin.ok(&["request", &inc, "drop"]);
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    fs::write(place.join("log"), "a line\nanother\n").unwrap();
    robin.ok(&["step", &inc, "drop", "run"]);
    assert!(place.join("ran").exists());
}
