//! `Pipeline`: a stream of batches, executed one after the other and answered in order.
//!
//! Batches are executed while the answers to earlier ones wait for the log, up to a bound. Beyond it, and
//! when nothing waits, a batch is taken from the connection when the answer before it has been taken by the
//! connection: a client that does not read its answers is not read from either.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use kv_core::JournalError;
use kv_proto::v1::{PipelineRequest, PipelineResponse};
use prost::Message as _;
use tokio::task::yield_now;
use tonic::Status;

use super::STREAM_WINDOW_BYTES;
use super::measured;
use crate::clock::Stopwatch;
use crate::contract::batch::{self, Executed};
use crate::contract::{Refusal, Shared};
use crate::metrics::{Operation, Protocol};
use crate::shutdown::Drain;
use crate::slow::{Answered, Caller, Following, Named};
use crate::waiting::Waiter;

/// After this many operations without a pause, other connections of the same thread have their turn: some
/// hundreds of microseconds.
const OPS_PER_TURN_MAX: usize = 1024;

/// How a batch is called among slow requests.
const PART: Named = Named::Part("Pipeline");

/// Most batches whose answers wait for the log.
const AHEAD_BATCHES_MAX: usize = 256;

/// When the answers that wait for the log take this many bytes, no further batch is executed. The one that
/// reaches it is in it.
const AHEAD_BYTES_MAX: usize = 1 << 20;

/// The answers to the batches of `inbound`.
///
/// When the server drains, the batches it has received are still answered, and then the stream ends with
/// `UNAVAILABLE`: a batch without an answer was not executed.
pub(crate) fn answers<S>(
    (shared, caller): (Arc<Shared>, Arc<Caller>),
    inbound: S,
    drain: Drain,
) -> impl Stream<Item = Result<PipelineResponse, Status>> + Send
where
    S: Stream<Item = Result<PipelineRequest, Status>> + Send + Unpin,
{
    let requests = Requests { inbound, drain, leftover_bytes: None };
    let ahead = Ahead::default();
    let (ending, taken) = (None, None);
    let session = Session { shared, caller, requests, ahead, ending, taken, ops_this_turn: 0 };
    stream::unfold(Some(session), |session| async move {
        let mut session = session?;
        // The connection has taken the answer before.
        drop(session.taken.take());
        match session.next().await {
            Ok(Some(answer)) => Some((Ok(answer), Some(session))),
            Ok(None) => None,
            Err(status) => {
                measured::count_failure(session.shared.gate.metrics(), &status);
                Some((Err(status), None))
            }
        }
    })
}

struct Session<S> {
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    requests: Requests<S>,
    ahead: Ahead,
    /// How the stream ends once everything executed is answered.
    ending: Option<Result<(), Status>>,
    /// The batch that was answered last, until the connection has taken the answer.
    taken: Option<Answered>,
    ops_this_turn: usize,
}

impl<S: Stream<Item = Result<PipelineRequest, Status>> + Unpin> Session<S> {
    /// The next answer; `None` when the client has ended the stream.
    async fn next(&mut self) -> Result<Option<PipelineResponse>, Status> {
        loop {
            if self.ops_this_turn >= OPS_PER_TURN_MAX {
                self.ops_this_turn = 0;
                yield_now().await;
            }
            let settled = match (self.ahead.is_empty(), self.ending.is_none()) {
                (true, true) => {
                    let received = self.requests.next().await;
                    if let Some(answer) = self.execute(received)? {
                        return Ok(Some(answer));
                    }
                    continue;
                }
                (true, false) => return self.ending.take().unwrap_or(Ok(())).map(|()| None),
                (false, true) if self.ahead.has_room() => tokio::select! {
                    biased;
                    settled = self.ahead.settled(&self.shared) => settled,
                    received = self.requests.next() => {
                        self.execute(received)?;
                        continue;
                    }
                },
                (false, _) => self.ahead.settled(&self.shared).await,
            };
            return self.answer_oldest(settled).map(Some);
        }
    }

    fn answer_oldest(
        &mut self,
        settled: Result<(), JournalError>,
    ) -> Result<PipelineResponse, Status> {
        let (answer, answered) = self.ahead.take(settled, &self.shared)?;
        self.taken = answered;
        Ok(answer)
    }

    /// Executes what was received. Its answer comes back when nothing has to be waited for; else it joins
    /// those that wait. What ends the stream ends it after them.
    fn execute(
        &mut self,
        received: Result<Option<PipelineRequest>, Status>,
    ) -> Result<Option<PipelineResponse>, Status> {
        let request = match received {
            Ok(Some(request)) => request,
            ended => {
                self.ending = Some(ended.map(|_none| ()));
                return Ok(None);
            }
        };
        let started = Stopwatch::start();
        let (batch, tag) = (request.batch.unwrap_or_default(), request.tag);
        self.ops_this_turn += batch.ops.len().max(1);
        let mut following = Following::begin(&self.caller, started);
        let executed = following
            .during(|| batch::write(&self.shared, &batch))
            .and_then(|executed| Ok((executed.waiter(&self.shared)?, executed)));
        let took = started.elapsed();
        let answered = following.answered(PART, Operation::Pipeline, (started, took));
        let (waiter, executed) = match executed {
            Ok(executed) => executed,
            Err(refusal) => {
                self.ending = Some(Err(refusal.into()));
                return Ok(None);
            }
        };
        if waiter.is_none() && self.ahead.is_empty() {
            let batch = Some(executed.finish(&self.shared)?);
            record(&self.shared, took);
            self.taken = Some(answered);
            return Ok(Some(PipelineResponse { batch, tag }));
        }
        let bytes = executed.bytes();
        self.ahead.push(Pending { executed, tag, waiter, bytes, started, answered });
        Ok(None)
    }
}

/// A batch that was executed and is not answered yet.
struct Pending {
    executed: Executed,
    tag: u64,
    /// What the answer waits for, apart from those before it.
    waiter: Option<Waiter>,
    bytes: usize,
    /// Since it was received.
    started: Stopwatch,
    answered: Answered,
}

/// Counts a batch that is answered.
fn record(shared: &Shared, took: Duration) {
    shared.gate.metrics().record(Protocol::Grpc, Operation::Pipeline, took, 1);
}

/// The batches that were executed and are not answered yet, the oldest first.
#[derive(Default)]
struct Ahead {
    pending: VecDeque<Pending>,
    bytes: usize,
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether one more batch may be executed.
    fn has_room(&self) -> bool {
        self.pending.len() < AHEAD_BATCHES_MAX && self.bytes < AHEAD_BYTES_MAX
    }

    fn push(&mut self, pending: Pending) {
        self.bytes += pending.bytes;
        self.pending.push_back(pending);
    }

    /// Waits until the oldest may be answered, or never may. Only the oldest is known to the log: those
    /// behind it have mostly come as far when it has.
    async fn settled(&mut self, shared: &Shared) -> Result<(), JournalError> {
        match self.pending.front_mut().and_then(|oldest| oldest.waiter.as_mut()) {
            Some(waiter) => waiter.wait(shared.store().progress()).await,
            None => Ok(()),
        }
    }

    /// Takes the oldest, whose wait has ended so.
    fn take(
        &mut self,
        settled: Result<(), JournalError>,
        shared: &Shared,
    ) -> Result<(PipelineResponse, Option<Answered>), Refusal> {
        let Some(pending) = self.pending.pop_front() else {
            return Ok((PipelineResponse::default(), None));
        };
        let Pending { executed, tag, bytes, started, mut answered, .. } = pending;
        self.bytes -= bytes;
        answered.logged();
        settled.map_err(|failure| executed.unknown(failure))?;
        let batch = Some(executed.finish(shared)?);
        record(shared, started.elapsed());
        Ok((PipelineResponse { batch, tag }, Some(answered)))
    }
}

/// What the client sends, until it ends or the server drains.
struct Requests<S> {
    inbound: S,
    drain: Drain,
    /// Once the server drains: how much of what was received before may be left.
    leftover_bytes: Option<usize>,
}

impl<S: Stream<Item = Result<PipelineRequest, Status>> + Unpin> Requests<S> {
    /// The next request. Dropping the future loses none.
    async fn next(&mut self) -> Result<Option<PipelineRequest>, Status> {
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
