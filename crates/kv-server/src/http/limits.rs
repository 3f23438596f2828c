//! Every bound of the HTTP API that is not a setting, in one place.

use std::time::Duration;

/// Longest request line and headers together: the longest path and query that hyper takes, which answers 414
/// from 64 KiB on, and 16 KiB for headers. A key whose percent-encoded form does not fit can be sent in the
/// body of a batch.
pub(super) const HEAD_BYTES_MAX: usize = 80 << 10;

/// Most bytes that are read ahead of what has been understood, for each connection.
pub(super) const READ_AHEAD_BYTES_MAX: usize = 128 << 10;

/// Most entity tags in one `If-Match` or `If-None-Match`.
pub(super) const ETAGS_MAX: usize = 64;

/// How often a write is tried whose preconditions the engine cannot judge in one step, while others change
/// the key in between.
pub(super) const WRITE_ATTEMPTS_MAX: usize = 16;

/// How long a client may be silent after it connected.
pub(super) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be without a complete request head: from the answer before on. It bounds idle
/// connections and heads that trickle in alike, because a client that may be idle for so long gains nothing
/// by trickling.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a client may take no byte of its answer before the connection is closed.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

/// Most bytes given to the system in one call, so that large answers take turns with small ones.
pub(super) const WRITE_BYTES_MAX: usize = 64 << 10;

/// How far an HTTP/2 client may send ahead in one request.
pub(super) const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// How far an HTTP/2 client may send ahead on one connection.
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// How often an idle HTTP/2 connection is asked for a sign of life.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long that sign may take.
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of a body that are read and thrown away when nobody wants it, so that the connection can be kept. What
/// is longer costs more than a new connection.
pub(super) const SKIP_BYTES_MAX: usize = 64 << 10;

/// Room in a buffer for a body before more of it has come than that.
pub(super) const BODY_ROOM_BYTES_MAX: usize = 1 << 20;

/// Entries of a listing's page when `limit` is not given.
pub(super) const LIST_LIMIT_DEFAULT: usize = 1000;

/// Pages of the store that are read for one page of a listing which finds little.
pub(super) const LIST_PAGES_MAX: usize = 16;
