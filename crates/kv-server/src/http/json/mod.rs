//! JSON bodies: the messages of `proto/kv/v1` with the same names, in the way JSON is written.
//!
//! Keys and values are strings, or `{"base64": "..."}` where they are not UTF-8. Words of an enum are in lower
//! case and without its name: `"fsync"`, `"if_absent"`, `"nx"`.

mod answer;
mod request;
mod text;

pub(super) use request::{append_request, batch_request, set_request};

use bytes::Bytes;
use kv_proto::v1;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::{Problem, Reason};

/// A message of the contract that can be written as JSON.
pub(super) trait ToJson {
    /// The message as JSON.
    fn to_json(&self) -> Bytes;
}

macro_rules! to_json {
    ($($message:ident as $answer:ident;)*) => {$(
        impl ToJson for v1::$message {
            fn to_json(&self) -> Bytes {
                written(&answer::$answer::from(self))
            }
        }
    )*};
}

to_json! {
    GetResponse as Get;
    SetResponse as Set;
    DeleteResponse as Set;
    IncrementResponse as Increment;
    AppendResponse as Append;
    ExpireResponse as Expire;
    ScanResponse as Page;
}

impl ToJson for v1::BatchWriteResponse {
    fn to_json(&self) -> Bytes {
        // They were made here, and can be read.
        let results = self.results.decoded().unwrap_or_default();
        written(&answer::Batch::new(self, &results))
    }
}

/// What is written holds strings, numbers and lists, which always become JSON.
fn written(answer: &impl Serialize) -> Bytes {
    serde_json::to_vec(answer).map_or_else(|_never| Bytes::new(), Bytes::from)
}

/// Reads a whole body.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(Reason::BadBody, format!("the body is not the JSON it should be: {error}"))
    })
}
