//! What the client sends in one call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body as _;
use tonic::body::Body;

/// Moves the body of a request into its stream. Ends when all of it is sent, or when the server does not want
/// it any more; what became of the call its answer tells.
///
/// Of the body is in memory: a piece that waits for room, and what HTTP/2 has taken, which is no more than a
/// piece beyond what it buffers (400 KiB).
pub(super) struct Upload {
    body: Body,
    stream: SendStream<Bytes>,
    /// The next piece. It is kept until it is known whether it is the last: the end of a stream needs no
    /// frame of its own then.
    held: Option<Bytes>,
    /// Whether a piece was sent. The first one waits for no room: calls with one message have nothing else.
    begun: bool,
}

impl Upload {
    pub(super) fn new(body: Body, stream: SendStream<Bytes>) -> Self {
        Self { body, stream, held: None, begun: false }
    }

    /// Waits until the server takes more; `Err` when it does not want it any more.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        // The rest of a piece waits inside of HTTP/2: room for a byte is room for a piece.
        self.stream.reserve_capacity(1);
        while self.stream.capacity() == 0 {
            match ready!(self.stream.poll_capacity(context)) {
                Some(outcome) => outcome.map(drop)?,
                None => return Poll::Ready(Err(Reason::CANCEL.into())),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn send_held(&mut self) -> Result<(), h2::Error> {
        let Some(piece) = self.held.take() else { return Ok(()) };
        self.begun = true;
        self.stream.send_data(piece, false)
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        loop {
            // Room is asked for when there is something to send, and only then: it is taken from all
            // streams of the connection.
            if self.begun && self.held.is_some() {
                ready!(self.poll_room(context))?;
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.send_held()?;
                    self.held = frame.into_data().ok();
                }
                Poll::Ready(Some(Err(_unreadable))) => {
                    self.stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(None) => {
                    let last = self.held.take().unwrap_or_default();
                    return Poll::Ready(self.stream.send_data(last, true));
                }
                Poll::Pending => {
                    self.send_held()?;
                    return self.stream.poll_reset(context).map(|outcome| outcome.map(drop));
                }
            }
        }
    }
}

impl Future for Upload {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let outcome = ready!(self.poll_all(context));
        if outcome.is_err() {
            // A piece that HTTP/2 does not take: whoever waits for the answer shall know.
            self.stream.send_reset(Reason::CANCEL);
        }
        Poll::Ready(())
    }
}
