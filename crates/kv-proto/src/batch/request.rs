//! `BatchWriteRequest`.

use bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, bool, int32, skip_field};
use prost::{DecodeError, Message};

use super::fields::{content, merge_parts};
use super::ops::{self, Ops};
use crate::v1::Durability;

/// Executes many operations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchWriteRequest {
    /// The operations; at most `limits.batch_ops_max`. Operations on one key are executed in order.
    pub ops: Ops,
    /// true: all are applied as one write that no reader sees half of, or, when a condition does not hold
    ///       or an operation is refused, none.
    /// false: each is applied or refused by itself; other clients may see some applied before others.
    pub atomic: bool,
    /// The level to reach at least before answering, a [`Durability`].
    pub durability: i32,
}

const ATOMIC: u32 = 2;
const DURABILITY: u32 = 3;

impl BatchWriteRequest {
    /// The level to reach; unspecified also when it is none that is known.
    pub fn durability(&self) -> Durability {
        Durability::try_from(self.durability).unwrap_or_default()
    }
}

impl Message for BatchWriteRequest {
    fn encode_raw(&self, out: &mut impl BufMut) {
        self.ops.encode(out);
        if self.atomic {
            bool::encode(ATOMIC, &self.atomic, out);
        }
        if self.durability != 0 {
            int32::encode(DURABILITY, &self.durability, out);
        }
    }

    fn encoded_len(&self) -> usize {
        let mut len = self.ops.encoded_len();
        if self.atomic {
            len += bool::encoded_len(ATOMIC, &self.atomic);
        }
        if self.durability != 0 {
            len += int32::encoded_len(DURABILITY, &self.durability);
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
            ops::FIELD => self.ops.push_encoded(&content(wire_type, from, context)?),
            ATOMIC => bool::merge(wire_type, &mut self.atomic, from, context),
            DURABILITY => int32::merge(wire_type, &mut self.durability, from, context),
            _ => skip_field(wire_type, field, from, context),
        }
    }

    fn merge(&mut self, from: impl Buf) -> Result<(), DecodeError> {
        merge_parts(self, from, |request, message| request.ops.receive(message))
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}
