//! Recovery: fills a store from what is on disk, and makes the log ready to go on.

mod appliers;
mod budget;
mod cut;
mod open;
mod recover;
mod replay;

pub use cut::cut_log;
pub(crate) use open::find_manifest;
pub use open::{OpenError, open};
pub(crate) use recover::{Found, read};
pub use recover::{Recovered, RecoveryError, RecoveryProgress, recover};
pub use replay::{LogReplay, REPLAY_THREADS_MAX, ReplayProgress, log_first_lsn};
