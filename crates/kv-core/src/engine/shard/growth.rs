//! What changes need, and making sure that there is so much before they are made.

use super::{Context, Shard};
use crate::engine::entry::{Entry, EntryRef};
use crate::engine::halt::{Halt, Shortage};
use crate::engine::stored::{Form, Stored};
use crate::journal::{Change, Journal};
use crate::types::{UnixMillis, Version};

/// What changes need that they may not get.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Growth {
    /// By how much the entries grow.
    pub(crate) entry_bytes: u64,
    /// What the entries that are replaced take already.
    pub(crate) kept_bytes: u64,
    /// Keys that are new.
    pub(crate) inserts: usize,
    /// Items that the wheel takes.
    pub(crate) schedules: usize,
}

impl std::ops::AddAssign for Growth {
    fn add_assign(&mut self, more: Self) {
        self.entry_bytes += more.entry_bytes;
        self.kept_bytes += more.kept_bytes;
        self.inserts += more.inserts;
        self.schedules += more.schedules;
    }
}

/// How the value of a change will be kept.
pub(crate) fn form_of(change: &Change<'_>, compressed: Option<&[u8]>) -> Form {
    match change {
        Change::Put { value, .. } => Stored::of(value, compressed).form(),
        Change::Touch { .. } | Change::Delete(_) | Change::Clear => Form::NONE,
    }
}

impl Shard {
    /// What a change will need that takes the key in `slot`, or a new one, to `version`, and keeps the value of a put
    /// in this form. Deleting and clearing need nothing.
    pub(crate) fn growth(
        &self,
        slot: Option<usize>,
        (key, form): (&[u8], Form),
        change: &Change<'_>,
        version: Version,
    ) -> Growth {
        let old = slot.map(|slot| self.table.entry(slot));
        let (entry_bytes, expiry) = match (change, old) {
            (Change::Put { expiry, .. }, _) => {
                (Entry::heap_bytes_of((key.len(), form), version, *expiry), *expiry)
            }
            (Change::Touch { expiry }, Some(old)) => {
                (old.heap_bytes_with(version, *expiry), *expiry)
            }
            _ => return Growth::default(),
        };
        Growth {
            entry_bytes: entry_bytes.saturating_sub(old.map_or(0, EntryRef::heap_bytes)),
            kept_bytes: old.map_or(0, EntryRef::heap_bytes),
            inserts: usize::from(old.is_none()),
            schedules: usize::from(must_schedule(old.and_then(EntryRef::expiry), expiry)),
        }
    }

    /// Bytes to ensure before changes that grow so much in all.
    ///
    /// What is copied to grow is counted whole: meanwhile, old and new exist together.
    pub(crate) fn bytes_to_grow(&self, growth: Growth) -> u64 {
        let table = self.table.bytes_to_grow(growth.inserts);
        let wheel = self.wheel.bytes_to_grow(growth.schedules);
        let policy = self.policy.bytes_to_grow(growth.inserts) as u64;
        growth.entry_bytes + table + wheel + policy
    }

    /// Makes sure the next changes can grow so much.
    pub(crate) fn ensure<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        growth: Growth,
    ) -> Result<(), Halt> {
        if !self.memory.is_limited() {
            return Ok(());
        }
        let bytes = self.bytes_to_grow(growth);
        let total = bytes + growth.kept_bytes;
        self.memory
            .ensure(bytes, ctx.tracker)
            .map_err(|missing| Halt::NeedsRoom(Shortage { missing, total }))
    }

    /// Takes the room for changes even past the limit.
    pub(crate) fn force_room<J: Journal>(&mut self, ctx: &Context<'_, J>, growth: Growth) {
        if let Err(Halt::NeedsRoom(Shortage { missing, .. })) = self.ensure(ctx, growth) {
            ctx.tracker.force_reserve(missing);
            self.memory.deposit(missing);
        }
    }
}

/// Whether a change of expiry needs an item in the wheel: a key that is there already under an earlier
/// or equal expiry keeps its item, which is filed anew when it comes up.
pub(super) fn must_schedule(before: Option<UnixMillis>, after: Option<UnixMillis>) -> bool {
    match (before, after) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => after < before,
    }
}
