//! As many open files as the process may have.

use kv_server::connections_possible;
use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::{debug, warn};

/// Allows the process as many open files as it may have, and warns when connections may need more.
pub(super) fn raise_limit(connections_max: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        debug!(%error, "the limit on open files stays");
    }
    let possible = connections_possible();
    if possible < connections_max {
        warn!(
            possible,
            "limits.connections_max = {connections_max} needs more open files than the system allows; \
             when they run out, writes are refused until connections are closed"
        );
    }
}
