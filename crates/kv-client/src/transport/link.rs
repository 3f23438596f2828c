//! Where the requests of a channel go in: the connection that there is, or a new one.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use http::uri::Authority;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use super::TransportError;
use super::peer::Peer;

/// One connection at a time.
pub(super) struct Link {
    peer: Arc<Peer>,
    /// Where everything runs that outlives a call.
    runtime: Handle,
    /// Locked while a request is put in, or waits until it may be: calls come in turn.
    state: Mutex<State>,
    /// How often a connection could not be opened.
    failures: AtomicU64,
    /// Calls that wait for the head of their answer.
    waiting: Arc<AtomicUsize>,
}

enum State {
    /// None was opened yet, or that failed.
    Closed { failure: Option<Arc<io::Error>> },
    /// The task is not bound to the call that began it: the next one waits for the same.
    Opening(JoinHandle<io::Result<SendRequest<Bytes>>>),
    /// It may have broken since.
    Open(SendRequest<Bytes>),
}

/// A call that waits for the head of its answer, as long as it lives.
pub(super) struct Waits<'a>(&'a AtomicUsize);

/// The connection, ready for a request.
pub(super) struct Ready<'a>(MutexGuard<'a, State>);

impl Link {
    pub(super) fn new(peer: Peer, runtime: Handle) -> Self {
        Self {
            peer: Arc::new(peer),
            runtime,
            state: Mutex::new(State::Closed { failure: None }),
            failures: AtomicU64::new(0),
            waiting: Arc::default(),
        }
    }

    /// Where the server is, as requests name it.
    pub(super) fn authority(&self) -> &Authority {
        self.peer.authority()
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Counts a call.
    pub(super) fn wait(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(&self.waiting)
    }

    /// Puts a request in. Its body is still to come.
    pub(super) async fn send(
        &self,
        head: Request<()>,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), TransportError> {
        let mut ready = self.ready().await?;
        let State::Open(requests) = &mut *ready.0 else { unreachable!("it is ready") };
        requests.send_request(head, false).map_err(TransportError::NotProcessed)
    }

    /// Waits until a request may be put in, and opens a connection where there is none that lives. It may be put
    /// in when the server allows one call more and none that came before waits for that.
    pub(super) async fn ready(&self) -> Result<Ready<'_>, TransportError> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let State::Closed { failure: Some(failure) } = &*state
            && self.failures.load(Ordering::Acquire) != failures
        {
            // Who has waited for an attempt of another that failed does not wait for one of its own.
            return Err(TransportError::NotConnected(Arc::clone(failure)));
        }
        state.settle().await;
        if let State::Open(requests) = &mut *state {
            match std::future::poll_fn(|context| requests.poll_ready(context)).await {
                Ok(()) => return Ok(Ready(state)),
                // It has broken, or the server is about to leave.
                Err(_broken) => *state = State::Closed { failure: None },
            }
        }
        self.open(&mut state).await?;
        Ok(Ready(state))
    }

    async fn open(&self, state: &mut State) -> Result<(), TransportError> {
        if let State::Closed { .. } = state {
            let (peer, waiting) = (Arc::clone(&self.peer), Arc::clone(&self.waiting));
            let opening = self.runtime.spawn(async move { peer.open(waiting).await });
            *state = State::Opening(opening);
        }
        let State::Opening(opening) = state else { return Ok(()) };
        // The task ends early when its runtime does.
        let outcome = opening.await.unwrap_or_else(|ended| Err(io::Error::other(ended)));
        match outcome {
            Ok(requests) => {
                *state = State::Open(requests);
                Ok(())
            }
            Err(error) => {
                let failure = Arc::new(error);
                *state = State::Closed { failure: Some(Arc::clone(&failure)) };
                self.failures.fetch_add(1, Ordering::Release);
                Err(TransportError::NotConnected(failure))
            }
        }
    }
}

impl State {
    /// Takes over what came of an attempt that ended while nobody waited for it. That it failed then says
    /// nothing about now.
    async fn settle(&mut self) {
        if let Self::Opening(opening) = self
            && opening.is_finished()
        {
            *self = match opening.await {
                Ok(Ok(requests)) => Self::Open(requests),
                Ok(Err(_)) | Err(_) => Self::Closed { failure: None },
            };
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").field("peer", &self.peer).finish_non_exhaustive()
    }
}
