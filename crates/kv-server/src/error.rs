//! Why a server cannot start.

use std::io;
use std::net::SocketAddr;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The listener's address is taken.
    #[error(
        "{key} = {addr} is in use by another program: stop that, or choose another address with \
         --set {key}=IP:PORT (port 0 takes a free one)"
    )]
    AddressInUse {
        /// The configuration key.
        key: &'static str,
        /// The address.
        addr: SocketAddr,
    },
    /// The listener's address cannot be listened on.
    #[error(
        "{key} = {addr} cannot be listened on: {source}; choose another with --set {key}=IP:PORT"
    )]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Every listener is turned off.
    #[error("every listener is off: a server needs an address to listen on, such as 127.0.0.1:0")]
    NoAddress,
    /// The system gives no thread.
    #[error("the thread {name} cannot be started: {source}")]
    Thread {
        /// Its name.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The descriptors that reflection serves are broken.
    #[error("the service descriptors cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}
