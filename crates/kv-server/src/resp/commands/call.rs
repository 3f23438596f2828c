//! A command that is executed by itself: what it is given, and what it can do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kv_core::{BatchError, Op, Reply, Store, Value};
use kv_resp::Encoder;

use super::keys;
use super::row::{Command, Run};
use crate::clock::Stopwatch;
use crate::promise::Basis;
use crate::resp::answers::Answers;
use crate::resp::client::Client;
use crate::resp::failure::Failure;
use crate::resp::following::remember;
use crate::resp::request::{Request, integer};
use crate::resp::shared::Shared;
use crate::resp::slow_log::remembered;
use crate::resp::turns::Turn;
use crate::slow::Words;

/// A command on its way. What it writes to [`reply`](Self::reply) is dropped when it fails.
pub(crate) struct Call<'a> {
    pub(super) command: &'static Command,
    pub(super) request: Request<'a>,
    /// The connection that it came on.
    pub(crate) client: &'a mut Client,
    pub(crate) shared: &'a Arc<Shared>,
    answers: &'a mut Answers,
    basis: Basis,
    after: After,
}

/// What happens once the answer is written.
#[derive(Default)]
pub(crate) enum After {
    /// The next command.
    #[default]
    Next,
    /// The connection is closed when the client has its answers.
    Close,
    /// There is no answer yet: it comes from this, and nothing behind the command is executed before.
    Later(Later),
}

/// The answer to a command that takes its time.
pub(crate) type Later = BoxFuture<'static, Result<Answers, Failure>>;

/// What a command leaves behind beside its answer.
pub(crate) struct Left {
    pub(crate) basis: Basis,
    pub(crate) after: After,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("command", &self.command.name).finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    /// A command and what it may touch.
    pub(crate) fn new(
        (command, request): (&'static Command, Request<'a>),
        client: &'a mut Client,
        shared: &'a Arc<Shared>,
        answers: &'a mut Answers,
    ) -> Self {
        let (basis, after) = (Basis::default(), After::Next);
        Self { command, request, client, shared, answers, basis, after }
    }

    /// Runs the command.
    pub(crate) fn run(mut self) -> Result<Left, Failure> {
        match self.command.run {
            Run::Call(run) => run(&mut self)?,
            Run::Each(operation) => keys::each(&mut self, operation)?,
            Run::Container => return Err(Failure::Arity(self.command)),
            // Never executed by itself.
            Run::Plan(_) => {}
        }
        Ok(Left { basis: self.basis, after: self.after })
    }

    /// What the client has sent.
    pub(crate) fn request(&self) -> Request<'a> {
        self.request
    }

    /// The store.
    pub(crate) fn store(&self) -> &'a dyn Store {
        &**self.shared.gate.store()
    }

    /// Executes one operation.
    pub(crate) fn execute(&mut self, op: &Op<'_>) -> Result<Reply, Failure> {
        let reply = self.store().execute(op)?;
        self.rest_on(Basis::of(&reply, op.action.is_read()));
        Ok(reply)
    }

    /// Executes operations as one. `None` when the condition of one does not hold.
    pub(crate) fn execute_atomic(&mut self, ops: &[Op<'_>]) -> Result<Option<Vec<Reply>>, Failure> {
        match self.store().execute_atomic(ops) {
            Ok(replies) => {
                for (op, reply) in ops.iter().zip(&replies) {
                    self.rest_on(Basis::of(reply, op.action.is_read()));
                }
                Ok(Some(replies))
            }
            Err(BatchError::ConditionFailed { lsn, .. }) => {
                self.rest_on(Basis::of_read(lsn));
                Ok(None)
            }
            Err(BatchError::Refused { error, .. } | BatchError::Whole(error)) => Err(error.into()),
        }
    }

    /// There is only one database.
    pub(crate) fn check_db(number: &[u8]) -> Result<(), Failure> {
        match i32::try_from(integer(number)?) {
            Ok(0) => Ok(()),
            Ok(_) => Err(Failure::Text("ERR DB index is out of range")),
            Err(_) => Err(Failure::Text(
                "ERR value is out of range, value must between -2147483648 and 2147483647",
            )),
        }
    }

    /// The answer rests on this too.
    pub(crate) fn rest_on(&mut self, basis: Basis) {
        self.basis = self.basis.and(basis);
    }

    /// What the answer rests on so far, for an answer that comes later.
    pub(crate) fn take_basis(&mut self) -> Basis {
        std::mem::take(&mut self.basis)
    }

    /// Where the answer goes, in whatever parts.
    pub(crate) fn answers(&mut self) -> &mut Answers {
        self.answers
    }

    /// The connection is closed when the client has its answers.
    pub(crate) fn close(&mut self) {
        self.after = After::Close;
    }

    /// The answer comes from this.
    pub(crate) fn later(
        &mut self,
        answer: impl Future<Output = Result<Answers, Failure>> + Send + 'static,
    ) {
        self.after = After::Later(Box::pin(answer));
    }

    /// The same, and when it has taken long it is remembered.
    pub(crate) fn later_timed(
        &mut self,
        answer: impl Future<Output = Result<Answers, Failure>> + Send + 'static,
    ) {
        let (shared, client) = (Arc::clone(self.shared), self.client.record.share());
        let (args, command) = (remembered(self.request), self.command);
        let words = Words::of(args.iter());
        self.later(async move {
            let began = Stopwatch::start();
            let job = shared.gate.slow().jobs().begin();
            let answers = answer.await;
            drop(job);
            let took = began.elapsed();
            // The call itself is counted already.
            shared.statistics.commands.called(command, 0, took);
            if shared.gate.slow().is_slow(took) {
                shared.slow_log.add(args, took, &client);
            }
            let queued = answers.as_ref().map_or(Duration::ZERO, |answers| answers.queued);
            let work = Turn::of_work((command, words), began, (queued, took));
            match answers {
                Ok(mut answers) => {
                    answers.work = Some(Box::new(work));
                    Ok(answers)
                }
                Err(failure) => {
                    remember(&shared, &client, work);
                    Err(failure)
                }
            }
        });
    }

    /// Writes the answer.
    pub(crate) fn reply(&mut self) -> Encoder<'_, Vec<u8>> {
        self.answers.encoder(self.client.version)
    }

    /// Answers `OK`.
    pub(crate) fn ok(&mut self) {
        self.answers.ok();
    }

    /// Answers with a count.
    pub(crate) fn count(&mut self, count: usize) {
        self.reply().integer(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Answers with a value or nothing; a large one is neither copied nor decompressed.
    pub(crate) fn value(&mut self, value: Option<impl Into<Value>>) {
        match value {
            Some(value) => self.answers.bulk(value.into()),
            None => self.reply().null(),
        }
    }
}
