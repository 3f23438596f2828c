//! The answers to a batch's operations, made one after the other.

use kv_core::{Durability, Op, Payload, Reply, ReplySink, StoreError, Value};
use kv_proto::batch::{APART_BYTES_MIN, OpRef, Results};
use kv_proto::v1::{self, BatchWriteResponse, OpError, OpResult, op_result};
use prost::Message as _;
use tonic::Code;

use super::Outcome;
use crate::contract::convert;
use crate::contract::reason::error_kind;
use crate::contract::refusal::Refusal;
use crate::contract::room::AnswerRoom;
use crate::metrics::ErrorKind;
use crate::promise::Basis;

/// The level that every write has reached when it was executed.
const MEMORY: v1::Durability = v1::Durability::Memory;

/// Makes the answers, and sees that they fit in a message.
#[derive(Debug)]
pub(super) struct Answers {
    message_bytes_max: usize,
    /// For what is left out when it does not fit.
    room: Option<AnswerRoom>,
    results: Results,
    /// Values that are put into the results once the store is done: to decompress them takes long.
    later: Vec<(usize, Value)>,
    refused: Vec<ErrorKind>,
    written: bool,
    basis: Basis,
}

impl Answers {
    /// None yet of so many. Reads that do not fit are answered with errors.
    pub(super) fn each(message_bytes_max: usize, operations: usize) -> Self {
        let room = AnswerRoom::new(message_bytes_max, operations);
        Self { room: Some(room), ..Self::whole(message_bytes_max, operations) }
    }

    /// None yet of so many. They fit, or all of them are left out.
    pub(super) fn whole(message_bytes_max: usize, operations: usize) -> Self {
        Self {
            message_bytes_max,
            room: None,
            results: Results::with_capacity(operations),
            later: Vec::new(),
            refused: Vec::new(),
            written: false,
            basis: Basis::default(),
        }
    }

    /// Whether a value did not fit, so that none should be read any more.
    pub(super) fn are_full(&self) -> bool {
        self.room.as_ref().is_some_and(AnswerRoom::is_exhausted)
    }

    fn take_room(&mut self, value_len: usize) -> bool {
        self.room.as_mut().is_none_or(|room| room.take_value(value_len))
    }

    /// Answers an operation that was executed. A value read that does not fit is left out, with an error; the
    /// value before a write cannot be, since the write was made.
    pub(super) fn answer(&mut self, asked: OpRef<'_>, reply: Reply) {
        let is_read = is_wire_read(asked);
        self.basis = self.basis.and(Basis::of(&reply, is_read));
        if let Payload::Value(value) = &reply.payload
            && !self.take_room(value.len())
        {
            if is_read {
                return self.no_room();
            }
            if let Some(room) = &mut self.room {
                room.overdraw();
            }
        }
        self.written |= reply.applied && !is_read;
        match asked {
            OpRef::Set(_) if reply.applied && matches!(reply.payload, Payload::None) => {
                let (version, ttl_ms) = (reply.version.get(), convert::wire_ttl(reply.ttl_ms));
                self.results.push_set(version, ttl_ms, MEMORY);
            }
            _ => self.results.push(&convert::op_result(asked, reply)),
        }
    }

    /// Answers with a value that is lent.
    fn answer_lent(&mut self, reply: &Reply, value: &[u8]) {
        self.basis = self.basis.and(Basis::of_read(reply.lsn));
        if !self.take_room(value.len()) {
            return self.no_room();
        }
        let (version, ttl_ms) = (reply.version.get(), convert::wire_ttl(reply.ttl_ms));
        self.results.push_value(value, version, ttl_ms);
    }

    /// Answers a plain read.
    fn answer_read(&mut self, reply: Reply) {
        self.basis = self.basis.and(Basis::of_read(reply.lsn));
        let (version, ttl_ms) = (reply.version.get(), convert::wire_ttl(reply.ttl_ms));
        let Payload::Value(value) = reply.payload else {
            let get = op_result::Result::Get(convert::get_response(reply));
            return self.results.push(&OpResult { result: Some(get) });
        };
        if !self.take_room(value.len()) {
            self.no_room();
        } else if value.len() < APART_BYTES_MIN {
            self.results.push_value(&value.into_bytes(), version, ttl_ms);
        } else {
            let promised = self.results.push_promised(value.len(), version, ttl_ms);
            self.later.push((promised, value));
        }
    }

    /// Sees that values of so many reads can be answered quickly: they are lent under locks.
    pub(super) fn reserve(&mut self, reads: usize) {
        self.results.reserve(reads);
    }

    /// Puts in the values that were left for later.
    pub(super) fn supply(&mut self) {
        for (promised, value) in self.later.drain(..) {
            self.results.supply(promised, value.into_bytes());
        }
    }

    /// Answers that there is no room for the value.
    pub(super) fn no_room(&mut self) {
        self.refuse(Refusal::BatchOverAnswer { max: self.message_bytes_max, applied: false });
    }

    /// Answers an operation that is refused.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        let error = OpError::from(refusal);
        if let Some(room) = &mut self.room {
            room.take_error(error.message.len());
        }
        self.refused.extend(error_kind(Code::from_i32(error.code)));
        self.results.push(&OpResult { result: Some(op_result::Result::Error(error)) });
    }

    /// The whole answer, unless it does not fit in a message after all.
    pub(super) fn finish(self) -> Outcome {
        let Self { message_bytes_max: max, room, results, refused, written, basis, .. } = self;
        let achieved = convert::wire_achieved(written, Durability::Memory);
        let response =
            BatchWriteResponse { applied: true, results, achieved, ..Default::default() };
        let answer = if room.is_none_or(|room| room.is_uncertain()) && response.encoded_len() > max
        {
            Err(Refusal::BatchOverAnswer { max, applied: written })
        } else {
            Ok(response)
        };
        Outcome { answer, refused, basis }
    }
}

/// Answers operations that are plain reads, all of them.
pub(super) struct Reads<'a>(pub(super) &'a mut Answers);

impl ReplySink for Reads<'_> {
    fn reply(&mut self, result: Result<Reply, StoreError>) {
        match result {
            Ok(reply) => self.0.answer_read(reply),
            Err(error) => self.0.refuse(error.into()),
        }
    }

    fn lend(&mut self, reply: Reply, value: &[u8]) {
        self.0.answer_lent(&reply, value);
    }
}

/// Whether this is a read of a value under no condition.
pub(super) fn is_read(op: &Op<'_>) -> bool {
    matches!(op, Op { action: kv_core::Action::Get, condition: kv_core::Condition::None, .. })
}

/// Whether the operation reads, and changes nothing.
pub(super) fn is_wire_read(op: OpRef<'_>) -> bool {
    match op {
        OpRef::Get(_) => true,
        OpRef::Set(_) => false,
        OpRef::Other(op) => matches!(op.op, Some(v1::op::Op::Get(_) | v1::op::Op::Exists(_))),
    }
}
