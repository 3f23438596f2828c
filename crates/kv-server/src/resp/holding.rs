//! What a connection keeps for its client is held in its account: the beginning of a request, and answers that
//! were not taken yet.

use std::io;
use std::task::Context;

use super::answers::Answers;
use super::failure::Failure;
use super::session::Session;
use crate::budget::Overload;
use crate::metrics::{ErrorKind, Protocol};

impl Session {
    /// Holds what is kept after a turn. When there is no room for it, the request that has begun to arrive is
    /// refused, and the connection ends: what follows could not be told from the rest of it.
    ///
    /// # Errors
    /// There is no room for the answers either: the connection is cut off.
    pub(super) fn hold(
        &mut self,
        context: &mut Context<'_>,
        answers: &mut Answers,
    ) -> io::Result<()> {
        let Err(overload) = self.try_hold() else { return Ok(()) };
        self.shared.gate.metrics().error(Protocol::Resp, ErrorKind::Exhausted);
        self.input = None;
        self.is_closing = true;
        self.try_hold().map_err(io::Error::other)?;
        answers.error(&Failure::Overloaded(overload.to_string()));
        self.send(context, answers)
    }

    /// Holds what is kept after something was sent. It is more only where errors have taken the place of
    /// answers, which is not worth a refusal.
    pub(super) fn hold_less(&mut self) {
        drop(self.try_hold());
    }

    fn try_hold(&mut self) -> Result<(), Overload> {
        let (_received, room) = self.input.as_ref().map_or((0, 0), |input| input.sizes());
        self.held.set((room + self.outbox.len()) as u64)
    }
}
