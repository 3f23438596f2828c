//! What people look at in a running store: one key, a key at random, the settings in force.

use bytes::Bytes;

use crate::eviction::PolicyKind;
use crate::limits::Limits;
use crate::types::{Lsn, Version};

/// What a store knows of a key, beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key's version.
    pub version: Version,
    /// Remaining time to live.
    pub ttl_ms: Option<u64>,
    /// The value's length in bytes.
    pub value_bytes: u64,
    /// Whether the value is a number that an increment would take.
    pub is_integer: bool,
    /// Bytes of memory accounted for the key: its entry, as the allocator rounds it, and its place in the
    /// table.
    pub memory_bytes: u64,
    /// How often the key was used lately: under `lfu` on a logarithmic scale from 0 to 255, under `tinylfu`
    /// from 0 to 15; `None` when the eviction policy does not count.
    pub frequency: Option<u8>,
    /// As [`Reply::lsn`](crate::Reply::lsn).
    pub lsn: Lsn,
}

/// A key drawn at random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomKey {
    /// The key; `None` when the store is empty.
    pub key: Option<Bytes>,
    /// As [`Reply::lsn`](crate::Reply::lsn).
    pub lsn: Lsn,
}

/// The settings of a store that are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreSettings {
    /// Bytes the store may use; 0 for no limit.
    pub memory_limit: u64,
    /// Which keys go when the limit is reached.
    pub eviction_policy: PolicyKind,
    /// From which length on values that are set are compressed; `None` for never.
    pub compress_min_bytes: Option<usize>,
    /// Bounds on requests.
    pub limits: Limits,
}
