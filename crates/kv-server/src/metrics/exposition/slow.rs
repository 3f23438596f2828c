//! Slow requests: how many, and where their time went.

use super::text::{Kind, Text};
use crate::metrics::labels::Label as _;
use crate::metrics::{Phase, Protocol};
use crate::slow::SlowCounts;

const REQUESTS: &str = "kv_slow_requests_total";
const PHASES: &str = "kv_slow_request_phase_seconds_total";

/// Shows what was counted.
pub(super) fn show(counts: &SlowCounts, text: &mut Text) {
    text.family(REQUESTS, Kind::Counter, "Requests that took at least log.slow_threshold.");
    for protocol in Protocol::ALL {
        text.sample(REQUESTS, &[("protocol", protocol.name())], counts.requests(*protocol));
    }
    text.family(PHASES, Kind::Counter, "Where the time of slow requests went.");
    for protocol in Protocol::ALL {
        for phase in Phase::ALL {
            let labels = [("protocol", protocol.name()), ("phase", phase.name())];
            text.sample(PHASES, &labels, counts.took(*protocol, *phase).as_secs_f64());
        }
    }
}
