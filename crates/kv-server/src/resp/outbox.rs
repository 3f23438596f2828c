//! What a client has yet to receive: answers that its socket does not take yet, and answers that wait for the
//! log.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
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

/// Bytes that are decompressed before others have their turn; the value that reaches it is among them.
const DECOMPRESSED_PER_TURN_MAX: usize = 1 << 20;

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
    /// The first piece decompressed, for as long as the socket takes some of it.
    unpacked: Option<Bytes>,
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
        self.unpacked = None;
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
        let mut decompressed = 0;
        while self.sendable() > 0 {
            if self.sent >= turn_ends || decompressed >= DECOMPRESSED_PER_TURN_MAX {
                return Poll::Ready(Ok(Sent::Part));
            }
            decompressed += self.decompress();
            let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE_MAX];
            let count = self.fill(&mut slices, self.sendable().min(BYTES_PER_WRITE_MAX));
            let slices = slices.get(..count).unwrap_or_default();
            let Poll::Ready(sent) = Pin::new(&mut *stream).poll_write_vectored(context, slices)
            else {
                // Whoever reads slowly, or not at all, takes no memory meanwhile.
                self.unpacked = None;
                return Poll::Pending;
            };
            let sent = sent?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(sent);
        }
        Poll::Ready(Ok(Sent::All))
    }

    /// Sees that the first piece can be sent as it is, and tells how many bytes had to be decompressed for that.
    fn decompress(&mut self) -> usize {
        match self.pieces.front() {
            Some(first) if first.is_compressed() && self.unpacked.is_none() => {
                self.unpacked = Some(first.clone().into_bytes());
                first.decompressed_len()
            }
            _ => 0,
        }
    }

    /// Fills the slices with the next bytes, up to the next piece that would have to be decompressed, and tells how
    /// many slices there are.
    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>], bytes_max: usize) -> usize {
        let (mut left, mut count) = (bytes_max, 0);
        let as_they_are = self.pieces.iter().skip(usize::from(self.unpacked.is_some()));
        let pieces = self.unpacked.iter().chain(as_they_are.map_while(Value::plain));
        for (slice, piece) in slices.iter_mut().zip(pieces) {
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
            if let Some(unpacked) = &mut self.unpacked {
                unpacked.advance(passed);
            }
            left -= passed;
            if first.is_empty() {
                self.pieces.pop_front();
                self.unpacked = None;
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
    use super::*;

    /// Takes so many bytes in all.
    struct Narrow {
        left: usize,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.get(..bytes.len().min(self.left)).unwrap_or_default();
            self.left -= taken.len();
            self.taken.extend_from_slice(taken);
            if taken.is_empty() { Poll::Pending } else { Poll::Ready(Ok(taken.len())) }
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    const LONG: usize = 1 << 20;

    /// What a store answers that keeps a value of this length compressed.
    fn compressed() -> Value {
        let config = kv_core::EngineConfig { compress_min_bytes: Some(64), ..Default::default() };
        let clock = kv_core::testing::ManualClock::default();
        let store = kv_core::ShardedStore::new(config, kv_core::NullJournal, clock).unwrap();
        let (value, expiry) = (&vec![b'x'; LONG][..], kv_core::SetExpiry::Never);
        let set = kv_core::Action::Set { value, expiry, return_previous: false };
        for action in [set, kv_core::Action::Get] {
            let reply = kv_core::Store::execute(&store, &kv_core::Op::new(b"key", action));
            if let Some(value) = reply.unwrap().into_kept_value() {
                assert!(value.is_compressed());
                return value;
            }
        }
        unreachable!("a get answers with a value")
    }

    #[test]
    fn of_compressed_values_one_is_decompressed_while_the_client_takes_it() {
        let (mut outbox, mut answers) = (Outbox::default(), Answers::default());
        let value = compressed();
        (0..2).for_each(|_| answers.bulk(value.clone()));
        outbox.take(&mut answers, 0, false);
        let mut expected = format!("${LONG}\r\n").into_bytes();
        expected.resize(expected.len() + LONG, b'x');
        let expected = [&expected, &b"\r\n"[..]].concat().repeat(2);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut stream = Narrow { left: 0, taken: Vec::new() };
        let mut pauses = 0;
        while !outbox.is_empty() {
            match outbox.poll_send(&mut context, &mut stream) {
                Poll::Pending => {
                    assert!(outbox.unpacked.is_none(), "the client takes nothing");
                    (stream.left, pauses) = (500_000, pauses + 1);
                }
                Poll::Ready(sent) => assert!(sent.is_ok()),
            }
            // Only the one that is sent, and nowhere else.
            let is_short = |piece: &Value| piece.is_compressed() || piece.len() < 100;
            assert!(outbox.pieces.iter().all(is_short));
        }
        assert_eq!(pauses, 5, "it takes two megabytes in so many parts");
        assert!(outbox.unpacked.is_none());
        assert!(stream.taken == expected);
    }

    /// Each takes as long as the whole value.
    #[test]
    fn after_many_parts_of_compressed_values_others_have_their_turn() {
        let (mut outbox, mut answers) = (Outbox::default(), Answers::default());
        let value = compressed();
        (0..10).for_each(|at| answers.bulk(value.slice(at..at + 2)));
        outbox.take(&mut answers, 0, false);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut stream = Narrow { left: usize::MAX, taken: Vec::new() };
        let mut turns = 1;
        while let Poll::Ready(Ok(Sent::Part)) = outbox.poll_send(&mut context, &mut stream) {
            turns += 1;
        }
        assert_eq!(turns, 11, "the last one finds nothing left");
        assert_eq!(stream.taken, b"$2\r\nxx\r\n".repeat(10));
    }

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
