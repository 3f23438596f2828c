//! `POST /v1/kv:batch`.

use bytes::Bytes;
use kv_proto::v1::{BatchWriteRequest, BatchWriteResponse};
use kv_server::testing::TestServer;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::http::{Answer, Http, http};
use crate::support::{batch, get_op, increment_op, set, set_op, start_with};

const BATCH: &str = "POST /v1/kv:batch";

async fn send(http: &mut Http, body: &Value) -> Answer {
    http.send(BATCH, &[("Content-Type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn every_operation_is_answered_in_its_place() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let answer = send(
        &mut http,
        &json!({"ops": [
            {"set": {"key": "a", "value": "1", "ttl_ms": 60000}},
            {"get": {"key": "a"}},
            {"increment": {"key": "a", "delta": 41}},
            {"append": {"key": {"base64": "/w=="}, "suffix": {"base64": "/g=="}}},
            {"get": {"key": {"base64": "/w=="}}},
            {"exists": {"key": "none"}},
            {"set": {"key": "a", "value": "x", "condition": "if_absent", "return_previous": true}},
            {"increment": {"key": {"base64": "/w=="}}},
            {"expire": {"key": "a", "persist": true}},
            {"delete": {"key": "a"}},
            {"get": {"key": ""}},
        ]}),
    )
    .await
    .expect(200);
    assert_eq!(answer.header("kv-durability"), Some("memory"));
    let body = answer.json();
    assert_eq!((&body["applied"], &body["achieved"]), (&json!(true), &json!("memory")));
    assert!(body.get("failed_index").is_none());
    let result = |index: usize, path: &str| body["results"][index].pointer(path).cloned().unwrap();
    assert_eq!(result(0, "/set/achieved"), "memory");
    assert_eq!(result(1, "/get/value"), "1");
    assert!(result(1, "/get/ttl_ms").as_i64().is_some_and(|ms| ms > 0));
    assert_eq!(result(2, "/increment/value"), 42);
    assert_eq!(result(3, "/append/value_bytes"), 1);
    assert_eq!(result(4, "/get/value/base64"), "/g==");
    assert_eq!(
        (result(5, "/exists/exists"), result(5, "/exists/version")),
        (json!(false), json!(0))
    );
    assert_eq!(
        (result(6, "/set/applied"), result(6, "/set/previous")),
        (json!(false), json!("42"))
    );
    assert_eq!(result(7, "/error/reason"), "NOT_AN_INTEGER");
    assert_eq!(result(7, "/error/status"), 409);
    assert_eq!(
        (result(8, "/expire/applied"), result(8, "/expire/ttl_ms")),
        (json!(true), json!(null))
    );
    assert_eq!(result(9, "/delete/applied"), true);
    assert_eq!(result(10, "/error/reason"), "KEY_EMPTY");
}

#[tokio::test]
async fn an_atomic_batch_is_made_as_a_whole_or_not_at_all() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let ops = json!([
        {"set": {"key": "a", "value": "1"}},
        {"set": {"key": "b", "value": "2", "condition": "if_present"}},
    ]);
    let body = send(&mut http, &json!({"atomic": true, "ops": ops})).await.expect(200).json();
    assert_eq!((&body["applied"], &body["failed_index"]), (&json!(false), &json!(1)));
    assert_eq!(body["failed_result"]["set"]["applied"], false);
    assert_eq!((&body["results"], &body["achieved"]), (&json!([]), &json!(null)));
    http.ask("GET /v1/kv/a").await.expect(404);
    http.send("PUT /v1/kv/b", &[], "").await.expect(201);
    let body = send(&mut http, &json!({"atomic": true, "ops": ops})).await.expect(200).json();
    assert_eq!(
        (&body["applied"], &body["results"][1]["set"]["applied"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(http.ask("GET /v1/kv/b").await.text(), "2");
    let ops = json!([{"set": {"key": "c", "value": "1"}}, {"increment": {"key": ""}}]);
    let body = send(&mut http, &json!({"atomic": true, "ops": ops})).await.expect(200).json();
    assert_eq!(body["failed_result"]["error"]["reason"], "KEY_EMPTY");
    http.ask("GET /v1/kv/c").await.expect(404);
}

#[tokio::test]
async fn protobuf_in_protobuf_out() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let request = batch(true, vec![increment_op("n"), set_op(set("k", b"\xff")), get_op("k")]);
    for name in ["application/x-protobuf", "application/protobuf"] {
        let answer = http.send(BATCH, &[("Content-Type", name)], request.encode_to_vec()).await;
        let answer = answer.expect(200);
        assert_eq!(answer.header("content-type"), Some(name));
        let response = BatchWriteResponse::decode(&*answer.body).unwrap();
        assert!(response.applied && response.results.len() == 3, "{response:?}");
    }
    let headers =
        [("Content-Type", "application/protobuf"), ("Accept", "application/json, */*;q=0.1")];
    let body = http.send(BATCH, &headers, request.encode_to_vec()).await.json();
    assert_eq!(body["results"][0]["increment"]["value"], 3);
    let answer = http.send(BATCH, &[("Content-Type", "application/protobuf")], "\u{1}").await;
    answer.expect_problem(400, "BAD_BODY", &["message"]);
}

#[tokio::test]
async fn batches_are_as_large_as_allowed() {
    let server = start_with(&[("limits.batch_ops_max", "3")]);
    let mut http = http(&server).await;
    for (ops, status) in [(0, 200), (3, 200), (4, 413)] {
        let json = json!({"ops": vec![json!({"increment": {"key": "n"}}); ops]});
        let protobuf = batch(false, vec![increment_op("n"); ops]).encode_to_vec();
        let answers = [
            send(&mut http, &json).await,
            http.send(BATCH, &[("Content-Type", "application/protobuf")], protobuf).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, status, "{ops}: {answer:?}");
            if status == 413 {
                let words = ["4 operations", "at most 3", "limits.batch_ops_max"];
                answer.expect_problem(413, "BATCH_TOO_LARGE", &words);
            }
        }
    }
    assert_eq!(http.ask("GET /v1/kv/n").await.text(), "6");
}

#[tokio::test]
async fn answers_have_a_bound() {
    let server = start_with(&[("limits.message_bytes_max", "1MiB")]);
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/big", &[], vec![b'x'; 900_000]).await.expect(201);
    let twice = json!({"ops": [{"get": {"key": "big"}}, {"get": {"key": "big"}}]});
    let body = send(&mut http, &twice).await.expect(200).json();
    assert_eq!(body["results"][0]["get"]["value"].as_str().map(str::len), Some(900_000));
    assert_eq!(body["results"][1]["error"]["reason"], "BATCH_TOO_LARGE");
    assert_eq!(body["results"][1]["error"]["status"], 413);
    let many = vec![json!({"get": {"key": "big"}}); 20];
    let answer = send(&mut http, &json!({"atomic": true, "ops": many})).await;
    answer.expect_problem(413, "BATCH_TOO_LARGE", &["fewer"]);
}

#[tokio::test]
async fn a_batch_that_is_malformed_does_nothing() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for (body, words) in [
        (json!([]), &["expected struct"][..]),
        (json!({}), &["ops"]),
        (json!({"ops": [{"set": {"key": "a", "value": "1"}}, {"sett": {}}]}), &["sett", "set"]),
        (json!({"ops": [{"set": {"key": "a", "value": 1}}]}), &["a string, or"]),
        (json!({"ops": [], "atomic": "yes"}), &["boolean"]),
    ] {
        send(&mut http, &body).await.expect_problem(400, "BAD_BODY", words);
    }
    let both = json!({"ops": [], "durability": "memory"}).to_string();
    let request = "POST /v1/kv:batch?durability=memory";
    let answer = http.send(request, &[("Content-Type", "application/json")], both).await;
    answer.expect_problem(400, "CONFLICTING_FIELDS", &["durability"]);
    let unknown = BatchWriteRequest { durability: 9, ..Default::default() };
    let headers = [("Content-Type", "application/protobuf")];
    let answer = http.send(BATCH, &headers, Bytes::from(unknown.encode_to_vec())).await;
    answer.expect_problem(400, "UNKNOWN_ENUM_VALUE", &["DURABILITY_FSYNC"]);
    assert_eq!(server.store().stats().writes, 0);
}
