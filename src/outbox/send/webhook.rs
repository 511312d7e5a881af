//! A post to a URL. The key goes in `Idempotency-Key`, as Stripe, the IETF draft and most receivers have it.

use std::io::Read as _;
use std::time::Duration;

use chrono::TimeDelta;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

use super::Failed;
use crate::outbox::delivery::Delivery;
use crate::outbox::shape::post;

/// So much of an answer is read, to say why.
const ANSWER: u64 = 300;

pub(super) fn send(
    url: &str,
    shape: Option<&str>,
    delivery: &Delivery,
    limit: Duration,
) -> Result<(), Failed> {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Failed::refusal("its address is no URL to post to"));
    }
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(limit))
        // A post that is sent elsewhere arrives there as a get without its body.
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("runsheet/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into();
    let body = post(delivery, shape).to_string();
    let answer = agent
        .post(url)
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", &delivery.key)
        .send(body.as_bytes());
    let mut answer = answer.map_err(|error| failed(&error, limit))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let wait = answer
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .and_then(TimeDelta::try_seconds);
    let mut said = Vec::new();
    let _ = answer
        .body_mut()
        .as_reader()
        .take(ANSWER)
        .read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said).into_owned();
    let why = match said.trim() {
        "" => status.to_string(),
        said => format!("{status}: {said}"),
    };
    let later = matches!(status.as_u16(), 408 | 421 | 425 | 429) || status.is_server_error();
    Err(Failed {
        wait,
        refused: !later,
        ..Failed::line(why)
    })
}

/// In our own words: those of the library may hold the address.
fn failed(error: &Error, limit: Duration) -> Failed {
    match error {
        Error::Timeout(_) => Failed::timeout(limit),
        Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Failed::timeout(limit),
        Error::Io(error) => Failed::line(format!("the connection failed: {error}")),
        Error::HostNotFound => Failed::line("there is no such host"),
        Error::ConnectionFailed => Failed::line("no connection"),
        Error::BadUri(_) | Error::Http(_) => Failed::refusal("its address is no URL to post to"),
        Error::Tls(_) | Error::Rustls(_) => Failed::line(format!("TLS: {error}")),
        Error::Protocol(error) => Failed::line(format!("the answer is no HTTP: {error}")),
        Error::ConnectProxyFailed(_) => Failed::line("the proxy could not connect"),
        _ => Failed::line("the post failed"),
    }
}
