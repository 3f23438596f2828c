//! `BatchWrite` with `atomic`: all operations or none.

use std::collections::HashMap;

use kv_core::{Action, BatchError, Op, Payload, Reply};
use kv_proto::batch::Ops;
use kv_proto::v1::{BatchWriteResponse, OpError, OpResult, op_result};

use super::answers::{self, Answers};
use super::{Outcome, VALUES_PER_CALL_MAX, answers_value};
use crate::contract::convert;
use crate::contract::refusal::Refusal;
use crate::contract::room::AnswerRoom;
use crate::contract::shared::Shared;
use crate::promise::Basis;

/// Executes the operations as one, or tells which one stood in the way.
pub(super) fn write(shared: &Shared, asked: &Ops) -> Result<Outcome, Refusal> {
    let mut ops = Vec::with_capacity(asked.len());
    for (index, op) in asked.iter().enumerate() {
        match convert::op(op, shared.message_bytes_max) {
            Ok(op) => ops.push(op),
            Err(refusal) => {
                return Ok(not_applied(index, refused(refusal), Basis::default()));
            }
        }
    }
    check_room(shared, &ops)?;
    match shared.store().execute_atomic(&ops) {
        Ok(replies) => Ok(applied(shared, asked, replies)),
        Err(BatchError::ConditionFailed { index, version, ttl_ms, lsn }) => {
            let result =
                asked.iter().nth(index).map(|op| convert::unmet_result(op, version, ttl_ms));
            Ok(not_applied(index, result.unwrap_or_default(), Basis::of_read(lsn)))
        }
        Err(BatchError::Refused { index, error }) => {
            Ok(not_applied(index, refused(error.into()), Basis::default()))
        }
        Err(BatchError::Whole(error)) => Err(error.into()),
    }
}

/// Many values are measured before they are read: there is no way to stop in the middle, and a small
/// message can name one large value thousands of times.
fn check_room(shared: &Shared, ops: &[Op<'_>]) -> Result<(), Refusal> {
    if ops.iter().filter(|op| answers_value(op)).count() <= VALUES_PER_CALL_MAX {
        return Ok(());
    }
    let is_measured =
        |op: &&Op<'_>| answers_value(op) || matches!(op.action, Action::Append { .. });
    let measured = ops.iter().filter(is_measured);
    let reads: Vec<Op<'_>> = measured.map(|op| Op::new(op.key, Action::Exists)).collect();
    let mut room = AnswerRoom::new(shared.message_bytes_max, ops.len());
    let mut replies = Vec::with_capacity(reads.len());
    shared.store().execute_batch(&reads, &mut replies)?;
    let mut present = replies.into_iter().map(|reply| match reply.map(|reply| reply.payload) {
        Ok(Payload::Length(bytes)) => usize::try_from(bytes).unwrap_or(usize::MAX),
        _ => 0,
    });
    // What the batch itself makes of a key counts from there on.
    let mut made: HashMap<&[u8], usize> = HashMap::new();
    for op in ops {
        let present = if is_measured(&op) { present.next().unwrap_or(0) } else { 0 };
        let len = made.get(op.key).copied().unwrap_or(present);
        if answers_value(op) && !room.take_value(len) {
            return Err(Refusal::BatchOverAnswer { max: shared.message_bytes_max, applied: false });
        }
        match op.action {
            Action::Set { value, .. } => made.insert(op.key, value.len()),
            Action::Append { suffix } => made.insert(op.key, len.saturating_add(suffix.len())),
            Action::Delete { .. } => made.insert(op.key, 0),
            _ => None,
        };
    }
    Ok(())
}

/// Values are counted before anything is made of them: here they may still be shared with the store, and
/// compressed.
fn fits(shared: &Shared, replies: &[Reply]) -> bool {
    let lengths = replies.iter().map(|reply| match &reply.payload {
        Payload::Value(value) => value.len(),
        _ => 0,
    });
    lengths.sum::<usize>() <= shared.message_bytes_max
}

fn applied(shared: &Shared, asked: &Ops, replies: Vec<Reply>) -> Outcome {
    let max = shared.message_bytes_max;
    if !fits(shared, &replies) {
        let (mut written, mut basis) = (false, Basis::default());
        for (op, reply) in asked.iter().zip(&replies) {
            let is_read = answers::is_wire_read(op);
            written |= reply.applied && !is_read;
            basis = basis.and(Basis::of(reply, is_read));
        }
        let answer = Err(Refusal::BatchOverAnswer { max, applied: written });
        return Outcome { answer, refused: Vec::new(), basis };
    }
    let mut answers = Answers::whole(max, asked.len());
    for (op, reply) in asked.iter().zip(replies) {
        answers.answer(op, reply);
    }
    answers.finish()
}

fn not_applied(index: usize, result: OpResult, basis: Basis) -> Outcome {
    let response = BatchWriteResponse {
        failed_index: u32::try_from(index).unwrap_or(u32::MAX),
        failed_result: Some(result),
        ..Default::default()
    };
    Outcome { answer: Ok(response), refused: Vec::new(), basis }
}

fn refused(refusal: Refusal) -> OpResult {
    OpResult { result: Some(op_result::Result::Error(OpError::from(refusal))) }
}
