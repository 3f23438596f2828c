//! A bound on the bytes that wait between threads.

use parking_lot::{Condvar, Mutex};

/// Bytes that may be under way at once.
#[derive(Debug)]
pub(super) struct Budget {
    max: usize,
    used: Mutex<usize>,
    /// Wakes who waits for bytes to come back.
    returned: Condvar,
}

/// Bytes that are under way. Dropping it gives them back.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(max: usize) -> Self {
        Self { max, used: Mutex::new(0), returned: Condvar::new() }
    }

    /// Waits until so many bytes may be under way. More than the maximum may be when nothing else is.
    pub(super) fn take(&self, bytes: usize) -> Permit<'_> {
        let mut used = self.used.lock();
        while *used > 0 && used.saturating_add(bytes) > self.max {
            self.returned.wait(&mut used);
        }
        *used += bytes;
        Permit { budget: self, bytes }
    }

    /// Waits until nothing is under way.
    pub(super) fn wait_until_unused(&self) {
        let mut used = self.used.lock();
        while *used > 0 {
            self.returned.wait(&mut used);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.budget.used.lock() -= self.bytes;
        // Only the one thread that hands out work waits.
        self.budget.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_is_under_way_than_may_be() {
        let budget = Budget::new(10);
        let first = budget.take(4);
        let second = budget.take(6);
        let returning = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let third = budget.take(1);
                assert!(returning.load(Ordering::SeqCst), "eleven bytes of ten");
                drop(third);
            });
            returning.store(true, Ordering::SeqCst);
            drop(first);
        });
        drop(second);
        budget.wait_until_unused();
        drop(budget.take(1_000));
        assert_eq!(*budget.used.lock(), 0, "what is larger than all goes alone");
    }
}
