//! Who may read the page: everyone on this machine, or everyone who has the token.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::evidence::Digest;

/// A secret that opens the page. It is never shown by mistake.
#[derive(Clone)]
pub struct Token(String);

/// Shorter ones could be guessed.
const SHORTEST: usize = 16;

impl Token {
    /// A token, if it is long enough and of letters, digits, `-` and `_` alone: it stands in addresses and cookies.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() >= SHORTEST && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The address of the page that holds it.
    #[must_use]
    pub fn address(&self, page: &str) -> String {
        format!("{page}?token={}", self.0)
    }

    /// Digests are compared: how long that takes tells nothing of the token.
    fn is(&self, said: &str) -> bool {
        Digest::of(said.as_bytes()) == Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Who may read it.
#[derive(Debug)]
pub enum Access {
    /// Everyone on this machine, by one of its own names: a foreign page whose name was made to lead here is none.
    Loopback,
    /// Whoever shows this, in the address, in the cookie they were given for that, or as a bearer.
    Token {
        /// What they have to show.
        token: Token,
        /// Cookies belong to all ports of a host, so its name has that of the page.
        port: u16,
    },
}

/// Lets through who may read.
pub(super) async fn guard(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    match &*access {
        Access::Loopback if is_of_this_machine(request.headers()) => next.run(request).await,
        Access::Loopback => refused(StatusCode::MISDIRECTED_REQUEST, "Ask for localhost.\n"),
        Access::Token { token, port } => {
            let asked = request.uri().query().and_then(in_query);
            if asked.is_some_and(|said| token.is(said)) {
                return with_cookie(request.uri().path(), token, *port);
            }
            if shown(request.headers(), *port).any(|said| token.is(said)) {
                return next.run(request).await;
            }
            let why =
                "This page opens only with its token: use the whole address you were given.\n";
            refused(StatusCode::UNAUTHORIZED, why)
        }
    }
}

fn refused(status: StatusCode, why: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, kind, why).into_response()
}

fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = address.parse().ok();
    name.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

fn in_query(query: &str) -> Option<&str> {
    query
        .split('&')
        .find_map(|part| part.strip_prefix("token="))
}

/// Gives a cookie for the token and leads to the address without it, which may be seen over a shoulder.
fn with_cookie(path: &str, token: &Token, port: u16) -> Response {
    // A path that begins with two slashes would lead to another host.
    let path = format!("/{}", path.trim_start_matches('/'));
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Lax",
        cookie_name(port),
        token.0
    );
    let told = [(header::LOCATION, path), (header::SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, told).into_response()
}

fn cookie_name(port: u16) -> String {
    format!("runsheet-{port}")
}

fn shown(headers: &HeaderMap, port: u16) -> impl Iterator<Item = &str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
    let mine = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(move |cookie| {
            cookie
                .trim()
                .strip_prefix(&cookie_name(port))?
                .strip_prefix('=')
        });
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|said| said.to_str().ok()?.strip_prefix("Bearer "));
    mine.chain(bearer)
}
