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

use tokio::io::{AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;
use tracing::debug;

use super::answers::Answers;
use super::client::Client;
use super::clients::Peer;
use super::commands::{Command, Later};
use super::failure::Failure;
use super::input::Input;
use super::outbox::{Outbox, Sent};
use super::scratch::Scratch;
use super::shared::Shared;
use super::tally::count_failure;
use crate::budget::Held;
use crate::clock::Stopwatch;
use crate::metrics::{Metered, Protocol};
use crate::promise::Basis;
use crate::relay::Relay;
use crate::shutdown::Drain;
use crate::woken;
use crate::workers::Seat;

/// Bytes that are still read once the server drains: what the system had received before.
const LEFTOVER_BYTES_MAX: usize = 4 << 20;

/// One connection.
pub(super) struct Session {
    pub(super) stream: Metered<TcpStream>,
    /// Its place with the worker that serves it.
    seat: Seat,
    pub(super) shared: Arc<Shared>,
    pub(super) client: Client,
    pub(super) input: Option<Box<Input>>,
    pub(super) outbox: Outbox,
    /// Tells when answers need not wait for the log any more.
    relay: Arc<Relay>,
    /// An answer that is yet to come. Nothing behind its command is executed before.
    pub(super) later: Option<Later>,
    /// What it keeps, as counted by the server.
    pub(super) held: Held,
    /// Whether it keeps more than there is room for.
    pub(super) is_over: bool,
    /// Nothing more is executed; the connection ends when everything is sent.
    pub(super) is_closing: bool,
    /// Once the server drains: how many bytes may still be read.
    pub(super) leftover: Option<usize>,
    /// Since when nothing is executed because something is in the way.
    pub(super) blocked: Option<Stopwatch>,
    /// The latest command, and when it was over, in milliseconds since the server started.
    pub(super) latest: Option<(&'static Command, u64)>,
}

/// Memory of a connection that has nothing received and nothing to send.
pub(super) const SESSION_BYTES: usize = size_of::<Session>();

/// What a session does next.
enum Next {
    /// It goes on.
    GoOn,
    /// It goes on, after others have had their turn.
    Yield,
    /// It ends: everything was answered.
    End,
    /// It goes on with that worker.
    Leave { to: usize },
}

impl Session {
    /// # Errors
    /// The client has gone already.
    pub(super) fn new(stream: TcpStream, seat: Seat, shared: Arc<Shared>) -> io::Result<Self> {
        let (addr, local, fd) = (stream.peer_addr()?, stream.local_addr()?, stream.as_raw_fd());
        let peer = Peer { addr, local, fd };
        let client = Client::new(shared.clients.register(peer, shared.uptime_ms()));
        let metrics = Arc::clone(shared.gate.metrics());
        let held = shared.gate.budget().account().hold();
        let relay = Relay::of_this_thread(shared.gate.store());
        Ok(Self {
            stream: Metered::new(stream, metrics, Protocol::Resp),
            seat,
            shared,
            client,
            input: None,
            outbox: Outbox::default(),
            relay,
            later: None,
            held,
            is_over: false,
            is_closing: false,
            leftover: None,
            blocked: None,
            latest: None,
        })
    }

    /// Comes from another worker to the one of that seat, in whose runtime this is called.
    ///
    /// # Errors
    /// The system does not let go of the socket, or does not take it.
    pub(super) fn arrive(mut self, mut seat: Seat) -> io::Result<Self> {
        seat.arrive();
        self.seat = seat;
        self.stream = self.stream.try_map(|stream| TcpStream::from_std(stream.into_std()?))?;
        self.relay = Relay::of_this_thread(self.shared.gate.store());
        self.shared.gate.metrics().connection_moved(Protocol::Resp);
        Ok(self)
    }

    /// Serves the client until it leaves, has to leave, or the server drains. Tells where it goes on, if it does.
    pub(super) async fn run(&mut self, mut drain: Drain) -> Option<usize> {
        let served = self.serve(&mut drain).await;
        if let Ok(Some(to)) = served {
            return Some(to);
        }
        self.give_up_turns();
        match served {
            Ok(_) => {
                // Tells the client that this was the last answer.
                if poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context))
                    .await
                    .is_err()
                {}
            }
            Err(error) => debug!(%error, "a connection broke"),
        }
        None
    }

    /// Tells the worker that is to go on, if one is.
    async fn serve(&mut self, drain: &mut Drain) -> io::Result<Option<usize>> {
        let mut begun = pin!(drain.begun());
        loop {
            let sent = self.outbox.sent();
            let patience = self.patience();
            let mut can_be_killed = false;
            let next = poll_fn(|context| {
                if !can_be_killed {
                    self.client.record.wake_by(context.waker());
                    can_be_killed = true;
                }
                if self.leftover.is_none() && begun.as_mut().poll(context).is_ready() {
                    self.leftover = Some(LEFTOVER_BYTES_MAX);
                }
                let polled = self.poll(context);
                // From now on it is not awaited for ever.
                let is_new = polled.is_pending() && patience.is_none() && self.patience().is_some();
                if is_new { Poll::Ready(Ok(Next::GoOn)) } else { polled }
            });
            let next = match patience {
                None => next.await?,
                Some(patience) => match timeout(patience, next).await {
                    Ok(next) => next?,
                    Err(_elapsed) => {
                        self.lose_patience(sent)?;
                        continue;
                    }
                },
            };
            match next {
                Next::GoOn => {}
                Next::Yield => {
                    yield_now().await;
                    woken::renew();
                }
                Next::End => return Ok(None),
                Next::Leave { to } => return Ok(Some(to)),
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        if self.client.record.is_killed() {
            return Poll::Ready(Err(io::Error::other("another client has ended it")));
        }
        Scratch::with(|scratch| {
            loop {
                self.release(context);
                let sent = self.poll_send(context)?;
                self.remember_sent();
                if sent == Poll::Ready(Sent::Part) {
                    return Poll::Ready(Ok(Next::Yield));
                }
                if let Some(later) = &mut self.later {
                    let Poll::Ready(answers) = later.as_mut().poll(context) else {
                        self.blocked.get_or_insert_with(Stopwatch::start);
                        return self.poll_gone(context);
                    };
                    self.later = None;
                    self.answer(answers, context)?;
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
                    self.blocked.get_or_insert_with(Stopwatch::start);
                    return Poll::Pending;
                }
                if self.is_at_rest()
                    && let Some(to) = self.seat.leaves()
                {
                    return Poll::Ready(Ok(Next::Leave { to }));
                }
                let more = ready!(self.poll_turn(context, scratch))?;
                self.seat.ask();
                if more {
                    return Poll::Ready(Ok(Next::Yield));
                }
            }
        })
    }

    /// Whether every answer is sent: nothing ties the connection to this thread. What has arrived of requests goes
    /// along.
    fn is_at_rest(&self) -> bool {
        self.outbox.is_empty() && self.leftover.is_none()
    }

    /// Ends what has taken too long, if anything has.
    fn lose_patience(&mut self, sent_before: u64) -> io::Result<()> {
        if self.is_stalling() && self.outbox.sent() == sent_before {
            return Err(io::Error::other("the client takes no answers"));
        }
        if self.time_to_arrive() == Some(Duration::ZERO) {
            self.give_up(&self.too_slow());
        }
        Ok(())
    }

    /// Sends the answer to a command that took its time.
    fn answer(
        &mut self,
        answers: Result<Answers, Failure>,
        context: &mut Context<'_>,
    ) -> io::Result<()> {
        let mut answers = answers.unwrap_or_else(|failure| {
            let command = self.latest.map(|(command, _at)| command);
            count_failure(&self.shared, command, &failure);
            let mut answers = Answers::default();
            answers.error(&failure);
            answers
        });
        self.client.written = self.client.written.max(answers.basis().written());
        let work = answers.work.take();
        let holds = self.holds(&answers);
        self.send(context, &mut answers, holds)?;
        if let Some(work) = work {
            self.follow(*work);
        }
        self.tell();
        Ok(())
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

    /// Sends what may be sent, and tells whether that is everything.
    pub(super) fn send_outbox(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let sent = self.outbox.poll_send(context, &mut self.stream)?;
        Ok(sent == Poll::Ready(Sent::All))
    }

    /// How many bytes of requests there are, and how many more there is room for.
    pub(super) fn sizes(&self) -> (usize, usize) {
        self.input.as_ref().map_or((0, 0), |input| input.sizes())
    }

    /// Counts what the connection keeps, and lets others see how it is.
    pub(super) fn tell(&mut self) {
        if let Err(failure) = self.account() {
            self.give_up(&failure);
        }
        let (received, room) = self.sizes();
        self.client.record.tell(|seen| {
            (seen.received, seen.room) = (received, room);
            (seen.unsent, seen.unsent_pieces) = (self.outbox.len(), self.outbox.pieces());
            seen.is_blocked = self.later.is_some();
            seen.version = self.client.version;
            if let Some((command, at_ms)) = self.latest {
                (seen.command, seen.active_ms) = (Some(command), at_ms);
            }
        });
    }

    /// Whether the client has gone, as far as that can be seen without reading.
    fn poll_gone(&self, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        let mut first = [0];
        match self.stream.get_ref().poll_peek(context, &mut ReadBuf::new(&mut first))? {
            Poll::Ready(0) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Pending,
        }
    }

    /// Whether some of the answers wait for the log.
    pub(super) fn holds(&self, answers: &Answers) -> bool {
        let basis = answers.basis();
        basis != Basis::default()
            && !matches!(self.shared.gate.waiter(basis, self.shared.level()), Ok(None))
    }

    /// Sends answers, as far as the socket takes them at once and, with `holds`, they need not wait for the log.
    pub(super) fn send(
        &mut self,
        context: &mut Context<'_>,
        answers: &mut Answers,
        holds: bool,
    ) -> io::Result<()> {
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
        if !self.outbox.has_held() {
            return;
        }
        let gate = (&*self.shared.gate, self.shared.level());
        self.outbox.release(gate, &*self.relay, context);
    }
}
