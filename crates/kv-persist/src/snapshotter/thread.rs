//! The thread that takes snapshots.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::SnapshotReport;
use super::keeper::{Board, SnapshotKeeper};
use super::priority;
use super::schedule::Trigger;
use super::stats::SnapshotStats;
use crate::snapshot::{SnapshotError, StopSignal, Unhurried};

/// How many may wait for a snapshot at once.
pub const REQUESTS_MAX: usize = 64;

/// How often the thread looks whether a snapshot is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Outcome = Result<SnapshotReport, Arc<SnapshotError>>;

/// What takes the last snapshot, if one is wanted.
type Last = Option<SnapshotKeeper>;

/// A running thread. Dropping it stops it, without a last snapshot.
#[derive(Debug)]
pub struct Snapshotter {
    shared: Arc<Shared>,
    board: Arc<Board>,
    thread: Mutex<Option<JoinHandle<Last>>>,
}

/// Why a snapshot that was asked for is not there.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Too many ask already.
    #[error(
        "{REQUESTS_MAX} requests wait for a snapshot already, which is the most that may; try later"
    )]
    TooMany,
    /// The server stops, or has stopped.
    #[error("no snapshot is taken on request any more: the server stops")]
    Stopping,
    /// It was tried.
    #[error("{0}")]
    Failed(Arc<SnapshotError>),
}

/// A snapshot that was asked for.
#[derive(Debug)]
#[must_use = "the outcome is told to whoever waits"]
pub struct SnapshotRequest(Receiver<Outcome>);

impl SnapshotRequest {
    /// Blocks until there is a snapshot that was begun after the request.
    ///
    /// # Errors
    /// [`RequestError`], but for [`TooMany`](RequestError::TooMany).
    pub fn wait(self) -> Result<SnapshotReport, RequestError> {
        match self.0.recv() {
            Ok(outcome) => outcome.map_err(RequestError::Failed),
            Err(_disconnected) => Err(RequestError::Stopping),
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Stops the snapshot under way.
    stop: StopSignal,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<SyncSender<Outcome>>,
    /// An interval that the schedule does not know of yet.
    interval: Option<Duration>,
    stop: Option<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    AtOnce,
    AfterSnapshot,
}

impl Snapshotter {
    /// Starts the thread, named `kv-snapshot`. It yields to the threads that serve callers.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(keeper: SnapshotKeeper) -> io::Result<Self> {
        let (shared, board) = (Arc::new(Shared::default()), keeper.board());
        let thread = Builder::new().name("kv-snapshot".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let _closing = Closing(&shared);
                priority::yield_to_others();
                shared.run(keeper)
            }
        })?;
        Ok(Self { shared, board, thread: Mutex::new(Some(thread)) })
    }

    /// Asks for a snapshot that holds everything written before this call. Returns at once.
    ///
    /// # Errors
    /// [`RequestError::TooMany`] and [`RequestError::Stopping`].
    pub fn request(&self) -> Result<SnapshotRequest, RequestError> {
        let mut state = self.shared.state.lock();
        if state.stop.is_some() {
            return Err(RequestError::Stopping);
        }
        if state.requests.len() >= REQUESTS_MAX {
            return Err(RequestError::TooMany);
        }
        let (sender, receiver) = sync_channel(1);
        state.requests.push(sender);
        self.shared.changed.notify_all();
        Ok(SnapshotRequest(receiver))
    }

    /// Takes snapshots in this interval from now on; zero for never. It counts from when the last was begun.
    pub fn set_interval(&self, interval: Duration) {
        self.shared.state.lock().interval = Some(interval);
        self.shared.changed.notify_all();
    }

    /// Figures.
    pub fn stats(&self) -> SnapshotStats {
        self.board.stats()
    }

    /// Gives up the snapshot under way, ends the thread, and takes a last one on the calling thread if wanted
    /// and if anything was written since the one before: at full speed, since nobody is served any more. The log must
    /// still be running or have ended cleanly, because a snapshot waits until the log is safe. A second call does nothing.
    ///
    /// # Errors
    /// [`SnapshotError`] when the last snapshot failed.
    pub fn stop(&self, final_snapshot: bool) -> Result<Option<SnapshotReport>, SnapshotError> {
        let stop = if final_snapshot { Stop::AfterSnapshot } else { Stop::AtOnce };
        self.shared.state.lock().stop.get_or_insert(stop);
        self.shared.stop.stop();
        self.shared.changed.notify_all();
        let Some(thread) = self.thread.lock().take() else { return Ok(None) };
        let Ok(last) = thread.join() else {
            tracing::error!("the snapshot thread panicked; please report this");
            return Err(SnapshotError::Stopped);
        };
        last.map(|mut keeper| keeper.take(Trigger::Stop, &Unhurried)).transpose()
    }
}

impl Drop for Snapshotter {
    fn drop(&mut self) {
        if let Err(error) = self.stop(false) {
            tracing::debug!(%error, "the snapshot thread ended with an error");
        }
    }
}

/// Sends everybody away when the thread ends, in whatever way.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.stop.get_or_insert(Stop::AtOnce);
        state.requests.clear();
    }
}

impl Shared {
    fn run(&self, mut keeper: SnapshotKeeper) -> Last {
        loop {
            let State { requests, interval, stop } = self.wait();
            if let Some(interval) = interval {
                keeper.set_interval(interval);
            }
            match stop {
                Some(Stop::AfterSnapshot) => return Some(keeper).filter(SnapshotKeeper::has_news),
                Some(Stop::AtOnce) => return None,
                None => {}
            }
            let trigger = if requests.is_empty() { keeper.due() } else { Some(Trigger::Request) };
            let Some(trigger) = trigger else { continue };
            let outcome = keeper.take(trigger, &self.stop).map_err(Arc::new);
            for request in requests {
                if request.send(outcome.clone()).is_err() {
                    tracing::debug!("who asked for a snapshot is gone");
                }
            }
        }
    }

    /// Waits for requests or the stop, and not longer than until it is time to look.
    fn wait(&self) -> State {
        let mut state = self.state.lock();
        if state.requests.is_empty() && state.interval.is_none() && state.stop.is_none() {
            let _timed_out = self.changed.wait_for(&mut state, LOOK_EVERY);
        }
        let (requests, interval) = (std::mem::take(&mut state.requests), state.interval.take());
        State { requests, interval, stop: state.stop }
    }
}
