//! A protocol: what is done with the clients of one listener.

use futures_util::future::BoxFuture;

use crate::listener::Accepted;
use crate::shutdown::Drain;

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

    /// Serves one client, until it leaves or the server drains.
    fn serve(&self, accepted: Accepted, drain: Drain) -> BoxFuture<'static, ()>;
}
