//! A command whose answer has to wait: WAIT and WAITAOF.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use kv_core::{Durability, Lsn};
use kv_resp::Encoder;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use super::commands::Wait;
use crate::clock::Stopwatch;
use crate::gate::Gate;
use crate::waiting::Waiter;

/// A command that waits.
#[derive(Debug)]
pub(super) struct Blocked {
    wait: Wait,
    waiter: Waiter,
    since: Stopwatch,
}

impl Blocked {
    pub(super) fn new(wait: Wait) -> Self {
        let synced = if wait.log { wait.written } else { Lsn::ZERO };
        let waiter = Waiter::new(synced, Durability::Fsync);
        Self { wait, waiter, since: Stopwatch::start() }
    }

    /// How long it waits yet; `None` for as long as it takes.
    pub(super) fn left(&self) -> Option<Duration> {
        self.wait.timeout.map(|timeout| timeout.saturating_sub(self.since.elapsed()))
    }

    /// Whether the wait is over: what was waited for has come, never will, or the time is up.
    ///
    /// # Errors
    /// The client has gone, as far as that can be seen.
    pub(super) fn poll(
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
    pub(super) fn answer(&self, gate: &Gate, encoder: &mut Encoder<'_, Vec<u8>>) {
        if self.wait.tells_log {
            let is_synced = gate.store().progress().reached(Durability::Fsync) >= self.wait.written;
            encoder.array(2);
            encoder.integer(i64::from(is_synced));
        }
        // There are no replicas.
        encoder.integer(0);
    }
}
