//! Reading fields that come in their usual form.

use std::ops::Range;

/// More bytes than this in one number are not usual. What they stand for is prost's to say.
const NUMBER_BYTES_MAX: u32 = 9;

/// A place in a message. `None` is answered for what is not in its usual form; it may still be right.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a part of a message.
    pub(super) fn new(bytes: &'a [u8], part: Range<usize>) -> Self {
        Self { bytes, at: part.start, end: part.end.min(bytes.len()) }
    }

    /// Whether it is at the end.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.end
    }

    /// The next byte. The keys of all fields of the contract's batches are one.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = if self.is_done() { None } else { self.bytes.get(self.at) };
        self.at += 1;
        byte.copied()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for index in 0..NUMBER_BYTES_MAX {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Where the content of a field of bytes or of a message is.
    pub(super) fn content(&mut self) -> Option<Range<usize>> {
        let len = usize::try_from(self.number()?).ok()?;
        let content = self.at..self.at.checked_add(len)?;
        self.at = content.end;
        (content.end <= self.end).then_some(content)
    }
}

/// Where the content of the next field is, if it has this key.
pub(super) fn next_field(key: u8, message: &[u8], at: usize) -> Option<Range<usize>> {
    let mut fields = Cursor::new(message, at..message.len());
    if fields.byte()? == key { fields.content() } else { None }
}
