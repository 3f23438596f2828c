//! Every bound of the command line, in one place.

use std::time::Duration;

use kv_client::limits::{IN_FLIGHT_DEFAULT, MESSAGE_BYTES_DEFAULT};

/// Longest value read from a file or from standard input.
pub(crate) const VALUE_BYTES_MAX: usize = MESSAGE_BYTES_DEFAULT;

/// Longest line of an import: what export writes for the longest row. JSON may take six bytes for one
/// (`\u0000`).
pub(crate) const LINE_BYTES_MAX: usize = 6 * MESSAGE_BYTES_DEFAULT + 4096;

/// Most bytes of key and value in one row of an import: what fits in a message beside the lengths,
/// tags and options around it.
pub(crate) const ROW_BYTES_MAX: usize = MESSAGE_BYTES_DEFAULT - 1024;

/// Rows that import puts into one batch.
pub(crate) const BATCH_ROWS_MAX: usize = 512;

/// Bytes of keys and values after which a batch is full. The row that reaches them is in it.
pub(crate) const BATCH_BYTES_MAX: usize = 256 << 10;

/// Batches that import keeps in flight.
pub(crate) const IN_FLIGHT_MAX: usize = IN_FLIGHT_DEFAULT;

/// Bytes of keys and values that import has read and that are not yet acknowledged, in units of KiB. A
/// batch of one large row may be longer; it then has the connection to itself.
pub(crate) const IN_FLIGHT_KIB_MAX: usize = 16 << 10;

/// Batches or pages that wait between the thread that reads or writes the file and the network.
pub(crate) const QUEUE_MAX: usize = 2;

/// Bytes read from or written to a file at once.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Failed lines that a report shows one by one.
pub(crate) const FAILURES_SHOWN_MAX: usize = 20;

/// Keys in one request of the verbs that take many.
pub(crate) const REQUEST_KEYS_MAX: usize = 1000;

/// Entries in one page of a scan.
pub(crate) const PAGE_KEYS_MAX: u32 = 1000;

/// Bytes after which a page of a scan is full.
pub(crate) const PAGE_BYTES_MAX: u32 = 1 << 20;

/// Widest column of a table that other columns are lined up behind.
pub(crate) const COLUMN_CHARS_MAX: usize = 40;

/// Connections of a benchmark.
pub(crate) const BENCH_CONNECTIONS_MAX: u32 = 10_000;

/// Threads that make its load.
pub(crate) const BENCH_THREADS_MAX: u32 = 64;

/// Runs of a series: one for each number of connections.
pub(crate) const BENCH_RUNS_MAX: usize = 16;

/// Operations that one connection sends at once.
pub(crate) const BENCH_DEPTH_MAX: u32 = 1024;

/// Keys that it chooses among: as many as its keys have digits for, and `u32` can count.
pub(crate) const BENCH_KEYS_MAX: u32 = 1_000_000_000;

/// Longest value that it writes.
pub(crate) const BENCH_VALUE_BYTES_MAX: u32 = 16 << 20;

/// Bytes of values that its connections may have in flight together.
pub(crate) const BENCH_IN_FLIGHT_BYTES_MAX: u64 = 1 << 30;

/// Operations a second that it may be told to send.
pub(crate) const BENCH_RATE_MAX: u64 = 100_000_000;

/// Operations that it may be told to send.
pub(crate) const BENCH_REQUESTS_MAX: u64 = 1_000_000_000_000;

/// Longest time that a run, its warm-up or a key in it may be told to last.
pub(crate) const BENCH_DURATION_MAX: Duration = Duration::from_hours(7 * 24);

/// How long a run at a fixed rate goes on to send what was due before its end.
pub(crate) const BENCH_CATCH_UP_MAX: Duration = Duration::from_secs(1);

/// Kinds of errors that are counted one by one; what comes after them is counted together.
pub(crate) const BENCH_ERROR_KINDS_MAX: usize = 32;

/// Longest latency that is told apart from longer ones.
pub(crate) const BENCH_LATENCY_MAX: Duration = Duration::from_hours(1);

const _: () = assert!(BATCH_BYTES_MAX < ROW_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MAX * IN_FLIGHT_MAX <= IN_FLIGHT_KIB_MAX << 10);
const _: () = assert!(ROW_BYTES_MAX < MESSAGE_BYTES_DEFAULT);
const _: () = assert!(LINE_BYTES_MAX > 6 * ROW_BYTES_MAX, "import reads what export writes");
const _: () = assert!(BENCH_VALUE_BYTES_MAX as usize <= VALUE_BYTES_MAX);
