//! Every bound of the command line, in one place.

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

const _: () = assert!(BATCH_BYTES_MAX < ROW_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MAX * IN_FLIGHT_MAX <= IN_FLIGHT_KIB_MAX << 10);
const _: () = assert!(ROW_BYTES_MAX < MESSAGE_BYTES_DEFAULT);
const _: () = assert!(LINE_BYTES_MAX > 6 * ROW_BYTES_MAX, "import reads what export writes");
