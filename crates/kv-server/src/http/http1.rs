//! An HTTP/1 connection. While there is nothing to read or to send it holds a socket and little else.
//!
//! ```text
//!            something to read                    everything answered and sent
//!  parked ───────────────────▶ hyper's connection ────────────────────────────▶ parked
//!  (socket)                    (socket, buffers)
//! ```
//!
//! hyper keeps the buffers of a connection as long as it lives, about 20 KiB; so it lives only as long as they
//! are of use.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, Connection, Parts};
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use super::content::Content;
use super::limits::{HEAD_BYTES_MAX, HEAD_TIMEOUT, READ_AHEAD_BYTES_MAX};
use super::stream::Stream;
use crate::metrics::Metered;
use crate::shutdown::Drain;

/// The socket of a connection.
pub(super) type Socket = Stream<Metered<TcpStream>>;

/// Why a wait ends.
enum Next {
    /// There is nothing to do before something is received.
    Park,
    /// Something was received.
    GoOn,
    /// The connection is over.
    End,
}

/// What ends the wait for a request that does not come.
struct Ends<'a, D> {
    /// Ready once the server drains.
    drain: Pin<&'a mut D>,
    /// Whether hyper knows that the connection is to end.
    is_told: bool,
    /// Ready when the head of the next request is overdue.
    overdue: Pin<&'a mut Sleep>,
}

/// The settings of every connection. hyper's `pipeline_flush` stays off: it would copy every value, however
/// large, into a buffer. Its timeout for heads does too: it would begin with every request anew.
pub(super) fn settings() -> Builder {
    let mut http1 = Builder::new();
    http1
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(READ_AHEAD_BYTES_MAX);
    http1
}

/// Serves the client until it leaves, keeps a request waiting for too long or, once the server drains, until
/// its requests in flight are answered.
pub(super) async fn serve<S>(
    mut socket: Socket,
    mut service: S,
    (http1, activity): (&Builder, &Activity),
    mut drain: Drain,
) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Content>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (drain, overdue) = (pin!(drain.begun()), pin!(sleep_until(head_due())));
    let mut ends = Ends { drain, is_told: false, overdue };
    loop {
        activity.begin();
        let mut active = Box::new(http1.serve_connection(TokioIo::new(socket), service));
        let next = poll_fn(|context| ends.poll_active(context, &mut active, activity)).await?;
        if matches!(next, Next::End) {
            return Ok(());
        }
        let Parts { io, read_buf, service: same, .. } = active.into_parts();
        (socket, service) = (io.into_inner(), same);
        socket.put_back(read_buf);
        ends.overdue.as_mut().reset(head_due());
        let next = poll_fn(|context| ends.poll_parked(context, &socket)).await;
        if matches!(next, Next::End) {
            return Ok(());
        }
    }
}

/// By when the next head must have come.
fn head_due() -> Instant {
    Instant::now() + HEAD_TIMEOUT
}

impl<D: Future<Output = ()>> Ends<'_, D> {
    /// Lets hyper read, answer and send until there is nothing of that to do.
    fn poll_active<S>(
        &mut self,
        context: &mut Context<'_>,
        active: &mut Connection<TokioIo<Socket>, S>,
        activity: &Activity,
    ) -> Poll<hyper::Result<Next>>
    where
        S: HttpService<Incoming, ResBody = Content>,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        loop {
            if let Poll::Ready(ended) = Pin::new(&mut *active).poll(context) {
                return Poll::Ready(ended.map(|()| Next::End));
            }
            if !self.is_told {
                if activity.is_idle() {
                    return Poll::Ready(Ok(Next::Park));
                }
                // Where the next request begins is not known when the one before was not read to its end.
                if activity.has_unread() || self.drain.as_mut().poll(context).is_ready() {
                    self.is_told = true;
                    Pin::new(&mut *active).graceful_shutdown();
                    continue;
                }
            }
            if activity.awaits_head() && self.overdue.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(Next::End));
            }
            return Poll::Pending;
        }
    }

    /// Waits for more of the client.
    fn poll_parked(&mut self, context: &mut Context<'_>, socket: &Socket) -> Poll<Next> {
        // An error is for hyper to meet.
        if socket.poll_readable(context).is_ready() {
            return Poll::Ready(Next::GoOn);
        }
        let is_over = self.drain.as_mut().poll(context).is_ready()
            || self.overdue.as_mut().poll(context).is_ready();
        if is_over { Poll::Ready(Next::End) } else { Poll::Pending }
    }
}
