//! What is too much is refused with words that help, is counted, and leaves small requests alone (KV-I8).

use std::net::SocketAddr;
use std::sync::Arc;

use kv_core::Durability as Level;
use kv_core::testing::ManualJournal;
use kv_proto::v1::{Durability, GetRequest, SetRequest};
use kv_server::testing::TestServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tonic::Code;

use crate::support::log::{backend, until};
use crate::support::page::get as page;
use crate::support::{bytes, connect, connect_to, get, refused, set, start_with, within};

/// Small enough for tests, in an order in which each fits in the next.
const LIMITS: [(&str, &str); 5] = [
    ("limits.key_bytes_max", "1KiB"),
    ("limits.message_bytes_max", "512KiB"),
    ("limits.value_bytes_max", "400KiB"),
    ("limits.connection_bytes_max", "1536KiB"),
    ("limits.requests_bytes_max", "2MiB"),
];

const LARGE: usize = 300 << 10;

/// A series of `/metrics`.
fn metric(server: &TestServer, series: &str) -> u64 {
    let text = page(server.socket_addr_of("admin"), "/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.expect(series).parse().expect("a whole number")
}

fn start_over(journal: &Arc<ManualJournal>, settings: &[(&str, &str)]) -> TestServer {
    TestServer::start_backend(backend(journal), |config| {
        for (key, value) in LIMITS.iter().chain(settings) {
            config.set(key, value).expect("an allowed setting");
        }
    })
}

#[tokio::test]
async fn requests_that_wait_for_the_log_are_counted_and_bounded() {
    let journal = Arc::new(ManualJournal::default());
    let server = start_over(&journal, &[]);
    let strict = |key: String| SetRequest {
        durability: Durability::Fsync.into(),
        ..set(key, vec![b'v'; LARGE])
    };
    // Two connections, so that the limit of all is reached before the limit of one.
    let (first, second) = (connect(&server).await, connect(&server).await);
    let (mut waiting, mut overloaded) = (JoinSet::new(), 0);
    for number in 0..8 {
        let mut kv = if number % 2 == 0 { first.clone() } else { second.clone() };
        let request = strict(format!("k{number}"));
        waiting.spawn(async move { kv.set(request).await });
    }
    until(|| metric(&server, "kv_request_errors_total{protocol=\"grpc\",kind=\"exhausted\"}") > 0)
        .await;
    let in_flight = metric(&server, "kv_in_flight_bytes");
    assert!((1 << 20..=2 << 20).contains(&in_flight), "{in_flight}");
    // A small request goes on, to the log and back.
    let mut small = connect(&server).await;
    assert!(small.set(set("small", "v")).await.is_ok());
    journal.advance(Level::Fsync);
    within(async {
        while let Some(ended) = waiting.join_next().await {
            // Those that were refused were not executed: nothing waits for the log any more.
            journal.advance(Level::Fsync);
            if let Err(status) = ended.expect("no panic") {
                let words = ["limits.requests_bytes_max = 2097152", "try again later"];
                refused(Err::<(), _>(status), Code::ResourceExhausted, "OVERLOADED", &words);
                overloaded += 1;
            }
        }
    })
    .await;
    assert!((1..8).contains(&overloaded), "{overloaded} of 8 were refused");
    assert_eq!(server.store().stats().keys, 1 + 8 - overloaded);
    until(|| metric(&server, "kv_in_flight_bytes") == 0).await;
    let mut kv = first.clone();
    let again = tokio::spawn(async move { kv.set(strict("again".to_owned())).await });
    until(|| journal.waiting() > 1).await;
    journal.advance(Level::Fsync);
    within(again).await.expect("no panic").expect("there is room again");
}

#[tokio::test]
async fn one_connection_may_not_take_what_is_meant_for_all() {
    let journal = Arc::new(ManualJournal::default());
    let server = start_over(&journal, &[("limits.requests_bytes_max", "1GiB")]);
    let kv = connect(&server).await;
    let mut calls = JoinSet::new();
    for number in 0..8 {
        let mut kv = kv.clone();
        let durability = Durability::Fsync.into();
        let request = SetRequest { durability, ..set(format!("k{number}"), vec![b'v'; LARGE]) };
        calls.spawn(async move { kv.set(request).await });
    }
    let status = within(calls.join_next()).await.unwrap().unwrap().unwrap_err();
    let words = ["on this connection", "limits.connection_bytes_max"];
    refused(Err::<(), _>(status), Code::ResourceExhausted, "OVERLOADED", &words);
    let mut other = connect(&server).await;
    other.set(set("other", vec![b'v'; LARGE])).await.expect("another connection has room");
}

#[tokio::test]
async fn a_read_whose_answer_finds_no_room_is_refused_and_changes_nothing() {
    let server = start_with(&LIMITS);
    let mut kv = connect(&server).await;
    for number in 0..3 {
        kv.set(set(format!("k{number}"), vec![b'v'; LARGE])).await.unwrap();
    }
    // Clients of HTTP that do not read their answers, until there is no room for another.
    let mut readers = Vec::new();
    let request = b"GET /v1/kv/k0 HTTP/1.1\r\nHost: kv\r\n\r\n".repeat(64);
    let room_left = || 2 << 20 < metric(&server, "kv_in_flight_bytes") + LARGE as u64;
    within(async {
        while !room_left() {
            let mut stream = small_buffer(server.socket_addr_of("http")).await;
            stream.write_all(&request).await.unwrap();
            readers.push(stream);
            tokio::task::yield_now().await;
        }
    })
    .await;
    let status = within(kv.get(GetRequest { key: bytes("k1") })).await.unwrap_err();
    let words = ["limits.requests_bytes_max", "try again later"];
    refused(Err::<(), _>(status), Code::ResourceExhausted, "OVERLOADED", &words);
    let answer = ask_http(&server, "/v1/kv/k1").await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    for word in ["retry-after: 1", "OVERLOADED", "limits.requests_bytes_max"] {
        assert!(answer.contains(word), "{word} is not in {answer}");
    }
    kv.set(set("small", "v")).await.expect("small requests go on");
    assert_eq!(get(&mut kv, "small").await.value.unwrap(), "v");
    drop(readers);
    until(|| metric(&server, "kv_in_flight_bytes") == 0).await;
    assert!(ask_http(&server, "/v1/kv/k1").await.starts_with("HTTP/1.1 200 "));
}

/// A connection whose client takes little before it has to read.
async fn small_buffer(addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 << 10).expect("a size");
    socket.connect(addr).await.expect("a connection")
}

async fn ask_http(server: &TestServer, path: &str) -> String {
    let mut stream = TcpStream::connect(server.socket_addr_of("http")).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: kv\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_log_for_ever() {
    let journal = Arc::new(ManualJournal::default());
    let server = start_over(&journal, &[("limits.request_timeout", "50ms")]);
    let mut kv = connect(&server).await;
    let strict = SetRequest { durability: Durability::Fsync.into(), ..set("k", "v") };
    let result = within(kv.set(strict)).await;
    let words = ["may or may not survive", "limits.request_timeout = 50ms"];
    refused(result, Code::Unknown, "OUTCOME_UNKNOWN", &words);
    kv.get(GetRequest { key: bytes("k") }).await.expect("the server goes on");
}

/// The beginning of a call to `/kv.v1.Kv/Set` as HTTP/2 frames: preface, settings, headers, and the first bytes
/// of a message that never becomes complete.
fn begun_call() -> Vec<u8> {
    let mut headers = vec![0x83, 0x86, 0x04, 13];
    headers.extend(b"/kv.v1.Kv/Set");
    headers.extend([0x01, 2]);
    headers.extend(b"kv");
    headers.extend([0x0f, 0x10, 16]);
    headers.extend(b"application/grpc");
    headers.extend([0x00, 2]);
    headers.extend(b"te\x08trailers");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    bytes.extend([0, 0, u8::try_from(headers.len()).expect("short"), 1, 4, 0, 0, 0, 1]);
    bytes.extend(headers);
    bytes.extend([0, 0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 100, 10, 1]);
    bytes
}

#[tokio::test]
async fn a_request_has_to_arrive_in_time() {
    let server = start_with(&[("limits.request_timeout", "50ms")]);
    let mut stream = TcpStream::connect(server.socket_addr()).await.unwrap();
    stream.write_all(&begun_call()).await.unwrap();
    let timeouts = "kv_request_errors_total{protocol=\"grpc\",kind=\"timeout\"}";
    until(|| metric(&server, timeouts) == 1).await;
    assert_eq!(server.store().stats().writes, 0);
    // A stream between two messages may be silent for as long as it likes.
    let mut kv = connect_to(&server.addr()).await;
    kv.set(set("k", "v")).await.expect("the server goes on");
}

#[tokio::test]
async fn redis_clients_are_told_what_is_too_much() {
    let server = start_with(&LIMITS);
    let addr = server.socket_addr_of("resp");
    let mut set_large = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$307200\r\n".to_vec();
    // Five bytes of the value are missing.
    set_large.extend(vec![b'v'; LARGE - 5]);
    let mut begun = Vec::new();
    while metric(&server, "kv_in_flight_bytes") + LARGE as u64 <= 2 << 20 {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(&set_large).await.unwrap();
        begun.push(stream);
        until(|| {
            metric(&server, "kv_in_flight_bytes") >= (begun.len() * (LARGE - (16 << 10))) as u64
        })
        .await;
    }
    let mut refused = TcpStream::connect(addr).await.unwrap();
    refused.write_all(&set_large).await.unwrap();
    let mut answer = Vec::new();
    // The end may come as a reset, since not all that was sent was read.
    drop(within(refused.read_to_end(&mut answer)).await);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("-TRYAGAIN too much is in flight"), "{answer}");
    let exhausted = "kv_request_errors_total{protocol=\"resp\",kind=\"exhausted\"}";
    assert_eq!(metric(&server, exhausted), 1);
    let mut small = TcpStream::connect(addr).await.unwrap();
    small.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
    let mut pong = [0; 7];
    within(small.read_exact(&mut pong)).await.expect("small requests go on");
    assert_eq!(&pong, b"+PONG\r\n");
    for mut stream in begun {
        stream.write_all(b"vvvvv\r\n").await.unwrap();
        let mut ok = [0; 5];
        within(stream.read_exact(&mut ok)).await.expect("those that had begun are completed");
        assert_eq!(&ok, b"+OK\r\n");
    }
    until(|| metric(&server, "kv_in_flight_bytes") == 0).await;
}

#[tokio::test]
async fn clients_without_a_place_are_told_so() {
    let server = start_with(&[("limits.connections_max", "1")]);
    let addr = server.socket_addr_of("resp");
    let mut first = TcpStream::connect(addr).await.unwrap();
    first.write_all(b"PING\r\n").await.unwrap();
    within(first.read_exact(&mut [0; 7])).await.unwrap();
    let mut second = TcpStream::connect(addr).await.unwrap();
    let mut answer = String::new();
    within(second.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "-ERR max number of clients reached\r\n");
    let answer = ask_http(&server, "/v1/kv/k").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
}

/// Connects from another address of this machine.
async fn connect_from(from: &str, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{from}:0").parse().expect("an address"))?;
    socket.connect(to).await
}

/// Whether the server closes the connection.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.is_err() || answer.is_empty()
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "other systems have one loopback address")]
async fn a_flood_of_strangers_leaves_places_for_those_who_are_known() {
    let server =
        start_with(&[("limits.connections_max", "40"), ("limits.connections_reserved", "10")]);
    let mut kv = connect(&server).await;
    kv.set(set("k", "v")).await.unwrap();
    // From many addresses: a stranger that has a place is known.
    let mut strangers = Vec::new();
    for last in 2..=100 {
        let from = format!("127.0.0.{last}");
        strangers.push(connect_from(&from, server.socket_addr()).await.unwrap());
    }
    let refused = "kv_connections_refused_total{protocol=\"grpc\"}";
    until(|| metric(&server, refused) >= 99 - 29).await;
    assert!(is_closed(strangers.last_mut().unwrap()).await, "a stranger finds no place");
    assert_eq!(metric(&server, "kv_connections{protocol=\"grpc\"}"), 30);
    let mut known = connect(&server).await;
    known.set(set("k", "w")).await.expect("whoever is known finds one");
    kv.set(set("k", "x")).await.expect("and whoever was there is served");
}
