//! The threads that serve connections: each has a runtime of its own, so that no thread has to wake another for a
//! request, as it would with the work-stealing runtime at every turn. See ADR-0017.
//!
//! * `team` gives connections their places.
//! * `load` measures how busy each thread is, and `balance` says which connections are to go elsewhere: as few threads
//!   as the load needs. See ADR-0024. `processors` tells whether another thread would find one.
//! * `polling` has a busy thread look for more before it sleeps.
//! * `idle` is for what a thread does beside its requests.

mod balance;
mod idle;
mod load;
mod polling;
mod processors;
mod team;

pub(crate) use load::worked;
pub(crate) use team::{Mobility, Seat, Team};

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
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

impl Workers {
    /// Starts so many threads, one at least, named `kv-worker-N`.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn start(count: usize) -> io::Result<Self> {
        let count = count.max(1);
        let runtime = || woken::watch(Builder::new_current_thread().enable_all()).build();
        let runtimes: Vec<Runtime> = (0..count).map(|_| runtime()).collect::<io::Result<_>>()?;
        let team = Team::new(runtimes.iter().map(|runtime| runtime.handle().clone()));
        let start = |(place, runtime)| Thread::start(team.clone(), place, runtime);
        let threads = runtimes.into_iter().enumerate().map(start).collect::<io::Result<_>>()?;
        Ok(Self { team, threads })
    }

    /// Has each thread do something, for as long as it lives, at the end of every period in which it was idle
    /// for nine tenths of the time; and of every sixtieth that it was not, as some threads never are.
    ///
    /// Requests wait meanwhile. What takes more than a thousandth of the period is done less often.
    pub fn each_does_when_idle(&self, period: Duration, work: fn()) {
        for runtime in self.team.runtimes() {
            drop(runtime.spawn(idle::when_idle(runtime.clone(), period, work)));
        }
    }

    /// Has each thread that is busy anyhow look for more to do for so long before it sleeps; not at all if that is
    /// zero.
    pub fn poll_busily(&self, at_most: Duration) {
        if at_most.is_zero() {
            return;
        }
        for runtime in self.team.runtimes() {
            drop(runtime.spawn(polling::poll(at_most)));
        }
    }

    /// Has every connection that can go to another thread do so after each turn.
    #[cfg(feature = "testing")]
    pub fn scatter(&self) {
        let count = self.threads.len();
        for (place, runtime) in self.team.runtimes().enumerate() {
            drop(runtime.spawn(async move { load::always_to((place + 1) % count) }));
        }
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
    fn start(team: Team, place: usize, runtime: Runtime) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread =
            thread::Builder::new().name(format!("kv-worker-{place}")).spawn(move || {
                load::join(team, place, runtime.metrics());
                // Never sent to: an error says that the sender was dropped.
                runtime.block_on(stopped).unwrap_or_default();
                // What blocks on threads of its own, such as a flush, does not hold up the end.
                runtime.shutdown_background();
            })?;
        Ok(Self { stop, thread })
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
        let mut seats: Vec<Seat> = (0..9).map(|_| workers.team().seat(Mobility::Fixed)).collect();
        // All of one worker leave, and those who come next take their places.
        let first = thread_of(&seats[0]);
        seats.retain(|seat| thread_of(seat) != first);
        assert_eq!(seats.len(), 6);
        seats.extend((0..3).map(|_| workers.team().seat(Mobility::Fixed)));
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
        let seat = workers.team().seat(Mobility::Fixed);
        drop(seat.runtime().spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
        drop(workers);
        assert!(ended.recv_timeout(LIMIT).is_err(), "nothing is ever sent");
        assert!(ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected));
    }
}
