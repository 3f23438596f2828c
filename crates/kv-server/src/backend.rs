//! What a server serves: a store, and what stands behind it.

use std::fmt;
use std::sync::Arc;

use kv_core::Store;

use crate::persistence::Persistence;
use crate::readiness::Readiness;

/// What a server serves.
#[derive(Clone)]
pub struct Backend {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) persistence: Option<Arc<dyn Persistence>>,
    pub(crate) readiness: Readiness,
}

impl Backend {
    /// A store that is ready, and kept in memory only.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, persistence: None, readiness: Readiness::default() }
    }

    /// The store is kept on disk by this.
    #[must_use]
    pub fn persistence(mut self, persistence: Arc<dyn Persistence>) -> Self {
        self.persistence = Some(persistence);
        self
    }

    /// The store and its persistence are not touched before this says that they are ready.
    #[must_use]
    pub fn readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Backend");
        debug.field("persistence", &self.persistence.is_some());
        debug.field("readiness", &self.readiness).finish_non_exhaustive()
    }
}
