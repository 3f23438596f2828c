//! `GET /v1/kv`: keys, page by page.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a failing test panics")]

use std::collections::BTreeSet;

use kv_proto::v1::ScanResponse;
use kv_server::testing::TestServer;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::http::{Http, http};
use crate::support::start_with;

/// Every key that a listing with this query finds, and how many pages it took.
async fn keys(http: &mut Http, query: &str) -> (BTreeSet<String>, usize) {
    let (mut found, mut pages, mut cursor) = (BTreeSet::new(), 0, String::new());
    loop {
        let answer = http.ask(&format!("GET /v1/kv?{query}&cursor={cursor}")).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let page = answer.json();
        pages += 1;
        for entry in page["entries"].as_array().expect("entries") {
            found.insert(entry["key"].as_str().expect("a key").to_owned());
        }
        match &page["cursor"] {
            Value::String(next) => cursor.clone_from(next),
            Value::Null => return (found, pages),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn every_key_is_found_page_by_page() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for index in 0..100 {
        http.send(&format!("PUT /v1/kv/a{index}"), &[], "v").await.expect(201);
        http.send(&format!("PUT /v1/kv/b{index}"), &[], "v").await.expect(201);
    }
    assert_eq!(keys(&mut http, "").await.0.len(), 200);
    let (found, pages) = keys(&mut http, "limit=7&prefix=a").await;
    assert_eq!(found, (0..100).map(|index| format!("a{index}")).collect());
    assert!((15..=101).contains(&pages), "{pages}");
    let page = http.ask("GET /v1/kv?limit=7").await.json();
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(7));
    assert_eq!(keys(&mut http, "prefix=c").await, (BTreeSet::new(), 1));
    assert_eq!(keys(&mut http, "prefix=a1&limit=99999999999999").await.0.len(), 11);
}

#[tokio::test]
async fn entries_tell_version_and_ttl_and_values_when_asked() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = http.send("PUT /v1/kv/%FFa?ttl=1h", &[], b"\xfe").await.version();
    let entry = &http.ask("GET /v1/kv?prefix=%ff").await.json()["entries"][0];
    assert_eq!((&entry["key"], &entry["version"]), (&json!({"base64": "/2E="}), &json!(version)));
    assert!(entry["ttl_ms"].as_i64().is_some_and(|ms| ms > 0) && entry.get("value").is_none());
    let entry = &http.ask("GET /v1/kv?values=true").await.json()["entries"][0];
    assert_eq!(entry["value"], json!({"base64": "/g=="}));
    let headers = [("Accept", "application/protobuf")];
    let answer = http.send("GET /v1/kv?values=true", &headers, "").await.expect(200);
    let page = ScanResponse::decode(&*answer.body).unwrap();
    assert_eq!((page.entries.len(), &page.entries[0].key[..]), (1, &b"\xffa"[..]));
}

#[tokio::test]
async fn large_values_end_a_page_early_and_one_too_large_is_refused() {
    let server = start_with(&[("limits.message_bytes_max", "1MiB")]);
    let mut http = http(&server).await;
    for index in 0..4 {
        http.send(&format!("PUT /v1/kv/k{index}"), &[], vec![b'x'; 400_000]).await.expect(201);
    }
    let (found, pages) = keys(&mut http, "values=true").await;
    assert_eq!((found.len(), pages > 1), (4, true));
    let append = "POST /v1/kv/k0?op=append";
    http.send(append, &[], vec![b'x'; 700_000]).await.expect(204);
    let answer = http.ask("GET /v1/kv?values=true&prefix=k0").await;
    answer.expect_problem(413, "VALUE_TOO_LONG", &["1100000 bytes"]);
    assert_eq!(keys(&mut http, "").await.0.len(), 4, "without values there is no bound");
}

#[tokio::test]
async fn what_is_no_listing_is_refused() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    for query in ["limit=0", "limit=-1", "limit=x", "limit=", "values=1", "prefx=a", "prefix=%"] {
        let answer = http.ask(&format!("GET /v1/kv?{query}")).await;
        answer.expect_problem(400, "BAD_QUERY", &[]);
    }
    for cursor in ["x", "AAAA", "AQEBAQEBAQEBAQEBAQEBAQE"] {
        let answer = http.ask(&format!("GET /v1/kv?cursor={cursor}")).await;
        answer.expect_problem(400, "CURSOR_INVALID", &["start again"]);
    }
    let answer = http.send("GET /v1/kv", &[("Accept", "application/octet-stream")], "").await;
    answer.expect_problem(406, "NOT_ACCEPTABLE", &["application/json"]);
}
