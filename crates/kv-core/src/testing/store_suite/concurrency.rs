//! What a [`Store`] must do when several threads use it at once.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{run, run_if, set};
use crate::store::Store;
use crate::testing::ManualClock;
use crate::types::{Action, Condition, Op, Payload, Reply, Transfer};

const THREADS: usize = 4;

pub(super) fn increments_are_not_lost<S: Store>(store: &S, _clock: &ManualClock) {
    const ROUNDS: i64 = 2000;
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut last = HashMap::new();
                for round in 0..ROUNDS {
                    let key = [u8::try_from(round % 3).expect("a digit")];
                    let version = run(store, &key, Action::Increment { delta: 1 }).version;
                    let before = last.insert(key, version).unwrap_or_default();
                    assert!(version > before, "versions only grow, in every thread's eyes");
                }
            });
        }
    });
    let total: i64 = (0..3)
        .map(|key| match run(store, &[key], Action::Increment { delta: 0 }).payload {
            Payload::Number(number) => number,
            other => unreachable!("an increment answers with a number, not {other:?}"),
        })
        .sum();
    assert_eq!(total, ROUNDS * i64::try_from(THREADS).expect("a few"));
}

pub(super) fn atomic_batches_are_seen_whole<S: Store>(store: &S, _clock: &ManualClock) {
    const KEYS: [&[u8]; 5] = [b"a", b"b", b"c", b"d", b"e"];
    let stop = AtomicBool::new(false);
    let write = |text: &[u8]| {
        let ops = KEYS.map(|key| Op::new(key, set(text)));
        store.execute_atomic(&ops).expect("the batch can be made");
    };
    write(b"0");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..THREADS)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 0..1000 {
                        write(format!("{writer}-{round}").as_bytes());
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let reads = KEYS.map(|key| Op::new(key, Action::Get));
                let replies = store.execute_atomic(&reads).expect("reads are allowed");
                let seen: HashSet<_> = replies.into_iter().map(Reply::into_value).collect();
                assert_eq!(seen.len(), 1, "half of a batch was seen: {seen:?}");
            }
        });
        for writer in writers {
            writer.join().expect("no writer fails");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

pub(super) fn conditional_sets_have_one_winner<S: Store>(store: &S, _clock: &ManualClock) {
    for round in 0..200_u32 {
        let key = round.to_le_bytes();
        let winners: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| run_if(store, &key, Condition::IfAbsent, set(b"v")).applied)
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| usize::from(thread.join().expect("no thread fails")))
                .sum()
        });
        assert_eq!(winners, 1);
    }
}

pub(super) fn pipelines_are_seen_in_order<S: Store>(store: &S, _clock: &ManualClock) {
    const KEYS: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"e", b"f"];
    const ROUNDS: i64 = 3000;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut results = Vec::new();
            for _ in 0..ROUNDS {
                let ops = KEYS.map(|key| Op::new(key, Action::Increment { delta: 1 }));
                store.execute_in_order(&ops, &mut results).expect("the pipeline is allowed");
                results.clear();
            }
        });
        while !writer.is_finished() {
            // Read backwards, a later key is never ahead of an earlier one.
            let ops: Vec<_> = KEYS.iter().rev().map(|key| Op::new(key, Action::Get)).collect();
            let mut results = Vec::new();
            store.execute_in_order(&ops, &mut results).expect("reads are allowed");
            let seen: Vec<i64> = results
                .into_iter()
                .map(|read| read.expect("reads are allowed").into_value())
                .map(|text| text.map_or(0, |text| number(&text)))
                .collect();
            assert!(seen.is_sorted(), "an effect was seen without one before it: {seen:?}");
        }
    });
}

fn number(text: &[u8]) -> i64 {
    let text = std::str::from_utf8(text).expect("increments write decimal numbers");
    text.parse().expect("increments write decimal numbers")
}

pub(super) fn transfers_are_seen_whole<S: Store>(store: &S, _clock: &ManualClock) {
    const KEYS: [&[u8]; 3] = [b"a", b"b", b"c"];
    run(store, KEYS[0], set(b"the one"));
    std::thread::scope(|scope| {
        let movers: Vec<_> = (1..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    for round in 0..2000 {
                        let (from, to) = (KEYS[round % 3], KEYS[(round + 1) % 3]);
                        let rename = Transfer { from, to, keep_source: false, replace: false };
                        store.transfer(&rename).expect("the transfer is allowed");
                    }
                })
            })
            .collect();
        while movers.iter().any(|mover| !mover.is_finished()) {
            let reads = KEYS.map(|key| Op::new(key, Action::Exists));
            let replies = store.execute_atomic(&reads).expect("reads are allowed");
            let there = replies.iter().filter(|reply| reply.applied).count();
            assert_eq!(there, 1, "the value is in one place");
        }
    });
}
