//! Drives one connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{interval, timeout};

use super::heard::{Heard, Listening};
use crate::limits::{
    CONNECTION_WINDOW_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW_BYTES,
    STREAMS_UNTIL_TOLD,
};

/// Begins to speak HTTP/2, and has a task of its own go on with it until the connection breaks or nobody has it
/// any more. `waiting` is how many calls wait for the head of their answer.
pub(super) async fn begin<T>(
    stream: T,
    waiting: Arc<AtomicUsize>,
) -> Result<SendRequest<Bytes>, h2::Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let heard = Heard::default();
    let (requests, mut connection) = Builder::new()
        .enable_push(false)
        .initial_max_send_streams(STREAMS_UNTIL_TOLD)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .handshake(Listening::new(stream, heard.clone()))
        .await?;
    let pings = connection.ping_pong().expect("nobody has taken it before");
    let connection = Gathering { connection, waiting, turn: false };
    tokio::spawn(drive(connection, pings, heard));
    Ok(requests)
}

/// Reads and writes until the connection breaks, or until it is idle and nobody has it any more. Ending
/// it fails all calls on it.
async fn drive<T>(connection: Gathering<T>, pings: PingPong, heard: Heard)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    tokio::select! {
        biased;
        // What broke it the calls are told.
        _outcome = connection => {}
        () = silence(pings, heard) => {}
    }
}

/// A connection that reads and writes behind the tasks that are ready, while several calls are under way:
/// a runtime runs what a task wakes next, which is one write for each call otherwise.
struct Gathering<T> {
    connection: Connection<Listening<T>, Bytes>,
    waiting: Arc<AtomicUsize>,
    /// Whether the others have had their turn.
    turn: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Future for Gathering<T> {
    type Output = Result<(), h2::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.turn = !self.turn && self.waiting.load(Ordering::Relaxed) > 1;
        if self.turn {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.connection).poll(context)
    }
}

/// Asks a server of which nothing was heard whether it is there; ends when nothing is heard then either.
async fn silence(mut pings: PingPong, heard: Heard) {
    let mut turns = interval(KEEPALIVE_INTERVAL);
    turns.tick().await;
    loop {
        turns.tick().await;
        if heard.take() {
            continue;
        }
        match timeout(KEEPALIVE_TIMEOUT, pings.ping(Ping::opaque())).await {
            Ok(Ok(_pong)) => {}
            // The answer may be behind a long one on a slow line.
            Err(_elapsed) if heard.take() => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http::Request;
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    /// A connection with a call that awaits its answer, and the server's end of it.
    async fn waiting() -> (DuplexStream, impl Future<Output = Result<(), h2::Error>>) {
        let (near, far) = duplex(1 << 16);
        let mut requests = begin(near, Arc::default()).await.unwrap();
        let request = Request::get("http://server/").body(()).unwrap();
        let (answer, stream) = requests.send_request(request, true).unwrap();
        let call = async move {
            let _kept = (requests, stream);
            answer.await.map(drop)
        };
        (far, call)
    }

    #[tokio::test]
    async fn a_server_gets_few_calls_before_it_has_said_how_many_it_allows() {
        let (near, _far) = duplex(1 << 16);
        let mut requests = begin(near, Arc::default()).await.unwrap();
        let mut calls = Vec::new();
        while requests.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready() {
            assert!(calls.len() <= STREAMS_UNTIL_TOLD, "no bound");
            let request = Request::get("http://server/").body(()).unwrap();
            calls.push(requests.send_request(request, true).unwrap());
            // The connection's turn.
            tokio::task::yield_now().await;
        }
        // One more waits until it may be sent.
        assert_eq!(calls.len(), STREAMS_UNTIL_TOLD + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_pings_is_given_up() {
        let (_far, call) = waiting().await;
        let start = Instant::now();
        call.await.unwrap_err();
        assert_eq!(start.elapsed(), KEEPALIVE_INTERVAL + KEEPALIVE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_pings_may_take_its_time_for_a_call() {
        let (far, call) = waiting().await;
        let server = async {
            let mut connection = h2::server::handshake(far).await.unwrap();
            let _call = connection.accept().await.unwrap().unwrap();
            while connection.accept().await.is_some() {}
            panic!("the client has closed the connection");
        };
        let both = async { tokio::join!(call, server) };
        timeout(KEEPALIVE_INTERVAL * 100, both).await.unwrap_err();
    }
}
