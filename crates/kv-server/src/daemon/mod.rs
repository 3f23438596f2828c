//! The parts of the program: what joins the library with the engine and with what keeps it.
//!
//! * `run` starts everything in order, and stops it in the other.
//! * `descriptors` allows as many open files as there may be.
//! * `durable` is the store that is kept on disk: opened, recovered, snapshotted, stopped.
//! * `loading` shows how far a recovery is.
//! * `small_pages` has the system give memory in small pages meanwhile.
//! * `tools` are the commands that do something else than serve.

mod descriptors;
mod durable;
mod loading;
mod run;
mod small_pages;
mod tools;

pub(crate) use run::{check, run};
pub(crate) use tools::run as run_tool;

#[cfg(test)]
mod tests {
    use kv_persist::manifest::MANIFEST_SNAPSHOTS_MAX;
    use kv_persist::snapshot::{
        SNAPSHOT_BUFFER_BYTES_MAX, SNAPSHOT_BUFFER_BYTES_MIN, SnapshotOptions,
    };
    use kv_server::PersistSection;

    /// The library, which does not know what keeps the data, repeats its bounds.
    #[test]
    fn what_the_configuration_allows_is_what_is_done() {
        let PersistSection { snapshot_buffer_bytes, snapshots_kept, .. } =
            PersistSection::default();
        let buffer = (SNAPSHOT_BUFFER_BYTES_MIN as u64, SNAPSHOT_BUFFER_BYTES_MAX as u64);
        assert_eq!(snapshot_buffer_bytes.bounds(), buffer);
        assert_eq!(snapshots_kept.bounds(), (1, MANIFEST_SNAPSHOTS_MAX as u64));
        assert_eq!(snapshot_buffer_bytes.as_usize(), SnapshotOptions::default().buffer_bytes);
    }
}
