//! How far a tool has got.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::recovery::RecoveryProgress;
use crate::snapshot::LoadProgress;

/// How far a tool has got. Counters only: readers need no order with other memory.
#[derive(Debug, Default)]
pub struct ToolProgress {
    /// Bytes to be read, those that are read twice counted twice; 0 until that is known.
    pub(super) total: AtomicU64,
    /// What a start would read.
    pub(super) start: RecoveryProgress,
    /// Snapshots that a start would not read.
    pub(super) others: LoadProgress,
    /// Segments, one by one.
    pub(super) segments: AtomicU64,
}

impl ToolProgress {
    /// From 0 to 100.
    pub fn percent(&self) -> u8 {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (total, start) = (read(&self.total), &self.start);
        let snapshots = read(&start.load.bytes).saturating_add(read(&self.others.bytes));
        let log = read(&start.replay.bytes).saturating_add(read(&self.segments));
        let done = snapshots.saturating_add(log).min(total);
        u8::try_from((done.saturating_mul(100)).checked_div(total).unwrap_or(0)).unwrap_or(100)
    }
}
