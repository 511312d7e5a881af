//! `runsheet serve`: the live page of one incident for one audience. Records nothing of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::json;
use tokio::sync::watch;

use super::args::Common;
use super::config::{Config, ports};
use super::{CliError, incident, out, record};
use crate::driver::{Desk, Session, Settings, sync};
use crate::engine::IncidentId;
use crate::evidence::escape;
use crate::host::files;
use crate::serve::{Access, Page, Token, serve};
use crate::timeline::export;

/// How soon after it is on disk an entry is on the page.
const LOOK: Duration = Duration::from_millis(500);
/// Clocks go on without an entry.
const TICK: Duration = Duration::from_secs(30);
/// Between two meetings with the hub, and between two where it cannot be reached.
const MEET: Duration = Duration::from_secs(2);
const REST: Duration = Duration::from_secs(30);
/// No file of a token is longer.
const LONGEST_TOKEN: u64 = 4096;

/// What is to be served, and where.
#[derive(Debug, clap::Args)]
pub struct Wanted {
    inc: String,
    /// Only what these people may see: responders, stakeholders, customers, regulator, auditor, or one of the policy's
    #[arg(long, value_name = "AUDIENCE")]
    audience: String,
    /// Where to listen; port 0 is any free one. Beyond this machine only with a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A file that holds the token; beyond this machine one is made if none is named
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Serves until it is stopped.
///
/// # Errors
/// When there is no such incident or audience, or the address cannot be listened on.
pub fn run(common: &Common, wanted: &Wanted) -> Result<(), CliError> {
    let desk = Config::read(common)?.desk()?;
    let mut session = incident::open(&desk, &wanted.inc)?;
    let (first, problems) = page(&session, &wanted.audience)?;
    for problem in &problems {
        out::talk(&escape::line(problem));
    }
    let fail = |error| CliError::Input(format!("--listen {}: {error}", wanted.listen));
    let listener = TcpListener::bind(wanted.listen).map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    let token = token(wanted.token_file.as_deref(), address, &desk)?;
    say(common, address, token.as_ref())?;
    let access = token.map_or(Access::Loopback, |token| Access::Token {
        token,
        port: address.port(),
    });
    let (newest, pages) = watch::channel(Arc::new(first));
    answer(listener, pages, access)?;
    if desk.settings.hub.is_some() {
        meet(desk.settings.clone(), session.id().clone());
    }
    follow(&mut session, &wanted.audience, &newest)
}

/// The page as it is now, and what is wrong with the clocks.
fn page(session: &Session, audience: &str) -> Result<(Page, Vec<String>), CliError> {
    let timeline = record::of_audience(session, audience)?;
    let (countdowns, problems) = record::countdowns_of(session, &timeline, session.now())?;
    Ok((
        Page::new(export::html::live(
            &timeline,
            &countdowns,
            session.now().to_utc(),
        )),
        problems,
    ))
}

/// The token that is asked for; none on this machine, unless a file holds one.
fn token(file: Option<&Path>, address: SocketAddr, desk: &Desk) -> Result<Option<Token>, CliError> {
    if let Some(path) = file {
        let fail = |why: &str| CliError::Input(format!("{}: {why}", path.display()));
        let bytes =
            files::read_limited(path, LONGEST_TOKEN).map_err(|error| fail(&error.to_string()))?;
        let text = String::from_utf8_lossy(&bytes);
        let why = "a token is 16 or more letters, digits, - and _";
        return Token::new(text.trim()).map(Some).ok_or_else(|| fail(why));
    }
    if address.ip().is_loopback() {
        return Ok(None);
    }
    Ok(Token::new(&Base64UrlUnpadded::encode_string(
        &desk.random()?,
    )))
}

fn say(common: &Common, address: SocketAddr, token: Option<&Token>) -> Result<(), CliError> {
    let plain = format!("http://{address}/");
    let whole = token.map_or_else(|| plain.clone(), |token| token.address(&plain));
    if !address.ip().is_loopback() {
        out::talk(
            "the page is not encrypted on its way: put a server with TLS before it, or use a tunnel",
        );
    }
    if common.json {
        return out::json(&json!({ "address": whole }));
    }
    out::data(&format!("{whole}\n"))
}

/// Answers readers on a thread of its own.
fn answer(
    listener: TcpListener,
    pages: watch::Receiver<Arc<Page>>,
    access: Access,
) -> Result<(), CliError> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::spawn(move || runtime.block_on(serve(listener, pages, access)));
    Ok(())
}

/// Meets the hub again and again, on a thread of its own: one that hangs must not keep back what is known here.
fn meet(settings: Settings, inc: IncidentId) {
    std::thread::spawn(move || {
        let git = ports().git;
        let mut told = String::new();
        loop {
            match sync::meet(&settings, Some(&inc), &git) {
                Ok(_) => {
                    told.clear();
                    std::thread::sleep(MEET);
                }
                Err(error) => {
                    let why = error.to_string();
                    if why != told {
                        out::talk(&format!("hub: {}", escape::line(&why)));
                        told = why;
                    }
                    std::thread::sleep(REST);
                }
            }
        }
    });
}

/// Makes a new page whenever there is something new, until nobody can read one any more.
fn follow(
    session: &mut Session,
    audience: &str,
    newest: &watch::Sender<Arc<Page>>,
) -> Result<(), CliError> {
    let mut made = Instant::now();
    while !newest.is_closed() {
        std::thread::sleep(LOOK);
        let came = session.poll()?;
        for notice in &came.notices {
            out::talk(&escape::line(notice));
        }
        if came.events.is_empty() && made.elapsed() < TICK {
            continue;
        }
        made = Instant::now();
        let (page, _) = page(session, audience)?;
        newest.send_if_modified(|shown| {
            let is_new = !shown.is(&page);
            if is_new {
                *shown = Arc::new(page);
            }
            is_new
        });
    }
    Ok(())
}
