//! One gRPC connection, from its first byte to its end.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::pin;
use tokio::time::timeout;
use tracing::debug;

use super::services::Services;
use crate::lingering::Gentle;
use crate::listener::Accepted;
use crate::metrics::{Metered, Protocol};
use crate::patience::STALL_MAX;
use crate::shutdown::Drain;

/// How long a client may be silent after it connected. HTTP/2's own signs of life begin with the first
/// bytes; without this, whatever connects and says nothing would keep its place for ever.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves the client until it leaves or, once the server drains, until its calls in flight have ended.
pub(crate) async fn serve(
    accepted: Accepted,
    services: Services,
    http2: http2::Builder<TokioExecutor>,
    mut drain: Drain,
) {
    let Accepted { stream, permit } = accepted;
    tokio::select! {
        speaks = speaks(&stream) => if !speaks {
            return debug!("a client connected and said nothing");
        },
        () = drain.begun() => return,
    }
    // Without it a small answer may wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        return debug!(%error, "a connection broke");
    }
    let addr = match stream.peer_addr() {
        Ok(addr) => addr,
        Err(error) => return debug!(%error, "a connection broke"),
    };
    let stream = Metered::new(stream, Arc::clone(services.metrics()), Protocol::Grpc);
    let calls = services.calls(addr);
    let account = Arc::clone(calls.account());
    let connection = http2.serve_connection(TokioIo::new(Gentle::new(stream)), calls);
    pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = account.stalled(STALL_MAX) => return debug!("a client took no answers"),
        () = drain.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
    drop(permit);
}

/// Whether the client sends a first byte, which stays where it is.
async fn speaks(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(timeout(FIRST_BYTE_TIMEOUT, stream.peek(&mut first)).await, Ok(Ok(1)))
}
