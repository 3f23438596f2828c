//! Why an operation stops before it has changed anything.

use crate::error::StoreError;

/// Why an operation was not executed. Nothing was changed.
#[derive(Debug)]
pub(crate) enum Halt<E = StoreError> {
    /// It is refused for good.
    Refused(E),
    /// Bytes are missing. Once they have been found, it can be tried again.
    NeedsRoom(Shortage),
}

/// How many bytes an operation lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shortage {
    /// Beyond the credit its shard holds.
    pub(crate) missing: u64,
    /// What the operation's result takes in all: more than an empty store has is hopeless.
    pub(crate) total: u64,
}

impl<E> From<E> for Halt<E> {
    fn from(error: E) -> Self {
        Self::Refused(error)
    }
}
