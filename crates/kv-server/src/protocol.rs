//! A protocol: what is done with the clients of one listener.

use futures_util::future::BoxFuture;

use crate::listener::Accepted;
use crate::shutdown::Drain;
use crate::workers::{Mobility, Seat};

/// What is done with the clients of one listener.
///
/// Contract: malformed input ends at most its own connection (KV-I7); the client's place, which is in
/// `Accepted`, is kept until the connection is closed; once the server drains, what was received is
/// answered, nothing more is read, and the future ends.
pub(crate) trait Protocol: Send + Sync {
    /// Its name in logs and metrics.
    fn name(&self) -> &'static str;

    /// What a client is told for whom there is no place, before its connection is closed: by default nothing.
    fn full(&self) -> &'static [u8] {
        b""
    }

    /// Whether its connections can go from one worker to another.
    fn mobility(&self) -> Mobility {
        Mobility::Fixed
    }

    /// Serves one client, until it leaves, the server drains, or the connection is to go to another worker.
    fn serve(&self, accepted: Accepted, seat: Seat, drain: Drain) -> BoxFuture<'static, Served>;
}

/// How the serving of a client ended.
pub(crate) enum Served {
    /// The connection is closed.
    Over,
    /// The connection goes on with another worker.
    Leaves {
        /// The worker's place in the team.
        to: usize,
        connection: Box<dyn Leaving>,
    },
}

/// A connection that goes from one worker to another.
pub(crate) trait Leaving: Send {
    /// Goes on, on the worker of that seat.
    fn go_on(self: Box<Self>, seat: Seat, drain: Drain) -> BoxFuture<'static, Served>;
}
