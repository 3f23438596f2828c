//! The log's progress, told to the connections of one thread by one task of it.
//!
//! When the log has got on, it wakes the tasks that wait for that. To wake a task of another thread costs a call to
//! the system, and a sync often frees dozens of connections: so each thread has one task that waits for the log, and
//! wakes the others, which costs it next to nothing.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use kv_core::{Durability, JournalError, Lsn, Progress, Store};

thread_local! {
    /// The relays of this thread: one for each server that it works for.
    static RELAYS: RefCell<Vec<Weak<Relay>>> = const { RefCell::new(Vec::new()) };
}

/// The log's progress, for the tasks of one thread.
pub(crate) struct Relay {
    store: Arc<dyn Store>,
    waiting: Mutex<Waiting>,
}

/// Who waits.
#[derive(Default)]
struct Waiting {
    /// For their writes to be with the system.
    buffered: Line,
    /// For their writes to be on stable storage.
    fsync: Line,
    /// The relay's own task, once it has run.
    own: Option<Waker>,
}

/// Those who wait for one level.
#[derive(Default)]
struct Line {
    tasks: Vec<(Lsn, Waker)>,
    /// The position at which the relay's own task is woken: not after that of any of the others.
    awaited: Option<Lsn>,
}

impl Waiting {
    fn line(&mut self, level: Durability) -> &mut Line {
        match level {
            Durability::Fsync => &mut self.fsync,
            Durability::Buffered | Durability::Memory => &mut self.buffered,
        }
    }
}

impl Line {
    /// Takes those out whose position is reached.
    fn take_reached(&mut self, reached: Lsn) -> Vec<Waker> {
        self.tasks.extract_if(.., |(lsn, _)| *lsn <= reached).map(|(_, waker)| waker).collect()
    }

    /// Where the relay's own task must be woken now, if it is not going to be before.
    fn await_first(&mut self, reached: Lsn) -> Option<Lsn> {
        let first = self.tasks.iter().map(|(lsn, _)| *lsn).min();
        let known = self.awaited.filter(|awaited| *awaited > reached);
        let needed = first.filter(|first| known.is_none_or(|known| *first < known));
        self.awaited = needed.or(known);
        needed
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("waiting", &self.lock().fsync.tasks.len())
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// The relay of this thread for this store, in whose runtime its task runs.
    pub(crate) fn of_this_thread(store: &Arc<dyn Store>) -> Arc<Self> {
        RELAYS.with_borrow_mut(|relays| {
            relays.retain(|relay| relay.strong_count() > 0);
            let known = relays.iter().filter_map(Weak::upgrade);
            known.into_iter().find(|relay| Arc::ptr_eq(&relay.store, store)).unwrap_or_else(|| {
                let relay = Arc::new(Self { store: Arc::clone(store), waiting: Mutex::default() });
                relays.push(Arc::downgrade(&relay));
                drop(tokio::spawn(run(Arc::downgrade(&relay))));
                relay
            })
        })
    }

    /// Nothing can be half done under this lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> &dyn Progress {
        self.store.progress()
    }

    /// Wakes the tasks whose wait is over, and has the relay's own task woken when that of another one is.
    fn advance(&self, level: Durability, own: &Waker) {
        loop {
            let (ended, needed) = self.take_ended(level, own);
            ended.into_iter().for_each(Waker::wake);
            match needed {
                Some(lsn) if self.progress().poll_reached(lsn, level, own).is_ready() => {}
                _ => return,
            }
        }
    }

    /// Those whose wait is over, all of them when the log has failed, to see that for themselves; and where the
    /// relay's own task must be woken.
    fn take_ended(&self, level: Durability, own: &Waker) -> (Vec<Waker>, Option<Lsn>) {
        let mut waiting = self.lock();
        waiting.own.get_or_insert_with(|| own.clone()).clone_from(own);
        if waiting.line(level).tasks.is_empty() {
            // The log may not even be open yet.
            return (Vec::new(), None);
        }
        let has_failed = self.health().is_err();
        let reached = if has_failed { Lsn::MAX } else { self.reached(level) };
        let line = waiting.line(level);
        (line.take_reached(reached), line.await_first(reached))
    }

    /// Has a task woken when the position has reached the level, or never will.
    fn register(&self, lsn: Lsn, level: Durability, waker: &Waker) {
        let mut waiting = self.lock();
        let line = waiting.line(level);
        line.tasks.push((lsn, waker.clone()));
        let is_covered = line.awaited.is_some_and(|awaited| awaited <= lsn);
        if !is_covered && let Some(own) = &waiting.own {
            own.wake_by_ref();
        }
    }
}

/// As the log's, but for who is woken.
impl Progress for Relay {
    fn reached(&self, level: Durability) -> Lsn {
        self.progress().reached(level)
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        let is_over = || self.reached(level) >= lsn || self.health().is_err();
        if !is_over() {
            self.register(lsn, level, waker);
        }
        // That may have been the moment.
        if is_over() {
            self.progress().poll_reached(lsn, level, Waker::noop())
        } else {
            Poll::Pending
        }
    }

    fn durability_max(&self) -> Durability {
        self.progress().durability_max()
    }

    fn health(&self) -> Result<(), JournalError> {
        self.progress().health()
    }

    fn is_congested(&self) -> bool {
        self.progress().is_congested()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Its task ends when it sees that the relay is no more.
        if let Some(own) = self.lock().own.take() {
            own.wake();
        }
    }
}

/// The relay's own task, for as long as somebody has the relay.
async fn run(relay: Weak<Relay>) {
    std::future::poll_fn(|context: &mut Context<'_>| match relay.upgrade() {
        Some(relay) => {
            for level in [Durability::Buffered, Durability::Fsync] {
                relay.advance(level, context.waker());
            }
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use kv_core::testing::{ManualClock, ManualJournal};
    use kv_core::{EngineConfig, ShardedStore};
    use tokio::task::yield_now;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A log, a relay of it, and whom it wakes.
    struct Scene {
        journal: Arc<ManualJournal>,
        relay: Arc<Relay>,
        wakes: Arc<Wakes>,
    }

    impl Scene {
        fn new() -> Self {
            let journal = Arc::new(ManualJournal::default());
            let clock = Arc::new(ManualClock::default());
            let store = ShardedStore::new(EngineConfig::default(), Arc::clone(&journal), clock);
            let store: Arc<dyn Store> = Arc::new(store.unwrap());
            let relay = Relay::of_this_thread(&store);
            assert!(Arc::ptr_eq(&relay, &Relay::of_this_thread(&store)), "one for a thread");
            Self { journal, relay, wakes: Arc::default() }
        }

        fn wait(&self, lsn: u64, level: Durability) -> Poll<Result<(), JournalError>> {
            let waker = Waker::from(Arc::clone(&self.wakes));
            self.relay.poll_reached(Lsn::new(lsn), level, &waker)
        }

        /// How many were woken, once the relay's own task has had its turn.
        async fn woken(&self) -> usize {
            // On this runtime of one thread, whoever is woken runs before this goes on.
            for _ in 0..3 {
                yield_now().await;
            }
            self.wakes.0.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn the_log_knows_of_one_task_and_each_is_woken_when_its_wait_is_over() {
        let scene = Scene::new();
        for lsn in [3, 5, 4, 3] {
            assert!(scene.wait(lsn, Durability::Fsync).is_pending());
        }
        assert_eq!((scene.woken().await, scene.journal.registered()), (0, 1));
        scene.journal.advance_to(Lsn::new(4), Durability::Fsync);
        // Once more, for the one that is left.
        assert_eq!((scene.woken().await, scene.journal.registered()), (3, 2));
        assert_eq!(scene.wait(4, Durability::Fsync), Poll::Ready(Ok(())));
        scene.journal.advance_to(Lsn::new(5), Durability::Fsync);
        assert_eq!((scene.woken().await, scene.journal.registered()), (4, 2));
    }

    #[tokio::test]
    async fn who_waits_for_less_is_not_kept_waiting_by_who_waits_for_more() {
        let scene = Scene::new();
        assert!(scene.wait(9, Durability::Fsync).is_pending());
        assert_eq!(scene.woken().await, 0);
        assert!(scene.wait(2, Durability::Fsync).is_pending());
        assert!(scene.wait(9, Durability::Buffered).is_pending());
        assert_eq!(scene.woken().await, 0);
        scene.journal.advance_to(Lsn::new(9), Durability::Buffered);
        assert_eq!(scene.woken().await, 1);
        scene.journal.advance_to(Lsn::new(2), Durability::Fsync);
        assert_eq!(scene.woken().await, 2);
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all() {
        let scene = Scene::new();
        assert!(scene.wait(2, Durability::Fsync).is_pending());
        assert!(scene.wait(9, Durability::Fsync).is_pending());
        assert_eq!(scene.woken().await, 0);
        scene.journal.fail("EIO");
        assert_eq!(scene.woken().await, 2);
        assert!(matches!(scene.wait(2, Durability::Fsync), Poll::Ready(Err(_))));
    }

    #[tokio::test]
    async fn its_task_ends_with_it() {
        let Scene { journal, relay, wakes: _ } = Scene::new();
        yield_now().await;
        let store = Arc::downgrade(&relay.store);
        drop((relay, journal));
        for _ in 0..3 {
            yield_now().await;
        }
        assert_eq!(store.strong_count(), 0);
    }
}
