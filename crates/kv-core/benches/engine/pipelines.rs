//! Operations in order, as RESP's pipelines are executed, beside single calls and batches; and GETs of keys that
//! fit into the processor's cache and of many that do not.

use kv_bench::{Compare, Figure, Measured, Target};
use kv_core::{Action, Op, Reply, ReplySink, Store, StoreError};

use crate::Bench;
use crate::rate::rate;
use crate::store::{Engine, VALUE, engine, fill, key, set};

/// Keys that fit into the processor's cache.
const RESIDENT: u64 = 1_000;

/// How operations that come together are executed.
#[derive(Debug, Clone, Copy)]
enum How {
    OneByOne,
    AsBatch,
    InOrder,
}

/// Takes answers as protocols do: what is lent is not copied.
#[derive(Default)]
struct Taken {
    answers: usize,
    bytes: usize,
}

impl ReplySink for Taken {
    fn reply(&mut self, result: Result<Reply, StoreError>) {
        assert!(result.unwrap().applied);
        self.answers += 1;
    }

    fn lend(&mut self, reply: Reply, value: &[u8]) {
        assert!(reply.applied);
        self.answers += 1;
        self.bytes += value.len();
    }
}

fn get_in_order(store: &Engine, keys: &[[u8; 16]], depth: usize) {
    let (mut ops, mut taken) = (Vec::new(), Taken::default());
    for keys in keys.chunks(depth) {
        ops.clear();
        ops.extend(keys.iter().map(|key| Op::new(key, Action::Get)));
        store.execute_in_order(&ops, &mut taken).unwrap();
    }
    assert_eq!((taken.answers, taken.bytes), (keys.len(), keys.len() * VALUE.len()));
}

fn pipeline(store: &Engine, keys: &[[u8; 16]], action: Action<'_>, depth: usize, how: How) {
    let (mut ops, mut results) = (Vec::new(), Vec::new());
    for keys in keys.chunks(depth) {
        ops.clear();
        ops.extend(keys.iter().map(|key| Op::new(key, action)));
        match how {
            How::OneByOne => results.extend(ops.iter().map(|op| store.execute(op))),
            How::AsBatch => store.execute_batch(&ops, &mut results).unwrap(),
            How::InOrder => store.execute_in_order(&ops, &mut results).unwrap(),
        }
        assert!(results.iter().all(|result| result.as_ref().unwrap().applied));
        results.clear();
    }
}

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.keys;
    let store = engine();
    fill(&store, 0..count, None);
    for (size, resident) in [("a thousand", RESIDENT), ("all", count)] {
        let keys = random_keys(count, resident);
        for (name, action) in [("get", Action::Get), ("set", set(&VALUE, None))] {
            for depth in [1, 16, 64] {
                for how in [How::OneByOne, How::AsBatch, How::InOrder] {
                    let rate = rate(count, || pipeline(&store, &keys, action, depth, how));
                    let what = format!("{name} of {size} keys, {depth} at once, {how:?}");
                    println!("pipelines: {what}: {:.2} M/s", rate / 1e6);
                    let row = Measured::higher("engine-pipelines", what, "ops/s", &rate.into());
                    bench.record(row);
                }
            }
        }
    }
}

/// GETs on one thread, their values lent: what batches gain is the same on every machine, more or less, and rates are not.
pub(crate) fn gets(bench: &Bench) {
    let (count, gets) = (bench.scale.get_keys, bench.scale.keys);
    let store = engine();
    fill(&store, 0..count, None);
    println!("gets: among {RESIDENT} keys and among {count}, one thread");
    for (size, resident, [single_min, batch_min]) in
        [("cache-resident", RESIDENT, [Some(20e6), None]), ("many keys", count, [None, Some(10e6)])]
    {
        let keys = random_keys(gets, resident);
        let (mut single, mut batches) = (Figure::default(), Figure::default());
        for _ in 0..bench.scale.rounds {
            single.add(rate(gets, || get_in_order(&store, &keys, 1)));
            batches.add(rate(gets, || get_in_order(&store, &keys, 16)));
        }
        let [one, many] = [&single, &batches].map(|figure| figure.text(1e6, 2));
        println!("gets: {size}: {one} M/s one by one, {many} M/s in batches of 16");
        let section = "engine-gets";
        let row = Measured::higher(section, format!("{size}, one by one"), "ops/s", &single);
        bench.record(row.target(single_min.map(Target::Value)));
        let row = Measured::higher(section, format!("{size}, batches of 16"), "ops/s", &batches)
            .beside("one by one", Some(&single));
        bench.record(row.target(batch_min.map(Target::Value)).compare(Compare::Ratio));
    }
}

/// So many keys, drawn from the first `among`.
fn random_keys(count: u64, among: u64) -> Vec<[u8; 16]> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..count).map(|_| key(random.u64(0..among))).collect()
}
