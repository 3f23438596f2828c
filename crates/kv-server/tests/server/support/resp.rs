//! A client of the Redis protocol that sends and expects bytes.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a failing test panics")]

use kv_server::testing::TestServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, ToSocketAddrs};

use super::within;

/// A connection.
pub(crate) struct Resp {
    pub(crate) stream: TcpStream,
}

impl Resp {
    /// Connects to a server.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self::connect_to(server.socket_addr_of("resp")).await
    }

    /// Connects to an address.
    pub(crate) async fn connect_to(addr: impl ToSocketAddrs) -> Self {
        Self { stream: TcpStream::connect(addr).await.expect("a connection") }
    }

    /// Sends a command whose arguments are separated by spaces, and receives a bulk string or verbatim text.
    pub(crate) async fn text(&mut self, command_line: &str) -> String {
        self.send(command(command_line)).await;
        let line = self.line().await;
        let len: usize = line[1..].parse().expect("a length");
        let bytes = self.receive(len + 2).await;
        String::from_utf8(bytes[..len].to_vec()).expect("text")
    }

    /// Sends a command whose arguments are separated by spaces, and receives a number.
    pub(crate) async fn number(&mut self, command_line: &str) -> i64 {
        self.send(command(command_line)).await;
        let line = self.line().await;
        line.strip_prefix(':').and_then(|number| number.parse().ok()).expect(&line)
    }

    /// Expects the server to have cut the connection, whatever was on its way.
    pub(crate) async fn expect_cut(&mut self) {
        let mut rest = Vec::new();
        // What the server had not read makes the end an error.
        drop(within(self.stream.read_to_end(&mut rest)).await);
        assert!(rest.is_empty(), "came {:?}", text(&rest));
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.expect("the server reads");
    }

    /// Receives so many bytes.
    pub(crate) async fn receive(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        within(self.stream.read_exact(&mut bytes)).await.expect("an answer");
        bytes
    }

    /// Expects exactly these bytes to come next.
    pub(crate) async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut received = Vec::new();
        while received.len() < expected.len() {
            let mut bytes = vec![0; expected.len() - received.len()];
            let read = within(self.stream.read(&mut bytes)).await.expect("an answer");
            received.extend_from_slice(&bytes[..read]);
            let same = expected.starts_with(&received);
            assert!(
                same && read > 0,
                "expected {:?}\n    came {:?}",
                text(expected),
                text(&received)
            );
        }
    }

    /// Sends a command whose arguments are separated by spaces, and expects an answer.
    pub(crate) async fn ask(&mut self, command_line: &str, expected: impl AsRef<[u8]>) {
        self.send(command(command_line)).await;
        self.expect(expected).await;
    }

    /// Has a conversation: commands, and the answer to each.
    pub(crate) async fn talk(&mut self, lines: &[(&str, &str)]) {
        for (line, expected) in lines {
            self.send(command(line)).await;
            let mut received = vec![0; expected.len()];
            let read = within(self.stream.read_exact(&mut received)).await;
            let came = text(&received);
            assert!(
                read.is_ok() && came == text(expected.as_bytes()),
                "{line}\n came {came:?}\n  not {expected:?}"
            );
        }
        self.is_silent().await;
    }

    /// Receives the bulk strings of an array, of arrays too. Numbers and simple strings are left out.
    pub(crate) async fn array_of_bulks(&mut self) -> Vec<String> {
        let (mut left, mut bulks) = (1, Vec::new());
        while left > 0 {
            left -= 1;
            let line = self.line().await;
            let len = || line[1..].parse::<usize>().expect("a length");
            match &line[..1] {
                "*" => left += len(),
                "$" => {
                    let len = len();
                    let value = self.receive(len + 2).await;
                    bulks.push(String::from_utf8(value[..len].to_vec()).expect("text"));
                }
                ":" | "+" => {}
                other => panic!("{other} came"),
            }
        }
        bulks
    }

    /// Receives a line, and gives it back without its end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.receive(1).await);
        }
        String::from_utf8(line).expect("text").trim_end().to_owned()
    }

    /// Receives up to and with this text, and gives it back.
    pub(crate) async fn text_until(&mut self, end: &str) -> String {
        let mut received = Vec::new();
        while !received.ends_with(end.as_bytes()) {
            received.extend(self.receive(1).await);
        }
        String::from_utf8_lossy(&received).into_owned()
    }

    /// Proves that nothing was answered beside what was expected.
    pub(crate) async fn is_silent(&mut self) {
        self.send(command("ECHO silence")).await;
        self.expect(b"$7\r\nsilence\r\n").await;
    }

    /// Expects the server to have closed the connection.
    pub(crate) async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        within(self.stream.read_to_end(&mut rest)).await.expect("an orderly end");
        assert!(rest.is_empty(), "came {:?}", text(&rest));
    }
}

/// A command whose arguments are separated by spaces. `''` is an empty argument.
pub(crate) fn command(line: &str) -> Vec<u8> {
    let args: Vec<&[u8]> =
        line.split(' ').map(|arg| if arg == "''" { &b""[..] } else { arg.as_bytes() }).collect();
    request(&args)
}

/// A command of these arguments.
pub(crate) fn request(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(&bulk(arg));
    }
    bytes
}

/// A bulk string.
pub(crate) fn bulk(value: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
}

fn text(bytes: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(bytes).chars().take(500).collect();
    shown
}
