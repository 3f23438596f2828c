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

/// The first compressed piece among those of a call, as bytes.
struct Unpacked {
    /// Its place among the pieces.
    at: usize,
    /// What has not been sent of it.
    bytes: Bytes,
}

/// Bytes on their way to a client. Places among them count from the connection's beginning.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Large values as the store keeps them: what is compressed becomes longer only when it is sent.
    pieces: VecDeque<Value>,
    /// Bytes that have to be decompressed to send them.
    owed: usize,
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

    /// What they cost, as [`Answers::weight`].
    pub(super) fn weight(&self) -> usize {
        self.len() + self.owed
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
        self.owed += answers.owed_bytes();
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
        self.owed = self.pieces.iter().map(Value::decompressed_len).sum();
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
        // Only here: whoever reads slowly, or not at all, takes no memory meanwhile.
        let (mut unpacked, mut decompressed) = (None, 0);
        while self.sendable() > 0 {
            let is_due = self.sent >= turn_ends || decompressed >= DECOMPRESSED_PER_TURN_MAX;
            if is_due && unpacked.is_none() {
                return Poll::Ready(Ok(Sent::Part));
            }
            let bytes_max = self.sendable().min(BYTES_PER_WRITE_MAX);
            if unpacked.is_none()
                && let Some(at) = self.first_compressed(bytes_max)
            {
                // Not for a socket that takes nothing: it would be done each time that somebody looks.
                ready!(Pin::new(&mut *stream).poll_write(context, &[]))?;
                unpacked = self.unpack(at);
                decompressed += self.pieces.get(at).map_or(0, Value::decompressed_len);
            }
            let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE_MAX];
            let count = self.fill(&mut slices, unpacked.as_ref(), bytes_max);
            let slices = slices.get(..count).unwrap_or_default();
            let sent = ready!(Pin::new(&mut *stream).poll_write_vectored(context, slices))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(sent, &mut unpacked);
        }
        Poll::Ready(Ok(Sent::All))
    }

    /// The first compressed piece among those of the next call, which takes so many bytes: not what has to wait
    /// behind them, perhaps for the log.
    fn first_compressed(&self, bytes_max: usize) -> Option<usize> {
        let mut before = 0;
        let mut next = self.pieces.iter().take(PIECES_PER_WRITE_MAX).take_while(|piece| {
            let begins = before;
            before += piece.len();
            begins < bytes_max
        });
        next.position(Value::is_compressed)
    }

    fn unpack(&self, at: usize) -> Option<Unpacked> {
        let bytes = self.pieces.get(at)?.clone().into_bytes();
        Some(Unpacked { at, bytes })
    }

    /// Fills the slices with the next bytes, up to the next piece that would have to be decompressed, and tells how
    /// many slices there are.
    fn fill<'a>(
        &'a self,
        slices: &mut [IoSlice<'a>],
        unpacked: Option<&'a Unpacked>,
        bytes_max: usize,
    ) -> usize {
        let (mut left, mut count) = (bytes_max, 0);
        let unpacked = |at: usize| unpacked.filter(|unpacked| unpacked.at == at);
        let pieces = self.pieces.iter().enumerate().map_while(|(at, piece)| {
            unpacked(at).map_or_else(|| piece.plain(), |unpacked| Some(&unpacked.bytes))
        });
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
    fn advance(&mut self, bytes: usize, unpacked: &mut Option<Unpacked>) {
        self.sent += bytes as u64;
        let mut left = bytes;
        while left > 0
            && let Some(first) = self.pieces.front_mut()
        {
            let passed = left.min(first.len());
            first.advance(passed);
            if let Some(Unpacked { at: 0, bytes }) = unpacked {
                bytes.advance(passed);
            }
            left -= passed;
            if first.is_empty() {
                self.owed -= first.decompressed_len();
                self.pieces.pop_front();
                *unpacked = unpacked.take().and_then(|Unpacked { at, bytes }| {
                    at.checked_sub(1).map(|at| Unpacked { at, bytes })
                });
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
    #[derive(Default)]
    struct Narrow {
        left: usize,
        taken: Vec<u8>,
        /// How often it was asked while it took something.
        asked: usize,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.left == 0 {
                return Poll::Pending;
            }
            let taken = bytes.get(..bytes.len().min(self.left)).unwrap_or_default();
            self.left -= taken.len();
            self.taken.extend_from_slice(taken);
            self.asked += 1;
            Poll::Ready(Ok(taken.len()))
        }
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            self.poll_write(context, &all)
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    const LONG: usize = 1 << 20;

    /// No two neighbouring parts of it are alike.
    fn long() -> Vec<u8> {
        (0_u32..).flat_map(|number| format!("{number} ").into_bytes()).take(LONG).collect()
    }

    /// What a store answers that keeps a value of this length compressed.
    fn compressed() -> Value {
        let config = kv_core::EngineConfig { compress_min_bytes: Some(64), ..Default::default() };
        let clock = kv_core::testing::ManualClock::default();
        let store = kv_core::ShardedStore::new(config, kv_core::NullJournal, clock).unwrap();
        let (value, expiry) = (&long()[..], kv_core::SetExpiry::Never);
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
    fn compressed_values_are_sent_whole_and_stay_compressed_until_then() {
        let (mut outbox, mut answers) = (Outbox::default(), Answers::default());
        let value = compressed();
        for _ in 0..2 {
            answers.ok();
            answers.bulk(value.clone());
        }
        outbox.take(&mut answers, 0, false);
        let one = [&b"+OK\r\n"[..], format!("${LONG}\r\n").as_bytes(), &long(), b"\r\n"].concat();
        let expected = one.repeat(2);
        assert_eq!(outbox.weight(), expected.len() + 2 * LONG);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let (mut stream, mut pauses) = (Narrow::default(), 0);
        while !outbox.is_empty() {
            match outbox.poll_send(&mut context, &mut stream) {
                Poll::Pending => (stream.left, pauses) = (500_000, pauses + 1),
                Poll::Ready(sent) => assert!(sent.is_ok()),
            }
            let is_short = |piece: &Value| piece.is_compressed() || piece.len() < 100;
            assert!(outbox.pieces.iter().all(is_short));
        }
        assert_eq!((pauses, outbox.weight()), (5, 0), "two megabytes in so many parts");
        assert!(stream.taken == expected);
    }

    #[test]
    fn nothing_is_decompressed_for_a_socket_that_takes_nothing() {
        let (mut outbox, mut answers) = (Outbox::default(), Answers::default());
        answers.bulk(compressed());
        outbox.take(&mut answers, 0, false);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut stream = Narrow { left: 100_000, ..Narrow::default() };
        while outbox.poll_send(&mut context, &mut stream).is_ready() {}
        let (sent, asked) = (outbox.sent, stream.asked);
        assert_eq!(sent, 100_000);
        for _ in 0..10 {
            assert!(outbox.poll_send(&mut context, &mut stream).is_pending());
        }
        assert_eq!((outbox.sent, stream.asked), (sent, asked), "it was not even offered any");
    }

    #[test]
    fn nothing_is_decompressed_that_waits_for_the_log() {
        let (mut outbox, mut answers) = (Outbox::default(), Answers::default());
        answers.ok();
        answers.bulk(compressed());
        outbox.take(&mut answers, 0, false);
        let (start, end) = (b"+OK\r\n".len() as u64, outbox.end);
        outbox.held.push_back(Held { start, end, basis: Basis::default() });
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut stream = Narrow { left: usize::MAX, ..Narrow::default() };
        let sent = outbox.poll_send(&mut context, &mut stream);
        assert!(matches!(sent, Poll::Ready(Ok(Sent::All))));
        assert_eq!((&stream.taken[..], stream.asked), (&b"+OK\r\n"[..], 1), "and not for more");
        outbox.held.clear();
        while !outbox.is_empty() {
            assert!(outbox.poll_send(&mut context, &mut stream).is_ready());
        }
        assert_eq!(stream.taken.len() as u64, end);
    }

    /// Each takes as long as the whole value.
    #[test]
    fn after_many_parts_of_compressed_values_others_have_their_turn() {
        let (mut outbox, mut answers) = (Outbox::default(), Answers::default());
        let value = compressed();
        (0..10).for_each(|at| answers.bulk(value.slice(at * 10..at * 10 + 2)));
        assert_eq!(answers.weight(), 10 * (LONG + 8), "each keeps the whole value");
        outbox.take(&mut answers, 0, false);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut stream = Narrow { left: usize::MAX, ..Narrow::default() };
        let mut turns = 1;
        while let Poll::Ready(Ok(Sent::Part)) = outbox.poll_send(&mut context, &mut stream) {
            turns += 1;
        }
        assert!((10..=11).contains(&turns), "{turns} turns for 10 values of a turn's worth");
        let expected = (0..10).flat_map(|at| {
            let part = long()[at * 10..at * 10 + 2].to_vec();
            [b"$2\r\n", &part[..], b"\r\n"].concat()
        });
        assert_eq!(stream.taken, expected.collect::<Vec<u8>>());
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
        outbox.advance(2, &mut None);
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
