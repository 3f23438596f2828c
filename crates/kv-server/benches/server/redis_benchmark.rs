//! `redis-benchmark`, Redis's own load generator, for both servers.

use std::process::Command;
use std::time::Duration;

use crate::child::quiet;

/// Requests of the first run, which tells how many make a round.
const REQUESTS_FIRST: u64 = 20_000;

/// As many as redis-benchmark opens when it is not told otherwise.
pub(crate) const CONNECTIONS: usize = 50;

/// Commands with values of 64 bytes and random keys, from 50 connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// `set` or `get`.
    pub(crate) command: &'static str,
    /// Keys to choose among.
    pub(crate) keys: u64,
    /// Commands in flight on each connection.
    pub(crate) pipeline: usize,
}

impl Load {
    /// The command line, for people.
    pub(crate) fn describe(&self) -> String {
        let Self { command, keys, pipeline } = self;
        format!("redis-benchmark -t {command} -c {CONNECTIONS} -d 64 -r {keys} -P {pipeline}")
    }

    /// The load, sized to run about so long against the server on this port.
    pub(crate) fn sized(self, port: u16, round: Duration) -> SizedLoad {
        let first = SizedLoad { load: self, port, requests: REQUESTS_FIRST };
        let requests = (first.run() * round.as_secs_f64()) as u64;
        SizedLoad { requests: requests.max(REQUESTS_FIRST), ..first }
    }

    /// The command line against the server on this port, for so many requests.
    pub(crate) fn arguments(&self, port: u16, requests: u64) -> Vec<String> {
        let line = format!("{} -n {requests} -p {port} --csv", self.describe());
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    }
}

/// A load of so many requests to one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizedLoad {
    load: Load,
    port: u16,
    requests: u64,
}

impl SizedLoad {
    /// Operations a second.
    pub(crate) fn run(&self) -> f64 {
        let mut command = Command::new("redis-benchmark");
        let output = command.args(self.load.arguments(self.port, self.requests)).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let name = format!("\"{}\"", self.load.command.to_uppercase());
        let line = text.lines().find(|line| line.starts_with(&name)).expect(&text);
        line.split(',').nth(1).unwrap().trim_matches('"').parse().unwrap()
    }
}

/// Whether redis-benchmark is on PATH.
pub(crate) fn is_there() -> bool {
    quiet("redis-benchmark").arg("--version").status().is_ok()
}
