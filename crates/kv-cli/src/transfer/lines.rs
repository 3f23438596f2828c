//! Cuts a file into lines without copying them.
//!
//! A line is a slice of the block it was read with, so that reading allocates per block and not per
//! line. The newline is not part of it, anything else is, a carriage return too.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};

use crate::limits::CHUNK_BYTES;

/// The lines of a file.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    from: R,
    buffer: BytesMut,
    /// Bytes at the start of the buffer that are known to hold no newline.
    searched: usize,
    /// Lines begun so far.
    number: u64,
    /// Bytes of the lines begun so far.
    offset: u64,
    at_end: bool,
    line_bytes_max: usize,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Its bytes.
    Text(Bytes),
    /// It is longer than allowed; its bytes were skipped.
    TooLong,
}

impl<R: Read> Lines<R> {
    /// The lines of `from`, each at most so long.
    pub(crate) fn new(from: R, line_bytes_max: usize) -> Self {
        let buffer = BytesMut::new();
        Self { from, buffer, searched: 0, number: 0, offset: 0, at_end: false, line_bytes_max }
    }

    /// The number of the line that `next` gave last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How far the lines that `next` gave reach into the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line. A last line without newline counts.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut too_long = false;
        loop {
            if let Some(length) = self.find_newline() {
                let mut line = self.take(length + 1);
                line.truncate(length);
                too_long |= length > self.line_bytes_max;
                return Ok(Some(self.count(line, too_long)));
            }
            if self.at_end {
                let rest = self.take(self.buffer.len());
                too_long |= rest.len() > self.line_bytes_max;
                let ends_here = rest.is_empty() && !too_long;
                return Ok(if ends_here { None } else { Some(self.count(rest, too_long)) });
            }
            if self.buffer.len() > self.line_bytes_max {
                too_long = true;
                drop(self.take(self.buffer.len()));
            }
            self.fill()?;
        }
    }

    fn find_newline(&mut self) -> Option<usize> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let found = unsearched.iter().position(|byte| *byte == b'\n');
        let length = found.map(|index| self.searched + index);
        self.searched = self.buffer.len();
        length
    }

    fn take(&mut self, bytes: usize) -> Bytes {
        self.searched = 0;
        self.offset += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.buffer.split_to(bytes).freeze()
    }

    fn count(&mut self, line: Bytes, too_long: bool) -> Line {
        self.number += 1;
        if too_long { Line::TooLong } else { Line::Text(line) }
    }

    fn fill(&mut self) -> io::Result<()> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK_BYTES, 0);
        let free = self.buffer.get_mut(filled..).unwrap_or_default();
        let outcome = loop {
            match self.from.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let read = outcome.as_ref().copied().unwrap_or(0);
        self.buffer.truncate(filled + read);
        self.at_end = read == 0;
        outcome.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives few bytes at a time, as pipes do.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.0.len().min(self.1).min(to.len()));
            to[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    fn lines(bytes: &[u8], step: usize, line_bytes_max: usize) -> Vec<Line> {
        let mut lines = Lines::new(Trickle(bytes, step), line_bytes_max);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(line);
            assert_eq!(lines.number(), u64::try_from(all.len()).unwrap());
        }
        assert_eq!(lines.offset(), u64::try_from(bytes.len()).unwrap());
        assert_eq!(lines.next().unwrap(), None, "the end is the end");
        all
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end() {
        let check = |bytes: &[u8], expected: &[&'static [u8]]| {
            let expected: Vec<_> =
                expected.iter().map(|line| Line::Text(Bytes::from_static(line))).collect();
            for step in [1, 2, 100] {
                assert_eq!(lines(bytes, step, 10), expected, "{bytes:?}");
            }
        };
        check(b"", &[]);
        check(b"\n", &[b""]);
        check(b"a", &[b"a"]);
        check(b"a\n", &[b"a"]);
        check(b"a\r\n\n\0\xff", &[b"a\r", b"", b"\0\xff"]);
        check(b"0123456789\n0123456789", &[b"0123456789", b"0123456789"]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_next_is_read() {
        let text = |line: &'static str| Line::Text(Bytes::from_static(line.as_bytes()));
        for step in [1, 3, 100] {
            let given = lines(b"1234\n12345\n1234\n", step, 4);
            assert_eq!(given, [text("1234"), Line::TooLong, text("1234")]);
            assert_eq!(lines(b"a\n12345", step, 4), [text("a"), Line::TooLong]);
            assert_eq!(lines(b"12345678901234567890\na", step, 4), [Line::TooLong, text("a")]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("disk on fire"))
            }
        }
        let error = Lines::new(Broken, 10).next().unwrap_err();
        assert_eq!(error.to_string(), "disk on fire");
    }

    proptest! {
        #[test]
        fn lines_are_what_stands_between_newlines(bytes: Vec<u8>, step in 1_usize..20) {
            let mut expected: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|rest| rest.is_empty()) {
                expected.pop();
            }
            let expected: Vec<_> =
                expected.into_iter().map(|line| Line::Text(Bytes::copy_from_slice(line))).collect();
            prop_assert_eq!(lines(&bytes, step, usize::MAX), expected);
        }
    }
}
