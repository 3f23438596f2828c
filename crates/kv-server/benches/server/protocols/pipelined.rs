//! Calls over many connections from one thread, as many as are answered: each connection has so many in flight, and
//! sends the next ones when all are answered, as redis-benchmark does.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{CreateFlags, EventData, EventFlags, add, create, wait};
use rustix::fd::OwnedFd;

use crate::calls::{Calls, connect};
use crate::redis_benchmark::CONNECTIONS;
use crate::time::now;

/// Bytes that are read at a time.
const READ_BYTES: usize = 64 * 1024;

/// How long nothing may be answered.
const SILENCE_MAX: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What goes over all connections.
#[derive(Debug)]
pub(super) struct Pipelines {
    calls: Calls,
    depth: usize,
    /// Of the answers to what a connection sends at once.
    answers_len: usize,
    connections: Vec<Connection>,
    readable: OwnedFd,
    random: fastrand::Rng,
    requests: Vec<u8>,
    answers: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// Bytes of answers that are still to come.
    awaited: usize,
}

impl Pipelines {
    /// Connects to the server on this port, and has everything under way.
    pub(super) fn start(calls: Calls, port: u16, depth: usize) -> Self {
        let answers_len = calls.answers_len(depth, calls.answer_len(port));
        let readable = create(CreateFlags::CLOEXEC).unwrap();
        let connections = (0..CONNECTIONS as u64).map(|index| {
            let stream = connect(port);
            add(&readable, &stream, EventData::new_u64(index), EventFlags::IN).unwrap();
            Connection { stream, awaited: 0 }
        });
        let connections = connections.collect();
        let (random, requests, answers) = (fastrand::Rng::new(), Vec::new(), vec![0; READ_BYTES]);
        let mut all =
            Self { calls, depth, answers_len, connections, readable, random, requests, answers };
        (0..CONNECTIONS).for_each(|index| all.send(index));
        all
    }

    /// Goes on for a while, and tells how many calls a second were answered.
    pub(super) fn rate(&mut self, round: Duration) -> f64 {
        let mut events = Vec::with_capacity(CONNECTIONS);
        let (start, mut answered) = (now(), 0);
        while start.elapsed() < round {
            events.clear();
            let free = rustix::buffer::spare_capacity(&mut events);
            wait(&self.readable, free, Some(&SILENCE_MAX)).unwrap();
            assert!(!events.is_empty(), "answers are missing");
            for event in &events {
                answered += self.receive(usize::try_from(event.data.u64()).unwrap());
            }
        }
        let calls = answered as f64 * self.depth as f64 / self.answers_len as f64;
        calls / start.elapsed().as_secs_f64()
    }

    fn send(&mut self, index: usize) {
        self.requests.clear();
        self.calls.write_many(self.depth, &mut self.random, &mut self.requests);
        let connection = &mut self.connections[index];
        connection.stream.write_all(&self.requests).unwrap();
        connection.awaited = self.answers_len;
    }

    /// Bytes of answers that have come; sends again when it was the last of them.
    fn receive(&mut self, index: usize) -> usize {
        let connection = &mut self.connections[index];
        let len = connection.stream.read(&mut self.answers).unwrap();
        let answers = &self.answers[..len];
        assert_ne!(len, 0, "the server goes on");
        let is_expected = match connection.awaited.checked_sub(len) {
            // What is left of the end may have come by itself.
            Some(0) => len < self.answers_len || self.calls.is_end(answers),
            other => other.is_some(),
        };
        assert!(is_expected, "no such answers are expected: {}", answers.escape_ascii());
        connection.awaited -= len;
        if connection.awaited == 0 {
            self.send(index);
        }
        len
    }
}
