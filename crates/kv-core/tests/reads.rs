//! Every way to read a key answers alike: alone, in a pipeline, in a batch, and as an atomic batch, which shares no
//! code with the others.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::ops::Range;
use std::sync::Arc;

use kv_core::testing::{ManualClock, ManualJournal};
use kv_core::{
    Action, Deadline, Durability, EngineConfig, JournalError, Lsn, Op, Payload, Reply, SetExpiry,
    ShardedStore, Store, StoreError,
};
use proptest::prelude::*;

/// Few, so that they meet, some of them in one shard.
const KEYS: u8 = 6;

/// Around the length from which on values are shared with their readers.
const LARGE: usize = 16 << 10;

#[derive(Debug, Clone)]
enum Step {
    Set {
        key: u8,
        value: Vec<u8>,
        ttl_ms: Option<i64>,
    },
    Delete {
        key: u8,
    },
    /// Time goes on.
    Wait {
        millis: u64,
    },
    /// Everything so far is on stable storage.
    Sync,
    /// The journal refuses records, or takes them again.
    Refuse(bool),
    Read {
        keys: Vec<u8>,
    },
}

fn reads(count: Range<usize>) -> impl Strategy<Value = Step> {
    proptest::collection::vec(0..KEYS, count).prop_map(|keys| Step::Read { keys })
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0..40_usize, 1 => LARGE - 1..LARGE + 2];
    let value = (any::<u8>(), length).prop_map(|(byte, length)| vec![byte; length]);
    let ttl_ms = proptest::option::of(1..100_i64);
    prop_oneof![
        4 => (0..KEYS, value, ttl_ms).prop_map(|(key, value, ttl_ms)| Step::Set { key, value, ttl_ms }),
        1 => (0..KEYS).prop_map(|key| Step::Delete { key }),
        2 => (1..60_u64).prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Sync),
        1 => any::<bool>().prop_map(Step::Refuse),
        6 => reads(1..5),
        // More than are made ready together.
        1 => reads(15..40),
    ]
}

/// A way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    OneByOne,
    AloneInOrder,
    InOrder,
    Batch,
    Atomic,
}

impl Way {
    const ALL: [Self; 5] =
        [Self::Atomic, Self::OneByOne, Self::AloneInOrder, Self::InOrder, Self::Batch];

    fn read(self, store: &impl Store, keys: &[u8]) -> Vec<Reply> {
        let keys: Vec<[u8; 1]> = keys.iter().map(|key| [*key]).collect();
        let ops: Vec<Op<'_>> = keys.iter().map(|key| Op::new(key, Action::Get)).collect();
        let mut results: Vec<Result<Reply, StoreError>> = Vec::new();
        match self {
            Self::OneByOne => results.extend(ops.iter().map(|op| store.execute(op))),
            Self::AloneInOrder => {
                for op in ops {
                    store.execute_in_order(&[op], &mut results).unwrap();
                }
            }
            Self::InOrder => store.execute_in_order(&ops, &mut results).unwrap(),
            Self::Batch => store.execute_batch(&ops, &mut results).unwrap(),
            // One at a time: in one batch, all that is absent rests on the latest delete of any.
            Self::Atomic => {
                for op in ops {
                    let replies = store.execute_atomic(&[op]).unwrap();
                    results.extend(replies.into_iter().map(Ok));
                }
            }
        }
        results.into_iter().map(Result::unwrap).collect()
    }
}

/// An engine that is read in one way, with its own clock and a journal that makes nothing safe by itself.
struct Engine {
    way: Way,
    store: ShardedStore<Arc<ManualJournal>, Arc<ManualClock>>,
    journal: Arc<ManualJournal>,
    clock: Arc<ManualClock>,
}

impl Engine {
    fn new(way: Way, shards: usize) -> Self {
        let (journal, clock) = (Arc::new(ManualJournal::default()), Arc::default());
        let config = EngineConfig { shards, seed: 1, ..EngineConfig::default() };
        let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock)).unwrap();
        Self { way, store, journal, clock }
    }

    /// What is read, if anything is.
    fn run(&self, step: &Step) -> Vec<Reply> {
        let write = |key: u8, action| drop(self.store.execute(&Op::new(&[key], action)));
        match step {
            Step::Set { key, value, ttl_ms } => {
                let expiry = ttl_ms.map_or(SetExpiry::Never, |ttl_ms| {
                    SetExpiry::Deadline(Deadline::after(ttl_ms).unwrap())
                });
                write(*key, Action::Set { value, expiry, return_previous: false });
            }
            Step::Delete { key } => write(*key, Action::Delete { return_previous: false }),
            Step::Wait { millis } => self.clock.advance_ms(*millis),
            Step::Sync => self.journal.advance(Durability::Fsync),
            Step::Refuse(refused) => {
                let reason = "a test says so".to_owned();
                self.journal.refuse(refused.then_some(JournalError::Unavailable { reason }));
            }
            Step::Read { keys } => return self.way.read(&self.store, keys),
        }
        Vec::new()
    }

    /// Everything that reading leaves behind.
    fn traces(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let stats = self.store.stats();
        let counted = (stats.keys, stats.hits, stats.misses, stats.expired_keys, stats.writes);
        let keys = (0..KEYS).map(|key| self.store.inspect(&[key])).collect::<Vec<_>>();
        (counted, stats.memory_used_bytes, keys)
    }
}

proptest! {
    #[test]
    fn all_ways_to_read_answer_alike_and_leave_the_same_behind(
        steps in proptest::collection::vec(step(), 1..60),
        shards in prop_oneof![Just(1), Just(4)],
    ) {
        let engines = Way::ALL.map(|way| Engine::new(way, shards));
        for step in &steps {
            let [expected, answers @ ..] = engines.each_ref().map(|engine| engine.run(step));
            for (engine, answer) in engines.iter().skip(1).zip(&answers) {
                prop_assert_eq!(answer, &expected, "{:?} of {:?}", engine.way, step);
            }
        }
        let [expected, traces @ ..] = engines.each_ref().map(Engine::traces);
        for (engine, traces) in engines.iter().skip(1).zip(&traces) {
            engine.store.verify();
            prop_assert_eq!(traces, &expected, "{:?}", engine.way);
        }
    }
}

/// Not left to chance: what each kind of answer rests on.
#[test]
fn reads_tell_what_they_rest_on() {
    for way in Way::ALL {
        let engine = Engine::new(way, 1);
        let lsn = |key: u8| way.read(&engine.store, &[key]).pop().expect("an answer");
        let set = |key, ttl_ms| engine.run(&Step::Set { key, value: vec![key], ttl_ms });
        assert_eq!(lsn(0).lsn, Lsn::ZERO, "{way:?}: nothing was ever there");
        set(1, None);
        let present = lsn(1);
        assert_eq!(present.payload, Payload::Value(b"\x01"[..].into()), "{way:?}");
        assert_eq!(present.lsn, Lsn::new(1), "{way:?}: the write is not safe");
        set(2, Some(10));
        assert_eq!((lsn(2).lsn, lsn(2).ttl_ms), (Lsn::new(2), Some(10)), "{way:?}");
        engine.clock.advance_ms(10);
        let expired = lsn(2);
        assert_eq!((expired.payload, expired.lsn), (Payload::None, Lsn::new(3)), "{way:?}");
        engine.run(&Step::Sync);
        assert_eq!((lsn(1).lsn, lsn(2).lsn), (Lsn::ZERO, Lsn::ZERO), "{way:?}: all is safe");
    }
}
