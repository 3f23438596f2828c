//! `BatchGet`: many keys, all answered or all refused.

use kv_core::{Durability, Payload};
use kv_proto::v1::{BatchGetRequest, BatchGetResponse};
use prost::Message as _;

use super::VALUES_PER_CALL_MAX;
use crate::contract::convert;
use crate::contract::refusal::Refusal;
use crate::contract::room::AnswerRoom;
use crate::contract::shared::Shared;
use crate::promise::Basis;

/// Reads every key, or refuses all of them with the index of the one that is refused.
pub(crate) async fn get(
    shared: &Shared,
    request: &BatchGetRequest,
) -> Result<BatchGetResponse, Refusal> {
    let (response, basis) = read(shared, request)?;
    shared.gate.settle(basis, Durability::Memory).await?;
    Ok(response)
}

fn read(shared: &Shared, request: &BatchGetRequest) -> Result<(BatchGetResponse, Basis), Refusal> {
    shared.check_batch(request.keys.len())?;
    let ops = request
        .keys
        .iter()
        .enumerate()
        .map(|(index, key)| convert::get_key(key).map_err(|refusal| at(index, refusal)))
        .collect::<Result<Vec<_>, _>>()?;
    let too_long = || Refusal::BatchOverAnswer { max: shared.message_bytes_max, applied: false };
    let mut room = AnswerRoom::new(shared.message_bytes_max, ops.len());
    let mut basis = Basis::default();
    let mut results = Vec::with_capacity(ops.len());
    let mut replies = Vec::with_capacity(ops.len().min(VALUES_PER_CALL_MAX));
    for ops in ops.chunks(VALUES_PER_CALL_MAX) {
        shared.store().execute_batch(ops, &mut replies)?;
        for reply in replies.drain(..) {
            let reply = reply.map_err(|error| at(results.len(), error.into()))?;
            basis = basis.and(Basis::of_read(reply.lsn));
            if let Payload::Value(value) = &reply.payload
                && !room.take_value(value.len())
            {
                return Err(too_long());
            }
            results.push(convert::get_response(reply));
        }
    }
    let response = BatchGetResponse { results };
    if room.is_uncertain() && response.encoded_len() > shared.message_bytes_max {
        return Err(too_long());
    }
    Ok((response, basis))
}

fn at(index: usize, refusal: Refusal) -> Refusal {
    Refusal::Key { index, refusal: Box::new(refusal) }
}
