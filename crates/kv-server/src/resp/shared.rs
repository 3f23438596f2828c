//! What all connections of the listener share.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use kv_core::Durability;
use kv_resp::Limits;

use super::clients::Clients;
use super::info::Peak;
use super::saves::Saves;
use super::settings::Settings;
use super::slow_log::SlowLog;
use super::statistics::Statistics;
use super::work::Workers;
use crate::clock::millis;
use crate::config::Config;
use crate::gate::Gate;
use crate::promise::Unkept;
use crate::shutdown::Drain;

/// A request may have arguments of this length even where no value may: what is too long is then refused, and
/// the connection goes on.
const BULK_BYTES_LEAST: usize = 1 << 20;

/// What all connections share.
pub(crate) struct Shared {
    /// The store, and what is promised of it.
    pub(crate) gate: Arc<Gate>,
    /// Bounds on one request.
    pub(crate) limits: Limits,
    /// Most operations that the store executes as one.
    pub(crate) batch_ops_max: usize,
    /// Most bytes of answers that wait for their client before no more are made.
    pub(crate) output_bytes_max: usize,
    /// The settings the server was started with.
    pub(crate) config: Config,
    /// Where work is done that others must not wait for.
    pub(super) workers: Workers,
    /// Who is connected.
    pub(super) clients: Arc<Clients>,
    /// Commands that took long.
    pub(super) slow_log: SlowLog,
    /// The settings that may have changed since.
    pub(super) settings: Settings,
    /// What was counted.
    pub(super) statistics: Statistics,
    /// The most memory that was ever seen to be used.
    pub(super) peak: Peak,
    /// 40 digits that no other run of a server has.
    pub(super) run_id: String,
    /// How clients' snapshots ended.
    pub(super) saves: Saves,
    /// Whether the server drains.
    pub(crate) drain: Drain,
}

impl Shared {
    pub(crate) fn new(gate: &Arc<Gate>, config: &Config, drain: &Drain) -> Self {
        let bulk_bytes_max = config.limits.value_bytes_max.as_usize().max(BULK_BYTES_LEAST);
        Self {
            config: config.clone(),
            workers: Workers::default(),
            gate: Arc::clone(gate),
            limits: Limits { bulk_bytes_max, ..Limits::default() },
            batch_ops_max: config.limits.batch_ops_max.as_usize(),
            output_bytes_max: config.limits.output_bytes_max.as_usize(),
            clients: Arc::default(),
            slow_log: SlowLog::new(config.log.slow_entries.as_usize()),
            settings: Settings::new(config),
            statistics: Statistics::default(),
            saves: Saves::default(),
            peak: Peak::default(),
            run_id: run_id(),
            drain: drain.clone(),
        }
    }

    /// The level that answers wait for. Not to be asked before the gate is open.
    pub(crate) fn level(&self) -> Durability {
        self.gate.level(None).unwrap_or(Durability::Memory)
    }

    /// Whether writes reach the level they are promised. Not to be asked before the gate is open.
    pub(crate) fn writes(&self) -> Result<(), Unkept> {
        self.gate.level(None).map(|_level| ())
    }

    /// Milliseconds since the server started.
    pub(crate) fn uptime_ms(&self) -> u64 {
        millis(self.gate.started().elapsed())
    }
}

/// Drawn by the operating system.
fn run_id() -> String {
    let draw = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}{:08x}", draw(), draw(), draw() >> 32)
}
