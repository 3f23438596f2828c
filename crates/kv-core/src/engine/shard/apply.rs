//! Making changes: the only code that touches a shard's table, wheel, policy and accounts together.
//!
//! Each `apply_*` function here makes one complete change. The bytes it may need were ensured before:
//! [`Shard::growth`] says what a change needs, [`Shard::bytes_to_grow`] how many bytes that is.

use super::evict::ShardResidents;
use super::growth::{Growth, form_of, must_schedule};
use super::{Context, Protected, Shard, Trash};
use crate::engine::entry::{Entry, EntryRef};
use crate::engine::stored::Stored;
use crate::engine::table::Table;
use crate::engine::wheel::Wheel;
use crate::eviction::{EvictionPolicy, Fingerprint};
use crate::journal::{Change, Effect, Journal};
use crate::types::{UnixMillis, Version};

/// What a shard held before it was cleared, to be dropped without its lock.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) table: Table,
    _wheel: Wheel,
    /// Still reserved, to be released once this is dropped.
    pub(crate) bytes: u64,
}

impl Shard {
    /// Makes a journalled change, whatever the key looks like; for which enough bytes were ensured. The value of a
    /// put is kept as its compressed form, if there is one.
    ///
    /// A key that is further on already stays as it is: a snapshot may hold a later state than the log
    /// that is replayed over it has reached.
    pub(crate) fn apply<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        fingerprint: Fingerprint,
        (effect, compressed): (&Effect<'_>, Option<&[u8]>),
        trash: &mut Trash<'_>,
    ) {
        let slot = self.find(fingerprint, effect.key);
        if slot.is_some_and(|slot| self.table.entry(slot).version() > effect.version) {
            return;
        }
        match (effect.change, slot) {
            (Change::Put { value, expiry }, slot) => {
                let value = Stored::of(value, compressed);
                let mut entry = Entry::keeping(effect.key, value, expiry);
                entry.set_version(effect.version);
                self.apply_put(ctx, slot, (fingerprint, entry), trash);
            }
            (Change::Touch { expiry }, Some(slot)) => {
                self.apply_touch(ctx, slot, expiry, effect.version);
            }
            (Change::Delete(_), Some(slot)) => self.discard(ctx, slot, trash),
            (Change::Touch { .. } | Change::Delete(_) | Change::Clear, _) => {}
        }
    }

    /// Makes a journalled change, past the memory limit if need be.
    pub(crate) fn replay<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        fingerprint: Fingerprint,
        (effect, compressed): (&Effect<'_>, Option<&[u8]>),
        trash: &mut Trash<'_>,
    ) {
        if self.memory.is_limited() {
            let slot = self.find(fingerprint, effect.key);
            let form = form_of(&effect.change, compressed);
            let growth = self.growth(slot, (effect.key, form), &effect.change, effect.version);
            self.force_room(ctx, growth);
        }
        self.apply(ctx, fingerprint, (effect, compressed), trash);
    }

    /// Grows the table for `additional` keys at once, past the memory limit if need be.
    pub(crate) fn reserve_slots<J: Journal>(&mut self, ctx: &Context<'_, J>, additional: usize) {
        self.force_room(ctx, Growth { inserts: additional, ..Growth::default() });
        self.table.reserve(additional);
        self.finish_change(ctx);
    }

    /// Makes `entry` the state of its key, which is in `slot` or new; its version is set.
    pub(crate) fn apply_put<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: Option<usize>,
        (fingerprint, mut entry): (Fingerprint, Entry),
        trash: &mut Trash<'_>,
    ) {
        self.count_in(entry.borrow());
        let (expiry, bytes) = (entry.borrow().expiry(), entry.borrow().heap_bytes());
        let mut before = None;
        if let Some(slot) = slot {
            let bits = self.table.entry(slot).policy_bits();
            entry.set_policy_bits(self.policy.on_hit(fingerprint, bits));
            let old = self.table.replace(slot, entry);
            before = old.borrow().expiry();
            self.count_out(old.borrow());
            // The new value has taken the bytes of the old one: only what it does not need is left over.
            let left_over = old.borrow().heap_bytes().saturating_sub(bytes);
            self.throw_away(ctx, old, left_over, trash);
        } else {
            entry.set_policy_bits(self.policy.on_insert(fingerprint));
            self.table.insert(fingerprint, entry);
        }
        self.schedule(ctx.now, fingerprint, before, expiry);
        self.finish_change(ctx);
    }

    /// Gives the key in `slot` another value where the one before is, and tells whether that could be done; otherwise
    /// nothing is changed. Nothing is asked of the allocator, and a small block is in the processor's cache already,
    /// where the key was compared.
    pub(crate) fn apply_overwrite<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: usize,
        value: &[u8],
        (version, expiry): (Version, Option<UnixMillis>),
    ) -> bool {
        let before = self.table.entry(slot).expiry();
        if !self.table.change(slot, |entry| entry.overwrite(value, (version, expiry))) {
            return false;
        }
        // The value has the length that it had: nothing else that is counted has changed.
        self.volatile_keys =
            self.volatile_keys + usize::from(expiry.is_some()) - usize::from(before.is_some());
        self.touch_policy(slot);
        self.schedule(ctx.now, self.table.fingerprint(slot), before, expiry);
        self.finish_change(ctx);
        true
    }

    /// Gives the key in `slot` another expiry.
    pub(crate) fn apply_touch<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: usize,
        expiry: Option<UnixMillis>,
        version: Version,
    ) {
        let fingerprint = self.table.fingerprint(slot);
        let entry = self.table.entry(slot);
        let (before, bytes_before) = (entry.expiry(), entry.heap_bytes());
        let bytes = self.table.change(slot, |entry| {
            entry.set_expiry(expiry);
            entry.set_version(version);
            entry.borrow().heap_bytes()
        });
        self.entry_bytes = self.entry_bytes + bytes - bytes_before;
        self.volatile_keys =
            self.volatile_keys + usize::from(expiry.is_some()) - usize::from(before.is_some());
        self.schedule(ctx.now, fingerprint, before, expiry);
        self.finish_change(ctx);
    }

    /// Removes the key in `slot`. Another key may take the slot.
    pub(crate) fn discard<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: usize,
        trash: &mut Trash<'_>,
    ) {
        let entry = self.take_out(slot);
        let bytes = entry.borrow().heap_bytes();
        self.throw_away(ctx, entry, bytes, trash);
        self.finish_removal(ctx);
    }

    /// Removes the key in `slot`, whose value another key has. Another key may take the slot.
    pub(crate) fn discard_moved<J: Journal>(&mut self, ctx: &Context<'_, J>, slot: usize) {
        drop(self.take_out(slot));
        self.finish_removal(ctx);
    }

    /// Frees an entry that is no longer counted, or leaves that to the trash, with so many bytes of the account.
    fn throw_away<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        entry: Entry,
        bytes: u64,
        trash: &mut Trash<'_>,
    ) {
        if entry.borrow().is_shared() {
            trash.bytes += self.memory.detach(bytes, ctx.tracker);
        }
        trash.put(entry);
    }

    /// Takes a key out, and out of what is counted.
    fn take_out(&mut self, slot: usize) -> Entry {
        let fingerprint = self.table.fingerprint(slot);
        let entry = self.table.remove(slot);
        let mut residents = ShardResidents {
            shard: self.id,
            protected: Protected::NONE,
            table: &mut self.table,
            wheel: &mut self.wheel,
            random: &mut self.random,
            hits: self.lookups.hits,
        };
        self.policy.on_remove(fingerprint, entry.borrow().policy_bits(), &mut residents);
        self.count_out(entry.borrow());
        entry
    }

    /// Removes every key and starts over with a new policy.
    pub(crate) fn apply_clear<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        policy: Box<dyn EvictionPolicy>,
    ) -> Cleared {
        self.policy = policy;
        let table = self.table.take();
        let wheel = self.wheel.renew(ctx.now);
        self.wheel_turned = true;
        (self.entry_bytes, self.payload_bytes, self.volatile_keys) = (0, 0, 0);
        (self.compressed_keys, self.saved_bytes) = (0, 0);
        let left_over = self.memory.used().saturating_sub(self.footprint());
        let bytes = self.memory.detach(left_over, ctx.tracker);
        Cleared { table, _wheel: wheel, bytes }
    }

    /// Starts over with another policy, to which every key comes just now. Its memory is taken past the limit
    /// only when the policy before finds nothing to evict.
    pub(crate) fn change_policy<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        mut policy: Box<dyn EvictionPolicy>,
        trash: &mut Trash<'_>,
    ) {
        // Counted whole: the one before goes only when this one is there.
        let bytes = policy.heap_bytes() + policy.bytes_to_grow(self.table.len());
        let growth = Growth { entry_bytes: bytes as u64, ..Growth::default() };
        while self.ensure(ctx, growth).is_err()
            && self.evict_one(ctx, Protected::NONE, trash).is_ok_and(|evicted| evicted)
        {}
        self.force_room(ctx, growth);
        for slot in self.table.slots().collect::<Vec<_>>() {
            let bits = policy.on_insert(self.table.fingerprint(slot));
            self.table.set_policy_bits(slot, bits);
        }
        self.policy = policy;
        self.finish_change(ctx);
    }

    /// Gives back what the wheel holds for keys that have gone, when no key has an expiry.
    pub(crate) fn drop_idle_wheel<J: Journal>(&mut self, ctx: &Context<'_, J>) {
        if self.volatile_keys == 0 && self.wheel.is_allocated() {
            drop(self.wheel.renew(ctx.now));
            self.wheel_turned = true;
            self.finish_change(ctx);
        }
    }

    /// Tells the policy that a key was read, or overwritten.
    #[inline]
    pub(crate) fn touch_policy(&mut self, slot: usize) {
        let fingerprint = self.table.fingerprint(slot);
        let bits = self.table.entry(slot).policy_bits();
        let after = self.policy.on_hit(fingerprint, bits);
        if after != bits {
            self.table.set_policy_bits(slot, after);
        }
    }

    /// Begins several changes that were ensured together: grows what has to grow at once, and keeps the
    /// credit until [`finish_changes`](Self::finish_changes).
    pub(crate) fn begin_changes(&mut self, growth: Growth) {
        self.table.reserve(growth.inserts);
        self.wheel.reserve(growth.schedules);
        self.held = true;
    }

    /// Ends what [`begin_changes`](Self::begin_changes) began.
    pub(crate) fn finish_changes<J: Journal>(&mut self, ctx: &Context<'_, J>) {
        self.held = false;
        self.finish_removal(ctx);
    }

    /// Closes a change after which nobody knows a slot: the table may shrink, if there is memory to copy it.
    fn finish_removal<J: Journal>(&mut self, ctx: &Context<'_, J>) {
        self.finish_change(ctx);
        if !self.held && self.table.is_sparse() && self.has_room_for(ctx, self.table.shrunk_bytes())
        {
            self.table.shrink();
            self.finish_change(ctx);
        }
    }

    /// Whether so many bytes can be used for a copy that takes the place of what is larger.
    fn has_room_for<J: Journal>(&mut self, ctx: &Context<'_, J>, bytes: u64) -> bool {
        self.memory.ensure(bytes, ctx.tracker).is_ok()
    }

    fn count_in(&mut self, entry: EntryRef<'_>) {
        self.entry_bytes += entry.heap_bytes();
        self.payload_bytes += entry.payload_bytes();
        if let Some(saved_bytes) = entry.saved_bytes() {
            self.compressed_keys += 1;
            self.saved_bytes += saved_bytes;
        }
        self.volatile_keys += usize::from(entry.expiry().is_some());
    }

    fn count_out(&mut self, entry: EntryRef<'_>) {
        self.entry_bytes -= entry.heap_bytes();
        self.payload_bytes -= entry.payload_bytes();
        if let Some(saved_bytes) = entry.saved_bytes() {
            self.compressed_keys -= 1;
            self.saved_bytes -= saved_bytes;
        }
        self.volatile_keys -= usize::from(entry.expiry().is_some());
    }

    fn schedule(
        &mut self,
        now: UnixMillis,
        fingerprint: Fingerprint,
        before: Option<UnixMillis>,
        expiry: Option<UnixMillis>,
    ) {
        if let Some(expiry) = expiry.filter(|_| must_schedule(before, expiry)) {
            if self.wheel.is_ahead_of(now) {
                self.rebuild_wheel(now);
            }
            self.wheel.schedule(fingerprint, expiry);
            self.wheel_turned = true;
        }
    }

    /// Closes every change: tidies the wheel and brings the account up to date.
    pub(super) fn finish_change<J: Journal>(&mut self, ctx: &Context<'_, J>) {
        if self.held {
            return;
        }
        self.settle(ctx);
        if self.wheel.is_untidy(self.volatile_keys)
            && self.has_room_for(ctx, self.wheel.bytes_to_rebuild())
        {
            self.rebuild_wheel(ctx.now);
            self.wheel.shrink();
            self.settle(ctx);
        }
    }

    fn settle<J: Journal>(&mut self, ctx: &Context<'_, J>) {
        let footprint = self.footprint();
        self.memory.settle(footprint, ctx.tracker);
    }

    pub(super) fn rebuild_wheel(&mut self, now: UnixMillis) {
        let table = &self.table;
        self.wheel.rebuild(now, |key| table.find_soonest(key).map(|(_, expiry)| expiry));
        self.wheel_turned = true;
    }
}
