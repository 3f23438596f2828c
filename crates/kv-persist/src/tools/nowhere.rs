//! A store that keeps nothing: what is read into it has been checked, and that is all.

use kv_core::{Effect, ReplayTarget, Version};

/// Takes everything and keeps nothing.
pub(super) struct Nowhere;

impl ReplayTarget for Nowhere {
    fn reserve(&self, _keys: u64) {}

    fn replay(&self, _effects: &[Effect<'_>]) {}

    fn raise_version(&self, _seen: Version) {}

    fn discard(&self) {}

    fn finish_replay(&self) {}
}
