//! Writes replies in either version.

use bytes::BufMut;

use super::double;
use crate::Version;

/// Writes the replies of one connection at the end of a buffer, a `Vec<u8>` or `BytesMut`.
///
/// What a version does not know is written as Redis writes it there: a map as an array of keys and values, a
/// boolean as 0 or 1, a double or big number as a bulk string. A reply that has parts ([`array`](Self::array),
/// [`map`](Self::map), [`set`](Self::set), [`push`](Self::push)) is begun by its length, and the caller
/// writes exactly as many parts.
#[derive(Debug)]
pub struct Encoder<'a, B> {
    output: &'a mut B,
    version: Version,
}

impl<'a, B: BufMut> Encoder<'a, B> {
    /// Writes at the end of `output`.
    #[inline]
    pub fn new(output: &'a mut B, version: Version) -> Self {
        Self { output, version }
    }

    /// The version that is written.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where the bytes go: for replies that are ready as bytes.
    pub fn output(&mut self) -> &mut B {
        self.output
    }

    /// `+OK`: a short text in one line. Line ends within become spaces.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        self.text_line(b'+', text.as_bytes());
    }

    /// `-ERR what is wrong`: the first word is the code. As in Redis, line ends at either end are left out, and
    /// those within become spaces.
    #[inline]
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        let mut text = text.as_ref();
        while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = text {
            text = rest;
        }
        self.text_line(b'-', text);
    }

    /// `:42`
    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.number_line(b':', number);
    }

    /// Any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.bulk_header(bytes.len());
        self.output.put_slice(bytes);
        self.bulk_end();
    }

    /// What precedes the bytes of a bulk string: for bytes that are sent from elsewhere.
    #[inline]
    pub fn bulk_header(&mut self, len: usize) {
        self.length_line(b'$', len);
    }

    /// What follows the bytes of a bulk string.
    #[inline]
    pub fn bulk_end(&mut self) {
        self.output.put_slice(b"\r\n");
    }

    /// No value, where a bulk string could be.
    #[inline]
    pub fn null(&mut self) {
        self.output.put_slice(match self.version {
            Version::Resp2 => b"$-1\r\n",
            Version::Resp3 => b"_\r\n",
        });
    }

    /// No value, where an array could be.
    #[inline]
    pub fn null_array(&mut self) {
        self.output.put_slice(match self.version {
            Version::Resp2 => b"*-1\r\n",
            Version::Resp3 => b"_\r\n",
        });
    }

    /// Begins a list of `len` replies.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.length_line(b'*', len);
    }

    /// Begins `len` pairs of replies, key and value in turn.
    pub fn map(&mut self, len: usize) {
        match self.version {
            Version::Resp2 => self.length_line(b'*', len.saturating_mul(2)),
            Version::Resp3 => self.length_line(b'%', len),
        }
    }

    /// Begins `len` replies that are all different and have no order.
    pub fn set(&mut self, len: usize) {
        self.new_in_resp3(b'~', len);
    }

    /// Begins a message of `len` replies that answers no request. A client of RESP2 takes it for an answer.
    pub fn push(&mut self, len: usize) {
        self.new_in_resp3(b'>', len);
    }

    /// `,3.5`, with 17 significant digits, as Redis 7.0 writes doubles.
    pub fn double(&mut self, number: f64) {
        self.scalar(b',', &double::text(number));
    }

    /// `#t` or `#f`
    pub fn boolean(&mut self, is_true: bool) {
        self.output.put_slice(match (self.version, is_true) {
            (Version::Resp2, false) => b":0\r\n",
            (Version::Resp2, true) => b":1\r\n",
            (Version::Resp3, false) => b"#f\r\n",
            (Version::Resp3, true) => b"#t\r\n",
        });
    }

    /// A whole number of any length: `digits` with or without a sign before them.
    pub fn big_number(&mut self, digits: &str) {
        self.scalar(b'(', digits);
    }

    /// Text to be shown to people as it is; `format` is `txt` or `mkd`.
    pub fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        if self.version == Version::Resp2 {
            return self.bulk(text);
        }
        self.length_line(b'=', text.len().saturating_add(format.len() + 1));
        self.output.put_slice(&format);
        self.output.put_u8(b':');
        self.output.put_slice(text);
        self.bulk_end();
    }

    /// A list in RESP2, and of its own kind since.
    fn new_in_resp3(&mut self, kind: u8, len: usize) {
        let kind = if self.version == Version::Resp2 { b'*' } else { kind };
        self.length_line(kind, len);
    }

    /// A bulk string in RESP2, and of its own kind since.
    fn scalar(&mut self, kind: u8, text: &str) {
        match self.version {
            Version::Resp2 => self.bulk(text.as_bytes()),
            Version::Resp3 => self.text_line(kind, text.as_bytes()),
        }
    }

    fn text_line(&mut self, kind: u8, text: &[u8]) {
        self.output.put_u8(kind);
        if text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            for &byte in text {
                self.output.put_u8(if matches!(byte, b'\r' | b'\n') { b' ' } else { byte });
            }
        } else {
            self.output.put_slice(text);
        }
        self.output.put_slice(b"\r\n");
    }

    #[inline]
    fn length_line(&mut self, kind: u8, len: usize) {
        self.number_line(kind, i64::try_from(len).unwrap_or(i64::MAX));
    }

    /// One write for the whole line: the buffer asks for room at each.
    #[inline]
    fn number_line(&mut self, kind: u8, number: i64) {
        let mut digits = itoa::Buffer::new();
        self.output.put_u8(kind);
        self.output.put_slice(digits.format(number).as_bytes());
        self.output.put_slice(b"\r\n");
    }
}
