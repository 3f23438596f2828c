//! What the tests of this crate share.

use std::time::Duration;

use kv_core::{Change, DeleteCause, Effect, Version};

/// A put at version 1.
pub(crate) fn put<'a>(key: &'a [u8], value: &'a [u8]) -> Effect<'a> {
    let change = Change::Put { value, expiry: None };
    Effect { shard: 0, version: Version::new(1), key, change }
}

/// A delete at version 2.
pub(crate) fn delete(key: &[u8]) -> Effect<'_> {
    let change = Change::Delete(DeleteCause::Request);
    Effect { shard: 0, version: Version::new(2), key, change }
}

/// Waits until `condition` holds.
pub(crate) fn until(limit: Duration, mut condition: impl FnMut() -> bool) {
    const STEP: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while !condition() {
        assert!(waited < limit, "waited for {limit:?}");
        std::thread::park_timeout(STEP);
        waited += STEP;
    }
}
