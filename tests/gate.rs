//! The binding form of a checkpoint: `runsheet gate` as oneself, behind a forced command of a real sshd, and behind a
//! real sudo, where nothing that the caller says about places or people counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/sshd.rs"]
mod sshd;
#[path = "support/team.rs"]
mod team;

#[path = "gate/forced.rs"]
mod forced;
#[path = "gate/oneself.rs"]
mod oneself;
#[path = "gate/sudo.rs"]
mod sudo;

/// Steps of several kinds, each behind a checkpoint but the last.
const BOOK: &str = r#"
id: gated
title: Gated
severity: sev2
summary: Steps that take an approval.
owner: shared
inputs:
  place: {prompt: Where}
  mark: {default: 'two words'}
steps:
  - id: cut
    run: touch -- "$place/cut $mark"
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: seven
    run: |
      echo seven
      exit 7
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: killed
    run: kill -TERM $$
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: hand
    title: By hand
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: env
    run: env > "$place/env"; id -u >> "$place/env"; pwd >> "$place/env"
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: tool
    run: ./tool.sh
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: free
    run: "true"
"#;

/// The block of this language in the page that tells people how, with the places and names of a test.
pub fn from_the_page(language: &str, places: &[(&str, &str)]) -> String {
    let page = include_str!("../docs/enforcing.md");
    let (_, rest) = page
        .split_once(&format!("\n```{language}\n"))
        .unwrap_or_else(|| panic!("docs/enforcing.md has no {language}"));
    let (block, _) = rest.split_once("```\n").unwrap();
    let mut block = block.to_owned();
    for (from, to) in places {
        assert!(block.contains(from), "{from}: {block}");
        block = block.replace(from, to);
    }
    block
}
