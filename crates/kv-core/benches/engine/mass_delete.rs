//! The longest pause other requests see while nine of ten keys go.

use std::time::Duration;

use kv_bench::{Compare, Figure, Measured};
use kv_core::{Action, Op, Store};

use crate::Bench;
use crate::beside::beside_a_reader;
use crate::store::{Engine, engine, fill, key, now, pause};

pub(crate) fn run(bench: &Bench) {
    let keys = bench.scale.keys;
    let store = engine();
    fill(&store, 0..keys, None);
    let idle = beside_a_reader(&store, 0..keys, || pause(Duration::from_secs(1)));
    // What the scheduler does to two busy threads by itself, with nothing shared between them.
    let other = engine();
    let busy = beside_a_reader(&store, 0..keys, || fill(&other, 0..keys, None));
    drop(other);
    let full = store.stats().memory_used_bytes;
    let longest = beside_a_reader(&store, 0..keys, || {
        let _slowest = delete_most(&store, keys);
    });
    let left = store.stats().memory_used_bytes;
    println!(
        "mass-delete: {} of {keys} keys deleted, accounted memory {} MB to {} MB; longest read \
         beside it {longest:?} (beside nothing: {idle:?}; beside writes to another store: {busy:?})",
        keys / 10 * 9,
        full / 1_000_000,
        left / 1_000_000
    );
    fill(&store, 0..keys, None);
    let slowest = delete_most(&store, keys);
    println!("mass-delete: slowest of those deletes with nobody beside {slowest:?}");
    let section = "engine-mass-delete";
    let millis = |time: Duration| Figure::from(time.as_secs_f64() * 1e3);
    let read = Measured::lower(section, "longest read beside it", "ms", &millis(longest));
    bench.record(read.beside("nothing beside", Some(&millis(idle))));
    bench.record(Measured::lower(section, "slowest delete", "ms", &millis(slowest)));
    let share = left as f64 / full as f64 * 100.0;
    let row = Measured::lower(section, "memory left of a tenth of the keys", "%", &share.into());
    bench.record(row.compare(Compare::Value));
}

/// Deletes nine of ten keys and tells how long the slowest delete took.
fn delete_most(store: &Engine, keys: u64) -> Duration {
    let mut slowest = Duration::ZERO;
    for number in (0..keys).filter(|number| number % 10 != 0) {
        let start = now();
        let delete = Action::Delete { return_previous: false };
        store.execute(&Op::new(&key(number), delete)).unwrap();
        slowest = slowest.max(start.elapsed());
    }
    slowest
}
