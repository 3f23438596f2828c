//! What the server sends in answer to one call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::StatusCode;
use http_body::{Body, Frame};

use super::TransportError;

/// The body of an answer: messages as they come, then the status.
#[derive(Debug)]
pub(crate) struct Answer {
    stream: RecvStream,
    /// Whether what comes are messages. With an HTTP status of its own it is a page for people, which is not
    /// read: it would be taken for a message that makes no sense, and hide the status.
    is_grpc: bool,
}

impl Answer {
    pub(super) fn new(status: StatusCode, stream: RecvStream) -> Self {
        Self { stream, is_grpc: status.is_success() }
    }

    fn poll_trailers(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let trailers = ready!(self.stream.poll_trailers(context)).map_err(TransportError::Lost);
        Poll::Ready(trailers.transpose().map(|trailers| trailers.map(Frame::trailers)))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        if !self.is_grpc {
            return Poll::Ready(None);
        }
        match ready!(self.stream.poll_data(context)) {
            Some(Ok(data)) => {
                // Who asks for a part takes it: the server may send as much again. It fails on streams that
                // are over only, which need no room.
                let _over = self.stream.flow_control().release_capacity(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            // The server has said everything, and wants to hear no more.
            Some(Err(error)) if error.reason() == Some(Reason::NO_ERROR) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(TransportError::Lost(error)))),
            None => self.poll_trailers(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.is_grpc || self.stream.is_end_stream()
    }
}
