//! One store behind every protocol: what is written through one reads back the same through the others, with the
//! same version and the same remaining time.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kv_core::testing::ManualClock;
use kv_core::{EngineConfig, NullJournal, ShardedStore};
use kv_proto::v1::{Condition, DeleteRequest, ExpireRequest, GetRequest, SetRequest};
use kv_proto::v1::{expire_request, set_request};
use kv_server::testing::TestServer;

use crate::support::http::{Http, http};
use crate::support::resp::{Resp, request};
use crate::support::{Kv, bytes, connect, increment, set};

/// A client of each protocol, of one server whose clock stands still.
struct Clients {
    _server: TestServer,
    clock: Arc<ManualClock>,
    resp: Resp,
    http: Http,
    kv: Kv,
}

/// What a protocol shows of a key that exists. RESP shows no version.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    value: Vec<u8>,
    version: u64,
    ttl_ms: Option<i64>,
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Resp,
    Http,
    Grpc,
}

const WRITERS: [Writer; 3] = [Writer::Resp, Writer::Http, Writer::Grpc];

impl Clients {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store =
            ShardedStore::new(EngineConfig::default(), NullJournal, Arc::clone(&clock)).unwrap();
        let server = TestServer::start_over(Arc::new(store), |_config| {});
        let (resp, http, kv) =
            (Resp::connect(&server).await, http(&server).await, connect(&server).await);
        Self { _server: server, clock, resp, http, kv }
    }

    /// Writes a key, with an expiry when there is one.
    async fn write(&mut self, writer: Writer, key: &[u8], value: &[u8], ttl_ms: Option<i64>) {
        match writer {
            Writer::Resp => {
                let ttl = ttl_ms.map(|ms| ms.to_string());
                let mut args = vec![b"SET", key, value];
                args.extend(ttl.iter().flat_map(|ms| [b"PX", ms.as_bytes()]));
                self.resp.send(request(&args)).await;
                self.resp.expect("+OK\r\n").await;
            }
            Writer::Http => {
                let query = ttl_ms.map(|ms| format!("?ttl_ms={ms}")).unwrap_or_default();
                let put = format!("PUT {}{query}", path(key));
                self.http.send(&put, &[], value).await;
            }
            Writer::Grpc => {
                let expiry = ttl_ms.map(set_request::Expiry::TtlMs);
                let request = SetRequest { expiry, ..set(key, value) };
                assert!(self.kv.set(request).await.unwrap().into_inner().applied);
            }
        }
    }

    /// Sends a command that is answered with a number.
    async fn resp_number(&mut self, args: &[&[u8]]) -> i64 {
        self.resp.send(request(args)).await;
        self.resp.line().await.strip_prefix(':').expect("a number").parse().unwrap()
    }

    /// What every protocol shows of the key, which must be the same; `None` when it does not exist.
    async fn see(&mut self, key: &[u8]) -> Option<Seen> {
        let seen = self.see_by_grpc(key).await;
        assert_eq!(self.see_by_http(key).await, seen, "HTTP and gRPC");
        assert_eq!(self.see_by_http_as_json(key).await, seen, "JSON and gRPC");
        let by_resp = self.see_by_resp(key).await;
        let known = seen.as_ref().map(|seen| (seen.value.clone(), seen.ttl_ms));
        assert_eq!(by_resp, known, "RESP and gRPC");
        seen
    }

    async fn see_by_resp(&mut self, key: &[u8]) -> Option<(Vec<u8>, Option<i64>)> {
        self.resp.send(request(&[b"GET", key])).await;
        let line = self.resp.line().await;
        let value = match line.as_str() {
            "$-1" => None,
            line => {
                let len = line.strip_prefix('$').expect("a bulk string").parse().unwrap();
                let value = self.resp.receive(len).await;
                self.resp.expect("\r\n").await;
                Some(value)
            }
        };
        let ttl_ms = self.resp_number(&[b"PTTL", key]).await;
        assert_eq!(ttl_ms == -2, value.is_none(), "GET and PTTL");
        value.map(|value| (value, (ttl_ms != -1).then_some(ttl_ms)))
    }

    async fn see_by_http(&mut self, key: &[u8]) -> Option<Seen> {
        let answer = self.http.ask(&format!("GET {}", path(key))).await;
        if answer.status == 404 {
            return None;
        }
        let answer = answer.expect(200);
        let ttl_ms = answer.header("kv-ttl-ms").map(|ms| ms.parse().unwrap());
        Some(Seen { version: answer.version(), ttl_ms, value: answer.body })
    }

    async fn see_by_http_as_json(&mut self, key: &[u8]) -> Option<Seen> {
        let json = &[("Accept", "application/json")];
        let answer = self.http.send(&format!("GET {}", path(key)), json, "").await;
        if answer.status == 404 {
            return None;
        }
        let body = answer.expect(200).json();
        let value = match &body["value"] {
            serde_json::Value::String(text) => text.clone().into_bytes(),
            value => BASE64_STANDARD.decode(value["base64"].as_str().unwrap()).unwrap(),
        };
        let version = body["version"].as_u64().unwrap();
        Some(Seen { value, version, ttl_ms: body["ttl_ms"].as_i64() })
    }

    async fn see_by_grpc(&mut self, key: &[u8]) -> Option<Seen> {
        let answer = self.kv.get(GetRequest { key: bytes(key) }).await.unwrap().into_inner();
        let (version, ttl_ms) = (answer.version, answer.ttl_ms);
        answer.value.map(|value| Seen { value: value.to_vec(), version, ttl_ms })
    }
}

/// The path of a key, every byte of which is escaped.
fn path(key: &[u8]) -> String {
    key.iter().fold("/v1/kv/".to_owned(), |path, byte| format!("{path}%{byte:02X}"))
}

#[tokio::test]
async fn a_value_reads_back_the_same_through_every_protocol() {
    let mut clients = Clients::start().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let long = "long".repeat(10_000);
    let keys: [&[u8]; 4] = [b"key", "ü/€ ?".as_bytes(), b"\0\r\n\xff", &every_byte];
    let values: [&[u8]; 5] = [b"value", b"", b"-42", &every_byte, long.as_bytes()];
    for key in keys {
        let mut last = 0;
        for value in values {
            for (writer, ttl_ms) in
                WRITERS.into_iter().flat_map(|writer| [(writer, None), (writer, Some(90_061))])
            {
                clients.write(writer, key, value, ttl_ms).await;
                let seen = clients.see(key).await.expect("it was written");
                assert_eq!((seen.value.as_slice(), seen.ttl_ms), (value, ttl_ms), "{writer:?}");
                assert!(seen.version > last, "{writer:?}: versions grow through every protocol");
                last = seen.version;
            }
        }
    }
}

#[tokio::test]
async fn time_passes_for_every_protocol_and_ends_the_key_for_all() {
    let mut clients = Clients::start().await;
    for writer in WRITERS {
        clients.write(writer, b"k", b"v", Some(10_000)).await;
        clients.clock.advance_ms(9_999);
        assert_eq!(clients.see(b"k").await.expect("it lives").ttl_ms, Some(1), "{writer:?}");
        clients.clock.advance_ms(1);
        assert_eq!(clients.see(b"k").await, None, "{writer:?}");
    }
}

#[tokio::test]
async fn a_version_from_one_protocol_is_a_condition_in_another() {
    let mut clients = Clients::start().await;
    for writer in WRITERS {
        clients.write(writer, b"k", b"v", None).await;
        let version = clients.see(b"k").await.unwrap().version;
        let condition = Condition::IfVersion.into();
        let if_version = SetRequest { condition, if_version: version, ..set("k", "by gRPC") };
        let written = clients.kv.set(if_version.clone()).await.unwrap().into_inner();
        assert!(written.applied, "{writer:?}");
        // The version is used up, for gRPC and for HTTP.
        assert!(!clients.kv.set(if_version).await.unwrap().into_inner().applied);
        let old = format!("\"{version}\"");
        clients.http.send("PUT /v1/kv/k", &[("If-Match", &old)], "x").await.expect(412);
        let new = format!("\"{}\"", written.version);
        let put = clients.http.send("PUT /v1/kv/k", &[("If-Match", &new)], "by HTTP").await;
        assert!(put.version() > written.version);
        assert_eq!(clients.see(b"k").await.unwrap().value, b"by HTTP");
        // What RESP writes uses a version up, too.
        clients.write(Writer::Resp, b"k", b"by RESP", None).await;
        let delete =
            DeleteRequest { if_version: put.version(), key: bytes("k"), ..Default::default() };
        assert!(!clients.kv.delete(delete).await.unwrap().into_inner().applied);
    }
}

#[tokio::test]
async fn changes_of_one_key_add_up_across_protocols() {
    let mut clients = Clients::start().await;
    for round in 0..10 {
        assert_eq!(clients.resp_number(&[b"INCR", b"n"]).await, 3 * round + 1);
        assert_eq!(
            clients.kv.increment(increment("n")).await.unwrap().into_inner().value,
            3 * round + 2
        );
        let answer = clients.http.ask("POST /v1/kv/n?op=increment").await.expect(200);
        assert_eq!(answer.text(), (3 * round + 3).to_string());
    }
    let expiry = Some(expire_request::Expiry::TtlMs(5_000));
    let request = ExpireRequest { key: bytes("n"), expiry, ..Default::default() };
    assert!(clients.kv.expire(request).await.unwrap().into_inner().applied);
    assert_eq!(clients.resp_number(&[b"APPEND", b"n", b"0"]).await, 3);
    let seen = clients.see(b"n").await.unwrap();
    assert_eq!((seen.value.as_slice(), seen.ttl_ms), (&b"300"[..], Some(5_000)));
    clients.http.ask("POST /v1/kv/n?op=persist").await.expect(204);
    assert_eq!(clients.see(b"n").await.unwrap().ttl_ms, None);
    assert_eq!(clients.resp_number(&[b"PEXPIRE", b"n", b"7000"]).await, 1);
    assert_eq!(clients.see(b"n").await.unwrap().ttl_ms, Some(7_000));
    clients.http.ask("DELETE /v1/kv/n").await.expect(204);
    assert_eq!(clients.see(b"n").await, None);
    assert_eq!(clients.resp_number(&[b"DEL", b"n"]).await, 0);
}
