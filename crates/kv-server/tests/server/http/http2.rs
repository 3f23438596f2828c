//! HTTP/2 on the same port, known beforehand (h2c with prior knowledge).

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use kv_server::testing::TestServer;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tonic::codegen::http::{Method, Request, Response, Version};

use crate::support::http::{addr, http};
use crate::support::within;

async fn connect(server: &TestServer) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(addr(server)).await.expect("a connection");
    let (client, connection) = h2::client::handshake(stream).await.expect("a handshake");
    tokio::spawn(connection);
    client
}

fn request(method: Method, path: &str) -> Request<()> {
    let uri = format!("http://kv.test{path}");
    Request::builder().method(method).uri(uri).version(Version::HTTP_2).body(()).unwrap()
}

async fn send(
    client: &mut SendRequest<Bytes>,
    request: Request<()>,
    body: &'static [u8],
) -> Response<Vec<u8>> {
    let mut ready = client.clone().ready().await.expect("a place for a stream");
    let (answer, mut upload) = ready.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        upload.send_data(Bytes::from_static(body), true).unwrap();
    }
    let (parts, mut content) = within(answer).await.expect("an answer").into_parts();
    let mut received = Vec::new();
    while let Some(data) = within(content.data()).await {
        let data = data.expect("the content arrives");
        content.flow_control().release_capacity(data.len()).unwrap();
        received.extend_from_slice(&data);
    }
    Response::from_parts(parts, received)
}

#[tokio::test]
async fn everything_is_there_as_in_http_1() {
    let server = TestServer::start();
    let mut client = connect(&server).await;
    let put = send(&mut client, request(Method::PUT, "/v1/kv/a%20b?ttl=1h"), b"hello").await;
    assert_eq!(put.status(), 201);
    let tag = put.headers()["etag"].clone();
    let got = send(&mut client, request(Method::GET, "/v1/kv/a%20b"), b"").await;
    assert_eq!((got.status().as_u16(), &got.body()[..]), (200, &b"hello"[..]));
    assert_eq!(got.headers()["etag"], tag);
    assert_eq!(got.headers()["content-length"], "5");
    assert!(got.headers().contains_key("date"));
    let head = send(&mut client, request(Method::HEAD, "/v1/kv/a%20b"), b"").await;
    assert_eq!((&head.headers()["content-length"], head.body().len()), (&"5".parse().unwrap(), 0));
    let mut conditional = request(Method::GET, "/v1/kv/a%20b");
    conditional.headers_mut().insert("if-none-match", tag);
    assert_eq!(send(&mut client, conditional, b"").await.status(), 304);
    let absent = send(&mut client, request(Method::DELETE, "/v1/kv/none"), b"").await;
    assert_eq!(absent.status(), 404);
    assert_eq!(absent.headers()["content-type"], "application/problem+json");
    // The other protocol sees the same, at the same address.
    assert_eq!(http(&server).await.ask("GET /v1/kv/a%20b").await.text(), "hello");
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let server = TestServer::start();
    let mut client = connect(&server).await;
    let answers = (0..200).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move {
            send(&mut client, request(Method::POST, "/v1/kv/n?op=increment"), b"").await
        })
    });
    let answers: Vec<_> = answers.collect();
    let mut numbers = Vec::new();
    for answer in answers {
        let answer = answer.await.unwrap();
        numbers.push(String::from_utf8(answer.into_body()).unwrap().parse::<u32>().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    let mut page = request(Method::PUT, "/v1/kv/n");
    page.headers_mut().insert("origin", "http://kv.test".parse().unwrap());
    assert_eq!(send(&mut client, page, b"v").await.status(), 204, "a page of this server's own");
}

#[tokio::test]
async fn a_body_too_long_is_refused_while_it_is_sent() {
    let server = crate::support::start_with(&[("limits.value_bytes_max", "1000")]);
    let client = connect(&server).await;
    let mut ready = client.clone().ready().await.unwrap();
    let (answer, mut upload) = ready.send_request(request(Method::PUT, "/v1/kv/a"), false).unwrap();
    upload.send_data(Bytes::from(vec![b'x'; 1001]), false).unwrap();
    let answer = within(answer).await.expect("an answer before the end of the body");
    assert_eq!(answer.status(), 413);
    assert_eq!(server.store().stats().writes, 0);
}

#[tokio::test]
async fn a_draining_server_ends_the_connection() {
    let server = TestServer::start();
    let mut client = connect(&server).await;
    send(&mut client, request(Method::PUT, "/v1/kv/a"), b"v").await;
    assert_eq!(within(server.stop()).await.connections_cut, 0);
}

/// Answers each sign of life that it is asked for, and takes nothing of its answer. Time is simulated.
#[tokio::test(start_paused = true)]
async fn a_client_that_opens_no_window_is_closed_after_some_minutes() {
    let server = TestServer::start();
    let value = vec![b'x'; 10_000_000];
    http(&server).await.send("PUT /v1/kv/a", &[], value).await.expect(201);
    let client = connect(&server).await;
    let mut ready = client.clone().ready().await.expect("a place for a stream");
    let (answer, _upload) = ready.send_request(request(Method::GET, "/v1/kv/a"), true).unwrap();
    let mut content = answer.await.expect("an answer begins").into_body();
    let start = Instant::now();
    let mut received = 0;
    let ended = timeout(Duration::from_mins(10), async {
        while let Some(Ok(data)) = content.data().await {
            received += data.len();
        }
    });
    ended.await.expect("the server ends the connection");
    let seconds = start.elapsed().as_secs();
    assert!((110..=250).contains(&seconds), "{seconds} s");
    assert!(received < 1_000_000, "{received} bytes without a window for them");
}
