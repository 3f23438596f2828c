//! How much is measured: the full numbers, short rounds, and small ones that only show that everything runs.

use std::time::Duration;

/// Numbers of all sections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// How often throughput is measured. Many short rounds in turns: what disturbs one side disturbs both.
    pub(crate) rounds: usize,
    /// How long one measurement of throughput takes.
    pub(crate) round: Duration,
    /// How often sections with many measurements take each, `peers` and `latency` for instance, and how long that takes.
    pub(crate) short_rounds: usize,
    pub(crate) short_round: Duration,
    /// Keys that writes choose among, in `always` and `interval`.
    pub(crate) keys: u64,
    /// Keys in the store, in `restart`.
    pub(crate) restart_keys: u64,
    /// How often each start is measured.
    pub(crate) restart_rounds: usize,
    /// Keys in the store, in `snapshot`.
    pub(crate) snapshot_keys: u64,
    /// How often snapshots are taken under each load.
    pub(crate) snapshot_rounds: usize,
    /// Keys of 1 KiB that are written during snapshots.
    pub(crate) hot_keys: u64,
    /// Writes a second of the open loop.
    pub(crate) open_rate: u64,
    /// How long latencies are measured without a snapshot, each time.
    pub(crate) quiet: Duration,
    /// Records written for each row of `size`, one by one; under load ten times as many.
    pub(crate) size_records: u64,
    /// Connections opened and left idle, in `idle`.
    pub(crate) idle_connections: usize,
    /// Bytes of the values that are read beside small ones, in `large`.
    pub(crate) large_bytes: usize,
    /// Keys in the store, in `memory`.
    pub(crate) memory_keys: u64,
    /// How long memory may take to be given back, in `turnover`.
    pub(crate) settle: Duration,
}

impl Scale {
    /// What docs/benchmarks.md shows.
    pub(crate) const FULL: Self = Self {
        rounds: 11,
        round: Duration::from_secs(2),
        short_rounds: 5,
        short_round: Duration::from_secs(1),
        keys: 1_000_000,
        restart_keys: 5_500_000,
        restart_rounds: 5,
        snapshot_keys: 5_000_000,
        snapshot_rounds: 5,
        hot_keys: 200_000,
        open_rate: 5_000,
        quiet: Duration::from_secs(5),
        size_records: 20_000,
        idle_connections: 10_000,
        large_bytes: 10_000_000,
        memory_keys: 5_000_000,
        settle: Duration::from_secs(10),
    };

    /// As much as it takes for ratios to be about those of the full form: minutes for all sections.
    pub(crate) const QUICK: Self = Self {
        rounds: 7,
        round: Duration::from_millis(300),
        short_rounds: 3,
        short_round: Duration::from_millis(300),
        keys: 100_000,
        restart_keys: 500_000,
        restart_rounds: 3,
        snapshot_keys: 300_000,
        snapshot_rounds: 3,
        hot_keys: 10_000,
        open_rate: 2_000,
        quiet: Duration::from_secs(1),
        size_records: 2_000,
        idle_connections: 1_000,
        large_bytes: 10_000_000,
        memory_keys: 1_000_000,
        settle: Duration::from_secs(5),
    };

    /// Shows that everything runs.
    pub(crate) const SMOKE: Self = Self {
        rounds: 1,
        round: Duration::from_millis(200),
        short_rounds: 1,
        short_round: Duration::from_millis(200),
        keys: 10_000,
        restart_keys: 20_000,
        restart_rounds: 1,
        snapshot_keys: 20_000,
        snapshot_rounds: 1,
        hot_keys: 1_000,
        open_rate: 1_000,
        quiet: Duration::from_millis(300),
        size_records: 500,
        idle_connections: 100,
        large_bytes: 1_000_000,
        memory_keys: 20_000,
        settle: Duration::from_secs(1),
    };
}
