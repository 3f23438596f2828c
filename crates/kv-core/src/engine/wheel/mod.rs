//! The TTL index of one shard: a hierarchical timing wheel of fingerprints.
//!
//! Eight levels of 64 slots; a slot of level *l* spans 64^l ticks of [`TICK_MS`]. A key is filed at the
//! level of the highest digit in which its due tick differs from the present one; when the wheel comes
//! to a slot of a higher level, the slot's keys move to lower ones. Filing is O(1), and a key moves at
//! most seven times. Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987.
//!
//! The wheel is lazy: it holds *at least* one item per volatile key, filed no later than the key's
//! expiry. Prolonging a key files nothing; the item, when it comes up, is filed anew by whoever asks
//! [`Wheel::pop_due`]. Items of keys that have gone are dropped when they come up, and
//! [`Wheel::is_untidy`] tells when there are so many that the wheel should be rebuilt, which bounds it to
//! about twice the number of volatile keys.
//!
//! The wheels of shards are out of step, each by its [`phase`](Wheel::new): when one comes to a slot of a higher level, all
//! of its keys move, and if all wheels did so at once, those keys that are due just then would wait for all others.
//!
//! Items form a list per slot, so that moving one allocates nothing; they live in [`Items`].

#![expect(
    clippy::indexing_slicing,
    reason = "digits, levels and items are this module's invariant"
)]

mod items;

use super::memory::allocated_bytes;
use crate::eviction::Fingerprint;
use crate::types::{EXPIRY_MAX_MS, UnixMillis};
use items::{Item, Items};

/// The wheel's resolution.
pub(crate) const TICK_MS: u64 = 16;

const LEVELS: usize = 8;
const SLOT_BITS: usize = 6;
const SLOTS: usize = 1 << SLOT_BITS;

/// Bits of a tick: enough for every allowed expiry.
const TICK_BITS: usize = LEVELS * SLOT_BITS;

/// No item.
const NIL: u32 = u32::MAX;

/// Keys of one slot that a search for the soonest compares.
const SOONEST_LOOK: usize = 64;

/// Memory is given back when less than this part of it is used.
const SHRINK_BELOW: usize = 8;

/// How far the wheel may be ahead of the clock before it is rebuilt: one second.
const STEP_BACK_TICKS: u64 = 64;

/// Clutter that is never worth a rebuild.
const CLUTTER_FREE: usize = 64;

const _: () = assert!(EXPIRY_MAX_MS / TICK_MS + (u32::MAX as u64) < 1 << TICK_BITS);

/// The first items of each slot of each level.
type Heads = [[u32; SLOTS]; LEVELS];

const EMPTY_HEADS: Heads = [[NIL; SLOTS]; LEVELS];

const HEADS_BYTES: usize = allocated_bytes(size_of::<Heads>());

/// The TTL index of one shard.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Every slot that begins at or before this tick has come up.
    now: u64,
    /// So many ticks is this wheel ahead of time.
    phase: u32,
    /// Which slots of each level hold items.
    occupied: [u64; LEVELS],
    /// Allocated with the first item.
    heads: Option<Box<Heads>>,
    items: Items,
    /// First of the items of the slot the wheel has come to, still to be popped.
    pending: u32,
}

/// Where the wheel has to go next.
#[derive(Debug, Clone, Copy)]
struct Stop {
    level: usize,
    slot: usize,
    /// The tick at which the slot begins.
    tick: u64,
}

impl Wheel {
    /// An empty wheel that starts at `now`. It counts its ticks from `phase` on, which nobody sees but by when keys
    /// move within it.
    pub(crate) fn new(now: UnixMillis, phase: u32) -> Self {
        Self {
            now: tick(now) + u64::from(phase),
            phase,
            occupied: [0; LEVELS],
            heads: None,
            items: Items::new(),
            pending: NIL,
        }
    }

    /// Starts over, empty, at `now`; returns what was before.
    pub(crate) fn renew(&mut self, now: UnixMillis) -> Self {
        std::mem::replace(self, Self::new(now, self.phase))
    }

    /// The tick that is going on at a time.
    fn tick(&self, at: UnixMillis) -> u64 {
        tick(at) + u64::from(self.phase)
    }

    /// Number of items: about the number of volatile keys.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Files a key. It comes up in [`pop_due`](Self::pop_due) at `expiry` or up to one tick later.
    pub(crate) fn schedule(&mut self, fingerprint: Fingerprint, expiry: UnixMillis) {
        let (level, slot) = self.place(expiry);
        let heads = self.heads.get_or_insert_with(|| Box::new(EMPTY_HEADS));
        let head = &mut heads[level][slot];
        *head = self.items.add(Item { fingerprint, next: *head });
        self.occupied[level] |= 1 << slot;
    }

    /// Makes room for `additional` items, as so many calls of [`schedule`](Self::schedule) would.
    pub(crate) fn reserve(&mut self, additional: usize) {
        self.items.reserve(additional);
    }

    fn place(&self, expiry: UnixMillis) -> (usize, usize) {
        let due = expiry.get().div_ceil(TICK_MS) + u64::from(self.phase);
        let due = due.max(self.now + 1);
        let highest_bit = 63 - (due ^ self.now).leading_zeros() as usize;
        let level = (highest_bit / SLOT_BITS).min(LEVELS - 1);
        (level, digit(due, level))
    }

    /// Takes one item whose slot has come up by `now`, or `None` when there are no more.
    ///
    /// The key may be due, prolonged since, or have been filed coarsely: unless it is gone or has no
    /// expiry any more, the caller expires it or schedules it again.
    pub(crate) fn pop_due(&mut self, now: UnixMillis) -> Option<Fingerprint> {
        let now_tick = self.tick(now);
        while self.pending == NIL {
            let Some(stop) = self.next_stop().filter(|stop| stop.tick <= now_tick) else {
                self.now = self.now.max(now_tick);
                return None;
            };
            self.now = stop.tick;
            self.pending = self.take_slot(stop);
        }
        self.pop_pending()
    }

    /// Finds the key that expires soonest of those that `is_wanted`, without turning the wheel; exact up to one
    /// slot and [`SOONEST_LOOK`] keys. `expiry_of` tells the expiry of a key that is still there.
    pub(crate) fn soonest(
        &mut self,
        expiry_of: impl Fn(Fingerprint) -> Option<UnixMillis>,
        is_wanted: impl Fn(Fingerprint) -> bool,
    ) -> Option<Fingerprint> {
        while let Some(fingerprint) = self.pop_pending() {
            if let Some(expiry) = expiry_of(fingerprint) {
                self.schedule(fingerprint, expiry);
            }
        }
        let mut unwanted = [0; LEVELS];
        while let Some(stop) = self.next_stop_but(&unwanted) {
            if let Some(found) = self.soonest_in(stop, &expiry_of, &is_wanted) {
                return Some(found);
            }
            unwanted[stop.level] |= self.occupied[stop.level] & 1 << stop.slot;
        }
        None
    }

    /// Looks through one slot; drops items of keys that are gone, moves those of prolonged keys.
    fn soonest_in(
        &mut self,
        stop: Stop,
        expiry_of: impl Fn(Fingerprint) -> Option<UnixMillis>,
        is_wanted: impl Fn(Fingerprint) -> bool,
    ) -> Option<Fingerprint> {
        let mut unseen = self.take_slot(stop);
        let mut best: Option<(UnixMillis, Fingerprint)> = None;
        let mut looked = 0;
        while unseen != NIL && looked < SOONEST_LOOK {
            let Item { fingerprint, next } = self.items.get(unseen);
            self.items.remove(unseen);
            unseen = next;
            let Some(expiry) = expiry_of(fingerprint) else {
                continue;
            };
            self.schedule(fingerprint, expiry);
            if self.place(expiry) == (stop.level, stop.slot) && is_wanted(fingerprint) {
                looked += 1;
                best = best.into_iter().chain([(expiry, fingerprint)]).min_by_key(|found| found.0);
            }
        }
        self.put_back(stop, unseen);
        best.map(|(_, fingerprint)| fingerprint)
    }

    /// Puts the rest of a taken list back behind what its slot holds now.
    fn put_back(&mut self, stop: Stop, list: u32) {
        if list == NIL {
            return;
        }
        let heads = self.heads.as_mut().expect("a slot was taken");
        let head = &mut heads[stop.level][stop.slot];
        if *head == NIL {
            *head = list;
        } else {
            let follows = |item: &u32| Some(self.items.get(*item).next).filter(|next| *next != NIL);
            let tail = std::iter::successors(Some(*head), follows).last();
            self.items.set_next(tail.expect("a slot with a head has a last item"), list);
        }
        self.occupied[stop.level] |= 1 << stop.slot;
    }

    /// Takes the list of a slot out.
    fn take_slot(&mut self, stop: Stop) -> u32 {
        self.occupied[stop.level] &= !(1 << stop.slot);
        let heads = self.heads.as_mut().expect("a wheel that stops has slots");
        std::mem::replace(&mut heads[stop.level][stop.slot], NIL)
    }

    fn pop_pending(&mut self) -> Option<Fingerprint> {
        let index = (self.pending != NIL).then_some(self.pending)?;
        let Item { fingerprint, next } = self.items.get(index);
        self.pending = next;
        self.items.prefetch(next);
        self.items.remove(index);
        Some(fingerprint)
    }

    /// The first occupied slot. Within a level all lie ahead of the present digit, and every slot of a
    /// level comes before any of a higher one.
    fn next_stop(&self) -> Option<Stop> {
        self.next_stop_but(&[0; LEVELS])
    }

    /// The first occupied slot of those that are not passed over.
    fn next_stop_but(&self, passed_over: &[u64; LEVELS]) -> Option<Stop> {
        let slots = |level: usize| self.occupied[level] & !passed_over[level];
        let level = (0..LEVELS).find(|level| slots(*level) != 0)?;
        let slot = slots(level).trailing_zeros() as usize;
        let shift = level * SLOT_BITS;
        let block = self.now >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
        Some(Stop { level, slot, tick: block + ((slot as u64) << shift) })
    }

    /// When [`pop_due`](Self::pop_due) may next return something; `u64::MAX` for never.
    pub(crate) fn next_due_ms(&self) -> u64 {
        if self.pending != NIL {
            return 0;
        }
        let time = |tick: u64| tick.saturating_sub(u64::from(self.phase)) * TICK_MS;
        self.next_stop().map_or(u64::MAX, |stop| time(stop.tick))
    }

    /// Whether it pays to rebuild: many items are of keys that have gone, or much memory is unused.
    pub(crate) fn is_untidy(&self, volatile_keys: usize) -> bool {
        let capacity = self.items.capacity();
        self.len() > 2 * volatile_keys + CLUTTER_FREE
            || capacity > CLUTTER_FREE && self.len() < capacity / SHRINK_BELOW
    }

    /// Whether the clock has stepped back since the wheel last turned: it must be rebuilt, or it would
    /// hold new keys until the clock is where it was. Small steps are let pass, because a caller's time
    /// may be a little older than the wheel's.
    pub(crate) fn is_ahead_of(&self, now: UnixMillis) -> bool {
        self.now > self.tick(now) + STEP_BACK_TICKS
    }

    /// Turns to `now` and files every key anew, once, and those that are gone not at all. Costs about
    /// as much as filing every item, whatever the table holds besides.
    pub(crate) fn rebuild(
        &mut self,
        now: UnixMillis,
        expiry_of: impl Fn(Fingerprint) -> Option<UnixMillis>,
    ) {
        let mut keys = self.fingerprints();
        keys.sort_unstable();
        keys.dedup();
        // A tick back, so that what is due already comes up now.
        self.now = self.tick(now).saturating_sub(1);
        self.occupied = [0; LEVELS];
        if let Some(heads) = &mut self.heads {
            **heads = EMPTY_HEADS;
        }
        self.items.clear();
        self.pending = NIL;
        for fingerprint in keys {
            if let Some(expiry) = expiry_of(fingerprint) {
                self.schedule(fingerprint, expiry);
            }
        }
    }

    /// Bytes that [`rebuild`](Self::rebuild) and then [`shrink`](Self::shrink) take at most while what was before is
    /// there still.
    pub(crate) fn bytes_to_rebuild(&self) -> u64 {
        let list = allocated_bytes(self.len() * size_of::<Fingerprint>());
        list.max(self.items.bytes_to_shrink()) as u64
    }

    /// Gives back memory that has not been used since [`rebuild`](Self::rebuild).
    pub(crate) fn shrink(&mut self) {
        self.items.shrink();
    }

    /// Whether it holds memory that an empty wheel does not.
    pub(crate) fn is_allocated(&self) -> bool {
        self.heads.is_some()
    }

    /// Of every item.
    fn fingerprints(&self) -> Vec<Fingerprint> {
        let mut found = Vec::with_capacity(self.len());
        let heads = self.heads.iter().flat_map(|levels| levels.iter().flatten());
        for head in heads.chain([&self.pending]) {
            let mut index = *head;
            while index != NIL {
                let Item { fingerprint, next } = self.items.get(index);
                found.push(fingerprint);
                index = next;
            }
        }
        found
    }

    /// Heap bytes, as the allocator rounds them.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let heads = if self.heads.is_some() { HEADS_BYTES } else { 0 };
        (heads + self.items.heap_bytes()) as u64
    }

    /// Bytes to have in hand before `additional` calls of [`schedule`](Self::schedule): for the first of them, or
    /// for [`reserve`](Self::reserve) of them all.
    pub(crate) fn bytes_to_grow(&self, additional: usize) -> u64 {
        let heads = if self.heads.is_none() && additional > 0 { HEADS_BYTES } else { 0 };
        (heads + self.items.bytes_to_grow(additional)) as u64
    }
}

/// The tick that is going on at a time, for a wheel without phase.
fn tick(at: UnixMillis) -> u64 {
    at.get().min(EXPIRY_MAX_MS) / TICK_MS
}

/// Digit `level` of a tick.
fn digit(tick: u64, level: usize) -> usize {
    let digit = (tick >> (level * SLOT_BITS)) & (SLOTS as u64 - 1);
    usize::try_from(digit).expect("a digit is below 64")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Pops everything due at `now`, filing again what is not, like the engine does.
    fn expire(wheel: &mut Wheel, keys: &mut BTreeMap<u32, u64>, now: u64) -> Vec<u32> {
        if wheel.is_ahead_of(UnixMillis::new(now)) {
            rebuild(wheel, keys, now);
        }
        let mut expired = Vec::new();
        while let Some(fingerprint) = wheel.pop_due(UnixMillis::new(now)) {
            match keys.get(&fingerprint.0) {
                Some(expiry) if *expiry <= now => {
                    keys.remove(&fingerprint.0);
                    expired.push(fingerprint.0);
                }
                Some(expiry) => wheel.schedule(fingerprint, UnixMillis::new(*expiry)),
                None => {}
            }
        }
        expired
    }

    fn rebuild(wheel: &mut Wheel, keys: &BTreeMap<u32, u64>, now: u64) {
        let expiry_of = |key: Fingerprint| keys.get(&key.0).copied().map(UnixMillis::new);
        wheel.rebuild(UnixMillis::new(now), expiry_of);
    }

    fn soonest(wheel: &mut Wheel, keys: &BTreeMap<u32, u64>) -> Option<u32> {
        let found = wheel.soonest(|key| keys.get(&key.0).copied().map(UnixMillis::new), |_| true);
        found.map(|fingerprint| fingerprint.0)
    }

    #[test]
    fn a_key_comes_up_within_one_tick_at_every_distance() {
        for shift in 0..44 {
            for offset in [0, 1, 15, 16, 17] {
                let start = 1_700_000_000_123;
                let mut wheel = Wheel::new(UnixMillis::new(start), shift);
                let expiry = start + (1 << shift) + offset;
                let mut keys = BTreeMap::from([(7, expiry)]);
                wheel.schedule(Fingerprint(7), UnixMillis::new(expiry));
                assert_eq!(expire(&mut wheel, &mut keys, expiry - 1), [], "early at {expiry}");
                let late = expiry + 2 * TICK_MS;
                assert_eq!(expire(&mut wheel, &mut keys, late), [7], "missed at {expiry}");
                assert_eq!(wheel.next_due_ms(), u64::MAX);
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set { key: u32, ttl: u64 },
        Remove { key: u32 },
        Advance { by: u64 },
        Back { by: u64 },
        Soonest,
        Rebuild,
    }

    fn step() -> impl Strategy<Value = Step> {
        let span = (0_u32..40).prop_flat_map(|bits| 1_u64..=1 << bits);
        prop_oneof![
            6 => (0_u32..40, span.clone()).prop_map(|(key, ttl)| Step::Set { key, ttl }),
            1 => (0_u32..40).prop_map(|key| Step::Remove { key }),
            4 => span.clone().prop_map(|by| Step::Advance { by }),
            1 => (0_u64..100_000).prop_map(|by| Step::Back { by }),
            1 => Just(Step::Soonest),
            1 => Just(Step::Rebuild),
        ]
    }

    proptest! {
        #[test]
        fn nothing_comes_early_nothing_is_missed_and_clutter_is_bounded(
            steps in proptest::collection::vec(step(), 1..200),
            phase in prop_oneof![0..4_u32, any::<u32>()],
        ) {
            let mut now = 1_700_000_000_000;
            let mut went_back = false;
            let mut wheel = Wheel::new(UnixMillis::new(now), phase);
            let mut keys = BTreeMap::<u32, u64>::new();
            for step in steps {
                match step {
                    Step::Set { key, ttl } => {
                        let before = keys.insert(key, now + ttl);
                        // As the engine does: prolonging files nothing.
                        if before.is_none_or(|before| now + ttl < before) {
                            if wheel.is_ahead_of(UnixMillis::new(now)) {
                                rebuild(&mut wheel, &keys, now);
                            }
                            let most = wheel.heap_bytes() + wheel.bytes_to_grow(1);
                            wheel.schedule(Fingerprint(key), UnixMillis::new(now + ttl));
                            prop_assert!(wheel.heap_bytes() <= most);
                        }
                    }
                    Step::Remove { key } => { keys.remove(&key); }
                    Step::Advance { by } => now += by,
                    Step::Back { by } => {
                        now -= by;
                        went_back = true;
                    }
                    Step::Soonest => {
                        let found = soonest(&mut wheel, &keys);
                        prop_assert_eq!(found.is_some(), !keys.is_empty());
                    }
                    Step::Rebuild => rebuild(&mut wheel, &keys, now),
                }
                if wheel.is_untidy(keys.len()) {
                    rebuild(&mut wheel, &keys, now);
                }
                prop_assert!(wheel.len() <= 2 * keys.len() + CLUTTER_FREE);
                expire(&mut wheel, &mut keys, now);
                let late = TICK_MS * (2 + if went_back { STEP_BACK_TICKS } else { 0 });
                let overdue = keys.values().filter(|expiry| **expiry + late <= now).count();
                prop_assert_eq!(overdue, 0);
            }
            let last = keys.values().max().copied().unwrap_or(0).max(now);
            let late = TICK_MS * (2 + STEP_BACK_TICKS);
            expire(&mut wheel, &mut keys, last + late);
            prop_assert!(keys.is_empty());
        }
    }

    #[test]
    fn the_soonest_is_found_among_prolonged_and_removed_keys() {
        let start = 1_700_000_000_000;
        let mut wheel = Wheel::new(UnixMillis::new(start), 0);
        let mut keys = BTreeMap::new();
        for key in 0..50_u32 {
            let expiry = start + 1_000 + u64::from(key) * 100;
            keys.insert(key, expiry);
            wheel.schedule(Fingerprint(key), UnixMillis::new(expiry));
        }
        keys.remove(&0);
        keys.insert(1, start + 1_000_000);
        for expected in 2..50 {
            assert_eq!(soonest(&mut wheel, &keys), Some(expected));
            keys.remove(&expected);
        }
        assert_eq!(soonest(&mut wheel, &keys), Some(1));
    }
}
