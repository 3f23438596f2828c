//! What log, snapshots and manifest have in common on disk: names, numbers and effects.
//!
//! `docs/formats.md` draws every byte.

pub(crate) mod bytes;
pub(crate) mod checksum;
pub(crate) mod effect;
pub(crate) mod names;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Malformed {
    /// What is wrong.
    pub(crate) reason: &'static str,
}

impl Malformed {
    pub(crate) const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}
