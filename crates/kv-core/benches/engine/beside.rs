//! What a reader sees while something else happens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kv_core::{Action, Op, Store};

use crate::store::{Engine, key, now};

/// Reads a few keys over and over and tells the longest time one read took.
fn longest_read(store: &Engine, keys: u64, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number = (number + 7919) % keys;
        let start = now();
        store.execute(&Op::new(&key(number), Action::Get)).unwrap();
        longest = longest.max(start.elapsed());
    }
    longest
}

/// Runs `work` beside a reader of the first `keys` keys and tells the longest read.
pub(crate) fn beside_a_reader(store: &Engine, keys: u64, work: impl FnOnce()) -> Duration {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| longest_read(store, keys, &stop));
        work();
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    })
}
