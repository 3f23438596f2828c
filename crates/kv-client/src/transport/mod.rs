//! HTTP/2 as gRPC needs it, on `h2` itself (ADR-0025).
//!
//! A call is made by the task that makes it: it puts its frames into the connection and waits for the
//! answer. Each connection has one task, which reads and writes.
//!
//! This file owns the way of a call; `link` opens connections when they are needed, `connection` drives
//! each one, `upload` and `answer` are the two directions of a call.

mod answer;
mod connection;
mod error;
mod heard;
mod link;
mod peer;
mod upload;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{FutureExt, poll_immediate};
use http::header::{HeaderValue, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use tokio::runtime::Handle;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};

pub(crate) use answer::Answer;
pub(crate) use error::TransportError;
use link::Link;
use peer::Peer;
use upload::Upload;

/// What the client calls itself.
const NAME: HeaderValue =
    HeaderValue::from_static(concat!("kv-client/", env!("CARGO_PKG_VERSION")));

/// One connection to one server. The first call opens it, and the first one after it broke opens it again.
/// Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    link: Arc<Link>,
}

impl Channel {
    /// A channel to `authority`, a host with a port; nothing is opened yet.
    ///
    /// Whatever outlives a call runs in `runtime`, whichever one the call is made in.
    pub(crate) fn new(authority: Authority, connect_timeout: Duration, runtime: Handle) -> Self {
        Self { link: Arc::new(Link::new(Peer::new(authority, connect_timeout), runtime)) }
    }

    /// Opens the connection, unless it is open.
    ///
    /// # Errors
    /// [`TransportError::NotConnected`].
    pub(crate) async fn connect(&self) -> Result<(), TransportError> {
        self.link.ready().await.map(drop)
    }
}

/// Sends a request and waits for the head of its answer.
async fn exchange(link: &Link, request: Request<Body>) -> Result<Response<Answer>, TransportError> {
    let (mut head, body) = request.into_parts();
    head.uri = absolute(head.uri, link.authority());
    head.headers.insert(USER_AGENT, NAME);
    let _waits = link.wait();
    let (response, stream) = link.send(Request::from_parts(head, ())).await?;
    let mut upload = Upload::new(body, stream);
    // A single message is sent here and now; a stream of them by a task of its own.
    if poll_immediate(&mut upload).await.is_none() {
        link.runtime().spawn(upload);
    }
    let response = response.await.map_err(TransportError::of_call)?;
    let status = response.status();
    Ok(response.map(|stream| Answer::new(status, stream)))
}

/// The path of a method, with where it is.
fn absolute(uri: Uri, authority: &Authority) -> Uri {
    let mut parts = uri.into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).expect("scheme, authority and path are all there")
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Answer>;
    type Error = TransportError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    /// Always ready: a call waits for its turn itself.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let link = Arc::clone(&self.link);
        async move { exchange(&link, request).await }.boxed()
    }
}
