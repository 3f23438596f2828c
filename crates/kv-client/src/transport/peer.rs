//! Where a server is, and the way there.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::uri::Authority;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::connection;
use crate::limits::PORT_DEFAULT;

/// A server, and how long it may take to get there.
#[derive(Debug)]
pub(super) struct Peer {
    authority: Authority,
    connect_timeout: Duration,
}

impl Peer {
    pub(super) fn new(authority: Authority, connect_timeout: Duration) -> Self {
        Self { authority, connect_timeout }
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Opens a connection for calls that are counted while they wait, driven by a task of its own.
    pub(super) async fn open(&self, waiting: Arc<AtomicUsize>) -> io::Result<SendRequest<Bytes>> {
        match timeout(self.connect_timeout, self.dial()).await {
            Ok(stream) => connection::begin(stream?, waiting).await.map_err(io::Error::other),
            Err(_elapsed) => Err(too_late(self.connect_timeout)),
        }
    }

    /// Tries the addresses of the host in turn. Each has its share of the time that is left.
    async fn dial(&self) -> io::Result<TcpStream> {
        let deadline = Instant::now() + self.connect_timeout;
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = self.authority.port_u16().unwrap_or(PORT_DEFAULT);
        let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for (address, still_to_try) in addresses.iter().zip((1..=addresses.len()).rev()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(still_to_try).unwrap_or(u32::MAX);
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = error,
                Err(_elapsed) => failure = too_late(self.connect_timeout),
            }
        }
        Err(failure)
    }
}

fn too_late(after: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {after:?}"))
}
