//! Every bound and default of the client, in one place.

use std::time::Duration;

/// Where a server listens when it was started without arguments.
pub const ADDRESS_DEFAULT: &str = "http://127.0.0.1:7380";

/// The port taken when an address names none.
pub const PORT_DEFAULT: u16 = 7380;

/// Most addresses one client may be given.
pub const ADDRESSES_MAX: usize = 64;

/// Most HTTP/2 connections per address.
pub const CONNECTIONS_MAX: usize = 64;

/// Most attempts a [`RetryPolicy`](crate::RetryPolicy) may allow for one call.
pub const ATTEMPTS_MAX: u32 = 100;

/// Largest message sent or accepted unless the builder says otherwise; the server's own default.
pub const MESSAGE_BYTES_DEFAULT: usize = 64 << 20;

/// Largest message the builder may allow: a gRPC frame counts its length in 32 bits, and half of
/// that is more than any value the store can hold.
pub const MESSAGE_BYTES_MAX: usize = 2 << 30;

/// Batches a pipeline keeps in flight unless told otherwise.
pub const IN_FLIGHT_DEFAULT: usize = 8;

/// Most batches a pipeline may keep in flight.
pub const IN_FLIGHT_MAX: usize = 1024;

/// Time to connect unless the builder says otherwise.
pub const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);

/// Time for one call, retries included, unless the builder says otherwise.
pub const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// Time for a snapshot unless the call says otherwise.
pub const SNAPSHOT_TIMEOUT_DEFAULT: Duration = Duration::from_hours(1);

/// Calls on a new connection before the server has said how many it allows; what hyper assumes.
pub(crate) const STREAMS_UNTIL_TOLD: usize = 100;

/// How much of one answer the server may send ahead of the reader. Big enough for a fast link with
/// some latency (2 MiB each 10 ms are 200 MB/s), small enough that slow readers stay cheap.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 2 << 20;

/// The same for all answers of one connection together: so much that slow readers of a few hundred
/// answers cannot keep the other calls of the connection waiting. Each is bounded by its own window.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 1 << 30;

/// How often an idle connection is asked whether it still lives.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// How long it may take to answer that.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

const _: () = assert!(MESSAGE_BYTES_DEFAULT <= MESSAGE_BYTES_MAX);
const _: () = assert!(IN_FLIGHT_DEFAULT <= IN_FLIGHT_MAX);
const _: () = assert!(STREAM_WINDOW_BYTES <= CONNECTION_WINDOW_BYTES);
