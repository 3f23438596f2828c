//! Calls over many connections from one thread that does nothing else: at a fixed rate, or as fast as they are
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
use crate::calls::{Calls, connect};
use crate::durability::open_loop::{Pace, WAITING_MAX};
use crate::latency::{Sample, touched_room};
use crate::resp::NIL;
use crate::time::{LIMIT, now};

/// Connections, with one call in flight each.
pub(crate) const CONNECTIONS: usize = 50;

/// What is called.
#[derive(Debug, Clone)]
pub(crate) struct PacedCalls {
    pub(crate) calls: Calls,
    pub(crate) port: u16,
    /// The processor that the thread has to itself.
    pub(crate) processor: usize,
}

/// Calls until it is told to stop.
pub(crate) struct Calling {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Samples>,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) answers: Vec<Sample>,
    /// How late the thread itself was: each call, until it was seen that it is due.
    pub(crate) seen: Vec<Sample>,
}

impl Calling {
    /// Returns when everything is there that the load needs, and it has begun or is about to.
    pub(crate) fn start(calls: PacedCalls, pace: Pace) -> Self {
        let processor = calls.processor;
        let caller = Caller::connect(calls);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            run_on(processor);
            match pace {
                Pace::Open { rate } => caller.at_rate(rate, &stopped),
                Pace::Closed => caller.without_pause(&stopped),
            }
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) -> Samples {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Samples of a few seconds.
const SAMPLES: usize = 2_000_000;

struct Caller {
    calls: Calls,
    answer_len: usize,
    connections: Vec<Connection>,
    readable: OwnedFd,
    random: fastrand::Rng,
    request: Vec<u8>,
    samples: Samples,
}

struct Connection {
    stream: TcpStream,
    /// When the call that is under way should have been sent.
    under_way: Option<Instant>,
    /// When others should have been sent.
    waiting: VecDeque<Instant>,
    answer: Vec<u8>,
}

impl Caller {
    fn connect(calls: PacedCalls) -> Self {
        let readable = create(CreateFlags::CLOEXEC).unwrap();
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| Connection::open(calls.port)).collect();
        for (index, connection) in (0..).zip(&connections) {
            add(&readable, &connection.stream, EventData::new_u64(index), EventFlags::IN).unwrap();
        }
        let random = fastrand::Rng::with_seed(1);
        let samples = Samples { answers: touched_room(SAMPLES), seen: touched_room(SAMPLES) };
        let answer_len = calls.calls.answer_len(calls.port);
        let calls = calls.calls;
        Self { calls, answer_len, connections, readable, random, request: Vec::new(), samples }
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
                self.call(index, due);
                index = (index + 1) % CONNECTIONS;
                due += pause;
            }
            self.take_answers(&mut events);
        }
        self.drain(&mut events);
        self.samples
    }

    /// Takes what is still to come: the slowest answers are among those.
    fn drain(&mut self, events: &mut Vec<Event>) {
        let end = now() + LIMIT;
        while self.connections.iter().any(|connection| connection.under_way.is_some()) {
            assert!(now() < end, "every call is answered within {LIMIT:?}");
            self.take_answers(events);
        }
    }

    fn without_pause(mut self, stop: &AtomicBool) -> Samples {
        let mut events = Vec::with_capacity(CONNECTIONS);
        while !stop.load(Ordering::Relaxed) {
            for index in 0..CONNECTIONS {
                if self.connections[index].under_way.is_none() {
                    self.call(index, now());
                }
            }
            self.take_answers(&mut events);
        }
        self.drain(&mut events);
        self.samples
    }

    /// Makes a call, once the one before was answered.
    fn call(&mut self, index: usize, due: Instant) {
        let connection = &mut self.connections[index];
        if connection.under_way.is_some() {
            assert!(connection.waiting.len() < WAITING_MAX, "the server keeps up in the long run");
            connection.waiting.push_back(due);
            return;
        }
        self.request.clear();
        self.calls.write_many(1, &mut self.random, &mut self.request);
        connection.stream.write_all(&self.request).expect("nothing else is on its way");
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
            let Some(due) = connection.take_answer(&self.calls, self.answer_len) else { continue };
            let latency = now().saturating_duration_since(due);
            self.samples.answers.push(Sample { intended: due, latency });
            if let Some(due) = connection.waiting.pop_front() {
                self.call(index, due);
            }
        }
    }
}

impl Connection {
    fn open(port: u16) -> Self {
        let stream = connect(port);
        stream.set_nonblocking(true).unwrap();
        Self { stream, under_way: None, waiting: VecDeque::new(), answer: Vec::new() }
    }

    /// When the call should have been made whose answer is complete now, if one is.
    fn take_answer(&mut self, calls: &Calls, answer_len: usize) -> Option<Instant> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(len) => {
                assert_ne!(len, 0, "the server goes on");
                self.answer.extend_from_slice(&bytes[..len]);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        // A key may have been evicted.
        if self.answer != NIL {
            if self.answer.len() < answer_len {
                return None;
            }
            let is_whole = self.answer.len() == answer_len && calls.is_end(&self.answer);
            assert!(is_whole, "no such answer is expected: {}", self.answer.escape_ascii());
        }
        self.answer.clear();
        self.under_way.take()
    }
}
