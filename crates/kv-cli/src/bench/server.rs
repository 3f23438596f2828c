//! What a kv-server says it did during a run.

use std::fmt;

use kv_client::{Client, Stats};
use serde::Serialize;

/// The difference between two looks at the server's figures, and where its memory ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(super) evicted_keys: u64,
    pub(super) expired_keys: u64,
    pub(super) memory_used_bytes: u64,
    /// 0 for none.
    pub(super) memory_limit_bytes: u64,
}

impl Change {
    /// From the figures before and after.
    pub(crate) fn between(before: &Stats, after: &Stats) -> Self {
        Self {
            evicted_keys: after.evicted_keys.saturating_sub(before.evicted_keys),
            expired_keys: after.expired_keys.saturating_sub(before.expired_keys),
            memory_used_bytes: after.memory_used_bytes,
            memory_limit_bytes: after.memory_limit_bytes.unwrap_or(0),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "server: {} keys evicted, {} expired, {} bytes used",
            self.evicted_keys, self.expired_keys, self.memory_used_bytes
        )?;
        match self.memory_limit_bytes {
            0 => formatter.write_str(" (no limit)"),
            limit => write!(formatter, " (limit {limit})"),
        }
    }
}

/// The server's figures; none when it has none, or is no kv-server.
pub(crate) async fn look(client: Option<&Client>) -> Option<Stats> {
    client?.stats().await.ok()
}
