//! Independent operations together: one clock read, unless making them ready takes long, and one lock per shard they
//! touch; reads among nothing but reads take one each, which costs them less than to be sorted and prepared.

use super::entry::SHARED_VALUE_BYTES_MIN;
use super::halt::Halt;
use super::hasher::Location;
use super::shard::{Context, Prepared, Shard, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::store::ReplySink;
use crate::types::{Op, Reply};

/// Operations executed before a shard's lock is released for others.
const OPS_PER_LOCK_MAX: usize = 256;

/// Bytes of answers that are decompressed, as they are taken, before a shard's lock is released for others: what
/// takes some twenty microseconds. The answer that reaches it is among them.
const DECOMPRESSED_PER_LOCK_MAX: usize = 32 << 10;

/// Operations that are made ready before the first of them is executed, so that the processor fetches what they
/// need while it works on the others: more than it can fetch at once, and few enough for its nearest cache.
const STEPS_AHEAD_MAX: usize = 16;

/// An operation of a batch on its way to its shard.
struct Step<'a, 'op> {
    index: usize,
    location: Location,
    op: &'a Op<'op>,
    prepared: Prepared,
}

/// Takes the answers of a batch, each once, with the index of its operation.
trait Answers {
    /// Takes an answer.
    fn answer(&mut self, index: usize, result: Result<Reply, StoreError>);

    /// Takes an answer whose value is lent.
    fn lend(&mut self, index: usize, reply: Reply, value: &[u8]);
}

/// In whatever order: each answer has its place.
struct Placed<'a>(&'a mut [Result<Reply, StoreError>]);

impl Answers for Placed<'_> {
    fn answer(&mut self, index: usize, result: Result<Reply, StoreError>) {
        if let Some(place) = self.0.get_mut(index) {
            *place = result;
        }
    }

    fn lend(&mut self, index: usize, reply: Reply, value: &[u8]) {
        self.answer(index, Ok(reply.with_copy_of(value)));
    }
}

/// In the order of the operations.
struct InOrder<'a>(&'a mut dyn ReplySink);

impl Answers for InOrder<'_> {
    fn answer(&mut self, _index: usize, result: Result<Reply, StoreError>) {
        self.0.reply(result);
    }

    fn lend(&mut self, _index: usize, reply: Reply, value: &[u8]) {
        self.0.lend(reply, value);
    }
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    pub(super) fn run_batch(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.config.limits.check_batch(ops.len())?;
        let mut ctx = self.context();
        let first = results.len();
        results.resize(first + ops.len(), Ok(Reply::default()));
        let mut answers = Placed(results.get_mut(first..).unwrap_or_default());
        if self.are_gets(ops) {
            self.run_gets(&ctx, ops, &mut answers);
            return Ok(());
        }
        let mut steps = Vec::with_capacity(ops.len());
        for (index, op) in ops.iter().enumerate() {
            match self.step(index, op) {
                Ok(step) => steps.push(step),
                Err(error) => answers.answer(index, Err(error)),
            }
        }
        // Operations on one key are in one shard, and keep their order there.
        steps.sort_unstable_by_key(|step| (step.location.shard, step.index));
        for steps in steps.chunks_mut(STEPS_AHEAD_MAX) {
            self.run_steps(&mut ctx, steps, &mut answers);
        }
        Ok(())
    }

    pub(super) fn run_in_order(
        &self,
        ops: &[Op<'_>],
        replies: &mut dyn ReplySink,
    ) -> Result<(), StoreError> {
        self.config.limits.check_batch(ops.len())?;
        if let [op] = ops
            && op.is_plain_get()
        {
            self.read_alone(op, &mut InOrder(replies));
            return Ok(());
        }
        let mut ctx = self.context();
        let mut answers = InOrder(replies);
        let mut steps = Vec::new();
        for ops in ops.chunks(STEPS_AHEAD_MAX) {
            if self.are_gets(ops) {
                self.run_gets(&ctx, ops, &mut answers);
                continue;
            }
            steps.reserve(ops.len());
            for (index, op) in ops.iter().enumerate() {
                match self.step(index, op) {
                    Ok(step) => steps.push(step),
                    Err(error) => {
                        self.run_steps(&mut ctx, &mut steps, &mut answers);
                        steps.clear();
                        answers.answer(index, Err(error));
                    }
                }
            }
            self.run_steps(&mut ctx, &mut steps, &mut answers);
            steps.clear();
        }
        Ok(())
    }

    /// Runs a `Get` that comes alone, as most do that are not pipelined.
    fn read_alone(&self, op: &Op<'_>, answers: &mut impl Answers) {
        match self.config.limits.check(op) {
            Ok(()) => self.read_into(answers, (0, op), self.locate(op.key), || self.context()),
            Err(error) => answers.answer(0, Err(error)),
        }
    }

    /// Runs a plain `Get`.
    fn read_into<'a>(
        &'a self,
        answers: &mut impl Answers,
        (index, op): (usize, &Op<'_>),
        location: Location,
        context: impl FnOnce() -> Context<'a, J>,
    ) {
        let mut trash = Trash::new(&self.tracker);
        let mut shard = self.lock(location.shard);
        let key = (location.fingerprint, op.key);
        let lend = |reply: Reply, value: &[u8]| answers.lend(index, reply, value);
        let reply = shard.read_lending(&self.journal, context, key, (&mut trash, lend));
        drop(shard);
        if let Some(reply) = reply {
            answers.answer(index, Ok(reply));
        }
    }

    /// Whether these are plain `Get`s, and none is refused.
    fn are_gets(&self, ops: &[Op<'_>]) -> bool {
        let limits = &self.config.limits;
        ops.iter().all(|op| op.is_plain_get() && limits.check_key(op.key).is_ok())
    }

    /// Runs [such](Self::are_gets) in their order, each under its shard's lock: for them there is nothing to prepare,
    /// and nothing to keep between the steps but where they belong.
    fn run_gets(&self, ctx: &Context<'_, J>, ops: &[Op<'_>], answers: &mut impl Answers) {
        let mut locations = [Location::default(); STEPS_AHEAD_MAX];
        let mut gets = ops.iter().enumerate();
        for ops in ops.chunks(STEPS_AHEAD_MAX) {
            for (location, op) in locations.iter_mut().zip(ops) {
                *location = self.locate(op.key);
                self.prefetch_bucket(*location);
            }
            let locations = locations.iter().take(ops.len());
            locations.clone().for_each(|location| self.prefetch_entry(*location));
            for (location, get) in locations.zip(&mut gets) {
                self.read_into(answers, get, *location, || *ctx);
            }
        }
    }

    /// Finds out where an operation belongs, and asks the processor for what is there.
    fn step<'a, 'op>(&self, index: usize, op: &'a Op<'op>) -> Result<Step<'a, 'op>, StoreError> {
        self.config.limits.check(op)?;
        let location = self.locate(op.key);
        self.prefetch_bucket(location);
        Ok(Step { index, location, op, prepared: Prepared::default() })
    }

    /// Runs operations in their order, those that follow each other in one shard under one lock.
    fn run_steps<'a>(
        &'a self,
        ctx: &mut Context<'a, J>,
        steps: &mut [Step<'_, '_>],
        answers: &mut impl Answers,
    ) {
        // One alone would only wait twice.
        let is_ahead = steps.len() > 1;
        for step in &mut *steps {
            step.prepared = self.prepare(ctx, step.op);
            if is_ahead {
                self.prefetch_entry(step.location);
            }
        }
        for group in steps.chunk_by_mut(|a, b| a.location.shard == b.location.shard) {
            match group {
                [Step { index, location, op, .. }] if op.is_plain_get() => {
                    self.read_into(answers, (*index, op), *location, || *ctx);
                }
                group => self.run_group(ctx, group, answers),
            }
        }
    }

    /// Runs the operations of one shard, under one lock unless there are many or room has to be made.
    fn run_group(
        &self,
        ctx: &Context<'_, J>,
        mut group: &mut [Step<'_, '_>],
        answers: &mut impl Answers,
    ) {
        while let Some(first) = group.first() {
            let (mut done, mut decompressed) = (0, 0);
            let ran =
                self.with_room(ctx, first.location, |shard: &mut Shard, trash: &mut Trash<'_>| {
                    while let Some(step) = group.get_mut(done) {
                        let (op, prepared) =
                            ((step.op, step.location.fingerprint), &mut step.prepared);
                        let lend = |reply, value: &[u8]| answers.lend(step.index, reply, value);
                        match shard.execute_lending(ctx, op, prepared, (&mut *trash, lend)) {
                            Ok(Some(reply)) => {
                                let len = reply.payload.decompressed_len();
                                // Longer ones are decompressed later, if at all.
                                decompressed += if len < SHARED_VALUE_BYTES_MIN { len } else { 0 };
                                answers.answer(step.index, Ok(reply));
                            }
                            Ok(None) => {}
                            Err(Halt::Refused(error)) => answers.answer(step.index, Err(error)),
                            // What is done is done; this one starts anew, with attempts of its own and
                            // its own key protected.
                            Err(Halt::NeedsRoom(_)) if done > 0 => return Ok(()),
                            Err(needs_room) => return Err(needs_room),
                        }
                        done += 1;
                        // What is large is freed, and its bytes given back, before there is more of it.
                        if done == OPS_PER_LOCK_MAX
                            || decompressed >= DECOMPRESSED_PER_LOCK_MAX
                            || !trash.is_empty()
                        {
                            break;
                        }
                    }
                    Ok(())
                });
            // Only the operation that lacked room is refused; those behind it go on.
            if let (Err(error), Some(step)) = (ran, group.get(done)) {
                answers.answer(step.index, Err(error));
                done += 1;
            }
            group = group.get_mut(done..).unwrap_or_default();
        }
    }
}
