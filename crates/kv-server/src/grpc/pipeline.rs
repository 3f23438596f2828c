//! `Pipeline`: a stream of batches, executed one after the other and answered in order.
//!
//! A batch is taken from the connection when the answer before it has been taken by the connection. So a
//! client that does not read its answers is not read from either, and nothing is queued here.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use kv_proto::v1::{PipelineRequest, PipelineResponse};
use prost::Message as _;
use tokio::task::yield_now;
use tonic::Status;

use super::STREAM_WINDOW_BYTES;
use super::batch;
use super::refusal::Refusal;
use super::shared::Shared;
use crate::shutdown::Drain;

/// After this many operations without a pause, other connections of the same thread have their turn: some
/// hundreds of microseconds.
const OPS_PER_TURN_MAX: usize = 1024;

/// The answers to the batches of `inbound`.
///
/// When the server drains, the batches it has received are still answered, and then the stream ends with
/// `UNAVAILABLE`: a batch without an answer was not executed.
pub(crate) fn answers<S>(
    shared: Arc<Shared>,
    inbound: S,
    drain: Drain,
) -> impl Stream<Item = Result<PipelineResponse, Status>> + Send
where
    S: Stream<Item = Result<PipelineRequest, Status>> + Send + Unpin,
{
    let session = Session { shared, inbound, drain, leftover_bytes: None, ops_this_turn: 0 };
    stream::unfold(Some(session), |session| async move {
        let mut session = session?;
        match session.next().await {
            Ok(Some(answer)) => Some((Ok(answer), Some(session))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    })
}

struct Session<S> {
    shared: Arc<Shared>,
    inbound: S,
    drain: Drain,
    /// Once the server drains: how much of what was received before may be left.
    leftover_bytes: Option<usize>,
    ops_this_turn: usize,
}

impl<S: Stream<Item = Result<PipelineRequest, Status>> + Unpin> Session<S> {
    /// Executes the next batch; `None` when the client has ended the stream.
    async fn next(&mut self) -> Result<Option<PipelineResponse>, Status> {
        if self.ops_this_turn >= OPS_PER_TURN_MAX {
            self.ops_this_turn = 0;
            yield_now().await;
        }
        let Some(request) = self.receive().await? else {
            return Ok(None);
        };
        let (batch, tag) = (request.batch.unwrap_or_default(), request.tag);
        self.ops_this_turn += batch.ops.len().max(1);
        let batch = batch::write(&self.shared, &batch)?;
        Ok(Some(PipelineResponse { batch: Some(batch), tag }))
    }

    async fn receive(&mut self) -> Result<Option<PipelineRequest>, Status> {
        if !self.drain.has_begun() {
            tokio::select! {
                biased;
                request = self.inbound.next() => return request.transpose(),
                () = self.drain.begun() => {}
            }
        }
        self.receive_leftover()
    }

    /// Takes what was received before the server began to drain: no more than the flow control window
    /// lets a client send ahead, after the batch that was being received.
    fn receive_leftover(&mut self) -> Result<Option<PipelineRequest>, Status> {
        if self.leftover_bytes == Some(0) {
            return Err(Refusal::ShuttingDown.into());
        }
        let Some(request) = self.inbound.next().now_or_never() else {
            return Err(Refusal::ShuttingDown.into());
        };
        let Some(request) = request.transpose()? else {
            return Ok(None);
        };
        self.leftover_bytes = Some(match self.leftover_bytes {
            None => STREAM_WINDOW_BYTES as usize,
            Some(left) => left.saturating_sub(request.encoded_len()),
        });
        Ok(Some(request))
    }
}
