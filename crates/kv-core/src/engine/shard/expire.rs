//! Removing keys whose time has come: when an operation meets one, and when the wheel brings it up.

use super::coming::Coming;
use super::{Context, Shard, Trash};
use crate::engine::lag::LagHistogram;
use crate::eviction::Fingerprint;
use crate::journal::{Change, DeleteCause, Journal};

impl Shard {
    /// Removes keys that are due, looking at no more than `items_max` of the wheel's items, and tells
    /// whether there may be more.
    pub(crate) fn expire_due<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        items_max: usize,
        lags: &mut LagHistogram,
        trash: &mut Trash<'_>,
    ) -> bool {
        if self.wheel.is_ahead_of(ctx.now) {
            self.rebuild_wheel(ctx.now);
        }
        self.wheel_turned = true;
        // Nothing is tidied meanwhile: the items that are on their way have places to go back to.
        self.held = true;
        let mut coming = Coming::default();
        let mut taken = 0;
        while taken < items_max
            && let Some(fingerprint) = self.wheel.pop_due(ctx.now)
        {
            taken += 1;
            self.table.prefetch_bucket(fingerprint);
            if let Some(soon) = coming.add(fingerprint) {
                self.table.prefetch(soon);
            }
            if coming.is_full()
                && let Some(fingerprint) = coming.take()
            {
                self.settle_item(ctx, fingerprint, lags, trash);
            }
        }
        for soon in coming.unseen() {
            self.table.prefetch(soon);
        }
        while let Some(fingerprint) = coming.take() {
            self.settle_item(ctx, fingerprint, lags, trash);
        }
        self.finish_changes(ctx);
        taken == items_max
    }

    /// Removes the due keys with this fingerprint, and files the one that is due next again.
    fn settle_item<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        fingerprint: Fingerprint,
        lags: &mut LagHistogram,
        trash: &mut Trash<'_>,
    ) {
        while let Some((slot, expiry)) = self.table.find_soonest(fingerprint) {
            if expiry > ctx.now {
                self.wheel.schedule(fingerprint, expiry);
                return;
            }
            lags.record(ctx.now.millis_since(expiry));
            self.expire_slot(ctx, slot, trash);
        }
    }

    /// Removes an expired key.
    ///
    /// A journal that takes no writes does not keep an expired key alive. Time itself proves that the key is
    /// gone: its expiry is in the put or touch that was journalled before, and replay drops it all the same.
    /// While that write is not safe, a crash would undo it, and so the expiry: readers of the key's absence
    /// wait for it as for a delete.
    pub(super) fn expire_slot<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: usize,
        trash: &mut Trash<'_>,
    ) {
        debug_assert!(self.table.entry(slot).is_expired(ctx.now), "KV-I6 works both ways");
        let version = self.next_version();
        let change = Change::Delete(DeleteCause::Expired);
        let logged = self.append(ctx, version, self.table.entry(slot).key(), change);
        if let Ok(lsn) = logged {
            self.note_write(ctx, version, lsn, true);
        } else {
            let expired = self.table.entry(slot).version();
            let rests_on = self.exposed(ctx, Some(expired));
            self.unsynced.record_absence(rests_on);
        }
        self.discard(ctx, slot, trash);
        self.counters.expired_keys += 1;
    }
}
