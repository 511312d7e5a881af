//! Reads logs for the screen, on a thread of its own: what is asked for comes in, pages go out. Keys never wait for it,
//! and a page that nobody will see is not made.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::background::Message;
use crate::logs::view::Viewer;
use crate::logs::view::excerpt::Excerpt;
use crate::logs::view::live::Watched;
use crate::logs::view::page::{Ask, At, Mark, Page};
use crate::runbook::model::LineClass;

/// How often files are looked at for what was added.
const LOOK: Duration = Duration::from_millis(250);

/// How often counts are shown while they grow.
const SHOW: Duration = Duration::from_millis(100);

/// What the reader is told.
#[derive(Debug)]
enum Order {
    Ask(Ask),
    Line(At, String, LineClass),
    Excerpt(Option<At>, At, Option<String>),
}

/// What it has to say.
#[derive(Debug)]
pub enum Read {
    /// Another page.
    Page(Arc<Page>),
    /// A line is to become an entry of the timeline.
    Line {
        mark: Mark,
        text: String,
        class: LineClass,
    },
    /// Lines are to be saved: to a file, or as evidence.
    Excerpt {
        excerpt: Excerpt,
        path: Option<String>,
    },
    /// It cannot go on.
    Failed(String),
}

/// A thread that reads. It ends when this is dropped.
#[derive(Debug)]
pub struct Reader(mpsc::Sender<Order>);

impl Reader {
    /// Begins to read.
    #[must_use]
    pub fn start(
        viewer: Viewer,
        watched: Vec<Option<Watched>>,
        send: UnboundedSender<Message>,
    ) -> Self {
        let (orders, receive) = mpsc::channel();
        std::thread::spawn(move || {
            if let Err(error) = read(viewer, watched, &receive, &send) {
                let _ = send.send(Message::Log(Read::Failed(error.to_string())));
            }
        });
        Self(orders)
    }

    /// Asks for something; the answer is a page.
    pub fn ask(&self, ask: Ask) {
        let _ = self.0.send(Order::Ask(ask));
    }

    /// Asks for a line with its digest.
    pub fn line(&self, at: At, text: String, class: LineClass) {
        let _ = self.0.send(Order::Line(at, text, class));
    }

    /// Asks for lines to be saved.
    pub fn excerpt(&self, from: Option<At>, here: At, path: Option<String>) {
        let _ = self.0.send(Order::Excerpt(from, here, path));
    }
}

fn read(
    mut viewer: Viewer,
    mut watched: Vec<Option<Watched>>,
    orders: &mpsc::Receiver<Order>,
    send: &UnboundedSender<Message>,
) -> io::Result<()> {
    let mut last: Option<Arc<Page>> = None;
    let mut busy = true;
    // Whether something was still being counted when the last page was made: then it is not the last word.
    let mut counting = true;
    let mut looked = Instant::now();
    loop {
        let wait = match (busy, counting) {
            (true, _) => Duration::ZERO,
            (false, true) => SHOW,
            (false, false) => LOOK,
        };
        let mut order = match orders.recv_timeout(wait) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let mut changed = busy || counting || order.is_some();
        while let Some(given) = order {
            obey(&mut viewer, given, send)?;
            order = orders.try_recv().ok();
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            changed |= viewer.look(&mut watched)?;
        }
        if !changed {
            continue;
        }
        counting = viewer.is_counting();
        busy = viewer.work()?;
        let page = Arc::new(viewer.page()?);
        if last.as_ref() != Some(&page) {
            last = Some(Arc::clone(&page));
            if send.send(Message::Log(Read::Page(page))).is_err() {
                return Ok(());
            }
        }
    }
}

fn obey(viewer: &mut Viewer, order: Order, send: &UnboundedSender<Message>) -> io::Result<()> {
    let answer = match order {
        Order::Ask(ask) => return viewer.ask(ask),
        Order::Line(at, text, class) => {
            viewer
                .marked(at)?
                .map(|mark| Read::Line { mark, text, class })
        }
        Order::Excerpt(from, here, path) => {
            let excerpt = viewer.excerpt(from, here)?;
            Some(Read::Excerpt { excerpt, path })
        }
    };
    if let Some(answer) = answer {
        let _ = send.send(Message::Log(answer));
    }
    Ok(())
}
