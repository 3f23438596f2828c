//! What the threads of a run share while it lasts: the word to stop, wake-ups, and counts to look at.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Shared by all threads of a run.
#[derive(Debug)]
pub(super) struct Control {
    stopped: AtomicBool,
    /// One for each connection: told when an operation of it is due.
    wakes: Vec<Notify>,
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Control {
    pub(super) fn new(connections: u32) -> Self {
        Self {
            stopped: AtomicBool::new(false),
            wakes: (0..connections).map(|_| Notify::new()).collect(),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Nothing more is to be sent. What is under way is waited for.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.wakes.iter().for_each(Notify::notify_one);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// An operation of the connection is due. A wake-up that nobody waits for is kept; a second one adds
    /// nothing to it, for the connection looks at the clock to see how many are due.
    pub(super) fn wake(&self, connection: usize) {
        if let Some(wake) = self.wakes.get(connection) {
            wake.notify_one();
        }
    }

    /// Waits for a wake-up of the connection.
    pub(super) async fn woken(&self, connection: usize) {
        if let Some(wake) = self.wakes.get(connection) {
            wake.notified().await;
        }
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.wakes.len()
    }

    /// Counts a turn for those who look on.
    pub(super) fn count(&self, answered: u64, failed: u64) {
        self.answered.fetch_add(answered, Ordering::Relaxed);
        self.failed.fetch_add(failed, Ordering::Relaxed);
    }

    /// Operations that were answered, and that failed.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}
