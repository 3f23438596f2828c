//! Messages of batches, written by hand: their many parts stay as they are sent, one behind the other, instead of
//! becoming a structure each that is walked three times before it is sent.

mod cursor;
mod encoded;
mod fields;
mod op_ref;
mod ops;
mod pipeline;
mod place;
mod request;
mod response;
mod result;
mod results;

pub use encoded::APART_BYTES_MIN;
pub use op_ref::{OpRef, SetOptions, SetRef};
pub use ops::{Iter, Ops};
pub use pipeline::{PipelineRequest, PipelineResponse, Tagged};
pub use request::BatchWriteRequest;
pub use response::BatchWriteResponse;
pub use results::Results;
