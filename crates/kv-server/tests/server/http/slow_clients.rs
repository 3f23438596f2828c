//! Clients that hold a connection without using it lose it, whatever they trickle.
//!
//! Time is simulated: it passes as soon as the server has nothing to do but wait.

use std::time::Duration;

use kv_server::testing::TestServer;
use tokio::time::Instant;

use crate::support::http::{Http, head, http};

/// How long the server bears a client that says this and then nothing; and what it answers.
async fn borne(said: &str) -> (u64, String) {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.write(said).await;
    let start = Instant::now();
    let answer = http.rest().await;
    (start.elapsed().as_secs(), answer)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_closed_after_10_seconds() {
    let (seconds, answer) = borne("").await;
    assert!((9..=12).contains(&seconds) && answer.is_empty(), "{seconds} {answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_decide_on_a_protocol_is_too() {
    let (seconds, answer) = borne("PRI * HTTP/2.0\r\n").await;
    assert!((9..=12).contains(&seconds) && answer.is_empty(), "{seconds} {answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_closed_after_a_minute() {
    let (seconds, answer) = borne("GET /v1/kv/a HTTP/1.1\r\nHost: a\r\n").await;
    assert!((58..=63).contains(&seconds) && answer.is_empty(), "{seconds} {answer}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_a_minute() {
    let (seconds, answer) = borne(&head("GET /v1/kv/a", &[], 0)).await;
    assert!((58..=63).contains(&seconds), "{seconds}");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_refused_after_30_seconds() {
    let (seconds, answer) = borne(&head("PUT /v1/kv/a", &[], 5)).await;
    assert!((29..=35).contains(&seconds), "{seconds}");
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

/// Sends pieces, one per second, until the server closes the connection, and tells how long it bore that.
async fn trickle(http: &mut Http, piece: &str) -> u64 {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while start.elapsed() < Duration::from_mins(10) {
        ticks.tick().await;
        if !http.try_write(piece).await || http.has_ended() {
            break;
        }
    }
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn trickling_gains_no_time() {
    let server = TestServer::start();
    let mut slow_head = http(&server).await;
    slow_head.write("GET /v1/kv/a HTTP/1.1\r\n").await;
    let seconds = trickle(&mut slow_head, "X: y\r\n").await;
    assert!(seconds <= 70, "a head was borne for {seconds} s");
    let mut slow_body = http(&server).await;
    slow_body.write(head("PUT /v1/kv/a", &[], 100_000)).await;
    let seconds = trickle(&mut slow_body, "x").await;
    assert!(seconds <= 40, "a body was borne for {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_that_goes_on_is_borne() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.write(head("PUT /v1/kv/a", &[], 100 * 20_000)).await;
    let piece = "x".repeat(20_000);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..100 {
        ticks.tick().await;
        http.write(&piece).await;
    }
    http.receive(false).await.expect(201);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_closed_after_a_minute() {
    let server = TestServer::start();
    let mut first = http(&server).await;
    first.send("PUT /v1/kv/a", &[], vec![b'x'; 50_000_000]).await.expect(201);
    let mut slow = http(&server).await;
    slow.write(head("GET /v1/kv/a", &[], 0)).await;
    slow.begins().await;
    for _second in 0..65 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    let received = slow.rest().await.len();
    assert!(received < 50_000_000, "all of it was sent: {received}");
}
