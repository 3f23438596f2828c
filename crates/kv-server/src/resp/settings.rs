//! Settings that can be changed while the server runs, and their values now.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kv_core::{ConfigError, Store};

use super::shared::Shared;
use crate::config::{Config, Span};

/// The keys of the configuration that can be changed while the server runs.
pub(crate) const CHANGEABLE: [&str; 9] = [
    "engine.memory_limit",
    "engine.eviction_policy",
    "engine.compress_min_bytes",
    "persist.fsync",
    "persist.snapshot_interval",
    "limits.connections_max",
    "resp.idle_timeout",
    "log.slow_threshold",
    "log.slow_entries",
];

/// The configuration as it is now.
#[derive(Debug)]
pub(crate) struct Settings {
    now: Mutex<Config>,
    /// Held while settings are changed, which may take long.
    changing: Mutex<()>,
    /// Asked often; 0 for none.
    idle_timeout_ms: AtomicU64,
}

impl Settings {
    pub(super) fn new(config: &Config) -> Self {
        let settings = Self {
            now: Mutex::new(config.clone()),
            changing: Mutex::default(),
            idle_timeout_ms: AtomicU64::new(0),
        };
        settings.set_idle_timeout(config);
        settings
    }

    /// How long a client may send nothing.
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        let millis = self.idle_timeout_ms.load(Ordering::Relaxed);
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    fn set_idle_timeout(&self, config: &Config) {
        let timeout = config.resp.idle_timeout.get().map_or(Duration::ZERO, Span::get);
        self.idle_timeout_ms.store(crate::clock::millis(timeout), Ordering::Relaxed);
    }

    fn now(&self) -> MutexGuard<'_, Config> {
        lock(&self.now)
    }
}

impl Shared {
    /// The configuration as it is now. What the store may have been told by others comes from there.
    pub(crate) fn config_now(&self) -> Config {
        let mut config = self.settings.now().clone();
        if self.gate.open().is_ok() {
            config.engine.follow(&self.gate.store().settings());
        }
        config
    }

    /// Changes settings: `change` is given the configuration as it is now, and changes what is
    /// [changeable](CHANGEABLE). May take long, and block.
    ///
    /// # Errors
    /// Those of `change`, or why the store refuses what it is told; nothing is changed then.
    pub(crate) fn change_settings<E: From<ConfigError>>(
        &self,
        change: impl FnOnce(&mut Config) -> Result<(), E>,
    ) -> Result<(), E> {
        let changing = lock(&self.settings.changing);
        let before = self.config_now();
        let mut after = before.clone();
        change(&mut after)?;
        tell_store(&**self.gate.store(), &before, &after)?;
        self.gate.follow(&after.persist);
        self.gate.places().set_max(after.limits.connections_max.as_usize());
        self.gate.slow().follow(&after.log);
        self.slow_log.set_len_max(after.log.slow_entries.as_usize());
        self.settings.set_idle_timeout(&after);
        *self.settings.now() = after;
        drop(changing);
        Ok(())
    }
}

fn tell_store(store: &dyn Store, before: &Config, after: &Config) -> Result<(), ConfigError> {
    let (before, after) = (&before.engine, &after.engine);
    if before.memory_limit != after.memory_limit {
        // Whether it holds at once is seen by whoever looks.
        let _holds: bool = store.set_memory_limit(after.memory_limit.get())?;
    }
    if before.eviction_policy != after.eviction_policy {
        store.set_eviction_policy(after.eviction_policy);
    }
    if before.compress_min_bytes != after.compress_min_bytes {
        store.set_compression(after.compress_min_bytes())?;
    }
    Ok(())
}

/// Nothing can be half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
