//! Pattern lists of OpenSSH (`ssh_config(5)`, PATTERNS): `*`, `?`, commas, and `!` which always wins.

/// Whether a list of patterns matches, and none of its negated ones does.
pub(super) fn list_matches(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(negated.as_bytes(), text.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
    found
}

/// Goes back to the last `*` only, so it takes at most pattern × text steps.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::list_matches;

    #[test]
    fn stars_and_question_marks_match_as_in_ssh_config() {
        for (list, text, expected) in [
            ("git", "git", true),
            ("git", "gitx", false),
            ("*@runsheet", "approval.v1@runsheet", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?it", "git", true),
            ("?it", "it", false),
            ("file,git", "git", true),
            ("*,!git", "git", false),
            ("!git", "file", false),
            ("*", "", true),
            ("", "", true),
            ("", "git", false),
            ("git ", "git", false),
        ] {
            assert_eq!(list_matches(list, text), expected, "{list:?} {text:?}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!list_matches(&"*a".repeat(5000), &"a".repeat(4000)));
    }
}
