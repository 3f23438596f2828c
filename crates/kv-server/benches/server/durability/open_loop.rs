//! Load that does not wait for the server, and load that does: each write with its latency.
//!
//! In the open loop a clock says when each write should be sent. Its latency counts from that time, also when
//! it could not be sent yet because the connection still waited for an earlier answer: a pause of the server
//! is seen by all the writes it held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kv_client::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::latency::{Sample, touched_room};
use crate::load::key;
use crate::resp::{OK, write_set};
use crate::time::{now, sleep_until};

/// Calls that may wait for one connection before the benchmark gives up: minutes of them.
pub(crate) const WAITING_MAX: usize = 100_000;

/// Room for the samples of each connection: those of a minute and more.
const SAMPLES_FOR_EACH: usize = 50_000;

/// When writes are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many a second over all connections, whatever the server does.
    Open { rate: u64 },
    /// One after the other on each connection.
    Closed,
}

/// Makes one call after the other on a connection of its own.
pub(crate) enum Caller {
    /// SETs over gRPC.
    Grpc(Client),
    /// SETs over the Redis protocol.
    RespSet(TcpStream, Vec<u8>),
}

impl Caller {
    async fn call(&mut self, key: String, value: &Bytes) {
        match self {
            Self::Grpc(client) => drop(client.set(key, value).await.unwrap()),
            Self::RespSet(stream, buffer) => {
                buffer.clear();
                write_set(buffer, &key, value);
                stream.write_all(buffer).await.unwrap();
                let mut answer = [0; OK.len()];
                stream.read_exact(&mut answer).await.unwrap();
                assert_eq!(answer, OK);
            }
        }
    }
}

/// What is written.
#[derive(Debug, Clone)]
pub(crate) struct Writes {
    /// The first of the keys.
    pub(crate) first: u64,
    /// How many keys there are to choose among.
    pub(crate) keys: u64,
    pub(crate) value: Bytes,
}

/// A load that runs until it is told to stop.
pub(crate) struct Running {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Vec<Sample>>,
    pacer: Option<thread::JoinHandle<()>>,
}

impl Running {
    /// Starts one writer for each caller.
    pub(crate) fn start(
        runtime: &Handle,
        callers: Vec<Caller>,
        writes: &Writes,
        pace: Pace,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut tasks, mut queues) = (JoinSet::new(), Vec::new());
        for (seed, caller) in (0_u64..).zip(callers) {
            let sender = Writer {
                caller,
                writes: writes.clone(),
                seed,
                samples: touched_room(SAMPLES_FOR_EACH),
            };
            match pace {
                Pace::Open { .. } => {
                    let (queue, times) = mpsc::channel(WAITING_MAX);
                    queues.push(queue);
                    tasks.spawn_on(sender.open(times), runtime);
                }
                Pace::Closed => drop(tasks.spawn_on(sender.closed(Arc::clone(&stop)), runtime)),
            }
        }
        let pacer = match pace {
            Pace::Open { rate } => Some(spawn_pacer(queues, rate, Arc::clone(&stop))),
            Pace::Closed => None,
        };
        Self { stop, tasks, pacer }
    }

    /// Stops, waits for what is under way, and tells all latencies.
    pub(crate) async fn stop(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(pacer) = self.pacer {
            pacer.join().unwrap();
        }
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

struct Writer {
    caller: Caller,
    writes: Writes,
    seed: u64,
    samples: Vec<Sample>,
}

impl Writer {
    async fn open(mut self, mut times: mpsc::Receiver<Instant>) -> Vec<Sample> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        while let Some(intended) = times.recv().await {
            self.write(&mut random, intended).await;
        }
        self.samples
    }

    async fn closed(mut self, stop: Arc<AtomicBool>) -> Vec<Sample> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        while !stop.load(Ordering::Relaxed) {
            self.write(&mut random, now()).await;
        }
        self.samples
    }

    async fn write(&mut self, random: &mut fastrand::Rng, intended: Instant) {
        let key = key(self.writes.first + random.u64(..self.writes.keys));
        self.caller.call(key, &self.writes.value).await;
        self.samples.push(Sample { intended, latency: intended.elapsed() });
    }
}

/// Tells the writers in turn when to write. A thread of its own: the runtime's timers count milliseconds.
fn spawn_pacer(
    queues: Vec<mpsc::Sender<Instant>>,
    rate: u64,
    stop: Arc<AtomicBool>,
) -> thread::JoinHandle<()> {
    let pause = Duration::from_nanos(1_000_000_000 / rate);
    thread::spawn(move || {
        let mut next = now();
        for queue in queues.iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            sleep_until(next);
            queue.try_send(next).expect("the server keeps up in the long run");
            next += pause;
        }
    })
}
