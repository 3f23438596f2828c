//! Bytes that are no HTTP end at most their own connection (KV-I7).

use kv_server::testing::TestServer;

use crate::support::http::{Http, addr, http};
use crate::support::{start_with, within};

#[tokio::test]
async fn what_is_not_http_is_refused_and_closed() {
    let server = TestServer::start();
    let mut bystander = http(&server).await;
    for (bytes, status) in [
        (&b"GET\r\n\r\n"[..], Some(400)),
        (b"GET /v1/kv/a HTTP/9.9\r\n\r\n", Some(400)),
        (b"GET /v1/kv/a b HTTP/1.1\r\nHost: a\r\n\r\n", Some(400)),
        (b"GET /v1/kv/a HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", Some(400)),
        (b"GET /v1/kv/a HTTP/1.1\r\nHost : a\r\n\r\n", Some(400)),
        (b"GET /v1/kv/a HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", Some(400)),
        (b"*1\r\n$4\r\nPING\r\n", Some(400)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", Some(400)),
        (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Some(400)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame at all", None),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00\x00\x00\x00\x01", None),
    ] {
        let mut http = http(&server).await;
        http.write(bytes).await;
        match status {
            Some(status) => {
                http.receive(false).await.expect(status);
                assert!(http.is_closed().await, "{bytes:?}");
            }
            None => {
                within(http.rest()).await;
            }
        }
        bystander.ask("GET /v1/kv/a").await.expect(404);
    }
}

#[tokio::test]
async fn there_must_be_one_host() {
    let server = TestServer::start();
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n"] {
        let mut http = http(&server).await;
        http.write(format!("GET /v1/kv/a HTTP/1.1\r\n{hosts}\r\n")).await;
        http.receive(false).await.expect_problem(400, "BAD_HEADER", &["Host"]);
    }
}

#[tokio::test]
async fn heads_have_a_bound() {
    let server = start_with(&[("limits.key_bytes_max", "64KiB")]);
    let long = |length| format!("X: {}\r\n", "x".repeat(length));
    let path = |length| format!("GET /v1/kv/{} HTTP/1.1\r\nHost: a\r\n", "k".repeat(length));
    let many = (0..200).map(|index| format!("X-{index}: x\r\n")).collect::<Vec<_>>().concat();
    for (start, headers, status) in [
        (path(65_000), String::new(), 404),
        (path(1), long(70_000), 404),
        (path(65_534), String::new(), 414),
        (path(1), long(82_000), 431),
        (path(60_000), long(60_000), 431),
        (path(1), many, 431),
    ] {
        let mut http = http(&server).await;
        http.try_write(format!("{start}{headers}\r\n")).await;
        http.receive(false).await.expect(status);
    }
    // Without an end, too: nothing more is kept than the bound.
    let mut endless = http(&server).await;
    while endless.try_write("X: 0123456789012345678901234567890123456789\r\n".repeat(1000)).await {}
    Http::connect(addr(&server)).await.ask("GET /v1/kv/a").await.expect(404);
}

#[tokio::test]
async fn random_bytes_do_no_harm() {
    let server = TestServer::start();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let parts: [&[u8]; 8] = [
        b"GET ",
        b"/v1/kv/",
        b" HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"%",
        b"\0",
    ];
    for _ in 0..200 {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(1..30) {
            if random.bool() {
                bytes.extend_from_slice(parts[random.usize(..parts.len())]);
            } else {
                bytes.push(random.u8(..));
            }
        }
        let mut http = http(&server).await;
        http.try_write(&bytes).await;
        http.finish().await;
        within(http.rest()).await;
    }
    http(&server).await.ask("GET /v1/kv/a").await.expect(404);
}
