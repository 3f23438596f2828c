//! Bodies of requests: how long they may be, and when that is seen.

use kv_server::testing::TestServer;

use crate::support::http::{head, http};
use crate::support::start_with;

#[tokio::test]
async fn bodies_are_as_long_as_allowed_and_not_one_byte_longer() {
    for (settings, limit) in [
        (&[("limits.value_bytes_max", "100000")][..], "limits.value_bytes_max"),
        (&[("limits.message_bytes_max", "100000")], "limits.message_bytes_max"),
    ] {
        let server = start_with(settings);
        for request in ["PUT /v1/kv/a", "POST /v1/kv/b?op=append"] {
            let mut http = http(&server).await;
            http.send(request, &[], vec![b'x'; 100_000]).await;
            let answer = http.send(request, &[], vec![b'x'; 100_001]).await;
            answer.expect_problem(413, "BODY_TOO_LONG", &["100000 bytes", limit]);
        }
        assert_eq!(server.store().stats().writes, 2);
    }
}

#[tokio::test]
async fn messages_have_their_own_limit() {
    let settings = [("limits.message_bytes_max", "100000"), ("limits.value_bytes_max", "10")];
    let server = start_with(&settings);
    let mut http = http(&server).await;
    let json = [("Content-Type", "application/json")];
    let body = format!(r#"{{"value":"0123456789"}}{}"#, " ".repeat(99_978));
    http.send("PUT /v1/kv/a", &json, &body).await.expect(201);
    let answer = http.send("PUT /v1/kv/a", &json, r#"{"value":"0123456789x"}"#).await;
    answer.expect_problem(413, "VALUE_TOO_LONG", &["limits.value_bytes_max"]);
    let answer = http.send("PUT /v1/kv/a", &json, format!("{body} ")).await;
    answer.expect_problem(413, "BODY_TOO_LONG", &["limits.message_bytes_max"]);
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_anything_is_sent() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.write(head("PUT /v1/kv/a", &[("Content-Length", "99999999999")], 0)).await;
    let answer = http.receive(false).await;
    answer.expect_problem(413, "BODY_TOO_LONG", &["limits.message_bytes_max"]);
}

#[tokio::test]
async fn a_client_that_goes_on_sending_still_gets_its_answer() {
    let server = start_with(&[("limits.value_bytes_max", "1000")]);
    let mut http = http(&server).await;
    let body = vec![b'x'; 4 << 20];
    http.write(head("PUT /v1/kv/a", &[], body.len())).await;
    http.try_write(&body).await;
    let answer = http.receive(false).await;
    answer.expect_problem(413, "BODY_TOO_LONG", &["1000 bytes"]);
    assert!(http.is_closed().await);
}

#[tokio::test]
async fn chunks_are_counted_as_they_come() {
    let server = start_with(&[("limits.value_bytes_max", "10")]);
    let mut http = http(&server).await;
    let chunked = [("Transfer-Encoding", "chunked")];
    let chunks = "5\r\n01234\r\n5;with=extension\r\n56789\r\n0\r\nTrailer: x\r\n\r\n";
    http.send("PUT /v1/kv/a", &chunked, chunks).await.expect(201);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "0123456789");
    http.write(head("PUT /v1/kv/a", &chunked, 0)).await;
    http.write("5\r\n01234\r\n5\r\n56789\r\n").await;
    // Refused with the byte that is too many, though the body goes on.
    http.write("1\r\nx\r\n").await;
    let answer = http.receive(false).await;
    answer.expect_problem(413, "BODY_TOO_LONG", &["10 bytes"]);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_refused_at_once() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let expect = ("Expect", "100-continue");
    http.write(head("PUT /v1/kv/a", &[expect], 5)).await;
    http.receive(false).await.expect(100);
    http.write("hello").await;
    http.receive(false).await.expect(201);
    assert_eq!(http.ask("GET /v1/kv/a").await.text(), "hello");
    for (headers, status) in [
        (&[expect, ("Content-Length", "99999999999")][..], 413),
        (&[expect, ("Content-Length", "5"), ("Content-Type", "image/png")], 415),
        (&[expect, ("Content-Length", "5"), ("If-Match", "1")], 400),
        (&[("Expect", "a miracle"), ("Content-Length", "5")], 417),
    ] {
        let mut http = crate::support::http::http(&server).await;
        http.write(head("PUT /v1/kv/a", headers, 0)).await;
        http.receive(false).await.expect(status);
    }
}

#[tokio::test]
async fn large_values_go_in_and_out_whole() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    let value: Vec<u8> = (0..20_000_000_u32).map(|index| (index % 251) as u8).collect();
    http.send("PUT /v1/kv/a", &[], &value).await.expect(201);
    let got = http.ask("GET /v1/kv/a").await.expect(200);
    assert!(got.body == value, "the value came back changed");
    let part = http.send("GET /v1/kv/a", &[("Range", "bytes=10000000-")], "").await.expect(206);
    assert!(part.body == value[10_000_000..], "the part came back changed");
}

#[tokio::test]
async fn what_bodies_do_not_tell_is_not_believed() {
    let server = TestServer::start();
    for headers in [
        &[("Content-Length", "5"), ("Content-Length", "6")][..],
        &[("Content-Length", "-1")],
        &[("Content-Length", "5x")],
        &[("Transfer-Encoding", "gzip")],
        &[("Transfer-Encoding", "chunked, gzip")],
    ] {
        let mut http = http(&server).await;
        http.write(head("PUT /v1/kv/a", headers, 0)).await;
        http.receive(false).await.expect(400);
        assert!(http.is_closed().await, "{headers:?}");
    }
    let mut http = http(&server).await;
    http.write(head("PUT /v1/kv/a", &[("Transfer-Encoding", "chunked")], 0)).await;
    http.write("zz\r\n").await;
    http.receive(false).await.expect_problem(400, "BAD_BODY", &["could not be read"]);
    assert_eq!(server.store().stats().writes, 0);
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_stored() {
    let server = TestServer::start();
    let mut http = http(&server).await;
    http.write(head("PUT /v1/kv/a", &[], 10)).await;
    http.write("01234").await;
    http.finish().await;
    http.rest().await;
    assert_eq!(server.store().stats().writes, 0);
}

#[tokio::test]
async fn the_rest_of_a_body_that_nobody_reads_is_no_request() {
    let server = TestServer::start();
    let mut other = http(&server).await;
    other.send("PUT /v1/kv/b", &[], "v").await.expect(201);
    let mut http = http(&server).await;
    // Kept before, so that the server has seen it idle.
    http.ask("GET /v1/kv/b").await.expect(200);
    http.write(head("PUT /v1/kv/a?ttl=x", &[], 100_000)).await;
    http.receive(false).await.expect(400);
    if http.try_write(head("DELETE /v1/kv/b", &[], 0)).await {
        assert_eq!(http.rest().await, "", "nothing more is answered");
    }
    other.ask("GET /v1/kv/b").await.expect(200);
}
