//! Open files: each connection needs one, and so do log and snapshots.

use rustix::process::{Resource, getrlimit};

/// What is needed beside connections: the log's segments, a snapshot, the runtime.
const RESERVE: u64 = 64;

/// How many connections there can be with as many files open as the process may have.
pub fn connections_possible() -> u64 {
    getrlimit(Resource::Nofile).current.map_or(u64::MAX, |files| files.saturating_sub(RESERVE))
}
