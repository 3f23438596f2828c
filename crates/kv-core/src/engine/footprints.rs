//! When the engine last removed keys that nobody asked it to remove.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::activity::StoreActivity;
use crate::types::UnixMillis;

/// When the engine last removed keys by itself, for whoever wonders why others were slow meanwhile.
#[derive(Debug, Default)]
pub(super) struct Footprints {
    /// Expired keys are being removed.
    expiring: AtomicBool,
    /// 0 for never, here and below.
    expired_ms: AtomicU64,
    evicted_ms: AtomicU64,
}

impl Footprints {
    /// Expired keys are removed from now on.
    pub(super) fn begin_expiry(&self) {
        self.expiring.store(true, Ordering::Relaxed);
    }

    /// The expired keys are removed.
    pub(super) fn end_expiry(&self, now: UnixMillis) {
        self.expired_ms.store(now.get(), Ordering::Relaxed);
        self.expiring.store(false, Ordering::Relaxed);
    }

    /// Keys are evicted. Threads that evict all the time share the line, and write to it once a millisecond.
    #[inline]
    pub(super) fn evict(&self, now: UnixMillis) {
        if self.evicted_ms.load(Ordering::Relaxed) != now.get() {
            self.evicted_ms.store(now.get(), Ordering::Relaxed);
        }
    }

    /// How long ago that was.
    pub(super) fn activity(&self, now: UnixMillis) -> StoreActivity {
        let ago = |ms: &AtomicU64| match ms.load(Ordering::Relaxed) {
            0 => None,
            ms => Some(Duration::from_millis(now.get().saturating_sub(ms))),
        };
        let expired_ago = if self.expiring.load(Ordering::Relaxed) {
            Some(Duration::ZERO)
        } else {
            ago(&self.expired_ms)
        };
        StoreActivity { expired_ago, evicted_ago: ago(&self.evicted_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> UnixMillis {
        UnixMillis::new(ms)
    }

    #[test]
    fn what_is_being_done_is_now_and_what_was_done_has_an_age() {
        let footprints = Footprints::default();
        assert_eq!(footprints.activity(at(5)), StoreActivity::default());
        footprints.begin_expiry();
        footprints.evict(at(3));
        let (zero, two) = (Some(Duration::ZERO), Some(Duration::from_millis(2)));
        let activity = footprints.activity(at(5));
        assert_eq!((activity.expired_ago, activity.evicted_ago), (zero, two));
        footprints.end_expiry(at(4));
        let activity = footprints.activity(at(6));
        assert_eq!((activity.expired_ago, activity.evicted_ago.unwrap().as_millis()), (two, 3));
    }
}
