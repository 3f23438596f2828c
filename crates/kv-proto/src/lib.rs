//! Generated code of the `kv.v1` contract (`proto/kv/v1`), the codec that it uses, and the messages that are written by hand.
//!
//! `cargo xtask codegen` writes `src/generated/`; CI fails when it is stale. Conversions between these
//! wire types and a crate's own types live in that crate.

#![forbid(unsafe_code)]

pub mod batch;
pub mod codec;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

/// Messages, clients and servers of the protobuf package `kv.v1`.
pub mod v1 {
    #![expect(
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        unused_qualifications,
        reason = "generated code"
    )]
    include!("generated/kv.v1.rs");

    pub use crate::batch::{
        BatchWriteRequest, BatchWriteResponse, PipelineRequest, PipelineResponse,
    };
}

/// The compiled `FileDescriptorSet` of the contract, for gRPC server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/kv_descriptor.bin");

/// The domain of every `google.rpc.ErrorInfo` this contract's servers send.
pub const ERROR_DOMAIN: &str = "kv";
