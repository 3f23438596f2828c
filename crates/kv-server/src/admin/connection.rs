//! One client of the admin listener, from its first byte to its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::pin;
use tokio::time::timeout;
use tracing::debug;

use super::pages::Pages;
use crate::listener::Accepted;

/// How long a client may take to send a request, and be silent between two. Prometheus asks every 15 s to 60 s.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(90);

/// How long a connection lasts at most: whatever holds it up, its place becomes free.
const LIFETIME: Duration = Duration::from_mins(10);

/// After that, how long the answer under way may take.
const GRACE: Duration = Duration::from_secs(10);

/// Longest request line and headers.
const HEADERS_BYTES_MAX: usize = 16 << 10;

/// Serves the client until it leaves or is too slow.
pub(super) async fn serve(accepted: Accepted, pages: Arc<Pages>) {
    let Accepted { stream, permit } = accepted;
    let answer = service_fn(move |request: hyper::Request<_>| {
        let response = pages.answer(request.method(), request.uri().path());
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(HEADERS_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    pin!(connection);
    let ended = match timeout(LIFETIME, connection.as_mut()).await {
        Ok(ended) => ended,
        Err(_too_long) => {
            connection.as_mut().graceful_shutdown();
            timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(%error, "an admin connection broke");
    }
    drop(permit);
}
