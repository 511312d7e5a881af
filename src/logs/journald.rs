//! The journal of a systemd unit, read by `journalctl` here or over there. It is asked for lines with full stamps and
//! zone: they are what search, merge, match and redaction know, and `journalctl` is quickest at them. Of its export
//! form the fields with a length before them would no longer hold once something was taken out of them.

use super::command::Script;
use super::stamp::Window;

const NANOS: i64 = 1_000_000_000;

/// The script that prints the lines of a unit within a window, or all of them.
///
/// # Errors
/// When that cannot be the name of a unit.
pub fn script(unit: &str, window: Option<Window>) -> Result<Script, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@*?".contains(c);
    if unit.is_empty() || unit.len() > 256 || unit.starts_with('-') || !unit.chars().all(fits) {
        return Err("no name of a unit".to_owned());
    }
    let mut text = format!(
        "exec journalctl --quiet --no-pager --utc --output=short-iso-precise --unit='{unit}'"
    );
    if let Some(window) = window {
        // Whole seconds around it, because older ones read no others.
        let (from, to) = (
            window.from.0.div_euclid(NANOS),
            window.to.0.saturating_sub(1).div_euclid(NANOS),
        );
        text.push_str(&format!(
            " --since=@{from} --until=@{}",
            to.saturating_add(1)
        ));
    }
    Ok(Script {
        text,
        ..Script::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::stamp::Stamp;
    use super::*;

    #[test]
    fn the_window_is_asked_for_in_whole_seconds_around_it() {
        let window = Window {
            from: Stamp(1_500_000_000),
            to: Stamp(9_000_000_000),
        };
        let script = script("nginx.service", Some(window)).unwrap();
        assert!(
            script
                .text
                .ends_with("--unit='nginx.service' --since=@1 --until=@9"),
            "{}",
            script.text
        );
    }

    #[test]
    fn a_unit_is_a_name_and_nothing_else() {
        for unit in ["", "-x", "a b", "a'b", "$(x)", "a\nb"] {
            assert!(script(unit, None).is_err(), "{unit:?}");
        }
    }
}
