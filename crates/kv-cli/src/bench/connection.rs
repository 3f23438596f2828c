//! Drives one connection, from the first operation to the last.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::control::Control;
use super::driver::{Broken, Driver, within};
use super::load::{Kind, Operation, Operations, Payload};
use super::pace::{Pace, Step};
use super::plan::Plan;
use super::tally::{Answer, Errors, Tally};
use crate::stopwatch::Stopwatch;

/// What the connections of a thread share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) control: Arc<Control>,
    pub(super) payload: Payload,
    pub(super) tally: RefCell<Tally>,
}

/// One connection, and what it is to do.
pub(super) struct Connection {
    number: u32,
    driver: Driver,
    operations: Operations,
    shared: Rc<Shared>,
    /// The operations of the turn.
    batch: Vec<Operation>,
}

impl Connection {
    /// Opens it.
    pub(super) async fn open(
        number: u32,
        operations: Operations,
        shared: Rc<Shared>,
    ) -> Result<Self, String> {
        let driver = Driver::open(&shared.plan, shared.payload.clone()).await?;
        Ok(Self { number, driver, operations, shared, batch: Vec::new() })
    }

    /// Writes its share of all keys. Says what was refused; an error ends the run.
    pub(super) async fn fill(&mut self) -> Result<Errors, Broken> {
        let shared = Rc::clone(&self.shared);
        let (plan, mut errors) = (&shared.plan, Errors::default());
        let depth = usize::try_from(plan.protocol.fill_depth()).unwrap_or(1);
        let stride = usize::try_from(plan.connections).unwrap_or(usize::MAX);
        let mut keys = (self.number..plan.load.keys).step_by(stride).peekable();
        while keys.peek().is_some() && !shared.control.is_stopped() {
            self.batch.clear();
            let write = |key| Operation { kind: Kind::Write, key };
            self.batch.extend(keys.by_ref().take(depth).map(write));
            let mut told = |_place, answer| {
                if let Answer::Failed(kind) = answer {
                    errors.add(&kind, 1);
                }
            };
            let turn = within(plan.timeout, self.driver.turn(&self.batch, &mut told)).await;
            turn.unwrap_or_else(|| Err(Broken::new("timeout")))?;
            shared.control.count(self.batch.len().try_into().unwrap_or(u64::MAX), 0);
        }
        Ok(errors)
    }

    /// Does what it is to do, and counts what comes of it.
    pub(super) async fn run(mut self, since: Stopwatch) {
        let shared = Rc::clone(&self.shared);
        let (pace, mut sent) = (shared.plan.pace(self.number), 0);
        let number = usize::try_from(self.number).unwrap_or(usize::MAX);
        while !shared.control.is_stopped() {
            match pace.step(sent, since.elapsed()) {
                Step::End => break,
                Step::Wait => shared.control.woken(number).await,
                Step::Send(count) => {
                    let turn = self.turn(&pace, sent, count, since).await;
                    sent += count;
                    if turn.is_err() && !self.reopen().await {
                        shared.tally.borrow_mut().connections_lost += 1;
                        break;
                    }
                }
            }
        }
        shared.tally.borrow_mut().unsent += pace.unsent(sent, since.elapsed());
    }

    /// Sends so many operations, the first of which has the number `first`, and waits for their answers.
    async fn turn(
        &mut self,
        pace: &Pace,
        first: u64,
        count: u64,
        since: Stopwatch,
    ) -> Result<(), Broken> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.batch.clear();
        self.batch.extend(self.operations.by_ref().take(count));
        let mut turn = Turn {
            batch: &self.batch,
            answered: vec![false; self.batch.len()],
            failed: 0,
            begun: since.elapsed(),
            shared: &self.shared,
            pace,
            first,
            since,
        };
        let mut told = |place, answer| turn.tell(place, &answer);
        let under_way = self.driver.turn(&self.batch, &mut told);
        let outcome = within(self.shared.plan.timeout, under_way).await;
        let outcome = outcome.unwrap_or_else(|| Err(Broken::new("timeout")));
        if let Err(broken) = &outcome {
            turn.fail_rest(broken);
        }
        self.shared.control.count(turn.answered.len().try_into().unwrap_or(u64::MAX), turn.failed);
        outcome
    }

    /// Opens the connection again, after it broke.
    async fn reopen(&mut self) -> bool {
        match Driver::open(&self.shared.plan, self.shared.payload.clone()).await {
            Ok(driver) => self.driver = driver,
            Err(_unreachable) => return false,
        }
        true
    }
}

/// Operations under way.
struct Turn<'a> {
    batch: &'a [Operation],
    answered: Vec<bool>,
    failed: u64,
    /// When they were sent, after the start of the run.
    begun: Duration,
    shared: &'a Shared,
    pace: &'a Pace,
    /// The number of the first.
    first: u64,
    since: Stopwatch,
}

impl Turn<'_> {
    /// The answer to one of them has come.
    fn tell(&mut self, place: usize, answer: &Answer) {
        let (Some(operation), Some(answered)) =
            (self.batch.get(place), self.answered.get_mut(place))
        else {
            return;
        };
        *answered = true;
        self.failed += u64::from(matches!(answer, Answer::Failed(_)));
        let now = self.since.elapsed();
        let number = self.first.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
        let intended = self.pace.intended(number, self.begun);
        if intended < self.shared.plan.warmup {
            return;
        }
        let mut tally = self.shared.tally.borrow_mut();
        tally.count(operation.kind, answer, now.saturating_sub(intended));
        tally.last = now;
    }

    /// Nothing more will come.
    fn fail_rest(&mut self, broken: &Broken) {
        for place in 0..self.answered.len() {
            if self.answered.get(place) == Some(&false) {
                self.tell(place, &broken.answer());
            }
        }
    }
}
