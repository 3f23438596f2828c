//! Values that are kept compressed: every protocol answers as without, and memory is what it is for.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::ops::Range;

use kv_proto::v1::ScanRequest;

use crate::support::http::http;
use crate::support::page::get as page;
use crate::support::resp::{Resp, bulk, request};
use crate::support::{Process, batch, connect, get, get_op, set, start_with, until};

const COMPRESS: &str = "engine.compress_min_bytes";

/// A text of which half cannot be compressed.
fn text(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(len as u64);
    let again = b"a text that says the same again. ";
    let lines = std::iter::repeat_with(|| {
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(again.len()).collect();
        [again.to_vec(), noise].concat()
    });
    lines.flatten().take(len).collect()
}

fn metric(page: &str, name: &str) -> u64 {
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

/// Small, as long as what is shared, and so long that its compressed form is shared.
const LENS: [usize; 3] = [1000, 20_000, 1 << 20];

#[tokio::test]
async fn every_protocol_sets_and_gets_what_it_would_without() {
    let server = start_with(&[(COMPRESS, "1KiB")]);
    server.store().set_compression(Some(1000)).unwrap();
    let (mut resp, mut http) = (Resp::connect(&server).await, http(&server).await);
    let mut kv = connect(&server).await;
    for len in LENS {
        let value = text(len);
        resp.send(request(&[b"SET", b"key-resp", &value])).await;
        resp.expect("+OK\r\n").await;
        resp.send(request(&[b"MSET", b"key-mset", &value, b"key-other", b"x"])).await;
        resp.expect("+OK\r\n").await;
        http.send("PUT /v1/kv/key-http", &[], &value).await.expect(201);
        kv.set(set("key-grpc", &value)).await.unwrap();
        let keys = ["key-resp", "key-mset", "key-http", "key-grpc"];
        assert_eq!(server.store().stats().compressed_values, keys.len() as u64);
        for key in keys {
            resp.send(request(&[b"GET", key.as_bytes()])).await;
            resp.expect(bulk(&value)).await;
            resp.send(request(&[b"MGET", key.as_bytes(), b"absent", key.as_bytes()])).await;
            resp.expect([b"*3\r\n", &bulk(&value)[..], b"$-1\r\n", &bulk(&value)].concat()).await;
            resp.send(request(&[b"GETRANGE", key.as_bytes(), b"10", b"-11"])).await;
            resp.expect(bulk(&value[10..len - 10])).await;
            resp.ask(&format!("STRLEN {key}"), format!(":{len}\r\n")).await;
            resp.ask(&format!("OBJECT ENCODING {key}"), "$3\r\nraw\r\n").await;
            let answer = http.ask(&format!("GET /v1/kv/{key}")).await.expect(200);
            assert!(answer.body == value, "{key} by HTTP");
            let part = [("range", "bytes=10-19")];
            let answer = http.send(&format!("GET /v1/kv/{key}"), &part, b"").await.expect(206);
            assert_eq!(answer.body, value[10..20]);
            assert!(get(&mut kv, key).await.value.unwrap() == value, "{key} by gRPC");
        }
        let gets = batch(false, vec![get_op("key-resp"), get_op("key-http")]);
        let answer = format!("{:?}", kv.batch_write(gets).await.unwrap().into_inner());
        assert!(answer.len() > 2 * len, "both values are in the answer");
        let scan = ScanRequest { prefix: "key-".into(), values: true, ..ScanRequest::default() };
        let mut pages = kv.scan(scan).await.unwrap().into_inner();
        let mut scanned = 0;
        while let Some(page) = pages.message().await.unwrap() {
            for entry in page.entries {
                scanned += usize::from(entry.value.unwrap() == value);
            }
        }
        assert_eq!(scanned, keys.len());
        resp.ask("APPEND key-resp !", format!(":{}\r\n", len + 1)).await;
        resp.send(request(&[b"GET", b"key-resp"])).await;
        resp.expect(bulk(&[&value[..], b"!"].concat())).await;
        resp.ask("FLUSHALL", "+OK\r\n").await;
    }
}

#[tokio::test]
async fn the_setting_changes_while_the_server_runs() {
    let server = start_with(&[]);
    let mut resp = Resp::connect(&server).await;
    let set = async |resp: &mut Resp, key: &[u8]| {
        resp.send(request(&[b"SET", key, &[b'x'; 500]])).await;
        resp.expect("+OK\r\n").await;
        server.store().stats().compressed_values
    };
    assert_eq!(set(&mut resp, b"before").await, 0, "off by default");
    resp.ask(&format!("CONFIG SET {COMPRESS} 64"), "+OK\r\n").await;
    assert_eq!(set(&mut resp, b"after").await, 1);
    resp.ask(&format!("CONFIG SET kv.{COMPRESS} 0"), "+OK\r\n").await;
    assert_eq!(set(&mut resp, b"again").await, 1);
    resp.send(request(&[b"CONFIG", b"SET", COMPRESS.as_bytes(), b"63"])).await;
    assert!(resp.line().await.contains("from 64 to"), "says what is allowed");
}

/// Answers that wait to be sent take as much memory as what is stored, not as what they will show.
#[tokio::test]
async fn answers_that_a_client_does_not_read_stay_compressed() {
    const COPIES: usize = 60;
    let dir = tempfile::tempdir().unwrap();
    let server =
        Process::start(dir.path(), &["persist.enabled=false", &format!("{COMPRESS}=1KiB")]);
    let (mut slow, mut other) = (
        Resp::connect_to(server.addr_of("resp")).await,
        Resp::connect_to(server.addr_of("resp")).await,
    );
    let value = text(1 << 20);
    slow.send(request(&[b"SET", b"key", &value])).await;
    slow.expect("+OK\r\n").await;
    let rss = async |client: &mut Resp| {
        let info = client.text("INFO memory").await;
        let field = info.lines().find_map(|line| line.strip_prefix("used_memory_rss:"));
        field.unwrap().parse::<u64>().unwrap()
    };
    let before = rss(&mut other).await;
    let mget: Vec<&[u8]> = [&b"MGET"[..]].into_iter().chain([&b"key"[..]; COPIES]).collect();
    slow.send(request(&mget)).await;
    until(async || {
        let list = other.text("CLIENT LIST").await;
        let unsent = |line: &str| {
            let field = line.split(' ').find_map(|field| field.strip_prefix("omem="))?;
            field.parse::<usize>().ok()
        };
        list.lines().filter_map(unsent).max() > Some(50 << 20)
    })
    .await;
    let grown = rss(&mut other).await.saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more for an answer of {COPIES} MiB");
    slow.expect(format!("*{COPIES}\r\n")).await;
    for _ in 0..COPIES {
        slow.expect(bulk(&value)).await;
    }
}

/// Values on disk are as clients gave them: a server with another setting reads them.
#[tokio::test]
async fn a_restart_compresses_as_its_own_setting_says() {
    let dir = tempfile::tempdir().unwrap();
    let start = |setting: &str| {
        let settings = [format!("{COMPRESS}={setting}"), "persist.fsync=always".to_owned()];
        Process::start(dir.path(), &settings.each_ref().map(String::as_str))
    };
    write(&start("100"), 0..3, true).await;
    write(&start("0"), 3..6, false).await;
    check(&start("100"), 6).await;
    check(&start("0"), 0).await;
}

async fn write(server: &Process, keys: Range<usize>, takes_snapshot: bool) {
    let mut client = Resp::connect_to(server.addr_of("resp")).await;
    for key in keys {
        let value = text(LENS[key % 3]);
        client.send(request(&[b"SET", key.to_string().as_bytes(), &value])).await;
        client.expect("+OK\r\n").await;
    }
    if takes_snapshot {
        client.ask("SAVE", "+OK\r\n").await;
    }
    kill(server);
}

/// And waits until the data directory is free.
fn kill(server: &Process) {
    server.signal("KILL");
    assert_eq!(server.exit_code(), None, "it did not end by itself");
}

async fn check(server: &Process, compressed: u64) {
    let metrics = page(server.socket_addr_of("admin"), "/metrics").body;
    assert_eq!(metric(&metrics, "kv_compressed_values"), compressed);
    assert_eq!(metric(&metrics, "kv_compression_saved_bytes") > 1 << 19, compressed > 0);
    let mut client = Resp::connect_to(server.addr_of("resp")).await;
    for key in 0..6 {
        client.send(request(&[b"GET", key.to_string().as_bytes()])).await;
        client.expect(bulk(&text(LENS[key % 3]))).await;
    }
    kill(server);
}
