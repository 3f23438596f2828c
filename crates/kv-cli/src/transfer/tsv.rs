//! Lines of key, delimiter, value.
//!
//! Without escapes, which is the default, the value is the rest of the line byte for byte: whatever
//! file this reads it writes again as it was. A key that holds the delimiter, and a key or value that
//! holds a newline, cannot be written so; they are refused by name.
//!
//! With escapes every key and value can be written: `\\`, `\t`, `\n`, `\r`, and `\` before a delimiter
//! in a key.

use bytes::{Bytes, BytesMut};

use super::row::{Malformed, Row, name};
use crate::escape::escape;

/// How lines are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tsv {
    pub(crate) delimiter: u8,
    pub(crate) escapes: bool,
}

/// Delimiters that would change the meaning of an escape or of a line's end.
const NO_DELIMITERS: [u8; 5] = *b"\n\\tnr";

impl Tsv {
    /// The delimiter, if it can be told from everything else.
    pub(crate) fn new(delimiter: u8, escapes: bool) -> Result<Self, String> {
        let last = if escapes { NO_DELIMITERS.len() } else { 1 };
        if NO_DELIMITERS.iter().take(last).any(|byte| *byte == delimiter) {
            let with = if escapes { " with --escape" } else { "" };
            return Err(format!("{} cannot be a delimiter{with}", name(delimiter)));
        }
        Ok(Self { delimiter, escapes })
    }

    /// Reads a line.
    pub(crate) fn parse(self, line: &Bytes) -> Result<Row, Malformed> {
        let end_of_key = self.find_delimiter(line).ok_or(Malformed::NoDelimiter(self.delimiter))?;
        let (key, value) = (line.slice(..end_of_key), line.slice(end_of_key + 1..));
        Ok(Row { key: self.unescape(key)?, value: self.unescape(value)?, expiry: None })
    }

    fn find_delimiter(self, line: &[u8]) -> Option<usize> {
        let mut escaped = false;
        line.iter().position(|byte| {
            let found = *byte == self.delimiter && !escaped;
            escaped = self.escapes && *byte == b'\\' && !escaped;
            found
        })
    }

    fn unescape(self, field: Bytes) -> Result<Bytes, Malformed> {
        if !self.escapes || !field.contains(&b'\\') {
            return Ok(field);
        }
        let mut bytes = BytesMut::with_capacity(field.len());
        let mut rest = field.iter();
        while let Some(byte) = rest.next() {
            let byte = match byte {
                b'\\' => match rest.next().ok_or(Malformed::LoneBackslash)? {
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'r' => b'\r',
                    byte if *byte == b'\\' || *byte == self.delimiter => *byte,
                    byte => return Err(Malformed::UnknownEscape(*byte)),
                },
                byte => *byte,
            };
            bytes.extend_from_slice(&[byte]);
        }
        Ok(bytes.freeze())
    }

    /// Writes a line.
    pub(crate) fn write(self, key: &[u8], value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        if !self.escapes {
            self.check(key, value)?;
            out.extend_from_slice(key);
            out.push(self.delimiter);
            out.extend_from_slice(value);
            out.push(b'\n');
            return Ok(());
        }
        escape_into(key, Some(self.delimiter), out);
        out.push(self.delimiter);
        escape_into(value, None, out);
        out.push(b'\n');
        Ok(())
    }

    fn check(self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let problem = if key.contains(&self.delimiter) {
            format!("the key holds the delimiter {}", name(self.delimiter))
        } else if key.contains(&b'\n') {
            "the key holds a newline".to_owned()
        } else if value.contains(&b'\n') {
            "its value holds a newline".to_owned()
        } else {
            return Ok(());
        };
        let key = escape(key);
        Err(format!(
            "key \"{key}\" cannot be written as a line: {problem}; --escape or --format jsonl can"
        ))
    }
}

fn escape_into(field: &[u8], delimiter: Option<u8>, out: &mut Vec<u8>) {
    for byte in field {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' if delimiter == Some(b'\t') => out.extend_from_slice(b"\\t"),
            byte if delimiter == Some(*byte) => out.extend_from_slice(&[b'\\', *byte]),
            byte => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(delimiter: u8) -> Tsv {
        Tsv::new(delimiter, false).unwrap()
    }

    fn escaped(delimiter: u8) -> Tsv {
        Tsv::new(delimiter, true).unwrap()
    }

    fn check(tsv: Tsv, line: &str, expected: Result<(&[u8], &[u8]), Malformed>) {
        let row = tsv.parse(&Bytes::copy_from_slice(line.as_bytes()));
        let row = row.map(|row| (row.key.to_vec(), row.value.to_vec()));
        let expected = expected.map(|(key, value)| (key.to_vec(), value.to_vec()));
        assert_eq!(row, expected, "{line:?}");
    }

    #[test]
    fn the_value_is_the_rest_of_the_line() {
        let tab = plain(b'\t');
        check(tab, "k\tv", Ok((b"k", b"v")));
        check(tab, "k\t", Ok((b"k", b"")));
        check(tab, "k\ta\tb\\t\r", Ok((b"k", b"a\tb\\t\r")));
        check(tab, "\tv", Ok((b"", b"v")));
        check(tab, "k v", Err(Malformed::NoDelimiter(b'\t')));
        check(tab, "", Err(Malformed::NoDelimiter(b'\t')));
        check(plain(b';'), "0041;LATIN;Lu;", Ok((b"0041", b"LATIN;Lu;")));
        check(plain(b'\\'), "k\\v", Ok((b"k", b"v")));
    }

    #[test]
    fn escapes_are_read_when_asked_for() {
        let tab = escaped(b'\t');
        check(tab, r"k\t\\	\n\r", Ok((b"k\t\\", b"\n\r")));
        check(tab, "k\ta\tb", Ok((b"k", b"a\tb")));
        check(tab, r"k\x	v", Err(Malformed::UnknownEscape(b'x')));
        check(tab, r"k	v\", Err(Malformed::LoneBackslash));
        check(tab, r"k\\	v", Ok((b"k\\", b"v")));
        check(escaped(b';'), r"k\;;v;w", Ok((b"k;", b"v;w")));
    }

    #[test]
    fn messages_say_what_is_allowed() {
        let check = |malformed: Malformed, expected: &str| {
            assert_eq!(malformed.to_string(), expected);
        };
        check(
            Malformed::NoDelimiter(b'\t'),
            "no tab between key and value: a line is key, tab, value (--delimiter names another)",
        );
        check(
            Malformed::UnknownEscape(b'x'),
            "unknown escape \\x: allowed are \\\\, \\t, \\n, \\r and \\ before the delimiter",
        );
    }

    #[test]
    fn what_a_plain_line_cannot_hold_is_refused_by_name() {
        let check = |key: &str, value: &str, expected: &str| {
            let mut out = Vec::new();
            let problem = plain(b'\t').write(key.as_bytes(), value.as_bytes(), &mut out);
            assert!(problem.unwrap_err().contains(expected));
            assert!(out.is_empty(), "half a line was written");
        };
        check(
            "a\tb",
            "v",
            "key \"a\\tb\" cannot be written as a line: the key holds the delimiter tab",
        );
        check("a\nb", "v", "the key holds a newline; --escape or --format jsonl can");
        check("a", "v\n", "key \"a\" cannot be written as a line: its value holds a newline");
    }

    #[test]
    fn delimiters_that_would_be_ambiguous_are_refused() {
        for delimiter in 0..=u8::MAX {
            assert_eq!(Tsv::new(delimiter, false).is_err(), delimiter == b'\n');
            assert_eq!(Tsv::new(delimiter, true).is_err(), NO_DELIMITERS.contains(&delimiter));
        }
    }

    /// What a line brings back after it was written.
    fn round(tsv: Tsv, key: &[u8], value: &[u8]) -> Result<Row, String> {
        let mut line = Vec::new();
        tsv.write(key, value, &mut line)?;
        assert_eq!(line.pop(), Some(b'\n'));
        assert!(!line.contains(&b'\n'));
        Ok(tsv.parse(&line.into()).unwrap())
    }

    proptest! {
        #[test]
        fn with_escapes_any_bytes_come_back(key: Vec<u8>, value: Vec<u8>, delimiter: u8) {
            prop_assume!(!NO_DELIMITERS.contains(&delimiter));
            let row = round(escaped(delimiter), &key, &value).unwrap();
            prop_assert_eq!((row.key.to_vec(), row.value.to_vec()), (key, value));
        }

        #[test]
        fn without_escapes_bytes_come_back_or_are_refused(
            key in "[a\t\n;\\\\]{1,5}",
            value in "[a\t\n;\\\\]{0,5}",
        ) {
            let fits = !key.contains(['\t', '\n']) && !value.contains('\n');
            match round(plain(b'\t'), key.as_bytes(), value.as_bytes()) {
                Ok(row) => prop_assert_eq!((row.key, row.value), (Bytes::from(key), Bytes::from(value))),
                Err(_) => prop_assert!(!fits),
            }
        }
    }
}
