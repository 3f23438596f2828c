//! Recovery: fills a store from what is on disk, and makes the log ready to go on.

mod appliers;
mod budget;
mod cut;
mod open;
mod recover;
mod replay;

pub use cut::cut_log;
pub use open::{OpenError, open};
pub use recover::{Recovered, RecoveryError, RecoveryProgress, recover};
pub use replay::{LogReplay, REPLAY_THREADS_MAX, ReplayProgress, log_first_lsn};
