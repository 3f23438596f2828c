//! Requests: what a client sends, and a server reads.

mod batch;
mod decoder;
mod error;
mod inline;
mod number;

pub use batch::{Args, Batch, Command, Commands};
pub use decoder::Decoder;
pub use error::ProtocolError;
pub use number::integer;
