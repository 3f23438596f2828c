//! Log and snapshots: sizes, how long syncs take, how far safety lags behind, how old the snapshot is.

use kv_core::LATENCY_BOUNDS_NS;

use super::registry::{Row, counter, float, gauge, known};
use super::requests::histogram;
use super::text::{Kind, Text, seconds};
use crate::persistence::{LastSnapshot, PersistenceStats};

const SYNC: &str = "kv_log_sync_duration_seconds";

/// The state of log and snapshots at a moment.
pub(super) struct Persisted {
    pub(super) stats: PersistenceStats,
    /// Whether the log has failed.
    pub(super) failed: bool,
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: u64,
}

impl Persisted {
    /// Seconds from a moment until now.
    fn since(&self, ms: u64) -> f64 {
        float(self.now_ms.saturating_sub(ms)) / 1e3
    }

    fn snapshot(&self) -> Option<&LastSnapshot> {
        self.stats.last_snapshot.as_ref()
    }
}

/// What is told of log and snapshots.
pub(super) const ROWS: &[Row<Persisted>] = &[
    gauge("kv_log_bytes", "Bytes of the log on disk, as far as its segments are filled.", |now| {
        known(now.stats.log_bytes)
    }),
    gauge("kv_log_segments", "Segments of the log in use.", |now| known(now.stats.log_segments)),
    gauge("kv_log_waiting_bytes", "Bytes that wait in memory to be written to the log.", |now| {
        known(now.stats.waiting_bytes)
    }),
    counter("kv_log_records_total", "Records written to the log.", |now| now.stats.log_records),
    counter(
        "kv_log_batches_total",
        "Batches written to the log, each with one write; records per batch are the batch size.",
        |now| now.stats.log_batches,
    ),
    counter("kv_log_written_bytes_total", "Bytes written to the log.", |now| {
        now.stats.log_bytes_written
    }),
    gauge("kv_log_durable_lag_records", "Records that are not on stable storage yet.", |now| {
        let (position, durable) = (now.stats.log_position, now.stats.durable_position);
        known(position.get().saturating_sub(durable.get()))
    }),
    gauge(
        "kv_log_durable_lag_seconds",
        "Time since the oldest record was written that is not on stable storage; 0 when all are.",
        |now| Some(now.stats.unsynced_since_ms.map_or(0.0, |ms| now.since(ms))),
    ),
    gauge("kv_log_failed", "1 when the log has failed, so that writes are refused.", |now| {
        known(now.failed.into())
    }),
    gauge("kv_log_disk_full", "1 while the disk is full, so that only deletes are taken.", |now| {
        known(now.stats.disk_full.into())
    }),
    gauge(
        "kv_log_torn_tail_bytes",
        "Bytes cut off the end of the log at the start, because a crash had torn them.",
        |now| known(now.stats.torn_tail_bytes),
    ),
    gauge("kv_snapshot_running", "1 while a snapshot is being taken.", |now| {
        known(now.stats.snapshot_percent.is_some().into())
    }),
    counter("kv_snapshots_total", "Snapshots taken.", |now| now.stats.snapshots),
    counter("kv_snapshot_failures_total", "Snapshots that failed.", |now| {
        now.stats.snapshot_failures
    }),
    gauge("kv_snapshot_age_seconds", "Time since the newest snapshot was begun.", |now| {
        let taken_at_ms = now.snapshot()?.taken_at_ms;
        (taken_at_ms != 0).then(|| now.since(taken_at_ms))
    }),
    gauge(
        "kv_snapshot_duration_seconds",
        "How long the newest snapshot took; not shown when an earlier process took it.",
        |now| {
            let duration = now.snapshot()?.duration;
            (!duration.is_zero()).then_some(duration.as_secs_f64())
        },
    ),
    gauge("kv_snapshot_bytes", "Size of the newest snapshot on disk.", |now| {
        known(now.snapshot()?.bytes)
    }),
    gauge("kv_snapshot_keys", "Keys in the newest snapshot.", |now| known(now.snapshot()?.keys)),
];

/// Shows how long the log's syncs took.
pub(super) fn show(stats: &PersistenceStats, text: &mut Text) {
    text.family(SYNC, Kind::Histogram, "How long syncing the log to stable storage took.");
    text.histogram(SYNC, &[], histogram(&LATENCY_BOUNDS_NS.map(seconds), &stats.syncs));
}
