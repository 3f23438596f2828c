//! What a connection may take of the server's memory and time (KV-I8).

use std::time::Duration;

use super::answers::Answers;
use super::failure::Failure;
use super::session::Session;
use super::tally::count_failure;

/// How long a client that has as many answers to take as it may may take none of them.
const STALL_MAX: Duration = Duration::from_mins(1);

/// A long request may take a second more for each of these to arrive.
const SLOWEST_BYTES_PER_SECOND: usize = 16 << 10;

impl Session {
    /// Counts what the connection keeps. Where all connections together, or this one, keep too much, nothing
    /// more is executed for it before it has taken answers; a request that is not whole is given up.
    pub(super) fn account(&mut self) -> Result<(), Failure> {
        let (received, _room) = self.sizes();
        let kept = received + self.outbox.weight() + self.outbox.turn_bytes();
        self.is_over = false;
        match self.held.set(kept as u64) {
            Ok(()) => Ok(()),
            Err(overload) if self.input.as_ref().is_some_and(|input| !input.is_ready) => {
                Err(Failure::Overloaded(overload.to_string()))
            }
            Err(_overload) => {
                self.is_over = true;
                Ok(())
            }
        }
    }

    /// Whether there is room for more answers.
    pub(super) fn has_room(&self) -> bool {
        self.outbox.is_empty()
            || (self.outbox.weight() < self.shared.output_bytes_max && !self.is_over)
    }

    /// Whether the client does not take what it is sent, and there is as much as there may be.
    pub(super) fn is_stalling(&self) -> bool {
        !self.has_room() && self.outbox.sendable() > 0
    }

    /// How long the client may yet do nothing; `None` for as long as it likes.
    pub(super) fn patience(&self) -> Option<Duration> {
        let stall = self.is_stalling().then_some(STALL_MAX);
        stall.into_iter().chain(self.time_to_arrive()).min()
    }

    /// How long a request that is partly there may yet take to arrive.
    pub(super) fn time_to_arrive(&self) -> Option<Duration> {
        let input = self.input.as_ref().filter(|input| !input.is_ready && self.has_room())?;
        let seconds = self.sizes().0 / SLOWEST_BYTES_PER_SECOND;
        let allowed = self.shared.gate.request_timeout() + Duration::from_secs(seconds as u64);
        Some(allowed.saturating_sub(input.since.elapsed()))
    }

    /// Why a request is given up that has not arrived in time.
    pub(super) fn too_slow(&self) -> Failure {
        Failure::TooSlow(self.shared.gate.request_timeout())
    }

    /// Answers a request that is not whole with an error, and ends the connection: nothing behind it can be
    /// understood.
    #[cold]
    pub(super) fn give_up(&mut self, failure: &Failure) {
        count_failure(&self.shared, None, failure);
        let mut answers = Answers::default();
        answers.error(failure);
        self.outbox.take(&mut answers, 0, false);
        self.input = None;
        self.is_closing = true;
    }
}
