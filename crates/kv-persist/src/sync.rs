//! What threads agree by. With `--cfg kv_loom` it is loom's, which runs a test under every order that the memory
//! model allows: `cargo xtask ci --only loom`.

#[cfg(not(kv_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(kv_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(kv_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

/// loom's, locked as `parking_lot`'s is.
#[cfg(kv_loom)]
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(kv_loom)]
impl<T> Mutex<T> {
    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
