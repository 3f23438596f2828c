//! Measures a running server through this client: `cargo bench -p kv-client --bench rates`.
//!
//! Connects to `KV_ADDR` or the default address, writes 100 000 keys of 16 bytes with values of 64 bytes
//! and prints operations per second of single calls and of the pipeline. Client and server share the
//! machine, so the figures are those of both together. The server's contents are overwritten in part;
//! run it against a server of its own.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

use std::future::Future;
use std::time::{Duration, Instant};

use kv_client::{Batch, Client};
use mimalloc::MiMalloc;
use tokio::task::JoinSet;

/// As in kv-cli and kv-server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const KEYS: u64 = 100_000;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const VALUE: [u8; 64] = [b'v'; 64];

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// A key of 16 bytes. Not with `format!`, which would take a quarter of a pipeline's time.
fn key(number: u64) -> Vec<u8> {
    let mut key = *b"key:000000000000";
    let mut rest = number % KEYS;
    for digit in key[4..].iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap();
        rest /= 10;
    }
    key.to_vec()
}

async fn client(connections: usize) -> Client {
    let address =
        std::env::var("KV_ADDR").unwrap_or_else(|_unset| "http://127.0.0.1:7380".to_owned());
    Client::builder().address(address).connections(connections).connect().await.unwrap()
}

/// Runs `tasks` copies of a worker for a while; each tells how many operations it made.
async fn measure<F>(what: &str, tasks: u64, worker: impl Fn(u64, Instant) -> F)
where
    F: Future<Output = u64> + Send + 'static,
{
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let start = now();
        let mut running = JoinSet::new();
        for task in 0..tasks {
            running.spawn(worker(task, start + ROUND));
        }
        let operations: u64 = running.join_all().await.into_iter().sum();
        rates.push(operations as f64 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let [low, median, high] = rates.as_slice() else { return };
    println!("{what}: median {median:.0} operations/s ({low:.0} to {high:.0})");
}

async fn unary_get(client: Client, task: u64, until: Instant) -> u64 {
    let mut made = 0;
    while now() < until {
        assert!(client.get(key(task * 7919 + made)).await.unwrap().is_some());
        made += 1;
    }
    made
}

async fn unary_set(client: Client, task: u64, until: Instant) -> u64 {
    let mut made = 0;
    while now() < until {
        client.set(key(task * 7919 + made), &VALUE[..]).await.unwrap();
        made += 1;
    }
    made
}

/// Keeps the pipeline full of batches of `size` operations.
async fn pipelined(client: Client, size: u64, writes: bool, until: Instant) -> u64 {
    let (mut sender, mut receiver) = client.pipeline().open().await.unwrap().split();
    let sending = tokio::spawn(async move {
        let mut number = 0;
        while now() < until {
            let mut batch = Batch::with_capacity(64);
            for _ in 0..size {
                number += 7919;
                batch = if writes {
                    batch.set(key(number), &VALUE[..])
                } else {
                    batch.get(key(number))
                };
            }
            sender.send(batch).await.unwrap();
        }
    });
    let mut made = 0;
    while let Some(answer) = receiver.recv().await {
        answer.unwrap();
        made += size;
    }
    sending.await.unwrap();
    made
}

async fn fill(client: &Client) {
    let mut pipeline = client.pipeline().open().await.unwrap();
    for first in (0..KEYS).step_by(500) {
        let mut batch = Batch::with_capacity(500);
        for number in first..first + 500 {
            batch = batch.set(key(number), &VALUE[..]);
        }
        pipeline.send(batch).await.unwrap();
        pipeline.recv().await.unwrap().unwrap();
    }
}

#[tokio::main]
async fn main() {
    let client = client(4).await;
    fill(&client).await;
    let c = || client.clone();
    measure("get, 4 connections x 16 calls", 64, |task, until| unary_get(c(), task, until)).await;
    measure("set, 4 connections x 16 calls", 64, |task, until| unary_set(c(), task, until)).await;
    for size in [16, 64, 256] {
        for writes in [false, true] {
            let what = if writes { "set" } else { "get" };
            let what = format!("{what}, 4 pipelines, batches of {size}");
            measure(&what, 4, |_, until| pipelined(c(), size, writes, until)).await;
        }
    }
}
