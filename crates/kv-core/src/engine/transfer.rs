//! Transfers: what one key holds goes to another, under the locks of both, as one record.

use super::cell::ShardGuard;
use super::entry::Entry;
use super::halt::{Halt, Shortage};
use super::hasher::Location;
use super::shard::{Context, Protected, Shard, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::journal::{Change, DeleteCause, Effect, Journal, Record};
use crate::types::{Lsn, Transfer, TransferOutcome, TransferReply, Version};

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    pub(super) fn run_transfer(
        &self,
        transfer: &Transfer<'_>,
    ) -> Result<TransferReply, StoreError> {
        let (from, to) = (self.locate(transfer.from), self.locate(transfer.to));
        for key in [transfer.from, transfer.to] {
            self.config.limits.check_key(key)?;
        }
        let mut keys = [from, to];
        keys.sort_unstable();
        let mut shards = keys.map(|key| key.shard).to_vec();
        shards.dedup();
        let ctx = self.context();
        self.with_room_across(
            &ctx,
            &shards,
            Protected { keys: &keys },
            |guards, reserved, trash| {
                Pair { ctx: &ctx, transfer, from, to, guards }.run(reserved, trash)
            },
        )
    }
}

/// The two keys of a transfer, and their shards, which are locked.
struct Pair<'a, 'g, J> {
    ctx: &'a Context<'a, J>,
    transfer: &'a Transfer<'a>,
    from: Location,
    to: Location,
    /// Ascending; one where both keys are in one shard.
    guards: &'a mut [ShardGuard<'g>],
}

impl<J: Journal> Pair<'_, '_, J> {
    fn run(&mut self, reserved: &mut u64, trash: &mut Trash<'_>) -> Result<TransferReply, Halt> {
        let (source, destination) = self.find(trash);
        let outcome = match (source, destination) {
            (None, _) => TransferOutcome::SourceAbsent,
            (Some(_), Some(_)) if !self.transfer.replace => TransferOutcome::DestinationExists,
            (Some(_), _) if self.transfer.from == self.transfer.to => TransferOutcome::Done,
            (Some(source), _) => return self.make(source, destination, reserved, trash),
        };
        Ok(self.leave(outcome, source, destination))
    }

    /// The slots of both keys. Expired keys are removed first, because removing a key may move others.
    fn find(&mut self, trash: &mut Trash<'_>) -> (Option<usize>, Option<usize>) {
        let (ctx, Transfer { from: source, to: destination, .. }) = (self.ctx, *self.transfer);
        let (from, to) = (self.from.fingerprint, self.to.fingerprint);
        self.source().find_live(ctx, from, source, trash);
        self.destination().find_live(ctx, to, destination, trash);
        (self.source().find(from, source), self.destination().find(to, destination))
    }

    /// Answers without a change.
    fn leave(
        &mut self,
        outcome: TransferOutcome,
        source: Option<usize>,
        destination: Option<usize>,
    ) -> TransferReply {
        let ctx = self.ctx;
        let exposed = |shard: &mut Shard, slot: Option<usize>| {
            let version = slot.map(|slot| shard.view(slot).version);
            (version.unwrap_or(Version::NONE), shard.exposed(ctx, version))
        };
        let (_, source_lsn) = exposed(self.source(), source);
        let (version, lsn) = exposed(self.destination(), destination);
        TransferReply { outcome, version, lsn: lsn.max(source_lsn) }
    }

    fn make(
        &mut self,
        source: usize,
        destination: Option<usize>,
        reserved: &mut u64,
        trash: &mut Trash<'_>,
    ) -> Result<TransferReply, Halt> {
        let (ctx, transfer) = (self.ctx, self.transfer);
        let old = self.source().entry(source);
        let mut entry = Entry::keeping(transfer.to, old.stored(), old.expiry());
        let moved = self.bytes_moved(source);
        self.ensure_room(&entry, destination, moved, reserved)?;
        let (version, lsn) = self.log(&entry)?;
        entry.set_version(version);

        let fingerprint = self.to.fingerprint;
        let shard = self.destination();
        shard.count_write();
        shard.memory_mut().deposit(moved);
        shard.apply_put(ctx, destination, (fingerprint, entry), trash);
        // The put may have moved it.
        let source = self.from.fingerprint;
        let source = self.source().find(source, transfer.from);
        let source = source.expect("both keys are in shards that are locked");
        if transfer.keep_source {
            self.source().touch_policy(source);
        } else {
            let shard = self.source();
            shard.memory_mut().withdraw(moved);
            shard.discard_moved(ctx, source);
        }
        Ok(TransferReply { outcome: TransferOutcome::Done, version, lsn })
    }

    /// Bytes of the value that are used by the one key instead of the other, not allocated anew. While only
    /// one of the shards has come to know of a limit, none.
    fn bytes_moved(&mut self, source: usize) -> u64 {
        if self.transfer.keep_source || !self.guards.iter().all(|shard| shard.is_limited()) {
            return 0;
        }
        self.source().entry(source).shared_value_bytes()
    }

    /// Makes sure the destination's shard can take the entry; draws on what has been reserved for it.
    fn ensure_room(
        &mut self,
        entry: &Entry,
        destination: Option<usize>,
        moved: u64,
        reserved: &mut u64,
    ) -> Result<(), Halt> {
        let ctx = self.ctx;
        let shard = self.destination();
        let entry = entry.borrow();
        // How much the value takes is told by the form in which it is kept.
        let change = Change::Put { value: &[], expiry: entry.expiry() };
        let key = (entry.key(), entry.stored().form());
        let mut growth = shard.growth(destination, key, &change, shard.coming_version());
        growth.entry_bytes = growth.entry_bytes.saturating_sub(moved);
        match shard.ensure(ctx, growth) {
            Ok(()) => Ok(()),
            Err(Halt::NeedsRoom(Shortage { missing, .. })) if missing <= *reserved => {
                *reserved -= missing;
                shard.memory_mut().deposit(missing);
                Ok(())
            }
            halted => halted,
        }
    }

    /// Takes versions and writes what happens to both keys to the journal, as one record. When this returns,
    /// it must happen.
    fn log(&mut self, entry: &Entry) -> Result<(Version, Lsn), StoreError> {
        let (ctx, transfer) = (self.ctx, self.transfer);
        let shard_of = |location: Location| {
            u32::try_from(location.shard).expect("shards are at most SHARDS_MAX")
        };
        let entry = entry.borrow();
        let value = entry.stored().text();
        let change = Change::Put { value: &value, expiry: entry.expiry() };
        let version = self.destination().next_version();
        let put = Effect { shard: shard_of(self.to), version, key: transfer.to, change };
        if transfer.keep_source {
            let lsn = ctx.journal.append(&Record { group: 0, effects: &[put] })?;
            self.destination().note_write(ctx, version, lsn, false);
            return Ok((version, lsn));
        }
        let change = Change::Delete(DeleteCause::Request);
        let removed = self.source().next_version();
        let shard = shard_of(self.from);
        let delete = Effect { shard, version: removed, key: transfer.from, change };
        let lsn = ctx.journal.append(&Record { group: 0, effects: &[put, delete] })?;
        self.destination().note_write(ctx, version, lsn, false);
        self.source().note_write(ctx, removed, lsn, true);
        Ok((version, lsn))
    }

    fn source(&mut self) -> &mut Shard {
        self.shard(self.from.shard > self.to.shard)
    }

    fn destination(&mut self) -> &mut Shard {
        self.shard(self.to.shard > self.from.shard)
    }

    fn shard(&mut self, higher: bool) -> &mut Shard {
        let guard = if higher { self.guards.last_mut() } else { self.guards.first_mut() };
        guard.expect("the shards of both keys are locked")
    }
}
