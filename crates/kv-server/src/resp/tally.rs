//! What is counted of a turn: how many requests of which kind, how long they took, which failed.

use std::time::Duration;

use super::failure::Failure;
use crate::clock::Stopwatch;
use crate::metrics::{ErrorKind, Metrics, Operation, Protocol};

/// The requests of the turn that is being made.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Vec<(Operation, u64)>,
}

impl Tally {
    /// Counts a request.
    #[inline]
    pub(super) fn count(&mut self, operation: Operation) {
        match self.counts.iter_mut().find(|(counted, _)| *counted == operation) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((operation, 1)),
        }
    }

    /// Reports all requests counted: they were answered together, now. Tells how long that took.
    pub(super) fn report(&mut self, metrics: &Metrics, started: Stopwatch) -> Duration {
        let took = started.elapsed();
        for (operation, count) in self.counts.drain(..) {
            metrics.record(Protocol::Resp, operation, took, count);
        }
        took
    }
}

/// Counts a request that is answered with an error.
#[cold]
pub(super) fn count_failure(metrics: &Metrics, failure: &Failure) {
    metrics.error(Protocol::Resp, failure.kind());
}

/// Counts a connection that is ended because what it sends cannot be understood.
#[cold]
pub(super) fn count_malformed(metrics: &Metrics) {
    metrics.error(Protocol::Resp, ErrorKind::Malformed);
}
