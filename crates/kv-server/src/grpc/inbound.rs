//! The body of a call: what has arrived of it is held in the account of the connection, and may not take for
//! ever.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tonic::Status;

use super::counter::{Counter, Excess};
use super::framing::Framing;
use crate::budget::Held;
use crate::clock::Stopwatch;
use crate::contract::Refusal;
use crate::patience::{Patience, allowed};
use crate::slow::tell;

/// The body of a call.
#[derive(Debug)]
pub(crate) struct Inbound {
    incoming: Incoming,
    held: Arc<Held>,
    /// How long what has begun to arrive may take.
    timeout: Duration,
    patience: Patience,
    messages: Messages,
    /// Counts what may be there often.
    counter: Option<Counter>,
    /// Why the body ends after what was given out of it.
    ending: Option<Refusal>,
    /// Since when the rest of it is waited for.
    missing: Option<Stopwatch>,
}

/// How many messages there are.
#[derive(Debug)]
pub(crate) enum Messages {
    /// One: all that has arrived is held until the call ends.
    One {
        /// Bytes that have arrived.
        arrived: u64,
    },
    /// Many, one after the other: each is held until the next is asked for.
    Many {
        /// Where they begin and end.
        framing: Framing,
        /// Bytes that are held.
        held: u64,
    },
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl Inbound {
    /// Holds what arrives of a call's body, and counts what is in its messages.
    pub(crate) fn new(
        incoming: Incoming,
        held: Arc<Held>,
        timeout: Duration,
        (messages, counter): (Messages, Option<Counter>),
    ) -> Self {
        let patience = Patience::new(timeout);
        Self { incoming, held, timeout, patience, messages, counter, ending: None, missing: None }
    }

    /// The messages that had arrived completely have been taken: whoever asks has no other.
    fn let_go(&mut self) {
        if let Messages::Many { framing, held } = &mut self.messages {
            self.held.remove(held.saturating_sub(framing.partial()));
            *held = framing.partial();
        }
    }

    /// Holds what has arrived, and looks at how much is in it. Messages before one that is refused come first.
    fn take(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Refusal> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return Ok(trailers),
        };
        self.hold(&data)?;
        match self.counter.as_mut().map_or(Ok(()), |counter| counter.advance(&data)) {
            Ok(()) => Ok(Frame::data(data)),
            Err(Excess { at: 0, refusal }) => Err(refusal),
            Err(Excess { at, refusal }) => {
                self.ending = Some(refusal);
                Ok(Frame::data(data.slice(..at)))
            }
        }
    }

    fn hold(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let bytes = data.len() as u64;
        let added = self.held.add(bytes);
        added.map_err(|overload| Refusal::Overloaded { overload, executed: false })?;
        match &mut self.messages {
            Messages::One { arrived } => *arrived += bytes,
            Messages::Many { framing, held } => {
                *held += bytes;
                if framing.advance(data) {
                    self.patience.renew();
                }
            }
        }
        Ok(())
    }

    /// Tells how long the rest of the request had to be waited for, if it had.
    fn note_arrival(&mut self, is_there: bool) {
        if !is_there {
            self.missing.get_or_insert_with(Stopwatch::start);
        } else if let Some(missing) = self.missing.take() {
            tell::arrival(missing.elapsed());
        }
    }

    /// Waits for more, which may take as long as it likes between messages.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Refusal> {
        let arrived = match &self.messages {
            Messages::One { arrived } => *arrived,
            Messages::Many { framing, .. } if framing.partial() == 0 => return Poll::Pending,
            Messages::Many { framing, .. } => framing.partial(),
        };
        let within = allowed(self.timeout, arrived);
        self.patience.poll(arrived, context).map(|()| Refusal::TooSlow { arrived, within })
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        this.let_go();
        if let Some(refusal) = this.ending.take() {
            return Poll::Ready(Some(Err(Status::from(refusal).into())));
        }
        let polled = Pin::new(&mut this.incoming).poll_frame(context);
        this.note_arrival(polled.is_ready());
        let taken = match polled {
            Poll::Pending => Err(ready!(this.wait(context))),
            Poll::Ready(Some(Ok(frame))) => this.take(frame),
            ended @ Poll::Ready(_) => return ended.map_err(Error::from),
        };
        Poll::Ready(Some(taken.map_err(|refusal| Status::from(refusal).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.ending.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
