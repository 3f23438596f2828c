//! A thread that does something once per period, such as the store's regular tick, and outlives a panic in it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tracing::error;

use crate::clock::Stopwatch;

/// Pause before the work is started anew after a panic, so that a lasting fault does not flood the log.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A running thread; dropping it stops it and waits for it.
#[derive(Debug)]
pub struct PeriodicThread {
    /// Never sent to: the thread ends when it is dropped.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PeriodicThread {
    /// Starts the thread. `start` makes the work that is then done once per `period`; it is called again
    /// after the work has panicked.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn<W: FnMut()>(
        name: &'static str,
        period: Duration,
        mut start: impl FnMut() -> W + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            while catch_unwind(AssertUnwindSafe(|| tick_until(&stopped, period, start()))).is_err()
            {
                error!(thread = name, "a thread panicked; it starts anew in {RESTART_PAUSE:?}");
                if wait(&stopped, RESTART_PAUSE).is_break() {
                    return;
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for PeriodicThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("a periodic thread ended with a panic");
        }
    }
}

/// Works at a steady cadence: a slow tick delays the next one, and is not made up for.
fn tick_until(stopped: &Receiver<()>, period: Duration, mut work: impl FnMut()) {
    loop {
        let tick = Stopwatch::start();
        work();
        if wait(stopped, period.saturating_sub(tick.elapsed())).is_break() {
            return;
        }
    }
}

/// Waits for `span`, or breaks as soon as the thread is to stop.
fn wait(stopped: &Receiver<()>, span: Duration) -> std::ops::ControlFlow<()> {
    match stopped.recv_timeout(span) {
        Err(RecvTimeoutError::Timeout) => std::ops::ControlFlow::Continue(()),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => std::ops::ControlFlow::Break(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn the_work_is_done_again_and_again_until_the_thread_is_dropped() {
        let (done, ticks) = sync_channel(1);
        let thread = PeriodicThread::spawn("kv-test", Duration::from_millis(1), move || {
            let done = done.clone();
            move || done.try_send(()).unwrap_or_default()
        })
        .unwrap();
        for _ in 0..3 {
            ticks.recv_timeout(LIMIT).expect("a tick");
        }
        drop(thread);
        let after: Vec<()> = ticks.iter().collect();
        assert!(after.len() <= 1, "ticks after the thread was stopped");
    }

    #[test]
    fn a_panic_restarts_the_work() {
        let (started, starts) = sync_channel(4);
        let mut first = true;
        let thread = PeriodicThread::spawn("kv-test", Duration::from_millis(1), move || {
            started.send(()).unwrap();
            let panics = std::mem::take(&mut first);
            move || assert!(!panics, "wanted by the test")
        })
        .unwrap();
        starts.recv_timeout(LIMIT).expect("the first start");
        starts.recv_timeout(LIMIT).expect("a start after the panic");
        drop(thread);
    }

    #[test]
    fn a_long_period_does_not_delay_the_stop() {
        let (done, ticks) = sync_channel(1);
        let thread = PeriodicThread::spawn("kv-test", Duration::from_hours(1), move || {
            let done = done.clone();
            move || done.send(()).unwrap()
        })
        .unwrap();
        ticks.recv_timeout(LIMIT).expect("a tick");
        drop(thread);
    }
}
