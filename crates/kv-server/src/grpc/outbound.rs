//! The body of an answer: what the connection has not taken yet is held in its account.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::budget::{Held, Overload};
use crate::contract::Refusal;
use crate::metrics::{ErrorKind, Metrics, Protocol};
use crate::slow::Answered;

/// The body of an answer. A piece is held until the next is asked for: then the connection has taken it.
pub(crate) struct Outbound {
    body: Body,
    held: Arc<Held>,
    metrics: Arc<Metrics>,
    /// Bytes of the last piece.
    piece: u64,
    /// Whether the answer is a read's alone, so that nothing has happened when it cannot be given.
    reads: bool,
    has_ended: bool,
    /// The call, which is over when the connection drops this.
    _answered: Option<Answered>,
}

impl Outbound {
    /// Holds what is sent of an answer.
    pub(crate) fn new(
        body: Body,
        held: Arc<Held>,
        metrics: Arc<Metrics>,
        (reads, answered): (bool, Option<Answered>),
    ) -> Self {
        Self { body, held, metrics, piece: 0, reads, has_ended: false, _answered: answered }
    }

    /// Ends the answer with what stands in the way of it.
    fn end(&mut self, overload: Overload) -> Frame<Bytes> {
        self.has_ended = true;
        self.metrics.error(Protocol::Grpc, ErrorKind::Exhausted);
        let status = Status::from(Refusal::Overloaded { overload, executed: !self.reads });
        let mut trailers = HeaderMap::new();
        let added = status.add_header(&mut trailers);
        debug_assert!(added.is_ok(), "what the program says of itself can be a header");
        Frame::trailers(trailers)
    }
}

impl hyper::body::Body for Outbound {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        this.held.remove(std::mem::take(&mut this.piece));
        if this.has_ended {
            return Poll::Ready(None);
        }
        let polled = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(Ok(frame)) = &polled
            && let Some(data) = frame.data_ref()
        {
            let bytes = data.len() as u64;
            match this.held.add(bytes) {
                Ok(()) => this.piece = bytes,
                Err(overload) => return Poll::Ready(Some(Ok(this.end(overload)))),
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
