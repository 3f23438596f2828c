//! Recovery: fills a store from what is on disk, and makes the log ready to go on.

mod appliers;
mod budget;
mod cut;
mod replay;

pub use cut::cut_log;
pub use replay::{LogReplay, REPLAY_THREADS_MAX, ReplayProgress, log_first_lsn};
