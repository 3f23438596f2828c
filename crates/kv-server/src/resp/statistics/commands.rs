//! How often each command was called, and how long it took.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::seat;
use crate::resp::commands::{Command, numbered};

/// Threads that count apart from each other. More share.
const STRIPES: usize = 16;

/// What was counted of every command.
pub(crate) struct CommandCounts {
    stripes: Box<[Stripe]>,
}

/// What some threads have counted, by the numbers of the commands.
struct Stripe(Box<[Counts]>);

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    nanos: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
}

/// What was counted of one command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CommandCount {
    /// How often it was executed.
    pub(crate) calls: u64,
    /// How long that took: of turns of several commands, an equal part for each.
    pub(crate) took: Duration,
    /// How often it was refused before it was executed.
    pub(crate) rejected: u64,
    /// How often it was executed and answered with an error.
    pub(crate) failed: u64,
}

impl fmt::Debug for CommandCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandCounts").finish_non_exhaustive()
    }
}

impl Default for CommandCounts {
    fn default() -> Self {
        let stripe = || Stripe(numbered().iter().map(|_command| Counts::default()).collect());
        Self { stripes: std::iter::repeat_with(stripe).take(STRIPES).collect() }
    }
}

impl CommandCounts {
    /// Counts calls that took this long together.
    pub(crate) fn called(&self, command: &'static Command, calls: u64, took: Duration) {
        if let Some(counts) = self.mine(command) {
            counts.calls.fetch_add(calls, Ordering::Relaxed);
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            counts.nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    /// Counts a call that was refused.
    #[cold]
    pub(crate) fn rejected(&self, command: &'static Command) {
        if let Some(counts) = self.mine(command) {
            counts.rejected.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a call that was answered with an error; as a call it is counted besides.
    #[cold]
    pub(crate) fn failed(&self, command: &'static Command) {
        if let Some(counts) = self.mine(command) {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every command that was called, or tried to be.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static Command, CommandCount)> {
        let counted = numbered().iter().enumerate().map(|(number, command)| {
            let mut sum = CommandCount::default();
            for counts in self.stripes.iter().filter_map(|stripe| stripe.0.get(number)) {
                sum.calls += counts.calls.load(Ordering::Relaxed);
                sum.took += Duration::from_nanos(counts.nanos.load(Ordering::Relaxed));
                sum.rejected += counts.rejected.load(Ordering::Relaxed);
                sum.failed += counts.failed.load(Ordering::Relaxed);
            }
            (*command, sum)
        });
        counted.filter(|(_command, count)| count.calls + count.rejected > 0)
    }

    /// How many commands were executed.
    pub(crate) fn calls(&self) -> u64 {
        self.each().map(|counts| counts.calls.load(Ordering::Relaxed)).sum()
    }

    /// Begins anew.
    pub(crate) fn reset(&self) {
        for counts in self.each() {
            for count in [&counts.calls, &counts.nanos, &counts.rejected, &counts.failed] {
                count.store(0, Ordering::Relaxed);
            }
        }
    }

    fn each(&self) -> impl Iterator<Item = &Counts> {
        self.stripes.iter().flat_map(|stripe| &stripe.0)
    }

    fn mine(&self, command: &'static Command) -> Option<&Counts> {
        self.stripes.get(seat() % STRIPES)?.0.get(command.number()?)
    }
}
