//! Requests, errors, bytes and connections, by protocol.

use kv_core::{LATENCY_BOUNDS_NS, Latency};

use super::text::{Histogram, Kind, Text, seconds};
use crate::metrics::labels::Label as _;
use crate::metrics::{ErrorKind, Metrics, Operation, Protocol};

const REQUESTS: &str = "kv_requests_total";
const DURATION: &str = "kv_request_duration_seconds";
const ERRORS: &str = "kv_request_errors_total";

/// Shows what was counted. Operations that nobody has asked for yet are left out.
pub(super) fn show(metrics: &Metrics, text: &mut Text) {
    let asked_for = asked_for(metrics);
    text.family(REQUESTS, Kind::Counter, "Requests answered, refused ones among them.");
    for (labels, latency) in &asked_for {
        text.sample(REQUESTS, labels, latency.count());
    }
    let help = "How long requests took, from their arrival to their answer; those of a batch each as long as the batch.";
    text.family(DURATION, Kind::Histogram, help);
    let bounds = LATENCY_BOUNDS_NS.map(seconds);
    for (labels, latency) in &asked_for {
        text.histogram(DURATION, labels, histogram(&bounds, latency));
    }
    let help = "Requests, and operations of batches, that were refused or failed, by what the caller can do next.";
    text.family(ERRORS, Kind::Counter, help);
    for protocol in Protocol::ALL {
        for kind in ErrorKind::ALL {
            let labels = [("protocol", protocol.name()), ("kind", kind.name())];
            text.sample(ERRORS, &labels, metrics.errors(*protocol, *kind));
        }
    }
    traffic(metrics, text);
    connections(metrics, text);
}

/// A latency as the text shows it; the bounds are those of all latencies.
pub(super) fn histogram<'a>(bounds: &'a [f64], latency: &'a Latency) -> Histogram<'a> {
    Histogram { bounds, counts: &latency.buckets, sum: seconds(latency.sum_ns) }
}

/// The labels and latencies of the operations that were asked for.
fn asked_for(metrics: &Metrics) -> Vec<([(&'static str, &'static str); 2], Latency)> {
    let mut asked_for = Vec::new();
    for protocol in Protocol::ALL {
        for operation in Operation::ALL {
            let latency = metrics.latency(*protocol, *operation);
            if latency.count() > 0 {
                let labels = [("protocol", protocol.name()), ("operation", operation.name())];
                asked_for.push((labels, latency));
            }
        }
    }
    asked_for
}

fn traffic(metrics: &Metrics, text: &mut Text) {
    let name = "kv_received_bytes_total";
    text.family(name, Kind::Counter, "Bytes received from clients.");
    for protocol in Protocol::ALL {
        let (received, _) = metrics.bytes(*protocol);
        text.sample(name, &[("protocol", protocol.name())], received);
    }
    let name = "kv_sent_bytes_total";
    text.family(name, Kind::Counter, "Bytes sent to clients.");
    for protocol in Protocol::ALL {
        let (_, sent) = metrics.bytes(*protocol);
        text.sample(name, &[("protocol", protocol.name())], sent);
    }
}

fn connections(metrics: &Metrics, text: &mut Text) {
    let name = "kv_connections";
    text.family(name, Kind::Gauge, "Connections open now.");
    for protocol in Protocol::ALL {
        let open = metrics.connections(*protocol).open;
        text.sample(name, &[("protocol", protocol.name())], open);
    }
    let name = "kv_connections_accepted_total";
    text.family(name, Kind::Counter, "Connections that were served.");
    for protocol in Protocol::ALL {
        let accepted = metrics.connections(*protocol).accepted;
        text.sample(name, &[("protocol", protocol.name())], accepted);
    }
    let name = "kv_connections_refused_total";
    let help = "Connections that were closed at once: limits.connections_max were open.";
    text.family(name, Kind::Counter, help);
    for protocol in Protocol::ALL {
        let refused = metrics.connections(*protocol).refused;
        text.sample(name, &[("protocol", protocol.name())], refused);
    }
    let name = "kv_connections_moved_total";
    let help = "Connections that went from one thread to another, to follow the load.";
    text.family(name, Kind::Counter, help);
    for protocol in Protocol::ALL {
        let moved = metrics.connections(*protocol).moved;
        text.sample(name, &[("protocol", protocol.name())], moved);
    }
}
