//! As much of the Redis protocol as the benchmarks need.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::time::LIMIT;

/// Commands sent before their answers are read, when a store is filled.
const CHUNK: u64 = 1000;

/// The answer to a SET.
pub(crate) const OK: &[u8] = b"+OK\r\n";

/// The answer to a GET of a key that is not there.
pub(crate) const NIL: &[u8] = b"$-1\r\n";

/// Appends a GET to `commands`.
pub(crate) fn write_get(commands: &mut Vec<u8>, key: &str) {
    commands
        .extend_from_slice(format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len()).as_bytes());
}

/// Appends a SET to `commands`.
pub(crate) fn write_set(commands: &mut Vec<u8>, key: &str, value: &[u8]) {
    commands
        .extend_from_slice(format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n", key.len()).as_bytes());
    commands.extend_from_slice(format!("${}\r\n", value.len()).as_bytes());
    commands.extend_from_slice(value);
    commands.extend_from_slice(b"\r\n");
}

/// A connection for one command after the other.
#[derive(Debug)]
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects; `None` while nobody listens.
    pub(crate) fn open(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Some(Self(BufReader::new(stream)))
    }

    /// Sends a command of plain words; the answer is text, without what marks its kind.
    pub(crate) fn command(&mut self, words: &str) -> String {
        self.try_command(words).unwrap_or_else(|refusal| panic!("{words}: {refusal}"))
    }

    /// The same, with refusals told.
    pub(crate) fn try_command(&mut self, words: &str) -> Result<String, String> {
        self.0.get_mut().write_all(format!("{words}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let (kind, text) =
            line.trim_end().split_at_checked(1).ok_or("the connection was closed")?;
        match kind {
            "-" => Err(text.to_owned()),
            "$" => {
                let mut body = vec![0; text.parse::<usize>().unwrap() + 2];
                self.0.read_exact(&mut body).unwrap();
                Ok(String::from_utf8(body).unwrap())
            }
            _ => Ok(text.to_owned()),
        }
    }

    /// A field of `INFO`.
    pub(crate) fn info(&mut self, section: &str, field: &str) -> String {
        let text = self.command(&format!("INFO {section}"));
        let prefix = format!("{field}:");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value.unwrap_or_else(|| panic!("INFO {section} has {field}")).to_owned()
    }

    /// Sets many keys to the same value.
    pub(crate) fn fill(&mut self, keys: impl Iterator<Item = String>, value: &[u8]) {
        self.set_all(keys.map(|key| (key, value)));
    }

    /// Sets many keys.
    pub(crate) fn set_all<'a>(&mut self, pairs: impl Iterator<Item = (String, &'a [u8])>) {
        let mut pairs = pairs.peekable();
        while pairs.peek().is_some() {
            let (mut commands, mut count) = (Vec::new(), 0);
            for (key, value) in pairs.by_ref().take(CHUNK as usize) {
                write_set(&mut commands, &key, value);
                count += 1;
            }
            self.0.get_mut().write_all(&commands).unwrap();
            let mut answers = vec![0; OK.len() * count];
            self.0.read_exact(&mut answers).unwrap();
            assert!(answers.chunks(OK.len()).all(|answer| answer == OK), "every SET succeeds");
        }
    }
}
