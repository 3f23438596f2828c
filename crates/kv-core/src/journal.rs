//! The seam between the engine and its log: effects go in, positions come out.

use crate::types::{Durability, Lsn, UnixMillis, Version};

/// One change of one key, as the state that results: replaying it needs nothing else.
///
/// INCR is recorded as the new value, a relative TTL as an absolute time, an expiry or eviction as a
/// delete. That makes replay deterministic and idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect<'a> {
    /// The shard that holds the key. Order is kept within a shard.
    pub shard: u32,
    /// The key's version from now on.
    pub version: Version,
    /// The key; empty for [`Change::Clear`].
    pub key: &'a [u8],
    /// What happens.
    pub change: Change<'a>,
}

/// What an effect does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// The key has this value and expiry.
    Put {
        /// The whole value.
        value: &'a [u8],
        /// When the key ends.
        expiry: Option<UnixMillis>,
    },
    /// The key keeps its value and has this expiry.
    Touch {
        /// When the key ends.
        expiry: Option<UnixMillis>,
    },
    /// The key does not exist.
    Delete(DeleteCause),
    /// No key exists, in any shard. Such a record has this effect alone, with the greatest version any
    /// shard has given.
    Clear,
}

/// Why a key was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteCause {
    /// A client asked for it.
    Request,
    /// Its time had come.
    Expired,
    /// Room was needed.
    Evicted,
}

/// What is appended at once: all effects of one operation or atomic batch.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The replication group; 0 on a single node.
    pub group: u32,
    /// The effects, in the order they are applied. Never empty.
    pub effects: &'a [Effect<'a>],
}

/// Why the journal did not take a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Nothing was recorded; the write must not be applied.
    #[error("the log takes no writes: {reason}")]
    Unavailable {
        /// What is wrong and what helps.
        reason: String,
    },
}

/// Where the engine writes effects, before it applies them.
///
/// Contract:
/// * *Order.* The engine calls `append` while it holds the locks of every shard the record names, so
///   records of one shard arrive in the order they are applied. Positions never decrease; when
///   [`durability_max`](Self::durability_max) is above `Memory` they strictly increase.
/// * *Atomicity.* A record is kept whole or not at all.
/// * *Latency.* `append` runs under shard locks: it copies and returns, and never waits for a device.
/// * *Durability.* `append` promises nothing; [`reached`](Self::reached) tells what has become safe.
/// * *Errors.* After `Err` nothing of the record was kept and the engine does not apply it.
pub trait Journal: Send + Sync {
    /// Takes one record and tells its position.
    ///
    /// # Errors
    /// [`JournalError`] when the record was not taken.
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError>;

    /// Every record up to and including this position has reached `level`. Never decreases.
    fn reached(&self, level: Durability) -> Lsn;

    /// The strongest level this journal ever reaches.
    fn durability_max(&self) -> Durability;
}

/// Keeps nothing: the journal of a store that lives in memory only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullJournal;

impl Journal for NullJournal {
    fn append(&self, _record: &Record<'_>) -> Result<Lsn, JournalError> {
        Ok(Lsn::ZERO)
    }

    fn reached(&self, level: Durability) -> Lsn {
        if level == Durability::Memory { Lsn::MAX } else { Lsn::ZERO }
    }

    fn durability_max(&self) -> Durability {
        Durability::Memory
    }
}

impl<J: Journal + ?Sized> Journal for std::sync::Arc<J> {
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError> {
        (**self).append(record)
    }

    fn reached(&self, level: Durability) -> Lsn {
        (**self).reached(level)
    }

    fn durability_max(&self) -> Durability {
        (**self).durability_max()
    }
}
