//! `BatchWrite` without `atomic`: each operation is answered, or refused in its place.

use kv_core::{Durability, Op, Payload, Reply, StoreError};
use kv_proto::v1::{self, BatchWriteResponse, OpError, OpResult, op_result};
use prost::Message as _;

use super::{Outcome, VALUES_PER_CALL_MAX, answers_value};
use crate::contract::convert;
use crate::contract::refusal::Refusal;
use crate::contract::room::AnswerRoom;
use crate::contract::shared::Shared;
use crate::promise::Basis;

/// Executes every operation that can be, in order.
pub(super) fn write(shared: &Shared, ops: &[v1::Op]) -> Result<Outcome, Refusal> {
    let mut run = Run::new(shared, ops);
    for op in ops {
        run.add(op)?;
    }
    run.execute()?;
    let basis = run.answers.basis;
    Ok((run.answers.finish(run.results), basis))
}

/// A batch on its way through the store, in calls of bounded size.
struct Run<'a> {
    shared: &'a Shared,
    asked: &'a [v1::Op],
    /// One per operation looked at; empty until it is answered.
    results: Vec<OpResult>,
    /// How many of the results are final.
    answered: usize,
    /// Operations of the next call.
    ops: Vec<Op<'a>>,
    /// How many of them answer with a value.
    values: usize,
    replies: Vec<Result<Reply, StoreError>>,
    answers: Answers,
}

impl<'a> Run<'a> {
    fn new(shared: &'a Shared, asked: &'a [v1::Op]) -> Self {
        let message_bytes_max = shared.message_bytes_max;
        let room = AnswerRoom::new(message_bytes_max, asked.len());
        Self {
            shared,
            asked,
            results: Vec::with_capacity(asked.len()),
            answered: 0,
            ops: Vec::with_capacity(asked.len()),
            values: 0,
            replies: Vec::with_capacity(asked.len()),
            answers: Answers { message_bytes_max, room, written: false, basis: Basis::default() },
        }
    }

    /// Looks at one operation: it joins the next call, or is refused in its place.
    fn add(&mut self, asked: &'a v1::Op) -> Result<(), Refusal> {
        let result = match convert::op(asked, self.shared.message_bytes_max) {
            Ok(op) if answers_value(&op) && self.answers.room.is_exhausted() => {
                self.answers.no_room()
            }
            Ok(op) => {
                self.values += usize::from(answers_value(&op));
                self.ops.push(op);
                OpResult::default()
            }
            Err(refusal) => self.answers.refuse(refusal),
        };
        self.results.push(result);
        if self.values == VALUES_PER_CALL_MAX { self.execute() } else { Ok(()) }
    }

    /// Executes the next call and puts its answers in the places that are empty.
    fn execute(&mut self) -> Result<(), Refusal> {
        self.shared.store().execute_batch(&self.ops, &mut self.replies)?;
        let open = self.results.iter_mut().zip(self.asked).skip(self.answered);
        let empty = open.filter(|(result, _)| result.result.is_none());
        for ((result, asked), reply) in empty.zip(self.replies.drain(..)) {
            *result = match reply {
                Ok(reply) => self.answers.answer(asked, reply),
                Err(error) => self.answers.refuse(error.into()),
            };
        }
        self.answered = self.results.len();
        self.ops.clear();
        self.values = 0;
        Ok(())
    }
}

/// Makes the answers, and sees that they fit in a message.
struct Answers {
    message_bytes_max: usize,
    room: AnswerRoom,
    written: bool,
    basis: Basis,
}

impl Answers {
    /// The answer to an operation that was executed. A value read that does not fit is left out, with an
    /// error; the value before a write cannot be, since the write was made.
    fn answer(&mut self, asked: &v1::Op, reply: Reply) -> OpResult {
        let is_read = matches!(asked.op, Some(v1::op::Op::Get(_) | v1::op::Op::Exists(_)));
        self.written |= reply.applied && !is_read;
        self.basis = self.basis.and(Basis::of(&reply, is_read));
        if let Payload::Value(value) = &reply.payload
            && !self.room.take_value(value.len())
        {
            if is_read {
                return self.no_room();
            }
            self.room.overdraw();
        }
        convert::op_result(asked, reply)
    }

    fn no_room(&mut self) -> OpResult {
        self.refuse(Refusal::BatchOverAnswer { max: self.message_bytes_max, applied: false })
    }

    fn refuse(&mut self, refusal: Refusal) -> OpResult {
        let error = OpError::from(refusal);
        self.room.take_error(error.message.len());
        OpResult { result: Some(op_result::Result::Error(error)) }
    }

    /// The whole answer, unless it does not fit in a message after all.
    fn finish(self, results: Vec<OpResult>) -> Result<BatchWriteResponse, Refusal> {
        let achieved = convert::wire_achieved(self.written, Durability::Memory);
        let response =
            BatchWriteResponse { applied: true, results, achieved, ..Default::default() };
        let max = self.message_bytes_max;
        if self.room.is_uncertain() && response.encoded_len() > max {
            return Err(Refusal::BatchOverAnswer { max, applied: self.written });
        }
        Ok(response)
    }
}
