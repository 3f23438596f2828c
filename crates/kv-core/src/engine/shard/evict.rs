//! Making room in one shard: the policy names a victim, and the shard removes it.

use super::{Context, Shard, Trash};
use crate::engine::entry::Entry;
use crate::engine::table::Table;
use crate::engine::wheel::Wheel;
use crate::eviction::{Candidate, Fingerprint, PolicyBits, Residents};
use crate::journal::{Change, DeleteCause, Journal, JournalError};

impl Shard {
    /// Evicts one key and tells how many bytes that freed; `None` when the policy names none.
    pub(crate) fn evict_one<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        trash: &mut Trash,
    ) -> Result<Option<u64>, JournalError> {
        let Some(slot) = self.choose_victim() else {
            return Ok(None);
        };
        let used_before = self.memory.used();
        if self.table.entry(slot).is_expired(ctx.now) {
            self.expire_slot(ctx, slot, trash);
        } else {
            let version = self.next_version();
            let change = Change::Delete(DeleteCause::Evicted);
            self.append(ctx, version, self.table.entry(slot).key(), change)?;
            trash.put(self.apply_remove(ctx, slot));
            self.counters.evicted_keys += 1;
            self.counters.evicted_bytes += used_before.saturating_sub(self.memory.used());
        }
        Ok(Some(used_before.saturating_sub(self.memory.used())))
    }

    fn choose_victim(&mut self) -> Option<usize> {
        let mut residents = ShardResidents {
            table: &mut self.table,
            wheel: &mut self.wheel,
            random: &mut self.random,
        };
        let fingerprint = self.policy.victim(&mut residents)?;
        self.wheel_turned = true;
        self.table.find_where(fingerprint, |_| true)
    }
}

/// A shard's keys as its policy sees them.
#[derive(Debug)]
struct ShardResidents<'a> {
    table: &'a mut Table,
    wheel: &'a mut Wheel,
    random: &'a mut fastrand::Rng,
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
        let len = self.table.len();
        (len > 0).then(|| self.random.usize(0..len)).map(|slot| self.candidate(slot))
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<Candidate> {
        self.table.find_where(fingerprint, |_| true).map(|slot| self.candidate(slot))
    }

    fn set_bits(&mut self, fingerprint: Fingerprint, bits: PolicyBits) {
        if let Some(slot) = self.table.find_where(fingerprint, |_| true) {
            self.table.entry_mut(slot).set_policy_bits(bits);
        }
    }

    fn soonest_expiry(&mut self) -> Option<Candidate> {
        let table = &*self.table;
        let expiry_of = |fingerprint| table.find_soonest(fingerprint).map(|(_, expiry)| expiry);
        let fingerprint = self.wheel.soonest(expiry_of)?;
        let slot = self.table.find_where(fingerprint, |entry: &Entry| entry.expiry().is_some())?;
        Some(self.candidate(slot))
    }
}
