//! Ten million volatile keys: what looking after them costs while none is due, and what happens when a million are
//! due within one second.

use std::sync::Arc;
use std::time::Duration;

use kv_bench::{Measured, Target};
use kv_core::{Action, Deadline, NullJournal, Op, SetExpiry, Store, TtlManager};

use crate::Bench;
use crate::beside::beside_a_reader;
use crate::rate::busy_time;
use crate::store::{RealClock, VALUE, engine, key, now, now_ms, pause};

/// As often as the server does.
const TICK: Duration = Duration::from_millis(20);

/// How long nothing is due.
const IDLE_MS: u64 = 3_000;

/// So much earlier than needed, whatever the machine does.
const SLACK_MS: u64 = 1_000;

/// Within so many milliseconds all keys are due that are due at all.
const DUE_WITHIN_MS: u64 = 1_000;

/// The others end in one to two hours.
const LATER_MS: u64 = 3_600_000;

pub(crate) fn run(bench: &Bench) {
    let (keys, due) = (bench.scale.volatile_keys, bench.scale.many_due_keys);
    let store = engine();
    let started_ms = now_ms(&store);
    let mut random = fastrand::Rng::with_seed(1);
    let write = |number, at_ms: u64| {
        let at = Deadline::at(i64::try_from(at_ms).unwrap()).unwrap();
        let expiry = SetExpiry::Deadline(at);
        let action = Action::Set { value: &VALUE, expiry, return_previous: false };
        store.execute(&Op::new(&key(number), action)).unwrap();
    };
    for number in due..keys {
        write(number, started_ms + LATER_MS + random.u64(..LATER_MS));
    }
    // Writing the others has taken longer than writing these will.
    let written_ms = now_ms(&store);
    let due_ms = written_ms + (written_ms - started_ms) + SLACK_MS + IDLE_MS;
    for number in 0..due {
        write(number, due_ms + random.u64(..DUE_WITHIN_MS));
    }
    let mut ttl = TtlManager::new(Arc::clone(&store));
    let mut idle = 0.0;
    let longest_idle = beside_a_reader(&store, due..keys, || idle = idle_share(&mut ttl) * 100.0);
    assert_eq!(store.stats().expired_keys, 0, "nothing is due yet");
    while now_ms(&store) < due_ms - SLACK_MS / 2 {
        ttl.tick();
        pause(TICK);
    }
    let longest = beside_a_reader(&store, due..keys, || {
        while store.stats().expired_keys < due {
            ttl.tick();
            pause(TICK);
        }
    });
    let lag = store.stats().expiry_lag_ms;
    println!(
        "many-volatile: {keys} volatile keys: {idle:.2} % of a processor while none is due; {due} due within \
         {DUE_WITHIN_MS} ms: late by p50 <= {} ms, p99 <= {} ms, at most {} ms; longest read beside it {longest:?}, \
         {longest_idle:?} before",
        lag.p50, lag.p99, lag.max
    );
    let section = "engine-many-volatile";
    let record = |name, unit, value: f64, target| {
        let row = Measured::lower(section, name, unit, &value.into());
        bench.record(row.target(Some(Target::Value(target))));
    };
    record("processor while none is due", "%", idle, 3.0);
    record("late, p99", "ms", lag.p99 as f64, 100.0);
    record("longest read beside it", "ms", longest.as_secs_f64() * 1e3, 1.0);
}

/// Looks after the keys for a while, as the server does, and tells which part of a processor that takes.
fn idle_share(ttl: &mut TtlManager<NullJournal, RealClock>) -> f64 {
    // What has come up since the keys were written is not idleness.
    ttl.tick();
    let (start, busy) = (now(), busy_time());
    while start.elapsed() < Duration::from_millis(IDLE_MS) {
        ttl.tick();
        pause(TICK);
    }
    let busy = busy_time().zip(busy).map(|(after, before)| after.saturating_sub(before));
    busy.unwrap_or_default().as_secs_f64() / start.elapsed().as_secs_f64()
}
