//! How far the log has come, and who waits for it to come further.

use std::sync::OnceLock;
use std::task::{Poll, Waker};

use kv_core::{Durability, JournalError, Lsn};

use super::waiters::Waiters;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// Positions that only grow, and the end of it all.
///
/// Whoever begins to wait looks at the position once more under the lock that whoever publishes takes afterwards:
/// either it sees what was published, or it is woken.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// The last position handed to the operating system.
    written: AtomicU64,
    /// The last position on stable storage.
    durable: AtomicU64,
    waiters: Mutex<Waiters>,
    failure: OnceLock<String>,
}

impl Positions {
    /// Everything up to here is on stable storage.
    pub(super) fn start_at(&self, lsn: Lsn) {
        self.written.store(lsn.get(), Ordering::Release);
        self.durable.store(lsn.get(), Ordering::Release);
    }

    /// The last position that has reached a level.
    pub(super) fn reached(&self, level: Durability) -> Lsn {
        match level {
            Durability::Memory => Lsn::MAX,
            Durability::Buffered => Lsn::new(self.written.load(Ordering::Acquire)),
            Durability::Fsync => Lsn::new(self.durable.load(Ordering::Acquire)),
        }
    }

    /// Publishes what was reached and wakes who waited for it.
    pub(super) fn publish(&self, level: Durability, reached: Lsn) {
        let position = if level == Durability::Fsync { &self.durable } else { &self.written };
        position.fetch_max(reached.get(), Ordering::AcqRel);
        let woken = self.waiters.lock().take_reached(level, reached);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Nothing more will be reached. Only the first reason counts; false when there was one. Those who wait already
    /// are told by [`end_waits`](Self::end_waits), once whatever they may try next is refused.
    pub(super) fn fail(&self, reason: String) -> bool {
        self.failure.set(reason).is_ok()
    }

    /// Wakes everyone.
    pub(super) fn end_waits(&self) {
        let woken = self.waiters.lock().take_all();
        woken.into_iter().for_each(Waker::wake);
    }

    /// Why nothing more will be reached.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Adds somebody to those who are woken, unless the wait is over already.
    pub(super) fn begin_wait(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        let mut waiters = self.waiters.lock();
        if lsn <= self.reached(level) {
            return Poll::Ready(Ok(()));
        }
        if let Some(reason) = self.failure() {
            return Poll::Ready(Err(JournalError::Unknown { reason: reason.to_owned() }));
        }
        waiters.add(lsn, level, waker);
        Poll::Pending
    }
}

#[cfg(all(test, not(kv_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_comes_about_just_before_the_wait_begins_is_not_missed() {
        for level in [Durability::Buffered, Durability::Fsync] {
            let positions = Positions::default();
            let (lsn, later) = (Lsn::new(3), Lsn::new(4));
            let begin_wait = |lsn| positions.begin_wait(lsn, level, Waker::noop());
            assert!(begin_wait(lsn).is_pending());
            positions.publish(level, lsn);
            assert!(matches!(begin_wait(lsn), Poll::Ready(Ok(()))), "{level:?}");
            assert!(begin_wait(later).is_pending());
            assert!(positions.fail("for a test".to_owned()));
            assert!(!positions.fail("for another".to_owned()));
            let failed = begin_wait(later);
            let Poll::Ready(Err(JournalError::Unknown { reason })) = failed else {
                panic!("{failed:?} at {level:?}")
            };
            assert_eq!(reason, "for a test");
            assert!(matches!(begin_wait(lsn), Poll::Ready(Ok(()))), "what was safe stays so");
        }
    }
}
