//! Names of Unix accounts by their number, for telling whose file a segment is.

use std::io::Read;

/// The name of an account: from `/etc/passwd`, else from `getent`, which knows directories too; else its number.
#[must_use]
pub fn name(uid: u32) -> String {
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open("/etc/passwd") {
        // What cannot be read names nobody.
        let _ = file.take(16 << 20).read_to_string(&mut text);
    }
    if let Some(name) = find(&text, uid) {
        return name;
    }
    let asked = std::process::Command::new("getent")
        .args(["passwd", "--", &uid.to_string()])
        .stdin(std::process::Stdio::null())
        .output();
    asked
        .ok()
        .and_then(|output| find(&String::from_utf8_lossy(&output.stdout), uid))
        .unwrap_or_else(|| uid.to_string())
}

fn find(text: &str, uid: u32) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let text = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:0::/home/alice:/bin/sh\n";
        assert_eq!(find(text, 1000).as_deref(), Some("alice"));
        assert_eq!(find(text, 100), None);
        assert_eq!(name(0), "root");
        assert_eq!(name(4_000_000_000), "4000000000");
    }
}
