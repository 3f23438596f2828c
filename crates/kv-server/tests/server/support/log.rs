//! A server over a store whose log is as far as the test says.

use std::future::Future;
use std::sync::Arc;

use kv_core::testing::{ManualClock, ManualJournal};
use kv_core::{EngineConfig, ShardedStore};
use kv_server::Backend;
use kv_server::testing::TestServer;
use tokio::task::JoinHandle;

use super::{Kv, connect, within};

/// Who watches for a failure of the log: the server itself, once.
pub(crate) const WATCHERS: usize = 1;

/// A running server and its log.
pub(crate) struct Logged {
    pub(crate) server: TestServer,
    pub(crate) journal: Arc<ManualJournal>,
    pub(crate) kv: Kv,
}

/// The backend over the log.
pub(crate) fn backend(journal: &Arc<ManualJournal>) -> Backend {
    let config = EngineConfig { shards: 1, ..EngineConfig::default() };
    let clock = Arc::new(ManualClock::default());
    let store = ShardedStore::new(config, Arc::clone(journal), clock).expect("a store");
    Backend::new(Arc::new(store))
}

/// Starts a server with these settings of `[persist]`.
pub(crate) async fn start(settings: &[(&str, &str)]) -> Logged {
    let journal = Arc::new(ManualJournal::default());
    let server = TestServer::start_backend(backend(&journal), |config| {
        for (key, value) in settings {
            config.set(&format!("persist.{key}"), value).expect("an allowed setting");
        }
    });
    let kv = connect(&server).await;
    let logged = Logged { server, journal, kv };
    logged.until_waiting(0).await;
    logged
}

impl Logged {
    /// Waits until so many answers wait for the log.
    pub(crate) async fn until_waiting(&self, answers: usize) {
        until(|| self.journal.waiting() == answers + WATCHERS).await;
    }

    /// Proves that a call waits for the log, and gives it back.
    pub(crate) async fn waits<F>(&self, call: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let before = self.journal.registered();
        let call = tokio::spawn(call);
        until(|| self.journal.registered() > before).await;
        assert!(!call.is_finished());
        call
    }
}

/// Waits for a condition.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
