//! `bench` against a real server, over every protocol: what it sends arrives, what it tells is true.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use kv_server::testing::TestServer;
use serde_json::Value;

use crate::harness::{Cli, Nobody, Ran};

const PROTOCOLS: [(&str, &str); 4] =
    [("resp", "resp"), ("http", "http"), ("grpc", "grpc"), ("grpc-pipeline", "grpc")];

/// A server whose every listener is known.
struct Bench {
    server: TestServer,
    cli: Cli,
}

impl Bench {
    fn start() -> Self {
        Self::start_with(TestServer::start())
    }

    fn start_with(server: TestServer) -> Self {
        let cli = Cli::with_address(server.addr());
        Self { server, cli }
    }

    fn line(&self, (protocol, listener): (&str, &str), options: &str) -> Ran {
        let target = self.server.socket_addr_of(listener);
        self.cli.line(&format!("bench --protocol {protocol} --target {target} {options}"))
    }

    /// The figures of a run that must go well.
    fn figures(&self, protocol: (&str, &str), options: &str) -> Value {
        json(&self.line(protocol, &format!("{options} --json")).text())
    }

    fn keys(&self) -> Vec<String> {
        let keys = self.cli.line("--output raw scan --prefix bench:").text();
        keys.lines().map(str::to_owned).collect()
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn count(figures: &Value, kind: &str) -> u64 {
    figures["latency_ms"][kind]["count"].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_fills_reads_writes_and_deletes() {
    for protocol in PROTOCOLS {
        let bench = Bench::start();
        let figures = bench.figures(
            protocol,
            "--fill --key-count 200 --requests 601 --connections 3 --threads 2 --reads 60% \
             --deletes 10% --seed 7",
        );
        let [reads, writes, deletes] =
            ["read", "write", "delete"].map(|kind| count(&figures, kind));
        assert_eq!(reads + writes + deletes, 601, "{figures}");
        assert_eq!(count(&figures, "all"), 601);
        assert!(reads > 300 && writes > 120 && deletes > 30, "{figures}");
        let hits = figures["hits"].as_u64().unwrap();
        assert_eq!(hits + figures["misses"].as_u64().unwrap(), reads);
        assert!(hits < reads, "some had been deleted: {figures}");
        assert_eq!(figures["errors"], json("{}"));
        let keys = bench.keys();
        assert!(keys.len() < 200 && keys.len() > 120, "{}", keys.len());
        assert!(keys.iter().all(|key| key.len() == 18), "{keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_leaves_the_same_keys_whatever_the_protocol() {
    let mut left = Vec::new();
    for protocol in PROTOCOLS {
        let bench = Bench::start();
        let options = "--key-count 300 --requests 500 --connections 1 --reads 0 --deletes 40% \
                       --keys zipf:1.1 --seed 42 --value-size 10";
        assert_eq!(bench.figures(protocol, options)["seed"], 42);
        let mut keys = bench.keys();
        keys.sort();
        let value = bench.cli.line(&format!("--output raw get {}", keys[0])).text();
        left.push((keys, value));
    }
    assert!(left.windows(2).all(|pair| pair[0] == pair[1]), "{left:?}");
    assert!(left[0].0.len() > 20, "{left:?}");
    assert_eq!(left[0].1.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_operations_at_once_are_all_answered() {
    for protocol in PROTOCOLS.into_iter().filter(|(protocol, _)| *protocol != "http") {
        let bench = Bench::start();
        let options = "--fill --key-count 100 --requests 1000 --connections 2 --pipeline 32 \
                       --value-size 20000 --reads 50%";
        let figures = bench.figures(protocol, options);
        assert_eq!((count(&figures, "all"), &figures["misses"]), (1000, &Value::from(0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept_and_a_ttl_set() {
    for protocol in PROTOCOLS {
        let bench = Bench::start();
        let figures = bench.figures(
            protocol,
            "--rate 2000 --duration 300ms --connections 4 --ttl 1h --reads 0 --key-count 50",
        );
        let unsent = figures["unsent"].as_u64().unwrap();
        assert_eq!(count(&figures, "all") + unsent, 600, "{figures}");
        let key = &bench.keys()[0];
        let ttl = json(&bench.cli.line(&format!("--output json ttl {key}")).text());
        let left = ttl["ttl_ms"].as_u64().unwrap();
        assert!((3_000_000..=3_600_000).contains(&left), "{ttl}");
    }
}

/// What is held up by one slow answer is charged with the wait, although it was sent after it.
#[test]
fn a_pause_of_the_server_is_seen_by_all_it_held_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || pausing_server(&listener));
    let cli = Cli::without_server();
    let line = format!(
        "bench --target {target} --rate 1000 --requests 500 --connections 1 --reads 100% --json"
    );
    let figures = json(&cli.line(&line).text());
    serving.join().unwrap();
    assert_eq!((count(&figures, "all"), figures["misses"].as_u64()), (500, Some(500)));
    // 400 ms of 1000 requests a second: half of them wait, the median of those 200 ms. A generator that
    // leaves them out sees a single slow one.
    let p90 = figures["latency_ms"]["all"]["p90"].as_f64().unwrap();
    assert!(p90 > 200.0, "{figures}");
}

/// Answers PING and GETs, but takes 400 ms for one of them.
fn pausing_server(listener: &TcpListener) {
    let (stream, _) = listener.accept().unwrap();
    let mut writer = stream.try_clone().unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut answered = 0;
    for line in lines {
        match line.as_str() {
            "PING" => writer.write_all(b"+PONG\r\n").unwrap(),
            "GET" => {
                answered += 1;
                if answered == 50 {
                    pause();
                }
                writer.write_all(b"$-1\r\n").unwrap();
            }
            _ => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause is what is measured")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted_by_kind_and_make_the_exit_code_4() {
    for (protocol, kind) in
        PROTOCOLS.into_iter().zip(["ERR", "HTTP 413", "ValueTooLong", "ValueTooLong"])
    {
        let bench = Bench::start_with(TestServer::start_with(|config| {
            config.set("limits.value_bytes_max", "5").unwrap();
        }));
        let ran = bench.line(protocol, "--requests 20 --connections 2 --reads 0 --json");
        assert_eq!(ran.code, 4, "{ran:?}");
        assert_eq!(ran.stderr, "kv-cli: 20 operations failed\n");
        let figures = json(&String::from_utf8(ran.stdout).unwrap());
        let errors = figures["errors"].as_object().unwrap();
        assert_eq!(errors.len(), 1, "{figures}");
        assert_eq!(errors.get(kind), Some(&Value::from(20)), "{figures}");
        assert_eq!(count(&figures, "all"), 0, "a failure has no latency");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_it_says_what_helps() {
    let cli = Cli::without_server();
    let nobody = Nobody::is_here();
    let free = nobody.addr();
    for (protocol, _) in PROTOCOLS {
        let ran = cli.line(&format!("bench --protocol {protocol} --target {free} --requests 1"));
        assert_eq!(ran.code, 3, "{ran:?}");
        for part in [&format!("at {free} ({protocol})"), "Connection refused", "--target"] {
            assert!(ran.stderr.contains(part), "{protocol}: {ran:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_of_another_protocol_is_told_apart() {
    let bench = Bench::start();
    for protocol in [("resp", "http"), ("http", "resp"), ("grpc", "resp")] {
        let ran = bench.line(protocol, "--requests 1 --timeout 2s");
        assert_eq!(ran.code, 3, "{protocol:?}: {ran:?}");
        assert!(ran.stderr.contains("cannot reach a server at"), "{ran:?}");
    }
}

#[test]
fn what_is_out_of_bounds_is_told_with_what_is_allowed() {
    let cli = Cli::without_server();
    for (options, allowed) in [
        ("--connections 0", "1..=10000"),
        ("--connections 10001", "1..=10000"),
        ("--connections 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "1 to 16 are allowed"),
        ("--threads 65", "1..=64"),
        ("--pipeline 1025", "1..=1024"),
        ("--rate 0", "1..=100000000"),
        ("--requests 0", "1..=1000000000000"),
        ("--duration 0s", "1ms to 7days are allowed"),
        ("--duration 8days", "to 7days are allowed"),
        ("--ttl 0s", "1ms to 7days are allowed"),
        ("--key-count 0", "1..=1000000000"),
        ("--keys zipf:0", "0.01 to 10"),
        ("--keys normal", "uniform, zipf and zipf:EXPONENT are allowed"),
        ("--value-size 16777217", "1..=16777216"),
        ("--reads 101%", "0% to 100% are allowed"),
        ("--reads 90% --deletes 11%", "0% to 100% are allowed together"),
        ("--protocol http --pipeline 2", "1 is allowed"),
        ("--value-size 1000000 --pipeline 1024", "up to 1073741824 are allowed"),
        ("--target nonsense:x", "host:port is needed"),
        ("--preset nonsense", "memory-pressure"),
        ("--requests 1 --warmup 1s", "cannot be used with"),
    ] {
        let ran = cli.line(&format!("bench {options}"));
        assert_eq!(ran.code, 2, "{options}: {ran:?}");
        assert!(ran.stderr.contains(allowed), "{options}: {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_it_and_the_results_are_told() {
    let bench = Bench::start();
    let target = bench.server.socket_addr_of("resp");
    let line = format!("bench --target {target} --duration 1h --connections 2 --reads 0 --json");
    let mut child = bench.cli.spawn(&line);
    wait_for_writes(target);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    let figures = json(&out);
    assert_eq!(figures["interrupted"], true);
    assert!(count(&figures, "write") > 0, "{figures}");
    assert!(figures["seconds"].as_f64().unwrap() < 3000.0, "{figures}");
}

/// Asks until the server has keys: the run is under way.
fn wait_for_writes(target: SocketAddr) {
    let mut stream = std::net::TcpStream::connect(target).unwrap();
    let mut answer = [0; 64];
    loop {
        stream.write_all(b"DBSIZE\r\n").unwrap();
        let read = stream.read(&mut answer).unwrap();
        if answer[..read] != *b":0\r\n" {
            return;
        }
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_tells_what_is_expected_beside_what_was_measured() {
    let bench = Bench::start();
    let resp = bench.server.socket_addr_of("resp");
    let ran = bench.cli.line(&format!(
        "bench --preset baseline --target {resp} --warmup 0s --duration 100ms --connections 2"
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("kv-server --set engine.memory_limit=1GiB"), "{ran:?}");
    let out = String::from_utf8(ran.stdout).unwrap();
    for part in ["10000 keys", "60 % reads, 10 % deletes", "SET p99", "< 5 ms", "> 50,000"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(out.contains("not told by this server"), "the target may be any server: {out}");

    let options = "--preset shard-contention --connections 1 --key-count 100 --warmup 0s --duration 50ms --json";
    let ran = bench.line(("grpc", "grpc"), options);
    let figures = json(&String::from_utf8(ran.stdout).unwrap());
    assert_eq!((&figures["preset"], &figures["keys"]), (&"shard-contention".into(), &100.into()));
    assert_eq!(figures["expectations"][1]["published"], "< 10 ms");
    assert_eq!(figures["server"]["evicted_keys"], 0, "the server was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_has_a_line_for_each_run() {
    let bench = Bench::start();
    let target = bench.server.socket_addr_of("resp");
    let line = format!("bench --target {target} --connections 1,2,4 --requests 100 --output raw");
    let out = bench.cli.line(&line).text();
    let rates: Vec<f64> = out.lines().map(|line| line.parse().unwrap()).collect();
    assert!(rates.len() == 3 && rates.iter().all(|rate| *rate > 0.0), "{out}");
}

/// The driver asks for nothing that only kv-server has.
#[test]
fn a_redis_is_measured_too() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let redis = Command::new("redis-server")
        .args(["--port", &port, "--save", "", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut redis) = redis else { return eprintln!("SKIPPED: redis-server is not installed") };
    let mut log = BufReader::new(redis.stdout.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("Ready to accept connections")));
    let options = "--fill --key-count 100 --requests 1000 --connections 3 --pipeline 8 --ttl 1h \
                   --reads 50% --deletes 10% --json";
    let ran = Cli::without_server().line(&format!("bench --target 127.0.0.1:{port} {options}"));
    redis.kill().unwrap();
    redis.wait().unwrap();
    let figures = json(&ran.text());
    assert_eq!(count(&figures, "all"), 1000, "{figures}");
    assert!(figures["hits"].as_u64().unwrap() > 300, "{figures}");
}
