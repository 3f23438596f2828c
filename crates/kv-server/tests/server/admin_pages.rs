//! The admin listener's pages: what there is, what is refused, and that they tell the server's state from
//! loading to draining.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use kv_core::testing::ManualJournal;
use kv_server::Readiness;
use kv_server::testing::TestServer;

use crate::support::log::{backend, until};
use crate::support::page::{exchange, fetch, get};
use crate::support::{FREE_PORTS, LIMIT, Process, binary, connect, set};

#[tokio::test]
async fn every_page_answers_and_nothing_else_does() {
    let server = TestServer::start();
    let addr = server.socket_addr_of("admin");
    let index = get(addr, "/").body;
    for path in ["/metrics", "/healthz", "/readyz", "/slow", "/version"] {
        assert!(index.contains(path), "{path} is not in {index}");
        let page = get(addr, path);
        assert_eq!(page.status, 200, "{path}: {page:?}");
        assert_eq!(page.headers["content-length"], page.body.len().to_string());
        assert_eq!(page.headers["cache-control"], "no-store");
        let head = fetch(addr, "HEAD", path);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}: {head:?}");
        assert!(head.headers["content-length"].parse::<usize>().unwrap() > 0, "{head:?}");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let refused = fetch(addr, method, path);
            assert_eq!(refused.status, 405, "{method} {path}: {refused:?}");
            assert_eq!(refused.headers["allow"], "GET, HEAD");
        }
    }
    assert_eq!(
        get(addr, "/metrics").headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(get(addr, "/metrics?x=y").status, 200, "a query changes nothing");
    for path in ["/metric", "/metrics/", "//metrics", "/%6detrics", "/v1/kv/k"] {
        assert_eq!(get(addr, path).status, 404, "{path}");
    }
    assert_eq!(fetch(addr, "POST", "/nothing").status, 404);
}

#[tokio::test]
async fn readiness_follows_the_server_from_loading_to_draining() {
    let (readiness, journal) = (Readiness::loading(), Arc::new(ManualJournal::default()));
    let backend = backend(&journal).readiness(readiness.clone());
    let mut server = TestServer::start_backend(backend, |_config| {});
    let addr = server.socket_addr_of("admin");
    let check = |status: u16, words: &[&str]| {
        let page = get(addr, "/readyz");
        assert_eq!(page.status, status, "{page:?}");
        assert_eq!(page.headers["content-type"], "application/json");
        for word in words {
            assert!(page.body.contains(word), "{word} is not in {}", page.body);
        }
        assert_eq!(get(addr, "/healthz").status, 200, "the process lives");
        let state = words[0];
        let metrics = get(addr, "/metrics");
        let line = format!("kv_state{{state={state}}} 1");
        assert_eq!(metrics.status, 200);
        assert!(metrics.body.lines().any(|found| found == line), "{line} in {}", metrics.body);
    };
    check(503, &["\"loading\"", "\"ready\":false", "\"percent\":0", "loading what was kept: 0 %"]);
    readiness.set_progress(42, "log segment 3 of 9");
    check(503, &["\"loading\"", "\"percent\":42", "log segment 3 of 9: 42 %"]);
    readiness.ready();
    check(200, &["\"serving\"", "\"ready\":true"]);
    journal.fail("EIO on log-1.kvl");
    check(503, &["\"failed\"", "EIO on log-1.kvl", "until a restart"]);
    server.begin_stop();
    until(|| get(addr, "/readyz").body.contains("draining")).await;
    check(503, &["\"draining\"", "shutting down"]);
}

#[test]
fn pages_answer_until_the_last_connection_is_drained() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &["server.drain_timeout=2s"]);
    let addr = process.socket_addr_of("admin");
    // A request that is never completed keeps the drain going to its end.
    let mut busy = TcpStream::connect(process.socket_addr_of("grpc")).unwrap();
    busy.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let _settings = busy.read(&mut [0; 64]).unwrap();
    process.signal("TERM");
    process.log("draining");
    let page = get(addr, "/readyz");
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.body.contains("draining"), "{page:?}");
    assert_eq!(process.exit_code(), Some(0));
    assert!(TcpStream::connect(addr).is_err(), "it ends with the process");
}

#[test]
fn what_kv_server_was_built_from_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let page = get(process.socket_addr_of("admin"), "/version");
    let version: serde_json::Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    for kind in ["log", "snapshot", "manifest"] {
        assert!(version["formats"][kind].as_u64() >= Some(1), "{version}");
    }
}

#[test]
fn an_address_that_is_taken_is_refused_with_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.arg("--data-dir").arg(dir.path());
    for setting in FREE_PORTS {
        command.args(["--set", setting]);
    }
    let setting = format!("server.admin_addr={}", taken.local_addr().unwrap());
    let output = command.args(["--set", &setting]).output().unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("server.admin_addr") && log.contains("is in use"), "{log}");
}

#[tokio::test]
async fn strange_input_ends_at_most_its_own_connection() {
    let server = TestServer::start();
    let addr = server.socket_addr_of("admin");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(64 << 10));
    for input in [&b"\0\0\0\0\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", long.as_bytes()] {
        let answer = exchange(addr, input);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(get(addr, "/healthz").status, 200);
    }
}

#[tokio::test]
async fn connections_are_bounded_apart_from_those_of_data() {
    let server = TestServer::start_with(|config| {
        config.set("limits.connections_max", "1").expect("a number");
    });
    let mut kv = connect(&server).await;
    kv.set(set("k", "v")).await.unwrap();
    let addr = server.socket_addr_of("admin");
    assert_eq!(get(addr, "/healthz").status, 200, "the data connections are all taken");
    // More silent clients than there are places: those too many are closed.
    let mut silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(addr).unwrap()).collect();
    let last = silent.last_mut().unwrap();
    last.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(last.read(&mut [0]).unwrap_or(0), 0, "it is closed");
    silent.clear();
    until(|| status(addr) == Some(200)).await;
    kv.set(set("k", "w")).await.unwrap();
}

/// The status of `/healthz`, if there is an answer.
fn status(addr: SocketAddr) -> Option<u16> {
    let request = b"GET /healthz HTTP/1.1\r\nHost: kv\r\nConnection: close\r\n\r\n";
    exchange(addr, request).split(' ').nth(1)?.parse().ok()
}

#[test]
fn an_empty_address_turns_it_off() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start_without_waiting(dir.path(), &["server.admin_addr="]);
    let listening = process.lines_until(" ready");
    assert!(!listening.iter().any(|line| line.contains("admin")), "{listening:?}");
}
