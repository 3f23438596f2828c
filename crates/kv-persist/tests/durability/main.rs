//! The log with its threads, and everything together over disks that fail and crash.

mod journal;
mod support;
