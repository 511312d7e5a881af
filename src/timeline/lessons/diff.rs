//! A change of a text as a unified diff that git applies.

use std::fmt::Write as _;

use super::edit::Edits;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A path as it may stand in a patch: relative, inside the library, of characters that need no quotes.
pub(super) fn path(path: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@ ".contains(c);
    let inside = path
        .split('/')
        .all(|part| !matches!(part, "" | "." | ".." | ".git"));
    (inside && path.chars().all(plain) && !path.ends_with(' ')).then_some(path)
}

/// The diff, if it changes anything.
pub(super) fn unified(text: &str, edits: &Edits, path: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let touched: Vec<usize> = edits
        .before
        .keys()
        .chain(edits.anew.keys())
        .copied()
        .collect();
    if touched.is_empty() {
        return None;
    }
    // A path with a space in it is told apart from what follows by a tab.
    let tab = if path.contains(' ') { "\t" } else { "" };
    let mut out = format!("diff --git a/{path} b/{path}\n--- a/{path}{tab}\n+++ b/{path}{tab}\n");
    let mut grown = 0;
    for (from, to) in hunks(touched, lines.len()) {
        let mut body = String::new();
        let mut added = 0;
        for (index, line) in lines.iter().enumerate().take(to).skip(from) {
            for new in edits.before.get(&index).into_iter().flatten() {
                put(&mut body, '+', new);
                added += 1;
            }
            match edits.anew.get(&index) {
                Some(new) => {
                    put(&mut body, '-', line);
                    put(&mut body, '+', new);
                }
                None => put(&mut body, ' ', line),
            }
        }
        let _ = write!(
            out,
            "@@ -{},{} +{},{} @@\n{body}",
            from + 1,
            to - from,
            from + 1 + grown,
            to - from + added
        );
        grown += added;
    }
    Some(out)
}

fn put(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// The lines around each change, those that meet made one; half open.
fn hunks(mut touched: Vec<usize>, lines: usize) -> Vec<(usize, usize)> {
    touched.sort_unstable();
    let mut all: Vec<(usize, usize)> = Vec::new();
    for at in touched {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(lines));
        match all.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}
