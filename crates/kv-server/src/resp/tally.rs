//! What is counted of a turn: how many requests of which command, how long they took, which failed.

use std::time::Duration;

use super::commands::Command;
use super::failure::Failure;
use super::shared::Shared;
use crate::clock::Stopwatch;
use crate::metrics::{ErrorKind, Metrics, Operation, Protocol};

/// The requests of the turn that is being made.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Vec<(&'static Command, u32)>,
    /// Requests that no command could be found for, or that were refused.
    others: u32,
}

impl Tally {
    /// Counts a request.
    #[inline]
    pub(super) fn count(&mut self, command: &'static Command) {
        match self.counts.iter_mut().find(|(counted, _)| std::ptr::eq(*counted, command)) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((command, 1)),
        }
    }

    /// Counts a request that is not executed.
    pub(super) fn count_other(&mut self) {
        self.others += 1;
    }

    /// Reports all requests counted: they were answered together, now. Tells how long that took.
    pub(super) fn report(&mut self, shared: &Shared, started: Stopwatch) -> Duration {
        let took = started.elapsed();
        let metrics = shared.gate.metrics();
        let all: u32 = self.counts.iter().map(|(_, count)| count).sum();
        let each = took / all.max(1);
        for (command, count) in self.counts.drain(..) {
            metrics.record(Protocol::Resp, command.operation, took, count.into());
            shared.statistics.commands.called(command, count.into(), each * count);
        }
        if self.others > 0 {
            metrics.record(Protocol::Resp, Operation::Other, took, self.others.into());
            self.others = 0;
        }
        took
    }
}

/// Counts a request that is answered with an error, of a command that was executed if one is given.
#[cold]
pub(super) fn count_failure(
    shared: &Shared,
    executed: Option<&'static Command>,
    failure: &Failure,
) {
    shared.gate.metrics().error(Protocol::Resp, failure.kind());
    shared.statistics.errors.count(&failure.to_string());
    if let Some(command) = executed {
        shared.statistics.commands.failed(command);
    }
}

/// Counts a connection that is ended because what it sends cannot be understood.
#[cold]
pub(super) fn count_malformed(metrics: &Metrics) {
    metrics.error(Protocol::Resp, ErrorKind::Malformed);
}
