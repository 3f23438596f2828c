//! Running one operation: find, judge, make sure of room, write to the journal, change, answer.

use super::apply::Growth;
use super::{Context, Shard, Trash};
use crate::engine::entry::{Entry, EntryRef};
use crate::engine::evaluate::{Plan, evaluate};
use crate::engine::halt::{Halt, Shortage};
use crate::error::StoreError;
use crate::eviction::Fingerprint;
use crate::journal::{Change, DeleteCause, Journal};
use crate::types::{Action, Lsn, Op, Payload, Reply, SetExpiry, UnixMillis, Version};

/// The entry of a `Set`, copied before the lock is taken.
#[derive(Debug, Default)]
pub(crate) struct Prepared(Option<Entry>);

impl Prepared {
    /// Copies what a `Set` will store; does nothing for other actions.
    pub(crate) fn new(op: &Op<'_>, now: UnixMillis) -> Self {
        let Action::Set { value, expiry, .. } = op.action else {
            return Self(None);
        };
        let expiry = match expiry {
            SetExpiry::Deadline(deadline) => deadline.resolve(now).ok(),
            // What is kept is not known yet; `take` mends it when there is an expiry to keep.
            SetExpiry::Keep | SetExpiry::Never => None,
        };
        Self(Some(Entry::new(op.key, value, expiry)))
    }

    /// The entry prepared, or one made now.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Entry {
        let Some(mut entry) = self.0.take() else {
            return Entry::new(key, value, expiry);
        };
        entry.set_expiry(expiry);
        entry
    }
}

/// The state a change leaves a key in.
#[derive(Debug)]
struct Outcome {
    version: Version,
    expiry: Option<UnixMillis>,
    lsn: Lsn,
}

impl Shard {
    /// Executes one operation.
    pub(crate) fn execute<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        (op, fingerprint): (&Op<'_>, Fingerprint),
        prepared: &mut Prepared,
        trash: &mut Trash<'_>,
    ) -> Result<Reply, Halt> {
        let slot = self.find_live(ctx, fingerprint, op.key, trash);
        let verdict = evaluate(op, slot.map(|slot| self.view(slot)), ctx.now, &ctx.bounds())?;
        let used = slot.filter(|_| op.action.is_use() && !matches!(verdict.plan, Plan::Remove));
        let outcome = match verdict.plan {
            Plan::Keep => self.keep(ctx, slot),
            Plan::Put { value, expiry } => {
                let change = Change::Put { value: &value, expiry };
                let (version, lsn) = self.log(ctx, slot, op.key, change)?;
                let mut entry = prepared.take(op.key, &value, expiry);
                entry.set_version(version);
                self.apply_put(ctx, slot, (fingerprint, entry), trash);
                Outcome { version, expiry, lsn }
            }
            Plan::Touch { expiry } => {
                let (version, lsn) = self.log(ctx, slot, op.key, Change::Touch { expiry })?;
                self.apply_touch(ctx, existing(slot), expiry, version);
                Outcome { version, expiry, lsn }
            }
            Plan::Remove => {
                let change = Change::Delete(DeleteCause::Request);
                let (version, lsn) = self.log(ctx, slot, op.key, change)?;
                self.discard(ctx, existing(slot), trash);
                Outcome { version, expiry: None, lsn }
            }
        };
        if op.action.is_lookup() {
            self.count_reads(u64::from(slot.is_some()), u64::from(slot.is_none()));
        }
        if let Some(slot) = used {
            self.touch_policy(slot);
        }
        Ok(reply((verdict.applied, slot.is_some()), verdict.payload, &outcome, ctx.now))
    }

    /// Executes one operation; a small value that is only read is lent to `lend`, with a reply without payload,
    /// and `None` is returned.
    #[inline]
    pub(crate) fn execute_lending<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        (op, fingerprint): (&Op<'_>, Fingerprint),
        prepared: &mut Prepared,
        (trash, lend): (&mut Trash<'_>, impl FnOnce(Reply, &[u8])),
    ) -> Result<Option<Reply>, Halt> {
        if !op.is_plain_get() {
            return self.execute(ctx, (op, fingerprint), prepared, trash).map(Some);
        }
        Ok(self.read_lending(ctx.journal, || *ctx, (fingerprint, op.key), (trash, lend)))
    }

    /// Counts lookups.
    #[inline]
    pub(crate) fn count_reads(&mut self, hits: u64, misses: u64) {
        self.counters.hits += hits;
        self.counters.misses += misses;
    }

    /// Counts a write made.
    pub(crate) fn count_write(&mut self) {
        self.counters.writes += 1;
    }

    fn keep<J: Journal>(&mut self, ctx: &Context<'_, J>, slot: Option<usize>) -> Outcome {
        let entry = slot.map(|slot| self.table.entry(slot));
        let (version, expiry) = (entry.map(EntryRef::version), entry.and_then(EntryRef::expiry));
        let lsn = self.exposed(ctx, version);
        Outcome { version: version.unwrap_or_default(), expiry, lsn }
    }

    /// Readies a change: makes sure of room, takes a version and writes the effect to the journal.
    /// When this returns, the change must be made.
    fn log<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        slot: Option<usize>,
        key: &[u8],
        change: Change<'_>,
    ) -> Result<(Version, Lsn), Halt> {
        self.ensure(ctx, self.growth(slot, key, &change, self.coming_version()))?;
        let version = self.next_version();
        let lsn = self.append(ctx, version, key, change).map_err(StoreError::Journal)?;
        self.note_write(ctx, version, lsn, matches!(change, Change::Delete(_)));
        self.count_write();
        Ok((version, lsn))
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

fn existing(slot: Option<usize>) -> usize {
    slot.expect("only an existing key is planned to be touched or removed")
}

fn reply(
    (applied, existed): (bool, bool),
    payload: Payload,
    outcome: &Outcome,
    now: UnixMillis,
) -> Reply {
    let ttl_ms = outcome.expiry.map(|expiry| expiry.millis_since(now));
    Reply { applied, existed, version: outcome.version, ttl_ms, payload, lsn: outcome.lsn }
}
