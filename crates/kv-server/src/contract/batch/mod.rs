//! Batches: many keys or operations in one message.

mod answers;
mod atomic;
mod independent;
mod read;

use kv_core::{Action, Durability, JournalError, Op};
use kv_proto::v1::{BatchWriteRequest, BatchWriteResponse};

pub(crate) use read::get;

use super::convert;
use super::refusal::Refusal;
use super::shared::Shared;
use crate::clock::Stopwatch;
use crate::metrics::ErrorKind;
use crate::promise::Basis;
use crate::slow::tell;
use crate::waiting::Waiter;

/// Most values that are read from the store before it is seen whether they still fit in the answer. A
/// message of a few kilobytes can name one large value thousands of times: this bounds what that costs.
const VALUES_PER_CALL_MAX: usize = 16;

/// A batch that was executed and whose answer may have to wait.
#[derive(Debug)]
pub(crate) struct Executed {
    outcome: Outcome,
    level: Durability,
}

/// What came of the operations, in memory.
#[derive(Debug)]
struct Outcome {
    /// The answer, or why there is none although operations were executed.
    answer: Result<BatchWriteResponse, Refusal>,
    /// Why operations of the answer were refused.
    refused: Vec<ErrorKind>,
    /// What the answer rests on.
    basis: Basis,
}

impl Executed {
    /// What the answer must wait for; `None` when nothing.
    pub(crate) fn waiter(&self, shared: &Shared) -> Result<Option<Waiter>, Refusal> {
        Ok(shared.gate.waiter(self.outcome.basis, self.level)?)
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
        let Outcome { answer, refused, basis } = self.outcome;
        let mut answer = answer?;
        for kind in refused {
            shared.gate.metrics().error(shared.protocol, kind);
        }
        convert::raise_achieved(&mut answer, shared.gate.achieved(basis, self.level));
        Ok(answer)
    }

    /// The refusal when what the answer waits for will not come.
    pub(crate) fn unknown(&self, failure: JournalError) -> Refusal {
        self.outcome.basis.lost(failure).into()
    }

    /// About how many bytes the answer keeps in memory while it waits.
    pub(crate) fn bytes(&self) -> usize {
        self.outcome.answer.as_ref().map_or(0, |answer| answer.results.held_bytes())
    }
}

/// Executes a batch as its request says: as one write, or each operation by itself.
pub(crate) fn write(shared: &Shared, request: &BatchWriteRequest) -> Result<Executed, Refusal> {
    shared.check_batch(request.ops.len())?;
    let level = shared.level(request.durability)?;
    let outcome = if request.atomic {
        atomic::write(shared, &request.ops)?
    } else {
        independent::write(shared, &request.ops)?
    };
    Ok(Executed { outcome, level })
}

/// Whether the operation's answer carries a value.
fn answers_value(op: &Op<'_>) -> bool {
    match op.action {
        Action::Get => true,
        Action::Set { return_previous, .. } | Action::Delete { return_previous } => return_previous,
        _ => false,
    }
}
