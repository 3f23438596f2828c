//! Operations as one: judged and applied under the locks of every shard they touch, as one record.
//!
//! The engine's conditional batch. All locks are taken in shard order; every operation is evaluated
//! against the state the ones before it would leave; only when all of them can be made are room, one
//! journal record and the changes themselves taken care of.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cell::ShardGuard;
use super::evaluate::{Plan, View, decide, holds};
use super::halt::{Halt, Shortage};
use super::hasher::Location;
use super::shard::{Context, Growth, Protected, Shard, Trash, form_of};
use super::store::ShardedStore;
use super::stored::Stored;
use crate::clock::Clock;
use crate::compression::{is_candidate, with_compressed};
use crate::error::{BatchError, StoreError};
use crate::eviction::Fingerprint;
use crate::journal::{Change, DeleteCause, Effect, Journal, Record};
use crate::types::{Action, Lsn, Op, Reply, UnixMillis, Version};

/// A key of the batch and what has become of it so far.
struct Staged<'a> {
    /// Index into the locked shards.
    guard: usize,
    fingerprint: Fingerprint,
    key: &'a [u8],
    /// Where the key is in its shard, if it exists.
    slot: Option<usize>,
    state: State<'a>,
    /// The key's version, once something of it has changed.
    version: Option<Version>,
}

/// What the batch makes of a key.
enum State<'a> {
    /// As it is in the shard.
    Unchanged,
    /// The value in the shard with this expiry.
    Touched { expiry: Option<UnixMillis> },
    /// This value and expiry; kept as the compressed form of the value, if there is one.
    Put { value: Cow<'a, [u8]>, compressed: Option<&'a [u8]>, expiry: Option<UnixMillis> },
    /// Gone.
    Removed,
}

/// A batch that can be made.
struct Staging<'a> {
    keys: Vec<Staged<'a>>,
    /// For each operation, the index of its key.
    places: Vec<usize>,
    replies: Vec<Reply>,
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    pub(super) fn run_atomic(&self, ops: &[Op<'_>]) -> Result<Vec<Reply>, BatchError> {
        let limits = &self.config.limits;
        limits.check_batch(ops.len())?;
        for (index, op) in ops.iter().enumerate() {
            limits.check(op).map_err(|error| BatchError::Refused { index, error })?;
        }
        let locations: Vec<Location> = ops.iter().map(|op| self.locate(op.key)).collect();
        let mut shards: Vec<usize> = locations.iter().map(|location| location.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let mut sorted = locations.clone();
        sorted.sort_unstable();
        let compressed = self.compress_sets(ops);
        let ctx = self.context();
        let protected = Protected { keys: &sorted };
        self.with_room_across(&ctx, &shards, protected, |guards, reserved, trash| {
            let compressed = &compressed;
            let mut locked = Locked { ctx: &ctx, shards: &shards, guards, compressed };
            locked.run(ops, &locations, reserved, trash)
        })
    }
}

impl<J, C> ShardedStore<J, C> {
    /// The compressed forms of what operations set, where there are any; none at all where nothing is compressed.
    fn compress_sets(&self, ops: &[Op<'_>]) -> Vec<Option<Vec<u8>>> {
        let compress_min = self.compress_min.get();
        let is_any = |op: &Op<'_>| is_candidate(set_value(op).len(), compress_min);
        if !ops.iter().any(is_any) {
            return Vec::new();
        }
        let compress = |op: &Op<'_>| {
            with_compressed(set_value(op), compress_min, |form| form.map(<[u8]>::to_vec))
        };
        ops.iter().map(compress).collect()
    }
}

/// What an operation sets; nothing of another.
fn set_value<'a>(op: &Op<'a>) -> &'a [u8] {
    match op.action {
        Action::Set { value, .. } => value,
        _ => &[],
    }
}

/// The shards of a batch, all locked.
struct Locked<'a, 'g, J> {
    ctx: &'a Context<'a, J>,
    /// Their indices, ascending; `guards` is parallel.
    shards: &'a [usize],
    guards: &'a mut [ShardGuard<'g>],
    /// The compressed forms of what operations set, where there are any.
    compressed: &'a [Option<Vec<u8>>],
}

impl<'l, J: Journal> Locked<'l, '_, J> {
    fn run(
        &mut self,
        ops: &[Op<'_>],
        locations: &[Location],
        reserved: &mut u64,
        trash: &mut Trash<'_>,
    ) -> Result<Vec<Reply>, Halt<BatchError>> {
        let mut staging = self.stage(ops, locations, trash)?;
        let growths = self.ensure_room(&staging, reserved)?;
        let lsn = self.append(&staging).map_err(BatchError::Whole)?;
        self.count(ops, &staging);
        for reply in &mut staging.replies {
            // Marked by `stage`: the reply of an operation that changed something.
            if reply.lsn == Lsn::MAX {
                reply.lsn = lsn;
            }
        }
        let ctx = self.ctx;
        for (shard, growth) in self.guards.iter_mut().zip(growths) {
            shard.begin_changes(growth);
            let version = shard.last_version();
            shard.note_write(ctx, version, lsn, true);
        }
        // Removals last: they may shrink a table that the rest still needs.
        for removals in [false, true] {
            for staged in &staging.keys {
                if matches!(staged.state, State::Removed) == removals {
                    self.apply(staged, trash);
                }
            }
        }
        for shard in &mut *self.guards {
            shard.finish_changes(ctx);
        }
        Ok(staging.replies)
    }

    #[expect(clippy::indexing_slicing, reason = "guards are found by the shards they lock")]
    fn shard(&mut self, guard: usize) -> &mut Shard {
        &mut self.guards[guard]
    }

    /// Evaluates every operation; nothing is changed but versions, which may be skipped.
    fn stage<'a>(
        &mut self,
        ops: &[Op<'a>],
        locations: &[Location],
        trash: &mut Trash<'_>,
    ) -> Result<Staging<'a>, Halt<BatchError>>
    where
        'l: 'a,
    {
        let (mut keys, places) = self.stage_keys(ops, locations, trash);
        let mut replies = Vec::with_capacity(ops.len());
        for (index, (op, place)) in ops.iter().zip(&places).enumerate() {
            let staged = keys.get_mut(*place).expect("every key of the batch was staged");
            replies.push(self.stage_op(index, op, staged)?);
        }
        Ok(Staging { keys, places, replies })
    }

    /// Finds every key of the batch, each once, and tells for each operation which is its. Expired ones
    /// are removed first, because removing a key may move others.
    fn stage_keys<'a>(
        &mut self,
        ops: &[Op<'a>],
        locations: &[Location],
        trash: &mut Trash<'_>,
    ) -> (Vec<Staged<'a>>, Vec<usize>) {
        let ctx = self.ctx;
        let mut by_key = HashMap::with_capacity(ops.len());
        let mut places = Vec::with_capacity(ops.len());
        let mut keys: Vec<Staged<'a>> = Vec::with_capacity(ops.len());
        for (op, Location { shard, fingerprint }) in ops.iter().zip(locations) {
            let place = *by_key.entry(op.key).or_insert(keys.len());
            places.push(place);
            if place < keys.len() {
                continue;
            }
            let guard =
                self.shards.binary_search(shard).expect("every shard of the batch is locked");
            self.shard(guard).find_live(ctx, *fingerprint, op.key, trash);
            keys.push(Staged {
                guard,
                fingerprint: *fingerprint,
                key: op.key,
                slot: None,
                state: State::Unchanged,
                version: None,
            });
        }
        for staged in &mut keys {
            staged.slot = self.shard(staged.guard).find(staged.fingerprint, staged.key);
        }
        (keys, places)
    }

    fn stage_op<'a>(
        &mut self,
        index: usize,
        op: &Op<'a>,
        staged: &mut Staged<'a>,
    ) -> Result<Reply, Halt<BatchError>>
    where
        'l: 'a,
    {
        let (ctx, compressed) = (self.ctx, self.compressed.get(index));
        let shard = self.shard(staged.guard);
        let view = staged.view(shard);
        if !holds(op.condition, view) {
            return Err(Halt::Refused(BatchError::ConditionFailed {
                index,
                version: view.map_or(Version::NONE, |view| view.version),
                ttl_ms: ttl_ms(view.and_then(|view| view.expiry), ctx.now),
                lsn: staged.exposed(ctx, shard),
            }));
        }
        let existed = view.is_some();
        let verdict = decide(op, view, ctx.now, &ctx.bounds()).map_err(|halt| match halt {
            Halt::Refused(error) => Halt::Refused(BatchError::Refused { index, error }),
            Halt::NeedsRoom(shortage) => Halt::NeedsRoom(shortage),
        })?;
        let changed = verdict.plan != Plan::Keep;
        if changed && staged.version.is_none() {
            staged.version = Some(shard.next_version());
        }
        let removed = verdict.plan == Plan::Remove;
        staged.follow(verdict.plan, compressed.and_then(Option::as_deref));
        let after = staged.view(shard);
        let removed_at = staged.version.filter(|_| removed);
        Ok(Reply {
            applied: verdict.applied,
            existed,
            version: after.map(|view| view.version).or(removed_at).unwrap_or_default(),
            ttl_ms: ttl_ms(after.and_then(|view| view.expiry), ctx.now),
            payload: verdict.payload,
            lsn: if changed { Lsn::MAX } else { staged.exposed(ctx, shard) },
        })
    }

    /// Makes sure every shard can take its part; draws on what has been reserved for the batch.
    fn ensure_room(
        &mut self,
        staging: &Staging<'_>,
        reserved: &mut u64,
    ) -> Result<Vec<Growth>, Halt<BatchError>> {
        let ctx = self.ctx;
        let mut growths = vec![Growth::default(); self.guards.len()];
        for staged in &staging.keys {
            let Some(Effect { version, key, change, .. }) = staged.effect(self.shards) else {
                continue;
            };
            if let Some(growth) = growths.get_mut(staged.guard) {
                let form = form_of(&change, staged.compressed());
                let shard = self.shard(staged.guard);
                *growth += shard.growth(staged.slot, (key, form), &change, version);
            }
        }
        let mut lacking = Shortage::default();
        for (guard, growth) in growths.iter().enumerate() {
            let shard = self.shard(guard);
            lacking.total += growth.entry_bytes + growth.kept_bytes;
            if let Err(Halt::NeedsRoom(Shortage { missing, .. })) = shard.ensure(ctx, *growth) {
                let drawn = missing.min(*reserved);
                *reserved -= drawn;
                shard.memory_mut().deposit(drawn);
                lacking.missing += missing - drawn;
            }
        }
        if lacking.missing == 0 { Ok(growths) } else { Err(Halt::NeedsRoom(lacking)) }
    }

    /// Writes all effects as one record.
    fn append(&mut self, staging: &Staging<'_>) -> Result<Lsn, StoreError> {
        let effects: Vec<Effect<'_>> =
            staging.keys.iter().filter_map(|staged| staged.effect(self.shards)).collect();
        if effects.is_empty() {
            return Ok(Lsn::ZERO);
        }
        Ok(self.ctx.journal.append(&Record { group: 0, effects: &effects })?)
    }

    /// Counts the operations of a batch that is made, as if each had come by itself.
    fn count(&mut self, ops: &[Op<'_>], staging: &Staging<'_>) {
        let answered = ops.iter().zip(&staging.places).zip(&staging.replies);
        for ((op, place), reply) in answered {
            let Some(staged) = staging.keys.get(*place) else { continue };
            let shard = self.shard(staged.guard);
            if op.action.is_lookup() {
                shard.count_reads(u64::from(reply.applied), u64::from(!reply.applied));
                if let Some(slot) = staged.slot.filter(|_| reply.applied && op.action.is_use()) {
                    shard.touch_policy(slot);
                }
            }
            if reply.lsn == Lsn::MAX {
                shard.count_write();
            }
        }
    }

    fn apply(&mut self, staged: &Staged<'_>, trash: &mut Trash<'_>) {
        let Some(effect) = staged.effect(self.shards) else {
            return;
        };
        let ctx = self.ctx;
        let shard = self.shard(staged.guard);
        shard.apply(ctx, staged.fingerprint, (&effect, staged.compressed()), trash);
    }
}

impl<'a> Staged<'a> {
    /// The key as the next operation of the batch sees it.
    fn view<'v>(&'v self, shard: &'v Shard) -> Option<View<'v>> {
        let present = self.slot.map(|slot| shard.view(slot));
        let version = |view: View<'_>| self.version.unwrap_or(view.version);
        match &self.state {
            State::Unchanged => present,
            State::Touched { expiry } => {
                present.map(|view| View { version: version(view), expiry: *expiry, ..view })
            }
            State::Put { value, expiry, .. } => Some(View {
                version: self.version.unwrap_or_default(),
                expiry: *expiry,
                value: Stored::plain(value),
            }),
            State::Removed => None,
        }
    }

    /// The latest write that an answer about the key rests on and that is not safe yet.
    fn exposed<J: Journal>(&self, ctx: &Context<'_, J>, shard: &mut Shard) -> Lsn {
        let version = self.slot.map(|slot| shard.view(slot).version);
        shard.exposed(ctx, version)
    }

    /// Takes over what an operation plans; of a set, with the compressed form of its value.
    fn follow(&mut self, plan: Plan<'a>, compressed: Option<&'a [u8]>) {
        match plan {
            Plan::Keep => {}
            Plan::Put { value, expiry } => self.state = State::Put { value, compressed, expiry },
            Plan::Remove => self.state = State::Removed,
            Plan::Touch { expiry: new } => match &mut self.state {
                State::Put { expiry, .. } => *expiry = new,
                state => *state = State::Touched { expiry: new },
            },
        }
    }

    /// The effect of the whole batch on the key, if there is one.
    fn change(&self) -> Option<Change<'_>> {
        match &self.state {
            State::Unchanged => None,
            State::Touched { expiry } => Some(Change::Touch { expiry: *expiry }),
            State::Put { value, expiry, .. } => Some(Change::Put { value, expiry: *expiry }),
            State::Removed => self.slot.map(|_| Change::Delete(DeleteCause::Request)),
        }
    }

    /// The compressed form of the value that it gets, if there is one.
    fn compressed(&self) -> Option<&[u8]> {
        match self.state {
            State::Put { compressed, .. } => compressed,
            _ => None,
        }
    }

    fn effect(&self, shards: &[usize]) -> Option<Effect<'_>> {
        let shard = u32::try_from(*shards.get(self.guard)?).ok()?;
        Some(Effect { shard, version: self.version?, key: self.key, change: self.change()? })
    }
}

fn ttl_ms(expiry: Option<UnixMillis>, now: UnixMillis) -> Option<u64> {
    expiry.map(|expiry| expiry.millis_since(now))
}
