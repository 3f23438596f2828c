//! `[resp]`: what only the Redis protocol knows.

use super::Visitor;
use super::numbers::{OrOff, Span};

/// The longest idle time that Redis knows, in milliseconds.
const IDLE_TIMEOUT_MAX_MS: u64 = i32::MAX as u64 * 1000;

/// `[resp]`: the Redis protocol. It can be changed while the server runs, by `CONFIG SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RespSection {
    /// How long a client may send nothing before it is disconnected.
    pub idle_timeout: OrOff<Span<1000, IDLE_TIMEOUT_MAX_MS>>,
}

impl Default for RespSection {
    fn default() -> Self {
        Self { idle_timeout: OrOff::off() }
    }
}

impl RespSection {
    /// Shows every key and its value.
    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.setting("resp.idle_timeout", &mut self.idle_timeout);
    }
}
