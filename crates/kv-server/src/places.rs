//! The places for clients: how many connections there may be, and who gets the last ones.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::metrics::ConnectionGuard;

/// At most one in so many places is kept for peers that are known, or a small server would serve only them.
const RESERVED_PART: usize = 4;

/// Places that several listeners share. Clones share them too.
#[derive(Clone)]
pub(crate) struct Places(Arc<Shared>);

struct Shared {
    /// What bounds them, to be named in warnings.
    limit: &'static str,
    max: AtomicUsize,
    reserved: usize,
    taken: Mutex<Taken>,
}

/// How many places are taken, in all and by each peer that has one.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place that is taken, until this is dropped.
pub(crate) struct Place {
    places: Places,
    peer: IpAddr,
    /// Counts the connection while it has the place.
    _counted: Option<ConnectionGuard>,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("limit", &self.0.limit).field("max", &self.0.max).finish()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Places {
    /// So many places. The last `reserved` of them, and at most a quarter of all, are kept for peers that
    /// have one already: those who work with the server can go on when strangers flood it.
    pub(crate) fn new(limit: &'static str, max: usize, reserved: usize) -> Self {
        let (max, taken) = (AtomicUsize::new(max), Mutex::default());
        Self(Arc::new(Shared { limit, max, reserved, taken }))
    }

    /// So many from now on. When more are taken, those stay until they are left.
    pub(crate) fn set_max(&self, max: usize) {
        self.0.max.store(max, Ordering::Relaxed);
    }

    /// How many there are.
    pub(crate) fn max(&self) -> usize {
        self.0.max.load(Ordering::Relaxed)
    }

    /// Takes a place for a client of this peer. `counted` is asked for when there is one.
    pub(crate) fn take(
        &self,
        peer: IpAddr,
        counted: impl FnOnce() -> Option<ConnectionGuard>,
    ) -> Option<Place> {
        let peer = peer.to_canonical();
        let mut taken = self.taken();
        let (max, is_known) = (self.max(), taken.by_peer.contains_key(&peer));
        let kept = if is_known { 0 } else { self.0.reserved.min(max / RESERVED_PART) };
        if taken.all + kept >= max {
            return None;
        }
        taken.all += 1;
        *taken.by_peer.entry(peer).or_default() += 1;
        drop(taken);
        Some(Place { places: self.clone(), peer, _counted: counted() })
    }

    /// What bounds the places, and how many there are.
    pub(crate) fn limit(&self) -> (&'static str, usize) {
        (self.0.limit, self.max())
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        // Nothing panics while it is held.
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(count) = taken.by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    fn take(places: &Places, last: u8) -> Option<Place> {
        places.take(peer(last), || None)
    }

    #[test]
    fn the_last_places_are_for_known_peers() {
        let places = Places::new("limits.connections_max", 8, 2);
        let mut held: Vec<Place> = (1..=6).map(|last| take(&places, last).unwrap()).collect();
        assert!(take(&places, 7).is_none(), "a stranger, and only reserved places are left");
        held.push(take(&places, 1).expect("a known peer"));
        held.push(take(&places, 2).expect("another"));
        assert!(take(&places, 1).is_none(), "all places are taken");
        // Peer 1 has a second place, and stays known when it leaves one.
        held.remove(0);
        assert!(take(&places, 7).is_none());
        held.push(take(&places, 1).expect("still known"));
        held.clear();
        assert!(places.taken().by_peer.is_empty(), "nobody is remembered");
        assert!(take(&places, 7).is_some());
    }

    #[test]
    fn small_servers_keep_few_places() {
        for (max, reserved, strangers) in
            [(1, 16, 1), (3, 16, 3), (4, 16, 3), (100, 16, 84), (8, 0, 8)]
        {
            let places = Places::new("limits.connections_max", max, reserved);
            let held: Vec<Place> =
                (0..=u8::MAX).take(max + 1).map_while(|n| take(&places, n)).collect();
            assert_eq!(held.len(), strangers, "{max} places, {reserved} reserved");
        }
    }

    #[test]
    fn fewer_places_drive_nobody_out_and_more_are_there_at_once() {
        let places = Places::new("limits.connections_max", 4, 0);
        let mut held: Vec<Place> = (0..4).map(|_| take(&places, 1).unwrap()).collect();
        places.set_max(2);
        for _ in 0..2 {
            assert!(take(&places, 1).is_none());
            held.pop();
        }
        assert!(take(&places, 1).is_none(), "two are left, and two there are");
        places.set_max(3);
        assert!(take(&places, 1).is_some());
        assert_eq!(places.limit(), ("limits.connections_max", 3));
    }

    #[test]
    fn an_address_is_the_same_in_both_families() {
        let places = Places::new("limits.connections_max", 4, 1);
        let _held: Vec<Place> = (1..=3).map(|last| take(&places, last).unwrap()).collect();
        let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().into();
        assert!(places.take(mapped, || None).is_some());
    }
}
