//! Whether the server takes requests, for health checks: not while it loads, drains, or its log has failed.

use std::future::Future;
use std::sync::Arc;

use kv_core::Store;
use tokio::sync::watch;
use tracing::error;

use crate::backend::Backend;
use crate::readiness::Readiness;
use crate::shutdown::Drain;
use crate::waiting::Waiter;

/// Sees whether the server takes requests.
#[derive(Clone)]
pub(crate) struct Serving {
    store: Arc<dyn Store>,
    readiness: Readiness,
    drain: Drain,
    /// Whether the log has failed.
    failed: watch::Receiver<bool>,
}

/// What sees whether the server takes requests, and the future that watches its log, which is to be driven
/// while the server serves. The log so knows of one waiter, however many ask.
pub(crate) fn serving(
    backend: &Backend,
    drain: &Drain,
) -> (Serving, impl Future<Output = ()> + Send + 'static) {
    let (failure, failed) = watch::channel(false);
    let (store, readiness) = (Arc::clone(&backend.store), backend.readiness.clone());
    let serving = Serving {
        store: Arc::clone(&store),
        readiness: readiness.clone(),
        drain: drain.clone(),
        failed,
    };
    let watching = async move {
        readiness.wait().await;
        if let Err(error) = Waiter::for_failure().wait(store.progress()).await {
            error!(%error, "the log has failed: reads go on, writes are refused until a restart");
            failure.send_replace(true);
        }
    };
    (serving, watching)
}

/// Whether requests are taken, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not yet.
    Loading,
    /// Yes.
    Serving,
    /// Reads only, until a restart.
    Failed,
    /// Never again.
    Draining,
}

impl State {
    /// Every state.
    pub(crate) const ALL: [Self; 4] = [Self::Loading, Self::Serving, Self::Failed, Self::Draining];

    /// In one word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Serving => "serving",
            Self::Failed => "failed",
            Self::Draining => "draining",
        }
    }
}

impl Serving {
    /// Whether requests are taken now.
    pub(crate) fn state(&self) -> State {
        if self.drain.has_begun() {
            State::Draining
        } else if !self.readiness.is_ready() {
            State::Loading
        } else if self.store.progress().health().is_err() {
            State::Failed
        } else {
            State::Serving
        }
    }

    /// Waits until the state is no longer `before`.
    pub(crate) async fn changed(&mut self, before: State) {
        let Self { readiness, drain, failed, .. } = self;
        let news = async {
            match before {
                State::Loading => readiness.wait().await,
                // An error says that nobody watches the log any more: only the drain is left to come.
                State::Serving if failed.wait_for(|failed| *failed).await.is_ok() => {}
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = news => {}
            () = drain.begun() => {}
        }
    }
}
