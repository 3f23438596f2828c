//! This server and those that it is measured beside: processes that generators send the same calls to.

use std::path::Path;

use crate::Bench;
use crate::calls::{Calls, Protocol};
use crate::child::Server;
use crate::load::{Command, key};
use crate::memcached;
use crate::ours::Ours;
use crate::resp::Connection;

/// Names, for people.
pub(crate) const KV: &str = "kv";
pub(crate) const REDIS: &str = "Redis";

/// With these, nothing is kept on disk.
const OURS: [&str; 1] = ["persist.enabled=false"];
const REDIS_OPTIONS: &str = "--appendonly no --save ''";

/// Where other protocols are spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OtherPorts {
    pub(crate) http: u16,
    pub(crate) grpc: u16,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) server: Server,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    /// Of this project's server alone.
    pub(crate) other_ports: Option<OtherPorts>,
}

impl Contender {
    /// Whether it is this project's server.
    pub(crate) fn is_ours(&self) -> bool {
        self.name == KV
    }

    /// Sets keys to values of the same bytes.
    pub(crate) fn fill(&self, count: u64, value: &[u8]) {
        let keys = (0..count).map(key);
        match self.protocol {
            Protocol::Memcached => memcached::fill(self.port, keys, value),
            Protocol::Resp => Connection::open(self.port).expect("it listens").fill(keys, value),
        }
    }

    /// Has it stand still, so that what it does without being asked is not measured with another.
    pub(crate) fn pause(&self) {
        self.server.signal("STOP");
    }

    /// Lets it run during `work`.
    pub(crate) fn awake<T>(&self, work: impl FnOnce() -> T) -> T {
        self.server.signal("CONT");
        let done = work();
        self.pause();
        done
    }

    /// Calls in its protocol.
    pub(crate) fn calls(&self, command: Command, keys: u64, value: &[u8]) -> Calls {
        Calls::new(self.protocol, command, keys, value)
    }
}

/// Starts this server, and after it all that are installed, with nothing kept on disk.
pub(crate) fn in_memory(bench: &Bench, dir: &Path) -> Vec<Contender> {
    println!("ours: kv-server --set {}", OURS.join(" --set "));
    let ours = Ours::start(dir, &OURS);
    let port = ours.port("resp");
    let other_ports = Some(OtherPorts { http: ours.port("http"), grpc: ours.port("grpc") });
    let (server, protocol) = (ours.server, Protocol::Resp);
    let mut contenders = vec![Contender { name: KV, server, protocol, port, other_ports }];
    for program in [&bench.redis, &bench.valkey].into_iter().flatten() {
        println!("peer: {} {REDIS_OPTIONS}", program.program);
        let redis = program.start(dir, REDIS_OPTIONS);
        let (server, port) = (redis.server, redis.port);
        let protocol = Protocol::Resp;
        contenders.push(Contender {
            name: program.name,
            server,
            protocol,
            port,
            other_ports: None,
        });
    }
    if let Some(program) = &bench.memcached {
        println!("peer: memcached {}", memcached::settings());
        let (server, port) = program.start(dir);
        let protocol = Protocol::Memcached;
        contenders.push(Contender { name: "memcached", server, protocol, port, other_ports: None });
    }
    contenders
}
