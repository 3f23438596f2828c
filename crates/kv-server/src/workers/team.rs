//! Where connections are served, and which place a connection gets.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use super::balance::{Load, place};
use super::load::{Told, arrived, is_recent, leaves};
use crate::clock::Stopwatch;

/// Where connections can be served; at least one worker.
#[derive(Clone)]
pub(crate) struct Team(Arc<Members>);

struct Members {
    workers: Vec<Arc<Worker>>,
    started: Stopwatch,
    processors: usize,
}

/// One place where connections are served.
struct Worker {
    runtime: Handle,
    connections: AtomicUsize,
    told: Told,
}

/// A connection's place with a worker, until this is dropped.
pub(crate) struct Seat {
    worker: Arc<Worker>,
    /// The last order to leave that it has heard of, and where it is to go.
    asked: u32,
    order: Option<usize>,
}

/// Whether the connections of a protocol can go from one worker to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mobility {
    /// They stay where they have begun.
    Fixed,
    /// They can go, and begin where there is work already.
    Mobile,
}

impl Team {
    /// Of these runtimes.
    pub(super) fn new(runtimes: impl IntoIterator<Item = Handle>) -> Self {
        let worker = |runtime| {
            Arc::new(Worker { runtime, connections: AtomicUsize::new(0), told: Told::default() })
        };
        let workers = runtimes.into_iter().map(worker).collect();
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Members { workers, started: Stopwatch::start(), processors }))
    }

    /// The runtime of the caller alone.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub(crate) fn of_this_runtime() -> Self {
        Self::new([Handle::current()])
    }

    /// The runtimes of its workers.
    pub(super) fn runtimes(&self) -> impl Iterator<Item = &Handle> {
        self.0.workers.iter().map(|worker| &worker.runtime)
    }

    /// Time since there is a team.
    pub(super) fn age(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// A worker tells its load as it is now.
    pub(super) fn tell(&self, place: usize, load: Load, now: Duration) {
        if let Some(worker) = self.0.workers.get(place) {
            worker.told.set(load, now);
        }
    }

    /// What all have told of their load until now.
    pub(super) fn loads(&self, now: Duration) -> Vec<Load> {
        self.0.workers.iter().map(|worker| worker.told.at(now, || worker.sleeps())).collect()
    }

    /// How many processors this process may use.
    pub(super) fn processors(&self) -> usize {
        self.0.processors
    }

    /// A place for a new connection.
    ///
    /// One that stays begins with the worker that has the fewest.
    pub(crate) fn seat(&self, mobility: Mobility) -> Seat {
        match mobility {
            Mobility::Fixed => {
                let connections = |worker: &Worker| worker.connections.load(Ordering::Relaxed);
                let workers = self.0.workers.iter().enumerate();
                let least = workers.min_by_key(|(_, worker)| connections(worker));
                self.seat_at(least.map_or(0, |(place, _)| place))
            }
            Mobility::Mobile => self.seat_at(place(&self.loads(self.age()))),
        }
    }

    /// A place with that worker.
    ///
    /// # Panics
    /// Where the team has no such worker.
    pub(crate) fn seat_at(&self, place: usize) -> Seat {
        let worker = Arc::clone(self.0.workers.get(place).expect("a place in the team"));
        worker.connections.fetch_add(1, Ordering::Relaxed);
        Seat { worker, asked: 0, order: None }
    }
}

impl Worker {
    /// Whether its thread waits for something to do.
    fn sleeps(&self) -> bool {
        // Counted once when it falls asleep, and once when it wakes.
        self.runtime.metrics().worker_park_unpark_count(0) % 2 == 1
    }
}

impl Seat {
    /// The runtime of the worker.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.worker.runtime
    }

    /// The connection has come from another worker, on whose thread it was before.
    pub(crate) fn arrive(&mut self) {
        self.asked = arrived();
    }

    /// The connection has had a turn on its worker: whether it is to leave is decided now.
    #[inline]
    pub(crate) fn ask(&mut self) {
        self.order = leaves(&mut self.asked).or(self.order);
    }

    /// The worker that the connection is to go to as soon as it can, if it is to leave.
    #[inline]
    pub(crate) fn leaves(&self) -> Option<usize> {
        // What made it leave may be over long since.
        self.order.filter(|_| is_recent(self.asked))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.worker.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Team").field(&self.0.workers.len()).finish()
    }
}
