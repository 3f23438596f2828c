//! What every protocol goes through to the store: readiness, what is promised of answers, persistence, and
//! where it is counted.

use std::sync::Arc;
use std::time::Duration;

use kv_core::{Durability, JournalError, Store};
use tokio::time::timeout;

use crate::backend::Backend;
use crate::budget::Budget;
use crate::clock::Stopwatch;
use crate::config::{Config, FsyncMode, PersistSection};
use crate::metrics::Metrics;
use crate::persistence::Persistence;
use crate::places::Places;
use crate::promise::{self, Basis, Promised, Unkept};
use crate::readiness::Loading;
use crate::serving::Serving;
use crate::shutdown::StopRequests;
use crate::slow::{SlowRequests, tell};
use crate::waiting::Waiter;

/// What every protocol goes through to the store. One per server; protocols differ in what they read and
/// write, not in what they promise.
pub(crate) struct Gate {
    backend: Backend,
    serving: Serving,
    promised: Promised,
    places: Places,
    started: Stopwatch,
    metrics: Arc<Metrics>,
    stop_requests: StopRequests,
    budget: Arc<Budget>,
    request_timeout: Duration,
    slow: SlowRequests,
}

impl Gate {
    /// Lets protocols through to the backend as the configuration says.
    pub(crate) fn new(backend: Backend, config: &Config, serving: Serving) -> Self {
        let limits = &config.limits;
        let (all, connection) = (limits.requests_bytes_max, limits.connection_bytes_max);
        Self {
            backend,
            serving,
            promised: Promised::new(&config.persist),
            places: Places::new(
                "limits.connections_max",
                limits.connections_max.as_usize(),
                limits.connections_reserved.as_usize(),
            ),
            started: Stopwatch::start(),
            stop_requests: StopRequests::default(),
            metrics: Arc::new(Metrics::new()),
            budget: Arc::new(Budget::new(all.get(), connection.get())),
            request_timeout: limits.request_timeout.get(),
            slow: SlowRequests::new(&config.log),
        }
    }

    /// The store. It must not be touched before the gate is [open](Self::open).
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.backend.store
    }

    /// What keeps the store on disk; `None` when data is kept in memory only.
    pub(crate) fn persistence(&self) -> Option<&Arc<dyn Persistence>> {
        self.backend.persistence.as_ref()
    }

    /// When the log is synced.
    pub(crate) fn fsync(&self) -> FsyncMode {
        self.promised.fsync()
    }

    /// Lets what is kept on disk follow settings that may change while the server runs.
    pub(crate) fn follow(&self, persist: &PersistSection) {
        // Before the log hears of it: an answer may wait for a sync that the log would not make by itself.
        self.promised.set_fsync(persist.fsync);
        if let Some(persistence) = self.persistence() {
            persistence.follow(persist);
        }
    }

    /// The places for clients, which all listeners share.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Whether the server takes requests, for health checks.
    pub(crate) fn serving(&self) -> &Serving {
        &self.serving
    }

    /// Runs since the server did.
    pub(crate) fn started(&self) -> Stopwatch {
        self.started
    }

    /// Where requests and connections are counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Where slow requests are remembered.
    pub(crate) fn slow(&self) -> &SlowRequests {
        &self.slow
    }

    /// Where a client asks for the server to stop.
    pub(crate) fn stop_requests(&self) -> &StopRequests {
        &self.stop_requests
    }

    /// The bytes that requests and answers in flight may take.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// How long a request may take to arrive, beside what its length allows: see [`Patience`].
    ///
    /// [`Patience`]: crate::patience::Patience
    pub(crate) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Whether requests may touch the store: not while what was kept is still being loaded.
    ///
    /// # Errors
    /// How far the loading is.
    pub(crate) fn open(&self) -> Result<(), Loading> {
        self.backend.readiness.progress().map_or(Ok(()), Err)
    }

    /// The level a write is to reach that asks for this one, or for none.
    ///
    /// # Errors
    /// [`Unkept::Level`] when the store cannot reach it; nothing may be executed then.
    pub(crate) fn level(&self, asked: Option<Durability>) -> Result<Durability, Unkept> {
        self.promised.now().level(asked, self.store().durability_max())
    }

    /// What an answer must wait for before it is sent; `None` when nothing.
    ///
    /// # Errors
    /// [`Unkept`] when the log has failed and what the answer rests on may be lost.
    pub(crate) fn waiter(&self, basis: Basis, level: Durability) -> Result<Option<Waiter>, Unkept> {
        self.promised.now().waiter(self.store().progress(), basis, level)
    }

    /// The level that the writes of an answer have reached which has waited for `level`.
    pub(crate) fn achieved(&self, basis: Basis, level: Durability) -> Durability {
        promise::achieved(self.store().progress(), basis, level)
    }

    /// Waits until an answer may be sent, and tells the level that its writes have reached.
    ///
    /// # Errors
    /// [`Unkept`] when the log has failed, or takes longer than `limits.request_timeout`, and what the answer
    /// rests on may be lost.
    pub(crate) async fn settle(
        &self,
        basis: Basis,
        level: Durability,
    ) -> Result<Durability, Unkept> {
        if let Some(mut waiter) = self.waiter(basis, level)? {
            let began = Stopwatch::start();
            let waited = timeout(self.request_timeout, waiter.wait(self.store().progress())).await;
            tell::log(began.elapsed());
            let waited = waited.unwrap_or_else(|_elapsed| Err(self.too_long(level)));
            waited.map_err(|failure| basis.lost(failure))?;
        }
        Ok(self.achieved(basis, level))
    }

    /// Why the wait for the log was given up.
    fn too_long(&self, level: Durability) -> JournalError {
        let waited = self.request_timeout;
        let reason =
            format!("the log did not reach {level} within limits.request_timeout = {waited:?}");
        JournalError::Unknown { reason }
    }
}
