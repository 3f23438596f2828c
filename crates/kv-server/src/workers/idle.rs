//! What a thread does beside its requests: when it is idle, or now and then if it never is.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::clock::Stopwatch;

/// A thread that is busy for less than one part in so many of a period has been idle in it.
const IDLE_PARTS: u32 = 10;

/// What takes long is done less often: it takes no more than one part in so many of the time.
const PAUSES_PER_WORK: u32 = 1_000;

/// What waits for idle periods waits for no more than so many of others.
const BUSY_PERIODS_MAX: u32 = 60;

/// Does it for as long as the runtime, which is the caller's, lives.
pub(super) async fn when_idle(runtime: Handle, period: Duration, work: fn()) {
    let metrics = runtime.metrics();
    let mut pause = period;
    let (mut busy_before, mut busy_periods) = (Duration::ZERO, 0);
    loop {
        sleep_until(Instant::now() + pause).await;
        let busy = metrics.worker_total_busy_duration(0);
        let was_idle = busy.saturating_sub(busy_before) < pause / IDLE_PARTS;
        busy_before = busy;
        busy_periods += 1;
        if was_idle || busy_periods >= BUSY_PERIODS_MAX {
            busy_periods = 0;
            let took = Stopwatch::start();
            work();
            pause = period.max(took.elapsed() * PAUSES_PER_WORK);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::sync_channel;
    use std::thread;

    use super::*;
    use crate::workers::{Mobility, Workers};

    const LIMIT: Duration = Duration::from_secs(30);

    /// How often `work` was done by the threads of the test below.
    static DONE: AtomicUsize = AtomicUsize::new(0);

    fn until_done(times: usize) {
        let start = Stopwatch::start();
        let goal = DONE.load(Ordering::Relaxed) + times;
        while DONE.load(Ordering::Relaxed) < goal {
            assert!(start.elapsed() < LIMIT, "{times} more times");
            thread::yield_now();
        }
    }

    #[test]
    fn what_waits_for_idle_threads_is_done_by_busy_ones_too_but_seldom() {
        let workers = Workers::start(1).unwrap();
        let period = Duration::from_millis(1);
        workers.each_does_when_idle(period, || {
            DONE.fetch_add(1, Ordering::Relaxed);
        });
        until_done(3);
        let seat = workers.team().seat(Mobility::Fixed);
        let (told, periods) = sync_channel(1);
        drop(seat.runtime().spawn(async move {
            // Busy for the whole of every period, of which there are as many as this takes turns.
            let mut ticks = 0;
            let before = DONE.load(Ordering::Relaxed);
            while DONE.load(Ordering::Relaxed) < before + 3 {
                let turn = Stopwatch::start();
                while turn.elapsed() < period {}
                ticks += 1;
                tokio::task::yield_now().await;
            }
            told.send(ticks).unwrap();
        }));
        // The first may come at once, as may the second if the thread was idle just before.
        let periods = periods.recv_timeout(LIMIT).expect("a busy thread does it too");
        assert!(periods >= BUSY_PERIODS_MAX / 2, "thrice in {periods} periods");
    }

    /// How often `work` was done by the thread of the test below.
    static DONE_LONG: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn what_takes_long_is_done_less_often() {
        const TAKES: Duration = Duration::from_millis(2);
        let workers = Workers::start(1).unwrap();
        workers.each_does_when_idle(Duration::from_millis(1), || {
            let took = Stopwatch::start();
            while took.elapsed() < TAKES {}
            DONE_LONG.fetch_add(1, Ordering::Relaxed);
        });
        let start = Stopwatch::start();
        while DONE_LONG.load(Ordering::Relaxed) == 0 {
            assert!(start.elapsed() < LIMIT, "for the first time");
            thread::yield_now();
        }
        // Not before so long, however many periods that is: two seconds, of which these are a part.
        let again = Stopwatch::start();
        while again.elapsed() < TAKES * PAUSES_PER_WORK / 10 {
            thread::yield_now();
        }
        assert_eq!(DONE_LONG.load(Ordering::Relaxed), 1);
    }
}
