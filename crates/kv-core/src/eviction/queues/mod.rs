//! FIFO queues of keys in a pool of chunks: what queue-based policies keep for each key.
//!
//! A key costs its fingerprint and a share of its chunk, about five bytes. Its entry remembers the chunk it
//! stands in ([`Place`]), so that a key in the middle is removed without a walk. Chunks that removals thin
//! out are merged: two neighbours hold more than half of one chunk together. No step is longer than a
//! chunk, and only [`Queues::reserve`] allocates.

mod chunk;

use crate::engine::allocated_bytes;
use crate::eviction::Fingerprint;
use chunk::{CHUNK_KEYS, Chunk, NONE};

/// Two neighbours with no more keys than this become one.
const MERGED_KEYS_MAX: usize = CHUNK_KEYS / 2;

/// Chunks kept in hand: for a key that comes, and for one that changes queues.
const SPARES: usize = 2;

/// Slots for chunks that a pool starts with.
const SLOTS_MIN: usize = 4;

/// Where a key stands: the number of its chunk, in so many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<const BITS: u32>(u32);

impl<const BITS: u32> Place<BITS> {
    /// In no queue.
    pub(super) const NOWHERE: Self = Self((1 << BITS) - 1);

    /// The number.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// The place with this number.
    pub(super) fn from_number(number: u32) -> Self {
        Self(number & Self::NOWHERE.0)
    }
}

#[derive(Debug)]
enum Slot {
    Used(Box<Chunk>),
    /// The number of the next vacant slot.
    Vacant(u32),
}

/// Both ends of a queue, as numbers of chunks.
#[derive(Debug, Clone, Copy)]
struct Ends {
    oldest: u32,
    newest: u32,
    len: usize,
}

/// `N` queues over one pool, whose places take so many bits.
#[derive(Debug)]
pub(super) struct Queues<const N: usize, const BITS: u32> {
    slots: Vec<Slot>,
    /// The first vacant slot.
    vacant: u32,
    used: usize,
    spares: [Option<Box<Chunk>>; SPARES],
    ends: [Ends; N],
}

impl<const N: usize, const BITS: u32> Default for Queues<N, BITS> {
    fn default() -> Self {
        let ends = [Ends { oldest: NONE, newest: NONE, len: 0 }; N];
        Self { slots: Vec::new(), vacant: NONE, used: 0, spares: [const { None }; SPARES], ends }
    }
}

impl<const N: usize, const BITS: u32> Queues<N, BITS> {
    /// Keys in all queues.
    pub(super) fn len(&self) -> usize {
        self.ends.iter().map(|ends| ends.len).sum()
    }

    /// Keys in one queue.
    pub(super) fn len_of(&self, queue: usize) -> usize {
        self.ends.get(queue).map_or(0, |ends| ends.len)
    }

    /// The key that is first in a queue.
    pub(super) fn first(&self, queue: usize) -> Option<Fingerprint> {
        self.chunk(self.ends.get(queue)?.oldest)?.first()
    }

    /// Puts a key last in a queue. Without [`reserve`](Self::reserve) there may be no place for it.
    pub(super) fn push(&mut self, queue: usize, key: Fingerprint) -> Place<BITS> {
        let Some(&Ends { newest, .. }) = self.ends.get(queue) else {
            return Place::NOWHERE;
        };
        let newest = match self.chunk_mut(newest).map(|chunk| chunk.push(key)) {
            Some(true) => newest,
            _ => match self.open_chunk(queue, newest, key) {
                Some(number) => number,
                None => return Place::NOWHERE,
            },
        };
        if let Some(ends) = self.ends.get_mut(queue) {
            ends.len += 1;
        }
        Place(newest)
    }

    /// Takes out the key that is first in a queue.
    pub(super) fn pop(&mut self, queue: usize) -> Option<Fingerprint> {
        let oldest = self.ends.get(queue)?.oldest;
        let key = self.chunk(oldest)?.first()?;
        self.take_out(key, oldest);
        Some(key)
    }

    /// Takes out a key, if it stands there. Others may have to stand closer together: `moved` hears of
    /// each whose place has changed.
    pub(super) fn remove(
        &mut self,
        key: Fingerprint,
        place: Place<BITS>,
        mut moved: impl FnMut(Fingerprint, Place<BITS>),
    ) {
        if !self.take_out(key, place.0) {
            return;
        }
        let Some(&Chunk { older, .. }) = self.chunk(place.0) else {
            return;
        };
        let merged = if self.merge(older, place.0, &mut moved) { older } else { place.0 };
        if let Some(&Chunk { newer, .. }) = self.chunk(merged) {
            self.merge(merged, newer, &mut moved);
        }
    }

    /// Makes sure that the next key finds a place, and another one that changes queues.
    pub(super) fn reserve(&mut self) {
        let slots = self.slots_for(1);
        if slots > self.slots.capacity() {
            self.slots.reserve_exact(slots - self.slots.len());
        }
        for spare in &mut self.spares {
            spare.get_or_insert_with(|| Box::new(Chunk::empty()));
        }
    }

    /// By how much so many keys more may grow [`heap_bytes`](Self::heap_bytes). What is copied to grow counts
    /// whole, and of several steps the last but one too.
    pub(super) fn bytes_to_grow(&self, keys: usize) -> usize {
        if keys == 0 {
            return 0;
        }
        let missing = self.spares.iter().filter(|spare| spare.is_none()).count();
        let chunks = missing + opened_before_last::<N>(keys);
        let slots = self.slots_for(keys);
        let copies = if keys > 1 { 2 } else { 1 };
        let grown = if slots > self.slots.capacity() { copies * slots_bytes(slots) } else { 0 };
        chunks * allocated_bytes(size_of::<Chunk>()) + grown
    }

    /// Heap bytes, as the allocator rounds them.
    pub(super) fn heap_bytes(&self) -> usize {
        let chunks = self.used + self.spares.iter().flatten().count();
        chunks * allocated_bytes(size_of::<Chunk>()) + slots_bytes(self.slots.capacity())
    }

    /// Slots to have for so many keys more: as many as there are spares when the last of them comes.
    fn slots_for(&self, keys: usize) -> usize {
        let needed = self.slots.len() + SPARES + opened_before_last::<N>(keys);
        let capacity = self.slots.capacity();
        if needed <= capacity {
            capacity
        } else {
            needed.max(capacity + capacity / 4).max(SLOTS_MIN)
        }
    }

    fn chunk(&self, number: u32) -> Option<&Chunk> {
        match self.slots.get(number as usize)? {
            Slot::Used(chunk) => Some(chunk),
            Slot::Vacant(_) => None,
        }
    }

    fn chunk_mut(&mut self, number: u32) -> Option<&mut Chunk> {
        match self.slots.get_mut(number as usize)? {
            Slot::Used(chunk) => Some(chunk),
            Slot::Vacant(_) => None,
        }
    }

    /// Puts a chunk with one key behind the newest.
    fn open_chunk(&mut self, queue: usize, newest: u32, key: Fingerprint) -> Option<u32> {
        let number =
            if self.vacant == NONE { u32::try_from(self.slots.len()).ok()? } else { self.vacant };
        let has_slot = self.vacant != NONE || self.slots.len() < self.slots.capacity();
        if number >= Place::<BITS>::NOWHERE.0 || !has_slot {
            return None;
        }
        let mut chunk = self.spares.iter_mut().find_map(Option::take)?;
        (chunk.older, chunk.newer, chunk.queue) = (newest, NONE, u32::try_from(queue).ok()?);
        chunk.push(key);
        match self.slots.get_mut(number as usize) {
            Some(slot) => {
                if let Slot::Vacant(next) = std::mem::replace(slot, Slot::Used(chunk)) {
                    self.vacant = next;
                }
            }
            None => self.slots.push(Slot::Used(chunk)),
        }
        self.used += 1;
        self.link(queue, newest, number);
        self.link(queue, number, NONE);
        Some(number)
    }

    /// Makes two chunks neighbours; without one of them, the other is an end of the queue.
    fn link(&mut self, queue: usize, older: u32, newer: u32) {
        if let Some(chunk) = self.chunk_mut(older) {
            chunk.newer = newer;
        } else if let Some(ends) = self.ends.get_mut(queue) {
            ends.oldest = newer;
        }
        if let Some(chunk) = self.chunk_mut(newer) {
            chunk.older = older;
        } else if let Some(ends) = self.ends.get_mut(queue) {
            ends.newest = older;
        }
    }

    /// Removes a key from a chunk, and the chunk when it was the last. Tells whether the key was there.
    fn take_out(&mut self, key: Fingerprint, number: u32) -> bool {
        let Some(chunk) = self.chunk_mut(number) else {
            return false;
        };
        if !chunk.remove(key) {
            return false;
        }
        let (queue, is_empty) = (chunk.queue as usize, chunk.len() == 0);
        if let Some(ends) = self.ends.get_mut(queue) {
            ends.len -= 1;
        }
        if is_empty && let Some(emptied) = self.close_chunk(number) {
            self.keep_spare(emptied);
        }
        true
    }

    /// Takes a chunk out of its queue.
    fn close_chunk(&mut self, number: u32) -> Option<Box<Chunk>> {
        let slot = self.slots.get_mut(number as usize)?;
        let Slot::Used(chunk) = std::mem::replace(slot, Slot::Vacant(self.vacant)) else {
            return None;
        };
        self.vacant = number;
        self.used -= 1;
        self.link(chunk.queue as usize, chunk.older, chunk.newer);
        if self.used == 0 {
            // As many stay as the next key needs: it may take the place of the last.
            self.slots.clear();
            self.slots.shrink_to(SLOTS_MIN);
            self.vacant = NONE;
        }
        Some(chunk)
    }

    /// Keeps a chunk for later, if one is missing.
    fn keep_spare(&mut self, mut chunk: Box<Chunk>) {
        chunk.clear();
        if let Some(missing) = self.spares.iter_mut().find(|spare| spare.is_none()) {
            *missing = Some(chunk);
        }
    }

    /// Moves the keys of a chunk into the one before, if both have few. Tells whether they had.
    fn merge(
        &mut self,
        older: u32,
        newer: u32,
        moved: &mut impl FnMut(Fingerprint, Place<BITS>),
    ) -> bool {
        let keys_in = |number| self.chunk(number).map_or(CHUNK_KEYS, Chunk::len);
        if keys_in(older) + keys_in(newer) > MERGED_KEYS_MAX {
            return false;
        }
        let Some(emptied) = self.close_chunk(newer) else {
            return false;
        };
        if let Some(chunk) = self.chunk_mut(older) {
            chunk.absorb(&emptied);
        }
        emptied.each().for_each(|key| moved(key, Place(older)));
        self.keep_spare(emptied);
        true
    }
}

/// Chunks that so many keys may open before the last of them comes.
fn opened_before_last<const N: usize>(keys: usize) -> usize {
    let before = keys.saturating_sub(1);
    before.min(before / CHUNK_KEYS + N)
}

fn slots_bytes(slots: usize) -> usize {
    allocated_bytes(slots * size_of::<Slot>())
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use super::*;

    const BITS: u32 = 15;

    type Place = super::Place<BITS>;

    /// Two queues beside the plain ones they must equal.
    #[derive(Default)]
    struct Twin {
        queues: Queues<2, BITS>,
        plain: [VecDeque<u32>; 2],
        places: HashMap<u32, Place>,
    }

    impl Twin {
        fn push(&mut self, queue: usize, key: u32) {
            let place = self.queues.push(queue, Fingerprint(key));
            assert_ne!(place, Place::NOWHERE, "there was room for key {key}");
            self.places.insert(key, place);
            self.plain[queue].push_back(key);
        }

        fn insert(&mut self, queue: usize, key: u32) {
            let allowed = self.queues.heap_bytes() + self.queues.bytes_to_grow(1);
            self.queues.reserve();
            assert!(self.queues.heap_bytes() <= allowed, "key {key} took more than announced");
            self.push(queue, key);
        }

        fn pop(&mut self, queue: usize) -> Option<u32> {
            let key = self.queues.pop(queue).map(|key| key.0);
            assert_eq!(key, self.plain[queue].pop_front());
            key
        }

        fn remove(&mut self, key: u32) {
            let places = &mut self.places;
            let place = places.remove(&key).unwrap_or(Place::NOWHERE);
            self.queues.remove(Fingerprint(key), place, |key, place| {
                places.insert(key.0, place);
            });
            self.plain.iter_mut().for_each(|plain| plain.retain(|other| *other != key));
        }

        fn check(&self) {
            for (queue, plain) in self.plain.iter().enumerate() {
                assert_eq!(self.queues.len_of(queue), plain.len());
                assert_eq!(self.queues.first(queue).map(|key| key.0), plain.front().copied());
            }
            let chunk_bytes = size_of::<Chunk>();
            let thin = self.queues.len() * 2 / MERGED_KEYS_MAX + 2 * 2 + SPARES;
            let slots = slots_bytes(self.queues.slots.capacity());
            let (taken, most) = (self.queues.heap_bytes(), thin * chunk_bytes + slots);
            assert!(taken <= most, "{} keys take {taken} bytes", self.queues.len());
        }
    }

    #[test]
    fn queues_keep_their_order_whatever_is_removed() {
        for seed in 0..20 {
            println!("seed {seed}");
            let mut random = fastrand::Rng::with_seed(seed);
            let mut twin = Twin::default();
            for key in 0..20_000 {
                match random.u8(0..8) {
                    // Phases that grow, and others that shrink.
                    0..=3 if key / 3000 % 2 == 0 => twin.insert(random.usize(0..2), key),
                    0 | 4 => drop(twin.pop(random.usize(0..2))),
                    5 => {
                        let queue = random.usize(0..2);
                        if let Some(key) = twin.pop(queue) {
                            twin.insert(1 - queue, key);
                        }
                    }
                    _ => {
                        let all = twin.plain[0].len() + twin.plain[1].len();
                        let at = random.usize(0..all.max(1));
                        let chosen = twin.plain.iter().flatten().nth(at).copied();
                        if let Some(key) = chosen {
                            twin.remove(key);
                        }
                    }
                }
                twin.check();
            }
            while twin.pop(0).is_some() || twin.pop(1).is_some() {}
            let idle = SPARES * size_of::<Chunk>() + slots_bytes(SLOTS_MIN);
            assert!(twin.queues.heap_bytes() <= idle, "an empty pool gives its memory back");
            assert_eq!(twin.queues.bytes_to_grow(1), 0, "but for what the next key needs");
        }
    }

    #[test]
    fn a_key_that_stands_elsewhere_is_left_alone() {
        let mut twin = Twin::default();
        (0..100).for_each(|key| twin.insert(0, key));
        for place in [Place::NOWHERE, Place(0), Place(77)] {
            twin.queues.remove(Fingerprint(99), place, |key, _| panic!("{key:?} moved"));
            twin.check();
        }
        assert_eq!(twin.queues.push(7, Fingerprint(1)), Place::NOWHERE, "no such queue");
    }

    #[test]
    fn without_a_place_in_hand_a_key_is_turned_away() {
        let mut queues = Queues::<1, BITS>::default();
        assert_eq!(queues.push(0, Fingerprint(1)), Place::NOWHERE);
        queues.reserve();
        let placed =
            (0..1000).take_while(|key| queues.push(0, Fingerprint(*key)) != Place::NOWHERE);
        assert_eq!(placed.count(), SPARES * CHUNK_KEYS);
    }

    #[test]
    fn when_all_places_are_taken_keys_are_turned_away_until_one_is_free() {
        let mut queues = Queues::<1, 3>::default();
        let insert = |queues: &mut Queues<1, 3>, key| {
            let allowed = queues.heap_bytes() + queues.bytes_to_grow(1);
            queues.reserve();
            assert!(queues.heap_bytes() <= allowed, "key {key} took more than announced");
            queues.push(0, Fingerprint(key))
        };
        let places = 7 * CHUNK_KEYS;
        for key in 0..500_u32 {
            let is_placed = insert(&mut queues, key) != super::Place::NOWHERE;
            assert_eq!(is_placed, (key as usize) < places, "key {key}");
        }
        assert_eq!(queues.len(), places);
        (0..CHUNK_KEYS).for_each(|_| assert!(queues.pop(0).is_some()));
        assert_ne!(insert(&mut queues, 500), super::Place::NOWHERE);
    }

    #[test]
    fn what_many_keys_take_is_told_in_advance() {
        for keys in [0, 1, 2, 27, 28, 29, 56, 57, 1000] {
            for before in (0..500).step_by(7) {
                let mut twin = Twin::default();
                (0..before).for_each(|key| twin.insert(0, key));
                let (held, announced) =
                    (twin.queues.heap_bytes(), twin.queues.bytes_to_grow(keys as usize));
                (0..keys).for_each(|key| twin.insert(usize::from(key % 2 == 0), before + key));
                let taken = twin.queues.heap_bytes() - held;
                assert!(taken <= announced, "{keys} keys after {before}: {taken} of {announced}");
            }
        }
    }
}
