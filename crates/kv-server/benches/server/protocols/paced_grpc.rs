//! Unary Sets over gRPC from one thread that does nothing else, through kv-client: as [`paced_calls`](super::paced_calls)
//! for protocols whose calls are a few bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kv_client::{Client, RetryPolicy};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::paced_calls::Samples;
use super::processors::run_on;
use crate::durability::open_loop::{Pace, WAITING_MAX};
use crate::latency::{Sample, touched_room};
use crate::load::key;
use crate::time::{LIMIT, now};

/// Of kv-client, with so many calls each at a time.
pub(super) const CONNECTIONS: usize = 4;
pub(super) const CALLS: usize = 16;

/// Room for what one caller does in some seconds.
const SAMPLES_FOR_EACH: usize = 10_000;

/// What is called.
#[derive(Debug, Clone)]
pub(super) struct PacedSets {
    pub(super) port: u16,
    /// The processor that the thread has to itself.
    pub(super) processor: usize,
    pub(super) keys: u64,
    pub(super) value: Bytes,
}

/// Calls until it is told to stop.
pub(super) struct Setting {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Samples>,
}

impl Setting {
    pub(super) fn start(sets: PacedSets, pace: Pace) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            run_on(sets.processor);
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(sets.run(pace, &stopped))
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> Samples {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// When each call is made.
enum When {
    /// At these times, or as soon after that as the one before was answered.
    Due(mpsc::Receiver<Instant>),
    /// At once, until it is enough.
    Until(Arc<AtomicBool>),
}

impl When {
    async fn next(&mut self) -> Option<Instant> {
        match self {
            Self::Due(times) => times.recv().await,
            Self::Until(stop) => (!stop.load(Ordering::Relaxed)).then(now),
        }
    }
}

impl PacedSets {
    async fn run(&self, pace: Pace, stop: &Arc<AtomicBool>) -> Samples {
        let (mut callers, mut queues) = (JoinSet::new(), Vec::new());
        for _ in 0..CONNECTIONS {
            let client = self.connect().await;
            for _ in 0..CALLS {
                let (queue, due) = mpsc::channel(WAITING_MAX);
                queues.push(queue);
                let when = match pace {
                    Pace::Open { .. } => When::Due(due),
                    Pace::Closed => When::Until(Arc::clone(stop)),
                };
                callers.spawn(call(client.clone(), self.clone(), when));
            }
        }
        let seen = match pace {
            Pace::Open { rate } => tell_when_due(queues, rate, stop).await,
            Pace::Closed => Vec::new(),
        };
        let answers = callers.join_all().await.into_iter().flatten().collect();
        Samples { answers, seen }
    }

    async fn connect(&self) -> Client {
        let client = Client::builder().address(format!("http://127.0.0.1:{}", self.port));
        client.retry(RetryPolicy::NONE).request_timeout(LIMIT).connect().await.unwrap()
    }
}

async fn call(client: Client, sets: PacedSets, mut when: When) -> Vec<Sample> {
    let mut random = fastrand::Rng::new();
    let mut samples = touched_room(SAMPLES_FOR_EACH);
    while let Some(intended) = when.next().await {
        client.set(key(random.u64(..sets.keys)), &sets.value).await.unwrap();
        let latency = now().saturating_duration_since(intended);
        samples.push(Sample { intended, latency });
    }
    samples
}

/// Tells the callers in turn, and how late that was each time. It does not sleep between: the runtime looks for answers
/// whenever this gives way.
async fn tell_when_due(
    queues: Vec<mpsc::Sender<Instant>>,
    rate: u64,
    stop: &AtomicBool,
) -> Vec<Sample> {
    let pause = Duration::from_nanos(1_000_000_000 / rate);
    let mut seen = touched_room(SAMPLES_FOR_EACH * queues.len());
    let (mut due, mut turns) = (now(), queues.iter().cycle());
    while !stop.load(Ordering::Relaxed) {
        let time = now();
        while due <= time {
            seen.push(Sample { intended: due, latency: time - due });
            let queue = turns.next().expect("there are callers");
            queue.try_send(due).expect("the server keeps up in the long run");
            due += pause;
        }
        tokio::task::yield_now().await;
    }
    seen
}
