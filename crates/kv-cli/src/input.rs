//! Turns arguments into keys and values: any bytes, given directly, as hex, from a file or from
//! standard input.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use crate::failure::{self, Failure};
use crate::hex;
use crate::limits::VALUE_BYTES_MAX;

/// How arguments are to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    /// Whether keys and values are given as hex digits.
    pub(crate) hex: bool,
}

impl Input {
    /// The key an argument gives.
    pub(crate) fn key(self, argument: &OsStr) -> Result<Bytes, Failure> {
        self.bytes("key", argument.as_encoded_bytes())
    }

    /// All keys of a list.
    pub(crate) fn keys(self, arguments: &[OsString]) -> Result<Vec<Bytes>, Failure> {
        arguments.iter().map(|argument| self.key(argument)).collect()
    }

    /// The value an argument gives: `-` is standard input, `@x` the file x, `@@x` is "@x".
    pub(crate) fn value(self, argument: &OsStr) -> Result<Bytes, Failure> {
        match argument.as_encoded_bytes() {
            b"-" => {
                let read = |error| Failure::Usage(format!("cannot read standard input: {error}"));
                limited("standard input", io::stdin().lock(), VALUE_BYTES_MAX).map_err(read)
            }
            [b'@', b'@', rest @ ..] => self.bytes("value", &[b"@", rest].concat()),
            [b'@', ..] => from_file(&path_after_at(argument)),
            bytes => self.bytes("value", bytes),
        }
    }

    fn bytes(self, what: &str, argument: &[u8]) -> Result<Bytes, Failure> {
        if !self.hex {
            return Ok(Bytes::copy_from_slice(argument));
        }
        let bytes = hex::decode(argument);
        bytes.map(Bytes::from).map_err(|problem| Failure::Usage(format!("bad {what}: {problem}")))
    }
}

/// What follows the `@`.
#[cfg(unix)]
fn path_after_at(argument: &OsStr) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(argument.as_bytes().get(1..).unwrap_or_default()).to_owned()
}

/// What follows the `@`.
#[cfg(not(unix))]
fn path_after_at(argument: &OsStr) -> OsString {
    argument.to_string_lossy().chars().skip(1).collect::<String>().into()
}

fn from_file(path: &OsStr) -> Result<Bytes, Failure> {
    let path = Path::new(path);
    let read = |error: io::Error| failure::file("read", path, &error);
    let file = File::open(path).map_err(read)?;
    limited("the file", file, VALUE_BYTES_MAX).map_err(read)
}

/// Reads to the end, unless that is too far.
fn limited(what: &str, from: impl Read, bytes_max: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        let message = format!("{what} is longer than the {bytes_max} bytes a message may have");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn check(hex: bool, argument: &str, expected: Result<&[u8], &str>) {
        let outcome = Input { hex }.value(OsStr::new(argument));
        match (outcome, expected) {
            (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected, "{argument}"),
            (Err(failure), Err(expected)) => {
                assert!(matches!(failure, Failure::Usage(_)), "{argument}: {failure}");
                assert!(failure.to_string().contains(expected), "{argument}: {failure}");
            }
            (outcome, _) => panic!("{argument}: {outcome:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn values_come_from_arguments_and_files() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"\x00\xff\n").unwrap();
        let at = format!("@{}", file.path().display());
        check(false, "plain", Ok(b"plain"));
        check(false, "", Ok(b""));
        check(false, "@@plain", Ok(b"@plain"));
        check(false, "@@", Ok(b"@"));
        check(false, &at, Ok(b"\x00\xff\n"));
        check(false, "@/no/such/file", Err("cannot read /no/such/file: No such file"));
        check(true, "00ff", Ok(b"\x00\xff"));
        check(true, &at, Ok(b"\x00\xff\n"));
        check(true, "xx", Err("bad value: 'x' is no hex digit"));
    }

    #[test]
    fn keys_may_look_like_anything() {
        let input = Input { hex: false };
        for key in ["-", "@x", "@@"] {
            assert_eq!(input.key(OsStr::new(key)).unwrap(), key);
        }
    }

    #[test]
    fn reading_ends_at_the_limit() {
        assert_eq!(limited("it", &b"123"[..], 3).unwrap(), "123");
        let error = limited("it", io::repeat(0), 3).unwrap_err();
        assert_eq!(error.to_string(), "it is longer than the 3 bytes a message may have");
    }
}
