//! Where the server answers otherwise than Redis 7.0, and why. docs/resp.md shows this table.

use kv_resp::Value;

use super::step::Args;

/// One difference that is meant to be.
pub(super) struct Difference {
    /// What the reader of the table looks for.
    pub(super) command: &'static str,
    /// What Redis 7.0 answers.
    pub(super) redis: &'static str,
    /// What the server answers.
    pub(super) kv: &'static str,
    /// Why that is right.
    pub(super) reason: &'static str,
    /// Whether two answers differ for this reason.
    pub(super) covers: fn(&Args, &Value, &Value) -> bool,
    /// Commands, of which the last shows the difference.
    pub(super) example: &'static [&'static str],
}

pub(super) static DIFFERENCES: [Difference; 0] = [];

/// Whether a reason is listed why these answers differ.
pub(super) fn is_justified(command: &Args, redis: &Value, kv: &Value) -> bool {
    DIFFERENCES.iter().any(|difference| (difference.covers)(command, redis, kv))
}
