//! One server's side of a session.

use kv_resp::Value;

use super::answer;
use super::connection::{Answers, Connection};
use super::peer::Peer;
use super::step::{Args, CONNECTIONS, answered, args, words};

/// Pages of one iteration: more than there are keys.
const SCAN_PAGES_MAX: usize = 1000;

/// What is asked of both servers before a session.
const FRESH_START: [&str; 4] = [
    "FLUSHALL",
    "CONFIG SET maxmemory 0",
    "CONFIG SET maxmemory-policy noeviction",
    "CONFIG SET timeout 0",
];

/// One server, and the connections of the session to it.
pub(super) struct Side<'a> {
    peer: &'a Peer,
    connections: [Option<Connection>; CONNECTIONS],
}

impl<'a> Side<'a> {
    /// Empties the store.
    pub(super) fn new(peer: &'a Peer) -> Self {
        let mut control = peer.connect();
        for command in FRESH_START {
            control.ask(&words(command));
        }
        Self { peer, connections: [const { None }; CONNECTIONS] }
    }

    /// Sends any bytes over a connection of their own.
    pub(super) fn send_raw(&self, bytes: &[u8]) -> Answers {
        self.peer.connect().send_raw(bytes)
    }

    /// Sends commands over one of the session's connections, which is opened when it is not open.
    pub(super) fn exchange(&mut self, connection: usize, commands: &[Args]) -> Answers {
        let slot = self.connections.get_mut(connection).expect("a connection of the session");
        let open = slot.get_or_insert_with(|| {
            let mut open = self.peer.connect();
            if connection % 2 == 1 {
                open.ask(&args([b"HELLO", b"3"]));
            }
            open
        });
        let mut answers = open.exchange(commands);
        if answers.is_closed {
            *slot = None;
        }
        for (value, command) in answers.values.iter_mut().zip(answered(commands)) {
            self.peer.alter_answer(&command, value);
        }
        answers
    }

    /// One answer: all keys that the iteration finds, or the first error.
    pub(super) fn scan(&mut self, connection: usize, options: &Args) -> Answers {
        let (mut cursor, mut keys) = (b"0".to_vec(), Vec::new());
        for page in 0.. {
            assert!(page < SCAN_PAGES_MAX, "an iteration over few keys ends");
            let mut command = args([b"SCAN", &cursor]);
            command.extend_from_slice(options);
            let answers = self.exchange(connection, &[command]);
            let [Value::Array(page)] = answers.values.as_slice() else { return answers };
            let [Value::Bulk(next), Value::Array(found)] = page.as_slice() else { return answers };
            keys.extend(found.iter().map(answer::canonical));
            cursor.clone_from(next);
            if cursor == b"0" {
                // An iteration may show a key more than once.
                keys.sort_unstable();
                keys.dedup();
                let keys = keys.into_iter().map(|key| Value::Simple(key.into_bytes())).collect();
                return Answers { values: vec![Value::Array(keys)], is_closed: false };
            }
        }
        unreachable!("pages are counted")
    }
}
