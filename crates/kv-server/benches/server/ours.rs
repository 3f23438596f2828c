//! This server as a process.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use kv_client::{Client, RetryPolicy};
use tokio::runtime::Runtime;

use crate::child::Server;
use crate::time::{LIMIT, now, wait_for};

/// Settings under which no snapshot is taken unless it is asked for.
pub(crate) const NO_SNAPSHOTS: [&str; 3] = [
    "persist.snapshot_interval=0s",
    "persist.snapshot_log_bytes=0",
    "persist.snapshot_on_shutdown=false",
];

/// Log lines that may wait to be looked at; nobody looks once the server is ready.
const LINES_MAX: usize = 1000;

/// A running kv-server.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) server: Server,
    addresses: Addresses,
}

/// Where each protocol is served: `IP:PORT`.
type Addresses = HashMap<String, String>;

/// How long a start took, from the call that made the process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Startup {
    /// Until the log says that it is ready.
    pub(crate) ready: Duration,
    /// Until a Get was answered with a value.
    pub(crate) first_get: Duration,
}

impl Ours {
    /// Starts a server with its files in `dir`, and waits until it is ready.
    pub(crate) fn start(dir: &Path, settings: &[&str]) -> Self {
        let (server, log) = spawn(dir, settings);
        let addresses = log.addresses();
        log.wait(" ready");
        Self { server, addresses }
    }

    /// Starts a server over the files in `dir`, and measures when it serves `key`.
    pub(crate) fn start_timed(
        dir: &Path,
        settings: &[&str],
        runtime: &Runtime,
        key: &str,
    ) -> (Self, Startup) {
        let start = now();
        let (server, log) = spawn(dir, settings);
        let addresses = log.addresses();
        let first_get = {
            let address = format!("http://{}", addresses["grpc"]);
            let (handle, key) = (runtime.handle().clone(), key.to_owned());
            thread::spawn(move || handle.block_on(first_get(address, key)))
        };
        let ready = log.wait(" ready").duration_since(start);
        let first_get = first_get.join().unwrap().duration_since(start);
        (Self { server, addresses }, Startup { ready, first_get })
    }

    /// Where a protocol is served: `IP:PORT`.
    pub(crate) fn address(&self, protocol: &str) -> &str {
        &self.addresses[protocol]
    }

    /// The port that a protocol is served on.
    pub(crate) fn port(&self, protocol: &str) -> u16 {
        self.address(protocol).rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// A client with one connection.
    pub(crate) async fn client(&self) -> Client {
        let address = format!("http://{}", self.address("grpc"));
        let client = Client::builder().address(address).retry(RetryPolicy::NONE);
        client.request_timeout(LIMIT).connect().await.unwrap()
    }

    /// Some clients with one connection each.
    pub(crate) async fn clients(&self, count: usize) -> Vec<Client> {
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(self.client().await);
        }
        clients
    }
}

/// Every listener on a free port.
const FREE_PORTS: [&str; 4] = [
    "server.resp_addr=127.0.0.1:0",
    "server.grpc_addr=127.0.0.1:0",
    "server.http_addr=127.0.0.1:0",
    "server.admin_addr=127.0.0.1:0",
];

/// The program with the settings that every run has.
fn spawn(dir: &Path, settings: &[&str]) -> (Server, Log) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv-server"));
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KV__") {
            command.env_remove(name);
        }
    }
    command.arg("--data-dir").arg(dir);
    for setting in FREE_PORTS.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = Log::read(&mut child);
    (Server(child), log)
}

/// Asks until it gets an answer, on one connection.
#[expect(clippy::disallowed_methods, reason = "it asks again and again until the answer comes")]
async fn first_get(address: String, key: String) -> Instant {
    let client = Client::builder().address(address).retry(RetryPolicy::NONE);
    let client = client.connect().await.unwrap();
    let end = now() + LIMIT;
    while now() < end {
        if client.get(&key).await.is_ok_and(|entry| entry.is_some()) {
            return now();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{key} was not served within {LIMIT:?}");
}

/// What the server logs, with the time at which each line was read.
#[derive(Debug)]
struct Log(Receiver<(Instant, String)>);

impl Log {
    fn read(child: &mut Child) -> Self {
        let stderr = child.stderr.take().expect("it is piped");
        let (line, lines) = sync_channel(LINES_MAX);
        thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Nobody listens once the server is ready; it must go on all the same.
                drop(line.try_send((now(), text)));
            }
        });
        Self(lines)
    }

    /// Every listener's address.
    fn addresses(&self) -> Addresses {
        let listener = |_| {
            let (_, text) = self.line("listening protocol=\"");
            let (_, told) = text.split_once("protocol=\"").unwrap();
            let (protocol, address) = told.split_once("\" addr=").expect("the address is logged");
            (protocol.to_owned(), address.to_owned())
        };
        FREE_PORTS.iter().map(listener).collect()
    }

    /// Waits for a line and tells when it came.
    fn wait(&self, text: &str) -> Instant {
        self.line(text).0
    }

    fn line(&self, wanted: &str) -> (Instant, String) {
        wait_for(wanted, || {
            let (time, text) = self.0.recv_timeout(LIMIT).expect(wanted);
            text.contains(wanted).then_some((time, text))
        })
    }
}
