//! What durability costs: `cargo xtask bench persist`.

pub(crate) mod always;
pub(crate) mod interval;
mod log_files;
pub(crate) mod open_loop;
pub(crate) mod restart;
pub(crate) mod size;
pub(crate) mod snapshot;
