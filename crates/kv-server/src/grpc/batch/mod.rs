//! Batches: many keys or operations in one message.

mod atomic;
mod independent;
mod read;

use kv_core::{Action, Op};
use kv_proto::v1::{BatchWriteRequest, BatchWriteResponse};

pub(crate) use read::get;

use super::durability;
use super::refusal::Refusal;
use super::shared::Shared;

/// Most values that are read from the store before it is seen whether they still fit in the answer. A
/// message of a few kilobytes can name one large value thousands of times: this bounds what that costs.
const VALUES_PER_CALL_MAX: usize = 16;

/// Executes a batch as its request says: as one write, or each operation by itself.
pub(crate) fn write(
    shared: &Shared,
    request: &BatchWriteRequest,
) -> Result<BatchWriteResponse, Refusal> {
    shared.check_batch(request.ops.len())?;
    durability::check(request.durability, shared.store.durability_max())?;
    if request.atomic {
        atomic::write(shared, &request.ops)
    } else {
        independent::write(shared, &request.ops)
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
