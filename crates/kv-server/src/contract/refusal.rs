//! Why a request of the contract is refused, in words for the person who sent it.

use std::time::Duration;

use kv_core::StoreError;

use super::room::MESSAGE_ROOM_BYTES;
use crate::budget::Overload;
use crate::persistence::SnapshotError;
use crate::promise::Unkept;

/// Why a request, or one operation of a batch, is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// A key without bytes. The engine allows it; this protocol does not.
    #[error("key is empty: a key must have at least 1 byte")]
    KeyEmpty,
    /// One of several keys is refused.
    #[error("keys[{index}]: {refusal}")]
    Key {
        /// Which.
        index: usize,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// An enum field has a number without a meaning.
    #[error("{field} = {number} has no meaning: allowed are {allowed}")]
    UnknownEnum {
        /// The field.
        field: &'static str,
        /// Its number.
        number: i32,
        /// Names and numbers that have one.
        allowed: String,
    },
    /// Fields contradict each other, or a needed one is missing.
    #[error("{0}")]
    Conflict(&'static str),
    /// The value could be stored, and never be read back by this protocol.
    #[error(
        "value of {given} bytes is too long for a message: at most {max} bytes fit beside this key in \
         limits.message_bytes_max with the {MESSAGE_ROOM_BYTES} bytes an answer needs"
    )]
    ValueOverMessage {
        /// The value's length.
        given: usize,
        /// The longest that fits.
        max: usize,
    },
    /// A stored value does not fit in an answer.
    #[error(
        "value of {bytes} bytes does not fit in an answer of limits.message_bytes_max = {max} bytes{}",
        executed(*.applied)
    )]
    ValueOverAnswer {
        /// The value's length.
        bytes: usize,
        /// The longest message.
        max: usize,
        /// Whether a write was made all the same.
        applied: bool,
    },
    /// The values asked for do not fit in one answer together.
    #[error(
        "the values asked for do not fit in an answer of limits.message_bytes_max = {max} bytes: ask \
         for fewer in one batch{}",
        executed(*.applied)
    )]
    BatchOverAnswer {
        /// The longest message.
        max: usize,
        /// Whether writes were made all the same.
        applied: bool,
    },
    /// The answer is not what was asked for, or not known to last.
    #[error(transparent)]
    Unkept(#[from] Unkept),
    /// The server is not ready yet.
    #[error("loading: {percent} %{}; nothing was executed", doing(.text))]
    Loading {
        /// How far it is, from 0 to 100.
        percent: u8,
        /// What is being done; may be empty.
        text: String,
    },
    /// There is nothing that snapshots could be taken with.
    #[error(
        "this server keeps data in memory only: start it with persist.enabled = true to have snapshots"
    )]
    PersistenceOff,
    /// No snapshot was taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Too much is in flight.
    #[error("{overload}{}", maybe_executed(*.executed))]
    Overloaded {
        /// Which limit was reached.
        overload: Overload,
        /// Whether that was found when the request had been executed already.
        executed: bool,
    },
    /// The request did not arrive in time.
    #[error("{arrived} bytes of the request arrived in {} seconds: too few; it was not executed", .within.as_secs())]
    TooSlow {
        /// How many.
        arrived: u64,
        /// In which time.
        within: Duration,
    },
    /// The server drains.
    #[error("the server is shutting down: send this again, to another server or later")]
    ShuttingDown,
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn doing(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

fn executed(applied: bool) -> &'static str {
    if applied { "; the writes of this request were made" } else { "" }
}

fn maybe_executed(executed: bool) -> &'static str {
    if executed { "; the answer finds no room, and what was asked for was done" } else { "" }
}
