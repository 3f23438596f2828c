//! A client of HTTP/1.1 that sends exactly what the test says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::fmt::Write as _;
use std::net::SocketAddr;

use kv_server::testing::TestServer;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::within;

/// A connection.
pub(crate) struct Http {
    stream: TcpStream,
    /// What has been received of answers that were not looked at yet.
    received: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Where the server speaks HTTP.
pub(crate) fn addr(server: &TestServer) -> SocketAddr {
    server.socket_addr_of("http")
}

/// A connection to the server.
pub(crate) async fn http(server: &TestServer) -> Http {
    Http::connect(addr(server)).await
}

impl Http {
    /// Connects.
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("a connection");
        Self { stream, received: Vec::new() }
    }

    /// Sends a request without headers or body of its own, such as `GET /v1/kv/a`.
    pub(crate) async fn ask(&mut self, request: &str) -> Answer {
        self.send(request, &[], b"").await
    }

    /// Sends a request and receives its answer.
    pub(crate) async fn send(
        &mut self,
        request: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.write(&head(request, headers, body.as_ref().len())).await;
        self.write(body).await;
        self.receive(request.starts_with("HEAD ")).await
    }

    /// Sends bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.expect("the server listens");
    }

    /// Sends bytes as they are, and tells whether the server still took them.
    pub(crate) async fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        within(self.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        within(self.stream.shutdown()).await.expect("a connection");
    }

    /// Receives the next answer: to a HEAD request, which has no body whatever its headers say, or to another.
    pub(crate) async fn receive(&mut self, is_head: bool) -> Answer {
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.receive_more().await, "the connection ends in a head: {:?}", self.text());
        };
        let head: Vec<u8> = self.received.drain(..end).collect();
        let mut answer = parse_head(std::str::from_utf8(&head).expect("a head is text"));
        if (100..200).contains(&answer.status) || is_head || [204, 304].contains(&answer.status) {
            return answer;
        }
        let length: usize = answer.header("content-length").expect("a length").parse().unwrap();
        while self.received.len() < length {
            assert!(self.receive_more().await, "the connection ends in a body");
        }
        answer.body = self.received.drain(..length).collect();
        answer
    }

    /// Waits until an answer begins to come, and takes nothing of it.
    pub(crate) async fn begins(&mut self) {
        within(self.stream.readable()).await.expect("a connection");
    }

    /// Whether the server has ended the connection, after whatever it has said.
    pub(crate) fn has_ended(&mut self) -> bool {
        loop {
            match self.stream.try_read_buf(&mut self.received) {
                Ok(0) => return true,
                Ok(_received) => {}
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    }

    /// Whether the server ends the connection, with nothing more to be read.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.received.is_empty() && !self.receive_more().await
    }

    /// Everything that is received until the server ends the connection, however long that takes.
    pub(crate) async fn rest(&mut self) -> String {
        while self.stream.read_buf(&mut self.received).await.is_ok_and(|read| read > 0) {}
        self.text()
    }

    async fn receive_more(&mut self) -> bool {
        let read = within(self.stream.read_buf(&mut self.received)).await;
        read.is_ok_and(|read| read > 0)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

/// The head of a request, such as `PUT /v1/kv/a`, with a body of this length.
pub(crate) fn head(request: &str, headers: &[(&str, &str)], length: usize) -> String {
    let mut head = format!("{request} HTTP/1.1\r\nHost: kv.test\r\n");
    let has_length = headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    });
    if !has_length && (length > 0 || request.starts_with('P')) {
        write!(head, "Content-Length: {length}\r\n").expect("strings grow");
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("strings grow");
    }
    head + "\r\n"
}

fn parse_head(head: &str) -> Answer {
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Answer { status: status.parse().unwrap(), headers: headers.collect(), body: Vec::new() }
}

impl Answer {
    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(given, _)| given == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there more than once: {self:?}");
        value
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The version in the entity tag.
    pub(crate) fn version(&self) -> u64 {
        let tag = self.header("etag").expect("an entity tag");
        tag.trim_start_matches("W/").trim_matches('"').parse().expect("a version")
    }

    /// The answer, proved to have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?} {}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Proves that this is a problem with this status and reason, and that its detail has all of the words.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, reason: &str, words: &[&str]) -> Value {
        assert_eq!(self.status, status, "{self:?} {}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem: Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["reason"], reason, "{problem}");
        assert_eq!(problem["type"], format!("/openapi.json#/x-problems/{reason}"));
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        let detail = problem["detail"].as_str().expect("a detail");
        for word in words {
            assert!(detail.contains(word), "{detail:?} lacks {word:?}");
        }
        problem
    }
}
