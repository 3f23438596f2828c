//! The messages that are written by hand, as they would be derived: what the former are held to.

#![expect(missing_docs, reason = "each field is described in the contract")]

use prost::Message;

use crate::v1::{Durability, Op, OpResult};

/// `BatchWriteRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct BatchWriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub ops: Vec<Op>,
    #[prost(bool, tag = "2")]
    pub atomic: bool,
    #[prost(enumeration = "Durability", tag = "3")]
    pub durability: i32,
}

/// `BatchWriteResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct BatchWriteResponse {
    #[prost(bool, tag = "1")]
    pub applied: bool,
    #[prost(message, repeated, tag = "2")]
    pub results: Vec<OpResult>,
    #[prost(uint32, tag = "3")]
    pub failed_index: u32,
    #[prost(message, optional, tag = "4")]
    pub failed_result: Option<OpResult>,
    #[prost(enumeration = "Durability", tag = "5")]
    pub achieved: i32,
}

/// `PipelineRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct PipelineRequest {
    #[prost(message, optional, tag = "1")]
    pub batch: Option<BatchWriteRequest>,
    #[prost(uint64, tag = "2")]
    pub tag: u64,
}

/// `PipelineResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct PipelineResponse {
    #[prost(message, optional, tag = "1")]
    pub batch: Option<BatchWriteResponse>,
    #[prost(uint64, tag = "2")]
    pub tag: u64,
}

impl From<BatchWriteRequest> for crate::v1::BatchWriteRequest {
    fn from(derived: BatchWriteRequest) -> Self {
        let BatchWriteRequest { ops, atomic, durability } = derived;
        Self { ops: ops.into(), atomic, durability }
    }
}

impl From<BatchWriteResponse> for crate::v1::BatchWriteResponse {
    fn from(derived: BatchWriteResponse) -> Self {
        let BatchWriteResponse { applied, results, failed_index, failed_result, achieved } =
            derived;
        Self { applied, results: results.into(), failed_index, failed_result, achieved }
    }
}

impl From<PipelineRequest> for crate::v1::PipelineRequest {
    fn from(PipelineRequest { batch, tag }: PipelineRequest) -> Self {
        Self { batch: batch.map(Into::into), tag }
    }
}

impl From<PipelineResponse> for crate::v1::PipelineResponse {
    fn from(PipelineResponse { batch, tag }: PipelineResponse) -> Self {
        Self { batch: batch.map(Into::into), tag }
    }
}
