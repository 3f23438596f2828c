//! One HTTP connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::pin;
use tokio::time::timeout;
use tracing::debug;

use super::api::Api;
use super::body::Unread;
use super::limits::FIRST_BYTE_TIMEOUT;
use super::service::{self, Client};
use super::stream::Stream;
use crate::listener::Accepted;
use crate::metrics::{Metered, Protocol};
use crate::shutdown::Drain;

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The settings of both protocols.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
}

/// Serves the client until it leaves or, once the server drains, until its requests in flight are answered.
pub(super) async fn serve(
    accepted: Accepted,
    api: Arc<Api>,
    settings: Arc<Settings>,
    mut drain: Drain,
) {
    let Accepted { mut stream, permit } = accepted;
    let seen = tokio::select! {
        seen = timeout(FIRST_BYTE_TIMEOUT, first_bytes(&mut stream)) => seen,
        () = drain.begun() => return,
    };
    let Ok(Some(seen)) = seen else {
        return debug!("a client connected and said nothing");
    };
    // Without it a small answer may wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        return debug!(%error, "a connection broke");
    }
    let speaks_http2 = seen.starts_with(PREFACE);
    let client = Client { account: api.gate.budget().account(), unread: Unread::default() };
    let metrics = Arc::clone(api.gate.metrics());
    metrics.bytes_in(Protocol::Http, seen.len() as u64);
    let stream = Metered::new(stream, metrics, Protocol::Http);
    let io = TokioIo::new(Stream::new(seen, stream, client.unread.clone()));
    let ended = if speaks_http2 {
        let service = service_fn(move |request| {
            let (api, client) = (Arc::clone(&api), client.clone());
            async move { Ok::<_, Infallible>(service::answer(&api, request, &client).await) }
        });
        until_drained(settings.http2.serve_connection(io, service), drain, |connection| {
            connection.graceful_shutdown();
        })
        .await
    } else {
        let service = service_fn(move |request| {
            let (api, client) = (Arc::clone(&api), client.clone());
            async move { Ok::<_, Infallible>(service::answer(&api, request, &client).await) }
        });
        until_drained(settings.http1.serve_connection(io, service), drain, |connection| {
            connection.graceful_shutdown();
        })
        .await
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
    drop(permit);
}

/// Runs a connection, and tells it when to end.
async fn until_drained<C: Future>(
    connection: C,
    mut drain: Drain,
    end: impl FnOnce(Pin<&mut C>),
) -> C::Output {
    pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = drain.begun() => {}
    }
    end(connection.as_mut());
    connection.await
}

/// Reads until it is clear whether HTTP/2 is spoken; `None` when the client leaves before.
async fn first_bytes(stream: &mut TcpStream) -> Option<Bytes> {
    let mut seen = BytesMut::with_capacity(PREFACE.len());
    while seen.len() < PREFACE.len() && (seen.is_empty() || PREFACE.starts_with(&seen)) {
        let mut rest = [0; PREFACE.len()];
        let rest = rest.get_mut(seen.len()..)?;
        let read = stream.read(rest).await.ok().filter(|read| *read > 0)?;
        seen.extend_from_slice(rest.get(..read)?);
    }
    Some(seen.freeze())
}
