//! Turns whose answers the client does not have yet: how long they wait, and for what.
//!
//! A turn that is answered at once never comes here.

use std::collections::VecDeque;
use std::time::Duration;

use super::commands::Command;
use crate::clock::Stopwatch;
use crate::metrics::Operation;
use crate::slow::{Phases, Words};

/// Most turns of one connection that are followed at a time. Those beyond are taken to be part of the last one.
const FOLLOWED_MAX: usize = 16;

/// A turn, or the work of a command beside the turns.
#[derive(Debug)]
pub(super) struct Turn {
    /// That of its first command.
    pub(super) operation: Operation,
    pub(super) words: Words,
    /// How many commands it has.
    pub(super) commands: u64,
    pub(super) phases: Phases,
    /// How long its first request took to arrive.
    pub(super) arrival: Duration,
    /// When the phase that is not over yet began.
    pub(super) since: Stopwatch,
    /// What is counted when it is answered.
    pub(super) uncounted: Vec<(Operation, u64)>,
}

/// A turn on its way.
#[derive(Debug)]
struct Followed {
    turn: Turn,
    /// Where its answers end among all bytes of the connection.
    end: u64,
    /// Some of its answers wait for the log.
    in_log: bool,
}

/// The turns of a connection that are on their way, in order.
#[derive(Debug, Default)]
pub(super) struct Turns(VecDeque<Followed>);

impl Turn {
    /// The work of a command beside the turns, which began then and took so long, the wait for its turn included.
    pub(super) fn of_work(
        (command, words): (&'static Command, Words),
        began: Stopwatch,
        (queued, took): (Duration, Duration),
    ) -> Self {
        let execution = took.saturating_sub(queued);
        let phases = Phases { queue: queued, execution, ..Phases::default() };
        Self {
            operation: command.operation,
            words,
            commands: 1,
            phases,
            arrival: Duration::ZERO,
            since: began.after(took),
            uncounted: Vec::new(),
        }
    }

    /// The phase that was not over is over now.
    fn end_phase(&mut self, phase: impl FnOnce(&mut Phases) -> &mut Duration) {
        let took = self.since.elapsed();
        *phase(&mut self.phases) += took;
        self.since = self.since.after(took);
    }

    /// Its answers are with the system.
    pub(super) fn end_reply(&mut self) {
        self.end_phase(|phases| &mut phases.reply);
    }
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        let turns =
            self.0.iter().map(|followed| size_of::<Followed>() + followed.turn.words.bytes());
        turns.sum()
    }

    /// Follows a turn whose answers end there.
    pub(super) fn push(&mut self, turn: Turn, end: u64, in_log: bool) {
        let is_full = self.0.len() >= FOLLOWED_MAX;
        match self.0.back_mut().filter(|_| is_full) {
            None => self.0.push_back(Followed { turn, end, in_log }),
            Some(last) => {
                last.end = end;
                last.in_log |= in_log;
                last.turn.commands += turn.commands;
                for (operation, count) in turn.uncounted {
                    add(&mut last.turn.uncounted, operation, count);
                }
            }
        }
    }

    /// Answers from there on wait for the log, or none when there is no such place; those before do not any more.
    /// Tells what is to be counted of those turns, now that they are answered, and how long each took.
    pub(super) fn settle(
        &mut self,
        held_from: Option<u64>,
        mut count: impl FnMut(Operation, Duration, u64),
    ) {
        let settled = |followed: &Followed| held_from.is_none_or(|from| followed.end <= from);
        for followed in self.0.iter_mut().take_while(|followed| settled(followed)) {
            if !std::mem::take(&mut followed.in_log) {
                continue;
            }
            let turn = &mut followed.turn;
            turn.end_phase(|phases| &mut phases.log);
            let took = turn.phases.lock + turn.phases.execution + turn.phases.log;
            for (operation, counted) in turn.uncounted.drain(..) {
                count(operation, took, counted);
            }
        }
    }

    /// Everything before that place has been sent: the next turn that is over, if there is one.
    pub(super) fn take_sent(&mut self, sent: u64) -> Option<Turn> {
        let mut over = self.0.pop_front_if(|first| first.end <= sent)?.turn;
        over.end_reply();
        if self.0.is_empty() {
            // A connection that has nothing to send keeps no room for it.
            self.0 = VecDeque::new();
        }
        Some(over)
    }

    /// An answer that ended there has become longer or shorter, and what is behind it has moved.
    pub(super) fn shift(&mut self, from: u64, moved: impl Fn(u64) -> u64) {
        for followed in self.0.iter_mut().filter(|followed| followed.end >= from) {
            followed.end = moved(followed.end);
        }
    }
}

/// Counts more of an operation.
pub(super) fn add(counts: &mut Vec<(Operation, u64)>, operation: Operation, count: u64) {
    match counts.iter_mut().find(|(counted, _)| *counted == operation) {
        Some((_, sum)) => *sum += count,
        None => counts.push((operation, count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn() -> Turn {
        Turn {
            operation: Operation::Set,
            words: Words::default(),
            commands: 1,
            phases: Phases::default(),
            arrival: Duration::ZERO,
            since: Stopwatch::start(),
            uncounted: vec![(Operation::Set, 1)],
        }
    }

    /// How many requests are counted when answers from there on wait.
    fn settle(turns: &mut Turns, held_from: Option<u64>) -> u64 {
        let mut counted = 0;
        turns.settle(held_from, |_operation, _took, count| counted += count);
        counted
    }

    #[test]
    fn a_turn_is_over_when_its_last_byte_is_sent() {
        let mut turns = Turns::default();
        turns.push(turn(), 10, true);
        turns.push(turn(), 30, true);
        assert_eq!(settle(&mut turns, Some(0)), 0);
        assert_eq!(settle(&mut turns, Some(29)), 1);
        assert_eq!(settle(&mut turns, Some(29)), 0, "once");
        assert!(turns.take_sent(9).is_none());
        assert!(turns.take_sent(10).is_some() && turns.take_sent(10).is_none());
        turns.shift(30, |end| end + 5);
        assert_eq!(settle(&mut turns, None), 1);
        assert!(turns.take_sent(34).is_none() && turns.take_sent(35).is_some());
        assert!(turns.is_empty() && turns.bytes() == 0);
    }

    #[test]
    fn so_many_are_followed_and_more_are_part_of_the_last() {
        let mut turns = Turns::default();
        for end in 1..=FOLLOWED_MAX as u64 {
            turns.push(turn(), end, true);
        }
        let bytes = turns.bytes();
        turns.push(turn(), FOLLOWED_MAX as u64 + 1, true);
        assert_eq!(turns.bytes(), bytes);
        assert_eq!(settle(&mut turns, None), FOLLOWED_MAX as u64 + 1, "none is lost");
        for _ in 1..FOLLOWED_MAX {
            assert_eq!(turns.take_sent(FOLLOWED_MAX as u64).unwrap().commands, 1);
        }
        assert!(turns.take_sent(FOLLOWED_MAX as u64).is_none());
        assert_eq!(turns.take_sent(FOLLOWED_MAX as u64 + 1).unwrap().commands, 2);
    }
}
