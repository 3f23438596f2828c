//! One HTTP connection, from its first byte to its end.

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::server::conn::{http1 as hyper_http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use super::activity::Activity;
use super::api::Api;
use super::content::Content;
use super::http1::{self, Socket};
use super::limits::FIRST_BYTE_TIMEOUT;
use super::service::{self, Client};
use super::stream::Stream;
use crate::budget::Account;
use crate::listener::Accepted;
use crate::metrics::{Metered, Protocol};
use crate::patience::STALL_MAX;
use crate::shutdown::Drain;
use crate::slow::Caller;

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The settings of both protocols.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) http1: hyper_http1::Builder,
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
    let addr = match stream.peer_addr() {
        Ok(addr) => addr,
        Err(error) => return debug!(%error, "a connection broke"),
    };
    let speaks_http2 = seen.starts_with(PREFACE);
    let metrics = Arc::clone(api.gate.metrics());
    metrics.bytes_in(Protocol::Http, seen.len() as u64);
    let activity = Activity::default();
    let stream = Metered::new(stream, metrics, Protocol::Http);
    let stream = Stream::new(seen, stream, activity.clone());
    let account = api.gate.budget().account();
    let caller = Caller::new(&api.gate, Protocol::Http, addr);
    let client = Client { account: Arc::clone(&account), activity: activity.clone(), caller };
    let service = service_fn(move |request| {
        let (api, client) = (Arc::clone(&api), client.clone());
        let in_flight = client.activity.request();
        async move {
            let answer = service::answer(&api, request, &client).await;
            drop(in_flight);
            Ok::<_, Infallible>(answer)
        }
    });
    let ended = if speaks_http2 {
        let whose = (&*account, &activity);
        Box::pin(serve_http2(stream, service, &settings.http2, whose, drain)).await
    } else {
        http1::serve(stream, service, (&settings.http1, &activity), drain).await
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
    drop(permit);
}

/// Serves the client until it leaves or, once the server drains, until its requests in flight are answered.
async fn serve_http2<S>(
    socket: Socket,
    service: S,
    http2: &http2::Builder<TokioExecutor>,
    (account, activity): (&Account, &Activity),
    mut drain: Drain,
) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Content>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send + 'static,
{
    // Whenever it ends, the client may be telling how much it has received.
    activity.leave_unread();
    let mut connection = pin!(http2.serve_connection(TokioIo::new(socket), service));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = account.stalled(STALL_MAX) => {
            debug!("a client took no answers");
            return Ok(());
        }
        () = drain.begun() => {}
    }
    connection.as_mut().graceful_shutdown();
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
