//! A mail through a server. Its Message-ID holds the key, so that a second one is told from the first.

use std::time::{Duration, SystemTime};

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport as _};

use super::Failed;
use crate::outbox::delivery::Delivery;
use crate::outbox::shape::Mail;

/// Where mail is handed in with TLS from the first byte (RFC 8314).
const SUBMISSIONS: u16 = 465;
/// Where mail is handed in.
const SUBMISSION: u16 = 587;

/// A server, who one is there, and what it is to carry.
pub(super) struct Server {
    /// `HOST` or `HOST:PORT`.
    pub(super) address: String,
    pub(super) tls: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) mail: Mail,
}

pub(super) fn send(server: &Server, delivery: &Delivery, limit: Duration) -> Result<(), Failed> {
    let message = message(&server.mail, delivery).map_err(Failed::refusal)?;
    let transport = transport(server, limit).map_err(Failed::refusal)?;
    transport.send(&message).map(drop).map_err(|error| {
        let said = std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        if error.is_timeout() || ran_out(&error) {
            Failed::timeout(limit)
        } else if error.is_permanent() {
            Failed::refusal(said)
        } else {
            Failed::line(said)
        }
    })
}

/// Whether a read or write took longer than it may; on a socket that reads as if it would block.
fn ran_out(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        if let Some(io) = one.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{TimedOut, WouldBlock};
            return matches!(io.kind(), WouldBlock | TimedOut);
        }
        cause = one.source();
    }
    false
}

fn transport(server: &Server, limit: Duration) -> Result<SmtpTransport, String> {
    let (host, port) = address(&server.address)?;
    let here = is_this_machine(host);
    let parameters = || TlsParameters::new(host.to_owned()).map_err(|error| error.to_string());
    let tls = match server.tls.as_deref() {
        Some("none") => Tls::None,
        Some("tls") => Tls::Wrapper(parameters()?),
        Some(_) => Tls::Required(parameters()?),
        None if port == SUBMISSIONS => Tls::Wrapper(parameters()?),
        None if here => Tls::None,
        None => Tls::Required(parameters()?),
    };
    if matches!(tls, Tls::None) && !here && server.password.is_some() {
        return Err("the password would travel in clear: `tls: starttls`".to_owned());
    }
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(port)
        .tls(tls)
        .timeout(Some(limit))
        .hello_name(ClientId::Domain("localhost".to_owned()));
    if let Some(password) = &server.password {
        let user = server.user.as_ref().unwrap_or(&server.mail.from);
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

fn message(mail: &Mail, delivery: &Delivery) -> Result<Message, String> {
    let mailbox = |text: &String| {
        text.parse::<Mailbox>()
            .map_err(|error| format!("`{text}` is no address: {error}"))
    };
    let seconds = u64::try_from(delivery.wording.written.timestamp()).unwrap_or(0);
    let mut builder = Message::builder()
        .from(mailbox(&mail.from)?)
        .subject(mail.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(mail.message_id.clone()))
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    builder
        .body(mail.body.clone())
        .map_err(|error| error.to_string())
}

/// `host`, `host:port`, `[::1]:port`.
fn address(text: &str) -> Result<(&str, u16), String> {
    let port = |port: &str| {
        port.parse()
            .map_err(|_| format!("`{text}` has no good port"))
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or_else(|| format!("`{text}` is no server"))?;
        return Ok((host, rest.strip_prefix(':').map_or(Ok(SUBMISSION), port)?));
    }
    match text.split_once(':') {
        Some((host, rest)) => Ok((host, port(rest)?)),
        None => Ok((text, SUBMISSION)),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_or_without_its_port() {
        assert_eq!(address("smtp.example.org"), Ok(("smtp.example.org", 587)));
        assert_eq!(address("smtp.example.org:25"), Ok(("smtp.example.org", 25)));
        assert_eq!(address("[::1]:2525"), Ok(("::1", 2525)));
        assert!(address("smtp.example.org:smtp").is_err());
    }
}
