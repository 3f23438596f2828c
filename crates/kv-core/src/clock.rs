//! The engine's only source of time.

use std::time::Duration;

use crate::types::UnixMillis;

/// Tells the time. kv-core reads no other clock (invariant KV-I1).
///
/// Contract: cheap enough to call once per batch (tens of nanoseconds), callable from any thread. It may
/// jump in either direction; the engine then expires keys early or late by the jump, and keeps every
/// other promise.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> UnixMillis;

    /// Time since some moment of the past, always the same one, to measure how long things take. As fine as
    /// the clock can tell; by default that is milliseconds.
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now().get())
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> UnixMillis {
        (**self).now()
    }

    fn elapsed(&self) -> Duration {
        (**self).elapsed()
    }
}
