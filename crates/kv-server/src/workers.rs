//! The threads that serve connections: each has a runtime of its own, and a connection stays on the thread it
//! was given to.
//!
//! Nothing moves between threads, so no thread has to wake another for a request: with the work-stealing
//! runtime every turn of a connection may cost such a wake-up. See ADR-0017.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tracing::error;

use crate::woken;

/// The threads of a program. Dropping it ends them, and what still runs on them.
#[derive(Debug)]
pub struct Workers {
    team: Team,
    threads: Vec<Thread>,
}

/// One thread, for as long as `stop` lives.
#[derive(Debug)]
struct Thread {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Where connections can be served; at least one worker.
#[derive(Clone)]
pub(crate) struct Team(Arc<[Arc<Worker>]>);

/// One place where connections are served.
struct Worker {
    runtime: Handle,
    connections: AtomicUsize,
}

/// A connection's place with a worker, until this is dropped.
pub(crate) struct Seat(Arc<Worker>);

impl Workers {
    /// Starts so many threads, one at least, named `kv-worker-N`.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn start(count: usize) -> io::Result<Self> {
        let count = count.max(1);
        let (mut workers, mut threads) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for number in 0..count {
            let runtime = woken::watch(Builder::new_current_thread().enable_all()).build()?;
            workers.push(Worker::new(runtime.handle().clone()));
            threads.push(Thread::start(format!("kv-worker-{number}"), runtime)?);
        }
        Ok(Self { team: Team(workers.into()), threads })
    }

    /// Where connections are served.
    pub(crate) fn team(&self) -> &Team {
        &self.team
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let threads = self.threads.drain(..).map(|Thread { stop, thread }| {
            drop(stop);
            thread
        });
        // All are told before the first is waited for.
        for thread in threads.collect::<Vec<_>>() {
            if thread.join().is_err() {
                error!("a worker thread ended with a panic");
            }
        }
    }
}

impl Thread {
    fn start(name: String, runtime: Runtime) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name(name).spawn(move || {
            // Never sent to: an error says that the sender was dropped.
            runtime.block_on(stopped).unwrap_or_default();
            // What blocks on threads of its own, such as a flush, does not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop, thread })
    }
}

impl Worker {
    fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self { runtime, connections: AtomicUsize::new(0) })
    }
}

impl Team {
    /// The runtime of the caller alone.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub(crate) fn of_this_runtime() -> Self {
        Self([Worker::new(Handle::current())].into())
    }

    /// A place with the worker that has the fewest connections.
    pub(crate) fn seat(&self) -> Seat {
        let connections = |worker: &&Arc<Worker>| worker.connections.load(Ordering::Relaxed);
        let least = self.0.iter().min_by_key(connections).expect("a team has a worker");
        least.connections.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(least))
    }
}

impl Seat {
    /// The runtime of the worker.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Team").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn thread_of(seat: &Seat) -> Option<String> {
        let (tell, told) = sync_channel(1);
        drop(seat.runtime().spawn(async move {
            tell.send(thread::current().name().map(ToOwned::to_owned)).unwrap();
        }));
        told.recv_timeout(LIMIT).unwrap()
    }

    #[test]
    fn connections_are_spread_evenly_whoever_leaves() {
        let workers = Workers::start(3).unwrap();
        let mut seats: Vec<Seat> = (0..9).map(|_| workers.team().seat()).collect();
        // All of one worker leave, and those who come next take their places.
        let first = thread_of(&seats[0]);
        seats.retain(|seat| thread_of(seat) != first);
        assert_eq!(seats.len(), 6);
        seats.extend((0..3).map(|_| workers.team().seat()));
        let mut by_thread = HashMap::new();
        for seat in &seats {
            *by_thread.entry(thread_of(seat)).or_insert(0) += 1;
        }
        assert!(by_thread.keys().all(Option::is_some), "{by_thread:?}");
        assert_eq!(by_thread.into_values().collect::<Vec<_>>(), [3, 3, 3]);
    }

    #[test]
    fn what_still_runs_ends_with_the_threads() {
        let workers = Workers::start(1).unwrap();
        let (held, ended) = sync_channel::<()>(1);
        let seat = workers.team().seat();
        drop(seat.runtime().spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
        drop(workers);
        assert!(ended.recv_timeout(LIMIT).is_err(), "nothing is ever sent");
        assert!(ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected));
    }
}
