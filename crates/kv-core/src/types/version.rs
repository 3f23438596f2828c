//! The two counters that order writes: a key's version and the log's position.

use std::fmt;

/// The version of a key: 64 bits that grow with every change of the key, across deletes and restarts.
///
/// Compare-and-set token, HTTP `ETag` and watch cursor in one. Versions of different keys are not
/// ordered with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// The version of a key that does not exist.
    pub const NONE: Self = Self(0);

    /// Wraps a raw version.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw version.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A log sequence number: the position of a record in a [`Journal`](crate::Journal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(u64);

impl Lsn {
    /// Before every record; also the position of an operation that wrote nothing.
    pub const ZERO: Self = Self(0);
    /// After every record.
    pub const MAX: Self = Self(u64::MAX);

    /// Wraps a raw position.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw position.
    pub const fn get(self) -> u64 {
        self.0
    }
}
