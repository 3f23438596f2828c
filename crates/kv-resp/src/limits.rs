//! Every bound on a request, in one place.

/// The most arguments in a request of a client that has yet to authenticate, as in Redis.
pub const UNAUTHENTICATED_ARGS_MAX: usize = 10;

/// The longest argument of a client that has yet to authenticate, in bytes, as in Redis.
pub const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16 << 10;

/// Bounds on what one request may hold. Past each the connection ends with a
/// [`ProtocolError`](crate::ProtocolError).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most arguments, the name of the command among them.
    pub args_max: usize,
    /// Longest argument, in bytes; Redis calls it `proto-max-bulk-len`.
    pub bulk_bytes_max: usize,
    /// Longest line without its end, in bytes: an inline command, or a line with a count or length.
    pub line_bytes_max: usize,
    /// Longest request in all, in bytes; what Redis bounds with `client-query-buffer-limit`.
    pub request_bytes_max: usize,
}

impl Default for Limits {
    /// The limits of Redis.
    fn default() -> Self {
        Self {
            args_max: 1 << 20,
            bulk_bytes_max: 512 << 20,
            line_bytes_max: 64 << 10,
            request_bytes_max: 1 << 30,
        }
    }
}
