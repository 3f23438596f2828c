//! A clock that goes where a test puts it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::types::UnixMillis;

/// A clock that stands still until told.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: UnixMillis) -> Self {
        Self(AtomicU64::new(start.get()))
    }

    /// Goes forward.
    pub fn advance_ms(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Jumps, forward or back.
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.get(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// A clock that shows a time in 2023.
    fn default() -> Self {
        Self::new(UnixMillis::new(1_700_000_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.0.load(Ordering::SeqCst))
    }
}
