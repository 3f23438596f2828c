//! The atomics of what threads agree on without a lock. With `--cfg kv_loom` they are loom's, which runs a test
//! under every order that the memory model allows: `cargo xtask ci --only loom`.

#[cfg(not(kv_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(kv_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
