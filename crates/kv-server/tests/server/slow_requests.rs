//! Slow requests say where their time went, and what ran beside them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use kv_core::testing::ManualJournal;
use kv_core::{
    Action, Clock, Durability as Level, EngineConfig, NullJournal, Op, Reply, ReplySink,
    ShardedStore, Store, StoreError, UnixMillis,
};
use kv_proto::v1::PipelineRequest;
use kv_server::testing::TestServer;
use kv_server::{
    Backend, LatestSync, PersistSection, Persistence, PersistenceStats, SnapshotError,
    SnapshotTaken,
};
use serde_json::Value;

use crate::support::exposition::parse;
use crate::support::http::http;
use crate::support::log::{WATCHERS, backend, until as until_it};
use crate::support::page::get as page;
use crate::support::resp::{Resp, command, request};
use crate::support::{
    Kv, Process, batch, connect, get, get_op, increment_op, set, start_with, until, within,
};

/// How long things are held up.
const HELD: Duration = Duration::from_millis(30);

/// What is slow then, whatever else there is.
const THRESHOLD: &str = "25ms";

/// What is remembered, the newest first.
fn slow(admin: SocketAddr) -> Vec<Value> {
    let page = page(admin, "/slow");
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "application/json"));
    let shown: Value = serde_json::from_str(&page.body).unwrap();
    shown["requests"].as_array().unwrap().clone()
}

/// Waits for a request to be remembered.
async fn found(admin: SocketAddr, is_it: impl Fn(&Value) -> bool) -> Value {
    let mut found = None;
    until(async || {
        found = slow(admin).into_iter().find(|request| is_it(request));
        found.is_some()
    })
    .await;
    found.unwrap()
}

fn is(protocol: &str, operation: &str) -> impl Fn(&Value) -> bool {
    move |request| request["protocol"] == protocol && request["operation"] == operation
}

/// The phase that took longest; it must have taken as long as things were held up, and all together the whole time.
fn main_phase(request: &Value) -> String {
    let phases = request["phases_us"].as_object().unwrap();
    let micros = |value: &Value| value.as_u64().unwrap();
    let (name, longest) = phases.iter().max_by_key(|(_, took)| micros(took)).unwrap();
    assert!(micros(longest) >= 25_000, "{request}");
    let (sum, took) = (phases.values().map(micros).sum::<u64>(), micros(&request["took_us"]));
    assert!(took.abs_diff(sum) <= phases.len() as u64, "rounded: {request}");
    name.clone()
}

fn words(request: &Value) -> Vec<&str> {
    request["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn has(request: &Value, neighbour: &str) -> bool {
    request["beside"].as_array().unwrap().iter().any(|name| name == neighbour)
}

/// Waits for as long as things are held up.
#[expect(clippy::disallowed_methods, reason = "how long it lasts is what is measured")]
async fn hold() {
    tokio::time::sleep(HELD).await;
}

struct Stalled {
    server: TestServer,
    journal: Arc<ManualJournal>,
    kv: Kv,
}

/// A server whose log gets on when it is told to.
async fn stalled() -> Stalled {
    let journal = Arc::new(ManualJournal::default());
    let server = TestServer::start_backend(backend(&journal), |config| {
        config.set("persist.fsync", "always").unwrap();
        config.set("log.slow_threshold", THRESHOLD).unwrap();
    });
    let kv = connect(&server).await;
    let stalled = Stalled { server, journal, kv };
    stalled.until_waiting(0).await;
    stalled
}

impl Stalled {
    async fn until_waiting(&self, answers: usize) {
        until_it(|| self.journal.waiting() == answers + WATCHERS).await;
    }

    /// Once an answer waits for the log, lets it wait for a while.
    async fn stall(&self) {
        self.until_waiting(1).await;
        hold().await;
        self.journal.advance(Level::Fsync);
    }

    fn admin(&self) -> SocketAddr {
        self.server.socket_addr_of("admin")
    }
}

#[tokio::test]
async fn a_turn_that_waits_for_the_log_says_so_and_so_do_the_metrics() {
    let stalled = stalled().await;
    let mut client = Resp::connect(&stalled.server).await;
    client.ask("CLIENT SETNAME me", "+OK\r\n").await;
    client.send([command("SET key value"), command("INCR n"), command("PING")].concat()).await;
    stalled.stall().await;
    client.expect("+OK\r\n:1\r\n+PONG\r\n").await;
    let request = found(stalled.admin(), is("resp", "set")).await;
    assert_eq!(main_phase(&request), "log");
    assert_eq!(words(&request), ["SET", "key", "value"]);
    assert_eq!((&request["operations"], &request["client_name"]), (&3.into(), &"me".into()));
    assert_eq!(request["client"], client.stream.local_addr().unwrap().to_string());
    client.ask("SLOWLOG LEN", ":0\r\n").await;
    let metrics = parse(&page(stalled.admin(), "/metrics").body);
    let sum = |name: &str, labels: [(&str, &str); 2]| {
        let family = &metrics[name.strip_suffix("_sum").unwrap_or(name)];
        let is_it = |(label, value): &(&str, &str), found: &std::collections::BTreeMap<_, _>| {
            found.get(*label).is_some_and(|found: &String| found == value)
        };
        let sample = family.samples.iter().find(|sample| {
            sample.name == name && labels.iter().all(|label| is_it(label, &sample.labels))
        });
        sample.unwrap().value
    };
    for operation in ["set", "increment"] {
        let labels = [("protocol", "resp"), ("operation", operation)];
        assert!(sum("kv_request_duration_seconds_sum", labels) >= 0.025, "{operation}");
        let count = "kv_requests_total";
        assert!((sum(count, labels) - 1.0).abs() < 0.1, "{operation} is counted once");
    }
    let labels = [("protocol", "resp"), ("phase", "log")];
    assert!(sum("kv_slow_request_phase_seconds_total", labels) >= 0.025);
}

#[tokio::test]
async fn calls_that_wait_for_the_log_say_so() {
    let stalled = stalled().await;
    let (mut kv, admin) = (stalled.kv.clone(), stalled.admin());
    let call = tokio::spawn(async move { kv.set(set("key", "value")).await });
    stalled.stall().await;
    within(call).await.unwrap().unwrap();
    let request = found(admin, is("grpc", "set")).await;
    assert_eq!((main_phase(&request).as_str(), words(&request)), ("log", vec!["Set", "key"]));

    let mut kv = stalled.kv.clone();
    let ops = batch(true, vec![increment_op("a"), increment_op("b")]);
    let call = tokio::spawn(async move { kv.batch_write(ops).await });
    stalled.stall().await;
    within(call).await.unwrap().unwrap();
    let request = found(admin, is("grpc", "batch_write")).await;
    assert_eq!((main_phase(&request).as_str(), &request["operations"]), ("log", &2.into()));

    let ops = batch(false, vec![increment_op("a"), get_op("b"), increment_op("c")]);
    let requests = tokio_stream::iter([PipelineRequest { batch: Some(ops), tag: 7 }]);
    let mut answers = stalled.kv.clone().pipeline(requests).await.unwrap().into_inner();
    let ((), answer) = tokio::join!(stalled.stall(), within(answers.message()));
    assert_eq!(answer.unwrap().unwrap().tag, 7);
    drop(answers);
    let request = found(admin, is("grpc", "pipeline")).await;
    assert_eq!((main_phase(&request).as_str(), &request["operations"]), ("log", &3.into()));
}

#[tokio::test]
async fn http_requests_that_wait_for_the_log_say_so() {
    let stalled = stalled().await;
    let mut client = http(&stalled.server).await;
    let path = "PUT /v1/kv/key?durability=fsync";
    let (answer, ()) = tokio::join!(client.send(path, &[], "value"), stalled.stall());
    assert_eq!(answer.status, 201);
    let request = found(stalled.admin(), is("http", "set")).await;
    assert_eq!(main_phase(&request), "log");
    assert_eq!(words(&request), ["PUT", "/v1/kv/key?durability=fsync"]);
}

#[tokio::test]
async fn turns_that_a_failed_log_leaves_without_an_answer_are_over_all_the_same() {
    let stalled = stalled().await;
    let mut client = Resp::connect(&stalled.server).await;
    client.send(command("SET key value")).await;
    stalled.until_waiting(1).await;
    hold().await;
    stalled.journal.fail("EIO");
    assert!(client.line().await.contains("EIO"));
    let request = found(stalled.admin(), is("resp", "set")).await;
    assert_eq!(main_phase(&request), "log");
    assert!(has(&request, "log_trouble"), "{request}");
}

/// A clock that counts who measures something: in the engine those do who wait for a lock.
struct Counted {
    started: Instant,
    measured: AtomicU64,
}

impl Clock for Counted {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(1_700_000_000_000)
    }

    fn elapsed(&self) -> Duration {
        self.measured.fetch_add(1, Ordering::SeqCst);
        self.started.elapsed()
    }
}

/// Holds the lock of a shard until somebody waits for it, and then for a while.
struct Holder<'a> {
    clock: &'a Counted,
}

impl ReplySink for Holder<'_> {
    fn reply(&mut self, _result: Result<Reply, StoreError>) {
        while self.clock.measured.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        #[expect(clippy::disallowed_methods, reason = "how long it lasts is what is measured")]
        std::thread::sleep(HELD);
    }

    fn lend(&mut self, reply: Reply, _value: &[u8]) {
        self.reply(Ok(reply));
    }
}

/// Waits until somebody else has the lock.
fn has_begun(store: &dyn Store, begun: &Receiver<()>) {
    begun.recv_timeout(crate::support::LIMIT).unwrap();
    assert_eq!(store.activity().evicted_ago, None);
}

#[tokio::test]
async fn what_waits_for_the_lock_of_a_shard_says_so() {
    #[expect(clippy::disallowed_methods, reason = "the clock of this test")]
    let clock = Arc::new(Counted { started: Instant::now(), measured: AtomicU64::new(0) });
    let config = EngineConfig { shards: 1, ..EngineConfig::default() };
    let store = Arc::new(ShardedStore::new(config, NullJournal, Arc::clone(&clock)).unwrap());
    let server = TestServer::start_over(Arc::clone(&store) as _, |config| {
        config.set("log.slow_threshold", THRESHOLD).unwrap();
    });
    let admin = server.socket_addr_of("admin");
    let mut resp = Resp::connect(&server).await;
    let (mut http, mut kv) = (http(&server).await, connect(&server).await);
    let value = "x".repeat(100);
    resp.send(request(&[b"SET", b"key", value.as_bytes()])).await;
    resp.expect("+OK\r\n").await;
    for protocol in ["resp", "http", "grpc"] {
        clock.measured.store(0, Ordering::SeqCst);
        let (held, clock) = (Arc::clone(&store), Arc::clone(&clock));
        let (tell, begun) = sync_channel(1);
        let holder = std::thread::spawn(move || {
            let read = [Op::new(b"key", Action::Get)];
            tell.send(()).unwrap();
            held.execute_in_order(&read, &mut Holder { clock: &clock }).unwrap();
        });
        has_begun(&*store, &begun);
        // It may be that the lock is not taken yet: then another request has to wait.
        until(async || {
            match protocol {
                "resp" => resp.ask("EXISTS key", ":1\r\n").await,
                "http" => assert_eq!(http.ask("HEAD /v1/kv/key").await.status, 200),
                _ => drop(kv.exists(kv_proto::v1::ExistsRequest { key: "key".into() }).await),
            }
            holder.is_finished()
        })
        .await;
        holder.join().unwrap();
        let request = found(admin, is(protocol, "exists")).await;
        assert_eq!(main_phase(&request), "lock");
    }
}

#[tokio::test]
async fn what_a_client_does_not_read_says_so() {
    let server = start_with(&[("log.slow_threshold", THRESHOLD)]);
    let admin = server.socket_addr_of("admin");
    let mut writer = Resp::connect(&server).await;
    writer.send(request(&[b"SET", b"key", &vec![b'x'; 32 << 20]])).await;
    writer.expect("+OK\r\n").await;
    let in_flight = || {
        let metrics = parse(&page(admin, "/metrics").body);
        metrics["kv_in_flight_bytes"].samples[0].value > 0.0
    };

    let mut resp = Resp::connect(&server).await;
    resp.send(command("GET key")).await;
    until(async || in_flight()).await;
    hold().await;
    assert!(!slow(admin).iter().any(is("resp", "get")), "it is not over");
    resp.receive("$33554432\r\n".len() + (32 << 20) + 2).await;
    let request = found(admin, is("resp", "get")).await;
    assert_eq!((main_phase(&request).as_str(), words(&request)), ("reply", vec!["GET", "key"]));

    until(async || !in_flight()).await;
    let mut client = http(&server).await;
    client.write("GET /v1/kv/key HTTP/1.1\r\nHost: kv\r\n\r\n").await;
    until(async || in_flight()).await;
    hold().await;
    assert_eq!(client.receive(false).await.body.len(), 32 << 20);
    assert_eq!(main_phase(&found(admin, is("http", "get")).await), "reply");
}

#[tokio::test]
async fn a_client_that_leaves_without_its_answer_is_remembered() {
    let server = start_with(&[("log.slow_threshold", THRESHOLD)]);
    let admin = server.socket_addr_of("admin");
    let mut client = Resp::connect(&server).await;
    client.send(request(&[b"SET", b"key", &vec![b'x'; 32 << 20]])).await;
    client.expect("+OK\r\n").await;
    client.send(command("GET key")).await;
    client.expect("$33554432\r\n").await;
    hold().await;
    drop(client);
    assert_eq!(main_phase(&found(admin, is("resp", "get")).await), "reply");
}

#[tokio::test]
async fn what_a_client_takes_long_to_send_is_its_own_time() {
    let server = start_with(&[("log.slow_threshold", "0s")]);
    let admin = server.socket_addr_of("admin");
    let mut resp = Resp::connect(&server).await;
    resp.send("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n").await;
    hold().await;
    resp.send("$1\r\nv\r\n").await;
    resp.expect("+OK\r\n").await;
    let mut client = http(&server).await;
    client.write("PUT /v1/kv/key HTTP/1.1\r\nHost: kv\r\nContent-Length: 5\r\n\r\n").await;
    hold().await;
    client.write("value").await;
    assert_eq!(client.receive(false).await.status, 204);
    for protocol in ["resp", "http"] {
        let request = found(admin, is(protocol, "set")).await;
        assert!(request["arrival_us"].as_u64().unwrap() >= 25_000, "{request}");
    }
}

/// A disk that does everything at once.
struct Busy;

impl Persistence for Busy {
    fn snapshot(&self) -> Result<SnapshotTaken, SnapshotError> {
        Err(SnapshotError::Running)
    }

    fn stats(&self) -> PersistenceStats {
        PersistenceStats {
            snapshot_percent: Some(40),
            latest_sync: Some(LatestSync { began_ms: 1, took: None }),
            ..PersistenceStats::default()
        }
    }

    fn follow(&self, _settings: &PersistSection) {}
}

#[tokio::test]
async fn what_ran_beside_is_told() {
    let journal = Arc::new(ManualJournal::default());
    journal.congest(true);
    let server =
        TestServer::start_backend(backend(&journal).persistence(Arc::new(Busy)), |config| {
            config.set("log.slow_threshold", "0s").unwrap();
        });
    let mut kv = connect(&server).await;
    get(&mut kv, "key").await;
    let request = found(server.socket_addr_of("admin"), is("grpc", "get")).await;
    for neighbour in ["snapshot", "fsync", "log_congested"] {
        assert!(has(&request, neighbour), "{neighbour}: {request}");
    }
    for neighbour in ["loading", "log_trouble", "expiry", "eviction", "jobs"] {
        assert!(!has(&request, neighbour), "{neighbour}: {request}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_loaded_is_left_alone() {
    let readiness = kv_server::Readiness::loading();
    let backend = Backend::new(crate::loading::untouchable()).readiness(readiness);
    let server = TestServer::start_backend(backend, |config| {
        config.set("log.slow_threshold", "0s").unwrap();
    });
    let mut kv = connect(&server).await;
    kv.get(kv_proto::v1::GetRequest { key: "key".into() }).await.unwrap_err();
    let request = found(server.socket_addr_of("admin"), is("grpc", "get")).await;
    assert_eq!(request["beside"], serde_json::json!(["loading"]));
}

#[tokio::test]
async fn a_snapshot_that_is_taken_is_told_with_a_line_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let settings = ["log.slow_threshold=0s", "persist.snapshot_bytes_per_second=1MiB"];
    let process = Process::start(dir.path(), &settings);
    let admin = process.socket_addr_of("admin");
    let mut client = Resp::connect_to(process.addr_of("resp")).await;
    let mut random = fastrand::Rng::with_seed(1);
    for number in 0..64 {
        let key = format!("key-{number}");
        // Compressed, the snapshot would be over before anything happens beside it.
        let value: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1 << 20).collect();
        client.send(request(&[b"SET", key.as_bytes(), &value])).await;
        client.expect("+OK\r\n").await;
    }
    let line = process.log("a slow request");
    assert!(line.contains("protocol=\"resp\" operation=\"set\""), "{line}");
    assert!(!line.contains("key-"), "keys may be secret: {line}");
    client.send(command("BGSAVE")).await;
    assert!(client.line().await.contains("saving started"));
    // The whole line: what the metric means is told with the same words.
    let is_running = |page: &str| page.lines().any(|line| line == "kv_snapshot_running 1");
    until(async || is_running(&page(admin, "/metrics").body)).await;
    client.ask("EXISTS key-0", ":1\r\n").await;
    let request = found(admin, is("resp", "exists")).await;
    assert!(has(&request, "snapshot"), "{request}");
}

#[tokio::test]
async fn what_waits_for_others_on_its_thread_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let settings = ["server.threads=1", "persist.enabled=false", "log.slow_threshold=10ms"];
    let process = Process::start(dir.path(), &settings);
    let admin = process.socket_addr_of("admin");
    let mut busy = Resp::connect_to(process.addr_of("resp")).await;
    busy.ask("SETRANGE big 134217727 x", ":134217728\r\n").await;
    let mut victim = Resp::connect_to(process.addr_of("resp")).await;
    // Whether it comes at the wrong moment is a matter of luck.
    let is_queued = |request: &Value| request["phases_us"]["queue"].as_u64().unwrap() >= 10_000;
    until(async || {
        busy.send(command("APPEND big x")).await;
        for _ in 0..20 {
            victim.ask("PING", "+PONG\r\n").await;
        }
        busy.line().await;
        slow(admin).iter().any(|request| is("resp", "session")(request) && is_queued(request))
    })
    .await;
    let append = found(admin, is("resp", "append")).await;
    let phases = &append["phases_us"];
    assert!(phases["execution"].as_u64() > phases["queue"].as_u64(), "{append}");
}

#[tokio::test]
async fn nothing_is_remembered_that_was_not_slow() {
    let server = start_with(&[("log.slow_threshold", "off")]);
    let (mut client, mut kv) = (Resp::connect(&server).await, connect(&server).await);
    client.ask("SET key value", "+OK\r\n").await;
    get(&mut kv, "key").await;
    let admin = server.socket_addr_of("admin");
    assert_eq!(slow(admin), [Value::Null; 0]);
    client.ask("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 1", "+OK\r\n").await;
    client.ask("GET key", "$5\r\nvalue\r\n").await;
    client.ask("AUTH default secret", "").await;
    client.line().await;
    let request = found(admin, |request| words(request)[0] == "AUTH").await;
    assert_eq!(words(&request), ["AUTH", "(redacted)", "(redacted)"]);
    assert_eq!(slow(admin).len(), 1);
    assert_eq!(page(admin, "/slow").body.matches("secret").count(), 0);
}
