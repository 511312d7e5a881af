//! What differs between two executions of the same step, line by line and value by value. For people: it proves
//! nothing, and what is signed is the whole record.

use std::collections::BTreeSet;

use crate::engine::exec::{ExecRecord, Var};

/// Unchanged lines kept beside changed ones.
const CONTEXT: usize = 1;
/// Scripts are compared line by line up to this many pairs of lines.
const MOST: usize = 1 << 20;

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// What follows, or all there is to say.
    Head(String),
    /// In both.
    Same(String),
    /// Only in the earlier one.
    Out(String),
    /// Only in this one.
    In(String),
    /// A value or circumstance: its name, what it was, what it is.
    Value(String, Option<String>, Option<String>),
}

/// What differs between an earlier record of a step and this one; empty when nothing does.
#[must_use]
pub fn between(earlier: &ExecRecord, now: &ExecRecord) -> Vec<Line> {
    let mut lines = Vec::new();
    script(
        "the script",
        &earlier.exec.script,
        &now.exec.script,
        &mut lines,
    );
    let text = |script: &Option<String>| script.clone().unwrap_or_default();
    for (name, old, new) in [
        ("the dry run", &earlier.dry_run, &now.dry_run),
        ("the way back", &earlier.rollback, &now.rollback),
    ] {
        script(name, &text(old), &text(new), &mut lines);
    }
    values(earlier, now, &mut lines);
    for (name, old, new) in [
        ("host", &earlier.exec.host, &now.exec.host),
        ("run as", &earlier.exec.run_as, &now.exec.run_as),
        ("directory", &earlier.exec.cwd, &now.exec.cwd),
        ("gate", &earlier.gate, &now.gate),
    ] {
        changed(name, Some(old.clone()), Some(new.clone()), &mut lines);
    }
    let shell = |record: &ExecRecord| Some(record.exec.shell.join(" "));
    changed("shell", shell(earlier), shell(now), &mut lines);
    let limit = |record: &ExecRecord| Some(format!("{}s", record.exec.timeout));
    changed("time limit", limit(earlier), limit(now), &mut lines);
    lines
}

/// What differs between two texts; empty when nothing does.
#[must_use]
pub fn texts(name: &str, old: &str, new: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    script(name, old, new, &mut lines);
    lines
}

fn changed(name: &str, old: Option<String>, new: Option<String>, lines: &mut Vec<Line>) {
    if old != new {
        lines.push(Line::Value(name.to_owned(), old, new));
    }
}

fn values(earlier: &ExecRecord, now: &ExecRecord, lines: &mut Vec<Line>) {
    let names: BTreeSet<&String> = earlier.vars.keys().chain(now.vars.keys()).collect();
    // What runsheet itself adds differs with every incident and says nothing.
    for name in names
        .into_iter()
        .filter(|name| !name.starts_with("RUNSHEET_"))
    {
        let shown = |record: &ExecRecord| {
            record.vars.get(name).map(|value| match value {
                Var::Plain(value) => value.clone(),
                Var::Secret(_) => "a secret, which cannot be compared".to_owned(),
            })
        };
        changed(name, shown(earlier), shown(now), lines);
    }
}

fn script(name: &str, old: &str, new: &str, lines: &mut Vec<Line>) {
    if old == new {
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old.len().saturating_mul(new.len()) > MOST {
        lines.push(Line::Head(format!(
            "{name} is another one, too long to be compared line by line"
        )));
        return;
    }
    lines.push(Line::Head(format!("{name} is another one:")));
    lines.extend(hunks(compared(&old, &new)));
}

/// Both texts as one list, by their longest common part.
fn compared(old: &[&str], new: &[&str]) -> Vec<Line> {
    let wide = new.len() + 1;
    // How many lines the rests from here on have in common.
    let mut common = vec![0_u32; (old.len() + 1) * wide];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * wide + b] = if old[a] == new[b] {
                common[(a + 1) * wide + b + 1] + 1
            } else {
                common[(a + 1) * wide + b].max(common[a * wide + b + 1])
            };
        }
    }
    let (mut a, mut b, mut lines) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            lines.push(Line::Same(old[a].to_owned()));
            (a, b) = (a + 1, b + 1);
        } else if b == new.len()
            || (a < old.len() && common[(a + 1) * wide + b] >= common[a * wide + b + 1])
        {
            lines.push(Line::Out(old[a].to_owned()));
            a += 1;
        } else {
            lines.push(Line::In(new[b].to_owned()));
            b += 1;
        }
    }
    lines
}

/// Only what changed, with a little of what stands beside it.
fn hunks(lines: Vec<Line>) -> Vec<Line> {
    let near: Vec<bool> = (0..lines.len())
        .map(|at| {
            let from = at.saturating_sub(CONTEXT);
            let to = (at + CONTEXT + 1).min(lines.len());
            lines[from..to]
                .iter()
                .any(|line| !matches!(line, Line::Same(_)))
        })
        .collect();
    let mut kept = Vec::new();
    let mut gap = false;
    for (line, near) in lines.into_iter().zip(near) {
        if near {
            if std::mem::take(&mut gap) {
                kept.push(Line::Same("…".to_owned()));
            }
            kept.push(line);
        } else {
            gap = true;
        }
    }
    if gap {
        kept.push(Line::Same("…".to_owned()));
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::exec::{Exec, Executor, PinnedBlob, PinnedPolicy, Purpose};
    use crate::engine::{RunId, StepRef};
    use crate::evidence::Digest;
    use crate::runbook::model::{Risk, StepId};

    fn record(script: &str, account: &str) -> ExecRecord {
        ExecRecord {
            step: StepRef {
                run: RunId::new("r").unwrap(),
                step: StepId::from("drop"),
                attempt: 1,
            },
            title: "Drop it".to_owned(),
            risk: Risk::Destructive,
            exec: Exec {
                purpose: Purpose::Run,
                kind: "run".to_owned(),
                script: script.to_owned(),
                shell: vec!["sh".to_owned(), "-eu".to_owned()],
                cwd: "/srv".to_owned(),
                host: "bastion".to_owned(),
                run_as: "svc".to_owned(),
                env: vec!["account".to_owned()],
                stdin: String::new(),
                files: BTreeMap::new(),
                timeout: 30,
                output_limit: 1,
            },
            vars: BTreeMap::from([
                ("account".to_owned(), Var::Plain(account.to_owned())),
                ("RUNSHEET_STEP".to_owned(), Var::Plain(script.to_owned())),
            ]),
            dry_run: None,
            rollback: None,
            gate: "1 approver".to_owned(),
            runbook: PinnedBlob {
                commit: "a".repeat(40),
                path: "runbooks/r.yaml".to_owned(),
                sha256: Digest::of(b"r"),
            },
            policy: PinnedPolicy {
                commit: "a".repeat(40),
                sha256: Digest::of(b"p"),
            },
            executor: Executor {
                principal: "bob@example.org".to_owned(),
                host: "bastion".to_owned(),
                writer: "w".to_owned(),
            },
        }
    }

    #[test]
    fn the_same_script_with_another_value_differs_in_that_value_only() {
        let (old, new) = (record("a\nb", "staging"), record("a\nb", "prod"));
        assert_eq!(between(&old, &old), []);
        let value = |text: &str| Some(text.to_owned());
        assert_eq!(
            between(&old, &new),
            [Line::Value(
                "account".to_owned(),
                value("staging"),
                value("prod")
            )]
        );
    }

    #[test]
    fn changed_lines_stand_out_and_far_ones_are_left_out() {
        let (old, new) = (
            record("1\n2\n3\n4\n5\n6", "x"),
            record("1\n2\n3\nfour\n5\n6\n7", "x"),
        );
        let text = |lines: Vec<Line>| {
            lines
                .into_iter()
                .map(|line| match line {
                    Line::Head(text) => text,
                    Line::Same(text) => format!("  {text}"),
                    Line::Out(text) => format!("- {text}"),
                    Line::In(text) => format!("+ {text}"),
                    Line::Value(name, ..) => name,
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            text(between(&old, &new)),
            [
                "the script is another one:",
                "  …",
                "  3",
                "- 4",
                "+ four",
                "  5",
                "  6",
                "+ 7"
            ]
        );
    }

    #[test]
    fn nothing_of_the_new_script_is_lost_in_the_comparison() {
        let old = ["a", "b", "a", "c", "b"];
        let new = ["b", "a", "x", "b", "b", "a"];
        let lines = compared(&old, &new);
        let side = |out: bool| {
            lines
                .iter()
                .filter_map(|line| match line {
                    Line::Same(text) => Some(text.as_str()),
                    Line::Out(text) if out => Some(text.as_str()),
                    Line::In(text) if !out => Some(text.as_str()),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(side(true), old);
        assert_eq!(side(false), new);
    }

    #[test]
    fn secrets_are_never_shown_and_endless_scripts_never_compared() {
        let mut old = record("a", "x");
        old.vars
            .insert("token".to_owned(), Var::Secret("f9cc".to_owned()));
        let text = format!("{:?}", between(&old, &record("a", "x")));
        assert!(
            text.contains("cannot be compared") && !text.contains("f9cc"),
            "{text}"
        );
        let long = "x\n".repeat(3_000);
        let lines = between(&record(&long, "x"), &record(&format!("{long}y"), "x"));
        assert!(
            matches!(&lines[..], [Line::Head(text)] if text.contains("too long")),
            "{lines:?}"
        );
    }
}
