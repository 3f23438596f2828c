//! How late keys leave memory when many of a million volatile keys are due at once.

use std::sync::Arc;
use std::time::Duration;

use kv_bench::{Measured, Target};
use kv_core::{Action, Deadline, Op, SetExpiry, Store, TtlManager};

use crate::Bench;
use crate::beside::beside_a_reader;
use crate::store::{Engine, VALUE, engine, fill, key, now_ms, pause};

/// Runs the TTL thread as the server does until `done`.
fn tick_until(store: &Engine, done: impl Fn() -> bool) {
    let mut ttl = TtlManager::new(Arc::clone(store));
    while !done() {
        ttl.tick();
        pause(Duration::from_millis(20));
    }
}

pub(crate) fn run(bench: &Bench) {
    let (keys, due) = (bench.scale.keys, bench.scale.due_keys);
    let store = engine();
    fill(&store, 0..keys, Some(3_600_000));
    // All due at the same instant, far enough away to be written in time.
    let at = i64::try_from(now_ms(&store) + 3_000).unwrap();
    let expiry = SetExpiry::Deadline(Deadline::at(at).unwrap());
    for number in keys..keys + due {
        let action = Action::Set { value: &VALUE, expiry, return_previous: false };
        store.execute(&Op::new(&key(number), action)).unwrap();
    }
    let longest = beside_a_reader(&store, 0..keys, || {
        tick_until(&store, || store.stats().expired_keys >= due);
    });
    let lag = store.stats().expiry_lag_ms;
    println!(
        "expiry: {due} keys due at once beside {keys} volatile ones: late by p50 <= {} ms, p99 <= {} \
         ms, at most {} ms; longest read beside it {longest:?}",
        lag.p50, lag.p99, lag.max
    );
    let late = Measured::lower("engine-expiry", "late, p99", "ms", &(lag.p99 as f64).into());
    bench.record(late.target(Some(Target::Value(100.0))));
    let longest = (longest.as_secs_f64() * 1e3).into();
    bench.record(Measured::lower("engine-expiry", "longest read beside it", "ms", &longest));
}
