//! Messages of batches, written by hand: their many parts stay as they are sent, one behind the other, instead of
//! becoming a structure each that is walked three times before it is sent.

mod fields;
mod response;
mod results;

pub use response::BatchWriteResponse;
pub use results::{APART_BYTES_MIN, Results};
