//! The engine of kv: a sharded in-memory store with TTL and pluggable eviction, behind small traits.
//!
//! * [`Store`] is what servers call; [`ShardedStore`] implements it.
//! * [`Journal`] is where the engine writes effects before it applies them, and [`Progress`] tells how
//!   safe they have become.
//! * [`SnapshotSource`] and [`ReplayTarget`] are how persistence copies a store out and fills it again.
//! * [`Clock`] is its only source of time.
//! * [`EvictionPolicy`](eviction::EvictionPolicy) names victims when memory is short.
//!
//! Invariant KV-I1: this crate does no I/O, reads no clock and spawns nothing. Time comes through
//! `Clock`, randomness through [`EngineConfig::seed`], and background work runs when the owner calls
//! [`TtlManager::tick`].
//!
//! Unsafe code is in `engine/entry/pointer.rs` alone.

mod activity;
mod clock;
mod compression;
mod engine;
mod error;
pub mod eviction;
mod image;
mod inspect;
mod journal;
mod latency;
mod limits;
mod scan;
mod stats;
mod store;
mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod types;

pub use activity::{StoreActivity, lock_waited_ns};
pub use clock::Clock;
pub use engine::{ConfigError, EngineConfig, ShardedStore, TickReport, TtlManager};
pub use error::{BatchError, ErrorKind, StoreError};
pub use image::{ImageEntry, ImageValue, ReplayTarget, ShardCursor, SnapshotSource, VisitBudget};
pub use inspect::{KeyInfo, RandomKey, StoreSettings};
pub use journal::{
    Change, DeleteCause, Effect, Journal, JournalError, NullJournal, Progress, Record,
};
pub use latency::{LATENCY_BOUNDS_NS, LATENCY_BUCKETS, Latency, latency_bucket, latency_ns};
pub use limits::{
    COMPRESS_MIN_BYTES_MIN, COMPRESSED_VALUE_BYTES_MAX, KEY_BYTES_HARD_MAX, Limits, SHARDS_MAX,
    VALUE_BYTES_HARD_MAX,
};
pub use scan::{CURSOR_BYTES, ScanCursor, ScanEntry, ScanPage, ScanSpec};
pub use stats::{LAG_BUCKETS, LagCounts, LagSummary, StoreStats};
pub use store::{ReplySink, Store};
pub use types::{
    Action, Condition, Deadline, Durability, EXPIRY_MAX_MS, ExpireRule, ExpiryChange, Extended,
    FLOAT_TEXT_BYTES_MAX, Lsn, Op, Payload, Reply, SetExpiry, Transfer, TransferOutcome,
    TransferReply, UnixMillis, Value, Version,
};
