//! Load on this server, through its own client: as many calls as it answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kv_client::{Batch, Client, op};
use tokio::task::JoinSet;

use crate::ours::Ours;
use crate::time::now;

/// Batches in which a store is filled.
const FILL_BATCH: u64 = 500;

/// What is sent, for random keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Reads; every key is there.
    Get,
    /// Writes of 64 bytes.
    Set,
}

/// How it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// So many calls at the same time on each connection.
    Unary { calls: usize },
    /// One pipeline on each connection, with so many batches of this size in flight.
    Pipeline { batch: u64, in_flight: usize },
}

/// Load of so many clients for so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientLoad {
    pub(crate) connections: usize,
    pub(crate) command: Command,
    pub(crate) style: Style,
    pub(crate) keys: u64,
    pub(crate) round: Duration,
}

/// A key of 16 bytes, like those of redis-benchmark.
///
/// Not with `format!`, which took a quarter of the time of a client that fills a pipeline with reads.
pub(crate) fn key(mut number: u64) -> String {
    let mut key = *b"key:000000000000";
    for digit in key[4..].iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    String::from_utf8(key.to_vec()).unwrap()
}

/// A value of so many bytes that do not compress well, as values seldom do.
pub(crate) fn value(bytes: usize) -> Bytes {
    let mut random = fastrand::Rng::with_seed(bytes as u64);
    (0..bytes).map(|_| random.alphanumeric() as u8).collect()
}

impl ClientLoad {
    /// Operations a second.
    pub(crate) async fn run(&self, ours: &Ours) -> f64 {
        let clients = ours.clients(self.connections).await;
        let (start, value) = (now(), value(64));
        let until = start + self.round;
        let mut running = JoinSet::new();
        for (seed, client) in (0_u64..).zip(clients) {
            let (command, keys) = (self.command, self.keys);
            let load = Caller { command, keys, value: value.clone(), until };
            match self.style {
                Style::Unary { calls } => {
                    for call in 0..calls as u64 {
                        running.spawn(unary(client.clone(), load.clone(), seed << 16 | call));
                    }
                }
                Style::Pipeline { batch, in_flight } => {
                    running.spawn(pipeline(client, load, seed, (batch, in_flight)));
                }
            }
        }
        let made: u64 = running.join_all().await.into_iter().sum();
        made as f64 / start.elapsed().as_secs_f64()
    }
}

/// What one caller needs to know.
#[derive(Debug, Clone)]
struct Caller {
    command: Command,
    keys: u64,
    value: Bytes,
    until: Instant,
}

async fn unary(client: Client, load: Caller, seed: u64) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut made = 0;
    while now() < load.until {
        let key = key(random.u64(..load.keys));
        match load.command {
            Command::Get => assert!(client.get(key).await.unwrap().is_some(), "every key is there"),
            Command::Set => drop(client.set(key, &load.value).await.unwrap()),
        }
        made += 1;
    }
    made
}

async fn pipeline(
    client: Client,
    load: Caller,
    seed: u64,
    (batch_size, in_flight): (u64, usize),
) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut pipeline = client.pipeline().in_flight_max(in_flight).open().await.unwrap();
    let mut made = 0;
    while now() < load.until || pipeline.in_flight() > 0 {
        while now() < load.until && !pipeline.is_full() {
            let mut batch = Batch::with_capacity(batch_size as usize);
            for _ in 0..batch_size {
                let key = key(random.u64(..load.keys));
                batch = match load.command {
                    Command::Get => batch.get(key),
                    Command::Set => batch.set(key, &load.value),
                };
            }
            pipeline.send(batch).await.unwrap();
        }
        if let Some(answer) = pipeline.recv().await {
            answer.unwrap();
            made += batch_size;
        }
    }
    made
}

/// Sets many keys, as fast as it goes.
pub(crate) async fn fill(ours: &Ours, keys: impl Iterator<Item = String>, value: &Bytes) {
    let client = ours.client().await;
    let mut pipeline = client.pipeline().open().await.unwrap();
    let mut keys = keys.peekable();
    while keys.peek().is_some() || pipeline.in_flight() > 0 {
        while keys.peek().is_some() && !pipeline.is_full() {
            let mut batch = Batch::with_capacity(FILL_BATCH as usize);
            for key in keys.by_ref().take(FILL_BATCH as usize) {
                batch.push(op::Set::new(key, value));
            }
            pipeline.send(batch).await.unwrap();
        }
        pipeline.recv().await.unwrap().unwrap();
    }
}
