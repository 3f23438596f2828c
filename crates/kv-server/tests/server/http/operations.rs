//! POST to a key: increment, append, expire and persist.

use kv_server::testing::TestServer;
use serde_json::json;

use crate::support::http::http;
use crate::support::start_with;

const AS_JSON: &[(&str, &str)] = &[("Accept", "application/json")];

#[tokio::test]
async fn numbers_are_added_to() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (query, number) in [
        ("op=increment", "1"),
        ("op=increment&delta=41", "42"),
        ("delta=-50&op=increment", "-8"),
        ("op=increment&delta=0", "-8"),
    ] {
        let answer = http.ask(&format!("POST /v1/kv/n?{query}")).await.expect(200);
        assert_eq!(answer.text(), number, "{query}");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert!(answer.header("kv-version").is_some() && answer.header("kv-durability").is_some());
    }
    let answer = http.send("POST /v1/kv/n?op=increment", AS_JSON, "").await.json();
    assert_eq!((&answer["value"], &answer["achieved"]), (&json!(-7), &json!("memory")));
    let refused = http.send("POST /v1/kv/n?op=increment", &[("Accept", "text/html")], "").await;
    refused.expect_problem(406, "NOT_ACCEPTABLE", &[]);
    assert_eq!(http.ask("GET /v1/kv/n").await.text(), "-7", "and nothing was done");
}

#[tokio::test]
async fn what_is_no_number_or_leaves_the_range_is_a_conflict() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/text", &[], "ten").await;
    let answer = http.ask("POST /v1/kv/text?op=increment").await;
    answer.expect_problem(409, "NOT_AN_INTEGER", &["decimal"]);
    http.send("PUT /v1/kv/max", &[], i64::MAX.to_string()).await;
    let answer = http.ask("POST /v1/kv/max?op=increment").await;
    answer.expect_problem(409, "INTEGER_OVERFLOW", &["9223372036854775807", "2^63-1"]);
    let answer = http.ask("POST /v1/kv/n?op=increment&delta=9223372036854775808").await;
    answer.expect_problem(400, "BAD_QUERY", &["delta", "whole number"]);
}

#[tokio::test]
async fn values_are_added_to_up_to_the_limit() {
    let server = start_with(&[("limits.value_bytes_max", "10")]);
    let mut http = http(&server).await;
    for (body, length) in [("12345", 5), ("", 5), ("67890", 10)] {
        let answer = http.send("POST /v1/kv/a?op=append", AS_JSON, body).await.expect(200).json();
        assert_eq!(answer["value_bytes"], length);
    }
    let answer = http.send("POST /v1/kv/a?op=append", &[], "1").await;
    answer.expect_problem(413, "VALUE_TOO_LONG", &["11 bytes", "limits.value_bytes_max"]);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "1234567890");
}

#[tokio::test]
async fn expiries_are_set_and_removed() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let put = http.send("PUT /v1/kv/a", &[], "v").await;
    let answer = http.ask("POST /v1/kv/a?op=expire&ttl=1h").await.expect(204);
    assert!(answer.header("kv-ttl-ms").is_some());
    let version: u64 = answer.header("kv-version").unwrap().parse().unwrap();
    assert!(version > put.version(), "an expiry is part of what a version names");
    for (rule, query, status) in [
        ("nx", "ttl=2h", 409),
        ("xx", "ttl=2h", 204),
        ("gt", "ttl=1h", 409),
        ("lt", "ttl=1h", 204),
        ("gt", "expires_at_ms=200000000000000", 204),
    ] {
        let answer = http.ask(&format!("POST /v1/kv/a?op=expire&rule={rule}&{query}")).await;
        if status == 409 {
            answer.expect_problem(409, "EXPIRY_RULE_UNMET", &["nx wants none"]);
        }
        assert_eq!(answer.status, status, "{rule} {query}");
    }
    let answer = http.ask("POST /v1/kv/a?op=persist").await.expect(204);
    assert_eq!(
        (answer.header("kv-ttl-ms"), answer.header("kv-durability")),
        (None, Some("memory"))
    );
    let version = answer.header("kv-version").unwrap().to_owned();
    // Again there is nothing to do, which is fine, and nothing was written.
    let answer = http.ask("POST /v1/kv/a?op=persist").await.expect(204);
    assert_eq!(answer.header("kv-version"), Some(version.as_str()));
    assert_eq!(answer.header("kv-durability"), None);
    let answer = http.send("POST /v1/kv/a?op=persist", AS_JSON, "").await.expect(200).json();
    assert_eq!((&answer["applied"], &answer["achieved"]), (&json!(false), &json!(null)));
    http.ask("POST /v1/kv/a?op=expire&expires_at_ms=1").await.expect(204);
    http.ask("GET /v1/kv/a").await.expect(404);
}

#[tokio::test]
async fn expiries_need_a_key_and_a_time() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for query in ["op=expire&ttl=1s", "op=persist"] {
        let answer = http.ask(&format!("POST /v1/kv/none?{query}")).await;
        answer.expect_problem(404, "KEY_NOT_FOUND", &[]);
    }
    let answer = http.ask("POST /v1/kv/a?op=expire").await;
    answer.expect_problem(400, "BAD_QUERY", &["ttl, ttl_ms and expires_at_ms"]);
    let answer = http.ask("POST /v1/kv/a?op=expire&ttl=1s&rule=eq").await;
    answer.expect_problem(400, "BAD_QUERY", &["nx, xx, gt or lt"]);
}

#[tokio::test]
async fn an_operation_has_a_name_and_no_parameters_of_another() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (query, words) in [
        ("", &["op is missing", "increment, append"][..]),
        ("?op=steal", &["steal", "increment, append"]),
        ("?op=", &["increment, append"]),
        ("?op=increment&ttl=1s", &["ttl", "op, durability, delta"]),
        ("?op=persist&delta=1", &["delta"]),
        ("?op=append&rule=nx", &["rule"]),
        ("?opp=append", &["opp", "op, delta"]),
    ] {
        let answer = http.ask(&format!("POST /v1/kv/a{query}")).await;
        answer.expect_problem(400, "BAD_QUERY", words);
    }
    for query in ["op=increment", "op=expire&ttl=1s", "op=persist"] {
        let answer = http.send(&format!("POST /v1/kv/a?{query}"), &[], "body").await;
        answer.expect_problem(400, "BAD_BODY", &["takes no body"]);
    }
    assert_eq!(server.store().stats().writes, 0);
    // A body without bytes is none, however it is announced.
    let mut http = crate::support::http::http(&server).await;
    let chunked = [("Transfer-Encoding", "chunked")];
    http.send("POST /v1/kv/a?op=increment", &chunked, "0\r\n\r\n").await.expect(200);
}
