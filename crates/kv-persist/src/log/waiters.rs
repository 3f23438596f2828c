//! Who waits for what: wakers by position, woken when the position is reached or the log has failed.

use std::task::Waker;

use kv_core::{Durability, Lsn};

/// Wakers that wait for one level or for a failure. Bounded by the calls that are in progress.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    buffered: Vec<(Lsn, Waker)>,
    fsync: Vec<(Lsn, Waker)>,
}

impl Waiters {
    /// Adds one who waits for `lsn` to reach `level`.
    pub(super) fn add(&mut self, lsn: Lsn, level: Durability, waker: &Waker) {
        let list = if level == Durability::Fsync { &mut self.fsync } else { &mut self.buffered };
        list.push((lsn, waker.clone()));
    }

    /// Takes out everyone whose wait is over, to be woken without the lock.
    pub(super) fn take_reached(&mut self, level: Durability, reached: Lsn) -> Vec<Waker> {
        let list = if level == Durability::Fsync { &mut self.fsync } else { &mut self.buffered };
        list.extract_if(.., |(lsn, _)| *lsn <= reached).map(|(_, waker)| waker).collect()
    }

    /// Takes out everyone.
    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        let lists = [std::mem::take(&mut self.buffered), std::mem::take(&mut self.fsync)];
        lists.into_iter().flatten().map(|(_, waker)| waker).collect()
    }
}
