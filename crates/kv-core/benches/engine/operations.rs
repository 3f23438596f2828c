//! Reads and writes of random keys, alone and in batches.

use kv_bench::Measured;
use kv_core::{Action, Op, Store};

use crate::Bench;
use crate::rate::rate;
use crate::store::{VALUE, engine, fill, key, set};

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.keys;
    let store = engine();
    let mut random = fastrand::Rng::with_seed(1);
    let keys: Vec<[u8; 16]> = (0..count).map(|_| key(random.u64(0..count))).collect();
    let show = |what: &str, run: &mut dyn FnMut()| {
        let rate = rate(count, run);
        println!("operations: {what}: {:.2} M/s", rate / 1e6);
        bench.record(Measured::higher("engine-operations", what, "ops/s", &rate.into()));
    };
    show("set, new keys", &mut || fill(&store, 0..count, None));
    show("set, random keys", &mut || {
        for key in &keys {
            store.execute(&Op::new(key, set(&VALUE, None))).unwrap();
        }
    });
    show("get, random keys", &mut || {
        for key in &keys {
            assert!(store.execute(&Op::new(key, Action::Get)).unwrap().applied);
        }
    });
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
