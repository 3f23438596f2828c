//! A value as an entry keeps it.

use std::borrow::Cow;

use bytes::Bytes;

use super::entry::SHARED_VALUE_BYTES_MIN;
use crate::compression;
use crate::types::Value;

/// A value as an entry keeps it, or is to keep it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) held: Held<'a>,
    /// Whether the bytes stand for others.
    pub(crate) is_compressed: bool,
}

/// The bytes of a value, and how they are had beyond the entry's lock.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held<'a> {
    /// By copying them.
    Owned(&'a [u8]),
    /// By sharing them by reference count.
    Shared(&'a Bytes),
}

/// What of an entry's size depends on how its value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Bytes that are kept.
    pub(crate) len: usize,
    pub(crate) is_compressed: bool,
    /// Whether they are shared with readers: all long values are, however short what is kept of them.
    pub(crate) is_shared: bool,
}

impl Form {
    /// No value, of a change that brings none.
    pub(crate) const NONE: Self = Self::plain(0);

    /// A value of this length as it is.
    pub(crate) const fn plain(len: usize) -> Self {
        Self { len, is_compressed: false, is_shared: len >= SHARED_VALUE_BYTES_MIN }
    }
}

impl<'a> Held<'a> {
    #[inline]
    pub(crate) fn as_slice(self) -> &'a [u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    fn to_bytes(self) -> Bytes {
        match self {
            Self::Owned(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes.clone(),
        }
    }
}

impl<'a> Stored<'a> {
    /// No bytes.
    pub(crate) const EMPTY: Self = Self::plain(&[]);

    /// A value as it is.
    #[inline]
    pub(crate) const fn plain(value: &'a [u8]) -> Self {
        Self { held: Held::Owned(value), is_compressed: false }
    }

    /// A value as its compressed form, if there is one.
    #[inline]
    pub(crate) fn of(value: &'a [u8], compressed: Option<&'a [u8]>) -> Self {
        let held = Held::Owned(compressed.unwrap_or(value));
        Self { held, is_compressed: compressed.is_some() }
    }

    /// How it is kept.
    #[inline]
    pub(crate) fn form(self) -> Form {
        Form {
            len: self.held.as_slice().len(),
            is_compressed: self.is_compressed,
            is_shared: self.len() >= SHARED_VALUE_BYTES_MIN,
        }
    }

    /// Length of the value.
    #[inline]
    pub(crate) fn len(self) -> usize {
        let held = self.held.as_slice();
        if self.is_compressed { compression::value_len(held) } else { held.len() }
    }

    /// The value itself: borrowed, or decompressed at a nanosecond a byte. Under a lock only where there is no way
    /// around it, after a look at the [length](Self::len).
    pub(crate) fn text(self) -> Cow<'a, [u8]> {
        let held = self.held.as_slice();
        if self.is_compressed {
            Cow::Owned(compression::decompress(held))
        } else {
            Cow::Borrowed(held)
        }
    }

    /// Whether it is this value.
    pub(crate) fn is(self, value: &[u8]) -> bool {
        self.len() == value.len() && *self.text() == *value
    }

    /// The value for others: copied or shared as it is kept.
    #[inline]
    pub(crate) fn to_value(self) -> Value {
        let bytes = self.held.to_bytes();
        if self.is_compressed { Value::compressed(bytes) } else { bytes.into() }
    }
}
