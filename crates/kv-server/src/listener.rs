//! The listening socket: accepts connections up to a bound, and goes on when accepting fails.

use std::io::{self, Read as _, Write as _};
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::yield_now;
use tracing::warn;

use crate::clock::Stopwatch;
use crate::error::StartError;
use crate::metrics::{self, ConnectionGuard, Metrics};
use crate::places::{Place, Places};

/// Connections the system may hold for us before they are accepted.
pub(crate) const BACKLOG: u32 = 1024;

/// First pause after a failed accept; doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(5);

/// Longest pause after a failed accept.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// What is read of the first request of a client that is told to go.
const LAST_READ_BYTES: usize = 4096;

/// The same warning is written at most this often.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Clients accepted one after the other before those that are served have their turn: a flood of them must not
/// keep the others waiting.
const ACCEPTS_PER_TURN_MAX: u32 = 16;

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    addr: SocketAddr,
    places: Places,
    greeting: Greeting,
    /// Accepted since others had their turn.
    accepts_this_turn: u32,
    refusals: Refusals,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    /// Its place among all clients, to be kept until the connection is closed.
    pub(crate) permit: Place,
}

/// A client on its way to the thread that will serve it.
#[derive(Debug)]
pub(crate) struct Moving {
    stream: net::TcpStream,
    permit: Place,
}

impl Accepted {
    /// Takes the client out of this runtime.
    ///
    /// # Errors
    /// The system does not let go of the socket.
    pub(crate) fn leave(self) -> io::Result<Moving> {
        Ok(Moving { stream: self.stream.into_std()?, permit: self.permit })
    }
}

impl Moving {
    /// Brings the client into this runtime.
    ///
    /// # Errors
    /// The system does not take the socket.
    pub(crate) fn arrive(self) -> io::Result<Accepted> {
        Ok(Accepted { stream: TcpStream::from_std(self.stream)?, permit: self.permit })
    }
}

/// What a listener needs to know of the protocol that is spoken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Greeting {
    /// Where connections are counted; `None` when they are not.
    pub(crate) counter: Option<(Arc<Metrics>, metrics::Protocol)>,
    /// What a client is told for whom there is no place, before the connection is closed.
    pub(crate) full: &'static [u8],
}

impl Listener {
    /// Listens on the address of the configuration key `key`.
    pub(crate) fn bind(
        key: &'static str,
        addr: SocketAddr,
        places: Places,
        greeting: Greeting,
    ) -> Result<Self, StartError> {
        let socket = listen(addr).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse { key, addr },
            _ => StartError::Bind { key, addr, source },
        })?;
        let addr = socket.local_addr().map_err(|source| StartError::Bind { key, addr, source })?;
        let refusals = Refusals::default();
        Ok(Self { socket, addr, places, greeting, accepts_this_turn: 0, refusals })
    }

    /// The address, with the port that was taken when the configured one is 0.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the next client there is a place for. A client too many is closed at once: it then knows,
    /// and can go elsewhere, where waiting would look like a server that hangs.
    pub(crate) async fn accept(&mut self) -> Accepted {
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    backoff = BACKOFF_MIN;
                    self.give_others_a_turn().await;
                    let counted = || self.greeting.counted();
                    match self.places.take(peer.ip(), counted) {
                        Some(permit) => return Accepted { stream, permit },
                        None => self.refuse(stream, peer),
                    }
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    warn!(%error, addr = %self.addr, "cannot accept connections; trying again");
                    pause(backoff).await;
                    backoff = BACKOFF_MAX.min(backoff * 2);
                }
            }
        }
    }
}

impl Listener {
    async fn give_others_a_turn(&mut self) {
        self.accepts_this_turn += 1;
        if self.accepts_this_turn >= ACCEPTS_PER_TURN_MAX {
            self.accepts_this_turn = 0;
            yield_now().await;
        }
    }

    fn refuse(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.greeting.count_refusal();
        self.refusals.count(peer, self.places.limit());
        // Whoever cannot be told learns it from the end of the connection.
        drop(say(stream, self.greeting.full));
    }
}

impl Greeting {
    fn counted(&self) -> Option<ConnectionGuard> {
        self.counter.as_ref().map(|(metrics, protocol)| metrics.connection(*protocol))
    }

    fn count_refusal(&self) {
        if let Some((metrics, protocol)) = &self.counter {
            metrics.connection_refused(*protocol);
        }
    }
}

/// Says the last word, without waiting.
fn say(stream: TcpStream, words: &[u8]) -> io::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    // Waits for nothing, as the stream did not.
    let mut stream = stream.into_std()?;
    stream.write_all(words)?;
    // What was received and not read would make the system drop what was sent.
    stream.read(&mut [0; LAST_READ_BYTES]).map(drop)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server must not wait for the connections of the one before it to be forgotten.
    socket.set_reuseaddr(true)?;
    // Inherited by every connection: ends those whose peer vanished before HTTP/2 could ask it.
    socket.set_keepalive(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// The client went away before it was accepted; the socket is well.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[expect(clippy::disallowed_methods, reason = "no event says that a descriptor has become free")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// Counts clients too many, and warns of them now and then.
#[derive(Debug, Default)]
struct Refusals {
    unreported: u64,
    reported: Option<Stopwatch>,
}

impl Refusals {
    fn count(&mut self, peer: SocketAddr, (limit, max): (&'static str, usize)) {
        self.unreported += 1;
        if self.reported.is_some_and(|last| last.elapsed() < WARNING_INTERVAL) {
            return;
        }
        let refused = self.unreported;
        warn!(%peer, refused, "closed connections: {limit} = {max} are open");
        self.unreported = 0;
        self.reported = Some(Stopwatch::start());
    }
}
