//! 5,000 generated runbooks: listed by their headers, and checked whole. The aims: list within 150 ms, check within 1 s of CPU;
//! most of the latter is the YAML scanner, about 17 MB/s.

use std::fmt::Write as _;

use chrono::NaiveDate;
use divan::Bencher;
use runsheet::runbook::check::{File, Set, check};
use runsheet::runbook::header;

const RUNBOOKS: usize = 5_000;

const POLICY: &str = "\
people:
  alice: {principals: [alice@example.org], roles: [operator, commander]}
  bob: {principals: [bob@example.org], roles: [operator]}
  carol: {principals: [carol@example.org], roles: [approver]}
  dave: {principals: [dave@example.org], roles: [approver]}
checkpoints:
  - {when: \"risk == 'destructive'\", approvals: 1, role: approver, not: [performer, author], expires: 15m}
  - {when: \"risk == 'privileged' and account == 'prod'\", approvals: 1, role: approver, not: [performer]}
";

fn main() {
    divan::main();
}

/// One runbook of a library: a dozen steps of all kinds, about 2.6 KB.
fn runbook(number: usize) -> (String, String) {
    let id = format!("service-{number}-down");
    let mut text = format!(
        "id: {id}\ntitle: 'Service {number} is down'\nseverity: sev{}\nsummary: The service does not answer.\n\
        owner: team-{}\nservices: [svc-{number}, edge]\ntags: [availability, http]\nalerts: [Service{number}Down]\n\
        last_reviewed: 2026-10-01\nreview_every: 180d\ninputs:\n\
        \x20 account: {{choices: [prod, staging], default: prod}}\n\
        \x20 ticket: {{prompt: Ticket, pattern: '^OPS-[0-9]{{1,{}}}$', optional: true}}\n\
        logs:\n  app: {{file: /var/log/svc-{number}/*.log}}\nsteps:\n",
        number % 5 + 1,
        number % 40,
        number % 9 + 1,
    );
    for step in 0..2 {
        let _ = write!(
            text,
            "\x20 - id: look-{step}\n    title: Look at the pods, part {step}\n    phase: identification\n    role: operator\n\
            \x20   instructions: |\n      Look whether the pods of `{{{{ account }}}}` answer, and **write down** what you see.\n\
            \x20   checklist: [Dashboard looked at, Owner told]\n\
            \x20 - id: count-{step}\n    run: |\n      kubectl -n \"$account\" get pods -l app=svc-{number} -o json\n\
            \x20     for pod in $(kubectl get pods -o name); do echo \"$pod\"; done\n\
            \x20   outputs: {{pods_{step}: {{json: '.items[0].status'}}}}\n    timeout: 30s\n    retry: {{attempts: 3, delay: 5s}}\n\
            \x20 - id: which-{step}\n    decide: Do they answer?\n    options:\n\
            \x20     - {{label: 'Yes', next: tell-{step}, when: \"pods_{step} == 'ok {number}'\"}}\n\
            \x20     - {{label: 'No', next: restart-{step}}}\n\
            \x20 - id: restart-{step}\n    run: kubectl -n \"$account\" rollout restart deploy/svc-{number}\n    risk: destructive\n\
            \x20   checkpoint: {{approvals: 1, role: approver, not: [performer], expires: 15m}}\n\
            \x20   rollback: kubectl -n \"$account\" rollout undo deploy/svc-{number}\n\
            \x20 - {{id: tell-{step}, notify: {{audience: customers, state: identified, message: 'We are on it.'}}, every: 30m}}\n"
        );
    }
    text += "  - {id: logs, collect: {logs: [app], before: 30m, after: 10m, match: '$ticket'}}\n";
    if number > 0 {
        let _ = writeln!(
            text,
            "  - {{id: after, uses: service-{}-down, with: {{account: '$account'}}}}",
            number / 2
        );
    }
    (format!("runbooks/{id}.yaml"), text)
}

fn library() -> Vec<(String, String)> {
    (0..RUNBOOKS).map(runbook).collect()
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn list_5000(bencher: Bencher<'_, '_>) {
    let files = library();
    bencher.bench_local(|| {
        let headers = files
            .iter()
            .filter_map(|(_, text)| header::read(text.as_bytes()));
        let steps: usize = headers.map(|header| header.steps).sum();
        assert!(steps > RUNBOOKS * 11);
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn check_5000(bencher: Bencher<'_, '_>) {
    let files = library();
    let set = Set {
        runbooks: files
            .iter()
            .map(|(path, text)| File {
                path,
                bytes: text.as_bytes(),
            })
            .collect(),
        policy: Some(File {
            path: "policy.yaml",
            bytes: POLICY.as_bytes(),
        }),
        signers: None,
    };
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap_or_default();
    bencher.bench_local(|| {
        let problems = check(&set, today);
        assert!(problems.is_empty(), "{:?}", problems.first());
    });
}
