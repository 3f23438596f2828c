//! Whether clients that read large values hold up those that read small ones.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kv_bench::{Figure, Measured, Target};

use crate::Bench;
use crate::child::directory;
use crate::latency::{Quantiles, Sample, Window, touched_room};
use crate::ours::Ours;
use crate::report::{row, table};
use crate::resp::Connection;
use crate::time::{LIMIT, now, sleep_until};

/// Clients that read large values, each one value a second.
const READERS: usize = 10;

/// How often each of them reads.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// Clients that read small values, at a fixed rate all together.
const SMALL_READERS: u32 = 10;

/// How often each of them reads.
const SMALL_INTERVAL: Duration = Duration::from_millis(2);

/// Readers of small values are ready after so long: what a thread, a connection and memory cost when they begin
/// would be measured otherwise.
const TIME_TO_OPEN: Duration = Duration::from_millis(200);

pub(crate) fn run(bench: &Bench) {
    let dir = directory();
    let peer_dir = directory();
    let ours = Ours::start(dir.path(), &["persist.enabled=false"]);
    let redis = bench
        .redis
        .as_ref()
        .map(|program| program.start(peer_dir.path(), "--save '' --appendonly no"));
    println!(
        "{SMALL_READERS} connections GET 64 B every {SMALL_INTERVAL:?} each; beside them {READERS} GET \
         {} B every {READ_INTERVAL:?} each\n",
        bench.scale.large_bytes
    );
    table(&[
        "p99.9 of small GETs",
        "alone",
        "beside large ones",
        "own lateness then",
        "large ones read",
        "ratio",
        "target",
    ]);
    let sides =
        [("kv", Some(ours.port("resp"))), ("Redis", redis.as_ref().map(|redis| redis.port))];
    for (name, port) in sides {
        let Some(port) = port else { continue };
        measure(bench, name, port);
    }
}

fn measure(bench: &Bench, name: &str, port: u16) {
    let mut connection = Connection::open(port).expect("it listens");
    connection.fill(std::iter::once("small".to_owned()), &[b'v'; 64]);
    connection.fill(std::iter::once("large".to_owned()), &vec![b'v'; bench.scale.large_bytes]);
    let (mut alone, mut beside, mut late) =
        (Figure::default(), Figure::default(), Figure::default());
    let mut read = 0;
    for _ in 0..bench.scale.snapshot_rounds {
        alone.add(small(port, bench.scale.quiet).answers.p999.as_secs_f64());
        let large = LargeReaders::start(port, bench.scale.large_bytes);
        let small = small(port, bench.scale.quiet);
        beside.add(small.answers.p999.as_secs_f64());
        late.add(small.woken.p999.as_secs_f64());
        read += large.stop();
    }
    let ratio = format!("{:.2}×", beside.median() / alone.median());
    let target = if name == "kv" { "≤ 3×" } else { "–" };
    let (alone_cell, beside_cell, late_cell) = (alone.millis(), beside.millis(), late.millis());
    row(&[name, &alone_cell, &beside_cell, &late_cell, &read.to_string(), &ratio, target]);
    let name = format!("{name}, p99.9 beside large values");
    let row = Measured::lower("large", name, "ms", &beside.times(1e3))
        .beside("alone", Some(&alone.times(1e3)));
    bench.record(row.target((target != "–").then_some(Target::Ratio(3.0))));
}

/// How long small reads took, from when each was due.
struct Small {
    answers: Quantiles,
    /// How late the readers themselves were: until a thread ran that had slept.
    woken: Quantiles,
}

/// Small reads for so long.
fn small(port: u16, span: Duration) -> Small {
    let start = now() + TIME_TO_OPEN;
    let window = Window { start, end: start + span };
    let readers: Vec<_> = (0..SMALL_READERS)
        .map(|number| {
            let first = start + SMALL_INTERVAL * number / SMALL_READERS;
            thread::spawn(move || read_small(port, first, window.end))
        })
        .collect();
    let (mut answers, mut woken) = (Vec::new(), Vec::new());
    for reader in readers {
        let samples = reader.join().unwrap();
        answers.extend(samples.answers);
        woken.extend(samples.woken);
    }
    Small { answers: Quantiles::within(&answers, window), woken: Quantiles::within(&woken, window) }
}

/// What a reader of small values has seen.
struct Samples {
    /// How long each read took from when it was due.
    answers: Vec<Sample>,
    /// How long the reader overslept before it.
    woken: Vec<Sample>,
}

fn read_small(port: u16, first: Instant, end: Instant) -> Samples {
    let mut get = Get::open(port, "small", 64);
    let count = end.duration_since(first).div_duration_f64(SMALL_INTERVAL).ceil() as usize;
    let mut samples = Samples { answers: touched_room(count), woken: touched_room(count) };
    let mut intended = first;
    while intended < end {
        // Who is late because the answer before was has not overslept.
        let sleeps = now() < intended;
        sleep_until(intended);
        let overslept = if sleeps { intended.elapsed() } else { Duration::ZERO };
        samples.woken.push(Sample { intended, latency: overslept });
        get.read();
        samples.answers.push(Sample { intended, latency: intended.elapsed() });
        intended += SMALL_INTERVAL;
    }
    samples
}

/// Clients that read large values, all at the same time, until they are stopped.
struct LargeReaders {
    stop: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl LargeReaders {
    fn start(port: u16, bytes: usize) -> Self {
        let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let threads = (0..READERS)
            .map(|_| {
                let (stop, read) = (Arc::clone(&stop), Arc::clone(&read));
                thread::spawn(move || {
                    let mut get = Get::open(port, "large", bytes);
                    while !stop.load(Ordering::Relaxed) {
                        let start = now();
                        get.read();
                        read.fetch_add(1, Ordering::Relaxed);
                        sleep_until(start + READ_INTERVAL);
                    }
                })
            })
            .collect();
        Self { stop, read, threads }
    }

    /// Stops them and tells how many values they have read.
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.read.load(Ordering::Relaxed)
    }
}

/// A connection that reads one key again and again.
struct Get {
    stream: TcpStream,
    request: String,
    answer: Vec<u8>,
}

impl Get {
    fn open(port: u16, key: &str, bytes: usize) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request = format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len());
        // Of something that is no zero: the system supplies the pages now, and not while an answer is read.
        let answer = vec![b'?'; format!("${bytes}\r\n").len() + bytes + 2];
        Self { stream, request, answer }
    }

    fn read(&mut self) {
        self.stream.write_all(self.request.as_bytes()).unwrap();
        self.stream.read_exact(&mut self.answer).unwrap();
        assert_eq!(self.answer[0], b'$', "a value");
    }
}
