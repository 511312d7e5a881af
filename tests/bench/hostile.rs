//! Hostile YAML: how long `runsheet check` takes to refuse it, from its start to its end, how long of that it computed, and
//! how much memory it had at most. To stay under 100 ms and 64 MB. The program is this one, started again with the
//! arguments of a check: so it can say at its end what only it knows, its own peak.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark stops where it fails"
)]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const TIMES: usize = 10;
const MEMORY: &str = "peak memory in kB: ";
const COMPUTED: &str = "nanoseconds computed: ";

fn main() -> ExitCode {
    let asked = std::env::args().any(|arg| arg == "check");
    if !asked {
        measure();
        return ExitCode::SUCCESS;
    }
    let code = runsheet::cli::main();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    eprintln!("{MEMORY}{}", peak.unwrap().trim().trim_end_matches(" kB"));
    let computed = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    eprintln!("{COMPUTED}{}", computed.split(' ').next().unwrap());
    code
}

type File = (&'static str, fn() -> Vec<u8>);

/// Each with its name; made one after the other, because some are large.
fn files() -> Vec<File> {
    vec![
        ("alias bomb, nine times nine aliases", || {
            let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
            for level in 1..10 {
                let aliases = vec![format!("*a{}", level - 1); 9].join(",");
                text += &format!("a{level}: &a{level} [{aliases}]\n");
            }
            text.into_bytes()
        }),
        ("10,000 brackets deep", || "[".repeat(10_000).into_bytes()),
        ("10,000 dashes deep", || "- ".repeat(10_000).into_bytes()),
        ("100 MB of blanks", || vec![b' '; 100 << 20]),
        ("100 MB of steps", || {
            let head = b"id: a\ntitle: A\nsteps:\n".to_vec();
            let step = b"  - {id: look, title: Look at it}\n";
            [head, step.repeat((100 << 20) / step.len())].concat()
        }),
        ("1 MB of list", || b"- a\n".repeat(260_000)),
        ("1 MB of steps", || {
            let steps: String = (0..20_000)
                .map(|n| format!("  - {{id: look-{n}, title: Look at it {n}}}\n"))
                .collect();
            format!("id: a\ntitle: A\nsteps:\n{steps}").into_bytes()
        }),
        ("1 MB in one key", || {
            "k".repeat((1 << 20) - 10).into_bytes()
        }),
        ("1 MB of one text, never closed", || {
            [b"id: \"".to_vec(), vec![b'x'; (1 << 20) - 10]].concat()
        }),
        ("1 MB of anchors", || {
            let anchors = (0..70_000).map(|n| format!("- &a{n} x\n"));
            anchors.collect::<String>().into_bytes()
        }),
        ("tags", || b"id: !!python/object:os.system a\n".to_vec()),
        ("not UTF-8", || b"id: caf\xe9\n".to_vec()),
    ]
}

fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.yaml");
    println!(
        "{:<40} {:>10} {:>10} {:>10} {:>10}",
        "", "median", "slowest", "computed", "peak"
    );
    for (name, make) in files() {
        std::fs::write(&file, make()).unwrap();
        report(name, &[file.to_str().unwrap()], &[]);
    }
    for packed in [false, true] {
        let library = library(dir.path(), packed);
        let kind = if packed { "packed" } else { "loose" };
        let name = format!("100 MB of blanks in git, {kind}");
        report(&name, &[], &["--library", library.to_str().unwrap()]);
    }
}

/// A library with a runbook of 100 MB.
fn library(dir: &Path, packed: bool) -> std::path::PathBuf {
    let path = dir.join(if packed { "packed" } else { "loose" });
    std::fs::create_dir_all(path.join("runbooks")).unwrap();
    std::fs::write(path.join("runbooks/a.yaml"), vec![b' '; 100 << 20]).unwrap();
    let git = |args: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .arg("-C")
            .arg(&path)
            .args(args)
            .status();
        assert!(done.unwrap().success(), "{args:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "Large"]);
    if packed {
        git(&["repack", "-adq"]);
    }
    path
}

fn report(name: &str, paths: &[&str], flags: &[&str]) {
    let (mut times, mut computed) = (Vec::new(), Vec::new());
    let mut peak: u64 = 0;
    for _ in 0..TIMES {
        let begun = Instant::now();
        let done = Command::new(std::env::current_exe().unwrap())
            .args(flags)
            .arg("check")
            .args(paths)
            .output()
            .unwrap();
        times.push(begun.elapsed());
        let said = String::from_utf8_lossy(&done.stderr);
        let refused = matches!(done.status.code(), Some(1 | 2));
        assert!(refused, "{name}: {:?} {said}", done.status);
        let number = |what: &str| -> u64 {
            let found = said.lines().find_map(|line| line.strip_prefix(what));
            found.unwrap().parse().unwrap()
        };
        peak = peak.max(number(MEMORY));
        computed.push(number(COMPUTED));
    }
    times.sort_unstable();
    computed.sort_unstable();
    let (median, slowest) = (times[TIMES / 2], times[TIMES - 1]);
    let over = median > Duration::from_millis(100) || peak > 64 << 10;
    println!(
        "{name:<40} {:>10} {:>10} {:>10} {:>10}{}",
        format!("{:.1} ms", median.as_secs_f64() * 1e3),
        format!("{:.1} ms", slowest.as_secs_f64() * 1e3),
        format!("{:.1} ms", computed[TIMES / 2] as f64 / 1e6),
        format!("{:.1} MB", peak as f64 / 1024.0),
        if over { "  OVER" } else { "" }
    );
}
