//! A journal that keeps its records in memory, for tests to look at and replay.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use crate::journal::{
    Change, DeleteCause, Effect, Journal, JournalError, NullJournal, Progress, Record,
};
use crate::types::{Durability, Lsn, UnixMillis, Version};

/// Keeps every record, and refuses new ones when told to.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    records: Mutex<Vec<Vec<OwnedEffect>>>,
    refusing: AtomicBool,
}

/// An [`Effect`] that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedEffect {
    /// See [`Effect::shard`].
    pub shard: u32,
    /// See [`Effect::version`].
    pub version: Version,
    /// See [`Effect::key`].
    pub key: Vec<u8>,
    /// See [`Effect::change`].
    pub change: OwnedChange,
}

/// A [`Change`] that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedChange {
    /// See [`Change::Put`].
    Put {
        /// The whole value.
        value: Vec<u8>,
        /// When the key ends.
        expiry: Option<UnixMillis>,
    },
    /// See [`Change::Touch`].
    Touch {
        /// When the key ends.
        expiry: Option<UnixMillis>,
    },
    /// See [`Change::Delete`].
    Delete(DeleteCause),
    /// See [`Change::Clear`].
    Clear,
}

impl MemoryJournal {
    /// Every record so far.
    pub fn records(&self) -> Vec<Vec<OwnedEffect>> {
        self.records.lock().clone()
    }

    /// Whether records are refused from now on.
    pub fn refuse(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::SeqCst);
    }
}

impl OwnedEffect {
    /// Copies an effect.
    pub fn from_effect(effect: &Effect<'_>) -> Self {
        let change = match effect.change {
            Change::Put { value, expiry } => OwnedChange::Put { value: value.to_vec(), expiry },
            Change::Touch { expiry } => OwnedChange::Touch { expiry },
            Change::Delete(cause) => OwnedChange::Delete(cause),
            Change::Clear => OwnedChange::Clear,
        };
        let (shard, version, key) = (effect.shard, effect.version, effect.key.to_vec());
        Self { shard, version, key, change }
    }

    /// Borrows the effect.
    pub fn as_effect(&self) -> Effect<'_> {
        let change = match &self.change {
            OwnedChange::Put { value, expiry } => Change::Put { value, expiry: *expiry },
            OwnedChange::Touch { expiry } => Change::Touch { expiry: *expiry },
            OwnedChange::Delete(cause) => Change::Delete(*cause),
            OwnedChange::Clear => Change::Clear,
        };
        Effect { shard: self.shard, version: self.version, key: &self.key, change }
    }
}

impl Progress for MemoryJournal {
    fn reached(&self, level: Durability) -> Lsn {
        NullJournal.reached(level)
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        NullJournal.poll_reached(lsn, level, waker)
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

impl Journal for MemoryJournal {
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError> {
        if self.refusing.load(Ordering::SeqCst) {
            let reason = "told to refuse by the test".to_owned();
            return Err(JournalError::Unavailable { reason });
        }
        let mut records = self.records.lock();
        records.push(record.effects.iter().map(OwnedEffect::from_effect).collect());
        Ok(Lsn::new(records.len() as u64))
    }

    fn position(&self) -> Lsn {
        Lsn::new(self.records.lock().len() as u64)
    }
}
