//! One operation on one key: what every protocol is translated into.

use super::{Condition, Deadline, ExpireRule};

/// One operation on one key. Borrows the request's buffers; the engine copies what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// The key: any bytes, within [`Limits::key_bytes_max`](crate::Limits::key_bytes_max).
    pub key: &'a [u8],
    /// What must hold. When it does not, nothing happens and the reply says so.
    pub condition: Condition,
    /// What to do.
    pub action: Action<'a>,
}

impl<'a> Op<'a> {
    /// An unconditional operation.
    pub fn new(key: &'a [u8], action: Action<'a>) -> Self {
        Self { key, condition: Condition::None, action }
    }
}

/// What an operation does with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Reads the value.
    Get,
    /// Reads the value's length only.
    Exists,
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
    /// Adds bytes at the end; an absent key counts as empty. Keeps the expiry.
    Append {
        /// What to add.
        suffix: &'a [u8],
    },
    /// Changes the expiry of an existing key.
    Expire(ExpiryChange),
}

impl Action<'_> {
    /// Whether the action can never change a key.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get | Self::Exists)
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
