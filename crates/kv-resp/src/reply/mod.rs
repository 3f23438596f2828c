//! Replies read back: what a client does. For tests, the differential tester and tools, so values are owned.

mod decoder;
mod error;
mod value;

pub use decoder::{ReplyDecoder, ReplyLimits};
pub use error::ReplyError;
pub use value::Value;
