//! Every bound of the engine, in one place.

use crate::StoreError;
use crate::types::{Action, Op};

/// The longest key any configuration may allow: the entry header keeps 24 bits of length.
pub const KEY_BYTES_HARD_MAX: usize = (1 << 24) - 1;

/// The longest value any configuration may allow: 512 MiB, as in Redis.
pub const VALUE_BYTES_HARD_MAX: usize = 512 << 20;

/// The least that a configuration may set as the length from which on values are compressed: below, LZ4 saves
/// nothing.
pub const COMPRESS_MIN_BYTES_MIN: usize = 64;

/// The longest value that is compressed. Where a change of a part of it needs the whole of it, it is decompressed
/// under its shard's lock, which so many bytes hold up for less than a millisecond.
pub const COMPRESSED_VALUE_BYTES_MAX: usize = 1 << 20;

/// The most shards any configuration may ask for.
pub const SHARDS_MAX: usize = 1 << 16;

/// Bounds on what one request may ask of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest key, in bytes.
    pub key_bytes_max: usize,
    /// Longest value, in bytes.
    pub value_bytes_max: usize,
    /// Most operations in one batch.
    pub batch_ops_max: usize,
    /// Most entries in one scan page.
    pub scan_page_keys_max: usize,
    /// A scan page ends with the entry that reaches this many bytes of keys and values.
    pub scan_page_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key_bytes_max: 64 << 10,
            value_bytes_max: VALUE_BYTES_HARD_MAX,
            batch_ops_max: 10_000,
            scan_page_keys_max: 10_000,
            scan_page_bytes_max: 4 << 20,
        }
    }
}

impl Limits {
    /// Checks one operation's sizes.
    pub(crate) fn check(&self, op: &Op<'_>) -> Result<(), StoreError> {
        self.check_key(op.key)?;
        match op.action {
            Action::Set { value, .. } => self.check_value(value.len()),
            Action::Append { suffix } => self.check_value(suffix.len()),
            _ => Ok(()),
        }
    }

    /// Checks the length of a key.
    pub(crate) fn check_key(&self, key: &[u8]) -> Result<(), StoreError> {
        if key.len() > self.key_bytes_max {
            return Err(StoreError::KeyTooLong { given: key.len(), max: self.key_bytes_max });
        }
        Ok(())
    }

    /// Checks the length of a value that is or would become stored.
    pub(crate) fn check_value(&self, given: usize) -> Result<(), StoreError> {
        if given > self.value_bytes_max {
            return Err(StoreError::ValueTooLong { given, max: self.value_bytes_max });
        }
        Ok(())
    }

    /// Checks the number of operations in a batch.
    pub(crate) fn check_batch(&self, given: usize) -> Result<(), StoreError> {
        if given > self.batch_ops_max {
            return Err(StoreError::BatchTooLarge { given, max: self.batch_ops_max });
        }
        Ok(())
    }
}
