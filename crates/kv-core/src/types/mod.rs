//! The vocabulary of the engine: small validated types shared by every trait in this crate.

mod condition;
mod durability;
mod expiry;
mod extended;
mod op;
mod reply;
mod transfer;
mod value;
mod version;

pub use condition::{Condition, ExpireRule};
pub use durability::Durability;
pub use expiry::{Deadline, EXPIRY_MAX_MS, UnixMillis};
pub use extended::{Extended, FLOAT_TEXT_BYTES_MAX};
pub use op::{Action, ExpiryChange, Op, SetExpiry};
pub use reply::{Payload, Reply};
pub use transfer::{Transfer, TransferOutcome, TransferReply};
pub use value::Value;
pub use version::{Lsn, Version};
