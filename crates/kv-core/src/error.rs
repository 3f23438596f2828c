//! Why the store refuses an operation, and what the caller can do about it.

use crate::journal::JournalError;
use crate::types::{EXPIRY_MAX_MS, FLOAT_TEXT_BYTES_MAX, Lsn, Version};

/// Why an operation was refused. A refused operation changed nothing, unless it says that the outcome is
/// unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The key is longer than the limit.
    #[error(
        "key of {given} bytes is too long: at most {max} bytes are allowed (limits.key_bytes_max)"
    )]
    KeyTooLong {
        /// The key's length in bytes.
        given: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The value is, or would become, longer than the limit.
    #[error(
        "value of {given} bytes is too long: at most {max} bytes are allowed (limits.value_bytes_max)"
    )]
    ValueTooLong {
        /// The value's length in bytes.
        given: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// More operations in one batch than the limit.
    #[error(
        "batch of {given} operations is too large: at most {max} are allowed (limits.batch_ops_max)"
    )]
    BatchTooLarge {
        /// The number of operations.
        given: usize,
        /// The limit.
        max: usize,
    },
    /// A TTL or expiry is zero, negative or ends too late.
    #[error(
        "expiry of {given_ms} ms is out of range: a TTL must be at least 1 ms and end before Unix \
         time {EXPIRY_MAX_MS} ms"
    )]
    ExpiryOutOfRange {
        /// What was asked for.
        given_ms: i128,
    },
    /// Increment of something else than a signed 64-bit decimal number.
    #[error("value is not an integer: increment needs a decimal number from -2^63 to 2^63-1")]
    NotAnInteger,
    /// Increment past the range.
    #[error("increment by {delta} of {present} would leave the range -2^63 to 2^63-1")]
    IntegerOverflow {
        /// The number held.
        present: i64,
        /// What was to be added.
        delta: i64,
    },
    /// What should be a decimal number is not, or is out of its range.
    #[error(
        "value is not a valid float: it needs one decimal or hexadecimal number, without spaces, of at \
         most {FLOAT_TEXT_BYTES_MAX} bytes and within the range of extended precision"
    )]
    NotAFloat,
    /// Increment of a float past the range, or of infinity.
    #[error(
        "increment would produce NaN or Infinity: the sum must be a finite number below 2^16384"
    )]
    FloatOverflow,
    /// The write does not fit within the memory limit and nothing more can be evicted.
    #[error(
        "out of memory: {needed} more bytes do not fit in engine.memory_limit = {limit} and \
         engine.eviction_policy = {policy} found nothing to evict"
    )]
    OutOfMemory {
        /// The bytes that did not fit.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
        /// The policy's name.
        policy: &'static str,
    },
    /// The scan cursor was not issued by this store.
    #[error(
        "scan cursor is not one of this server's: it is damaged, or from another server or before \
         a restart; start again with an empty cursor"
    )]
    CursorInvalid,
    /// The journal did not take the write.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What the caller of a refused operation can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Send a different request: this one can never succeed.
    Invalid,
    /// The request does not fit what the key holds now.
    State,
    /// Try again later, when there is room.
    Exhausted,
    /// The store cannot take writes now.
    Unavailable,
    /// What was asked for may have been done or not, and what was read may be lost again: look before
    /// trying again.
    Unknown,
}

impl StoreError {
    /// What the caller can do next.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::BatchTooLarge { .. }
            | Self::ExpiryOutOfRange { .. }
            | Self::CursorInvalid => ErrorKind::Invalid,
            Self::NotAnInteger
            | Self::IntegerOverflow { .. }
            | Self::NotAFloat
            | Self::FloatOverflow => ErrorKind::State,
            Self::OutOfMemory { .. } => ErrorKind::Exhausted,
            Self::Journal(JournalError::DiskFull { .. } | JournalError::Overloaded { .. }) => {
                ErrorKind::Exhausted
            }
            Self::Journal(JournalError::Unknown { .. }) => ErrorKind::Unknown,
            Self::Journal(_) => ErrorKind::Unavailable,
        }
    }
}

/// Why an atomic batch was not applied. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The condition of an operation did not hold.
    #[error("the condition of operation {index} does not hold")]
    ConditionFailed {
        /// The operation's index.
        index: usize,
        /// The key's version; [`Version::NONE`] when it does not exist.
        version: Version,
        /// The key's remaining time to live.
        ttl_ms: Option<u64>,
        /// As [`Reply::lsn`](crate::Reply::lsn).
        lsn: Lsn,
    },
    /// An operation was refused.
    #[error("operation {index} was refused: {error}")]
    Refused {
        /// The operation's index.
        index: usize,
        /// Why.
        error: StoreError,
    },
    /// The batch as a whole was refused.
    #[error(transparent)]
    Whole(#[from] StoreError),
}
