//! Answering operations as the store replies to them: each reply is encoded at once, where its value is.

use std::sync::Arc;

use kv_core::{Op, Reply, ReplySink, StoreError};
use kv_resp::Version;

use super::answers::Answers;
use super::client::Client;
use super::commands::Command;
use super::failure::Failure;
use super::plan::Shape;
use super::shared::Shared;
use super::tally;
use crate::promise::Basis;

/// What an operation of the run was asked by, and how it is answered.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) command: &'static Command,
    pub(super) shape: Shape,
}

/// Answers operations, in their order.
pub(super) struct Replying<'a, A> {
    /// The operations that are not answered yet.
    pub(super) asked: A,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) client: &'a mut Client,
    pub(super) answers: &'a mut Answers,
}

impl<'a, 'b: 'a, A: Iterator<Item = (&'a Op<'b>, Step)>> ReplySink for Replying<'_, A> {
    fn reply(&mut self, result: Result<Reply, StoreError>) {
        let Some((op, Step { command, shape })) = self.asked.next() else { return };
        match result {
            Ok(reply) => {
                let basis = Basis::of(&reply, op.action.is_read());
                self.answer(command, basis, |answers, version| {
                    shape.answer(reply, answers, version)
                });
            }
            Err(error) => self.fail(command, &Failure::of(error, command)),
        }
    }

    #[inline]
    fn lend(&mut self, reply: Reply, value: &[u8]) {
        let Some((op, Step { command, shape })) = self.asked.next() else { return };
        let basis = Basis::of(&reply, op.action.is_read());
        self.answer(command, basis, |answers, version| {
            shape.answer_lent(&reply, value, answers, version)
        });
    }
}

impl<A> Replying<'_, A> {
    #[inline]
    fn answer(
        &mut self,
        command: &'static Command,
        basis: Basis,
        encode: impl FnOnce(&mut Answers, Version) -> Result<(), Failure>,
    ) {
        let start = self.answers.len();
        self.client.written = self.client.written.max(basis.written());
        match encode(self.answers, self.client.version) {
            Ok(()) => self.answers.rest_on(start, basis),
            Err(failure) => self.fail(command, &failure),
        }
    }

    #[cold]
    fn fail(&mut self, command: &'static Command, failure: &Failure) {
        tally::count_failure(self.shared, Some(command), failure);
        self.answers.error(failure);
    }
}
