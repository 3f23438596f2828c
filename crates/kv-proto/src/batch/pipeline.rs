//! `PipelineRequest` and `PipelineResponse`: a batch, or its answer, and a tag.

use bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, message, skip_field, uint64};
use prost::{DecodeError, Message};

use super::fields::content;
use super::request::BatchWriteRequest;
use super::response::BatchWriteResponse;

/// One batch of a pipeline.
pub type PipelineRequest = Tagged<BatchWriteRequest>;

/// The answer to one batch of a pipeline.
pub type PipelineResponse = Tagged<BatchWriteResponse>;

/// A part of a pipeline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tagged<B> {
    /// The operations, executed like `BatchWrite`; or what became of them.
    pub batch: Option<B>,
    /// The request's, and given back in its answer; the server does not interpret it.
    pub tag: u64,
}

const BATCH: u32 = 1;
const TAG: u32 = 2;

impl<B: Message + Default> Message for Tagged<B> {
    fn encode_raw(&self, out: &mut impl BufMut) {
        if let Some(batch) = &self.batch {
            message::encode(BATCH, batch, out);
        }
        if self.tag != 0 {
            uint64::encode(TAG, &self.tag, out);
        }
    }

    fn encoded_len(&self) -> usize {
        let batch = self.batch.as_ref().map_or(0, |batch| message::encoded_len(BATCH, batch));
        let tag = if self.tag == 0 { 0 } else { uint64::encoded_len(TAG, &self.tag) };
        batch + tag
    }

    fn merge_field(
        &mut self,
        field: u32,
        wire_type: WireType,
        from: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match field {
            BATCH => {
                let batch = content(wire_type, from, context)?;
                self.batch.get_or_insert_default().merge(batch)
            }
            TAG => uint64::merge(wire_type, &mut self.tag, from, context),
            _ => skip_field(wire_type, field, from, context),
        }
    }

    fn clear(&mut self) {
        (self.batch, self.tag) = (None, 0);
    }
}
