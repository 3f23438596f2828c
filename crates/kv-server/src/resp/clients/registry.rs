//! Every connection, in the order they came.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::{Peer, Record};

/// Every connection.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    records: Mutex<BTreeMap<u64, Arc<Record>>>,
    /// The number of the latest one.
    latest: AtomicU64,
}

/// A connection that is known until this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    clients: Arc<Clients>,
    record: Arc<Record>,
}

impl Clients {
    /// Makes a connection known.
    pub(crate) fn register(self: &Arc<Self>, peer: Peer, connected_ms: u64) -> Registered {
        let id = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        let record = Arc::new(Record::new(id, peer, connected_ms));
        self.records().insert(id, Arc::clone(&record));
        Registered { clients: Arc::clone(self), record }
    }

    /// Every connection, in the order they came.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        self.records().values().cloned().collect()
    }

    /// The connection of this number.
    pub(crate) fn get(&self, id: u64) -> Option<Arc<Record>> {
        self.records().get(&id).cloned()
    }

    /// How many connections there ever were.
    pub(crate) fn ever(&self) -> u64 {
        self.latest.load(Ordering::Relaxed)
    }

    /// How many connections there are.
    pub(crate) fn count(&self) -> usize {
        self.records().len()
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Record>>> {
        // Nothing can be half done under this lock.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registered {
    /// What is known of it, for who asks later.
    pub(crate) fn share(&self) -> Arc<Record> {
        Arc::clone(&self.record)
    }
}

impl Deref for Registered {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.clients.records().remove(&self.record.id);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    use super::*;

    fn peer() -> Peer {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        Peer { addr, local: addr, fd: 3 }
    }

    #[test]
    fn connections_are_known_in_order_until_they_end() {
        let clients = Arc::<Clients>::default();
        let (first, second) = (clients.register(peer(), 5), clients.register(peer(), 6));
        let ids = |clients: &Clients| clients.all().iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(&clients), [1, 2]);
        drop(first);
        let third = clients.register(peer(), 7);
        assert_eq!((ids(&clients), clients.count()), (vec![2, 3], 2));
        assert_eq!(clients.get(2).unwrap().connected_ms, second.connected_ms);
        assert!(clients.get(1).is_none());
        drop((second, third));
        assert_eq!(clients.count(), 0);
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_killed_connection_is_woken_once_by_whom_it_was_polled_last() {
        let clients = Arc::<Clients>::default();
        let client = clients.register(peer(), 0);
        let (before, last) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
        client.wake_by(&Waker::from(Arc::clone(&before)));
        client.wake_by(&Waker::from(Arc::clone(&last)));
        assert!(!client.is_killed());
        clients.get(client.id).unwrap().kill();
        clients.get(client.id).unwrap().kill();
        assert!(client.is_killed());
        assert_eq!((before.0.load(Ordering::SeqCst), last.0.load(Ordering::SeqCst)), (0, 1));
    }
}
