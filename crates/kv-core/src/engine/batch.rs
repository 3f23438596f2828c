//! Independent operations together: one clock read, and one lock per shard they touch.

use super::hasher::Location;
use super::shard::{Halt, Prepared, Shard, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::eviction::Fingerprint;
use crate::journal::Journal;
use crate::types::{Op, Reply};

/// An operation of a batch on its way to its shard.
struct Step<'a, 'op> {
    index: usize,
    shard: usize,
    fingerprint: Fingerprint,
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
        let mut answers: Vec<Option<Result<Reply, StoreError>>> = Vec::new();
        answers.resize_with(ops.len(), || None);
        let mut answer = |index: usize, result| {
            if let Some(place) = answers.get_mut(index) {
                *place = Some(result);
            }
        };
        let mut steps = Vec::with_capacity(ops.len());
        for (index, op) in ops.iter().enumerate() {
            match self.config.limits.check(op) {
                Ok(()) => {
                    let Location { shard, fingerprint } = self.locate(op.key);
                    let prepared = Prepared::new(op, ctx.now);
                    steps.push(Step { index, shard, fingerprint, op, prepared });
                }
                Err(error) => answer(index, Err(error)),
            }
        }
        // Stable: operations on one key are in one shard and keep their order.
        steps.sort_by_key(|step| step.shard);
        let mut trash = Trash::default();
        for group in steps.chunk_by_mut(|a, b| a.shard == b.shard) {
            let mut done = 0;
            while let Some(first) = group.get(done) {
                let refused = self.with_room(&ctx, first.shard, |shard: &mut Shard| {
                    while let Some(Step { index, fingerprint, op, prepared, .. }) =
                        group.get_mut(done)
                    {
                        match shard.execute(&ctx, (op, *fingerprint), prepared, &mut trash) {
                            Ok(reply) => answer(*index, Ok(reply)),
                            Err(Halt::Refused(error)) => answer(*index, Err(error)),
                            Err(room) => return Err(room),
                        }
                        done += 1;
                    }
                    Ok(())
                });
                // Only the operation that lacked room is refused; those behind it go on.
                if let (Err(error), Some(step)) = (refused, group.get(done)) {
                    answer(step.index, Err(error));
                    done += 1;
                }
            }
        }
        results.extend(answers.into_iter().map(|answer| answer.expect("every step was answered")));
        Ok(())
    }
}
