//! A web hook and a mail server on this machine, in threads: they take, refuse, drop, hang and forget to answer, as they
//! are told for each visit.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is done with a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Taken, and said so.
    Take,
    /// The line is cut before anything is read.
    Drop,
    /// Taken, and the line is cut before it is said.
    TakeAndDrop,
    /// This status: of HTTP, or of SMTP.
    Say(u16),
    /// Nothing is ever said.
    Hang,
}

/// What arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// A server and what it has seen.
#[derive(Clone)]
pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Vec<Arrived>>>,
    visits: Arc<Mutex<u64>>,
}

type Plan = Arc<dyn Fn(u64) -> Answer + Send + Sync>;

impl Server {
    pub fn http(plan: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(plan), http)
    }

    pub fn smtp(plan: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(plan), smtp)
    }

    fn start(
        plan: Plan,
        talk: fn(&mut TcpStream, Answer) -> std::io::Result<Option<Arrived>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            visits: Arc::default(),
        };
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let (own, plan) = (own.clone(), Arc::clone(&plan));
                std::thread::spawn(move || {
                    let number = {
                        let mut visits = own.visits.lock().unwrap();
                        *visits += 1;
                        *visits - 1
                    };
                    let answer = plan(number);
                    if let Ok(Some(arrived)) = talk(&mut stream, answer) {
                        own.seen.lock().unwrap().push(arrived);
                    }
                });
            }
        });
        server
    }

    /// Everything that arrived, so far.
    pub fn seen(&self) -> Vec<Arrived> {
        self.seen.lock().unwrap().clone()
    }

    pub fn visits(&self) -> u64 {
        *self.visits.lock().unwrap()
    }

    pub fn hook(&self) -> String {
        format!("http://127.0.0.1:{}/hooks/T0secret", self.port)
    }
}

fn http(stream: &mut TcpStream, answer: Answer) -> std::io::Result<Option<Arrived>> {
    if answer == Answer::Drop {
        return Ok(None);
    }
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    // Whoever was killed in the middle of it has sent nothing.
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let Some(length) = length else {
        return Ok(None);
    };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let arrived = Arrived {
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    match answer {
        Answer::Take => {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
            )?;
            Ok(Some(arrived))
        }
        Answer::TakeAndDrop => Ok(Some(arrived)),
        Answer::Say(status) => {
            let said = format!(
                "HTTP/1.1 {status} No\r\nContent-Length: 10\r\nConnection: close\r\n\r\nno_service"
            );
            stream.write_all(said.as_bytes())?;
            Ok(None)
        }
        Answer::Drop => Ok(None),
        Answer::Hang => hang(stream),
    }
}

fn smtp(stream: &mut TcpStream, answer: Answer) -> std::io::Result<Option<Arrived>> {
    match answer {
        Answer::Drop => return Ok(None),
        Answer::Hang => return hang(stream),
        _ => {}
    }
    stream.write_all(b"220 here ESMTP\r\n")?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut arrived = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(arrived);
        }
        let word = line.trim().to_uppercase();
        let reply = match (word.split([' ', ':']).next().unwrap_or_default(), answer) {
            ("EHLO", _) => "250-here\r\n250 8BITMIME\r\n".to_owned(),
            ("RCPT", Answer::Say(status)) => format!("{status} no such user here\r\n"),
            ("DATA", _) => {
                stream.write_all(b"354 go on\r\n")?;
                arrived = Some(letter(&mut reader)?);
                if answer == Answer::TakeAndDrop {
                    return Ok(arrived);
                }
                "250 taken\r\n".to_owned()
            }
            ("QUIT", _) => {
                stream.write_all(b"221 bye\r\n")?;
                return Ok(arrived);
            }
            _ => "250 ok\r\n".to_owned(),
        };
        stream.write_all(reply.as_bytes())?;
    }
}

fn letter(reader: &mut BufReader<TcpStream>) -> std::io::Result<Arrived> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == ".\r\n" {
            break;
        }
        text.push_str(&line);
    }
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut headers = BTreeMap::new();
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    Ok(Arrived {
        headers,
        body: body.to_owned(),
    })
}

/// Until the other side gives up.
fn hang(stream: &mut TcpStream) -> std::io::Result<Option<Arrived>> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest)?;
    Ok(None)
}
