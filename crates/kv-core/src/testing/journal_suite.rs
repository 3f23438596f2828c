//! What every [`Journal`] must do.

use std::collections::HashSet;
use std::sync::{Arc, Barrier};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::journal::{Change, Effect, Journal, JournalError, Progress, Record};
use crate::types::{Durability, Lsn, Version};

/// How long a waiter sleeps before it looks for itself.
const LIMIT: Duration = Duration::from_secs(10);

const THREADS: u64 = 4;
const RECORDS_PER_THREAD: u64 = 500;

/// Runs every check on fresh journals.
pub fn test_all<J: Journal>(make: impl Fn() -> J) {
    positions_never_decrease(&make());
    positions_are_unique_when_something_is_kept(&make());
    levels_are_ordered(&make());
    memory_is_reached_at_once(&make());
    positions_lie_between_appends(&make());
    what_is_waited_for_is_reached(&make());
    nothing_is_amiss(&make());
}

/// Blocks until `lsn` has reached `level`.
///
/// # Errors
/// The journal's, when that can no longer happen.
pub fn wait<P: Progress + ?Sized>(
    progress: &P,
    lsn: Lsn,
    level: Durability,
) -> Result<(), JournalError> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match progress.poll_reached(lsn, level, &waker) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park_timeout(LIMIT),
        }
    }
}

fn append<J: Journal>(journal: &J, version: u64) -> Lsn {
    let change = Change::Put { value: b"value", expiry: None };
    let effects = [Effect { shard: 0, version: Version::new(version), key: b"key", change }];
    journal.append(&Record { group: 0, effects: &effects }).expect("a fresh journal takes records")
}

fn positions_never_decrease<J: Journal>(journal: &J) {
    let mut last = Lsn::ZERO;
    for version in 1..=RECORDS_PER_THREAD {
        let lsn = append(journal, version);
        assert!(lsn >= last, "position {lsn:?} came after {last:?}");
        if journal.durability_max() > Durability::Memory {
            assert!(lsn > last, "a journal that keeps records gives each its own position");
        }
        last = lsn;
    }
}

fn positions_are_unique_when_something_is_kept<J: Journal>(journal: &J) {
    let start = Barrier::new(usize::try_from(THREADS).expect("a few"));
    let lsns: Vec<Lsn> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let versions = thread * RECORDS_PER_THREAD..(thread + 1) * RECORDS_PER_THREAD;
                    versions.map(|version| append(journal, version + 1)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread fails")).collect()
    });
    let unique: HashSet<Lsn> = lsns.iter().copied().collect();
    if journal.durability_max() > Durability::Memory {
        assert_eq!(unique.len(), lsns.len(), "concurrent appends share no position");
    }
}

fn levels_are_ordered<J: Journal>(journal: &J) {
    append(journal, 1);
    let (memory, buffered, fsync) = (
        journal.reached(Durability::Memory),
        journal.reached(Durability::Buffered),
        journal.reached(Durability::Fsync),
    );
    assert!(memory >= buffered && buffered >= fsync, "a stronger level is never ahead");
}

fn memory_is_reached_at_once<J: Journal>(journal: &J) {
    let lsn = append(journal, 1);
    assert!(journal.reached(Durability::Memory) >= lsn, "what is appended is in memory");
}

fn positions_lie_between_appends<J: Journal>(journal: &J) {
    let before = journal.position();
    let lsn = append(journal, 1);
    if journal.durability_max() > Durability::Memory {
        assert!(before < lsn, "the position is below that of later records");
    }
    assert!(journal.position() >= lsn, "the position is not below that of earlier records");
}

fn what_is_waited_for_is_reached<J: Journal>(journal: &J) {
    for level in [Durability::Memory, Durability::Buffered, Durability::Fsync] {
        if level > journal.durability_max() {
            continue;
        }
        for version in 1..=20 {
            let lsn = append(journal, version);
            assert_eq!(wait(journal, lsn, level), Ok(()));
            assert!(journal.reached(level) >= lsn, "{level} was said to be reached");
        }
    }
}

fn nothing_is_amiss<J: Journal>(journal: &J) {
    append(journal, 1);
    assert_eq!(journal.health(), Ok(()));
    assert!(!journal.is_congested(), "one record is no congestion");
    let waker = Waker::noop();
    assert!(
        journal.poll_reached(Lsn::MAX, Durability::Fsync, waker).is_pending(),
        "a failure is waited for in vain"
    );
}
