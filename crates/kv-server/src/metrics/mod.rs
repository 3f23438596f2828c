//! What a server counts and measures of itself: [`Metrics`].
//!
//! Counting is cheap: a thread writes to counters that no other thread writes to (`seat`, `counters`), without
//! a lock or an allocation, in a few nanoseconds. What threads have counted is added up when somebody looks.
//!
//! ```ignore
//! let started = Stopwatch::start();              // once per turn of a connection, not per operation
//! // … what has arrived is executed
//! let took = started.elapsed();
//! metrics.record(Protocol::Resp, Operation::Get, took, 12);
//! metrics.record(Protocol::Resp, Operation::Set, took, 4);
//! metrics.bytes_in(Protocol::Resp, bytes);
//! ```

mod connections;
mod counters;
mod exposition;
mod labels;
mod metered;
mod seat;

pub(crate) use connections::ConnectionGuard;
pub(crate) use exposition::{CONTENT_TYPE, Exposition};
pub(crate) use labels::{ErrorKind, Label, Operation, Phase, Protocol};
pub(crate) use metered::Metered;
pub(crate) use seat::seat;

use std::fmt;
use std::time::Duration;

use kv_core::Latency;

use connections::Connections;
use counters::Counters;

/// The metrics of one server; shared by all who count.
pub(crate) struct Metrics {
    counters: Counters,
    connections: [Connections; Protocol::COUNT],
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("connections", &self.connections).finish_non_exhaustive()
    }
}

impl Metrics {
    /// Nothing is counted yet.
    pub(crate) fn new() -> Self {
        Self {
            counters: Counters::new(),
            connections: std::array::from_fn(|_| Connections::default()),
        }
    }

    /// Counts `count` requests that each took this long: those of one batch were all answered at its end.
    /// Refused ones are counted here too, and as an error besides.
    pub(crate) fn record(
        &self,
        protocol: Protocol,
        operation: Operation,
        took: Duration,
        count: u64,
    ) {
        self.counters.record((protocol, operation), took, count);
    }

    /// Counts a request that was refused or failed.
    pub(crate) fn error(&self, protocol: Protocol, kind: ErrorKind) {
        self.counters.error(protocol, kind);
    }

    /// Counts bytes received from clients.
    pub(crate) fn bytes_in(&self, protocol: Protocol, bytes: u64) {
        self.counters.bytes_in(protocol, bytes);
    }

    /// Counts bytes sent to clients.
    pub(crate) fn bytes_out(&self, protocol: Protocol, bytes: u64) {
        self.counters.bytes_out(protocol, bytes);
    }

    /// How long requests took.
    pub(crate) fn latency(&self, protocol: Protocol, operation: Operation) -> Latency {
        self.counters.latency(protocol, operation)
    }

    /// Requests that were refused or failed.
    pub(crate) fn errors(&self, protocol: Protocol, kind: ErrorKind) -> u64 {
        self.counters.errors(protocol, kind)
    }

    /// Bytes received from clients and sent to them.
    pub(crate) fn bytes(&self, protocol: Protocol) -> (u64, u64) {
        self.counters.bytes(protocol)
    }
}
