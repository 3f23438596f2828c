//! What `/metrics` shows: everything that is counted and measured, in Prometheus's text format 0.0.4.
//!
//! `docs/metrics.md` documents every metric; a test compares the two.

mod persistence;
mod process;
mod registry;
mod requests;
mod server;
mod slow;
mod store;
mod text;

use std::fmt;
use std::sync::Arc;

use kv_core::StoreStats;

use crate::build_info::BuildInfo;
use crate::clock::wall_ms;
use crate::gate::Gate;
use persistence::Persisted;
use process::Process;
use registry::{Registry, float};
use server::Life;
use text::Text;

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Shows the metrics of one server.
pub(crate) struct Exposition {
    gate: Arc<Gate>,
    build: BuildInfo,
    registry: Registry,
    /// Seconds since the Unix epoch.
    started_at: f64,
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").field("build", &self.build).finish_non_exhaustive()
    }
}

impl Exposition {
    /// Shows what goes through the gate.
    pub(crate) fn new(gate: Arc<Gate>, build: BuildInfo) -> Self {
        let registry = Registry::new();
        registry.describe(server::ROWS);
        registry.describe(process::ROWS);
        registry.describe(store::ROWS);
        registry.describe(persistence::ROWS);
        let started_at = float(wall_ms()) / 1e3 - gate.started().elapsed().as_secs_f64();
        Self { gate, build, registry, started_at }
    }

    /// Everything as it is now. Takes some milliseconds, and each shard's lock for a moment; while the server
    /// loads, nothing is told of the store and what keeps it.
    pub(crate) fn text(&self) -> String {
        let mut text = Text::default();
        let gate = &*self.gate;
        let loading = gate.open().err();
        server::show(&self.build, gate.serving().state(), &mut text);
        let life = Life {
            started: gate.started(),
            started_at: self.started_at,
            loaded_percent: loading.as_ref().map_or(100, |loading| loading.percent),
            persistence: gate.persistence().is_some(),
            in_flight: gate.budget().level(),
        };
        self.registry.read(server::ROWS, &life);
        process::show(&mut text);
        self.registry.read(process::ROWS, &Process::now());
        requests::show(gate.metrics(), &mut text);
        slow::show(gate.slow().counts(), &mut text);
        if loading.is_none() {
            self.show_store(&mut text);
        }
        sorted(&format!("{}{}", text.finish(), self.registry.text()))
    }

    fn show_store(&self, text: &mut Text) {
        let store = self.gate.store();
        let stats: StoreStats = store.stats();
        self.registry.read(store::ROWS, &stats);
        store::show(&stats, text);
        if let Some(kept) = self.gate.persistence() {
            let failed = store.progress().health().is_err();
            let persisted = Persisted { stats: kept.stats(), failed, now_ms: wall_ms() };
            persistence::show(&persisted.stats, text);
            self.registry.read(persistence::ROWS, &persisted);
        }
    }
}

/// The families in the order of their names, for people who read them.
fn sorted(text: &str) -> String {
    const START: &str = "# HELP ";
    let mut families: Vec<&str> = text.split(START).map(str::trim_end).collect();
    families.sort_unstable();
    let mut sorted = String::with_capacity(text.len());
    for family in families.into_iter().filter(|family| !family.is_empty()) {
        sorted.extend([START, family, "\n"]);
    }
    sorted
}
