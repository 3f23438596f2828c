//! Which processors the load generator has, and which are left to what it measures.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Has this thread, and whatever it starts, run anywhere but on the load generator's processor, until it is dropped.
pub(super) struct Others {
    before: CpuSet,
}

impl Others {
    pub(super) fn only() -> Self {
        let before = sched_getaffinity(None).unwrap();
        let mut others = before;
        if before.count() > 1 {
            others.unset(own_of(&before));
        }
        sched_setaffinity(None, &others).unwrap();
        Self { before }
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        sched_setaffinity(None, &self.before).unwrap();
    }
}

/// Has this thread run on the load generator's processor, the last there is.
pub(super) fn own() {
    // What this thread may use was inherited, and leaves out what it is to have.
    let mut every = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|processor| every.set(processor));
    sched_setaffinity(None, &every).unwrap();
    let mut own = CpuSet::new();
    own.set(own_of(&sched_getaffinity(None).unwrap()));
    sched_setaffinity(None, &own).unwrap();
}

fn own_of(processors: &CpuSet) -> usize {
    (0..CpuSet::MAX_CPU).rev().find(|processor| processors.is_set(*processor)).unwrap()
}
