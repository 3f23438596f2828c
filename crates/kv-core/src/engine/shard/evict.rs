//! Making room in one shard: the policy names a victim, and the shard removes it.

use super::{Context, Shard, Trash};
use crate::engine::hasher::Location;
use crate::engine::table::Table;
use crate::engine::wheel::Wheel;
use crate::eviction::{Candidate, Fingerprint, PolicyBits, Residents};
use crate::journal::{Change, DeleteCause, Journal, JournalError};

/// How often the policy is asked for another victim when it names a protected key.
const CHOICES_MAX: usize = 16;

/// Keys that must not be evicted: those of the operation that room is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protected<'a> {
    /// Sorted by shard and fingerprint.
    pub(crate) keys: &'a [Location],
}

impl Protected<'static> {
    /// None: no operation is under way that needs a key.
    pub(crate) const NONE: Self = Self { keys: &[] };
}

impl Protected<'_> {
    fn covers(self, shard: u32, fingerprint: Fingerprint) -> bool {
        self.keys.binary_search(&Location { shard: shard as usize, fingerprint }).is_ok()
    }
}

impl Shard {
    /// Counts a turn of making room in this shard.
    pub(crate) fn count_eviction_cycle(&mut self) {
        self.counters.eviction_cycles += 1;
    }

    /// Evicts one key that is not protected, and tells whether there was one.
    pub(crate) fn evict_one<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        protected: Protected<'_>,
        trash: &mut Trash<'_>,
    ) -> Result<bool, JournalError> {
        let Some(slot) = self.choose_victim(protected) else {
            // While it looked, the policy may have let go of memory.
            self.finish_change(ctx);
            return Ok(false);
        };
        let used_before = self.memory.used();
        if self.table.entry(slot).is_expired(ctx.now) {
            self.expire_slot(ctx, slot, trash);
        } else {
            let version = self.next_version();
            let change = Change::Delete(DeleteCause::Evicted);
            let lsn = self.append(ctx, version, self.table.entry(slot).key(), change)?;
            self.note_write(ctx, version, lsn, true);
            self.discard(ctx, slot, trash);
            self.counters.evicted_keys += 1;
            self.counters.evicted_bytes += used_before.saturating_sub(self.memory.used());
        }
        Ok(true)
    }

    fn choose_victim(&mut self, protected: Protected<'_>) -> Option<usize> {
        for _ in 0..CHOICES_MAX {
            let (fingerprint, slot) = self.ask_policy(protected)?;
            if !protected.covers(self.id, fingerprint) {
                return Some(slot);
            }
            // In use, by the very operation that needs room.
            self.touch_policy(slot);
        }
        None
    }

    fn ask_policy(&mut self, protected: Protected<'_>) -> Option<(Fingerprint, usize)> {
        let mut residents = ShardResidents {
            shard: self.id,
            protected,
            table: &mut self.table,
            wheel: &mut self.wheel,
            random: &mut self.random,
            hits: self.lookups.hits,
        };
        let fingerprint = self.policy.victim(&mut residents)?;
        self.wheel_turned = true;
        // Of keys that share a fingerprint, one with an expiry first: the ttl policy means no other.
        let soonest = self.table.find_soonest(fingerprint).map(|(slot, _)| slot);
        let slot = soonest.or_else(|| self.table.find_where(fingerprint, |_| true))?;
        Some((fingerprint, slot))
    }
}

/// A shard's keys as its policy sees them.
#[derive(Debug)]
pub(super) struct ShardResidents<'a> {
    pub(super) shard: u32,
    pub(super) protected: Protected<'a>,
    pub(super) table: &'a mut Table,
    pub(super) wheel: &'a mut Wheel,
    pub(super) random: &'a mut fastrand::Rng,
    pub(super) hits: u64,
}

impl ShardResidents<'_> {
    fn candidate(&self, slot: usize) -> Candidate {
        let entry = self.table.entry(slot);
        Candidate {
            fingerprint: self.table.fingerprint(slot),
            bits: entry.policy_bits(),
            expiry: entry.expiry(),
        }
    }
}

impl Residents for ShardResidents<'_> {
    fn len(&self) -> usize {
        self.table.len()
    }

    fn sample(&mut self) -> Option<Candidate> {
        self.table.draw(self.random).map(|slot| self.candidate(slot))
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<Candidate> {
        self.table.find_where(fingerprint, |_| true).map(|slot| self.candidate(slot))
    }

    fn set_bits(&mut self, fingerprint: Fingerprint, bits: PolicyBits) {
        if let Some(slot) = self.table.find_where(fingerprint, |_| true) {
            self.table.set_policy_bits(slot, bits);
        }
    }

    fn hits(&self) -> u64 {
        self.hits
    }

    fn soonest_expiry(&mut self) -> Option<Candidate> {
        let table = &*self.table;
        let expiry_of = |fingerprint| table.find_soonest(fingerprint).map(|(_, expiry)| expiry);
        // Asked again, the wheel would name the same key again: there is only one that expires soonest.
        let is_wanted = |fingerprint| !self.protected.covers(self.shard, fingerprint);
        let fingerprint = self.wheel.soonest(expiry_of, is_wanted)?;
        let slot = self.table.find_where(fingerprint, |entry| entry.expiry().is_some())?;
        Some(self.candidate(slot))
    }
}
