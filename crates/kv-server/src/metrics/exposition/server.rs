//! The server itself: what it was built from, whether it is ready, how long it has run.

use super::registry::{Row, gauge, known};
use super::text::{Kind, Text};
use crate::build_info::BuildInfo;
use crate::clock::Stopwatch;
use crate::serving::State;

const BUILD: &str = "kv_build_info";
const STATE: &str = "kv_state";

/// A server's life at a moment.
pub(super) struct Life {
    pub(super) started: Stopwatch,
    /// Seconds since the Unix epoch.
    pub(super) started_at: f64,
    /// How much of what was kept is loaded, from 0 to 100.
    pub(super) loaded_percent: u8,
    pub(super) persistence: bool,
    /// Bytes of requests and answers in flight, and how many there may be.
    pub(super) in_flight: (u64, u64),
}

/// What is told of the server's life.
pub(super) const ROWS: &[Row<Life>] = &[
    gauge("kv_uptime_seconds", "Time since the server started.", |life| {
        Some(life.started.elapsed().as_secs_f64())
    }),
    gauge("kv_start_time_seconds", "When the server started, since the Unix epoch.", |life| {
        Some(life.started_at)
    }),
    gauge("kv_loaded_ratio", "How much of what was kept is loaded, from 0 to 1.", |life| {
        Some(f64::from(life.loaded_percent) / 100.0)
    }),
    gauge(
        "kv_in_flight_bytes",
        "Bytes of requests and answers in flight, beyond the first 16 KiB of each connection.",
        |life| known(life.in_flight.0),
    ),
    gauge("kv_in_flight_limit_bytes", "limits.requests_bytes_max.", |life| known(life.in_flight.1)),
    gauge("kv_persistence_enabled", "persist.enabled: 1 when data is kept on disk.", |life| {
        known(life.persistence.into())
    }),
];

/// Shows what the server was built from, and its state.
pub(super) fn show(build: &BuildInfo, state: State, text: &mut Text) {
    let help = "1, labelled with what the server was built from.";
    text.family(BUILD, Kind::Gauge, help);
    let BuildInfo { version, git_commit, rustc, .. } = build;
    let labels = [("version", *version), ("git_commit", *git_commit), ("rustc", *rustc)];
    text.sample(BUILD, &labels, 1);
    text.family(STATE, Kind::Gauge, "1 for the state the server is in, 0 for the others.");
    for other in State::ALL {
        let is_now = u8::from(other == state);
        text.sample(STATE, &[("state", other.name())], is_now);
    }
}
