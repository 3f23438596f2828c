//! What every [`Journal`] must do.

use std::collections::HashSet;
use std::sync::Barrier;

use crate::journal::{Change, Effect, Journal, Record};
use crate::types::{Durability, Lsn, Version};

const THREADS: u64 = 4;
const RECORDS_PER_THREAD: u64 = 500;

/// Runs every check on fresh journals.
pub fn test_all<J: Journal>(make: impl Fn() -> J) {
    positions_never_decrease(&make());
    positions_are_unique_when_something_is_kept(&make());
    levels_are_ordered(&make());
    memory_is_reached_at_once(&make());
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
    let lsns: Vec<Lsn> = std::thread::scope(|scope| {
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
