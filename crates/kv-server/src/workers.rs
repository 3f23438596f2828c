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
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::clock::Stopwatch;
use crate::woken;

/// A thread that is busy for less than one part in so many of a period has been idle in it.
const IDLE_PARTS: u32 = 10;

/// What takes long is done less often: it takes no more than one part in so many of the time.
const PAUSES_PER_WORK: u32 = 1_000;

/// What waits for idle periods waits for no more than so many of others.
const BUSY_PERIODS_MAX: u32 = 60;

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

    /// Has each thread do something, for as long as it lives, at the end of every period in which it was idle
    /// for nine tenths of the time; and of every sixtieth that it was not, as some threads never are.
    ///
    /// Requests wait meanwhile. What takes more than a thousandth of the period is done less often.
    pub fn each_does_when_idle(&self, period: Duration, work: fn()) {
        for worker in self.team.0.iter() {
            drop(worker.runtime.spawn(when_idle(worker.runtime.clone(), period, work)));
        }
    }

    /// Where connections are served.
    pub(crate) fn team(&self) -> &Team {
        &self.team
    }
}

async fn when_idle(runtime: Handle, period: Duration, work: fn()) {
    let metrics = runtime.metrics();
    let mut pause = period;
    let (mut busy_before, mut busy_periods) = (Duration::ZERO, 0);
    loop {
        sleep_until(Instant::now() + pause).await;
        let busy = metrics.worker_total_busy_duration(0);
        let was_idle = busy.saturating_sub(busy_before) < pause / IDLE_PARTS;
        busy_before = busy;
        busy_periods += 1;
        if was_idle || busy_periods >= BUSY_PERIODS_MAX {
            busy_periods = 0;
            let took = Stopwatch::start();
            work();
            pause = period.max(took.elapsed() * PAUSES_PER_WORK);
        }
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

    /// How often `work` was done by the threads of the test below.
    static DONE: AtomicUsize = AtomicUsize::new(0);

    fn until_done(times: usize) {
        let start = Stopwatch::start();
        let goal = DONE.load(Ordering::Relaxed) + times;
        while DONE.load(Ordering::Relaxed) < goal {
            assert!(start.elapsed() < LIMIT, "{times} more times");
            thread::yield_now();
        }
    }

    #[test]
    fn what_waits_for_idle_threads_is_done_by_busy_ones_too_but_seldom() {
        let workers = Workers::start(1).unwrap();
        let period = Duration::from_millis(1);
        workers.each_does_when_idle(period, || {
            DONE.fetch_add(1, Ordering::Relaxed);
        });
        until_done(3);
        let seat = workers.team().seat();
        let (told, periods) = sync_channel(1);
        drop(seat.runtime().spawn(async move {
            // Busy for the whole of every period, of which there are as many as this takes turns.
            let mut ticks = 0;
            let before = DONE.load(Ordering::Relaxed);
            while DONE.load(Ordering::Relaxed) < before + 3 {
                let turn = Stopwatch::start();
                while turn.elapsed() < period {}
                ticks += 1;
                tokio::task::yield_now().await;
            }
            told.send(ticks).unwrap();
        }));
        // The first may come at once, as may the second if the thread was idle just before.
        let periods = periods.recv_timeout(LIMIT).expect("a busy thread does it too");
        assert!(periods >= BUSY_PERIODS_MAX / 2, "thrice in {periods} periods");
    }

    /// How often `work` was done by the thread of the test below.
    static DONE_LONG: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn what_takes_long_is_done_less_often() {
        const TAKES: Duration = Duration::from_millis(2);
        let workers = Workers::start(1).unwrap();
        workers.each_does_when_idle(Duration::from_millis(1), || {
            let took = Stopwatch::start();
            while took.elapsed() < TAKES {}
            DONE_LONG.fetch_add(1, Ordering::Relaxed);
        });
        let start = Stopwatch::start();
        while DONE_LONG.load(Ordering::Relaxed) == 0 {
            assert!(start.elapsed() < LIMIT, "for the first time");
            thread::yield_now();
        }
        // Not before so long, however many periods that is: two seconds, of which these are a part.
        let again = Stopwatch::start();
        while again.elapsed() < TAKES * PAUSES_PER_WORK / 10 {
            thread::yield_now();
        }
        assert_eq!(DONE_LONG.load(Ordering::Relaxed), 1);
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
