//! Calls whose requests and answers all have the same length: a load generator that sends them does little but copy and
//! count bytes, and the same whichever server it talks to.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::load::{Command, key};
use crate::resp::{OK, write_get, write_set};
use crate::time::LIMIT;

/// Digits of a key's number.
const NUMBER_DIGITS: usize = 12;

/// What a server is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// That of Redis.
    Resp,
    /// The text protocol of memcached.
    Memcached,
}

/// Calls for random keys of 16 bytes, which all exist and have values of the same length.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    /// Of the key with number 0.
    request: Vec<u8>,
    /// Where the digits of the key's number begin.
    number: usize,
    keys: u64,
    /// How every answer ends, and where nothing else of it does.
    answer_end: Vec<u8>,
    /// Where several calls in a row are one request with several keys: the bytes of a further key's request that are left
    /// out, and of its answer. This is how clients of memcached ask, which sends every answer by itself otherwise.
    shared: Option<Shared>,
}

#[derive(Debug, Clone, Copy)]
struct Shared {
    request_start: usize,
    request_end: usize,
    answer: usize,
}

impl Calls {
    /// Keys are chosen among so many.
    pub(crate) fn new(protocol: Protocol, command: Command, keys: u64, value: &[u8]) -> Self {
        let first = key(0);
        let (mut request, mut shared) = (Vec::new(), None);
        let answer_end = match (protocol, command) {
            (Protocol::Resp, Command::Get) => {
                write_get(&mut request, &first);
                [value, b"\r\n"].concat()
            }
            (Protocol::Resp, Command::Set) => {
                write_set(&mut request, &first, value);
                OK.to_vec()
            }
            (Protocol::Memcached, Command::Get) => {
                request = format!("get {first}\r\n").into_bytes();
                let (request_start, request_end) = ("get".len(), "\r\n".len());
                shared = Some(Shared { request_start, request_end, answer: "END\r\n".len() });
                b"\r\nEND\r\n".to_vec()
            }
            (Protocol::Memcached, Command::Set) => {
                let head = format!("set {first} 0 0 {}\r\n", value.len());
                request = [head.as_bytes(), value, b"\r\n"].concat();
                b"STORED\r\n".to_vec()
            }
        };
        Self::from_first(request, keys, answer_end, shared)
    }

    /// GETs over HTTP/1.1, as this server has it.
    pub(crate) fn http_get(keys: u64, value: &[u8]) -> Self {
        let request = format!("GET /v1/kv/{} HTTP/1.1\r\nHost: kv\r\n\r\n", key(0));
        Self::from_first(request.into_bytes(), keys, value.to_vec(), None)
    }

    /// Calls as this one for the first key.
    fn from_first(
        request: Vec<u8>,
        keys: u64,
        answer_end: Vec<u8>,
        shared: Option<Shared>,
    ) -> Self {
        let first = key(0);
        let at = request.windows(first.len()).position(|bytes| bytes == first.as_bytes()).unwrap();
        let number = at + first.len() - NUMBER_DIGITS;
        Self { request, number, keys, answer_end, shared }
    }

    /// Appends requests for so many random keys.
    pub(crate) fn write_many(
        &self,
        count: usize,
        random: &mut fastrand::Rng,
        requests: &mut Vec<u8>,
    ) {
        for index in 0..count {
            let mut left_out = 0;
            if let (Some(shared), true) = (self.shared, index > 0) {
                requests.truncate(requests.len() - shared.request_end);
                left_out = shared.request_start;
            }
            self.write(left_out, random, requests);
        }
    }

    /// Whether these are the last bytes of answers.
    pub(crate) fn is_end(&self, bytes: &[u8]) -> bool {
        bytes.ends_with(&self.answer_end)
    }

    /// The bytes of so many answers, where one has `answer_len`.
    pub(crate) fn answers_len(&self, count: usize, answer_len: usize) -> usize {
        answer_len * count - self.shared.map_or(0, |shared| shared.answer * (count - 1))
    }

    /// Appends a request for a random key, without its first bytes.
    fn write(&self, left_out: usize, random: &mut fastrand::Rng, requests: &mut Vec<u8>) {
        let digits = requests.len() + self.number - left_out;
        requests.extend_from_slice(&self.request[left_out..]);
        let mut number = random.u64(..self.keys);
        for digit in requests[digits..digits + NUMBER_DIGITS].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }

    /// Makes one call on a connection of its own, to learn how long every answer is.
    pub(crate) fn answer_len(&self, port: u16) -> usize {
        let mut stream = connect(port);
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(&self.request).unwrap();
        let mut answer = Vec::new();
        while !self.is_end(&answer) {
            let mut bytes = [0; 4096];
            let len = stream.read(&mut bytes).unwrap();
            answer.extend_from_slice(&bytes[..len]);
            assert!(len > 0, "an answer is expected: {}", answer.escape_ascii());
        }
        answer.len()
    }
}

/// A connection that sends at once.
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}
