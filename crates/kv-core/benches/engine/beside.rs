//! What a reader sees while something else happens.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kv_core::{Action, Op, Store};

use crate::rate::queued_time;
use crate::store::{Engine, key, now};

/// Reads between two looks at how long the thread has waited for a processor: what a slow read is not charged for is
/// what came since.
const READS_PER_LOOK: u32 = 16;

/// From then on it is asked whether a read has merely waited for a processor.
const SLOW: Duration = Duration::from_micros(200);

/// Reads keys over and over and tells the longest time one read took, less what it waited for a processor that was busy
/// with something else: there are as many threads here as processors, and others on the machine.
fn longest_read(store: &Engine, keys: Range<u64>, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    let (first, count) = (keys.start, keys.end - keys.start);
    let mut number = 0;
    let mut queued_before = queued_time().unwrap_or_default();
    for round in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if round.is_multiple_of(READS_PER_LOOK) {
            queued_before = queued_time().unwrap_or_default();
        }
        number = (number + 7919) % count;
        let start = now();
        store.execute(&Op::new(&key(first + number), Action::Get)).unwrap();
        let took = start.elapsed();
        if took >= SLOW {
            let queued = queued_time().unwrap_or_default();
            longest = longest.max(took.saturating_sub(queued.saturating_sub(queued_before)));
            queued_before = queued;
        } else {
            longest = longest.max(took);
        }
    }
    longest
}

/// Runs `work` beside a reader of some keys and tells the longest read.
pub(crate) fn beside_a_reader(store: &Engine, keys: Range<u64>, work: impl FnOnce()) -> Duration {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| longest_read(store, keys, &stop));
        work();
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    })
}
