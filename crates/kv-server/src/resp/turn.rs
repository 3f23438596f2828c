//! One turn of a connection: reading what is there, executing it, keeping what is left.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use kv_resp::{Batch, Decoder};
use rustix::io::Errno;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

use super::answers::Answers;
use super::following::{Before, Ran};
use super::input::Input;
use super::run::{self, Executor, Stop};
use super::scratch::{Lists, Scratch};
use super::session::Session;
use super::tally::count_malformed;
use super::turns::Turn;
use crate::clock::Stopwatch;

/// What became of some bytes.
struct Executed {
    /// How many of them were executed.
    consumed: usize,
    /// When all that were whole requests are among those: how many must come at least before the next one is
    /// whole.
    missing: Option<usize>,
}

impl Session {
    /// Executes what has arrived and answers it. Tells whether there is likely to be more.
    pub(super) fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<bool>> {
        let blocked = self.blocked.take();
        let mut input = self.input.take();
        let is_full = if input.as_ref().is_some_and(|input| input.is_ready) {
            true
        } else {
            let Poll::Ready(received) = self.poll_receive(context, &mut input, scratch) else {
                self.input = input;
                return Poll::Pending;
            };
            let (read, room) = received?;
            if read == 0 {
                self.is_closing = true;
                return Poll::Ready(Ok(false));
            }
            read == room
        };
        self.input = match input {
            None => self.execute_scratch((context, blocked), scratch)?,
            Some(input) => self.execute_input((context, blocked), input, scratch)?,
        };
        self.tell();
        Poll::Ready(Ok(is_full))
    }

    /// Receives what is there: behind what was received before, or into the room that connections share. Tells
    /// how many bytes came, and how many could have.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        input: &mut Option<Box<Input>>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<(usize, usize)>> {
        let room = match input {
            Some(input) => match input.short() {
                Some(bytes) => scratch.room_behind(bytes),
                None => input.room(),
            },
            None => &mut *scratch.input,
        };
        let size = room.len();
        let read = ready!(self.poll_read(context, room))?;
        if read == 0 {
            // What the client has begun it will not end: the shared room must not hear of it, or the next client
            // would be taken to go on with it.
            *input = None;
            return Poll::Ready(Ok((0, size)));
        }
        match input.take() {
            None => (scratch.filled, scratch.since) = (read, None),
            Some(short) if short.short().is_some() => {
                scratch.filled = short.sizes().0 + read;
                (scratch.decoder, scratch.since) = (short.decoder, Some(short.since));
            }
            Some(mut long) => {
                long.fill(read);
                *input = Some(long);
            }
        }
        Poll::Ready(Ok((read, size)))
    }

    /// Reads what is there. Nothing when the client has ended its side, or the server drains and everything
    /// that was received has been read.
    fn poll_read(&mut self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some(left) = &mut self.leftover {
            let (room, _) = room.split_at_mut(room.len().min(*left));
            let read = read_now(self.stream.get_ref(), room)?;
            *left -= read;
            return Poll::Ready(Ok(read));
        }
        let mut buffer = ReadBuf::new(room);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Executes what was read into the room that connections share, and keeps what is left of it.
    fn execute_scratch(
        &mut self,
        (context, blocked): (&mut Context<'_>, Option<Stopwatch>),
        scratch: &mut Scratch,
    ) -> io::Result<Option<Box<Input>>> {
        let Scratch { input, filled, since, decoder, lists, answers, .. } = scratch;
        let limits = self.shared.limits;
        decoder.set_limits(limits);
        let bytes = input.get(..*filled).unwrap_or_default();
        let before = Before::new(blocked, *since, self.over_ms());
        let Executed { consumed, missing } =
            self.execute((context, before), (bytes, decoder), lists, answers)?;
        let rest = bytes.get(consumed..).unwrap_or_default();
        if rest.is_empty() && !self.is_closing {
            return Ok(None);
        }
        // It may know of what it has not decoded to its end.
        let decoder = std::mem::replace(decoder, Decoder::new(limits));
        if self.is_closing {
            return Ok(None);
        }
        Ok(Some(match missing {
            Some(missing) => {
                let since = since.take().filter(|_| consumed == 0);
                Input::partial(rest, missing, decoder, since)
            }
            None => Input::unexecuted(rest, limits),
        }))
    }

    /// Executes what the connection has kept and got since, and keeps what is left of it.
    fn execute_input(
        &mut self,
        (context, blocked): (&mut Context<'_>, Option<Stopwatch>),
        mut input: Box<Input>,
        scratch: &mut Scratch,
    ) -> io::Result<Option<Box<Input>>> {
        let Scratch { lists, answers, .. } = scratch;
        let before = if input.is_ready {
            Before::new(Some(input.since), None, self.over_ms())
        } else {
            Before::new(blocked, Some(input.since), self.over_ms())
        };
        let Executed { consumed, missing } =
            self.execute((context, before), input.parts(), lists, answers)?;
        if self.is_closing {
            return Ok(None);
        }
        if let Some(missing) = missing {
            return Ok(input.advance(consumed, missing));
        }
        let (bytes, _decoder) = input.parts();
        let rest = bytes.get(consumed..).unwrap_or_default();
        Ok((!rest.is_empty()).then(|| Input::unexecuted(rest, self.shared.limits)))
    }

    /// Executes what was received, and sends the answers as far as possible.
    fn execute(
        &mut self,
        (context, before): (&mut Context<'_>, Before),
        (bytes, decoder): (&[u8], &mut Decoder),
        lists: &mut Lists,
        answers: &mut Answers,
    ) -> io::Result<Executed> {
        let batch = decoder.decode(bytes, usize::MAX);
        let (shared, client) = (&self.shared, &mut self.client);
        let room = shared.output_bytes_max.saturating_sub(self.outbox.weight());
        let executor = Executor { shared, client, answers, lists, room };
        let run::Executed { consumed, stop, latest, time } = executor.execute(&batch);
        self.latest = latest.or(self.latest);
        let missing = match stop {
            Stop::Done => Some(batch.missing()),
            Stop::Full => None,
            Stop::Close => {
                self.is_closing = true;
                None
            }
            Stop::Later(later) => {
                self.later = Some(later);
                None
            }
        };
        if let (Some(error), Some(_)) = (batch.error(), missing) {
            count_malformed(self.shared.gate.metrics());
            answers.protocol_error(error);
            self.is_closing = true;
        }
        let ran = before.ran(time);
        self.reply(context, (&batch, consumed, ran), lists, answers)?;
        Ok(Executed { consumed, missing })
    }

    /// Sends the answers of a turn as far as possible. Follows it where they have to wait, and remembers it where it
    /// was slow.
    fn reply(
        &mut self,
        context: &mut Context<'_>,
        (batch, consumed, ran): (&Batch<'_>, usize, Ran),
        lists: &mut Lists,
        answers: &mut Answers,
    ) -> io::Result<()> {
        let holds = self.holds(answers);
        let uncounted = if holds || self.outbox.has_held() {
            lists.tally.report_executed(&self.shared, ran.time.took)
        } else {
            lists.tally.report(&self.shared, ran.time.took);
            Vec::new()
        };
        self.send(context, answers, holds)?;
        // What is large goes this way, too, and is mostly taken at once: then nothing need be followed.
        let is_sent = self.outbox.is_empty()
            || (!self.outbox.has_held() && self.send_outbox(context)? && self.outbox.is_empty());
        let takes_long = !is_sent || self.shared.gate.slow().is_slow(ran.so_far());
        if takes_long && !batch.is_empty() {
            let turn = ran.turn(batch, consumed);
            self.follow(Turn { uncounted, ..turn });
        }
        Ok(())
    }
}

/// Reads what the system has received, whether the runtime has heard of it or not.
fn read_now(stream: &TcpStream, room: &mut [u8]) -> io::Result<usize> {
    match rustix::io::read(stream, room) {
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        read => Ok(read?),
    }
}
