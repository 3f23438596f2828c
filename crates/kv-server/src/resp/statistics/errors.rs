//! How often clients were answered with an error, by its code.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Errors by their codes. There are as many codes as the program has.
#[derive(Debug, Default)]
pub(crate) struct ErrorCounts(Mutex<BTreeMap<String, u64>>);

impl ErrorCounts {
    /// Counts an error with this text, whose first word is the code.
    #[cold]
    pub(crate) fn count(&self, text: &str) {
        let code = text.split(' ').next().unwrap_or_default();
        let mut counts = self.counts();
        match counts.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(counts.insert(code.to_owned(), 1)),
        }
    }

    /// Every code, and how often it was answered.
    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        self.counts().clone()
    }

    /// Begins anew.
    pub(crate) fn reset(&self) {
        self.counts().clear();
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        // Nothing can be half done under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
