//! `Range` on values.

use kv_server::testing::TestServer;

use crate::support::http::{Http, http};

async fn ranged(http: &mut Http, range: &str) -> (u16, Option<String>, Vec<u8>) {
    let answer = http.send("GET /v1/kv/a", &[("Range", range)], "").await;
    let content_range = answer.header("content-range").map(str::to_owned);
    (answer.status, content_range, answer.body)
}

#[tokio::test]
async fn one_range_is_answered_with_a_part() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/a", &[], "0123456789").await;
    for (range, part, value) in [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
        ("bytes=9-99999999999999999999", "bytes 9-9/10", "9"),
    ] {
        let wanted = (206, Some(part.to_owned()), value.as_bytes().to_vec());
        assert_eq!(ranged(&mut http, range).await, wanted, "{range}");
    }
    let whole = (200, None, b"0123456789".to_vec());
    for range in ["bytes=0-1,5-6", "bytes=3-2", "bytes=x-y", "chapters=1-2", "0-3"] {
        assert_eq!(ranged(&mut http, range).await, whole, "{range}");
    }
}

#[tokio::test]
async fn ranges_outside_are_told_the_length() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/a", &[], "0123456789").await;
    http.send("PUT /v1/kv/empty", &[], "").await;
    for (path, range, length) in [
        ("a", "bytes=10-", "bytes */10"),
        ("a", "bytes=-0", "bytes */10"),
        ("empty", "bytes=0-", "bytes */0"),
        ("empty", "bytes=-1", "bytes */0"),
    ] {
        let answer = http.send(&format!("GET /v1/kv/{path}"), &[("Range", range)], "").await;
        answer.expect_problem(416, "RANGE_NOT_SATISFIABLE", &["bytes"]);
        assert_eq!(answer.header("content-range"), Some(length), "{range}");
    }
    http.send("GET /v1/kv/none", &[("Range", "bytes=0-")], "").await.expect(404);
}

#[tokio::test]
async fn if_range_gives_the_whole_of_another_version() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let version = http.send("PUT /v1/kv/a", &[], "0123456789").await.version();
    for (if_range, status) in [
        (format!("\"{version}\""), 206),
        (format!("\"{}\"", version - 1), 200),
        (format!("W/\"{version}\""), 200),
        ("Wed, 21 Oct 2015 07:28:00 GMT".to_owned(), 200),
    ] {
        let headers = [("Range", "bytes=0-3"), ("If-Range", if_range.as_str())];
        http.send("GET /v1/kv/a", &headers, "").await.expect(status);
    }
    // Preconditions come first.
    let if_none_match = format!("\"{version}\"");
    let headers = [("Range", "bytes=0-3"), ("If-None-Match", if_none_match.as_str())];
    http.send("GET /v1/kv/a", &headers, "").await.expect(304);
}

#[tokio::test]
async fn what_has_no_parts_is_whole() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.send("PUT /v1/kv/a", &[], "0123456789").await;
    let head = http.send("HEAD /v1/kv/a", &[("Range", "bytes=0-3")], "").await.expect(200);
    assert_eq!(head.header("content-length"), Some("10"));
    let headers = [("Range", "bytes=0-3"), ("Accept", "application/json")];
    let json = http.send("GET /v1/kv/a", &headers, "").await.expect(200);
    assert_eq!(json.json()["value"], "0123456789");
    assert_eq!(json.header("accept-ranges"), None);
}
