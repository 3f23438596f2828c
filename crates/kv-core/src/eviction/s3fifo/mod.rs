//! `s3fifo`: three FIFO queues that keep what is used more than once.
//!
//! New keys enter a small queue, a tenth of all, where most are evicted before they get in the way of
//! others; those used twice meanwhile move on to the main queue. That is walked in a circle: a key used
//! since the last time gets another turn, for up to three uses. A third queue, the [`Ghost`], remembers the keys that
//! the small one lost. A hit raises two bits in the entry, and moves nothing.
//!
//! Source: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.
//! What differs: keys that come back are tried first ([`Trial`]); the sizes of the queues follow from how many
//! keys there are, so that no capacity has to be known.

mod ghost;
mod trial;

use super::queues::{self, Queues};
use super::{Candidate, EvictionPolicy, Fingerprint, PolicyBits, Residents, change_bits};
use ghost::Ghost;
use trial::Trial;

const SMALL: usize = 0;
const MAIN: usize = 1;

/// The small queue is one key in so many.
const SMALL_PART: usize = 10;

/// Uses counted at most: two bits.
const USES_MAX: u32 = 3;

/// Uses in the small queue that earn a place in the main one.
const USES_PROMOTED: u32 = 2;

/// Keys looked at for one victim at most. Then the next one goes, used or not.
const VISITS_MAX: usize = 128;

/// Bits of a key's place: for 58 million keys in a shard. Those that come when there are more are in no queue, and go last.
const PLACE_BITS: u32 = 21;

type Place = queues::Place<PLACE_BITS>;

/// What each entry holds: uses, whether it is on trial, and its place.
#[derive(Debug, Clone, Copy)]
struct Mark(PolicyBits);

impl Mark {
    const USES_MASK: u32 = USES_MAX;
    const TRIAL_FLAG: u32 = 4;
    const PLACE_SHIFT: u32 = 3;

    fn new(uses: u32, on_trial: bool, place: Place) -> Self {
        let flag = if on_trial { Self::TRIAL_FLAG } else { 0 };
        Self(PolicyBits(place.number() << Self::PLACE_SHIFT | flag | uses))
    }

    fn uses(self) -> u32 {
        self.0.0 & Self::USES_MASK
    }

    fn is_on_trial(self) -> bool {
        self.0.0 & Self::TRIAL_FLAG != 0
    }

    fn place(self) -> Place {
        Place::from_number(self.0.0 >> Self::PLACE_SHIFT)
    }

    fn at(self, place: Place) -> Self {
        Self::new(self.uses(), self.is_on_trial(), place)
    }
}

const _: () = assert!(PLACE_BITS + Mark::PLACE_SHIFT <= PolicyBits::BITS);

/// The queues of one shard.
#[derive(Debug, Default)]
pub(super) struct S3Fifo {
    queues: Queues<2, PLACE_BITS>,
    ghost: Ghost,
    trial: Trial,
    /// Whether a key was ever evicted; before that there is nothing to remember.
    evicts: bool,
}

impl S3Fifo {
    fn small_is_over_its_part(&self) -> bool {
        let part = (self.queues.len() / SMALL_PART).max(1);
        self.queues.len_of(SMALL) >= part || self.queues.len_of(MAIN) == 0
    }

    /// Decides about the key that is first in the small queue: moves it on, or tells that it goes.
    fn judge_small(&mut self, found: Candidate, residents: &mut dyn Residents) -> bool {
        let mark = Mark(found.bits);
        if mark.uses() < USES_PROMOTED {
            self.ghost.remember(found.fingerprint);
            return true;
        }
        if mark.is_on_trial() {
            self.trial.record(true);
        }
        !self.move_to_main(SMALL, 0, residents)
    }

    /// Decides about the key that is first in the main queue: gives it another turn, or tells that it goes.
    fn judge_main(&mut self, found: Candidate, residents: &mut dyn Residents) -> bool {
        let mark = Mark(found.bits);
        if mark.is_on_trial() {
            self.trial.record(mark.uses() > 0);
        }
        mark.uses() == 0 || !self.move_to_main(MAIN, mark.uses() - 1, residents)
    }

    /// Moves the first key of a queue behind the main queue. Tells whether there was a place.
    fn move_to_main(&mut self, from: usize, uses: u32, residents: &mut dyn Residents) -> bool {
        let Some(key) = self.queues.pop(from) else {
            return false;
        };
        let place = self.queues.push(MAIN, key);
        residents.set_bits(key, Mark::new(uses, false, place).0);
        place != Place::NOWHERE
    }

    /// Looks at the key whose turn it is, and names it if it goes.
    fn visit(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        let queue = if self.small_is_over_its_part() { SMALL } else { MAIN };
        let key = self.queues.first(queue)?;
        let Some(found) = residents.find(key) else {
            // Of two keys with one fingerprint, the other has gone.
            self.queues.pop(queue);
            return None;
        };
        let goes = match queue {
            SMALL => self.judge_small(found, residents),
            _ => self.judge_main(found, residents),
        };
        goes.then_some(key)
    }

    /// Whatever is next, when all are in use; of keys that are in no queue, any.
    fn last_resort(&self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        let first = [MAIN, SMALL].into_iter().find_map(|queue| self.queues.first(queue));
        let found = first.and_then(|key| residents.find(key));
        found.or_else(|| residents.sample()).map(|found| found.fingerprint)
    }
}

impl EvictionPolicy for S3Fifo {
    fn on_insert(&mut self, fingerprint: Fingerprint) -> PolicyBits {
        self.queues.reserve();
        if self.evicts {
            self.ghost.reserve(self.queues.len() + 1);
        }
        let comes_back = self.ghost.recall(fingerprint);
        let (queue, uses) = if comes_back && self.trial.admits() {
            (MAIN, 0)
        } else {
            // One use that is known of counts.
            (SMALL, u32::from(comes_back))
        };
        Mark::new(uses, comes_back, self.queues.push(queue, fingerprint)).0
    }

    fn on_hit(&mut self, _fingerprint: Fingerprint, bits: PolicyBits) -> PolicyBits {
        if Mark(bits).uses() < USES_MAX { PolicyBits(bits.0 + 1) } else { bits }
    }

    fn on_remove(
        &mut self,
        fingerprint: Fingerprint,
        bits: PolicyBits,
        residents: &mut dyn Residents,
    ) {
        self.queues.remove(fingerprint, Mark(bits).place(), |key, place| {
            change_bits(residents, key, |bits| Mark(bits).at(place).0);
        });
        self.ghost.shrink(self.queues.len());
    }

    fn victim(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        self.evicts = true;
        let visits = VISITS_MAX.min(residents.len().saturating_mul(1 + USES_MAX as usize));
        (0..visits).find_map(|_| self.visit(residents)).or_else(|| self.last_resort(residents))
    }

    fn heap_bytes(&self) -> usize {
        self.queues.heap_bytes() + self.ghost.heap_bytes()
    }

    fn bytes_to_grow(&self, inserts: usize) -> usize {
        let keys = self.queues.len() + inserts;
        let ghost = if self.evicts { self.ghost.bytes_to_grow(keys) } else { 0 };
        self.queues.bytes_to_grow(inserts) + ghost
    }
}
