//! A journal whose progress is what a test says, for everything that waits for durability.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use crate::journal::{Journal, JournalError, Progress, Record};
use crate::types::{Durability, Lsn};

/// Counts records and keeps none. They stay in memory until the test [lets them go
/// on](Self::advance).
#[derive(Debug, Default)]
pub struct ManualJournal {
    state: Mutex<State>,
    congested: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    last: Lsn,
    buffered: Lsn,
    synced: Lsn,
    /// Why it failed.
    failure: Option<String>,
    refusal: Option<JournalError>,
    waiters: Vec<(Lsn, Durability, Waker)>,
    registered: u64,
}

impl State {
    fn reached(&self, level: Durability) -> Lsn {
        match level {
            Durability::Memory => Lsn::MAX,
            Durability::Buffered => self.buffered,
            Durability::Fsync => self.synced,
        }
    }

    /// Wakes those whose wait is over.
    fn wake(&mut self) {
        let waiters = std::mem::take(&mut self.waiters);
        for (lsn, level, waker) in waiters {
            if self.failure.is_some() || lsn <= self.reached(level) {
                waker.wake();
            } else {
                self.waiters.push((lsn, level, waker));
            }
        }
    }
}

impl ManualJournal {
    /// Lets every record so far reach `level`.
    pub fn advance(&self, level: Durability) {
        let last = self.position();
        self.advance_to(last, level);
    }

    /// Lets the records up to `lsn` reach `level`.
    pub fn advance_to(&self, lsn: Lsn, level: Durability) {
        let mut state = self.state.lock();
        if level >= Durability::Buffered {
            state.buffered = state.buffered.max(lsn);
        }
        if level == Durability::Fsync {
            state.synced = state.synced.max(lsn);
        }
        state.wake();
    }

    /// Fails for good: records are refused, and nothing is reached any more.
    pub fn fail(&self, reason: &str) {
        let mut state = self.state.lock();
        state.failure = Some(reason.to_owned());
        state.wake();
    }

    /// Refuses records with this error, or takes them again.
    pub fn refuse(&self, refusal: Option<JournalError>) {
        self.state.lock().refusal = refusal;
    }

    /// Says that writers are too far ahead, or no longer.
    pub fn congest(&self, congested: bool) {
        self.congested.store(congested, Ordering::SeqCst);
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.state.lock().waiters.len()
    }

    /// How often somebody began to wait.
    pub fn registered(&self) -> u64 {
        self.state.lock().registered
    }
}

impl Progress for ManualJournal {
    fn reached(&self, level: Durability) -> Lsn {
        self.state.lock().reached(level)
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        let mut state = self.state.lock();
        if lsn != Lsn::MAX && lsn <= state.reached(level) {
            return Poll::Ready(Ok(()));
        }
        if let Some(reason) = state.failure.clone() {
            return Poll::Ready(Err(JournalError::Unknown { reason }));
        }
        state.waiters.push((lsn, level, waker.clone()));
        state.registered += 1;
        Poll::Pending
    }

    fn durability_max(&self) -> Durability {
        Durability::Fsync
    }

    fn health(&self) -> Result<(), JournalError> {
        match self.state.lock().failure.clone() {
            Some(reason) => Err(JournalError::Unavailable { reason }),
            None => Ok(()),
        }
    }

    fn is_congested(&self) -> bool {
        self.congested.load(Ordering::SeqCst)
    }
}

impl Journal for ManualJournal {
    fn append(&self, _record: &Record<'_>) -> Result<Lsn, JournalError> {
        let mut state = self.state.lock();
        if let Some(reason) = state.failure.clone() {
            return Err(JournalError::Unavailable { reason });
        }
        if let Some(refusal) = state.refusal.clone() {
            return Err(refusal);
        }
        state.last = Lsn::new(state.last.get() + 1);
        Ok(state.last)
    }

    fn position(&self) -> Lsn {
        self.state.lock().last
    }
}
