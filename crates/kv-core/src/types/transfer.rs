//! Giving what one key holds to another.

use super::{Lsn, Version};

/// Gives a key's value and expiry to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// The key that has them.
    pub from: &'a [u8],
    /// The key that gets them.
    pub to: &'a [u8],
    /// Whether `from` stays as it is: a copy. Else it is removed: a rename.
    pub keep_source: bool,
    /// Whether `to` is replaced if it exists. Else nothing happens then.
    pub replace: bool,
}

/// The answer to a transfer that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferReply {
    /// What came of it.
    pub outcome: TransferOutcome,
    /// The version of `to` now; [`Version::NONE`] when it does not exist.
    pub version: Version,
    /// As [`Reply::lsn`](crate::Reply::lsn).
    pub lsn: Lsn,
}

/// What came of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferOutcome {
    /// It was made. A transfer of an existing key to itself, which may replace, changes nothing and is.
    Done,
    /// `from` does not exist.
    SourceAbsent,
    /// `to` exists and may not be replaced.
    DestinationExists,
}
