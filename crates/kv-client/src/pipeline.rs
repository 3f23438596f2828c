//! A stream of batches, answered in order: the fastest way to execute many operations.
//!
//! The bound on batches in flight is the capacity of one queue: the sender puts what it needs to
//! remember of a batch into the queue and then sends the batch, the receiver takes it out when the
//! answer has come. So the queue is full exactly when as many batches as allowed await answers.

use std::fmt;
use std::time::Duration;

use kv_proto::v1 as wire;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::batch::Expected;
use crate::limits::{IN_FLIGHT_DEFAULT, IN_FLIGHT_MAX};
use crate::op::Detached;
use crate::status::{self, Effect};
use crate::{Batch, BatchReply, Client, ConfigError, Error};

/// A batch under way.
#[derive(Debug)]
struct InFlight {
    tag: u64,
    expected: Expected,
}

/// Describes a pipeline before it is opened.
#[derive(Debug, Clone)]
#[must_use = "a pipeline does nothing until it is opened"]
pub struct PipelineBuilder {
    client: Client,
    in_flight_max: usize,
}

/// Sends batches and receives their answers in order. Split it to do both at once.
#[derive(Debug)]
pub struct Pipeline {
    sender: PipelineSender,
    receiver: PipelineReceiver,
}

/// The half that sends. Dropping it ends the stream: the receiver gets the answers still due, and
/// then `None`.
pub struct PipelineSender {
    client: Client,
    /// Dropped before `requests`, so that the receiver never sees the stream end while batches may
    /// still be noted.
    in_flight: mpsc::Sender<InFlight>,
    requests: mpsc::Sender<wire::PipelineRequest>,
    tag_next: u64,
}

/// The half that receives.
pub struct PipelineReceiver {
    answers: Streaming<wire::PipelineResponse>,
    in_flight: mpsc::Receiver<InFlight>,
    address: String,
    answer_timeout: Duration,
    failed: bool,
}

impl Client {
    /// Describes a stream of batches; [`PipelineBuilder::open`] opens it.
    pub fn pipeline(&self) -> PipelineBuilder {
        PipelineBuilder { client: self.clone(), in_flight_max: IN_FLIGHT_DEFAULT }
    }
}

impl PipelineBuilder {
    /// How many batches may await their answers at once: 8 unless called. Memory on both sides grows
    /// with it; throughput stops to grow when the way there and back is covered.
    pub fn in_flight_max(mut self, batches: usize) -> Self {
        self.in_flight_max = batches;
        self
    }

    /// Opens the stream.
    ///
    /// # Errors
    /// The bound is out of range, or no server answers.
    pub async fn open(self) -> Result<Pipeline, Error> {
        if self.in_flight_max == 0 || self.in_flight_max > IN_FLIGHT_MAX {
            return Err(ConfigError::InFlight { given: self.in_flight_max }.into());
        }
        let open = |to: &crate::pool::Target| {
            let (mut kv, address) = (to.kv(), to.address.to_string());
            let (requests, outgoing) = mpsc::channel(self.in_flight_max);
            async move {
                let answers = kv.pipeline(ReceiverStream::new(outgoing)).await?;
                Ok((requests, answers.into_inner(), address))
            }
        };
        // To open the stream changes nothing, so that it may be tried again like a read.
        let route = self.client.pool().any();
        let (requests, answers, address) = self.client.run(Effect::Read, route, open).await?;
        let (noted, in_flight) = mpsc::channel(self.in_flight_max);
        Ok(Pipeline {
            sender: PipelineSender {
                client: self.client.clone(),
                requests,
                in_flight: noted,
                tag_next: 0,
            },
            receiver: PipelineReceiver {
                answers,
                in_flight,
                address,
                answer_timeout: self.client.request_timeout(),
                failed: false,
            },
        })
    }
}

impl Pipeline {
    /// Sends a batch without waiting for its answer.
    ///
    /// # Errors
    /// [`Error::PipelineFull`] when as many batches as allowed await their answers: receive one
    /// first. [`Error::PipelineClosed`] after [`recv`](Self::recv) has returned an error.
    pub async fn send(&mut self, batch: Batch) -> Result<(), Error> {
        // Only this task could make room, so that waiting would never end.
        if self.is_full() {
            return Err(Error::PipelineFull {
                in_flight_max: self.sender.in_flight.max_capacity(),
            });
        }
        self.sender.send(batch).await
    }

    /// Receives the answer to the oldest batch that awaits one; `None` when none does.
    ///
    /// # Errors
    /// [`Error::BatchNotApplied`] concerns this batch only. After any other error, a refusal of a whole
    /// batch included, the pipeline is closed: what was sent after that batch was not executed.
    pub async fn recv(&mut self) -> Option<Result<BatchReply, Error>> {
        if self.in_flight() == 0 && !self.receiver.failed {
            return None;
        }
        self.receiver.recv().await
    }

    /// How many batches await their answers.
    pub fn in_flight(&self) -> usize {
        self.receiver.in_flight.len()
    }

    /// Whether an answer must be received before the next batch can be sent.
    pub fn is_full(&self) -> bool {
        self.sender.in_flight.capacity() == 0
    }

    /// Splits the pipeline for two tasks: one sends, the other receives.
    pub fn split(self) -> (PipelineSender, PipelineReceiver) {
        (self.sender, self.receiver)
    }
}

impl PipelineSender {
    /// Sends a batch; waits while as many batches as allowed await their answers.
    ///
    /// # Errors
    /// [`Error::PipelineClosed`] when the receiver is gone or has returned an error. A batch over the
    /// message limit is refused and leaves the pipeline as it is.
    pub async fn send(&mut self, batch: Batch<Detached>) -> Result<(), Error> {
        let (request, expected) = batch.into_parts();
        let tag = self.tag_next;
        let request = wire::PipelineRequest { batch: Some(request), tag };
        self.client.check_length(&request)?;
        let place = self.in_flight.reserve().await.map_err(|_closed| Error::PipelineClosed)?;
        self.tag_next += 1;
        // Noted first, so that the answer cannot come before. From there on nothing waits: there is
        // room for the request, as no more are on their way than batches in flight.
        place.send(InFlight { tag, expected });
        self.requests.try_send(request).map_err(|_closed| Error::PipelineClosed)
    }
}

impl PipelineReceiver {
    /// Receives the answer to the oldest batch that awaits one, or waits for a batch to be sent;
    /// `None` when the sender was dropped and everything is answered, or after an error that closed
    /// the pipeline. Dropping the future loses no answer.
    ///
    /// # Errors
    /// [`Error::BatchNotApplied`] concerns this batch only. After a refusal of a whole batch the pipeline
    /// is closed, and what was sent after that batch was not executed. After any other error it is
    /// closed too, and what became of the batches in flight is unknown.
    pub async fn recv(&mut self) -> Option<Result<BatchReply, Error>> {
        if self.failed {
            return None;
        }
        let answer = match self.next_answer().await {
            Ok(Some(answer)) => answer,
            Ok(None) if !self.in_flight.is_empty() => {
                return Some(Err(self.fail("the server ended the stream")));
            }
            // The sender is gone: that is how a stream should end.
            Ok(None) if self.in_flight.is_closed() => return None,
            Ok(None) => return Some(Err(self.ended())),
            Err(error) => {
                self.close();
                return Some(Err(error));
            }
        };
        let Ok(InFlight { tag, expected }) = self.in_flight.try_recv() else {
            self.close();
            let message = "the server answered a batch that was not sent".to_owned();
            return Some(Err(Error::Internal { message }));
        };
        if tag != answer.tag {
            self.close();
            let message = format!("the server answered batch {} instead of {tag}", answer.tag);
            return Some(Err(Error::Internal { message }));
        }
        Some(expected.read(answer.batch.unwrap_or_default()))
    }

    /// How many batches await their answers.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The next message, with a limit on the wait while one is due.
    async fn next_answer(&mut self) -> Result<Option<wire::PipelineResponse>, Error> {
        loop {
            let due = !self.in_flight.is_empty();
            match tokio::time::timeout(self.answer_timeout, self.answers.message()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) => {
                    let failure = status::classify(status, &self.address, Effect::Write);
                    return Err(match failure.error {
                        // It says that the stream is over, not that nothing was done.
                        Error::Busy { message, .. } if !self.in_flight.is_empty() => {
                            self.fail(&message)
                        }
                        error => error,
                    });
                }
                Err(_elapsed) if due => {
                    let after = self.answer_timeout;
                    return Err(self.fail(&format!("nothing came within {after:?}")));
                }
                Err(_elapsed) => {}
            }
        }
    }

    fn fail(&mut self, message: &str) -> Error {
        self.close();
        Error::OutcomeUnknown { address: self.address.clone(), message: message.to_owned() }
    }

    /// The server ended the stream while nothing was in flight, and before the sender did.
    fn ended(&mut self) -> Error {
        self.close();
        let message = "the server ended the stream".to_owned();
        Error::Unreachable { address: self.address.clone(), message, source: None }
    }

    /// Makes the sender's next `send` fail.
    fn close(&mut self) {
        self.failed = true;
        self.in_flight.close();
    }
}

impl fmt::Debug for PipelineSender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("PipelineSender");
        debug.field("sent", &self.tag_next).finish_non_exhaustive()
    }
}

impl fmt::Debug for PipelineReceiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("PipelineReceiver");
        debug.field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}
