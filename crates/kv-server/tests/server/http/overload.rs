//! Bytes in flight are bounded, on a connection and in all: beyond that, requests are refused, and small ones go
//! on (KV-I8).

use kv_server::testing::TestServer;

use crate::support::http::{Http, head, http};
use crate::support::{start_with, within};

const MIB: usize = 1 << 20;

/// A server that keeps at most 24 MiB in flight.
fn start() -> TestServer {
    start_with(&[
        ("limits.value_bytes_max", "10MiB"),
        ("limits.message_bytes_max", "10MiB"),
        ("limits.connection_bytes_max", "24MiB"),
        ("limits.requests_bytes_max", "24MiB"),
    ])
}

async fn refused(http: &mut Http, request: &str) {
    let answer = http.ask(request).await;
    answer.expect_problem(429, "OVERLOADED", &["limits.requests_bytes_max", "try again later"]);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn answers_that_nobody_takes_are_held_and_then_refused() {
    let server = start();
    let mut first = http(&server).await;
    first.send("PUT /v1/kv/big", &[], vec![b'x'; 10 * MIB]).await.expect(201);
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut http = http(&server).await;
        http.write(head("GET /v1/kv/big", &[], 0)).await;
        http.begins().await;
        slow.push(http);
    }
    refused(&mut first, "GET /v1/kv/big").await;
    first.send("PUT /v1/kv/small", &[], "v").await.expect(201);
    assert_eq!(first.ask("GET /v1/kv/small").await.text(), "v", "small ones go on");
    first.ask("HEAD /v1/kv/big").await.expect(200);
    for mut http in slow {
        assert_eq!(http.receive(false).await.body.len(), 10 * MIB);
    }
    first.ask("GET /v1/kv/big").await.expect(200);
}

#[tokio::test]
async fn bodies_on_their_way_are_held_and_then_refused() {
    let server = start();
    let mut first = http(&server).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut http = http(&server).await;
        http.write(head("PUT /v1/kv/a", &[], 10 * MIB)).await;
        http.write(vec![b'x'; 10 * MIB - 1]).await;
        slow.push(http);
    }
    let mut third = http(&server).await;
    third.write(head("PUT /v1/kv/b", &[], 10 * MIB)).await;
    third.try_write(vec![b'x'; 10 * MIB - 1]).await;
    let answer = third.receive(false).await;
    answer.expect_problem(429, "OVERLOADED", &["limits.requests_bytes_max"]);
    first.send("PUT /v1/kv/small", &[], "v").await.expect(201);
    for mut http in slow {
        http.write("x").await;
        assert!(http.receive(false).await.status < 300);
    }
    first.send("PUT /v1/kv/b", &[], vec![b'x'; 10 * MIB]).await.expect(201);
}

#[tokio::test]
async fn what_was_held_is_given_back_when_a_client_leaves() {
    let server = start();
    let mut first = http(&server).await;
    first.send("PUT /v1/kv/big", &[], vec![b'x'; 10 * MIB]).await.expect(201);
    for _ in 0..20 {
        let mut http = http(&server).await;
        http.write(head("GET /v1/kv/big", &[], 0)).await;
        http.begins().await;
        drop(http);
    }
    within(async {
        // The server learns of the ends in its own time.
        while first.ask("GET /v1/kv/big").await.status != 200 {}
    })
    .await;
}
