//! One connection: what arrives is executed and answered, a turn at a time.
//!
//! ```text
//!  readable ──▶ read what is there ──▶ decode ──▶ execute ──▶ answers ──▶ write
//!                 (scratch)                         (run)    (scratch)      │ what is not taken, or waits
//!                 └─ the beginning of a request: input                      ▼ for the log: outbox
//! ```
//!
//! A turn works in the room that the connections of a thread share; a connection that is idle has none.

use std::future::{Future as _, poll_fn};
use std::io;
use std::os::fd::AsRawFd as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kv_resp::Decoder;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;
use tracing::debug;

use super::answers::Answers;
use super::blocked::{Blocked, Connection};
use super::client::Client;
use super::clients::Peer;
use super::commands::Command;
use super::input::Input;
use super::outbox::{Outbox, Sent};
use super::run::{Executed, Executor, Stop};
use super::scratch::{Lists, Scratch};
use super::shared::Shared;
use crate::clock::millis;
use crate::promise::Basis;
use crate::shutdown::Drain;

/// How long a client that has as many answers to take as it may may take none of them.
const STALL_MAX: Duration = Duration::from_mins(1);

/// Bytes that are still read once the server drains: what the system had received before.
const LEFTOVER_BYTES_MAX: usize = 4 << 20;

/// One connection.
pub(super) struct Session {
    stream: TcpStream,
    shared: Arc<Shared>,
    client: Client,
    input: Option<Box<Input>>,
    outbox: Outbox,
    /// A command whose answer is yet to come. Nothing behind it is executed before.
    blocked: Option<Box<Blocked>>,
    /// Nothing more is executed; the connection ends when everything is sent.
    is_closing: bool,
    /// Once the server drains: how many bytes may still be read.
    leftover: Option<usize>,
    /// The latest command, and when it was executed.
    latest: Option<(&'static Command, u64)>,
}

/// Memory of a connection that has nothing received and nothing to send.
pub(super) const SESSION_BYTES: usize = size_of::<Session>();

/// What is left of the input when a turn is over.
struct Left {
    /// How many bytes of it are done with.
    consumed: usize,
    /// Whether the rest is the beginning of a request, of which so many bytes are missing at least.
    is_partial: bool,
    missing: usize,
}

/// What a session does next.
enum Next {
    /// It goes on, after others have had their turn.
    Yield,
    /// It ends: everything was answered.
    End,
}

impl Session {
    /// # Errors
    /// The client has gone already.
    pub(super) fn new(stream: TcpStream, shared: Arc<Shared>) -> io::Result<Self> {
        let (addr, local, fd) = (stream.peer_addr()?, stream.local_addr()?, stream.as_raw_fd());
        let record = shared.clients.register(Peer { addr, local, fd }, shared.uptime_ms());
        let client = Client::new(record);
        Ok(Self {
            stream,
            shared,
            client,
            input: None,
            outbox: Outbox::default(),
            blocked: None,
            is_closing: false,
            leftover: None,
            latest: None,
        })
    }

    /// Serves the client until it leaves, has to leave, or the server drains.
    pub(super) async fn run(mut self, mut drain: Drain) {
        match self.serve(&mut drain).await {
            Ok(()) => {
                // Tells the client that this was the last answer.
                if poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context))
                    .await
                    .is_err()
                {}
            }
            Err(error) => debug!(%error, "a connection broke"),
        }
    }

    async fn serve(&mut self, drain: &mut Drain) -> io::Result<()> {
        let mut begun = pin!(drain.begun());
        loop {
            let sent = self.outbox.sent();
            let limit = self.limit();
            let mut can_be_killed = false;
            let next = poll_fn(|context| {
                if !can_be_killed {
                    self.client.record.wake_by(context.waker());
                    can_be_killed = true;
                }
                if self.leftover.is_none() && begun.as_mut().poll(context).is_ready() {
                    self.leftover = Some(LEFTOVER_BYTES_MAX);
                }
                self.poll(context)
            });
            let next = match limit {
                None => next.await?,
                Some(limit) => match timeout(limit, next).await {
                    Ok(next) => next?,
                    Err(_elapsed) if self.has_stalled(sent) => {
                        return Err(io::Error::other("the client takes no answers"));
                    }
                    Err(_elapsed) => Next::Yield,
                },
            };
            match next {
                Next::Yield => yield_now().await,
                Next::End => return Ok(()),
            }
        }
    }

    /// How long nothing may happen.
    fn limit(&self) -> Option<Duration> {
        let blocked = self.blocked.as_ref().and_then(|blocked| blocked.left());
        let stalled = (!self.has_room()).then_some(STALL_MAX);
        blocked.into_iter().chain(stalled).min()
    }

    /// Whether the client has taken nothing since so much was sent, although there is as much as there may be.
    fn has_stalled(&self, sent: u64) -> bool {
        !self.has_room() && self.outbox.sent() == sent
    }

    /// Whether there is room for more answers.
    fn has_room(&self) -> bool {
        self.outbox.len() < self.shared.output_bytes_max
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        Scratch::with(|scratch| {
            if self.client.record.is_killed() {
                return Poll::Ready(Err(io::Error::other("another client has ended it")));
            }
            loop {
                self.release(context);
                let sent = self.poll_send(context)?;
                if sent == Poll::Ready(Sent::Part) {
                    return Poll::Ready(Ok(Next::Yield));
                }
                if self.blocked.is_some() {
                    ready!(self.poll_blocked(context, &mut scratch.answers))?;
                    continue;
                }
                if self.is_closing {
                    // What is left waits for the socket or the log.
                    return if self.outbox.is_empty() {
                        Poll::Ready(Ok(Next::End))
                    } else {
                        Poll::Pending
                    };
                }
                if !self.has_room() || !self.outbox.may_go_ahead() {
                    return Poll::Pending;
                }
                if ready!(self.poll_turn(context, scratch))? {
                    return Poll::Ready(Ok(Next::Yield));
                }
            }
        })
    }

    /// Sends what could not be sent before.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Sent>> {
        if self.outbox.is_empty() {
            return Poll::Ready(Ok(Sent::All));
        }
        let sent = self.outbox.poll_send(context, &mut self.stream);
        self.tell();
        sent
    }

    /// Lets others see how the connection is.
    fn tell(&self) {
        let (received, room) = self.input.as_ref().map_or((0, 0), |input| input.sizes());
        self.client.record.tell(|seen| {
            (seen.received, seen.room) = (received, room);
            (seen.unsent, seen.unsent_pieces) = (self.outbox.len(), self.outbox.pieces());
            seen.is_blocked = self.blocked.is_some();
            seen.version = self.client.version;
            if let Some((command, at_ms)) = self.latest {
                (seen.command, seen.active_ms) = (Some(command), at_ms);
            }
        });
    }

    /// Executes what has arrived and answers it. Tells whether there is likely to be more.
    fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<bool>> {
        let mut input = self.input.take();
        let is_full = match &mut input {
            Some(input) if input.is_ready => true,
            _ => {
                let room = input.as_mut().map_or(&mut *scratch.input, |input| input.room());
                let size = room.len();
                let read = match self.poll_read(context, room) {
                    Poll::Ready(read) => read?,
                    Poll::Pending => {
                        self.input = input;
                        return Poll::Pending;
                    }
                };
                if read == 0 {
                    self.is_closing = true;
                    return Poll::Ready(Ok(false));
                }
                match &mut input {
                    Some(input) => input.fill(read),
                    None => scratch.filled = read,
                }
                read == size
            }
        };
        self.input = match input {
            None => self.execute_scratch(scratch),
            Some(input) => self.execute_input(input, scratch),
        };
        self.send(context, &mut scratch.answers)?;
        self.tell();
        Poll::Ready(Ok(is_full))
    }

    /// Reads what is there. Nothing when the client has ended its side, or the server drains and everything
    /// that was received has been read.
    fn poll_read(&mut self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let room = match self.leftover {
            Some(left) => room.split_at_mut(left.min(room.len())).0,
            None => room,
        };
        let mut buffer = ReadBuf::new(room);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut buffer)?;
        let read = buffer.filled().len();
        match &mut self.leftover {
            Some(_) if polled.is_pending() => return Poll::Ready(Ok(0)),
            Some(left) => *left -= read,
            None => ready!(polled),
        }
        Poll::Ready(Ok(read))
    }

    /// Executes what was read into the room that connections share, and keeps what is left of it.
    fn execute_scratch(&mut self, scratch: &mut Scratch) -> Option<Box<Input>> {
        let Scratch { input, filled, decoder, lists, answers } = scratch;
        let limits = self.shared.limits;
        decoder.set_limits(limits);
        let bytes = input.get(..*filled).unwrap_or_default();
        let left = self.execute((bytes, decoder), lists, answers);
        let rest = bytes.get(left.consumed..).unwrap_or_default();
        if rest.is_empty() && !self.is_closing {
            return None;
        }
        // It may know of what it has not decoded to its end.
        let decoder = std::mem::replace(decoder, Decoder::new(limits));
        if self.is_closing {
            return None;
        }
        Some(Box::new(if left.is_partial {
            Input::partial(rest, left.missing, decoder)
        } else {
            Input::unexecuted(rest, limits)
        }))
    }

    /// Executes what the connection has kept and got since, and keeps what is left of it.
    fn execute_input(
        &mut self,
        mut input: Box<Input>,
        scratch: &mut Scratch,
    ) -> Option<Box<Input>> {
        let Scratch { lists, answers, .. } = scratch;
        let left = self.execute(input.parts(), lists, answers);
        if self.is_closing {
            return None;
        }
        if left.is_partial {
            input.advance(left.consumed, left.missing)
        } else {
            let (bytes, _) = input.parts();
            let rest = bytes.get(left.consumed..).unwrap_or_default();
            (!rest.is_empty()).then(|| Box::new(Input::unexecuted(rest, self.shared.limits)))
        }
    }

    fn execute(
        &mut self,
        (bytes, decoder): (&[u8], &mut Decoder),
        lists: &mut Lists,
        answers: &mut Answers,
    ) -> Left {
        let batch = decoder.decode(bytes, usize::MAX);
        let (shared, client) = (&*self.shared, &mut self.client);
        let room = shared.output_bytes_max.saturating_sub(self.outbox.len());
        let executor = Executor { shared, client, answers, lists, room };
        let began = shared.gate.started().elapsed();
        let Executed { consumed, stop, last } = executor.execute(&batch);
        let ended = shared.gate.started().elapsed();
        if let Some(last) = last {
            self.latest = Some((last, millis(ended)));
        }
        let took = ended.saturating_sub(began);
        if shared.slow_log.is_slow(took) {
            shared.slow_log.add_turn(&batch, consumed, took, &self.client.record);
        }
        let is_partial = matches!(stop, Stop::Done);
        match stop {
            Stop::Done => {
                if let Some(error) = batch.error() {
                    answers.protocol_error(error);
                    self.is_closing = true;
                }
            }
            Stop::Full => {}
            Stop::Close => self.is_closing = true,
            Stop::Blocked(blocked) => self.blocked = Some(blocked),
        }
        Left { consumed, is_partial, missing: batch.missing() }
    }

    /// Answers the command that blocks the connection, once it can be.
    fn poll_blocked(
        &mut self,
        context: &mut Context<'_>,
        answers: &mut Answers,
    ) -> Poll<io::Result<()>> {
        let (gate, stream) = (&*self.shared.gate, &self.stream);
        let (version, is_draining) = (self.client.version, self.leftover.is_some());
        if let Some(blocked) = &mut self.blocked {
            let connection = Connection { gate, stream, version, is_draining };
            let start = answers.len();
            let basis = ready!(blocked.poll(&connection, context, answers))?;
            answers.rest_on(start, basis);
            blocked.note_slowness(&self.shared.slow_log, &self.client.record);
            self.client.written = self.client.written.max(basis.written());
        }
        self.blocked = None;
        self.send(context, answers)?;
        self.tell();
        Poll::Ready(Ok(()))
    }

    /// Sends answers, as far as the socket takes them at once and they need not wait for the log.
    fn send(&mut self, context: &mut Context<'_>, answers: &mut Answers) -> io::Result<()> {
        let basis = answers.basis();
        let holds = basis != Basis::default()
            && !matches!(self.shared.gate.waiter(basis, self.shared.level), Ok(None));
        let mut sent = 0;
        if !holds
            && self.outbox.is_empty()
            && let Some(bytes) = answers.in_one_piece()
        {
            while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut self.stream).poll_write(context, rest)? {
                    Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Poll::Ready(more) => sent += more,
                    Poll::Pending => break,
                }
            }
        }
        if sent < answers.len() {
            self.outbox.take(answers, sent, holds);
        }
        answers.clear();
        Ok(())
    }

    /// Lets go of answers that need not wait for the log any more.
    fn release(&mut self, context: &Context<'_>) {
        self.outbox.release(&self.shared.gate, self.shared.level, context);
    }
}
