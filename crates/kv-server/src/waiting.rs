//! Waiting until the log has got as far as an answer needs.

use std::task::{Context, Poll, Waker};

use kv_core::{Durability, JournalError, Lsn, Progress};

/// Waits for a position of the log to reach a level. It can be polled from one task or several in turn,
/// and is known to the log at most once per task.
#[derive(Debug)]
pub(crate) struct Waiter {
    lsn: Lsn,
    level: Durability,
    /// Whom the log will wake.
    registered: Option<Waker>,
}

impl Waiter {
    /// Waits for `lsn` to reach `level`. Nothing is asked of the log before the first poll.
    pub(crate) const fn new(lsn: Lsn, level: Durability) -> Self {
        Self { lsn, level, registered: None }
    }

    /// Waits for the log to fail, which is the only way this ends.
    pub(crate) const fn for_failure() -> Self {
        Self::new(Lsn::MAX, Durability::Fsync)
    }

    /// Whether the position has reached the level.
    pub(crate) fn poll(
        &mut self,
        progress: &dyn Progress,
        context: &Context<'_>,
    ) -> Poll<Result<(), JournalError>> {
        if progress.reached(self.level) >= self.lsn {
            return Poll::Ready(Ok(()));
        }
        let waker = context.waker();
        let known = self.registered.as_ref().is_some_and(|known| known.will_wake(waker));
        // The task was woken by something else, or by the failure of the log.
        if known && progress.health().is_ok() {
            return Poll::Pending;
        }
        let polled = progress.poll_reached(self.lsn, self.level, waker);
        if polled.is_pending() {
            self.registered = Some(waker.clone());
        }
        polled
    }

    /// Waits until the position has reached the level.
    ///
    /// # Errors
    /// [`JournalError::Unknown`] when it never will.
    pub(crate) async fn wait(&mut self, progress: &dyn Progress) -> Result<(), JournalError> {
        std::future::poll_fn(|context| self.poll(progress, context)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use kv_core::testing::ManualJournal;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A task: its waker, and how often it was woken.
    fn task() -> (Waker, Arc<Wakes>) {
        let wakes = Arc::new(Wakes::default());
        (Waker::from(Arc::clone(&wakes)), wakes)
    }

    fn poll(
        waiter: &mut Waiter,
        journal: &ManualJournal,
        task: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        waiter.poll(journal, &Context::from_waker(task))
    }

    const TWO: Lsn = Lsn::new(2);

    #[test]
    fn what_is_reached_registers_nobody() {
        let (journal, (me, _)) = (ManualJournal::default(), task());
        journal.advance_to(TWO, Durability::Fsync);
        let mut waiter = Waiter::new(TWO, Durability::Fsync);
        assert_eq!(poll(&mut waiter, &journal, &me), Poll::Ready(Ok(())));
        assert_eq!(journal.registered(), 0);
    }

    #[test]
    fn a_task_registers_once_however_often_it_is_polled() {
        let (journal, (me, wakes)) = (ManualJournal::default(), task());
        let mut waiter = Waiter::new(TWO, Durability::Fsync);
        for _ in 0..3 {
            assert!(poll(&mut waiter, &journal, &me).is_pending());
        }
        journal.advance_to(Lsn::new(1), Durability::Fsync);
        journal.advance_to(TWO, Durability::Buffered);
        assert!(poll(&mut waiter, &journal, &me).is_pending());
        assert_eq!((journal.registered(), wakes.0.load(Ordering::SeqCst)), (1, 0));
        journal.advance_to(TWO, Durability::Fsync);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut waiter, &journal, &me), Poll::Ready(Ok(())));
    }

    #[test]
    fn another_task_registers_anew_and_is_woken() {
        let (journal, (first, _), (second, wakes)) = (ManualJournal::default(), task(), task());
        let mut waiter = Waiter::new(TWO, Durability::Buffered);
        assert!(poll(&mut waiter, &journal, &first).is_pending());
        assert!(poll(&mut waiter, &journal, &second).is_pending());
        assert_eq!(journal.registered(), 2);
        journal.advance_to(TWO, Durability::Buffered);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failure_ends_the_wait() {
        let (journal, (me, wakes)) = (ManualJournal::default(), task());
        let mut waiter = Waiter::new(TWO, Durability::Fsync);
        let mut failure = Waiter::for_failure();
        assert!(poll(&mut waiter, &journal, &me).is_pending());
        assert!(poll(&mut failure, &journal, &me).is_pending());
        journal.advance_to(Lsn::new(1), Durability::Fsync);
        journal.fail("EIO");
        assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
        for waiter in [&mut waiter, &mut failure] {
            let Poll::Ready(Err(JournalError::Unknown { reason })) = poll(waiter, &journal, &me)
            else {
                panic!("the failure is not told");
            };
            assert_eq!(reason, "EIO");
        }
    }
}
