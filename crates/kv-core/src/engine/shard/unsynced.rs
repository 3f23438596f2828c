//! Which of a shard's writes are not on stable storage yet.
//!
//! A read that shows such a write must be able to say so, at almost no cost: within a shard versions and
//! positions grow together, so a few pairs of them are enough to tell from a key's version how far the log
//! must have got. The pairs are thinned when there are many; the answer is then a later position than
//! necessary, never an earlier one. Keys that are absent have no version: for them all deletes count as
//! one.

use crate::journal::Progress;
use crate::types::{Durability, Lsn, Version};

/// Pairs kept: 256 bytes per shard.
const PAIRS_MAX: usize = 16;

/// The writes of one shard that are not on stable storage yet. What every read looks at comes first in memory, too.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Unsynced {
    len: usize,
    /// Everything up to this version is safe.
    safe_version: Version,
    /// The latest delete that may not be safe, or other write that an absence rests on.
    last_delete: Lsn,
    /// Ascending, the first `len` of them: writes up to this version are at this position or before.
    pairs: [(Version, Lsn); PAIRS_MAX],
}

impl Unsynced {
    /// Everything up to `safe_version` is safe.
    pub(super) fn new(safe_version: Version) -> Self {
        let pairs = [(Version::NONE, Lsn::ZERO); PAIRS_MAX];
        Self { pairs, len: 0, safe_version, last_delete: Lsn::ZERO }
    }

    /// Remembers a write. A journal that keeps nothing gives it position zero, which is never asked for.
    pub(super) fn record(
        &mut self,
        progress: &impl Progress,
        (version, lsn): (Version, Lsn),
        removes: bool,
    ) {
        if lsn == Lsn::ZERO {
            return;
        }
        if self.len == PAIRS_MAX {
            self.prune(progress.reached(Durability::Fsync));
        }
        if self.len == PAIRS_MAX {
            self.thin();
        }
        if let Some(pair) = self.pairs.get_mut(self.len) {
            *pair = (version, lsn);
            self.len += 1;
        }
        if removes {
            self.last_delete = lsn;
        }
    }

    /// Remembers that a key is gone, which rests on a write at this position.
    pub(super) fn record_absence(&mut self, rests_on: Lsn) {
        self.last_delete = self.last_delete.max(rests_on);
    }

    /// How far the log must have got before a key at `version`, or its absence, is safe to show.
    pub(super) fn exposed(&mut self, progress: &impl Progress, version: Option<Version>) -> Lsn {
        let Some(version) = version else {
            if self.last_delete != Lsn::ZERO
                && self.last_delete <= progress.reached(Durability::Fsync)
            {
                self.last_delete = Lsn::ZERO;
            }
            return self.last_delete;
        };
        if version <= self.safe_version || self.len == 0 {
            return Lsn::ZERO;
        }
        self.prune(progress.reached(Durability::Fsync));
        let pairs = self.pairs.get(..self.len).unwrap_or_default();
        let at = pairs.partition_point(|(known, _)| *known < version);
        pairs.get(at).map_or(Lsn::ZERO, |(_, lsn)| *lsn)
    }

    /// Forgets what has become safe.
    fn prune(&mut self, safe: Lsn) {
        let pairs = self.pairs.get_mut(..self.len).unwrap_or_default();
        let done = pairs.partition_point(|(_, lsn)| *lsn <= safe);
        if let Some((version, _)) = done.checked_sub(1).and_then(|last| pairs.get(last)) {
            self.safe_version = *version;
        }
        pairs.rotate_left(done);
        self.len -= done;
    }

    /// Forgets every other pair, but not the last.
    fn thin(&mut self) {
        for kept in 0..PAIRS_MAX / 2 {
            self.pairs.swap(kept, 2 * kept + 1);
        }
        self.len = PAIRS_MAX / 2;
    }
}
