//! A command whose answer is yet to come: WAIT and WAITAOF, and what is done on another thread.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kv_core::{Durability, Lsn};
use kv_resp::{Encoder, Version};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use super::answers::Answers;
use super::clients::Record;
use super::commands::Wait;
use super::slow_log::SlowLog;
use super::work::Working;
use crate::clock::Stopwatch;
use crate::gate::Gate;
use crate::promise::Basis;
use crate::waiting::Waiter;

/// A command whose answer is yet to come.
#[derive(Debug)]
pub(super) struct Blocked {
    by: By,
    /// Whether the client does not want the answer.
    pub(super) is_silent: bool,
}

#[derive(Debug)]
enum By {
    Log(LogWait),
    Work { working: Working, args: Vec<Vec<u8>>, took: Duration },
}

/// The connection of a blocked command.
pub(super) struct Connection<'a> {
    pub(super) gate: &'a Gate,
    pub(super) stream: &'a TcpStream,
    pub(super) version: Version,
    pub(super) is_draining: bool,
}

impl Blocked {
    /// By a command that waits for the log.
    pub(super) fn waiting(wait: Wait) -> Self {
        Self { by: By::Log(LogWait::new(wait)), is_silent: false }
    }

    /// By work that goes on elsewhere, for a command that is shown so where slow ones are.
    pub(super) fn working(working: Working, args: Vec<Vec<u8>>) -> Self {
        let by = By::Work { working, args, took: Duration::ZERO };
        Self { by, is_silent: false }
    }

    /// How long it waits yet; `None` for as long as it takes.
    pub(super) fn left(&self) -> Option<Duration> {
        match &self.by {
            By::Log(wait) => wait.left(),
            By::Work { .. } => None,
        }
    }

    /// Writes the answer once it is there, and tells what it rests on. A server that drains waits for work, and
    /// for nothing else.
    ///
    /// # Errors
    /// The client has gone, as far as that can be seen.
    pub(super) fn poll(
        &mut self,
        connection: &Connection<'_>,
        context: &mut Context<'_>,
        answers: &mut Answers,
    ) -> Poll<io::Result<Basis>> {
        let mark = answers.mark();
        let basis = match &mut self.by {
            By::Work { working, took, .. } => {
                let worked = ready!(working.poll(context, answers));
                *took = worked.took;
                worked.basis
            }
            By::Log(wait) => {
                let is_over = wait.poll(connection.gate, context, connection.stream)?;
                if is_over.is_pending() && !connection.is_draining {
                    return Poll::Pending;
                }
                wait.answer(connection.gate, &mut answers.encoder(connection.version));
                Basis::default()
            }
        };
        if self.is_silent {
            answers.truncate(mark);
        }
        Poll::Ready(Ok(basis))
    }

    /// Remembers work that took long. Having waited for the log is not slow.
    pub(super) fn note_slowness(&mut self, slow_log: &SlowLog, client: &Record) {
        if let By::Work { args, took, .. } = &mut self.by
            && slow_log.is_slow(*took)
        {
            slow_log.add(std::mem::take(args), *took, client);
        }
    }
}

/// A command that waits for the log.
#[derive(Debug)]
struct LogWait {
    wait: Wait,
    waiter: Waiter,
    since: Stopwatch,
}

impl LogWait {
    fn new(wait: Wait) -> Self {
        let synced = if wait.log { wait.written } else { Lsn::ZERO };
        let waiter = Waiter::new(synced, Durability::Fsync);
        Self { wait, waiter, since: Stopwatch::start() }
    }

    /// How long it waits yet; `None` for as long as it takes.
    fn left(&self) -> Option<Duration> {
        self.wait.timeout.map(|timeout| timeout.saturating_sub(self.since.elapsed()))
    }

    /// Whether the wait is over: what was waited for has come, never will, or the time is up.
    ///
    /// # Errors
    /// The client has gone, as far as that can be seen.
    fn poll(
        &mut self,
        gate: &Gate,
        context: &mut Context<'_>,
        stream: &TcpStream,
    ) -> Poll<io::Result<()>> {
        let mut first = [0];
        if let Poll::Ready(0) = stream.poll_peek(context, &mut ReadBuf::new(&mut first))? {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        if self.left() == Some(Duration::ZERO) {
            return Poll::Ready(Ok(()));
        }
        if self.wait.replicas {
            return Poll::Pending;
        }
        self.waiter.poll(gate.store().progress(), context).map(|_reached_or_never| Ok(()))
    }

    /// Tells how far it got.
    fn answer(&self, gate: &Gate, encoder: &mut Encoder<'_, Vec<u8>>) {
        if self.wait.tells_log {
            let is_synced = gate.store().progress().reached(Durability::Fsync) >= self.wait.written;
            encoder.array(2);
            encoder.integer(i64::from(is_synced));
        }
        // There are no replicas.
        encoder.integer(0);
    }
}
