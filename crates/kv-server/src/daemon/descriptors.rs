//! Open files: each connection needs one, and so do log and snapshots.

use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::{debug, warn};

/// What is needed beside connections: the log's segments, a snapshot, the runtime.
const RESERVE: u64 = 64;

/// Allows the process as many open files as it may have, and warns when connections may need more.
pub(super) fn raise_limit(connections_max: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        debug!(%error, "the limit on open files stays");
    }
    let needed = connections_max.saturating_add(RESERVE);
    if let Some(allowed) = getrlimit(Resource::Nofile).current.filter(|allowed| *allowed < needed) {
        warn!(
            allowed,
            needed,
            "limits.connections_max = {connections_max} needs more open files than the system allows; \
             when they run out, writes are refused until connections are closed"
        );
    }
}
