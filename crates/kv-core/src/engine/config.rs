//! How an engine is set up.

use crate::eviction::PolicyKind;
use crate::limits::{
    COMPRESS_MIN_BYTES_MIN, KEY_BYTES_HARD_MAX, Limits, SHARDS_MAX, VALUE_BYTES_HARD_MAX,
};

/// Settings of a [`ShardedStore`](crate::ShardedStore).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// Number of shards: a power of two. More shards mean less contention and shorter pauses when a
    /// table grows, and about half a kilobyte each.
    pub shards: usize,
    /// Bytes the engine may use; 0 for no limit.
    pub memory_limit: u64,
    /// Which keys go when the limit is reached.
    pub eviction_policy: PolicyKind,
    /// From this length on, values that are set are compressed, if that makes them 12 % shorter; `None` for never. At
    /// least [`COMPRESS_MIN_BYTES_MIN`]. Values of more than
    /// [`COMPRESSED_VALUE_BYTES_MAX`](crate::COMPRESSED_VALUE_BYTES_MAX) bytes are left as they are.
    pub compress_min_bytes: Option<usize>,
    /// Bounds on requests.
    pub limits: Limits,
    /// Feeds the hash function and every random choice. Draw it at random, or clients can choose keys
    /// that collide.
    pub seed: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            shards: 1024,
            memory_limit: 0,
            eviction_policy: PolicyKind::default(),
            compress_min_bytes: None,
            limits: Limits::default(),
            seed: 0,
        }
    }
}

/// Why an engine cannot be set up so. Each names the setting, the value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a power of two within the bounds.
    #[error("engine.shards = {given}: must be a power of two from 1 to {SHARDS_MAX}")]
    Shards {
        /// The number given.
        given: usize,
    },
    /// Less than the empty engine needs.
    #[error(
        "engine.memory_limit = {given}: must be 0 (none) or at least {min} bytes, which {shards} \
         empty shards take; raise it or lower engine.shards"
    )]
    MemoryLimit {
        /// The limit given.
        given: u64,
        /// The least allowed.
        min: u64,
        /// The number of shards.
        shards: usize,
    },
    /// Less than compression is good for.
    #[error(
        "engine.compress_min_bytes = {given}: must be 0 (off) or at least {COMPRESS_MIN_BYTES_MIN}"
    )]
    CompressMin {
        /// The length given.
        given: usize,
    },
    /// A limit that is out of its own bounds.
    #[error("{key} = {given}: must be from 1 to {max}")]
    Limit {
        /// The setting.
        key: &'static str,
        /// The value given.
        given: usize,
        /// The greatest allowed.
        max: usize,
    },
}

impl EngineConfig {
    /// Checks everything but the memory limit, whose least value only the engine knows.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !self.shards.is_power_of_two() || self.shards > SHARDS_MAX {
            return Err(ConfigError::Shards { given: self.shards });
        }
        check_compress_min(self.compress_min_bytes)?;
        let limits = &self.limits;
        let bounds = [
            ("limits.key_bytes_max", limits.key_bytes_max, KEY_BYTES_HARD_MAX),
            ("limits.value_bytes_max", limits.value_bytes_max, VALUE_BYTES_HARD_MAX),
            ("limits.batch_ops_max", limits.batch_ops_max, u32::MAX as usize),
            ("limits.scan_page_keys_max", limits.scan_page_keys_max, u32::MAX as usize),
            ("limits.scan_page_bytes_max", limits.scan_page_bytes_max, VALUE_BYTES_HARD_MAX),
        ];
        for (key, given, max) in bounds {
            if given == 0 || given > max {
                return Err(ConfigError::Limit { key, given, max });
            }
        }
        Ok(())
    }
}

/// Checks the length from which on values are compressed.
pub(super) fn check_compress_min(min_bytes: Option<usize>) -> Result<(), ConfigError> {
    match min_bytes {
        Some(given) if given < COMPRESS_MIN_BYTES_MIN => Err(ConfigError::CompressMin { given }),
        _ => Ok(()),
    }
}
