//! What a store does beside what it is asked for, and how long callers have waited for its locks: for those who
//! want to know why a request took long.

use std::cell::Cell;
use std::time::Duration;

/// What a store does, or did lately, beside the operations it is asked for. As fine as its clock's milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreActivity {
    /// How long ago expired keys were last looked for where there could be some: zero while that is being done,
    /// `None` when it never was.
    pub expired_ago: Option<Duration>,
    /// How long ago keys were last evicted; `None` when none ever was.
    pub evicted_ago: Option<Duration>,
}

thread_local! {
    static WAITED_NS: Cell<u64> = const { Cell::new(0) };
}

/// How long this thread has waited for locks of shards in all, in nanoseconds. Only grows: who wants to know of a piece of work
/// asks before it and after.
#[inline]
pub fn lock_waited_ns() -> u64 {
    WAITED_NS.get()
}

/// This thread has waited for the lock of a shard.
pub(crate) fn add_lock_wait(waited: Duration) {
    let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
    WAITED_NS.set(WAITED_NS.get().saturating_add(nanos));
}
