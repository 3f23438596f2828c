//! What is counted elsewhere and never begins anew there: told by how much it has grown since a reset.

use kv_core::{Latency, StoreStats};

use crate::metrics::{Label as _, Operation, Protocol};
use crate::resp::shared::Shared;

/// Totals.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) connections: u64,
    pub(crate) connections_refused: u64,
    /// Bytes received from clients.
    pub(crate) received: u64,
    /// Bytes sent to them.
    pub(crate) sent: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired_keys: u64,
    pub(crate) evicted_keys: u64,
    /// How long requests took, by what they are counted as.
    pub(crate) latencies: Vec<Latency>,
}

impl Totals {
    /// Everything since the server started.
    pub(super) fn ever(shared: &Shared) -> Self {
        let metrics = shared.gate.metrics();
        let store = match shared.gate.open() {
            Ok(()) => shared.gate.store().stats(),
            Err(_loading) => StoreStats::default(),
        };
        let (received, sent) = metrics.bytes(Protocol::Resp);
        let latency = |operation: &Operation| metrics.latency(Protocol::Resp, *operation);
        Self {
            connections: shared.clients.ever(),
            connections_refused: metrics.connections(Protocol::Resp).refused,
            received,
            sent,
            hits: store.hits,
            misses: store.misses,
            expired_keys: store.expired_keys,
            evicted_keys: store.evicted_keys,
            latencies: Operation::ALL.iter().map(latency).collect(),
        }
    }

    /// How much these have grown since then.
    pub(super) fn since(mut self, then: &Self) -> Self {
        let less = |now: &mut u64, then: u64| *now = now.saturating_sub(then);
        less(&mut self.connections, then.connections);
        less(&mut self.connections_refused, then.connections_refused);
        less(&mut self.received, then.received);
        less(&mut self.sent, then.sent);
        less(&mut self.hits, then.hits);
        less(&mut self.misses, then.misses);
        less(&mut self.expired_keys, then.expired_keys);
        less(&mut self.evicted_keys, then.evicted_keys);
        for (now, then) in self.latencies.iter_mut().zip(&then.latencies) {
            now.sum_ns = now.sum_ns.wrapping_sub(then.sum_ns);
            now.buckets.iter_mut().zip(then.buckets).for_each(|(now, then)| less(now, then));
        }
        self
    }
}
