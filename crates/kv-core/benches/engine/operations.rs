//! Reads and writes of random keys, alone and in batches; of keys without an expiry, and with one.

use kv_bench::Measured;
use kv_core::{Action, Op, Store};

use crate::Bench;
use crate::rate::rate;
use crate::store::{Engine, VALUE, engine, fill, key, set};

const TTL_MS: i64 = 3_600_000;

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.keys;
    let mut random = fastrand::Rng::with_seed(1);
    let keys: Vec<[u8; 16]> = (0..count).map(|_| key(random.u64(0..count))).collect();
    for (with, ttl) in [("", None), (" with TTL", Some(TTL_MS))] {
        let store = engine();
        let show = |what: &str, run: &mut dyn FnMut()| {
            let (what, rate) = (format!("{what}{with}"), rate(count, run));
            println!("operations: {what}: {:.2} M/s", rate / 1e6);
            bench.record(Measured::higher("engine-operations", what, "ops/s", &rate.into()));
        };
        show("set, new keys", &mut || fill(&store, 0..count, ttl));
        show("set, random keys", &mut || each(&store, &keys, set(&VALUE, ttl)));
        show("get, random keys", &mut || each(&store, &keys, Action::Get));
        for batch in [16, 64] {
            show(&format!("get, random keys in batches of {batch}"), &mut || {
                let mut results = Vec::new();
                for keys in keys.chunks(batch) {
                    let ops: Vec<_> = keys.iter().map(|key| Op::new(key, Action::Get)).collect();
                    store.execute_batch(&ops, &mut results).unwrap();
                    results.clear();
                }
            });
        }
    }
}

fn each(store: &Engine, keys: &[[u8; 16]], action: Action<'_>) {
    for key in keys {
        assert!(store.execute(&Op::new(key, action)).unwrap().applied);
    }
}
