//! What is counted of a turn: how many requests of which command, how long they took, which failed.

use std::time::Duration;

use super::commands::Command;
use super::failure::Failure;
use super::shared::Shared;
use super::turns;
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

    /// Reports all requests counted: they were executed together, which took so long, and are answered now.
    pub(super) fn report(&mut self, shared: &Shared, took: Duration) {
        let metrics = shared.gate.metrics();
        self.drain(shared, took, |operation, count| {
            metrics.record(Protocol::Resp, operation, took, count);
        });
    }

    /// Reports all requests counted as executed, which took so long. Tells what is to be counted when they are
    /// answered.
    pub(super) fn report_executed(
        &mut self,
        shared: &Shared,
        took: Duration,
    ) -> Vec<(Operation, u64)> {
        let mut unanswered = Vec::with_capacity(self.counts.len());
        self.drain(shared, took, |operation, count| {
            turns::add(&mut unanswered, operation, count);
        });
        unanswered
    }

    #[inline]
    fn drain(&mut self, shared: &Shared, took: Duration, mut answered: impl FnMut(Operation, u64)) {
        let all: u32 = self.counts.iter().map(|(_, count)| count).sum();
        let each = took / all.max(1);
        for (command, count) in self.counts.drain(..) {
            answered(command.operation, count.into());
            shared.statistics.commands.called(command, count.into(), each * count);
        }
        if self.others > 0 {
            answered(Operation::Other, self.others.into());
            self.others = 0;
        }
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
