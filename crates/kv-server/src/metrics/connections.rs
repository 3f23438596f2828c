//! Connections: how many are open, were accepted, were refused, went from one thread to another.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Metrics;
use super::labels::{Label as _, Protocol};

/// The connections of one protocol. Counted by all threads alike: connections are rare beside requests.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    moved: AtomicU64,
}

/// The connections of one protocol at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionCounts {
    /// Open now.
    pub(crate) open: u64,
    /// Served since the start.
    pub(crate) accepted: u64,
    /// Closed at once since the start.
    pub(crate) refused: u64,
    /// How often one has gone to another thread since the start.
    pub(crate) moved: u64,
}

/// An open connection: it counts as one until this is dropped.
pub(crate) struct ConnectionGuard {
    metrics: Arc<Metrics>,
    protocol: Protocol,
}

impl fmt::Debug for ConnectionGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionGuard").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(connections) = self.metrics.connections.get(self.protocol.place()) {
            connections.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Metrics {
    /// Counts a connection as accepted, and as open until the guard is dropped.
    pub(crate) fn connection(self: &Arc<Self>, protocol: Protocol) -> ConnectionGuard {
        if let Some(connections) = self.connections.get(protocol.place()) {
            connections.accepted.fetch_add(1, Ordering::Relaxed);
            connections.open.fetch_add(1, Ordering::Relaxed);
        }
        ConnectionGuard { metrics: Arc::clone(self), protocol }
    }

    /// Counts a connection that was closed at once, for want of a place.
    pub(crate) fn connection_refused(&self, protocol: Protocol) {
        if let Some(connections) = self.connections.get(protocol.place()) {
            connections.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a connection that goes on at another thread.
    pub(crate) fn connection_moved(&self, protocol: Protocol) {
        if let Some(connections) = self.connections.get(protocol.place()) {
            connections.moved.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The connections of a protocol.
    pub(crate) fn connections(&self, protocol: Protocol) -> ConnectionCounts {
        let read = |counter: fn(&Connections) -> &AtomicU64| {
            let connections = self.connections.get(protocol.place());
            connections.map_or(0, |connections| counter(connections).load(Ordering::Relaxed))
        };
        ConnectionCounts {
            open: read(|connections| &connections.open),
            accepted: read(|connections| &connections.accepted),
            refused: read(|connections| &connections.refused),
            moved: read(|connections| &connections.moved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_open_until_its_guard_is_dropped() {
        let metrics = Arc::new(Metrics::new());
        let (first, second) =
            (metrics.connection(Protocol::Http), metrics.connection(Protocol::Http));
        metrics.connection_refused(Protocol::Http);
        metrics.connection_moved(Protocol::Http);
        drop(first);
        let counts = ConnectionCounts { open: 1, accepted: 2, refused: 1, moved: 1 };
        assert_eq!(metrics.connections(Protocol::Http), counts);
        drop(second);
        assert_eq!(metrics.connections(Protocol::Http).open, 0);
        assert_eq!(metrics.connections(Protocol::Grpc).accepted, 0);
    }
}
