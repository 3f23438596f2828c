//! `BatchWriteResponse`.

use bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, bool, int32, message, skip_field, uint32};
use prost::{DecodeError, Message};

use super::fields::{content, merge_parts};
use super::results::{self, Results};
use crate::v1::{Durability, OpResult};

/// What became of the operations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchWriteResponse {
    /// Whether the batch was executed; false only when it is atomic and was not applied.
    pub applied: bool,
    /// One answer per operation, in order; empty when not applied.
    pub results: Results,
    /// When not applied: the index of the first operation whose condition did not hold or that was refused.
    pub failed_index: u32,
    /// When not applied: the answer of that operation.
    pub failed_result: Option<OpResult>,
    /// The level the writes have reached, a [`Durability`]; unspecified when nothing was written.
    pub achieved: i32,
}

const APPLIED: u32 = 1;
const FAILED_INDEX: u32 = 3;
const FAILED_RESULT: u32 = 4;
const ACHIEVED: u32 = 5;

impl BatchWriteResponse {
    /// The level the writes have reached; unspecified also when it is none that is known.
    pub fn achieved(&self) -> Durability {
        Durability::try_from(self.achieved).unwrap_or_default()
    }
}

impl Message for BatchWriteResponse {
    fn encode_raw(&self, out: &mut impl BufMut) {
        if self.applied {
            bool::encode(APPLIED, &self.applied, out);
        }
        self.results.encode(out);
        if self.failed_index != 0 {
            uint32::encode(FAILED_INDEX, &self.failed_index, out);
        }
        if let Some(result) = &self.failed_result {
            message::encode(FAILED_RESULT, result, out);
        }
        if self.achieved != 0 {
            int32::encode(ACHIEVED, &self.achieved, out);
        }
    }

    fn encoded_len(&self) -> usize {
        let mut len = self.results.encoded_len();
        if self.applied {
            len += bool::encoded_len(APPLIED, &self.applied);
        }
        if self.failed_index != 0 {
            len += uint32::encoded_len(FAILED_INDEX, &self.failed_index);
        }
        if let Some(result) = &self.failed_result {
            len += message::encoded_len(FAILED_RESULT, result);
        }
        if self.achieved != 0 {
            len += int32::encoded_len(ACHIEVED, &self.achieved);
        }
        len
    }

    fn merge_field(
        &mut self,
        field: u32,
        wire_type: WireType,
        from: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match field {
            APPLIED => bool::merge(wire_type, &mut self.applied, from, context),
            results::FIELD => {
                self.results.push_encoded(&content(wire_type, from, context)?);
                Ok(())
            }
            FAILED_INDEX => uint32::merge(wire_type, &mut self.failed_index, from, context),
            FAILED_RESULT => {
                let result = self.failed_result.get_or_insert_default();
                message::merge(wire_type, result, from, context)
            }
            ACHIEVED => int32::merge(wire_type, &mut self.achieved, from, context),
            _ => skip_field(wire_type, field, from, context),
        }
    }

    fn merge(&mut self, from: impl Buf) -> Result<(), DecodeError> {
        merge_parts(self, from, |response, message| {
            response.results.receive(message);
            Ok(())
        })
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}
