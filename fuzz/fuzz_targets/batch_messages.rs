//! The messages of batches that are written by hand: any bytes.
//!
//! What must hold: no panic, the same read or refused as by the code that is derived, and the same again once it was
//! sent on.

#![no_main]

use kv_proto::testing as derived;
use kv_proto::v1::{PipelineRequest, PipelineResponse};
use libfuzzer_sys::fuzz_target;
use prost::{DecodeError, Message};

fuzz_target!(|data: &[u8]| {
    let derived = derived::PipelineRequest::decode(data);
    if derived.as_ref().is_err_and(is_too_deep) {
        return;
    }
    let request = PipelineRequest::decode(data).ok();
    let derived = derived.ok().map(PipelineRequest::from);
    assert_eq!(request, derived);
    if let Some(request) = request {
        assert_eq!(PipelineRequest::decode(&*request.encode_to_vec()), Ok(request));
    }

    let is_readable = |response: &PipelineResponse| {
        response.batch.as_ref().is_none_or(|batch| batch.results.decoded().is_ok())
    };
    let derived = derived::PipelineResponse::decode(data);
    if derived.as_ref().is_err_and(is_too_deep) {
        return;
    }
    let response = PipelineResponse::decode(data).ok().filter(is_readable);
    let derived = derived.ok().map(PipelineResponse::from);
    assert_eq!(response, derived);
    if let Some(response) = response {
        assert_eq!(PipelineResponse::decode(&*response.encode_to_vec()), Ok(response));
    }
});

/// How deep unknown groups may be nested is counted from another message on (ADR-0026).
fn is_too_deep(error: &DecodeError) -> bool {
    error.to_string().contains("recursion limit")
}
