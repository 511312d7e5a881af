//! Over real connections: who gets the page, what comes with it, and the word of a newer one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::*;

/// A site on a thread of its own, with the way to give it newer pages.
struct Up {
    address: SocketAddr,
    newest: watch::Sender<Arc<Page>>,
}

impl Up {
    fn new(access: impl FnOnce(u16) -> Access) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let access = access(address.port());
        let (newest, pages) = watch::channel(Arc::new(Page::new("<p>one</p>".to_owned())));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                serve(listener, pages, access).await;
            });
        });
        Self { address, newest }
    }

    fn open() -> Self {
        Self::new(|_| Access::Loopback)
    }

    fn guarded() -> Self {
        Self::new(|port| Access::Token {
            token: Token::new(SECRET).unwrap(),
            port,
        })
    }

    fn connect(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// The whole answer to one request.
    fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        let host = if headers.contains("Host:") {
            ""
        } else {
            "Host: localhost\r\n"
        };
        let request =
            format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\r\n");
        let mut answer = String::new();
        self.connect(&request).read_to_string(&mut answer).unwrap();
        answer
    }
}

const SECRET: &str = "a-token-of-some-length";

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[test]
fn the_newest_page_comes_and_the_browser_is_told_to_keep_to_it() {
    let up = Up::open();
    let answer = up.ask("GET", "/", "");
    assert_eq!(status(&answer), "200");
    assert!(answer.ends_with("<p>one</p>"), "{answer}");
    for told in [
        "content-security-policy: default-src 'none'; script-src 'self'; connect-src 'self';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(told), "{told}: {answer}");
    }
    up.newest
        .send_replace(Arc::new(Page::new("<p>two</p>".to_owned())));
    let answer = up.ask("GET", "/", "");
    assert!(answer.ends_with("<p>two</p>"), "{answer}");
    let tag = answer
        .split("etag: ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let known = up.ask("GET", "/", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!(status(&known), "304");
    assert!(!up.ask("HEAD", "/", "").contains("<p>two</p>"));
}

#[test]
fn nothing_can_be_sent_and_nothing_else_is_there() {
    let up = Up::open();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        assert_eq!(status(&up.ask(method, "/", "")), "405", "{method}");
    }
    for path in [
        "/../Cargo.toml",
        "/index.html",
        "//evil.example/",
        "/%2e%2e/etc/passwd",
    ] {
        assert_eq!(status(&up.ask("GET", path, "")), "404", "{path}");
    }
    assert!(up.ask("GET", "/live.js", "").contains("EventSource"));
}

#[test]
fn on_this_machine_only_its_own_names_lead_to_the_page() {
    let up = Up::open();
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1:99",
        "[::1]:99",
        "127.9.9.9",
    ] {
        assert_eq!(
            status(&up.ask("GET", "/", &format!("Host: {host}\r\n"))),
            "200",
            "{host}"
        );
    }
    for host in [
        "rebound.example",
        "localhost.example:80",
        "10.0.0.1",
        "[fe80::1]",
        "",
    ] {
        let answer = up.ask("GET", "/", &format!("Host: {host}\r\n"));
        assert_eq!(status(&answer), "421", "{host}");
        assert!(!answer.contains("<p>"), "{answer}");
    }
}

#[test]
fn a_token_opens_the_page_and_leaves_the_address() {
    let up = Up::guarded();
    for headers in [
        String::new(),
        "Cookie: runsheet-1=a-token-of-some-length\r\n".to_owned(),
        format!(
            "Cookie: runsheet-{}=another-token-of-length\r\n",
            up.address.port()
        ),
        "Authorization: Bearer a-token-of-some-lengt\r\n".to_owned(),
    ] {
        for path in ["/", "/events", "/live.js", "/?token=wrong", "/?token="] {
            let answer = up.ask("GET", path, &headers);
            assert_eq!(status(&answer), "401", "{path} {headers}");
            assert!(!answer.contains("<p>"), "{answer}");
        }
    }
    let given = up.ask("GET", &format!("/?token={SECRET}"), "");
    assert_eq!(status(&given), "303");
    assert!(given.contains("\nlocation: /\r"), "{given}");
    let cookie = given
        .split("set-cookie: ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let (pair, kept) = cookie.split_once("; ").unwrap();
    assert_eq!(kept, "Path=/; HttpOnly; SameSite=Lax");
    let answer = up.ask("GET", "/", &format!("Cookie: other=1; {pair}\r\n"));
    assert!(answer.ends_with("<p>one</p>"), "{answer}");
    let bearer = up.ask("GET", "/", &format!("Authorization: Bearer {SECRET}\r\n"));
    assert!(bearer.ends_with("<p>one</p>"), "{bearer}");
    let elsewhere = up.ask("GET", &format!("//evil.example/?token={SECRET}"), "");
    assert!(!elsewhere.contains("location: //"), "{elsewhere}");
}

#[test]
fn a_token_is_long_and_plain_and_never_shown() {
    assert!(Token::new("short").is_none());
    assert!(Token::new("sixteen letters and; more").is_none());
    assert_eq!(format!("{:?}", Token::new(SECRET).unwrap()), "Token(…)");
}

#[test]
fn readers_hear_of_each_newer_page_and_of_the_one_there_is() {
    let up = Up::open();
    let stream = up.connect("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut heard = || {
        lines
            .by_ref()
            .find_map(|line| Some(line.strip_prefix("id: ")?.to_owned()))
    };
    let version = |html: &str| Some(Page::new(html.to_owned()).version.to_string());
    assert_eq!(heard(), version("<p>one</p>"));
    for html in ["<p>two</p>", "<p>three</p>"] {
        up.newest.send_replace(Arc::new(Page::new(html.to_owned())));
        assert_eq!(heard(), version(html));
    }
}

#[test]
fn nonsense_ends_only_its_own_connection() {
    let up = Up::open();
    for sent in [
        "\u{0}\u{1}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    ] {
        let mut answer = Vec::new();
        let _ = up.connect(sent).read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains("<p>"));
    }
    let long = format!("X: {}\r\n", "x".repeat(1 << 20));
    let mut stream = TcpStream::connect(up.address).unwrap();
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{long}").as_bytes());
    drop(stream);
    assert_eq!(status(&up.ask("GET", "/", "")), "200");
}
