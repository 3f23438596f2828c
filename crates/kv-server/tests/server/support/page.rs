//! Pages of the admin listener, fetched the plain way: one connection per request, blocking.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::LIMIT;

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// By name in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// Fetches a page.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Page {
    fetch(addr, "GET", path)
}

/// Sends a request and reads the whole answer.
pub(crate) fn fetch(addr: SocketAddr, method: &str, path: &str) -> Page {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: kv\r\nConnection: close\r\n\r\n");
    let answer = exchange(addr, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer with headers");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_lowercase(), value.to_owned())
    };
    Page {
        status: status.parse().expect("a status"),
        headers: lines.map(header).collect(),
        body: body.to_owned(),
    }
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) fn exchange(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect_timeout(&addr, LIMIT).expect("a connection");
    stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
    // A server that has seen enough may close before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8(answer).expect("text")
}
