//! Pulls of this machine and of one that a program stands for, into a place that remembers everything.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::stamp::Stamp;
use super::*;
use crate::host::clock::SystemClock;

#[derive(Default)]
struct Kept(Mutex<Vec<(Pulled, String)>>);

struct Bytes(Arc<Kept>, Vec<u8>);

struct Keeps(Arc<Kept>);

impl Keep for Keeps {
    fn begin(&self) -> io::Result<Box<dyn Artifact>> {
        Ok(Box::new(Bytes(Arc::clone(&self.0), Vec::new())))
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Artifact for Bytes {
    fn end(self: Box<Self>, pulled: Pulled) -> io::Result<()> {
        let text = String::from_utf8(self.1).unwrap();
        self.0.0.lock().unwrap().push((pulled, text));
        Ok(())
    }
}

fn wanted(name: &str, origin: Origin) -> Wanted {
    Wanted {
        name: name.to_owned(),
        origin,
        host: None,
        part: Part::Whole,
        limit: 1 << 20,
        matching: None,
        zone: Zone::UTC,
        format: None,
        timeout: None,
    }
}

fn file(path: &Path) -> Wanted {
    wanted("app", Origin::Files(path.to_str().unwrap().to_owned()))
}

fn means(ssh: Ssh) -> Means {
    Means {
        ssh,
        clock: Arc::new(SystemClock),
        cancel: Arc::default(),
        progress: Arc::default(),
        quiet: Duration::from_secs(20),
        whole: Duration::from_secs(60),
        budget: 1 << 30,
        estimate: false,
    }
}

fn pulled(wanted: Vec<Wanted>, means: &Means) -> (Vec<Outcome>, Vec<(Pulled, String)>) {
    let kept = Arc::new(Kept::default());
    let outcomes = pull(wanted, Arc::new(Keeps(Arc::clone(&kept))), means);
    let mut kept = std::mem::take(&mut *kept.0.lock().unwrap());
    kept.sort_by(|a, b| (&a.0.name, &a.0.source).cmp(&(&b.0.name, &b.0.source)));
    (outcomes, kept)
}

fn here(wanted: Wanted) -> (Outcome, Vec<(Pulled, String)>) {
    let (mut outcomes, kept) = pulled(vec![wanted], &means(Ssh::new(None)));
    (outcomes.remove(0), kept)
}

/// A line each second from 2026-11-23T13:00:00Z on.
fn log(seconds: i64) -> String {
    (0..seconds).map(line).collect()
}

const START: i64 = 1_795_438_800;

fn line(second: i64) -> String {
    let time = DateTime::from_timestamp(START + second, 0).unwrap();
    format!(
        "{} web[7]: request {second} {}\n",
        time.format("%Y-%m-%dT%H:%M:%SZ"),
        "x".repeat(60)
    )
}

fn between(from: i64, to: i64) -> Part {
    let at = |second: i64| Stamp((START + second) * 1_000_000_000);
    Part::Window(Window {
        from: at(from),
        to: at(to),
    })
}

#[test]
fn a_tail_begins_with_a_whole_line_and_says_its_range() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
    let (outcome, kept) = here(Wanted {
        part: Part::Tail(8),
        ..file(&path)
    });
    assert_eq!(outcome.problems, [""; 0]);
    let (pulled, text) = &kept[0];
    assert_eq!(text, "three\n");
    assert_eq!(
        (
            pulled.files[0].ranges.as_slice(),
            pulled.dropped,
            pulled.lines
        ),
        (&[(8, 14)][..], 0, 1)
    );
}

#[test]
fn only_lines_that_match_are_kept_and_a_limit_says_what_it_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "a 1\nb 2\na 3\n").unwrap();
    let (_, kept) = here(Wanted {
        matching: Regex::new("^a").ok(),
        ..file(&path)
    });
    assert_eq!(kept[0].1, "a 1\na 3\n");
    let (_, kept) = here(Wanted {
        limit: 4,
        ..file(&path)
    });
    assert_eq!((kept[0].1.as_str(), kept[0].0.dropped), ("", 12));
}

#[test]
fn what_is_not_there_is_said_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.log"), "a\n").unwrap();
    let all = vec![
        file(&dir.path().join("none.log")),
        file(dir.path()),
        file(&dir.path().join("*.txt")),
        file(&dir.path().join("*.log")),
    ];
    let means = means(Ssh::new(None));
    let (outcomes, kept) = pulled(all, &means);
    let problems: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.problems.concat())
        .collect();
    assert!(
        problems[0].contains("none.log: ") && problems[1].ends_with("not a plain file"),
        "{problems:?}"
    );
    assert!(
        problems[2].ends_with("*.txt: no such file") && problems[3].is_empty(),
        "{problems:?}"
    );
    assert_eq!(kept.len(), 1);
    let phases: Vec<_> = means
        .progress
        .rows()
        .into_iter()
        .map(|row| row.phase)
        .collect();
    assert!(matches!(
        phases[..],
        [
            Phase::Failed(_),
            Phase::Failed(_),
            Phase::Failed(_),
            Phase::Done
        ]
    ));
}

#[test]
fn a_window_holds_its_lines_and_no_others_within_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, log(20_000)).unwrap();
    let window = Wanted {
        part: between(9_000, 9_900),
        ..file(&path)
    };
    let (outcome, kept) = here(window.clone());
    assert_eq!(outcome.problems, [""; 0]);
    let expected: String = (9_000..9_900).map(line).collect();
    assert!(kept[0].1 == expected);
    let pulled = &kept[0].0;
    assert_eq!((pulled.lines, pulled.files[0].ranges.len()), (900, 1));
    let (from, to) = pulled.files[0].ranges[0];
    assert_eq!(
        std::fs::read_to_string(&path).unwrap()[from as usize..to as usize],
        expected
    );

    let few = Wanted {
        matching: Regex::new("request 9[0-9]00 ").ok(),
        ..window.clone()
    };
    let (_, kept) = here(few);
    assert_eq!(kept[0].0.lines, 9);

    let (_, kept) = here(Wanted {
        limit: 5_000,
        ..window.clone()
    });
    assert!(kept[0].1.len() <= 5_000 && expected.starts_with(&kept[0].1));
    assert!(kept[0].0.dropped >= (expected.len() - kept[0].1.len()) as u64);

    let estimate = Means {
        estimate: true,
        ..means(Ssh::new(None))
    };
    let (outcomes, kept) = pulled_of(window, &estimate);
    assert!(outcomes.estimate.unwrap() >= expected.len() as u64);
    assert!(kept.is_empty());
}

fn pulled_of(wanted: Wanted, means: &Means) -> (Outcome, Vec<(Pulled, String)>) {
    let (mut outcomes, kept) = pulled(vec![wanted], means);
    (outcomes.remove(0), kept)
}

/// `app.log` and two files it was rotated from, the older one packed.
fn rotated(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("app.log");
    let part = |from: i64, to: i64| (from..to).map(line).collect::<String>();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(part(0, 5_000).as_bytes()).unwrap();
    std::fs::write(dir.join("app.log.2.gz"), packed.finish().unwrap()).unwrap();
    std::fs::write(dir.join("app.log.1"), part(5_000, 12_000)).unwrap();
    std::fs::write(&path, part(12_000, 20_000)).unwrap();
    path
}

#[test]
fn the_rotated_and_packed_files_of_a_log_are_one_here_and_over_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = rotated(dir.path());
    let means = means(ssh(dir.path()));
    for host in [None, Some("web".to_owned())] {
        for (from, to, files) in [
            (4_500, 12_500, 3),
            (11_000, 13_000, 2),
            (15_000, 15_100, 1),
            (100, 200, 1),
        ] {
            let window = Wanted {
                part: between(from, to),
                host: host.clone(),
                ..file(&path)
            };
            let (outcome, kept) = pulled_of(window, &means);
            assert_eq!(outcome.problems, [""; 0], "{host:?}");
            let expected: String = (from..to).map(line).collect();
            assert!(kept.len() == 1 && kept[0].1 == expected, "{host:?} {from}");
            let used = kept[0]
                .0
                .files
                .iter()
                .filter(|file| !file.ranges.is_empty());
            assert_eq!(
                (used.count(), kept[0].0.source.as_str()),
                (files, path.to_str().unwrap())
            );
        }
    }
}

#[test]
fn lines_without_times_are_kept_whole_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "one\ntwo\n").unwrap();
    let (_, kept) = here(Wanted {
        part: between(0, 9),
        ..file(&path)
    });
    assert_eq!(kept[0].1, "one\ntwo\n");
    assert!(
        kept[0]
            .0
            .incomplete
            .as_ref()
            .unwrap()
            .contains("not cut to the window")
    );
}

#[test]
fn one_budget_holds_for_all_of_a_pull() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.log", "b.log", "c.log"] {
        std::fs::write(dir.path().join(name), "0123456\n".repeat(100)).unwrap();
    }
    let means = Means {
        budget: 1000,
        ..means(Ssh::new(None))
    };
    let (_, kept) = pulled(vec![file(&dir.path().join("*.log"))], &means);
    let all: usize = kept.iter().map(|(_, text)| text.len()).sum();
    assert!(all <= 1000 && all > 900, "{all}");
    let dropped: u64 = kept.iter().map(|(pulled, _)| pulled.dropped).sum();
    assert_eq!(all as u64 + dropped, 2400);
}

fn script(text: &str) -> Origin {
    Origin::Script(Script {
        text: text.to_owned(),
        env: vec![("who".to_owned(), "it's ann".to_owned())],
        cwd: None,
    })
}

#[test]
fn a_script_sees_its_values_and_the_window() {
    let text = "echo \"$who $RUNSHEET_SINCE $RUNSHEET_UNTIL\"; cat";
    let (outcome, kept) = here(Wanted {
        part: between(0, 60),
        ..wanted("app", script(text))
    });
    assert_eq!(outcome.problems, [""; 0]);
    assert_eq!(
        kept[0].1,
        "it's ann 2026-11-23T13:00:00Z 2026-11-23T13:01:00Z\n"
    );
    assert_eq!(kept[0].0.source, format!("$ {text}"));
}

#[test]
fn what_a_script_printed_before_it_failed_or_never_ended_is_kept_and_marked() {
    let (outcome, kept) = here(wanted(
        "app",
        script("echo one; echo no cluster >&2; exit 3"),
    ));
    assert_eq!(kept[0].1, "one\n");
    assert_eq!(kept[0].0.incomplete.as_deref(), Some("exit 3: no cluster"));
    assert!(
        outcome.problems[0].ends_with("exit 3: no cluster"),
        "{outcome:?}"
    );
    let (outcome, kept) = here(Wanted {
        limit: 100,
        ..wanted("app", script("yes"))
    });
    assert_eq!(kept[0].1.len(), 100);
    assert!(
        outcome.problems[0].contains("more than the 100 bytes"),
        "{outcome:?}"
    );
    let late = Wanted {
        timeout: Some(Duration::from_millis(300)),
        ..wanted("app", script("echo one; sleep 60"))
    };
    let (outcome, kept) = here(late);
    assert_eq!(kept[0].1, "one\n");
    assert_eq!(outcome.problems.len(), 1);
    let (outcome, kept) = here(wanted("app", script("exit 4")));
    assert!(outcome.problems[0].ends_with("exit 4") && kept.is_empty());
}

/// A program that takes ssh's words and does here what it would do there; the host `hangs` says nothing.
fn ssh(dir: &Path) -> Ssh {
    let program = dir.join("ssh");
    let body = "#!/bin/sh\nfor word; do [ \"$word\" = hangs ] && exec sleep 60; last=$word; done\n\
        case $last in sftp) for s in /usr/lib/openssh/sftp-server /usr/libexec/sftp-server; do [ -x $s ] && exec $s; done;;\n\
        *) exec sh -c \"$last\";; esac\n";
    std::fs::write(&program, body).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Ssh::new(None).with_program(program)
}

#[test]
fn many_hosts_are_pulled_at_once_and_one_that_hangs_costs_the_others_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, log(20_000)).unwrap();
    let mut all = Vec::new();
    for n in 0..12 {
        let host = if n == 3 {
            "hangs".to_owned()
        } else {
            format!("web-{n}")
        };
        let timeout = (n == 3).then(|| Duration::from_millis(500));
        all.push(Wanted {
            name: format!("app-{n:02}"),
            host: Some(host),
            part: between(100, 160),
            timeout,
            ..file(&path)
        });
    }
    all.push(Wanted {
        host: Some("web-1".to_owned()),
        part: between(0, 60),
        ..wanted("script", script("echo \"$who $RUNSHEET_SINCE\"; cat"))
    });
    let (outcomes, kept) = pulled(all, &means(ssh(dir.path())));
    let expected: String = (100..160).map(line).collect();
    assert_eq!(kept.len(), 12);
    for (pulled, text) in &kept[..11] {
        assert!(*text == expected);
        let skew = pulled.skew.unwrap();
        assert!(skew.ahead.abs() <= skew.within, "{skew:?}");
    }
    assert_eq!(kept[11].1, "it's ann 2026-11-23T13:00:00Z\n");
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.problems.is_empty(), n != 3, "{outcome:?}");
    }
    assert!(
        outcomes[3].problems[0].starts_with("hangs: "),
        "{:?}",
        outcomes[3]
    );
}

#[test]
fn a_cancelled_pull_ends_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let means = means(ssh(dir.path()));
    means
        .cancel
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let there = Wanted {
        host: Some("hangs".to_owned()),
        ..file(Path::new("/var/log/syslog"))
    };
    let (outcomes, kept) = pulled(vec![there, wanted("app", script("sleep 60"))], &means);
    assert!(kept.is_empty());
    for outcome in outcomes {
        assert!(outcome.problems[0].ends_with("cancelled"), "{outcome:?}");
    }
}
