//! `BatchWrite` without `atomic`: each operation is answered, or refused in its place.

use kv_core::{Op, Reply, StoreError};
use kv_proto::batch::{Iter, OpRef, Ops};

use super::answers::{Answers, Reads, is_read};
use super::{Outcome, VALUES_PER_CALL_MAX, answers_value};
use crate::contract::convert;
use crate::contract::refusal::Refusal;
use crate::contract::shared::Shared;

/// Executes every operation that can be, in order.
pub(super) fn write(shared: &Shared, ops: &Ops) -> Result<Outcome, Refusal> {
    let mut run = Run::new(shared, ops);
    for op in ops {
        run.add(op)?;
    }
    run.execute()?;
    Ok(run.answers.finish())
}

/// A batch on its way through the store, in calls of bounded size.
struct Run<'a> {
    shared: &'a Shared,
    /// What is not answered yet.
    asked: Iter<'a>,
    /// Operations of the next call.
    ops: Vec<Op<'a>>,
    /// How many of them answer with a value.
    values: usize,
    /// Whether all of them only read.
    are_reads: bool,
    replies: Vec<Result<Reply, StoreError>>,
    answers: Answers,
}

impl<'a> Run<'a> {
    fn new(shared: &'a Shared, asked: &'a Ops) -> Self {
        Self {
            shared,
            asked: asked.iter(),
            ops: Vec::with_capacity(asked.len()),
            values: 0,
            are_reads: true,
            replies: Vec::new(),
            answers: Answers::each(shared.message_bytes_max, asked.len()),
        }
    }

    /// Looks at one operation: it joins the next call, or is refused in its place.
    fn add(&mut self, asked: OpRef<'a>) -> Result<(), Refusal> {
        match convert::op(asked, self.shared.message_bytes_max) {
            Ok(op) if answers_value(&op) && self.answers.are_full() => {
                self.execute()?;
                self.asked.next();
                self.answers.no_room();
            }
            Ok(op) => {
                self.values += usize::from(answers_value(&op));
                self.are_reads &= is_read(&op);
                self.ops.push(op);
                if self.values == VALUES_PER_CALL_MAX {
                    self.execute()?;
                }
            }
            Err(refusal) => {
                self.execute()?;
                self.asked.next();
                self.answers.refuse(refusal);
            }
        }
        Ok(())
    }

    /// Executes the next call, and answers its operations.
    fn execute(&mut self) -> Result<(), Refusal> {
        if self.ops.is_empty() {
            return Ok(());
        }
        let store = self.shared.store();
        if self.are_reads {
            self.answers.reserve(self.ops.len());
            store.execute_in_order(&self.ops, &mut Reads(&mut self.answers))?;
            self.answers.supply();
            self.asked.by_ref().take(self.ops.len()).for_each(drop);
        } else {
            store.execute_batch(&self.ops, &mut self.replies)?;
            // Not the other way around, which would take one that is not answered here.
            for (reply, asked) in self.replies.drain(..).zip(&mut self.asked) {
                match reply {
                    Ok(reply) => self.answers.answer(asked, reply),
                    Err(error) => self.answers.refuse(error.into()),
                }
            }
        }
        self.ops.clear();
        (self.values, self.are_reads) = (0, true);
        Ok(())
    }
}
