//! Snapshots: a store copied into one file while it serves, and loaded from it in parallel.
//!
//! * [`SnapshotJob`] writes one, shard by shard in short visits; [`Pace`] throttles and stops it.
//! * [`SnapshotFile`] opens, verifies, prints and loads one.
//! * [`restore`] loads the newest that checks out.

mod block;
mod block_buffer;
mod blocks;
mod choose;
mod damage;
mod file;
mod footer;
mod header;
mod load;
mod output;
mod pace;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod writer;

pub use choose::{RestoreError, Restored, Skipped, restore};
pub use damage::SnapshotDamage;
pub use file::SnapshotFile;
pub use footer::{Footer, ShardStart};
pub use header::Header;
pub(crate) use header::{SNAPSHOT_MAGIC, SNAPSHOT_VERSION};
pub use load::{LOAD_THREADS_MAX, LoadProgress};
pub use pace::{BYTES_PER_SECOND_MIN, Pace, StopSignal, Unhurried};
pub use writer::{
    SNAPSHOT_BUFFER_BYTES_MAX, SNAPSHOT_BUFFER_BYTES_MIN, SnapshotError, SnapshotJob,
    SnapshotMeter, SnapshotOptions,
};
