//! One operation on one key: what every protocol is translated into.

use super::{Condition, Deadline, ExpireRule, Extended};

/// One operation on one key. Borrows the request's buffers; the engine copies what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// The key: any bytes, within [`Limits::key_bytes_max`](crate::Limits::key_bytes_max).
    pub key: &'a [u8],
    /// What must hold. When it does not, nothing happens and the reply says so.
    pub condition: Condition<'a>,
    /// What to do.
    pub action: Action<'a>,
}

impl<'a> Op<'a> {
    /// An unconditional operation.
    pub fn new(key: &'a [u8], action: Action<'a>) -> Self {
        Self { key, condition: Condition::None, action }
    }

    /// Whether it only reads a value, whatever that is: by far the most frequent operation, for which there are
    /// shorter ways.
    #[inline]
    pub(crate) fn is_plain_get(&self) -> bool {
        matches!(self, Self { action: Action::Get, condition: Condition::None, .. })
    }
}

/// What an operation does with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Reads the value.
    Get,
    /// Reads the value's length only. Counts as a use, as `Get` does.
    Exists,
    /// Tells whether the key exists and when it ends. Does not count as a use: looking at a key this way
    /// keeps no eviction policy from choosing it.
    Deadline,
    /// Reads the value and changes the expiry in one step. Applied when the key exists, whatever the
    /// change comes to; a deadline already past removes the key and still answers with the value.
    GetExpire(ExpiryChange),
    /// Writes a value.
    Set {
        /// The new value.
        value: &'a [u8],
        /// The key's expiry from now on.
        expiry: SetExpiry,
        /// Reply with the value before.
        return_previous: bool,
    },
    /// Removes the key.
    Delete {
        /// Reply with the value before.
        return_previous: bool,
    },
    /// Adds to a signed 64-bit decimal number; an absent key counts as 0. Keeps the expiry.
    Increment {
        /// What to add.
        delta: i64,
    },
    /// Adds to a decimal number in extended precision, as Redis does; an absent key counts as 0. Keeps the
    /// expiry.
    IncrementFloat {
        /// What to add.
        delta: Extended,
    },
    /// Adds bytes at the end; an absent key counts as empty. Keeps the expiry.
    Append {
        /// What to add.
        suffix: &'a [u8],
    },
    /// Writes bytes over the value from an offset on, with zero bytes up to it where the value is shorter;
    /// an absent key counts as empty. Keeps the expiry. No bytes change nothing, and are applied.
    SetRange {
        /// Where the first byte goes.
        offset: u64,
        /// What to write.
        bytes: &'a [u8],
    },
    /// Changes the expiry of an existing key.
    Expire(ExpiryChange),
}

impl Action<'_> {
    /// Whether the action can never change a key.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get | Self::Exists | Self::Deadline)
    }

    /// Whether the action counts as a hit or a miss.
    pub(crate) fn is_lookup(&self) -> bool {
        self.is_read() || matches!(self, Self::GetExpire(_))
    }

    /// Whether finding the key counts as a use of it for eviction. A write counts by what it changes.
    pub(crate) fn is_use(&self) -> bool {
        matches!(self, Self::Get | Self::Exists | Self::GetExpire(_))
    }
}

/// What a `Set` does with the expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetExpiry {
    /// The key lives until deleted.
    Never,
    /// The key keeps the expiry it has, if any.
    Keep,
    /// The key ends then. A deadline already past makes the write act as a delete.
    Deadline(Deadline),
}

/// What an `Expire` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiryChange {
    /// Removes the expiry.
    Persist,
    /// Sets the expiry, when the rule allows. A deadline already past removes the key.
    Set(Deadline, ExpireRule),
}
