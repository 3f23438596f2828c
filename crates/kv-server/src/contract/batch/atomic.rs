//! `BatchWrite` with `atomic`: all operations or none.

use kv_core::{Action, BatchError, Durability, Op, Payload};
use kv_proto::v1::{self, BatchWriteResponse, OpError, OpResult, op_result};
use prost::Message as _;

use super::{Outcome, VALUES_PER_CALL_MAX, answers_value};
use crate::contract::convert;
use crate::contract::refusal::Refusal;
use crate::contract::room::AnswerRoom;
use crate::contract::shared::Shared;
use crate::promise::Basis;

/// Executes the operations as one, or tells which one stood in the way.
pub(super) fn write(shared: &Shared, asked: &[v1::Op]) -> Result<Outcome, Refusal> {
    let mut ops = Vec::with_capacity(asked.len());
    for (index, op) in asked.iter().enumerate() {
        match convert::op(op, shared.message_bytes_max) {
            Ok(op) => ops.push(op),
            Err(refusal) => {
                return Ok((Ok(not_applied(index, refused(refusal))), Basis::default()));
            }
        }
    }
    check_room(shared, &ops)?;
    match shared.store().execute_atomic(&ops) {
        Ok(replies) => Ok(applied(shared, asked, replies)),
        Err(BatchError::ConditionFailed { index, version, ttl_ms, lsn }) => {
            let result = asked.get(index).map(|op| convert::unmet_result(op, version, ttl_ms));
            Ok((Ok(not_applied(index, result.unwrap_or_default())), Basis::of_read(lsn)))
        }
        Err(BatchError::Refused { index, error }) => {
            Ok((Ok(not_applied(index, refused(error.into()))), Basis::default()))
        }
        Err(BatchError::Whole(error)) => Err(error.into()),
    }
}

/// Many values are measured before they are read: there is no way to stop in the middle, and a small
/// message can name one large value thousands of times.
fn check_room(shared: &Shared, ops: &[Op<'_>]) -> Result<(), Refusal> {
    let reads: Vec<Op<'_>> = ops
        .iter()
        .filter(|op| answers_value(op))
        .map(|op| Op::new(op.key, Action::Exists))
        .collect();
    if reads.len() <= VALUES_PER_CALL_MAX {
        return Ok(());
    }
    let mut room = AnswerRoom::new(shared.message_bytes_max, ops.len());
    let mut replies = Vec::with_capacity(reads.len());
    shared.store().execute_batch(&reads, &mut replies)?;
    for reply in replies.into_iter().flatten() {
        if let Payload::Length(bytes) = reply.payload
            && !room.take_value(usize::try_from(bytes).unwrap_or(usize::MAX))
        {
            return Err(Refusal::BatchOverAnswer { max: shared.message_bytes_max, applied: false });
        }
    }
    Ok(())
}

fn applied(shared: &Shared, asked: &[v1::Op], replies: Vec<kv_core::Reply>) -> Outcome {
    let (mut written, mut basis) = (false, Basis::default());
    let results = asked
        .iter()
        .zip(replies)
        .map(|(op, reply)| {
            let is_read = matches!(op.op, Some(v1::op::Op::Get(_) | v1::op::Op::Exists(_)));
            written |= reply.applied && !is_read;
            basis = basis.and(Basis::of(&reply, is_read));
            convert::op_result(op, reply)
        })
        .collect();
    let achieved = convert::wire_achieved(written, Durability::Memory);
    let response = BatchWriteResponse { applied: true, results, achieved, ..Default::default() };
    let max = shared.message_bytes_max;
    if response.encoded_len() > max {
        return (Err(Refusal::BatchOverAnswer { max, applied: written }), basis);
    }
    (Ok(response), basis)
}

fn not_applied(index: usize, result: OpResult) -> BatchWriteResponse {
    BatchWriteResponse {
        applied: false,
        results: Vec::new(),
        failed_index: u32::try_from(index).unwrap_or(u32::MAX),
        failed_result: Some(result),
        achieved: v1::Durability::Unspecified.into(),
    }
}

fn refused(refusal: Refusal) -> OpResult {
    OpResult { result: Some(op_result::Result::Error(OpError::from(refusal))) }
}
