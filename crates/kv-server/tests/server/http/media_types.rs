//! Raw bytes, JSON and Protobuf: what is sent and what is wanted back.

use bytes::Bytes;
use kv_proto::v1::{
    AppendRequest, AppendResponse, GetResponse, SetRequest, SetResponse, set_request,
};
use kv_server::testing::TestServer;
use prost::Message as _;
use serde_json::json;

use crate::support::http::http;

const JSON: (&str, &str) = ("Content-Type", "application/json");
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

#[tokio::test]
async fn a_value_comes_in_the_form_that_is_wanted() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = http.send("PUT /v1/kv/text?ttl=1h", &[], "gr\u{fc}n").await.version();
    http.send("PUT /v1/kv/bytes", &[], b"\xff\x00").await;
    let got = http.send("GET /v1/kv/text", &[("Accept", "application/json")], "").await.expect(200);
    let body = got.json();
    assert_eq!((&body["value"], &body["version"]), (&json!("gr\u{fc}n"), &json!(version)));
    assert!(body["ttl_ms"].as_i64().is_some_and(|ms| ms > 3_500_000), "{body}");
    assert_eq!(got.header("etag").unwrap(), format!("W/\"{version}\""));
    assert_eq!(got.header("vary"), Some("accept"));
    assert!(got.header("kv-ttl-ms").is_some());
    let body = http.send("GET /v1/kv/bytes", &[("Accept", "application/json")], "").await.json();
    assert_eq!((&body["value"], &body["ttl_ms"]), (&json!({"base64": "/wA="}), &json!(null)));
    for name in ["application/x-protobuf", "application/protobuf"] {
        let got = http.send("GET /v1/kv/text", &[("Accept", name)], "").await.expect(200);
        assert_eq!(got.header("content-type"), Some(name));
        let message = GetResponse::decode(&*got.body).unwrap();
        assert_eq!((message.value.unwrap(), message.version), ("gr\u{fc}n".into(), version));
    }
    let answer = http.send("GET /v1/kv/text", &[("Accept", "text/html")], "").await;
    answer.expect_problem(406, "NOT_ACCEPTABLE", &["application/octet-stream, application/json"]);
}

#[tokio::test]
async fn a_value_is_put_in_any_form() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for raw in [
        "application/octet-stream",
        "text/plain; charset=utf-8",
        "application/x-www-form-urlencoded",
    ] {
        http.send("PUT /v1/kv/a", &[("Content-Type", raw)], "{}").await;
        assert_eq!(http.ask("GET /v1/kv/a").await.text(), "{}", "{raw}");
    }
    let put =
        http.send("PUT /v1/kv/a", &[JSON], r#"{"value":"x","ttl_ms":60000}"#).await.expect(200);
    assert_eq!(put.header("etag"), None, "the value is not what was sent");
    let body = put.json();
    assert_eq!((&body["applied"], &body["achieved"]), (&json!(true), &json!("memory")));
    assert_eq!(put.header("kv-version").unwrap(), body["version"].to_string());
    assert!(body.get("previous").is_none());
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "x");
    let body = r#"{"value":{"base64":"/w=="},"keep_ttl":true,"return_previous":true}"#;
    assert_eq!(http.send("PUT /v1/kv/a", &[JSON], body).await.json()["previous"], "x");
    let got = http.ask("GET /v1/kv/a").await;
    assert_eq!(got.body, b"\xff");
    assert!(got.header("kv-ttl-ms").is_some());
    let message = SetRequest {
        value: Bytes::from_static(b"y"),
        expiry: Some(set_request::Expiry::TtlMs(60_000)),
        return_previous: true,
        ..Default::default()
    };
    let put = http.send("PUT /v1/kv/a", &[PROTOBUF], message.encode_to_vec()).await.expect(200);
    assert_eq!(put.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(SetResponse::decode(&*put.body).unwrap().previous.unwrap(), &b"\xff"[..]);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "y");
}

#[tokio::test]
async fn the_answer_to_a_write_has_the_form_of_the_request_unless_another_is_wanted() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let body = r#"{"value":"v"}"#;
    for (headers, body, answered) in [
        (&[][..], "v", None),
        (&[("Accept", "application/json")], "v", Some("application/json")),
        (&[("Accept", "text/html")], "v", None),
        (&[JSON], body, Some("application/json")),
        (&[JSON, ("Accept", "*/*")], body, Some("application/json")),
        (&[JSON, ("Accept", "application/octet-stream")], body, None),
        (&[JSON, ("Accept", "application/protobuf")], body, Some("application/protobuf")),
    ] {
        let put = http.send("PUT /v1/kv/a", headers, body).await;
        assert!(put.status < 300, "{put:?}");
        assert_eq!(put.header("content-type"), answered, "{headers:?}");
        assert_eq!(put.body.is_empty(), answered.is_none());
    }
    http.ask("DELETE /v1/kv/a").await;
    let created = http.send("PUT /v1/kv/a", &[JSON], body).await.expect(201);
    assert_eq!(created.json()["applied"], true);
    let deleted =
        http.send("DELETE /v1/kv/a", &[("Accept", "application/json")], "").await.expect(200);
    assert_eq!(deleted.json()["applied"], true);
}

#[tokio::test]
async fn suffixes_come_in_any_form_too() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let append = "POST /v1/kv/a?op=append";
    http.send(append, &[], "1").await.expect(204);
    let answer = http.send(append, &[JSON], r#"{"suffix":"2"}"#).await.expect(200).json();
    assert_eq!((&answer["value_bytes"], &answer["achieved"]), (&json!(2), &json!("memory")));
    let message = AppendRequest { suffix: Bytes::from_static(b"3"), ..Default::default() };
    let answer = http.send(append, &[PROTOBUF], message.encode_to_vec()).await.expect(200);
    assert_eq!(AppendResponse::decode(&*answer.body).unwrap().value_bytes, 3);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "123");
}

#[tokio::test]
async fn bodies_of_other_types_are_refused_before_they_are_read() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (request, accept) in [
        ("PUT /v1/kv/a", "application/octet-stream, "),
        ("POST /v1/kv/a?op=append", "application/octet-stream, "),
        ("POST /v1/kv:batch", "application/json, application/x-protobuf"),
    ] {
        let answer = http.send(request, &[("Content-Type", "image/png")], "").await;
        answer.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE", &["image/png", accept]);
        assert!(answer.header("accept").is_some_and(|given| given.contains(accept)), "{answer:?}");
        let answer = http.send(request, &[("Content-Encoding", "gzip")], "").await;
        answer.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE", &["gzip"]);
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    let answer = http.send("POST /v1/kv:batch", &[], "").await;
    answer.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE", &["application/json"]);
}

#[tokio::test]
async fn messages_that_are_malformed_or_contradict_the_request_are_refused() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (query, body, reason) in [
        ("", "", "BAD_BODY"),
        ("", "{", "BAD_BODY"),
        ("", "\"v\"", "BAD_BODY"),
        ("", r#"{"value":1}"#, "BAD_BODY"),
        ("", r#"{"value":"v","ttl":"1s"}"#, "BAD_BODY"),
        ("", r#"{"value":"v","durability":"disk"}"#, "BAD_BODY"),
        ("", r#"{"value":"v","ttl_ms":0}"#, "EXPIRY_OUT_OF_RANGE"),
        ("", r#"{"value":"v","ttl_ms":1,"expires_at_ms":1}"#, "CONFLICTING_FIELDS"),
        ("?ttl=1s", r#"{"value":"v","ttl_ms":1000}"#, "CONFLICTING_FIELDS"),
        ("?durability=memory", r#"{"value":"v","durability":"memory"}"#, "CONFLICTING_FIELDS"),
    ] {
        let answer = http.send(&format!("PUT /v1/kv/a{query}"), &[JSON], body).await;
        answer.expect_problem(400, reason, &[]);
    }
    let refused = [
        (SetRequest { key: Bytes::from_static(b"b"), ..Default::default() }, "another key"),
        (SetRequest { condition: 1, ..Default::default() }, "If-None-Match"),
        (SetRequest { if_version: 1, ..Default::default() }, "If-Match"),
        (SetRequest { durability: 9, ..Default::default() }, "DURABILITY_FSYNC"),
    ];
    for (message, word) in refused {
        let answer = http.send("PUT /v1/kv/a", &[PROTOBUF], message.encode_to_vec()).await;
        assert_eq!(answer.status, 400, "{message:?}");
        assert!(String::from_utf8_lossy(&answer.body).contains(word), "{answer:?}");
    }
    let answer = http.send("PUT /v1/kv/a", &[PROTOBUF], b"\xff").await;
    answer.expect_problem(400, "BAD_BODY", &["message"]);
    assert_eq!(server.store().stats().writes, 0);
    let same = SetRequest { key: Bytes::from_static(b"a"), ..Default::default() };
    http.send("PUT /v1/kv/a", &[PROTOBUF], same.encode_to_vec()).await.expect(201);
}
