//! Commands under their supervisor, with the real program: what survives which kill, and what is written down.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use runsheet::host::supervise::{Exit, Job, JobSpec, JobState, Stream, spawn};
use rustix::process::{Pid, Signal, kill_process};

fn script(text: &str) -> JobSpec {
    JobSpec {
        argv: vec!["sh".to_owned(), "-eu".to_owned()],
        script: Some(text.to_owned()),
        env: Vec::new(),
        cwd: None,
        timeout: None,
        output_limit: 64 << 20,
        program: PathBuf::from(env!("CARGO_BIN_EXE_runsheet")),
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn exit(job: &Job) -> Exit {
    wait_for("exit", || match job.state().unwrap() {
        JobState::Finished(exit) => Some(exit),
        JobState::Running => None,
        other => panic!("{other:?}"),
    })
}

fn run(dir: &Path, spec: JobSpec) -> (Exit, String) {
    spawn(dir, spec).unwrap();
    let job = Job::at(dir);
    let exit = exit(&job);
    let output = job.read(Stream::Output, 0, 1 << 20).unwrap();
    (exit, String::from_utf8_lossy(&output).into_owned())
}

fn supervisor(dir: &Path) -> Pid {
    let lock = fs::read(dir.join("lock")).unwrap();
    let holder: serde_json::Value = serde_json::from_slice(&lock).unwrap();
    Pid::from_raw(i32::try_from(holder["pid"].as_i64().unwrap()).unwrap()).unwrap()
}

#[test]
fn status_and_both_streams_are_kept_and_standard_output_also_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (exit, output) = run(
        dir.path(),
        script("echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; exit 7"),
    );
    assert_eq!((exit.code, exit.signal), (Some(7), None));
    assert_eq!(output, "one\ntwo\nthree\n");
    let job = Job::at(dir.path());
    assert_eq!(job.read(Stream::Stdout, 0, 100).unwrap(), b"one\nthree\n");
    assert_eq!(job.read(Stream::Output, 8, 3).unwrap(), b"thr");
    assert_eq!((exit.output_bytes, exit.stdout_bytes), (14, 10));
    assert_eq!((exit.dropped_bytes, exit.stdout_dropped_bytes), (0, 0));
    assert!(exit.started <= exit.ended && !exit.left_behind && !exit.timed_out);
}

#[test]
fn values_reach_the_script_and_stand_in_no_file_and_no_argument() {
    let dir = tempfile::tempdir().unwrap();
    let secret = "s3cr3t-$(touch x);'\"";
    let mut spec =
        script("printf %s \"$token\" | wc -c; [ \"$token\" = \"$2\" ] || true; sleep 0.3");
    spec.script = Some("printf %s \"$token\" | wc -c; sleep 0.3".to_owned());
    spec.env = vec![("token".to_owned(), secret.to_owned())];
    spawn(dir.path(), spec).unwrap();
    let pid = supervisor(dir.path()).as_raw_nonzero();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&arguments).contains("s3cr3t"));
    let job = Job::at(dir.path());
    assert_eq!(exit(&job).code, Some(0));
    let printed = job.read(Stream::Stdout, 0, 100).unwrap();
    assert_eq!(
        String::from_utf8(printed).unwrap().trim(),
        secret.len().to_string()
    );
    let mut files = 0;
    for entry in fs::read_dir(dir.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cr3t"));
        files += 1;
    }
    assert_eq!(files, 5, "job.json, lock, output, stdout, exit");
    let record = fs::read_to_string(dir.path().join("job.json")).unwrap();
    assert!(record.contains("token"), "the name is stated: {record}");
}

#[test]
fn standard_input_is_empty_and_the_script_is_not_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let (exit, output) = run(dir.path(), script("read line || echo nothing; echo \"$0\""));
    assert_eq!(exit.code, Some(0));
    assert_eq!(output, "nothing\nrunsheet\n");
}

#[test]
fn a_very_long_script_and_another_interpreter_run_from_sealed_memory() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("# {}\necho done", "x".repeat(300_000));
    let (exit, output) = run(&dir.path().join("long"), script(&long));
    assert_eq!((exit.code, output.as_str()), (Some(0), "done\n"));
    let mut spec = script("BEGIN { print \"from awk\" }\n");
    spec.argv = vec!["awk".to_owned(), "-f".to_owned()];
    let (exit, output) = run(&dir.path().join("awk"), spec);
    assert_eq!((exit.code, output.as_str()), (Some(0), "from awk\n"));
}

#[test]
fn a_program_that_is_not_there_is_an_outcome_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script("x");
    spec.argv = vec!["/no/such/shell".to_owned()];
    let (exit, _) = run(dir.path(), spec);
    assert_eq!(exit.code, None);
    assert!(exit.error.unwrap().contains("/no/such/shell"));
}

#[test]
fn malformed_orders_and_a_used_directory_are_refused_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut nul = script("x");
    nul.env = vec![("a".to_owned(), "b\0c".to_owned())];
    assert!(spawn(&dir.path().join("a"), nul).is_err());
    let mut name = script("x");
    name.env = vec![("a=b".to_owned(), "c".to_owned())];
    assert!(spawn(&dir.path().join("b"), name).is_err());
    let used = dir.path().join("c");
    run(&used, script("true"));
    assert!(spawn(&used, script("true")).is_err());
}

#[test]
fn a_script_that_is_late_ends_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script("sleep 300 & echo $!; wait");
    spec.timeout = Some(Duration::from_millis(300));
    let begun = Instant::now();
    let (exit, output) = run(dir.path(), spec);
    assert!(
        exit.timed_out && !exit.cancelled && !exit.left_behind,
        "{exit:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(4), "TERM was enough");
    let sleeper = output.trim().to_owned();
    wait_for("end of the sleeper", || {
        let state = fs::read_to_string(format!("/proc/{sleeper}/stat"));
        state
            .map_or(true, |text| text.contains(") Z "))
            .then_some(())
    });
}

#[test]
fn a_script_that_ignores_sigterm_is_killed_after_its_grace() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script("trap '' TERM; echo ready; while :; do sleep 0.1 || true; done");
    spec.timeout = Some(Duration::from_millis(300));
    let begun = Instant::now();
    let (exit, _) = run(dir.path(), spec);
    assert_eq!((exit.signal, exit.timed_out), (Some(9), true));
    assert!(begun.elapsed() >= Duration::from_secs(5));
}

#[test]
fn cancelling_lets_the_script_clean_up_and_is_written_down() {
    let dir = tempfile::tempdir().unwrap();
    spawn(
        dir.path(),
        script("trap 'echo cleaned; exit 3' TERM; echo ready; sleep 300 & wait"),
    )
    .unwrap();
    let job = Job::at(dir.path());
    wait_for("output", || {
        (!job.read(Stream::Output, 0, 10).unwrap().is_empty()).then_some(())
    });
    assert_eq!(job.state().unwrap(), JobState::Running);
    assert!(job.cancel().unwrap());
    let exit = exit(&job);
    assert_eq!((exit.code, exit.cancelled), (Some(3), true));
    assert_eq!(
        job.read(Stream::Output, 0, 100).unwrap(),
        b"ready\ncleaned\n"
    );
    assert!(!job.cancel().unwrap(), "there is nobody to ask any more");
}

#[test]
fn what_is_beyond_the_limit_is_counted_and_the_command_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script("head -c 100000 /dev/zero; echo end >&2");
    spec.output_limit = 1000;
    let (exit, output) = run(dir.path(), spec);
    assert_eq!(exit.code, Some(0));
    assert_eq!(output.len(), 1000);
    assert_eq!((exit.output_bytes, exit.dropped_bytes), (1000, 99_004));
    assert_eq!(
        (exit.stdout_bytes, exit.stdout_dropped_bytes),
        (1000, 99_000)
    );
    assert_eq!(exit.disk_error, None);
}

#[test]
fn a_full_disk_stops_neither_the_command_nor_its_exit() {
    let dir = tempfile::tempdir().unwrap();
    // A limit on the size of files stands for a disk that takes no more; it counts for the supervisor alone.
    let wrapper = dir.path().join("small-disk");
    let program = env!("CARGO_BIN_EXE_runsheet");
    fs::write(
        &wrapper,
        format!("#!/bin/sh\nulimit -f 16\nexec {program} \"$@\"\n"),
    )
    .unwrap();
    Command::new("chmod")
        .arg("+x")
        .arg(&wrapper)
        .status()
        .unwrap();
    let mut spec = script("head -c 100000 /dev/zero; echo end >&2; exit 4");
    spec.program = wrapper;
    let (exit, _) = run(&dir.path().join("job"), spec);
    assert_eq!(exit.code, Some(4));
    assert!(exit.disk_error.is_some(), "{exit:?}");
    assert!(exit.output_bytes < 100_000);
    assert_eq!(exit.output_bytes + exit.dropped_bytes, 100_004);
}

#[test]
fn a_hundred_megabytes_pass_quickly() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script("head -c 104857600 /dev/zero");
    spec.output_limit = 1 << 30;
    let begun = Instant::now();
    let (exit, _) = run(dir.path(), spec);
    assert_eq!(exit.output_bytes, 100 << 20);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn something_left_in_the_background_is_stated_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let (exit, output) = run(dir.path(), script("sleep 20 & echo started"));
    assert_eq!((exit.code, exit.left_behind), (Some(0), true));
    assert_eq!(output, "started\n");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn starts_a_job_for_another_test() {
    let Ok(dir) = std::env::var("JOB_FOR_ANOTHER_TEST") else {
        return;
    };
    spawn(Path::new(&dir), script("echo begun; sleep 1; echo ended")).unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn case_30_a_job_finishes_and_writes_its_exit_when_its_starter_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::at(dir.path().join("job"));
    let mut starter = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "starts_a_job_for_another_test"])
        .env("JOB_FOR_ANOTHER_TEST", job.dir())
        .env("RUNSHEET_LIBRARY", "not for scripts")
        .spawn()
        .unwrap();
    wait_for("output", || {
        (!job.read(Stream::Output, 0, 10).unwrap().is_empty()).then_some(())
    });
    starter.kill().unwrap();
    starter.wait().unwrap();
    assert_eq!(job.state().unwrap(), JobState::Running);
    assert_eq!(exit(&job).code, Some(0));
    assert_eq!(job.read(Stream::Output, 0, 100).unwrap(), b"begun\nended\n");
}

#[test]
fn hanging_up_and_interrupting_do_not_end_a_job() {
    let dir = tempfile::tempdir().unwrap();
    spawn(dir.path(), script("sleep 1; echo ended")).unwrap();
    let pid = supervisor(dir.path());
    for signal in [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::TSTP,
        Signal::TTOU,
    ] {
        kill_process(pid, signal).unwrap();
    }
    let session = rustix::process::getsid(Some(pid)).unwrap();
    assert_eq!(session, pid, "it leads a session of its own");
    let job = Job::at(dir.path());
    let exit = exit(&job);
    assert_eq!((exit.code, exit.cancelled), (Some(0), false));
}

#[test]
fn a_command_starts_with_usual_signals_and_without_our_own_variables() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script("env; grep SigIgn /proc/self/status");
    spec.env = vec![("RUNSHEET_SINCE".to_owned(), "now".to_owned())];
    let (_, output) = run(dir.path(), spec);
    let ours: Vec<_> = output
        .lines()
        .filter(|line| line.starts_with("RUNSHEET_"))
        .collect();
    assert_eq!(ours, ["RUNSHEET_SINCE=now"]);
    let ignored = output
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    for signal in [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::PIPE,
        Signal::TERM,
    ] {
        assert_eq!(
            ignored & (1 << (signal.as_raw() - 1)),
            0,
            "{signal:?} is ignored"
        );
    }
    assert!(output.lines().any(|line| line.starts_with("PATH=")));
}

#[test]
fn a_killed_supervisor_leaves_an_unknown_outcome() {
    let dir = tempfile::tempdir().unwrap();
    spawn(dir.path(), script("sleep 30")).unwrap();
    let job = Job::at(dir.path());
    assert_eq!(job.state().unwrap(), JobState::Running);
    kill_process(supervisor(dir.path()), Signal::KILL).unwrap();
    wait_for("loss", || match job.state().unwrap() {
        JobState::Lost => Some(()),
        JobState::Running => None,
        other => panic!("{other:?}"),
    });
    assert!(!job.cancel().unwrap());
    assert!(!job.bar().unwrap(), "it had started");
}

#[test]
fn a_barred_job_can_no_longer_start() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::at(dir.path());
    assert_eq!(job.state().unwrap(), JobState::NotStarted);
    assert!(job.bar().unwrap());
    assert!(job.bar().unwrap(), "saying so twice changes nothing");
    assert!(spawn(dir.path(), script("touch ran")).is_err());
    assert_eq!(job.state().unwrap(), JobState::NotStarted);
    assert!(!dir.path().join("output").exists());
}
