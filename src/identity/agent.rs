//! Two questions to the ssh agent: which keys, and sign this. Every answer is bounded in size and in time.
//! Source: draft-miller-ssh-agent. Knows nothing of what is signed.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ssh_key::PublicKey;

use crate::trust::signature::accept;
use crate::trust::sshsig::{put_string, take_string, take_u32};

const LIST_TIME: Duration = Duration::from_secs(5);
/// Long enough to touch a key or to confirm in a window.
const SIGN_TIME: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: u32 = 256 * 1024;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// Asks for rsa-sha2-512; other keys ignore it.
const RSA_SHA2_512: u32 = 4;

/// What went wrong with the agent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    /// Not there.
    #[error("the ssh agent at {} cannot be reached: {why}", .socket.display())]
    Unreachable {
        /// `SSH_AUTH_SOCK`.
        socket: PathBuf,
        /// By the system.
        why: String,
    },
    /// Too slow.
    #[error("the ssh agent did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// It said no: the key is gone, the agent is locked, or the person did not confirm.
    #[error(
        "the ssh agent refused; is the key still in it (ssh-add -l), and was it confirmed or touched?"
    )]
    Refused,
    /// It does not speak the protocol.
    #[error("the ssh agent gave an answer that makes no sense")]
    Garbled,
}

/// The agent behind a socket. Each question is a connection of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    socket: PathBuf,
    list_time: Duration,
    sign_time: Duration,
}

impl Agent {
    /// The agent at `SSH_AUTH_SOCK`.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
            list_time: LIST_TIME,
            sign_time: SIGN_TIME,
        }
    }

    /// The keys it holds, in its order; certificates and kinds that are not accepted are left out.
    ///
    /// # Errors
    /// When there is no agent, or none that answers in time and to the point.
    pub fn keys(&self) -> Result<Vec<PublicKey>, AgentError> {
        let answer = self.ask(vec![REQUEST_IDENTITIES], self.list_time)?;
        let mut rest = body(&answer, IDENTITIES_ANSWER)?;
        let count = take_u32(&mut rest).ok_or(AgentError::Garbled)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let blob = take_string(&mut rest).ok_or(AgentError::Garbled)?;
            let comment = take_string(&mut rest).ok_or(AgentError::Garbled)?;
            if let Ok(mut key) = PublicKey::from_bytes(blob)
                && accept(&key).is_ok()
            {
                key.set_comment(String::from_utf8_lossy(comment));
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Has it sign; the answer is the algorithm's name and the signature, as [`crate::trust::sshsig::seal`] takes it.
    ///
    /// # Errors
    /// As [`Agent::keys`], or when it refuses.
    pub fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Vec<u8>, AgentError> {
        let mut message = vec![SIGN_REQUEST];
        put_string(
            &mut message,
            &key.to_bytes().map_err(|_| AgentError::Garbled)?,
        );
        put_string(&mut message, data);
        message.extend_from_slice(&RSA_SHA2_512.to_be_bytes());
        let answer = self.ask(message, self.sign_time)?;
        let mut rest = body(&answer, SIGN_RESPONSE)?;
        let signature = take_string(&mut rest).ok_or(AgentError::Garbled)?;
        Ok(signature.to_vec())
    }

    /// Asks from a thread: connecting to a socket whose owner accepts nobody blocks without limit, and no option of
    /// the socket bounds that.
    fn ask(&self, message: Vec<u8>, time: Duration) -> Result<Vec<u8>, AgentError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let socket = self.socket.clone();
        std::thread::Builder::new()
            .name("ssh-agent".to_owned())
            .spawn(move || {
                let deadline = Instant::now() + time;
                // Nobody listens any more when the time is over.
                let _ = sender.send(exchange(&socket, &message, deadline));
            })
            .map_err(|error| self.unreachable(&error))?;
        match receiver.recv_timeout(time) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => AgentError::TimedOut(time),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => AgentError::Garbled,
                _ => self.unreachable(&error),
            }),
            Err(_) => Err(AgentError::TimedOut(time)),
        }
    }

    fn unreachable(&self, error: &io::Error) -> AgentError {
        AgentError::Unreachable {
            socket: self.socket.clone(),
            why: error.to_string(),
        }
    }
}

fn body(answer: &[u8], wanted: u8) -> Result<&[u8], AgentError> {
    match answer.split_first() {
        Some((kind, rest)) if *kind == wanted => Ok(rest),
        Some((&FAILURE, _)) => Err(AgentError::Refused),
        _ => Err(AgentError::Garbled),
    }
}

fn exchange(socket: &Path, message: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    let mut framed = Vec::with_capacity(message.len() + 4);
    put_string(&mut framed, message);
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    fill(&mut stream, &mut length, deadline)?;
    let length = u32::from_be_bytes(length);
    if length == 0 || length > ANSWER_LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; usize::try_from(length).unwrap_or(0)];
    fill(&mut stream, &mut answer, deadline)?;
    Ok(answer)
}

/// Reads all of it before the deadline, however slowly it trickles.
fn fill(stream: &mut UnixStream, mut buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = buffer.split_at_mut(read).1,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    const KEY: &str = include_str!("../../tests/golden/statements/ed25519.pub");

    /// An agent that gives this answer, a byte at a time with this pause, and tells what it was asked.
    fn agent(answer: Vec<u8>, pause: Duration) -> (tempfile::TempDir, Agent) {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                let mut question = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut question).unwrap();
                for byte in &answer {
                    if stream.write_all(&[*byte]).is_err() {
                        break;
                    }
                    thread::sleep(pause);
                }
            }
        });
        let agent = Agent {
            list_time: Duration::from_millis(300),
            sign_time: Duration::from_millis(300),
            ..Agent::at(&socket)
        };
        (dir, agent)
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, body);
        out
    }

    #[test]
    fn keys_of_unknown_kinds_are_left_out_and_the_others_listed() {
        let key = PublicKey::from_openssh(KEY).unwrap();
        let mut body = vec![IDENTITIES_ANSWER];
        body.extend_from_slice(&3_u32.to_be_bytes());
        for (blob, comment) in [
            (&b"nonsense"[..], &b"x"[..]),
            (&key.to_bytes().unwrap(), b"caf\xe9"),
            (b"", b""),
        ] {
            put_string(&mut body, blob);
            put_string(&mut body, comment);
        }
        let (_dir, agent) = agent(framed(&body), Duration::ZERO);
        let keys = agent.keys().unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].key_data(), key.key_data());
        assert_eq!(keys[0].comment(), "caf\u{fffd}");
    }

    #[test]
    fn answers_that_make_no_sense_are_errors() {
        let key = PublicKey::from_openssh(KEY).unwrap();
        for answer in [
            vec![],
            vec![0, 0, 0, 0],
            vec![0, 0, 0, 9, 12],
            u32::MAX.to_be_bytes().to_vec(),
            framed(&[IDENTITIES_ANSWER]),
            framed(&[IDENTITIES_ANSWER, 255, 255, 255, 255]),
            framed(&[SIGN_RESPONSE, 0, 0, 0, 200, 1]),
            framed(&[99]),
        ] {
            let (_dir, agent) = agent(answer.clone(), Duration::ZERO);
            assert!(
                matches!(agent.keys(), Err(AgentError::Garbled)),
                "{answer:?}"
            );
            assert!(
                matches!(agent.sign(&key, b"x"), Err(AgentError::Garbled)),
                "{answer:?}"
            );
        }
        let (_dir, agent) = agent(framed(&[FAILURE]), Duration::ZERO);
        assert!(matches!(agent.keys(), Err(AgentError::Refused)));
    }

    #[test]
    fn an_agent_that_trickles_or_never_accepts_is_given_up_on() {
        let (_dir, slow) = agent(vec![0, 0, 1, 0, 12], Duration::from_millis(200));
        let begun = Instant::now();
        assert!(matches!(slow.keys(), Err(AgentError::TimedOut(_))));

        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent");
        let _listener = UnixListener::bind(&socket).unwrap();
        let deaf = Agent {
            list_time: Duration::from_millis(300),
            ..Agent::at(&socket)
        };
        assert!(matches!(deaf.keys(), Err(AgentError::TimedOut(_))));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn no_agent_says_where_it_was_looked_for() {
        let error = Agent::at(Path::new("/nonexistent/agent"))
            .keys()
            .unwrap_err();
        assert!(error.to_string().contains("/nonexistent/agent"), "{error}");
    }
}
