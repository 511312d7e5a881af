//! What a channel is sent: the body of a post in the shape its receiver takes, the JSON document of files and programs,
//! a mail. Values in, values out.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::wording::Wording;
use crate::evidence::escape;

/// The most characters that go to a chat whose limit is known.
const DISCORD: usize = 2000;

/// A mail before it is put on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    /// With its angle brackets; the same at each try.
    pub message_id: String,
    pub body: String,
}

/// The document that files, programs and receivers without a shape of their own get.
#[must_use]
pub fn document(delivery: &Delivery) -> Value {
    let Wording {
        incident,
        title,
        severity,
        audience,
        tlp,
        state,
        message,
        text,
        next,
        written,
        by: _,
    } = &delivery.wording;
    json!({
        "version": 1,
        "id": delivery.key,
        "incident": incident,
        "title": title,
        "severity": severity,
        "audience": audience,
        "tlp": tlp,
        "state": state,
        "message": message,
        "text": text,
        "next_update": next.map(|next| next.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "written": written.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

/// The body of a post.
#[must_use]
pub fn post(delivery: &Delivery, shape: Option<&str>) -> Value {
    let text = &delivery.wording.text;
    match shape {
        Some("slack") => json!({ "text": slack(text) }),
        Some("teams") => json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": paragraphs(text),
                },
            }],
        }),
        Some("discord") => json!({
            "content": cut(text, DISCORD),
            "allowed_mentions": { "parse": [] },
        }),
        _ => document(delivery),
    }
}

/// The mail. Without a sender of the channel's own it comes from whoever wrote the update.
///
/// # Errors
/// When nobody it could come from has an address.
pub fn mail(delivery: &Delivery, from: Option<&str>, to: &[String]) -> Result<Mail, String> {
    let wording = &delivery.wording;
    let from = from.unwrap_or(&wording.by).to_owned();
    let domain = from
        .trim_end_matches('>')
        .rsplit_once('@')
        .map(|(_, domain)| domain.to_owned())
        .ok_or_else(|| "the channel has no `from`, and who wrote it has no address".to_owned())?;
    let state = wording.state.as_deref();
    let state = state.map_or_else(String::new, |state| format!("[{state}] "));
    Ok(Mail {
        to: to.to_vec(),
        subject: escape::line(&format!("{state}{}", wording.title)).into_owned(),
        message_id: format!("<{}@{domain}>", delivery.key),
        body: format!("{}\n", wording.text),
        from,
    })
}

/// Slack reads `<!channel>` as a shout and `<…|…>` as a link; escaped it reads nothing into it.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A card has no line ends within a block that every client keeps, so each paragraph is a block, without Markdown.
fn paragraphs(text: &str) -> Vec<Value> {
    text.split("\n\n")
        .filter(|part| !part.trim().is_empty())
        .enumerate()
        .map(|(at, part)| {
            let weight = if at == 0 { "bolder" } else { "default" };
            let plain = part.trim().replace('\n', "\n\n");
            json!({ "type": "TextBlock", "text": unmarked(&plain), "wrap": true, "weight": weight })
        })
        .collect()
}

/// Text in which nothing is Markdown.
fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '*' | '_' | '[' | ']' | '`' | '#') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::evidence::Digest;

    fn delivery(text: &str) -> Delivery {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let wording = Wording {
            incident: "INC-01J".to_owned(),
            title: "Leaked key\r\nBcc: all@example.org".to_owned(),
            state: Some("identified".to_owned()),
            text: text.to_owned(),
            by: "alice@example.org".to_owned(),
            written: at,
            ..Wording::default()
        };
        Delivery::new(Digest::of(b"1"), "status", wording, at)
    }

    #[test]
    fn a_chat_reads_no_shout_and_no_link_into_an_update() {
        let one = delivery("<!channel> <http://evil|Reset> @everyone *b*");
        let slack = post(&one, Some("slack"))["text"].to_string();
        assert!(
            !slack.contains('<') && slack.contains("&lt;!channel&gt;"),
            "{slack}"
        );
        let discord = post(&one, Some("discord"));
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
        let teams =
            post(&one, Some("teams"))["attachments"][0]["content"]["body"][0]["text"].clone();
        assert_eq!(teams, "<!channel> <http://evil|Reset> @everyone \\*b\\*");
    }

    #[test]
    fn a_long_text_fits_into_a_message() {
        let post = post(&delivery(&"é".repeat(5000)), Some("discord"));
        let content = post["content"].as_str().unwrap();
        assert_eq!(content.chars().count(), 2000);
        assert!(content.ends_with('…'));
    }

    #[test]
    fn the_document_names_itself_by_its_key() {
        let one = delivery("text");
        for shape in [None, Some("generic"), Some("json")] {
            let document = post(&one, shape);
            assert_eq!(document["id"], one.key.as_str());
            assert_eq!(document["version"], 1);
            assert_eq!(document["written"], "2026-09-21T14:13:20Z");
        }
    }

    #[test]
    fn a_mail_has_the_key_in_its_id_and_one_line_for_a_subject() {
        let one = delivery("text");
        let to = ["execs@example.org".to_owned()];
        let mail = mail(&one, Some("Status <status@example.net>"), &to).unwrap();
        assert_eq!(mail.message_id, format!("<{}@example.net>", one.key));
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        let own = super::mail(&one, None, &to).unwrap();
        assert_eq!(own.from, "alice@example.org");
        let mut nobody = one;
        nobody.wording.by = "alice".to_owned();
        assert!(super::mail(&nobody, None, &to).is_err());
    }
}
