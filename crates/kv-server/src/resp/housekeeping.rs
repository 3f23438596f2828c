//! What is done once a second: clients that were silent for too long are closed, and rates are taken.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use super::shared::Shared;
use super::statistics::Sample;
use crate::clock::millis;
use crate::metrics::Protocol;

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);

/// Begins it once.
#[derive(Debug, Default)]
pub(super) struct Housekeeping(OnceLock<()>);

impl Housekeeping {
    /// Begins it, unless it has begun. It ends with the server.
    pub(super) fn begin(&self, shared: &Arc<Shared>) {
        self.0.get_or_init(|| drop(tokio::spawn(keep_house(Arc::downgrade(shared)))));
    }
}

async fn keep_house(shared: Weak<Shared>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        close_silent(&shared);
        take_rates(&shared);
    }
}

/// Closes clients that were silent for longer than they may be, and wait for nothing.
fn close_silent(shared: &Shared) {
    let Some(timeout) = shared.settings.idle_timeout() else { return };
    let now_ms = shared.uptime_ms();
    for client in shared.clients.all() {
        let seen = client.seen();
        let is_waiting = seen.is_blocked || seen.unsent > 0;
        if !is_waiting && now_ms.saturating_sub(seen.active_ms) > millis(timeout) {
            debug!(client = client.id, "closing a client that was silent for too long");
            client.kill();
        }
    }
}

fn take_rates(shared: &Shared) {
    let (received, sent) = shared.gate.metrics().bytes(Protocol::Resp);
    let commands = shared.statistics.commands.calls();
    let at = shared.gate.started().elapsed();
    shared.statistics.rates.take(Sample { at, commands, received, sent });
}
