//! Shows how far a recovery is: to clients through the readiness, to people in the log, each second.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use kv_persist::recovery::RecoveryProgress;
use kv_server::Readiness;
use tracing::info;

/// How often clients are told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Every how many times people are told too.
const LOG_EVERY: u64 = 10;

/// Shows progress until it is dropped.
pub(super) struct Loading {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loading {
    pub(super) fn show(
        progress: Arc<RecoveryProgress>,
        readiness: Readiness,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = sync_channel::<()>(0);
        let show = move || {
            for turn in 1_u64.. {
                if stopped.recv_timeout(TELL_EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                let (percent, doing) = (progress.percent(), progress.doing());
                readiness.set_progress(percent, doing);
                if turn % LOG_EVERY == 0 {
                    info!(percent, keys = progress.keys(), records = progress.records(), "{doing}");
                }
            }
        };
        let thread = Builder::new()
            .name("kv-progress".to_owned())
            .spawn(show)
            .context("cannot start the thread that shows how far loading is")?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that shows how far loading is has panicked");
        }
    }
}
