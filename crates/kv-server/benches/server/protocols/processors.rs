//! Which processor the load generator has to itself, and which are left to what it measures.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Has this thread, and whatever it starts, run anywhere but on one processor, until it is dropped.
pub(super) struct Spared {
    /// That processor: the last that this thread may use, and the only one where there is no other.
    pub(super) processor: usize,
    before: CpuSet,
}

impl Spared {
    pub(super) fn one() -> Self {
        let before = sched_getaffinity(None).unwrap();
        let mut all = (0..CpuSet::MAX_CPU).rev();
        let processor = all.find(|processor| before.is_set(*processor)).unwrap();
        let mut others = before;
        if before.count() > 1 {
            others.unset(processor);
        }
        sched_setaffinity(None, &others).unwrap();
        Self { processor, before }
    }
}

impl Drop for Spared {
    fn drop(&mut self) {
        sched_setaffinity(None, &self.before).unwrap();
    }
}

/// Has this thread run on one processor.
pub(super) fn run_on(processor: usize) {
    let mut own = CpuSet::new();
    own.set(processor);
    sched_setaffinity(None, &own).unwrap();
}
