//! Executing what has arrived: operations that follow each other go to the store together, everything else by
//! itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use kv_core::{Op, ReplySink as _};
use kv_resp::Batch;

use super::answers::Answers;
use super::client::{Client, Replies};
use super::commands::{After, Call, Command, Flags, Later, Run as Kind, resolve};
use super::failure::Failure;
use super::plan::{Plan, Shape};
use super::replying::{Replying, Step};
use super::request::Request;
use super::scratch::Lists;
use super::shared::Shared;
use super::tally;
use crate::clock::{Stopwatch, millis};

/// Most operations that go to the store together. Their values, each below the length from which they are
/// shared, are the most that is copied before anyone looks at how much there is to send.
const OPS_PER_RUN_MAX: usize = 64;

/// How far the execution got.
pub(super) struct Executed {
    /// How many bytes of the input are done with.
    pub(super) consumed: usize,
    /// Why no more are.
    pub(super) stop: Stop,
    /// The last command, and when it was over, in milliseconds since the server started.
    pub(super) latest: Option<(&'static Command, u64)>,
    /// When the execution began, by two clocks, and how long it took.
    pub(super) time: Time,
}

/// When something was executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) started: Stopwatch,
    /// The same, since the server started.
    pub(super) at: Duration,
    pub(super) took: Duration,
}

/// Why the execution stopped.
pub(super) enum Stop {
    /// Everything was executed.
    Done,
    /// There are so many answers that the client has to take some first.
    Full,
    /// The client is to be closed when it has its answers.
    Close,
    /// The next answer is yet to come, from this.
    Later(Later),
}

/// Executes the commands of a batch, one after the other in effect.
pub(super) struct Executor<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) client: &'a mut Client,
    pub(super) answers: &'a mut Answers,
    pub(super) lists: &'a mut Lists,
    /// Most that the answers may weigh before the execution stops.
    pub(super) room: usize,
}

impl Executor<'_> {
    /// Executes what there is room for.
    pub(super) fn execute(self, batch: &Batch<'_>) -> Executed {
        let started = Stopwatch::start();
        let is_open = self.shared.gate.open().is_ok() && self.shared.writes().is_ok();
        let ops_max = self.shared.batch_ops_max.min(OPS_PER_RUN_MAX);
        let ops = std::mem::take(&mut self.lists.ops);
        let mut run = Run { all: self, ops, ops_max, is_open, latest: None };
        let (mut consumed, mut stop) = (batch.consumed(), Stop::Done);
        for command in batch {
            stop = run.add(Request::new(command));
            if !matches!(stop, Stop::Done) {
                consumed = command.end();
                break;
            }
        }
        run.flush();
        let Executor { shared, client, lists, .. } = run.all;
        lists.ops = recycled(run.ops);
        let took = started.elapsed();
        if shared.gate.slow().is_slow(took) {
            shared.slow_log.add_turn(batch, consumed, took, &client.record);
        }
        let at = started.since(shared.gate.started());
        let active_ms = millis(at + took);
        let latest = run.latest.map(|command| (command, active_ms));
        Executed { consumed, stop, latest, time: Time { started, at, took } }
    }
}

/// The operations that go to the store next.
struct Run<'a, 'b> {
    all: Executor<'a>,
    ops: Vec<Op<'b>>,
    ops_max: usize,
    /// Whether every command may be executed.
    is_open: bool,
    /// The latest command.
    latest: Option<&'static Command>,
}

impl<'b> Run<'_, 'b> {
    /// Takes the next command.
    fn add(&mut self, request: Request<'b>) -> Stop {
        match self.all.client.replies {
            Replies::On => self.dispatch(request),
            before => self.add_silent(request, before),
        }
    }

    fn dispatch(&mut self, request: Request<'b>) -> Stop {
        match resolve(request) {
            Ok(command) => match self.admit(command) {
                Ok(()) => {
                    self.latest = Some(command);
                    self.all.lists.tally.count(command);
                    self.run(command, request)
                }
                Err(failure) => self.reject(Some(command), &failure),
            },
            Err(failure @ Failure::Arity(command)) => self.reject(Some(command), &failure),
            Err(failure) => self.reject(None, &failure),
        }
    }

    fn run(&mut self, command: &'static Command, request: Request<'b>) -> Stop {
        match command.run {
            Kind::Plan(plan) => match plan(request) {
                Ok(plan) => self.push(command, plan),
                Err(failure) => self.fail(Some(command), &failure),
            },
            Kind::Each(operation) if request.len() == 2 => {
                let op = operation(request.arg(1));
                self.push(command, Plan { op, shape: Shape::Applied })
            }
            _ => self.call(command, request),
        }
    }

    /// A command whose answer the client does not want, unless it is the one that turns answers on again.
    #[cold]
    fn add_silent(&mut self, request: Request<'b>, before: Replies) -> Stop {
        if before == Replies::SkipNext {
            self.all.client.replies = Replies::Skip;
        }
        let mark = self.all.answers.mark();
        let stop = self.dispatch(request);
        self.flush();
        let Executor { client, answers, .. } = &mut self.all;
        let is_silent = client.replies != Replies::On;
        if client.replies == Replies::Skip {
            client.replies = Replies::On;
        }
        if is_silent {
            answers.truncate(mark);
            if let Stop::Later(later) = stop {
                return Stop::Later(Box::pin(later.map(|_answer| Ok(Answers::default()))));
            }
        }
        stop
    }

    fn push(&mut self, command: &'static Command, plan: Plan<'b>) -> Stop {
        self.ops.push(plan.op);
        self.all.lists.steps.push(Step { command, shape: plan.shape });
        if self.ops.len() < self.ops_max { Stop::Done } else { self.flush() }
    }

    /// Executes a command by itself.
    fn call(&mut self, command: &'static Command, request: Request<'b>) -> Stop {
        self.flush();
        let Executor { shared, client, answers, .. } = &mut self.all;
        let (mark, start) = (answers.mark(), answers.len());
        let call = Call::new((command, request), client, shared, answers);
        match call.run() {
            Ok(left) => {
                answers.rest_on(start, left.basis);
                client.written = client.written.max(left.basis.written());
                match left.after {
                    After::Next => self.room(),
                    After::Close => Stop::Close,
                    After::Later(later) => Stop::Later(later),
                }
            }
            Err(failure) => {
                answers.truncate(mark);
                self.fail(Some(command), &failure)
            }
        }
    }

    /// Answers with an error, instead of executing a command.
    #[cold]
    fn reject(&mut self, command: Option<&'static Command>, failure: &Failure) -> Stop {
        self.all.lists.tally.count_other();
        if let Some(command) = command {
            self.all.shared.statistics.commands.rejected(command);
        }
        self.fail(None, failure)
    }

    /// Answers with an error, for a command that was executed if one is given.
    fn fail(&mut self, executed: Option<&'static Command>, failure: &Failure) -> Stop {
        self.flush();
        tally::count_failure(self.all.shared, executed, failure);
        self.all.answers.error(failure);
        self.room()
    }

    /// Whether a command may be executed now.
    fn admit(&self, command: &'static Command) -> Result<(), Failure> {
        if self.is_open {
            return Ok(());
        }
        let shared = &self.all.shared;
        if let Err(loading) = shared.gate.open() {
            let is_served = command.flags.has(Flags::LOADING);
            return if is_served { Ok(()) } else { Err(Failure::Loading(loading.percent)) };
        }
        if command.flags.has(Flags::WRITE) {
            shared.writes()?;
        }
        Ok(())
    }

    /// Executes the operations taken so far, and answers them.
    fn flush(&mut self) -> Stop {
        if self.ops.is_empty() {
            return Stop::Done;
        }
        let Executor { shared, client, answers, lists, .. } = &mut self.all;
        let asked = self.ops.iter().zip(lists.steps.drain(..));
        let mut replies = Replying { asked, shared, client, answers };
        // More than the store takes at once are never collected.
        if let Err(error) = shared.gate.store().execute_in_order(&self.ops, &mut replies) {
            self.ops.iter().for_each(|_| replies.reply(Err(error.clone())));
        }
        drop(replies);
        self.ops.clear();
        self.room()
    }

    fn room(&self) -> Stop {
        if self.all.answers.weight() < self.all.room { Stop::Done } else { Stop::Full }
    }
}

/// The list for operations that borrow from something else: the same room, with nothing in it.
fn recycled<'b>(mut ops: Vec<Op<'_>>) -> Vec<Op<'b>> {
    ops.clear();
    // The standard library collects in place.
    ops.into_iter().map_while(|_op| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recycled_list_keeps_its_room() {
        let ops: Vec<Op<'_>> = Vec::with_capacity(64);
        let place = ops.as_ptr() as usize;
        let recycled: Vec<Op<'static>> = recycled(ops);
        assert_eq!((recycled.as_ptr() as usize, recycled.capacity()), (place, 64));
    }
}
