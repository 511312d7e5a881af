//! Against a server made up here: one that serves a file in whatever pieces and order, and ones that say anything.

use proptest::prelude::*;

use super::*;

/// Serves one file of 0, 1, 2 … with at most `most` bytes an answer, the last question first where `backwards`.
struct Served {
    size: u64,
    most: usize,
    backwards: bool,
    asked: Vec<u8>,
}

fn packet(kind: u8, id: u32, body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(body.len() + 5)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    out.push(kind);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

fn status(id: u32, code: u32) -> Vec<u8> {
    packet(
        101,
        id,
        &[&code.to_be_bytes()[..], &text(b"so"), &text(b"")].concat(),
    )
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

impl Served {
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        let (kind, id) = (question[0], number(&question[1..5]) as u32);
        match kind {
            1 => vec![0, 0, 0, 5, 2, 0, 0, 0, 3],
            3 => packet(102, id, &text(b"handle")),
            4 => status(id, 0),
            5 => {
                let at = number(&question[15..23]);
                let len = number(&question[23..27]).min(self.most as u64);
                let end = self.size.min(at.saturating_add(len));
                if at >= end {
                    return status(id, 1);
                }
                let bytes: Vec<u8> = (at..end).map(|at| at as u8).collect();
                packet(103, id, &text(&bytes))
            }
            8 | 17 => packet(
                105,
                id,
                &[
                    &5u32.to_be_bytes()[..],
                    &self.size.to_be_bytes(),
                    &0o100_644u32.to_be_bytes(),
                ]
                .concat(),
            ),
            _ => status(id, 2),
        }
    }
}

impl Link for Served {
    fn exchange(&mut self, out: &mut Vec<u8>, into: &mut Vec<u8>) -> io::Result<()> {
        self.asked.append(out);
        let mut answers = Vec::new();
        while let Ok(Some((question, len))) = wire::packet(&self.asked) {
            answers.push(self.answer(question));
            self.asked.drain(..len);
        }
        if answers.is_empty() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.backwards {
            answers.reverse();
        }
        into.extend(answers.concat());
        Ok(())
    }
}

fn served(size: u64, most: usize, backwards: bool) -> Session {
    Session::begin(Box::new(Served {
        size,
        most,
        backwards,
        asked: Vec::new(),
    }))
    .ok()
    .unwrap()
}

#[test]
fn a_file_is_read_at_many_places_in_pieces_of_any_size() {
    for (most, backwards) in [(1 << 20, false), (1000, false), (7000, true)] {
        let mut session = served(300_000, most, backwards);
        let (handle, attrs) = session.open(b"/log").unwrap();
        assert_eq!(attrs.size, Some(300_000));
        let (mut first, mut second, mut third) = (vec![0; 100_000], vec![0; 10], [0; 5]);
        let mut places = [
            (250_000, &mut first[..]),
            (7, &mut second[..]),
            (u64::MAX - 2, &mut third[..]),
        ];
        let lens = session.read(&handle, &mut places).unwrap();
        assert_eq!(lens, [50_000, 10, 0]);
        assert_eq!(second, [7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        assert!((0..50_000).all(|at| first[at] == (250_000 + at) as u8));
    }
}

#[test]
fn what_is_not_there_is_said_and_the_session_goes_on() {
    let mut session = served(10, 10, false);
    let error = session.list(b"/log").unwrap_err();
    assert_eq!(error.to_string(), "no such file");
    session.close(b"handle".to_vec());
    assert_eq!(session.stat(b"/log").unwrap().size, Some(10));
}

/// Says these bytes whatever is asked, in pieces, and is silent then.
struct Says {
    bytes: Vec<u8>,
    piece: usize,
}

impl Link for Says {
    fn exchange(&mut self, out: &mut Vec<u8>, into: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        if self.bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        into.extend(self.bytes.drain(..self.piece.min(self.bytes.len())));
        Ok(())
    }
}

fn says(answers: &[Vec<u8>], piece: usize) -> Option<Session> {
    let mut bytes = vec![0, 0, 0, 5, 2, 0, 0, 0, 3];
    bytes.extend(answers.concat());
    Session::begin(Box::new(Says { bytes, piece })).ok()
}

#[test]
fn a_server_that_lies_is_not_asked_again() {
    let mut buf = [0; 4];
    for lie in [
        packet(103, 9, &text(b"abcd")),
        packet(103, 0, &text(b"abcde")),
        packet(103, 0, &text(b"")),
        packet(77, 0, b""),
        vec![0xff; 8],
    ] {
        let mut session = says(&[lie], 3).unwrap();
        let error = session.read(b"h", &mut [(0, &mut buf)]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert!(session.stat(b"/x").is_err());
    }
    let mut session = says(&[packet(104, 0, &[0; 4])], 9).unwrap();
    assert!(session.list(b"/x").is_err());
    assert!(
        Session::begin(Box::new(Says {
            bytes: b"Welcome to the machine!\n".to_vec(),
            piece: 5
        }))
        .is_err()
    );
}

#[test]
fn a_refusal_in_the_servers_words_is_made_harmless() {
    let body = [&4u32.to_be_bytes()[..], &text(b"\x1b[2Jbad"), &text(b"")].concat();
    let mut session = says(&[packet(101, 0, &body)], 9).unwrap();
    let error = session.stat(b"/x").unwrap_err().to_string();
    assert!(error.contains("bad") && !error.contains('\x1b'), "{error}");
}

proptest! {
    #[test]
    fn no_server_makes_it_panic(
        answers in proptest::collection::vec(
            (100u8..=106, 0u32..6, proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
        noise in proptest::collection::vec(any::<u8>(), 0..20),
        piece in 1usize..64,
    ) {
        let mut answers: Vec<_> = answers.into_iter().map(|(kind, id, body)| packet(kind, id, &body)).collect();
        answers.push(noise);
        let mut buf = [0; 70_000];
        let _ = says(&answers, piece).unwrap().open(b"/x");
        let _ = says(&answers, piece).unwrap().list(b"/x");
        let _ = says(&answers, piece).unwrap().read(b"h", &mut [(0, &mut buf)]);
        let _ = Session::begin(Box::new(Says { bytes: answers.concat(), piece }));
    }

    #[test]
    fn any_places_are_read_as_from_the_file_itself(
        size in 0u64..200_000, most in 1usize..40_000, backwards: bool,
        places in proptest::collection::vec((0u64..250_000, 0usize..80_000), 1..6),
    ) {
        let mut session = served(size, most.max(500), backwards);
        let mut bufs: Vec<Vec<u8>> = places.iter().map(|(_, len)| vec![0; *len]).collect();
        let mut wanted: Vec<(u64, &mut [u8])> =
            places.iter().zip(&mut bufs).map(|((at, _), buf)| (*at, &mut buf[..])).collect();
        let lens = session.read(b"handle", &mut wanted).unwrap();
        for (((at, len), buf), got) in places.iter().zip(&bufs).zip(lens) {
            let there = size.saturating_sub(*at).min(*len as u64);
            prop_assert_eq!(got as u64, there);
            prop_assert!((0..got).all(|n| buf[n] == (at + n as u64) as u8));
        }
    }
}
