//! `redis-benchmark`, Redis's own load generator.

use std::process::Command;
use std::time::Duration;

use crate::redis::Redis;

/// Requests of the first run, which tells how many make a round.
const REQUESTS_FIRST: u64 = 20_000;

/// SETs of 64 bytes to random keys, from 50 connections.
#[derive(Debug)]
pub(crate) struct SetLoad {
    keys: u64,
    pipeline: usize,
    requests: u64,
}

impl SetLoad {
    /// A load with `pipeline` commands in flight on each connection, sized to run about so long.
    pub(crate) fn new(redis: &Redis, keys: u64, pipeline: usize, round: Duration) -> Self {
        let first = Self { keys, pipeline, requests: REQUESTS_FIRST };
        let requests = (first.run(redis) * round.as_secs_f64()) as u64;
        Self { requests: requests.max(REQUESTS_FIRST), ..first }
    }

    /// The command, for people.
    pub(crate) fn describe(keys: u64, pipeline: usize) -> String {
        format!("redis-benchmark -t set -c 50 -d 64 -r {keys} -P {pipeline}")
    }

    /// Operations a second.
    pub(crate) fn run(&self, redis: &Redis) -> f64 {
        let (port, requests) = (redis.port.to_string(), self.requests.to_string());
        let words = Self::describe(self.keys, self.pipeline);
        let mut command = Command::new("redis-benchmark");
        command.args(words.split_whitespace().skip(1));
        command.args(["-n", &requests, "-p", &port, "--csv"]);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find(|line| line.starts_with("\"SET\"")).expect(&text);
        line.split(',').nth(1).unwrap().trim_matches('"').parse().unwrap()
    }
}
