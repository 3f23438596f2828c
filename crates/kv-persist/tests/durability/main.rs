//! The log with its threads, and everything together over disks that fail and crash.

mod crash_matrix;
mod journal;
mod node;
mod support;
