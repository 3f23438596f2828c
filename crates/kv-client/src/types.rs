//! The client's own vocabulary: what it takes and what it gives back, apart from the wire's types.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

/// A key's version: grows with every change of the key, across deletes and restarts of the server.
/// Hand it back in `if_version` to change the key only if nobody else did meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How safe a write is when it is acknowledged. Later levels include the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// In the server's memory: lost when the process ends.
    Memory,
    /// Handed to the operating system: survives the process, not the machine.
    Buffered,
    /// On stable storage: survives any crash.
    Fsync,
}

impl fmt::Display for Durability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Memory => "memory",
            Self::Buffered => "buffered",
            Self::Fsync => "fsync",
        })
    }
}

/// When `expire` may change an expiry. A key without expiry counts as living forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpireRule {
    /// Always.
    Always,
    /// Only when the key has no expiry.
    IfNone,
    /// Only when the key has an expiry.
    IfAny,
    /// Only when the new expiry is later than the present one.
    IfLater,
    /// Only when the new expiry is earlier than the present one.
    IfEarlier,
}

/// An existing key, without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyState {
    /// Its version.
    pub version: Version,
    /// Remaining time to live; `None` when it lives until deleted.
    pub ttl: Option<Duration>,
}

/// An existing key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// The key's version.
    pub version: Version,
    /// Remaining time to live; `None` when the key lives until deleted.
    pub ttl: Option<Duration>,
}

/// An existing key with the length of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The key's version.
    pub version: Version,
    /// Remaining time to live; `None` when the key lives until deleted.
    pub ttl: Option<Duration>,
    /// Length of the value in bytes.
    pub value_bytes: u64,
}

/// A write that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The key's new version; 0 when the expiry given was already past, so that the key is gone.
    pub version: Version,
    /// Remaining time to live; `None` when the key lives until deleted.
    pub ttl: Option<Duration>,
    /// The value before, when `return_previous` asked for it and there was one.
    pub previous: Option<Bytes>,
    /// The durability level reached.
    pub achieved: Option<Durability>,
}

/// A key that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The version of the delete itself.
    pub version: Version,
    /// The value before, when `return_previous` asked for it.
    pub previous: Option<Bytes>,
    /// The durability level reached.
    pub achieved: Option<Durability>,
}

/// The number after an increment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incremented {
    /// The number now.
    pub value: i64,
    /// The key's version now.
    pub version: Version,
    /// Remaining time to live; `None` when the key lives until deleted.
    pub ttl: Option<Duration>,
    /// The durability level reached.
    pub achieved: Option<Durability>,
}

/// The value's length after an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Length of the value in bytes now.
    pub value_bytes: u64,
    /// The key's version now.
    pub version: Version,
    /// Remaining time to live; `None` when the key lives until deleted.
    pub ttl: Option<Duration>,
    /// The durability level reached.
    pub achieved: Option<Durability>,
}

/// What became of an `expire` or `persist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Whether the expiry was changed. `false` when the key does not exist, the rule did not allow
    /// it, or there was no expiry to remove.
    pub applied: bool,
    /// The key now; `None` when it does not exist.
    pub current: Option<KeyState>,
    /// The durability level reached; `None` when nothing was written.
    pub achieved: Option<Durability>,
}

/// What became of a `flush`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// How many keys were removed.
    pub removed: u64,
    /// The durability level reached.
    pub achieved: Option<Durability>,
}

/// A snapshot that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotTaken {
    /// The number in its file's name.
    pub id: u64,
    /// Keys in it.
    pub keys: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// How long it took.
    pub duration: Duration,
}

/// A key found by a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanEntry {
    /// The key.
    pub key: Bytes,
    /// The value, when the scan asked for values.
    pub value: Option<Bytes>,
    /// The key's version.
    pub version: Version,
    /// Remaining time to live; `None` when the key lives until deleted.
    pub ttl: Option<Duration>,
}

/// Where a scan can go on: opaque bytes, good for the server process that gave them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Bytes);

impl Cursor {
    /// The cursor with these bytes, as an earlier page gave them.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes, to keep for later.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its bytes, to keep for later.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// One page of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPage {
    /// The keys found; may be empty before the end.
    pub entries: Vec<ScanEntry>,
    /// Where the next page starts; `None` when the scan is complete.
    pub cursor: Option<Cursor>,
}

/// What the server holds and has done since it started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The server's version, for example `0.1.0`.
    pub server_version: String,
    /// Time since the process started.
    pub uptime: Duration,
    /// Keys now, including those expired and not yet removed.
    pub keys: u64,
    /// Keys with an expiry now.
    pub volatile_keys: u64,
    /// Bytes of keys and values now.
    pub payload_bytes: u64,
    /// Bytes the engine accounts for now: entries, tables and indexes.
    pub memory_used_bytes: u64,
    /// `engine.memory_limit`; `None` when there is no limit.
    pub memory_limit_bytes: Option<u64>,
    /// The eviction policy's name.
    pub eviction_policy: String,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Writes applied.
    pub writes: u64,
    /// Keys removed because they expired.
    pub expired_keys: u64,
    /// Keys evicted to stay within the memory limit.
    pub evicted_keys: u64,
    /// Bytes freed by evictions.
    pub evicted_bytes: u64,
    /// Half of the expired keys were removed from memory within this time.
    pub expiry_lag_p50: Duration,
    /// 99 of 100 expired keys were removed from memory within this time.
    pub expiry_lag_p99: Duration,
    /// The latest removal of an expired key.
    pub expiry_lag_max: Duration,
    /// Number of shards.
    pub shards: u32,
    /// Keys in the shard that holds the fewest.
    pub shard_keys_min: u64,
    /// Keys in the shard that holds the most.
    pub shard_keys_max: u64,
    /// The strongest durability level this server can reach.
    pub durability_max: Option<Durability>,
    /// What is on disk; `None` when the server keeps data in memory only.
    pub persistence: Option<PersistenceStats>,
}

/// The state of a server's log and snapshots. Counters count from the start of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PersistenceStats {
    /// `persist.fsync`: `always`, `interval` or `never`.
    pub fsync: String,
    /// Position of the latest write in the log; each is one further than the one before.
    pub log_position: u64,
    /// Position of the latest write on stable storage.
    pub durable_position: u64,
    /// Bytes of the log's segments on disk.
    pub log_bytes: u64,
    /// Number of the log's segments.
    pub log_segments: u64,
    /// Bytes that wait to be written to the log.
    pub waiting_bytes: u64,
    /// How often the log was synced.
    pub syncs: u64,
    /// The newest snapshot, of this process or an earlier one.
    pub last_snapshot: Option<SnapshotStats>,
    /// Snapshots that failed.
    pub snapshot_failures: u64,
    /// Bytes that were cut off the end of the log at the start, because a crash had torn them.
    pub torn_tail_bytes: u64,
    /// Why the log takes no writes; `None` while it does.
    pub failure: Option<String>,
}

/// What is known of a snapshot on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotStats {
    /// When it was complete.
    pub taken_at: SystemTime,
    /// Keys in it.
    pub keys: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// How long it took; zero when an earlier process took it.
    pub duration: Duration,
}
