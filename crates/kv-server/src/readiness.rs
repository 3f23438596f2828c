//! Whether the server is ready, or still loading what it kept.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Tells a server how far the loading is, and when it is done. Clones share the state.
#[derive(Clone)]
pub struct Readiness {
    shared: Arc<Shared>,
}

struct Shared {
    /// Asked before every call, and so kept apart from the rest.
    ready: AtomicBool,
    loading: watch::Sender<Option<Loading>>,
}

/// How far the loading is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Loading {
    /// From 0 to 100.
    pub(crate) percent: u8,
    /// What is being done.
    pub(crate) text: String,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("ready", &self.is_ready()).finish_non_exhaustive()
    }
}

impl Default for Readiness {
    /// Ready from the start: there is nothing to load.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Readiness {
    /// Not ready before [`ready`](Self::ready) is called: until then every call is answered with
    /// `UNAVAILABLE` and how far the loading is, and the store is not touched.
    pub fn loading() -> Self {
        Self::new(Some(Loading::default()))
    }

    fn new(loading: Option<Loading>) -> Self {
        let ready = AtomicBool::new(loading.is_none());
        Self { shared: Arc::new(Shared { ready, loading: watch::Sender::new(loading) }) }
    }

    /// Tells how far the loading is: from 0 to 100 percent, and what is being done, such as `snapshot 7` or
    /// `log segment 3 of 9`. After [`ready`](Self::ready) it has no effect.
    pub fn set_progress(&self, percent: u8, text: impl Into<String>) {
        let now = Loading { percent: percent.min(100), text: text.into() };
        self.shared.loading.send_if_modified(|loading| {
            let Some(before) = loading else { return false };
            *before = now;
            true
        });
    }

    /// The store is complete: calls are served from now on, for good.
    pub fn ready(&self) {
        // What was loaded must be seen by whoever sees that it is.
        self.shared.ready.store(true, Ordering::Release);
        self.shared.loading.send_replace(None);
    }

    /// Whether calls are served.
    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    /// How far the loading is; `None` when it is done.
    pub(crate) fn progress(&self) -> Option<Loading> {
        if self.is_ready() { None } else { self.shared.loading.borrow().clone() }
    }

    /// Waits until calls are served.
    pub(crate) async fn wait(&self) {
        let mut loading = self.shared.loading.subscribe();
        // The sender is held by `self`, so that there is no error.
        if loading.wait_for(Option::is_none).await.is_err() {}
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn loading_ends_once_and_for_all() {
        let readiness = Readiness::loading();
        let same = readiness.clone();
        assert!(!readiness.is_ready() && readiness.wait().now_or_never().is_none());
        assert_eq!(readiness.progress(), Some(Loading::default()));
        same.set_progress(250, "log");
        let text = "log".to_owned();
        assert_eq!(readiness.progress(), Some(Loading { percent: 100, text }));
        same.ready();
        same.set_progress(3, "again");
        assert!(readiness.is_ready() && readiness.wait().now_or_never().is_some());
        assert_eq!(readiness.progress(), None);
    }

    #[test]
    fn without_anything_to_load_a_server_is_ready() {
        assert!(Readiness::default().is_ready());
    }
}
