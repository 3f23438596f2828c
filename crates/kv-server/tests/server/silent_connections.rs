//! Connections whose peer says nothing, or nothing more, are closed, so that their places come free.
//!
//! Time is simulated: it passes as soon as the server has nothing to do but wait.

use std::time::Duration;

use kv_server::testing::TestServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Begins HTTP/2: the preface and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Says `hello`, then nothing, and tells how long the server bears it.
async fn check(hello: &[u8]) -> Duration {
    let server = TestServer::start();
    let mut stream = TcpStream::connect(server.socket_addr()).await.expect("a connection");
    stream.write_all(hello).await.expect("the server listens");
    let start = Instant::now();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.expect("the server closes in order");
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_speaks_is_closed_after_10_seconds() {
    let borne = check(b"").await;
    assert!((9..=12).contains(&borne.as_secs()), "{borne:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_no_sign_of_life_is_closed_after_50_seconds() {
    let borne = check(HELLO).await;
    assert!((49..=55).contains(&borne.as_secs()), "{borne:?}");
}
