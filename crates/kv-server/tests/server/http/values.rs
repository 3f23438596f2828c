//! GET, HEAD, PUT and DELETE of a key.

use kv_server::testing::TestServer;

use crate::support::http::{Answer, http};

/// Proves what every answer about a value says, and gives its version.
fn check_value(answer: &Answer, value: &[u8]) -> u64 {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body, value);
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-length"), Some(value.len().to_string().as_str()));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("vary"), Some("accept"));
    assert!(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), "{answer:?}");
    answer.version()
}

#[tokio::test]
async fn a_value_is_put_got_replaced_and_deleted() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.ask("GET /v1/kv/a").await.expect_problem(404, "KEY_NOT_FOUND", &["does not exist"]);
    let put = http.send("PUT /v1/kv/a", &[], "one").await.expect(201);
    assert_eq!((put.body.len(), put.header("content-length")), (0, Some("0")));
    assert_eq!(put.header("kv-durability"), Some("memory"));
    let first = put.version();
    assert_eq!(put.header("kv-version"), Some(first.to_string().as_str()));
    let got = http.ask("GET /v1/kv/a").await;
    assert_eq!(check_value(&got, b"one"), first);
    assert_eq!(got.header("cache-control"), Some("no-cache"));
    assert_eq!(got.header("kv-ttl-ms"), None);
    let again = http.send("PUT /v1/kv/a", &[], "two").await.expect(204);
    assert!(again.version() > first);
    assert_eq!(check_value(&http.ask("GET /v1/kv/a").await, b"two"), again.version());
    let deleted = http.ask("DELETE /v1/kv/a").await.expect(204);
    assert_eq!(deleted.header("kv-durability"), Some("memory"));
    let version: u64 = deleted.header("kv-version").unwrap().parse().unwrap();
    assert!(version > again.version());
    assert_eq!(deleted.header("etag"), None, "there is nothing left to be tagged");
    http.ask("GET /v1/kv/a").await.expect_problem(404, "KEY_NOT_FOUND", &[]);
    http.ask("DELETE /v1/kv/a").await.expect_problem(404, "KEY_NOT_FOUND", &[]);
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for value in [&b""[..], b"hello", &vec![b'x'; 100_000][..]] {
        http.send("PUT /v1/kv/a", &[], value).await;
        for accept in ["*/*", "application/json", "application/x-protobuf"] {
            let got = http.send("GET /v1/kv/a", &[("Accept", accept)], "").await.expect(200);
            let head = http.send("HEAD /v1/kv/a", &[("Accept", accept)], "").await.expect(200);
            for name in ["content-type", "etag", "vary", "cache-control", "accept-ranges"] {
                assert_eq!(got.header(name), head.header(name), "{name} of {accept}");
            }
            let length =
                |answer: &Answer| answer.header("content-length").unwrap().parse::<usize>();
            assert_eq!(length(&head), length(&got), "{accept}");
        }
    }
    let absent = http.ask("HEAD /v1/kv/none").await.expect(404);
    assert_eq!(absent.header("content-type"), Some("application/problem+json"));
    assert!(absent.header("content-length").is_some());
}

#[tokio::test]
async fn an_expiry_is_told_in_milliseconds_and_as_the_age_that_caches_may_keep() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (query, seconds) in
        [("ttl=10s", 10), ("ttl=5m", 300), ("ttl=1d", 86_400), ("ttl_ms=1999", 1), ("ttl=900ms", 0)]
    {
        let put = http.send(&format!("PUT /v1/kv/a?{query}"), &[], "v").await;
        let ttl_ms = |answer: &Answer| answer.header("kv-ttl-ms").unwrap().parse::<u64>().unwrap();
        let said = ttl_ms(&put);
        let got = http.ask("GET /v1/kv/a").await.expect(200);
        let left = ttl_ms(&got);
        assert!(left <= said && said - left < 60_000, "{query}: {left} of {said}");
        assert_eq!(got.header("cache-control").unwrap(), format!("max-age={}", left / 1000));
        assert!(left / 1000 <= seconds && (left + 60_000) / 1000 >= seconds, "{query}: {left}");
    }
    http.send("PUT /v1/kv/a?keep_ttl=true", &[], "v").await.expect(204);
    assert!(http.ask("GET /v1/kv/a").await.header("kv-ttl-ms").is_some(), "kept");
    http.send("PUT /v1/kv/a?keep_ttl=false", &[], "v").await.expect(204);
    assert!(http.ask("GET /v1/kv/a").await.header("kv-ttl-ms").is_none(), "removed");
}

#[tokio::test]
async fn a_time_already_past_ends_the_key() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/a", &[], "v").await.expect(201);
    for _again in 0..2 {
        let put = http.send("PUT /v1/kv/a?expires_at_ms=1", &[], "w").await.expect(204);
        assert_eq!(put.header("etag"), None);
        http.ask("GET /v1/kv/a").await.expect(404);
    }
    let far = "PUT /v1/kv/a?expires_at_ms=200000000000000";
    let put = http.send(far, &[], "w").await.expect(201);
    assert!(put.header("kv-ttl-ms").is_some());
}

#[tokio::test]
async fn expiries_that_make_no_sense_are_refused() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (query, reason, words) in [
        ("ttl=10", "BAD_QUERY", &["ttl", "such as 500ms"][..]),
        ("ttl=", "BAD_QUERY", &["ttl"]),
        ("ttl=0s", "EXPIRY_OUT_OF_RANGE", &["0 ms", "at least 1 ms"]),
        ("ttl_ms=-1", "EXPIRY_OUT_OF_RANGE", &["-1 ms"]),
        ("ttl_ms=281474976710655", "EXPIRY_OUT_OF_RANGE", &["281474976710655"]),
        ("ttl_ms=1.5", "BAD_QUERY", &["ttl_ms", "whole number"]),
        ("expires_at_ms=0", "EXPIRY_OUT_OF_RANGE", &["0 ms"]),
        ("ttl=1s&ttl_ms=1000", "CONFLICTING_FIELDS", &["at most one"]),
        ("ttl=1s&keep_ttl=true", "CONFLICTING_FIELDS", &["keep_ttl"]),
        ("ttl=1s&ttl=1s", "BAD_QUERY", &["more than once"]),
        ("tll=1s", "BAD_QUERY", &["tll", "ttl, ttl_ms"]),
        ("keep_ttl=maybe", "BAD_QUERY", &["true or false"]),
    ] {
        let answer = http.send(&format!("PUT /v1/kv/a?{query}"), &[], "v").await;
        answer.expect_problem(400, reason, words);
    }
    assert_eq!(server.store().stats().writes, 0);
}

#[tokio::test]
async fn get_and_delete_take_no_parameters_they_would_ignore() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.ask("GET /v1/kv/a?ttl=1s").await.expect_problem(400, "BAD_QUERY", &["allowed are none"]);
    let deleted = http.ask("DELETE /v1/kv/a?ttl=1s").await;
    deleted.expect_problem(400, "BAD_QUERY", &["allowed are durability"]);
}

#[tokio::test]
async fn a_part_cannot_be_put() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let headers = [("Content-Range", "bytes 0-0/10")];
    let answer = http.send("PUT /v1/kv/a", &headers, "v").await;
    answer.expect_problem(400, "BAD_HEADER", &["Content-Range", "POST"]);
}
