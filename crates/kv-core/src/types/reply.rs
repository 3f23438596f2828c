//! The answer to one operation.

use bytes::Bytes;

use super::{Lsn, UnixMillis, Value, Version};

/// The answer to one operation that was not refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// A read: whether the key exists. A write: whether it was made.
    pub applied: bool,
    /// Whether the key existed before.
    pub existed: bool,
    /// The key's version now; of an applied delete, the version of the delete; else
    /// [`Version::NONE`] when the key does not exist.
    pub version: Version,
    /// Remaining time to live now; `None` without expiry or key.
    pub ttl_ms: Option<u64>,
    /// What the action answers with.
    pub payload: Payload,
    /// The log position this answer rests on: of the write, or when nothing was written, of the latest
    /// write it may show that was not on stable storage yet. [`Lsn::ZERO`] when there is none.
    pub lsn: Lsn,
}

/// What an action answers with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Payload {
    /// Nothing.
    #[default]
    None,
    /// The value read, the value before a write that asked for it, or the new text of `IncrementFloat`.
    Value(Value),
    /// The number after an increment.
    Number(i64),
    /// The value's length in bytes: of `Exists`, `Append` and `SetRange`.
    Length(u64),
    /// When the key ends: of `Deadline`, when the key has an expiry.
    Deadline(UnixMillis),
}

impl Payload {
    /// How many bytes have to be decompressed to have those that are carried.
    #[inline]
    pub(crate) fn decompressed_len(&self) -> usize {
        match self {
            Self::Value(value) => value.decompressed_len(),
            _ => 0,
        }
    }
}

impl Reply {
    /// The reply with a copy of this value.
    pub(crate) fn with_copy_of(self, value: &[u8]) -> Self {
        Self { payload: Payload::Value(Bytes::copy_from_slice(value).into()), ..self }
    }

    /// The value carried, if any, in the form in which it is kept.
    pub fn into_kept_value(self) -> Option<Value> {
        match self.payload {
            Payload::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The value carried, if any; decompressed if it has to be, which takes a nanosecond a byte.
    pub fn into_value(self) -> Option<Bytes> {
        self.into_kept_value().map(Value::into_bytes)
    }
}
