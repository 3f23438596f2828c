//! What a request tells of itself while it is at work, to whoever [follows](super::Following) it.
//!
//! It is told to the thread: whoever waits for the log knows nothing of the request on whose behalf that is. What
//! nobody follows is told in vain, and forgotten.

use std::cell::RefCell;
use std::time::Duration;

/// Most bytes of a key that are remembered, as of an argument in the Redis protocol.
const KEY_BYTES_MAX: usize = 128;

thread_local! {
    static TOLD: RefCell<Told> = const { RefCell::new(Told::NOTHING) };
}

/// What a request has told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// How long it waited for the log.
    pub(super) log: Duration,
    /// How long it waited for the rest of itself.
    pub(super) arrival: Duration,
    /// How many operations it is, if more than one.
    pub(super) operations: usize,
    pub(super) key: Key,
}

/// The beginning of a key, without an allocation.
#[derive(Clone)]
pub(super) struct Key {
    /// Of the whole key.
    len: usize,
    bytes: [u8; KEY_BYTES_MAX],
}

impl std::fmt::Debug for Key {
    /// Without the key: it may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Key {
    const NONE: Self = Self { len: 0, bytes: [0; KEY_BYTES_MAX] };

    fn set(&mut self, key: &[u8]) {
        self.len = key.len();
        let start = key.get(..KEY_BYTES_MAX).unwrap_or(key);
        if let Some(place) = self.bytes.get_mut(..start.len()) {
            place.copy_from_slice(start);
        }
    }

    /// The key, shortened if it is long; `None` when there is none.
    pub(super) fn shown(&self) -> Option<Vec<u8>> {
        let start = self.bytes.get(..self.len.min(KEY_BYTES_MAX)).unwrap_or_default();
        let left_out = self.len.saturating_sub(KEY_BYTES_MAX);
        let mut shown = start.to_vec();
        if left_out > 0 {
            shown.extend_from_slice(format!("... ({left_out} more bytes)").as_bytes());
        }
        (self.len > 0).then_some(shown)
    }
}

impl Told {
    pub(super) const NOTHING: Self =
        Self { log: Duration::ZERO, arrival: Duration::ZERO, operations: 0, key: Key::NONE };

    /// Begins to listen to what is told on this thread.
    pub(super) fn listen() {
        TOLD.with_borrow_mut(|told| {
            (told.log, told.arrival) = (Duration::ZERO, Duration::ZERO);
            (told.operations, told.key.len) = (0, 0);
        });
    }

    /// Adds what was told on this thread since.
    pub(super) fn hear(&mut self) {
        TOLD.with_borrow(|told| {
            self.log += told.log;
            self.arrival += told.arrival;
            self.operations = self.operations.max(told.operations);
            if told.key.len > 0 {
                self.key = told.key.clone();
            }
        });
    }
}

/// The request waited for the log.
pub(crate) fn log(waited: Duration) {
    TOLD.with_borrow_mut(|told| told.log += waited);
}

/// The request waited for the rest of itself to arrive.
pub(crate) fn arrival(waited: Duration) {
    TOLD.with_borrow_mut(|told| told.arrival += waited);
}

/// The request is so many operations.
pub(crate) fn operations(count: usize) {
    TOLD.with_borrow_mut(|told| told.operations = count);
}

/// The request is about this key.
#[inline]
pub(crate) fn key(key: &[u8]) {
    TOLD.with_borrow_mut(|told| told.key.set(key));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_before_is_not_heard() {
        key(b"old");
        log(Duration::from_secs(1));
        let mut told = Told::NOTHING;
        for _ in 0..2 {
            Told::listen();
            log(Duration::from_millis(2));
            operations(7);
            told.hear();
        }
        assert_eq!((told.log, told.operations), (Duration::from_millis(4), 7));
        assert_eq!(told.key.shown(), None);
        Told::listen();
        key(b"k");
        told.hear();
        Told::listen();
        told.hear();
        assert_eq!(told.key.shown().unwrap(), b"k", "it stays known");
        assert!(!format!("{told:?}").contains("107"), "nor is it shown: {told:?}");
    }

    #[test]
    fn a_long_key_is_cut() {
        let mut key = Key::NONE;
        key.set(&[b'x'; KEY_BYTES_MAX]);
        assert_eq!(key.shown().unwrap(), [b'x'; KEY_BYTES_MAX]);
        key.set(&[b'x'; KEY_BYTES_MAX + 1]);
        let shown = String::from_utf8(key.shown().unwrap()).unwrap();
        assert_eq!(shown, format!("{}... (1 more bytes)", "x".repeat(KEY_BYTES_MAX)));
    }
}
