//! The memory limit under every order of what two threads do. See [`crate::sync`].

use loom::sync::Arc;
use loom::thread;

use super::memory::{MemoryTracker, ShardMemory};

const LIMIT: u64 = 100;

/// A tracker with a limit and two shards that keep it.
fn limited() -> (Arc<MemoryTracker>, [ShardMemory; 2]) {
    let tracker = MemoryTracker::new(2, 0);
    tracker.set_limit(LIMIT);
    let shards = [0; 2].map(|used| {
        let mut shard = ShardMemory::new(used);
        shard.make_limited(&tracker);
        shard
    });
    (Arc::new(tracker), shards)
}

/// Spends bytes if they can be had, and tells whether.
fn spend(shard: &mut ShardMemory, bytes: u64, tracker: &MemoryTracker) -> bool {
    let is_ensured = shard.ensure(bytes, tracker).is_ok();
    if is_ensured {
        shard.settle(shard.used() + bytes, tracker);
    }
    assert!(tracker.reserved() <= LIMIT, "the limit was passed");
    is_ensured
}

#[test]
fn kv_i9_two_shards_never_pass_the_limit_together() {
    loom::model(|| {
        let (tracker, [mut mine, mut others]) = limited();
        let shared = Arc::clone(&tracker);
        let other = thread::spawn(move || {
            let spent = spend(&mut others, 60, &shared);
            (others, spent)
        });
        let spent = spend(&mut mine, 60, &tracker);
        let (others, other_spent) = other.join().unwrap();
        assert!(spent != other_spent, "there is room for one, and one gets it");
        assert_eq!(tracker.reserved(), mine.used() + others.used());
    });
}

#[test]
fn kv_i9_what_one_shard_frees_the_other_may_spend_and_no_more() {
    loom::model(|| {
        let (tracker, [mut mine, mut others]) = limited();
        assert!(spend(&mut others, 80, &tracker));
        let shared = Arc::clone(&tracker);
        let other = thread::spawn(move || {
            others.settle(30, &shared);
            others.surrender_credit(&shared);
            others.used()
        });
        let spent = spend(&mut mine, 50, &tracker);
        let others = other.join().unwrap();
        assert_eq!(mine.used(), if spent { 50 } else { 0 });
        assert_eq!(tracker.reserved(), mine.used() + others);
    });
}

/// Whoever finds no room although nothing is about to be given back need not look again.
#[test]
fn what_is_about_to_be_given_back_is_seen_as_such_or_as_room() {
    loom::model(|| {
        let (tracker, [mut mine, mut others]) = limited();
        assert!(spend(&mut others, 80, &tracker));
        // What a victim took is detached under its shard's lock, and given back once it is freed.
        let detached = others.detach(80, &tracker);
        let shared = Arc::clone(&tracker);
        let other = thread::spawn(move || shared.release_detached(detached));
        // As `make_room` does.
        let awaits_release = tracker.awaits_release();
        let has_room = tracker.try_reserve(50);
        assert!(has_room || awaits_release, "refused for want of memory that was free");
        other.join().unwrap();
        assert!(!tracker.awaits_release());
        mine.deposit(if has_room { 50 } else { 0 });
        assert_eq!(tracker.reserved(), if has_room { 50 } else { 0 });
    });
}
