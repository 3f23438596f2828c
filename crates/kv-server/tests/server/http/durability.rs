//! Answers wait until what they rest on is as safe as promised (KV-I2).

use kv_core::{Durability as Level, Lsn};
use kv_server::testing::TestServer;

use crate::support::http::{Answer, Http, addr, http};
use crate::support::log::{Logged, start};
use crate::support::within;

/// Sends a request on a connection of its own and proves that its answer waits for the log.
async fn waits(
    logged: &Logged,
    request: &'static str,
    body: &'static str,
) -> tokio::task::JoinHandle<Answer> {
    let addr = addr(&logged.server);
    logged.waits(async move { Http::connect(addr).await.send(request, &[], body).await }).await
}

#[tokio::test]
async fn a_level_asked_for_is_waited_for_and_told() {
    let logged = start(&[]).await;
    let mut http = http(&logged.server).await;
    let put = http.send("PUT /v1/kv/a", &[], "v").await.expect(201);
    assert_eq!(put.header("kv-durability"), Some("memory"));
    for request in [
        "PUT /v1/kv/a?durability=buffered",
        "POST /v1/kv/a?op=append&durability=buffered",
        "POST /v1/kv/n?op=increment&durability=buffered",
        "POST /v1/kv/a?op=expire&ttl=1h&durability=buffered",
        "POST /v1/kv/a?op=persist&durability=buffered",
        "DELETE /v1/kv/a?durability=buffered",
    ] {
        let takes_body = request.starts_with("PUT") || request.contains("append");
        let call = waits(&logged, request, if takes_body { "v" } else { "" }).await;
        logged.journal.advance(Level::Buffered);
        let answer = within(call).await.unwrap();
        assert_eq!(answer.header("kv-durability"), Some("buffered"), "{request}: {answer:?}");
    }
    let address = addr(&logged.server);
    let call = logged.waits(async move {
        let headers = [("Kv-Durability", "fsync")];
        Http::connect(address).await.send("PUT /v1/kv/b", &headers, "v").await
    });
    let call = call.await;
    logged.journal.advance(Level::Fsync);
    let answer = within(call).await.unwrap().expect(201);
    assert_eq!(answer.header("kv-durability"), Some("fsync"));
}

#[tokio::test]
async fn bodies_and_batches_say_their_level_too() {
    let logged = start(&[]).await;
    let address = addr(&logged.server);
    for (request, body) in [
        ("PUT /v1/kv/a", r#"{"value":"v","durability":"fsync"}"#),
        ("POST /v1/kv/a?op=append", r#"{"suffix":"v","durability":"fsync"}"#),
        ("POST /v1/kv:batch", r#"{"ops":[{"increment":{"key":"n"}}],"durability":"fsync"}"#),
        ("POST /v1/kv:batch?durability=fsync", r#"{"ops":[{"increment":{"key":"n"}}]}"#),
    ] {
        let call = logged.waits(async move {
            let headers = [("Content-Type", "application/json")];
            Http::connect(address).await.send(request, &headers, body).await
        });
        let call = call.await;
        logged.journal.advance(Level::Fsync);
        let answer = within(call).await.unwrap();
        assert_eq!(answer.header("kv-durability"), Some("fsync"), "{request}: {answer:?}");
        assert_eq!(answer.json()["achieved"], "fsync");
    }
}

#[tokio::test]
async fn with_fsync_always_reads_wait_for_what_they_show() {
    let logged = start(&[("fsync", "always")]).await;
    let address = addr(&logged.server);
    for request in [
        "GET /v1/kv/a",
        "HEAD /v1/kv/a",
        "GET /v1/kv",
        // Refused, which shows the version.
        "DELETE /v1/kv/a",
    ] {
        let write = waits(&logged, "PUT /v1/kv/a", "v").await;
        let read = logged.waits(async move {
            let headers: &[_] = match request {
                "DELETE /v1/kv/a" => &[("If-Match", "\"1\"")],
                _ => &[],
            };
            Http::connect(address).await.send(request, headers, "").await
        });
        let read = read.await;
        assert!(!write.is_finished() && !read.is_finished(), "{request}");
        logged.journal.advance(Level::Fsync);
        within(write).await.unwrap();
        let answer = within(read).await.unwrap();
        assert_eq!(answer.status, if request.starts_with("DELETE") { 412 } else { 200 });
    }
}

#[tokio::test]
async fn levels_that_cannot_be_reached_are_refused_before_the_body_is_read() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for request in [
        "PUT /v1/kv/a?durability=fsync",
        "DELETE /v1/kv/a?durability=buffered",
        "POST /v1/kv/a?op=increment&durability=fsync",
        "POST /v1/kv/a?op=append&durability=fsync",
    ] {
        let answer = http.ask(request).await;
        answer.expect_problem(400, "DURABILITY_UNAVAILABLE", &["allowed are memory"]);
    }
    let answer = http.ask("PUT /v1/kv/a?durability=disk").await;
    answer.expect_problem(400, "BAD_QUERY", &["memory, buffered or fsync"]);
    let answer = http.send("PUT /v1/kv/a", &[("Kv-Durability", "disk")], "").await;
    answer.expect_problem(400, "BAD_HEADER", &["memory, buffered or fsync"]);
    http.send("PUT /v1/kv/a", &[("Kv-Durability", "memory")], "").await.expect(201);
}

#[tokio::test]
async fn when_the_log_fails_what_may_be_lost_is_unknown() {
    let logged = start(&[]).await;
    let mut http = http(&logged.server).await;
    http.send("PUT /v1/kv/safe", &[], "v").await.expect(201);
    logged.journal.advance_to(Lsn::new(1), Level::Fsync);
    http.ask("GET /v1/kv/safe").await.expect(200);
    let call = waits(&logged, "PUT /v1/kv/a?durability=fsync", "v").await;
    logged.journal.fail("EIO on log-1.kvl");
    let answer = within(call).await.unwrap();
    answer.expect_problem(503, "OUTCOME_UNKNOWN", &["unknown", "EIO on log-1.kvl"]);
    assert_eq!(answer.header("retry-after"), None, "it may have been made");
    let answer = http.ask("GET /v1/kv/a").await;
    answer.expect_problem(503, "OUTCOME_UNKNOWN", &["the answer is unknown"]);
    let answer = http.send("PUT /v1/kv/b", &[], "v").await;
    answer.expect_problem(503, "LOG_UNAVAILABLE", &["takes no writes", "EIO on log-1.kvl"]);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(http.ask("GET /v1/kv/safe").await.text(), "v");
}
