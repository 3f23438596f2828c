//! How the snapshots ended that clients have asked for.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the latest of them failed.
#[derive(Debug, Default)]
pub(crate) struct Saves {
    has_failed: AtomicBool,
}

impl Saves {
    /// One has ended.
    pub(crate) fn told(&self, is_taken: bool) {
        self.has_failed.store(!is_taken, Ordering::Relaxed);
    }

    /// Whether the latest one failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}
