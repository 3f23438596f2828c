//! Batches: many keys or operations in one message.

mod atomic;
mod independent;
mod read;

use kv_core::{Action, Durability, JournalError, Op};
use kv_proto::v1::{BatchWriteRequest, BatchWriteResponse, OpResult, op_result};
use prost::Message as _;
use tonic::Code;

pub(crate) use read::get;

use super::convert;
use super::reason::error_kind;
use super::refusal::Refusal;
use super::shared::Shared;
use crate::clock::Stopwatch;
use crate::promise::Basis;
use crate::slow::tell;
use crate::waiting::Waiter;

/// Most values that are read from the store before it is seen whether they still fit in the answer. A
/// message of a few kilobytes can name one large value thousands of times: this bounds what that costs.
const VALUES_PER_CALL_MAX: usize = 16;

/// A batch that was executed and whose answer may have to wait.
#[derive(Debug)]
pub(crate) struct Executed {
    /// The answer, or why there is none although operations were executed.
    answer: Result<BatchWriteResponse, Refusal>,
    basis: Basis,
    level: Durability,
}

impl Executed {
    /// What the answer must wait for; `None` when nothing.
    pub(crate) fn waiter(&self, shared: &Shared) -> Result<Option<Waiter>, Refusal> {
        Ok(shared.gate.waiter(self.basis, self.level)?)
    }

    /// Waits until the answer may be sent.
    pub(crate) async fn settle(self, shared: &Shared) -> Result<BatchWriteResponse, Refusal> {
        if let Some(mut waiter) = self.waiter(shared)? {
            let began = Stopwatch::start();
            let waited = waiter.wait(shared.store().progress()).await;
            tell::log(began.elapsed());
            waited.map_err(|failure| self.unknown(failure))?;
        }
        self.finish(shared)
    }

    /// The answer, once what it waits for has come.
    pub(crate) fn finish(self, shared: &Shared) -> Result<BatchWriteResponse, Refusal> {
        let mut answer = self.answer?;
        count_errors(shared, &answer);
        convert::raise_achieved(&mut answer, shared.gate.achieved(self.basis, self.level));
        Ok(answer)
    }

    /// The refusal when what the answer waits for will not come.
    pub(crate) fn unknown(&self, failure: JournalError) -> Refusal {
        self.basis.lost(failure).into()
    }

    /// About how many bytes the answer keeps in memory while it waits.
    pub(crate) fn bytes(&self) -> usize {
        self.answer
            .as_ref()
            .map_or(0, |answer| answer.encoded_len() + answer.results.len() * size_of::<OpResult>())
    }
}

/// Executes a batch as its request says: as one write, or each operation by itself.
pub(crate) fn write(shared: &Shared, request: &BatchWriteRequest) -> Result<Executed, Refusal> {
    shared.check_batch(request.ops.len())?;
    let level = shared.level(request.durability)?;
    let (answer, basis) = if request.atomic {
        atomic::write(shared, &request.ops)?
    } else {
        independent::write(shared, &request.ops)?
    };
    Ok(Executed { answer, basis, level })
}

/// An answer, or why there is none although operations were executed, and what it rests on.
type Outcome = (Result<BatchWriteResponse, Refusal>, Basis);

/// Counts the operations that were refused.
fn count_errors(shared: &Shared, answer: &BatchWriteResponse) {
    for result in &answer.results {
        if let Some(op_result::Result::Error(error)) = &result.result
            && let Some(kind) = error_kind(Code::from_i32(error.code))
        {
            shared.gate.metrics().error(shared.protocol, kind);
        }
    }
}

/// Whether the operation's answer carries a value.
fn answers_value(op: &Op<'_>) -> bool {
    match op.action {
        Action::Get => true,
        Action::Set { return_previous, .. } | Action::Delete { return_previous } => return_previous,
        _ => false,
    }
}
