//! One slow request.

use std::net::SocketAddr;
use std::time::Duration;

use super::beside::Beside;
use super::words::Words;
use crate::metrics::{Label as _, Operation, Phase, Protocol};

/// Where the time of a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Phases {
    /// It was there, and others had their turn.
    pub(crate) queue: Duration,
    /// It waited for locks of shards.
    pub(crate) lock: Duration,
    /// It was executed, and its answer made.
    pub(crate) execution: Duration,
    /// Its answer waited for the log.
    pub(crate) log: Duration,
    /// Its answer waited for the client to take it.
    pub(crate) reply: Duration,
}

impl Phases {
    /// How long it took in all.
    pub(crate) fn total(&self) -> Duration {
        Phase::ALL.iter().copied().map(|phase| self.of(phase)).sum()
    }

    /// How long one phase took.
    pub(crate) fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Queue => self.queue,
            Phase::Lock => self.lock,
            Phase::Execution => self.execution,
            Phase::Log => self.log,
            Phase::Reply => self.reply,
        }
    }
}

/// A request that is over: all that is known of it by itself.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) protocol: Protocol,
    pub(crate) operation: Operation,
    /// How many operations it was: the commands of a turn, the operations of a batch.
    pub(crate) operations: u64,
    pub(crate) client: SocketAddr,
    /// What the client calls itself; mostly nothing.
    pub(crate) client_name: Box<str>,
    /// The first of its commands.
    pub(crate) words: Words,
    pub(crate) phases: Phases,
    /// How long it took to arrive, from its first byte to its last, which is the client's and the network's time.
    pub(crate) arrival: Duration,
}

/// A slow request as it is remembered.
#[derive(Debug)]
pub(crate) struct Slow {
    /// One more than that of the one before.
    pub(crate) id: u64,
    /// When it was over, in milliseconds since the Unix epoch.
    pub(crate) at_ms: u64,
    pub(crate) over: Over,
    pub(crate) beside: Beside,
}
