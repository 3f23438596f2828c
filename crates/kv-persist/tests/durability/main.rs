//! The log with its threads, and everything together over disks that fail and crash.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "panicking is how a test reports, and the matrix says how large it was"
)]

mod crash_matrix;
mod journal;
mod node;
mod shortage;
mod support;
