//! Waiting on a thread of one's own until the log is safe up to a position.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use kv_core::{Durability, JournalError, Lsn, Progress};

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// How often a wait that can be given up looks whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Blocks the calling thread until everything up to `lsn` has reached `level`.
///
/// # Errors
/// [`JournalError::Unknown`] when that can no longer happen.
pub fn block_on_reached(
    progress: &dyn Progress,
    lsn: Lsn,
    level: Durability,
) -> Result<(), JournalError> {
    block_unless(progress, lsn, level, &|| false).map(|_reached| ())
}

/// The same, until `is_given_up`. Tells whether the level was reached: a full disk may keep the log from it
/// for as long as it likes.
///
/// # Errors
/// [`JournalError::Unknown`] when that can no longer happen.
pub fn block_unless(
    progress: &dyn Progress,
    lsn: Lsn,
    level: Durability,
    is_given_up: &dyn Fn() -> bool,
) -> Result<bool, JournalError> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    // Registers the waker, once: asked again, the log would keep another each time.
    if let Poll::Ready(outcome) = progress.poll_reached(lsn, level, &waker) {
        return outcome.map(|()| true);
    }
    while progress.reached(level) < lsn {
        if is_given_up() {
            return Ok(false);
        }
        progress.health().or_else(|_failed| match progress.poll_reached(lsn, level, &waker) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Ok(()),
        })?;
        // Returns at once when the waker was woken since, and now and then for no reason.
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use kv_core::NullJournal;
    use parking_lot::Mutex;

    use super::*;

    /// A log whose positions become safe when the test says so.
    #[derive(Default)]
    struct Manual {
        reached: AtomicU64,
        waiting: Mutex<Vec<Waker>>,
    }

    impl Manual {
        fn reach(&self, lsn: u64) {
            self.reached.store(lsn, Ordering::SeqCst);
            self.waiting.lock().drain(..).for_each(Waker::wake);
        }
    }

    impl Progress for Manual {
        fn reached(&self, _level: Durability) -> Lsn {
            Lsn::new(self.reached.load(Ordering::SeqCst))
        }

        fn poll_reached(
            &self,
            lsn: Lsn,
            level: Durability,
            waker: &Waker,
        ) -> Poll<Result<(), JournalError>> {
            let mut waiting = self.waiting.lock();
            if lsn <= self.reached(level) {
                return Poll::Ready(Ok(()));
            }
            waiting.push(waker.clone());
            Poll::Pending
        }

        fn durability_max(&self) -> Durability {
            Durability::Fsync
        }

        fn health(&self) -> Result<(), JournalError> {
            Ok(())
        }

        fn is_congested(&self) -> bool {
            false
        }
    }

    #[test]
    fn the_thread_sleeps_until_the_position_is_reached() {
        let log = Manual::default();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| block_on_reached(&log, Lsn::new(10), Durability::Fsync));
            while log.waiting.lock().is_empty() {
                std::thread::yield_now();
            }
            for lsn in 1..10 {
                log.reached.store(lsn, Ordering::SeqCst);
                assert!(!waiter.is_finished());
            }
            log.reach(10);
            assert_eq!(waiter.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_wait_can_be_given_up() {
        let log = Manual::default();
        let level = Durability::Fsync;
        assert_eq!(block_unless(&log, Lsn::new(1), level, &|| true), Ok(false));
        assert_eq!(log.waiting.lock().len(), 1, "one waker, however long it takes");
        log.reach(1);
        assert_eq!(block_unless(&log, Lsn::new(1), level, &|| true), Ok(true));
    }

    #[test]
    fn what_can_never_happen_is_an_error() {
        let outcome = block_on_reached(&NullJournal, Lsn::new(1), Durability::Fsync);
        assert!(matches!(outcome, Err(JournalError::Unknown { .. })), "{outcome:?}");
        assert_eq!(block_on_reached(&NullJournal, Lsn::ZERO, Durability::Fsync), Ok(()));
    }
}
