//! What a client has yet to receive: answers that its socket does not take yet, and answers that wait for the
//! log.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use kv_core::{Durability, Progress, Value};
use tokio::io::AsyncWrite;

use super::answers::Answers;
use super::failure::Failure;
use super::turns::{Turn, Turns};
use crate::gate::Gate;
use crate::metrics::Protocol;
use crate::promise::{Basis, Unkept};
use crate::waiting::Waiter;

/// Most pieces that go to the socket with one call.
const PIECES_PER_WRITE_MAX: usize = 16;

/// Most bytes that go to the socket with one call. Larger values are sent in parts, and between them others
/// have their turn.
const BYTES_PER_WRITE_MAX: usize = 64 << 10;

/// Most answers that wait for the log before no more commands are executed.
const AHEAD_ANSWERS_MAX: usize = 16 << 10;

/// Most bytes of answers that wait for the log before no more commands are executed; the command that reaches
/// it is in it.
const AHEAD_BYTES_MAX: usize = 4 << 20;

/// Bytes on their way to a client. Places among them count from the connection's beginning.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Large values as the store keeps them: what is compressed becomes longer only when it is sent.
    pieces: VecDeque<Value>,
    /// What is before has been sent.
    sent: u64,
    /// Where the last piece ends.
    end: u64,
    /// The answers that wait for the log, in order.
    held: VecDeque<Held>,
    /// Waits for the first of them.
    waiter: Option<Waiter>,
    /// Those whose answers these are.
    turns: Turns,
}

/// An answer that waits for the log.
#[derive(Debug, Clone, Copy)]
struct Held {
    start: u64,
    end: u64,
    basis: Basis,
}

impl Outbox {
    /// Whether everything has been sent.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes that have not been sent.
    pub(super) fn len(&self) -> usize {
        to_usize(self.end - self.sent)
    }

    /// The pieces that they are in.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes that have not been sent and need not wait for the log.
    pub(super) fn sendable(&self) -> usize {
        to_usize(self.held.front().map_or(self.end, |held| held.start) - self.sent)
    }

    /// Whether some of them wait for the log.
    pub(super) fn has_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Follows the turn whose answers were taken last.
    pub(super) fn follow(&mut self, turn: Turn) {
        self.turns.push(turn, self.end, !self.held.is_empty());
    }

    /// A turn whose answers have been sent, all of them.
    #[inline]
    pub(super) fn take_sent_turn(&mut self) -> Option<Turn> {
        if self.turns.is_empty() { None } else { self.turns.take_sent(self.sent) }
    }

    /// Nothing more is sent: all turns are over.
    pub(super) fn give_up_turns(&mut self, gate: &Gate) {
        self.held.clear();
        self.settle_turns(gate);
        self.sent = self.end;
    }

    /// Counts the requests that need not wait for the log any more.
    fn settle_turns(&mut self, gate: &Gate) {
        let held_from = self.held.front().map(|held| held.start);
        self.turns.settle(held_from, |operation, took, count| {
            gate.metrics().record(Protocol::Resp, operation, took, count);
        });
    }

    /// How much memory is needed to follow the turns.
    pub(super) fn turn_bytes(&self) -> usize {
        self.turns.bytes()
    }

    /// Whether more commands may be executed although answers wait for the log.
    pub(super) fn may_go_ahead(&self) -> bool {
        self.held.len() < AHEAD_ANSWERS_MAX
            && (self.held.is_empty() || self.len() < AHEAD_BYTES_MAX)
    }

    /// Takes the answers of a turn, from the byte at `start` on. With `holds`, those that rest on something are
    /// not sent before the log has got there.
    pub(super) fn take(&mut self, answers: &mut Answers, start: usize, holds: bool) {
        let at = |place: usize| self.end + (place - start) as u64;
        if holds {
            let held = answers.bases().iter();
            let held = held.map(|based| Held {
                start: at(based.start),
                end: at(based.end),
                basis: based.basis,
            });
            self.held.extend(held);
        }
        self.end = at(answers.len());
        self.pieces.extend(answers.take_pieces(start));
    }

    /// Lets go of answers that need not wait any more. `progress` wakes the task when the next one can be.
    pub(super) fn release(
        &mut self,
        (gate, level): (&Gate, Durability),
        progress: &dyn Progress,
        context: &Context<'_>,
    ) {
        let waiting = self.held.len();
        self.release_held((gate, level), progress, context);
        if self.held.len() < waiting {
            self.settle_turns(gate);
        }
    }

    fn release_held(
        &mut self,
        (gate, level): (&Gate, Durability),
        progress: &dyn Progress,
        context: &Context<'_>,
    ) {
        while let Some(first) = self.held.front().copied() {
            match self.settle(first.basis, (gate, level), progress, context) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {
                    self.held.pop_front();
                }
                Poll::Ready(Err(unkept)) => {
                    self.held.pop_front();
                    self.replace(first, &unkept.into());
                }
            }
        }
    }

    fn settle(
        &mut self,
        basis: Basis,
        (gate, level): (&Gate, Durability),
        progress: &dyn Progress,
        context: &Context<'_>,
    ) -> Poll<Result<(), Unkept>> {
        let waiter = match &mut self.waiter {
            Some(waiter) => waiter,
            None => match gate.waiter(basis, level)? {
                Some(waiter) => self.waiter.insert(waiter),
                None => return Poll::Ready(Ok(())),
            },
        };
        let reached = ready!(waiter.poll(progress, context));
        self.waiter = None;
        Poll::Ready(reached.map_err(|failure| basis.lost(failure)))
    }

    /// Puts an error in the place of an answer. Happens once the log has failed, and never before.
    #[cold]
    fn replace(&mut self, answer: Held, failure: &Failure) {
        let mut error = Answers::default();
        error.error(failure);
        let mut pieces = std::mem::take(&mut self.pieces);
        let mut at = self.sent;
        let mut kept = |until: u64, into: Option<&mut VecDeque<Value>>| {
            let mut taken = VecDeque::new();
            while at < until
                && let Some(mut piece) = pieces.pop_front()
            {
                let part = piece.split_to(piece.len().min(to_usize(until - at)));
                at += part.len() as u64;
                taken.push_back(part);
                if !piece.is_empty() {
                    pieces.push_front(piece);
                }
            }
            if let Some(into) = into {
                into.append(&mut taken);
            }
        };
        kept(answer.start, Some(&mut self.pieces));
        kept(answer.end, None);
        let (removed, added) = (answer.end - answer.start, error.len() as u64);
        self.pieces.extend(error.take_pieces(0));
        self.pieces.append(&mut pieces);
        let moved = |place: u64| place + added - removed;
        self.end = moved(self.end);
        for held in &mut self.held {
            (held.start, held.end) = (moved(held.start), moved(held.end));
        }
        self.turns.shift(answer.end, moved);
    }

    /// Sends what may be sent: all of it, or so much that others should have a turn. Pending when the socket
    /// takes no more.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<Sent>> {
        let turn_ends = self.sent + BYTES_PER_WRITE_MAX as u64;
        while self.sendable() > 0 {
            if self.sent >= turn_ends {
                return Poll::Ready(Ok(Sent::Part));
            }
            let bytes_max = self.sendable().min(BYTES_PER_WRITE_MAX);
            self.decompress(bytes_max);
            let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE_MAX];
            let count = self.fill(&mut slices, bytes_max);
            let slices = slices.get(..count).unwrap_or_default();
            let sent = ready!(Pin::new(&mut *stream).poll_write_vectored(context, slices))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(sent);
        }
        Poll::Ready(Ok(Sent::All))
    }

    /// Sees that the next bytes can be sent as they are: so many, and those of the value that they end in.
    fn decompress(&mut self, bytes_max: usize) {
        let mut left = bytes_max;
        for piece in self.pieces.iter_mut().take(PIECES_PER_WRITE_MAX) {
            if left == 0 {
                break;
            }
            piece.decompress();
            left = left.saturating_sub(piece.len());
        }
    }

    /// Fills the slices with the next bytes, and tells how many slices there are.
    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>], bytes_max: usize) -> usize {
        let (mut left, mut count) = (bytes_max, 0);
        for (slice, piece) in slices.iter_mut().zip(self.pieces.iter().map_while(Value::plain)) {
            let part = piece.get(..left.min(piece.len())).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            *slice = IoSlice::new(part);
            left -= part.len();
            count += 1;
        }
        count
    }

    /// Forgets bytes that have been sent.
    fn advance(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        let mut left = bytes;
        while left > 0
            && let Some(first) = self.pieces.front_mut()
        {
            let passed = left.min(first.len());
            first.advance(passed);
            left -= passed;
            if first.is_empty() {
                self.pieces.pop_front();
            }
        }
        if self.pieces.is_empty() {
            // A connection that has nothing to send keeps no room for it.
            self.pieces = VecDeque::new();
            self.held.shrink_to(0);
        }
    }

    /// How many bytes have ever been sent from here, to see whether the client takes any.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}

/// How far the sending got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Everything that may be sent.
    All,
    /// Enough for one turn.
    Part,
}

/// A number of bytes that are in memory.
fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn an_answer_in_the_middle_is_replaced_and_the_others_stay() {
        let mut outbox = Outbox::default();
        let mut answers = Answers::default();
        answers.ok();
        answers.bulk(Bytes::from(vec![b'x'; 20_000]).into());
        answers.ok();
        let len = answers.len();
        outbox.take(&mut answers, 0, false);
        outbox.advance(2);
        let answer = |start, end| Held { start, end, basis: Basis::default() };
        outbox.held.push_back(answer(len as u64 - 5, len as u64));
        outbox.replace(answer(5, len as u64 - 5), &Failure::Syntax);
        let sent = outbox
            .pieces
            .iter()
            .flat_map(|piece| piece.clone().into_bytes().to_vec())
            .collect::<Vec<u8>>();
        assert_eq!(sent, b"K\r\n-ERR syntax error\r\n+OK\r\n");
        assert_eq!(outbox.len(), sent.len());
        let held = outbox.held.front().unwrap();
        assert_eq!((outbox.end - held.start, outbox.end - held.end), (5, 0));
    }
}
