//! The seam between the engine and its log: effects go in, positions come out.
//!
//! [`Journal`] is what the engine writes to; [`Progress`], the half of it that others may see, tells how
//! safe what was written has become.

use std::sync::Arc;
use std::task::{Poll, Waker};

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
    /// No key exists at the effect's version or a lower one, in any shard. Such a record has this effect
    /// alone; its version is above every one given before, and below every one given later.
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

/// Why the journal does not take a record, or cannot say that one is safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Nothing was recorded; the write must not be applied.
    #[error("the log takes no writes: {reason}")]
    Unavailable {
        /// What is wrong and what helps.
        reason: String,
    },
    /// Nothing was recorded: the device is full. Deletes may still be taken, and writes are again once
    /// there is space.
    #[error("the log has no space: {reason}; this is accepted again as soon as there is some")]
    DiskFull {
        /// What did not fit, and what is still accepted.
        reason: String,
    },
    /// Nothing was recorded: more waits to be written to the device than may.
    #[error(
        "the log is behind: {waiting} bytes wait to be written and at most {max} may \
         (persist.log_buffer_bytes); try again"
    )]
    Overloaded {
        /// Bytes that wait.
        waiting: u64,
        /// How many may.
        max: u64,
    },
    /// A record was taken, and whether it will survive is not known.
    #[error("the outcome is unknown, the write may or may not survive a restart: {reason}")]
    Unknown {
        /// What went wrong and what helps.
        reason: String,
    },
}

/// How safe what was written has become.
///
/// Contract:
/// * *Order.* Levels are reached in the order of positions: nothing is safe before what came before it.
/// * *Failure.* Once [`health`](Self::health) is an error it stays one, and no position is reached any
///   more. What was reached before stays so.
/// * *Cost.* Every call returns at once.
pub trait Progress: Send + Sync {
    /// Every record up to and including this position has reached `level`. Never decreases.
    fn reached(&self, level: Durability) -> Lsn;

    /// Whether everything up to `lsn` has reached `level`. If not yet, `waker` is woken once, when it has
    /// or never will; until then whoever asks is seen to wait, and what is waited for is hurried along.
    ///
    /// Asking for [`Lsn::MAX`] waits for a failure, and hurries nothing.
    ///
    /// # Errors
    /// [`JournalError::Unknown`] when that can no longer happen.
    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>>;

    /// The strongest level that is ever reached.
    fn durability_max(&self) -> Durability;

    /// Whether writes are taken and made safe.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] from the moment when that is over until a restart.
    fn health(&self) -> Result<(), JournalError>;

    /// Whether writers are ahead of the device by so much that they should wait for
    /// [`Durability::Buffered`] before they send more.
    fn is_congested(&self) -> bool;
}

/// Where the engine writes effects, before it applies them.
///
/// Contract:
/// * *Order.* The engine calls `append` while it holds the locks of every shard the record names, so
///   records of one shard arrive in the order they are applied. Positions never decrease; when
///   [`durability_max`](Progress::durability_max) is above `Memory` they strictly increase.
/// * *Atomicity.* A record is kept whole or not at all.
/// * *Latency.* `append` runs under shard locks: it copies and returns, and never waits for a device.
/// * *Durability.* `append` promises nothing; [`reached`](Progress::reached) tells what has become safe.
/// * *Errors.* After `Err` nothing of the record was kept and the engine does not apply it.
pub trait Journal: Progress {
    /// Takes one record and tells its position.
    ///
    /// # Errors
    /// [`JournalError`] when the record was not taken.
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError>;

    /// Not below the position of any record whose `append` has returned, and below that of any record
    /// whose `append` has yet to be called.
    fn position(&self) -> Lsn;
}

/// Keeps nothing: the journal of a store that lives in memory only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullJournal;

impl Progress for NullJournal {
    fn reached(&self, level: Durability) -> Lsn {
        if level == Durability::Memory { Lsn::MAX } else { Lsn::ZERO }
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        _waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        if lsn == Lsn::MAX {
            return Poll::Pending;
        }
        if lsn <= self.reached(level) {
            return Poll::Ready(Ok(()));
        }
        let reason = "data is kept in memory only".to_owned();
        Poll::Ready(Err(JournalError::Unknown { reason }))
    }

    fn durability_max(&self) -> Durability {
        Durability::Memory
    }

    fn health(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

impl Journal for NullJournal {
    fn append(&self, _record: &Record<'_>) -> Result<Lsn, JournalError> {
        Ok(Lsn::ZERO)
    }

    fn position(&self) -> Lsn {
        Lsn::ZERO
    }
}

impl<J: Progress + ?Sized> Progress for Arc<J> {
    fn reached(&self, level: Durability) -> Lsn {
        (**self).reached(level)
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        (**self).poll_reached(lsn, level, waker)
    }

    fn durability_max(&self) -> Durability {
        (**self).durability_max()
    }

    fn health(&self) -> Result<(), JournalError> {
        (**self).health()
    }

    fn is_congested(&self) -> bool {
        (**self).is_congested()
    }
}

impl<J: Journal + ?Sized> Journal for Arc<J> {
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError> {
        (**self).append(record)
    }

    fn position(&self) -> Lsn {
        (**self).position()
    }
}
