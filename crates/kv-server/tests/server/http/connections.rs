//! The life of a connection: which protocol it speaks, how long it is kept, how it ends.

use kv_server::testing::TestServer;

use crate::support::http::{Http, addr, head, http};
use crate::support::{start_with, within};

#[tokio::test]
async fn a_connection_is_kept_until_either_side_says_close() {
    let server = TestServer::start();
    let mut first = http(&server).await;
    for _ in 0..100 {
        first.ask("GET /v1/kv/a").await.expect(404);
    }
    let answer = first.send("GET /v1/kv/a", &[("Connection", "close")], "").await.expect(404);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(first.is_closed().await);
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let server = TestServer::start();
    let mut first = http(&server).await;
    first.write("GET /v1/kv/a HTTP/1.0\r\n\r\n").await;
    first.receive(false).await.expect(404);
    assert!(first.is_closed().await);
    let mut second = http(&server).await;
    second.write("GET /v1/kv/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    let answer = second.receive(false).await.expect(404);
    assert_eq!(answer.header("connection"), Some("keep-alive"));
    second.ask("GET /v1/kv/a").await.expect(404);
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    // The first letters could be those of HTTP/2.
    for byte in (head("PUT /v1/kv/a", &[], 5) + "hello").bytes() {
        http.write([byte]).await;
    }
    http.receive(false).await.expect(201);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "hello");
}

#[tokio::test]
async fn a_draining_server_answers_what_it_has_begun() {
    let mut server = TestServer::start();
    let mut idle = http(&server).await;
    idle.ask("GET /v1/kv/a").await.expect(404);
    let silent = http(&server).await;
    let mut busy = http(&server).await;
    busy.write(head("PUT /v1/kv/a", &[("Expect", "100-continue")], 5)).await;
    busy.receive(false).await.expect(100);
    server.begin_stop();
    assert!(idle.is_closed().await, "an idle connection is closed at once");
    busy.write("hello").await;
    let answer = busy.receive(false).await.expect(201);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(busy.is_closed().await);
    let store = std::sync::Arc::clone(server.store());
    assert_eq!(within(server.stop()).await.connections_cut, 0);
    assert_eq!(store.stats().writes, 1);
    drop(silent);
}

#[tokio::test]
async fn connections_have_their_places_among_all() {
    let server = start_with(&[("limits.connections_max", "2")]);
    let mut first = http(&server).await;
    let mut second = http(&server).await;
    first.ask("GET /v1/kv/a").await.expect(404);
    second.ask("GET /v1/kv/a").await.expect(404);
    let mut third = http(&server).await;
    third.receive(false).await.expect_problem(503, "CONNECTIONS_FULL", &["limits.connections_max"]);
    assert!(third.is_closed().await);
    drop(second);
    within(async {
        // The server learns of the end in its own time.
        loop {
            let mut again = Http::connect(addr(&server)).await;
            if again.ask("GET /v1/kv/a").await.status == 404 {
                return;
            }
        }
    })
    .await;
    first.ask("GET /v1/kv/a").await.expect(404);
}
