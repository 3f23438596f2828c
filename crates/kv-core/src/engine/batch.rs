//! Independent operations together: one clock read, and one lock per shard they touch.

use super::halt::Halt;
use super::hasher::Location;
use super::shard::{Context, Prepared, Shard, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::types::{Op, Reply};

/// Operations executed before a shard's lock is released for others.
const OPS_PER_LOCK_MAX: usize = 256;

/// Operations of a pipeline that are made ready ahead of the first of them.
const STEPS_AHEAD_MAX: usize = 32;

/// An operation of a batch on its way to its shard.
struct Step<'a, 'op> {
    index: usize,
    location: Location,
    op: &'a Op<'op>,
    prepared: Prepared,
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    pub(super) fn run_batch(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.config.limits.check_batch(ops.len())?;
        let ctx = self.context();
        let first = results.len();
        results.resize(first + ops.len(), Ok(Reply::default()));
        let mut answer = |index: usize, result| {
            if let Some(place) = results.get_mut(first + index) {
                *place = result;
            }
        };
        let mut steps = Vec::with_capacity(ops.len());
        for (index, op) in ops.iter().enumerate() {
            match self.config.limits.check(op) {
                Ok(()) => {
                    let location = self.locate(op.key);
                    let prepared = Prepared::new(op, ctx.now);
                    steps.push(Step { index, location, op, prepared });
                }
                Err(error) => answer(index, Err(error)),
            }
        }
        // Operations on one key are in one shard, and keep their order there.
        steps.sort_unstable_by_key(|step| (step.location.shard, step.index));
        let mut trash = Trash::default();
        for group in steps.chunk_by_mut(|a, b| a.location.shard == b.location.shard) {
            self.run_group(&ctx, group, &mut answer, &mut trash);
        }
        Ok(())
    }

    pub(super) fn run_in_order(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.config.limits.check_batch(ops.len())?;
        let ctx = self.context();
        let mut trash = Trash::default();
        let mut answer = |_index: usize, result| results.push(result);
        let mut steps = Vec::with_capacity(ops.len().min(STEPS_AHEAD_MAX));
        for ops in ops.chunks(STEPS_AHEAD_MAX) {
            for (index, op) in ops.iter().enumerate() {
                match self.config.limits.check(op) {
                    Ok(()) => {
                        let location = self.locate(op.key);
                        steps.push(Step {
                            index,
                            location,
                            op,
                            prepared: Prepared::new(op, ctx.now),
                        });
                    }
                    Err(error) => {
                        self.run_steps(&ctx, &mut steps, &mut answer, &mut trash);
                        answer(index, Err(error));
                    }
                }
            }
            self.run_steps(&ctx, &mut steps, &mut answer, &mut trash);
        }
        Ok(())
    }

    /// Runs operations in their order, those that follow each other in one shard under one lock.
    fn run_steps(
        &self,
        ctx: &Context<'_, J>,
        steps: &mut Vec<Step<'_, '_>>,
        answer: &mut impl FnMut(usize, Result<Reply, StoreError>),
        trash: &mut Trash,
    ) {
        for group in steps.chunk_by_mut(|a, b| a.location.shard == b.location.shard) {
            self.run_group(ctx, group, answer, trash);
        }
        steps.clear();
    }

    /// Runs the operations of one shard, under one lock unless there are many or room has to be made.
    fn run_group(
        &self,
        ctx: &Context<'_, J>,
        mut group: &mut [Step<'_, '_>],
        answer: &mut impl FnMut(usize, Result<Reply, StoreError>),
        trash: &mut Trash,
    ) {
        while let Some(first) = group.first() {
            let mut done = 0;
            let ran = self.with_room(ctx, first.location, |shard: &mut Shard| {
                while let Some(step) = group.get_mut(done) {
                    let (op, prepared) = ((step.op, step.location.fingerprint), &mut step.prepared);
                    match shard.execute(ctx, op, prepared, trash) {
                        Ok(reply) => answer(step.index, Ok(reply)),
                        Err(Halt::Refused(error)) => answer(step.index, Err(error)),
                        // What is done is done; this one starts anew, with attempts of its own and
                        // its own key protected.
                        Err(Halt::NeedsRoom(_)) if done > 0 => return Ok(()),
                        Err(needs_room) => return Err(needs_room),
                    }
                    done += 1;
                    if done == OPS_PER_LOCK_MAX {
                        break;
                    }
                }
                Ok(())
            });
            // Only the operation that lacked room is refused; those behind it go on.
            if let (Err(error), Some(step)) = (ran, group.get(done)) {
                answer(step.index, Err(error));
                done += 1;
            }
            group = group.get_mut(done..).unwrap_or_default();
        }
    }
}
