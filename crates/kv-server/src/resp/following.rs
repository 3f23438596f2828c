//! Following what takes its time, so that it can be said where the time went.

use std::time::Duration;

use kv_core::lock_waited_ns;
use kv_resp::Batch;

use super::clients::{Label, Record};
use super::commands::resolve;
use super::request::Request;
use super::run::Time;
use super::session::Session;
use super::shared::Shared;
use super::slow_log::shown;
use super::turns::Turn;
use crate::clock::Stopwatch;
use crate::metrics::{Operation, Protocol};
use crate::slow::{Over, Phases, Words};
use crate::{woken, workers};

/// What is known of a turn before it is executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// Since when it could have been executed, if there was something in its way.
    pub(super) ready: Option<Stopwatch>,
    /// When its first request has begun to arrive, if that was not just now.
    pub(super) begun: Option<Stopwatch>,
    /// When the latest command before was over, in milliseconds since the server started.
    over_ms: u64,
    /// How long this thread had waited for locks.
    lock_waited_ns: u64,
}

/// A turn that was executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ran {
    before: Before,
    pub(super) time: Time,
    /// The most that it can have waited for others on its thread.
    queue: Duration,
}

impl Before {
    pub(super) fn new(ready: Option<Stopwatch>, begun: Option<Stopwatch>, over_ms: u64) -> Self {
        Self { ready, begun, over_ms, lock_waited_ns: lock_waited_ns() }
    }

    /// It was executed then.
    #[inline]
    pub(super) fn ran(self, time: Time) -> Ran {
        let queue = woken::queued(time.at);
        workers::worked(time.at + time.took, queue);
        Ran { before: self, time, queue }
    }
}

impl Ran {
    /// The most that it can have taken so far.
    #[inline]
    pub(super) fn so_far(&self) -> Duration {
        self.queue.max(self.in_the_way()) + self.time.took
    }

    /// How long something was in its way.
    #[inline]
    fn in_the_way(&self) -> Duration {
        self.before.ready.map_or(Duration::ZERO, |ready| self.time.started.since(ready))
    }

    /// How long it may have waited: most clients send nothing before they have their answer.
    fn queue(&self) -> Duration {
        let idle = self.time.at.saturating_sub(Duration::from_millis(self.before.over_ms));
        self.queue.min(idle).max(self.in_the_way())
    }

    /// The turn, of which so many bytes were executed. With `always` every turn that writes comes here.
    pub(super) fn turn(&self, batch: &Batch<'_>, consumed: usize) -> Turn {
        let mut executed = batch.iter().take_while(|command| command.end() <= consumed);
        let first = executed.next().map(Request::new);
        let lock_ns = lock_waited_ns().saturating_sub(self.before.lock_waited_ns);
        let lock = Duration::from_nanos(lock_ns);
        let begun =
            self.before.begun.map_or(Duration::ZERO, |begun| self.time.started.since(begun));
        let queue = self.queue();
        let known = first.and_then(|first| resolve(first).ok());
        Turn {
            operation: known.map_or(Operation::Other, |command| command.operation),
            words: first.map(|first| Words::of(shown(first))).unwrap_or_default(),
            commands: u64::from(first.is_some()) + executed.count() as u64,
            phases: Phases {
                queue,
                lock,
                execution: self.time.took.saturating_sub(lock),
                ..Phases::default()
            },
            arrival: begun.saturating_sub(queue),
            since: self.time.started.after(self.time.took),
            uncounted: Vec::new(),
        }
    }
}

/// A turn of this client is over.
#[cold]
pub(super) fn remember(shared: &Shared, client: &Record, turn: Turn) {
    let slow = shared.gate.slow();
    if !slow.is_slow(turn.phases.total()) {
        return;
    }
    let over = Over {
        protocol: Protocol::Resp,
        operation: turn.operation,
        operations: turn.commands,
        client: client.peer.addr,
        client_name: client.label(Label::Name).unwrap_or_default(),
        words: turn.words,
        phases: turn.phases,
        arrival: turn.arrival,
    };
    slow.add(&shared.gate, over);
}

impl Session {
    /// When the latest command was over, or the client has connected, in milliseconds since the server started.
    pub(super) fn over_ms(&self) -> u64 {
        self.latest.map_or(self.client.record.connected_ms, |(_command, at_ms)| at_ms)
    }

    /// Follows a turn whose answers were sent as far as possible.
    pub(super) fn follow(&mut self, mut turn: Turn) {
        if self.outbox.is_empty() {
            turn.end_reply();
            remember(&self.shared, &self.client.record, turn);
        } else {
            self.outbox.follow(turn);
        }
    }

    /// Remembers the turns that are over.
    #[inline]
    pub(super) fn remember_sent(&mut self) {
        while let Some(turn) = self.outbox.take_sent_turn() {
            remember(&self.shared, &self.client.record, turn);
        }
    }

    /// The connection has ended: no turn will get any further.
    pub(super) fn give_up_turns(&mut self) {
        self.outbox.give_up_turns(&self.shared.gate);
        self.remember_sent();
    }
}
