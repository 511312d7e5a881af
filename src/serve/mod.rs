//! The live page: one document over HTTP, read-only, and a word to everyone who looks at it when there is a newer one.
//! Knows nothing of incidents: the document comes from outside, whole.

mod access;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

pub use access::{Access, Token};

use crate::evidence::Digest;

/// Readers at once, those who only hold a connection among them; more have to wait.
const MOST_READERS: usize = 256;
/// Who has not said what they want by then is disconnected.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often a silent connection is used, so that nothing on the way takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// An overload of the machine passes; accepting in a circle would not help it.
const BREATH: Duration = Duration::from_millis(100);

/// What is shown.
#[derive(Debug)]
pub struct Page {
    html: String,
    /// Names these very bytes.
    version: Digest,
}

impl Page {
    /// A whole document.
    #[must_use]
    pub fn new(html: String) -> Self {
        let version = Digest::of(html.as_bytes());
        Self { html, version }
    }

    /// Whether both are the same document.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

#[derive(Clone)]
struct Site {
    pages: watch::Receiver<Arc<Page>>,
}

/// Serves the newest of these pages to everyone who may read it, for as long as it is polled.
pub async fn serve(listener: TcpListener, pages: watch::Receiver<Arc<Page>>, access: Access) {
    let access = Arc::new(access);
    let router = Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/live.js", get(script))
        .layer(middleware::from_fn_with_state(access, access::guard))
        .layer(middleware::map_response(hardened))
        .with_state(Site { pages });
    let readers = Arc::new(Semaphore::new(MOST_READERS));
    loop {
        let Ok(place) = Arc::clone(&readers).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(_) => {
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            // A reader who goes away, or talks nonsense, ends only their own connection.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(place);
        });
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

async fn page(State(site): State<Site>, asked: HeaderMap) -> Response {
    let page = Arc::clone(&site.pages.borrow());
    let tag = format!("\"{}\"", page.version);
    let known = asked.get(header::IF_NONE_MATCH);
    let kind = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, kind).into_response();
    }
    (kind, page.html.clone()).into_response()
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("live.js")).into_response()
}

/// The version there is now, and each newer one. Who missed some gets the last.
async fn events(State(site): State<Site>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut pages = site.pages;
    pages.mark_changed();
    let versions = futures_util::stream::unfold(pages, |mut pages| async move {
        pages.changed().await.ok()?;
        let version = pages.borrow_and_update().version.to_string();
        let event = Event::default().event("page").id(&version).data(version);
        Some((Ok(event), pages))
    });
    Sse::new(versions).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// What every answer says to the browser: run nothing but our script, ask nobody else, keep nothing.
async fn hardened(mut response: Response) -> Response {
    let told = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        told.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
