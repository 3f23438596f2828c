//! GETs over many connections from one thread that does nothing else: at a fixed rate, or as fast as they are
//! answered.
//!
//! It stands for clients on other machines: it has a processor of its own, and never sleeps, since a sleep ends late by
//! as much as what is to be measured. How late it is itself is measured as well.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{CreateFlags, Event, EventData, EventFlags, add, create, wait};
use rustix::fd::OwnedFd;

use super::processors::run_on;
use crate::durability::open_loop::Pace;
use crate::latency::Sample;
use crate::load::key;
use crate::resp::{NIL, write_get};
use crate::time::now;

/// Connections, with one GET in flight each.
pub(crate) const CONNECTIONS: usize = 50;

/// GETs that may wait for one connection before the benchmark gives up.
const WAITING_MAX: usize = 100_000;

/// What is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reads {
    pub(crate) port: u16,
    /// The processor that the thread has to itself.
    pub(crate) processor: usize,
    pub(crate) keys: u64,
    /// Of every value, where there is one.
    pub(crate) value_bytes: usize,
}

/// Reads until it is told to stop.
pub(crate) struct Reading {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Samples>,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) answers: Vec<Sample>,
    /// How late the thread itself was: each GET, until it was seen that it is due.
    pub(crate) seen: Vec<Sample>,
}

impl Reading {
    /// Returns when everything is there that the load needs, and it has begun or is about to.
    pub(crate) fn start(reads: Reads, pace: Pace) -> Self {
        let reader = Reader::connect(reads);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            run_on(reads.processor);
            match pace {
                Pace::Open { rate } => reader.at_rate(rate, &stopped),
                Pace::Closed => reader.without_pause(&stopped),
            }
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) -> Samples {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Room for as many samples as there are in a few seconds. Nothing is moved while it fills, and the system has no
/// page left to supply: either takes milliseconds, which would be measured.
fn touched_room() -> Vec<Sample> {
    const SAMPLES: usize = 2_000_000;
    let mut samples = vec![Sample { intended: now(), latency: Duration::MAX }; SAMPLES];
    samples.clear();
    samples
}

struct Reader {
    reads: Reads,
    connections: Vec<Connection>,
    readable: OwnedFd,
    random: fastrand::Rng,
    samples: Samples,
}

struct Connection {
    stream: TcpStream,
    /// When the GET that is under way should have been sent.
    under_way: Option<Instant>,
    /// When others should have been sent.
    waiting: VecDeque<Instant>,
    answer: Vec<u8>,
}

impl Reader {
    fn connect(reads: Reads) -> Self {
        let readable = create(CreateFlags::CLOEXEC).unwrap();
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| Connection::open(reads.port)).collect();
        for (index, connection) in (0..).zip(&connections) {
            add(&readable, &connection.stream, EventData::new_u64(index), EventFlags::IN).unwrap();
        }
        let random = fastrand::Rng::with_seed(1);
        let samples = Samples { answers: touched_room(), seen: touched_room() };
        Self { reads, connections, readable, random, samples }
    }

    fn at_rate(mut self, rate: u64, stop: &AtomicBool) -> Samples {
        let pause = Duration::from_nanos(1_000_000_000 / rate);
        let mut due = now();
        let mut index = 0;
        let mut events = Vec::with_capacity(CONNECTIONS);
        while !stop.load(Ordering::Relaxed) {
            let time = now();
            while due <= time {
                self.samples.seen.push(Sample { intended: due, latency: time - due });
                self.get(index, due);
                index = (index + 1) % CONNECTIONS;
                due += pause;
            }
            self.take_answers(&mut events);
        }
        self.samples
    }

    fn without_pause(mut self, stop: &AtomicBool) -> Samples {
        let mut events = Vec::with_capacity(CONNECTIONS);
        while !stop.load(Ordering::Relaxed) {
            for index in 0..CONNECTIONS {
                if self.connections[index].under_way.is_none() {
                    self.get(index, now());
                }
            }
            self.take_answers(&mut events);
        }
        self.samples
    }

    /// Sends a GET, once the one before was answered.
    fn get(&mut self, index: usize, due: Instant) {
        let connection = &mut self.connections[index];
        if connection.under_way.is_some() {
            assert!(connection.waiting.len() < WAITING_MAX, "the server keeps up in the long run");
            connection.waiting.push_back(due);
            return;
        }
        let mut command = Vec::new();
        write_get(&mut command, &key(self.random.u64(..self.reads.keys)));
        connection.stream.write_all(&command).expect("nothing else is on its way");
        connection.under_way = Some(due);
    }

    /// Takes what has come, without waiting for more.
    fn take_answers(&mut self, events: &mut Vec<Event>) {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        events.clear();
        let free = rustix::buffer::spare_capacity(events);
        wait(&self.readable, free, Some(&AT_ONCE)).unwrap();
        for event in events.iter() {
            let index = usize::try_from(event.data.u64()).unwrap();
            let connection = &mut self.connections[index];
            let Some(due) = connection.take_answer(self.reads.value_bytes) else { continue };
            let latency = now().saturating_duration_since(due);
            self.samples.answers.push(Sample { intended: due, latency });
            if let Some(due) = connection.waiting.pop_front() {
                self.get(index, due);
            }
        }
    }
}

impl Connection {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, under_way: None, waiting: VecDeque::new(), answer: Vec::new() }
    }

    /// When the GET should have been sent whose answer is complete now, if one is.
    fn take_answer(&mut self, value_bytes: usize) -> Option<Instant> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(len) => {
                assert_ne!(len, 0, "the server goes on");
                self.answer.extend_from_slice(&bytes[..len]);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        let whole = format!("${value_bytes}\r\n").len() + value_bytes + 2;
        if self.answer != NIL && self.answer.len() < whole {
            return None;
        }
        self.answer.clear();
        self.under_way.take()
    }
}
