//! A value on its way out of the store.

use std::fmt;
use std::ops::Range;

use bytes::{Buf as _, Bytes};

use crate::compression;

/// A value, or a part of one, that a reply carries: in the form in which the store keeps it, so that it takes no
/// memory of its own, if it is long, until somebody asks for the bytes.
///
/// Cheap to clone. Equal to others with the same bytes, in whatever form.
#[derive(Clone)]
pub struct Value(Form);

#[derive(Clone)]
enum Form {
    Plain(Bytes),
    /// On the heap, so that values that are not compressed take no more room in replies for its sake.
    Compressed(Box<Compressed>),
}

/// The bytes from one place to another of what these stand for.
#[derive(Clone)]
struct Compressed {
    bytes: Bytes,
    part: Range<usize>,
}

const _: () = assert!(size_of::<Value>() == size_of::<Bytes>(), "as small as it can be");

impl Value {
    pub(crate) fn compressed(bytes: Bytes) -> Self {
        let part = 0..compression::value_len(&bytes);
        Self(Form::Compressed(Box::new(Compressed { bytes, part })))
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Plain(bytes) => bytes.len(),
            Form::Compressed(compressed) => compressed.part.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bytes still have to be decompressed.
    #[inline]
    pub fn is_compressed(&self) -> bool {
        matches!(self.0, Form::Compressed(..))
    }

    /// How many bytes are decompressed to have this one's: those of the whole value, at a nanosecond each; 0 if it is
    /// not compressed.
    #[inline]
    pub fn decompressed_len(&self) -> usize {
        match &self.0 {
            Form::Plain(_) => 0,
            Form::Compressed(compressed) => compression::value_len(&compressed.bytes),
        }
    }

    /// A part. Copies and decompresses nothing.
    ///
    /// # Panics
    /// When the part reaches beyond the value.
    #[must_use]
    pub fn slice(&self, part: Range<usize>) -> Self {
        assert!(part.start <= part.end && part.end <= self.len(), "{part:?} of {}", self.len());
        Self(match &self.0 {
            Form::Plain(bytes) => Form::Plain(bytes.slice(part)),
            Form::Compressed(compressed) => {
                let (bytes, start) = (compressed.bytes.clone(), compressed.part.start);
                let part = start + part.start..start + part.end;
                Form::Compressed(Box::new(Compressed { bytes, part }))
            }
        })
    }

    /// Takes the first bytes off, and returns them. Copies and decompresses nothing.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn split_to(&mut self, len: usize) -> Self {
        let first = self.slice(0..len);
        self.advance(len);
        first
    }

    /// Drops the first bytes. Copies and decompresses nothing.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn advance(&mut self, len: usize) {
        assert!(len <= self.len(), "{len} of {}", self.len());
        match &mut self.0 {
            Form::Plain(bytes) => bytes.advance(len),
            Form::Compressed(compressed) => compressed.part.start += len,
        }
    }

    /// The bytes, unless they are compressed.
    #[inline]
    pub fn plain(&self) -> Option<&Bytes> {
        match &self.0 {
            Form::Plain(bytes) => Some(bytes),
            Form::Compressed(..) => None,
        }
    }

    /// The bytes: shared where they are as the store keeps them, else decompressed, at a nanosecond a byte of the
    /// whole value. They keep at most twice their own memory from being freed.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Form::Plain(bytes) => bytes,
            Form::Compressed(compressed) => {
                let Compressed { bytes, part } = *compressed;
                let whole = Bytes::from(compression::decompress(&bytes));
                if part.len() < whole.len() / 2 {
                    return Bytes::copy_from_slice(whole.get(part).unwrap_or_default());
                }
                whole.slice(part)
            }
        }
    }

    /// Appends the bytes. Decompresses them in place; else as [`into_bytes`](Self::into_bytes).
    pub fn append_to(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Plain(bytes) => out.extend_from_slice(bytes),
            Form::Compressed(compressed) => {
                let (before, part) = (out.len(), &compressed.part);
                compression::decompress_onto(&compressed.bytes, out);
                out.truncate(before + part.end);
                out.drain(before..before + part.start);
            }
        }
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self(Form::Plain(bytes))
    }
}

impl From<&'static [u8]> for Value {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        text.as_bytes().into()
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.clone().into_bytes() == other.clone().into_bytes()
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().into_bytes().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both_forms(bytes: &[u8]) -> [Value; 2] {
        let compressed = compression::with_compressed(bytes, 0, |compressed| {
            Value::compressed(Bytes::copy_from_slice(compressed.expect("it repeats itself")))
        });
        [Bytes::copy_from_slice(bytes).into(), compressed]
    }

    proptest! {
        #[test]
        fn every_part_is_the_same_in_either_form(
            len in 100_usize..5000,
            cuts: [prop::sample::Index; 4],
        ) {
            let bytes: Vec<u8> = (0..7).cycle().take(len).collect();
            let mut part = [cuts[0].index(len + 1), cuts[1].index(len + 1)];
            part.sort_unstable();
            let part_len = part[1] - part[0];
            let mut inner = [cuts[2].index(part_len + 1), cuts[3].index(part_len + 1)];
            inner.sort_unstable();
            let expected = &bytes[part[0]..part[1]][inner[0]..inner[1]];
            for value in both_forms(&bytes) {
                let value = value.slice(part[0]..part[1]).slice(inner[0]..inner[1]);
                prop_assert_eq!(value.len(), expected.len());
                prop_assert_eq!(value.is_empty(), expected.is_empty());
                let mut out = b"before".to_vec();
                value.append_to(&mut out);
                prop_assert_eq!(&out, &[b"before", expected].concat());
                let mut rest = value.clone();
                let first = rest.split_to(expected.len() / 3);
                prop_assert_eq!(rest.is_compressed(), value.is_compressed());
                prop_assert_eq!(rest.plain().is_some(), !value.is_compressed());
                let whole_len = if value.is_compressed() { len } else { 0 };
                prop_assert_eq!(rest.decompressed_len(), whole_len);
                let parts = [first.into_bytes(), rest.into_bytes()].concat();
                prop_assert_eq!(&parts, expected);
                prop_assert_eq!(&value.into_bytes()[..], expected);
            }
        }
    }

    #[test]
    fn the_form_makes_no_difference_to_equality() {
        let [plain, compressed] = both_forms(&[b'x'; 100]);
        assert!(!plain.is_compressed() && compressed.is_compressed());
        assert_eq!(plain, compressed);
        assert_eq!(format!("{plain:?}"), format!("{compressed:?}"));
        assert_ne!(plain.slice(0..99), compressed);
        assert_ne!(Value::from("y").len(), 0);
    }

    #[test]
    #[should_panic(expected = "0..101 of 100")]
    fn there_is_no_part_beyond_the_end() {
        drop(both_forms(&[b'x'; 100])[1].slice(0..101));
    }
}
