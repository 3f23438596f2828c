//! Random operations on the engine and on a plain map, side by side: KV-I3, KV-I4, KV-I5, KV-I6.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

use std::collections::HashMap;
use std::sync::Arc;

use kv_core::testing::{Expected, ManualClock, MemoryJournal, ModelStore, OwnedChange};
use kv_core::{
    Action, BatchError, COMPRESS_MIN_BYTES_MIN, Clock, Condition, Deadline, DeleteCause,
    EngineConfig, ExpireRule, ExpiryChange, Extended, NullJournal, Op, Payload, ReplayTarget,
    Reply, ScanSpec, SetExpiry, ShardedStore, Store, StoreError, Transfer, TransferOutcome,
    TtlManager, UnixMillis, Version,
};
use proptest::prelude::*;

/// An operation that owns its bytes. Keys are few, so that operations meet.
#[derive(Debug, Clone)]
struct OwnedOp {
    key: u8,
    condition: OwnedCondition,
    action: OwnedAction,
}

#[derive(Debug, Clone)]
enum OwnedCondition {
    None,
    IfAbsent,
    IfPresent,
    /// The version the key had that many versions of any key ago.
    IfRecentVersion(usize),
    IfValue(Vec<u8>),
}

#[derive(Debug, Clone)]
enum OwnedAction {
    Get,
    Exists,
    Set(Vec<u8>, SetExpiry, bool),
    Delete(bool),
    Deadline,
    GetExpire(ExpiryChange),
    Increment(i64),
    IncrementFloat(Extended),
    Append(Vec<u8>),
    SetRange(u64, Vec<u8>),
    Expire(ExpiryChange),
}

#[derive(Debug, Clone)]
enum Step {
    One(OwnedOp),
    Batch(Vec<OwnedOp>),
    InOrder(Vec<OwnedOp>),
    Atomic(Vec<OwnedOp>),
    Transfer(u8, u8, bool, bool),
    Advance(u64),
    Back(u64),
    Tick,
    Scan,
    Flush,
    Refuse(OwnedOp),
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        Just(b"0".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
        (16_000_usize..17_000).prop_map(|len| vec![b'x'; len]),
        compressible(),
    ]
}

/// What compresses by much or little, to less than what is shared or to more; at times not at all.
fn compressible() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![8 => 60_usize..600, 1 => 16_000_usize..20_000, 1 => 30_000_usize..70_000];
    (len, 0_usize..100, any::<u64>()).prop_map(|(len, noise_percent, seed)| {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut value = vec![b'x'; len];
        random.fill(&mut value[..len * noise_percent / 100]);
        value
    })
}

fn deadline() -> impl Strategy<Value = Deadline> {
    prop_oneof![
        4 => (1_i64..5_000).prop_map(|ttl| Deadline::after(ttl).unwrap()),
        1 => (1_i64..1 << 47).prop_map(|ttl| Deadline::after(ttl).unwrap()),
        1 => (1_699_999_990_000_i64..1_700_000_100_000).prop_map(|at| Deadline::at(at).unwrap()),
    ]
}

fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0_u64..60,
        2 => 16_300_u64..16_500,
        1 => Just(kv_core::VALUE_BYTES_HARD_MAX as u64),
        1 => Just(u64::MAX),
    ]
}

fn delta() -> impl Strategy<Value = Extended> {
    prop_oneof!["-?[0-9]{1,3}(\\.[0-9]{1,3})?", "-?[0-9]{1,20}e[0-9]{1,4}", Just("inf".to_owned())]
        .prop_filter_map("a number", |text| Extended::parse(text.as_bytes()).ok())
}

fn action() -> impl Strategy<Value = OwnedAction> {
    let rule = prop_oneof![
        Just(ExpireRule::Always),
        Just(ExpireRule::IfNone),
        Just(ExpireRule::IfSome),
        Just(ExpireRule::IfLater),
        Just(ExpireRule::IfEarlier),
        Just(ExpireRule::IfSomeEarlier),
    ];
    let set_expiry = prop_oneof![
        Just(SetExpiry::Never),
        Just(SetExpiry::Keep),
        deadline().prop_map(SetExpiry::Deadline),
    ];
    let change = prop_oneof![
        1 => Just(ExpiryChange::Persist),
        3 => (deadline(), rule).prop_map(|(at, rule)| ExpiryChange::Set(at, rule)),
    ];
    prop_oneof![
        3 => Just(OwnedAction::Get),
        1 => Just(OwnedAction::Exists),
        5 => (value(), set_expiry, any::<bool>())
            .prop_map(|(value, expiry, previous)| OwnedAction::Set(value, expiry, previous)),
        2 => any::<bool>().prop_map(OwnedAction::Delete),
        2 => prop_oneof![-3_i64..4, any::<i64>()].prop_map(OwnedAction::Increment),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(OwnedAction::Append),
        1 => (offset(), proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(offset, bytes)| OwnedAction::SetRange(offset, bytes)),
        1 => delta().prop_map(OwnedAction::IncrementFloat),
        1 => Just(OwnedAction::Deadline),
        3 => change.clone().prop_map(OwnedAction::Expire),
        2 => change.prop_map(OwnedAction::GetExpire),
    ]
}

fn op() -> impl Strategy<Value = OwnedOp> {
    let condition = prop_oneof![
        6 => Just(OwnedCondition::None),
        1 => Just(OwnedCondition::IfAbsent),
        1 => Just(OwnedCondition::IfPresent),
        2 => (0_usize..4).prop_map(OwnedCondition::IfRecentVersion),
        1 => value().prop_map(OwnedCondition::IfValue),
        1 => (-3_i64..4).prop_map(|number| OwnedCondition::IfValue(number.to_string().into_bytes())),
    ];
    (0_u8..24, condition, action()).prop_map(|(key, condition, action)| OwnedOp {
        key,
        condition,
        action,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => op().prop_map(Step::One),
        3 => proptest::collection::vec(op(), 0..30).prop_map(Step::Batch),
        3 => proptest::collection::vec(op(), 0..80).prop_map(Step::InOrder),
        3 => proptest::collection::vec(op(), 0..12).prop_map(Step::Atomic),
        3 => (0_u8..24, 0_u8..24, any::<bool>(), any::<bool>())
            .prop_map(|(from, to, keep, replace)| Step::Transfer(from, to, keep, replace)),
        3 => (0_u64..3_000).prop_map(Step::Advance),
        1 => (0_u64..1 << 40).prop_map(Step::Advance),
        1 => (0_u64..10_000).prop_map(Step::Back),
        2 => Just(Step::Tick),
        1 => Just(Step::Scan),
        1 => Just(Step::Flush),
        1 => op().prop_map(Step::Refuse),
    ]
}

type Engine = ShardedStore<Arc<MemoryJournal>, Arc<ManualClock>>;

/// The engine, the model, and what is known of both.
struct Pair {
    engine: Arc<Engine>,
    model: ModelStore,
    clock: Arc<ManualClock>,
    journal: Arc<MemoryJournal>,
    ttl: TtlManager<Arc<MemoryJournal>, Arc<ManualClock>>,
    /// The greatest version seen of each key (KV-I4).
    greatest: HashMap<u8, Version>,
    recent: Vec<Version>,
    went_back: bool,
    latest: UnixMillis,
}

impl Pair {
    fn new(shards: usize, memory_limit: u64, compresses: bool) -> Self {
        let (clock, journal) = (Arc::new(ManualClock::default()), Arc::default());
        let compress_min_bytes = compresses.then_some(COMPRESS_MIN_BYTES_MIN);
        let config =
            EngineConfig { shards, memory_limit, compress_min_bytes, ..EngineConfig::default() };
        let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock));
        let engine = Arc::new(store.unwrap());
        let ttl = TtlManager::new(Arc::clone(&engine));
        let (model, greatest, recent) = (ModelStore::default(), HashMap::new(), Vec::new());
        let (went_back, latest) = (false, clock.now());
        Self { engine, model, clock, journal, ttl, greatest, recent, went_back, latest }
    }

    fn borrow<'a>(&self, op: &'a OwnedOp) -> Op<'a> {
        let condition = match &op.condition {
            OwnedCondition::None => Condition::None,
            OwnedCondition::IfAbsent => Condition::IfAbsent,
            OwnedCondition::IfPresent => Condition::IfPresent,
            OwnedCondition::IfRecentVersion(ago) => {
                let version = self.recent.iter().rev().nth(*ago).copied().unwrap_or_default();
                Condition::IfVersion(version)
            }
            OwnedCondition::IfValue(value) => Condition::IfValue(value),
        };
        let action = match &op.action {
            OwnedAction::Get => Action::Get,
            OwnedAction::Exists => Action::Exists,
            OwnedAction::Set(value, expiry, return_previous) => {
                Action::Set { value, expiry: *expiry, return_previous: *return_previous }
            }
            OwnedAction::Delete(return_previous) => {
                Action::Delete { return_previous: *return_previous }
            }
            OwnedAction::Increment(delta) => Action::Increment { delta: *delta },
            OwnedAction::Append(suffix) => Action::Append { suffix },
            OwnedAction::Deadline => Action::Deadline,
            OwnedAction::GetExpire(change) => Action::GetExpire(*change),
            OwnedAction::IncrementFloat(delta) => Action::IncrementFloat { delta: *delta },
            OwnedAction::SetRange(offset, bytes) => Action::SetRange { offset: *offset, bytes },
            OwnedAction::Expire(change) => Action::Expire(*change),
        };
        Op { key: std::slice::from_ref(&op.key), condition, action }
    }

    /// Compares one answer with the model's. Inside an atomic batch, a key has one version.
    fn compare(&mut self, op: &Op<'_>, got: &Result<Reply, StoreError>, in_atomic: bool) {
        let expected = self.model.execute(op, self.clock.now());
        match (&expected, got) {
            (Expected::Unmet, Ok(reply)) => assert!(!reply.applied, "{op:?}: {reply:?}"),
            (Expected::Refused, Err(_)) => {}
            (
                Expected::Reply { applied, existed, exists, ttl_ms, value, number, changed },
                Ok(reply),
            ) => {
                assert_eq!((reply.applied, reply.ttl_ms), (*applied, *ttl_ms), "{op:?}");
                assert_eq!(reply.existed, *existed, "{op:?}");
                let (got_value, got_number) = match &reply.payload {
                    Payload::None => (None, None),
                    Payload::Value(value) => (Some(value.clone().into_bytes().to_vec()), None),
                    Payload::Number(number) => (None, Some(*number)),
                    Payload::Length(length) => (None, i64::try_from(*length).ok()),
                    Payload::Deadline(at) => (None, i64::try_from(at.get()).ok()),
                };
                assert_eq!((&got_value, &got_number), (value, number), "{op:?}");
                let greatest = self.greatest.entry(op.key[0]).or_default();
                if *changed {
                    let grown =
                        reply.version > *greatest || in_atomic && reply.version == *greatest;
                    assert!(grown, "{op:?}: {} after {greatest}", reply.version);
                    *greatest = reply.version;
                    self.model.set_version(op.key, reply.version);
                    self.recent.push(reply.version);
                } else if *exists {
                    assert_eq!(reply.version, *greatest, "{op:?} changed nothing");
                }
            }
            _ => panic!("{op:?}: expected {expected:?}, got {got:?}"),
        }
    }

    fn step(&mut self, step: &Step) {
        self.latest = self.latest.max(self.clock.now());
        match step {
            Step::One(op) => {
                let op = self.borrow(op);
                let got = self.engine.execute(&op);
                self.compare(&op, &got, false);
            }
            Step::Batch(ops) => {
                let ops: Vec<_> = ops.iter().map(|op| self.borrow(op)).collect();
                let mut results = Vec::new();
                self.engine.execute_batch(&ops, &mut results).unwrap();
                for (op, got) in ops.iter().zip(&results) {
                    self.compare(op, got, false);
                }
            }
            Step::InOrder(ops) => {
                let ops: Vec<_> = ops.iter().map(|op| self.borrow(op)).collect();
                let mut results = Vec::new();
                self.engine.execute_in_order(&ops, &mut results).unwrap();
                assert_eq!(results.len(), ops.len());
                for (op, got) in ops.iter().zip(&results) {
                    self.compare(op, got, false);
                }
            }
            Step::Atomic(ops) => self.atomic(ops),
            Step::Transfer(from, to, keep_source, replace) => {
                let (from, to) = (&[*from], &[*to]);
                self.transfer(&Transfer { from, to, keep_source: *keep_source, replace: *replace });
            }
            Step::Advance(by) => self.clock.advance_ms(*by),
            // Back only as long as no key has expired meanwhile: the engine may have removed it.
            Step::Back(by) => self.back(*by),
            Step::Tick => self.tick(),
            Step::Scan => self.compare_contents(),
            Step::Flush => {
                self.engine.flush().unwrap();
                self.model.clear();
            }
            Step::Refuse(op) => {
                let op = self.borrow(op);
                self.journal.refuse(true);
                let got = self.engine.execute(&op);
                self.journal.refuse(false);
                if let Err(StoreError::Journal(_)) = got {
                    self.compare_contents();
                } else {
                    self.compare(&op, &got, false);
                }
            }
        }
    }

    fn transfer(&mut self, transfer: &Transfer<'_>) {
        let got = self.engine.transfer(transfer).unwrap();
        assert_eq!(got.outcome, self.model.transfer(transfer, self.clock.now()), "{transfer:?}");
        let greatest = self.greatest.entry(transfer.to[0]).or_default();
        if got.outcome == TransferOutcome::Done && transfer.from != transfer.to {
            assert!(got.version > *greatest, "{transfer:?}: {} after {greatest}", got.version);
            *greatest = got.version;
            self.model.set_version(transfer.to, got.version);
            self.recent.push(got.version);
        } else if got.version != Version::NONE {
            assert_eq!(got.version, *greatest, "{transfer:?} changed nothing");
        }
    }

    fn back(&mut self, by: u64) {
        let now = self.clock.now();
        let earlier = UnixMillis::new(now.get().saturating_sub(by).max(1_600_000_000_000));
        if self.model.live(now).len() == self.model.live(earlier).len() {
            self.clock.set(earlier);
            self.went_back = true;
        }
    }

    fn atomic(&mut self, ops: &[OwnedOp]) {
        let mut ops: Vec<_> = ops.iter().map(|op| self.borrow(op)).collect();
        for index in 1..ops.len() {
            let (earlier, rest) = ops.split_at_mut(index);
            // The batch itself may give the key just this version: no one can tell beforehand.
            if earlier.iter().any(|op| op.key == rest[0].key) {
                rest[0].condition = match rest[0].condition {
                    Condition::IfVersion(_) => Condition::IfPresent,
                    other => other,
                };
            }
        }
        let before = self.model.clone();
        match self.engine.execute_atomic(&ops) {
            Ok(replies) => {
                for (op, reply) in ops.iter().zip(replies) {
                    self.compare(op, &Ok(reply), true);
                }
            }
            Err(BatchError::ConditionFailed { index, .. }) => {
                self.expect_failure_at(&ops, index, &Expected::Unmet);
                self.model = before;
            }
            Err(BatchError::Refused { index, .. }) => {
                self.expect_failure_at(&ops, index, &Expected::Refused);
                self.model = before;
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// The model agrees that this is the first operation of the batch to fail.
    fn expect_failure_at(&mut self, ops: &[Op<'_>], failed: usize, how: &Expected) {
        for (index, op) in ops.iter().enumerate().take(failed + 1) {
            let got = self.model.execute(op, self.clock.now());
            let fails = matches!(got, Expected::Unmet | Expected::Refused);
            assert_eq!(fails, index == failed, "operation {index} {op:?}: {got:?}");
            assert!(!fails || got == *how, "operation {index} fails otherwise: {got:?}");
        }
    }

    fn tick(&mut self) {
        self.clock.advance_ms(32);
        self.ttl.tick();
        // A wheel ahead of a clock that went back catches up within a second.
        let late = if self.went_back { 32 + 1024 } else { 32 };
        let now = self.clock.now();
        let keys = self.engine.stats().keys;
        let not_long_expired = UnixMillis::new(now.get() - late);
        assert!(keys >= self.model.live(now).len() as u64);
        assert!(keys <= self.model.live(not_long_expired).len() as u64, "overdue keys in memory");
    }

    fn compare_contents(&self) {
        let now = self.clock.now();
        assert_eq!(contents(&*self.engine, now), self.model.live(now));
    }

    /// KV-I3: the journal alone, replayed once or twice, gives the state.
    ///
    /// Judged at the latest time seen: a key that expired while the journal refused its delete is gone
    /// from the engine, and replay drops it because its time has come.
    fn compare_replayed(&self) {
        self.clock.set(self.latest);
        // Compressing, whatever the store does that wrote the journal.
        let compress_min_bytes = Some(COMPRESS_MIN_BYTES_MIN);
        let config =
            EngineConfig { shards: 4, seed: 99, compress_min_bytes, ..EngineConfig::default() };
        let replayed = ShardedStore::new(config, NullJournal, Arc::clone(&self.clock)).unwrap();
        let now = self.clock.now();
        for _ in 0..2 {
            for effect in self.journal.records().iter().flatten() {
                replayed.replay(&[effect.as_effect()]);
            }
            replayed.verify();
            assert_eq!(contents(&replayed, now), contents(&*self.engine, now));
        }
    }
}

type Contents = std::collections::BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>, Version)>;

/// Everything a scan finds, with absolute expiries.
fn contents(store: &impl Store, now: UnixMillis) -> Contents {
    let spec = ScanSpec { prefix: b"", page_keys: 7, page_bytes: 0, values: true };
    let (mut found, mut cursor) = (Contents::new(), None);
    loop {
        let page = store.scan(&spec, cursor).unwrap();
        for entry in page.entries {
            let expiry = entry.ttl_ms.map(|ttl| now.get() + ttl);
            let state = (entry.value.unwrap().into_bytes().to_vec(), expiry, entry.version);
            found.insert(entry.key.to_vec(), state);
        }
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

proptest! {
    #[test]
    fn the_engine_does_what_a_map_does(
        shards in prop_oneof![Just(1_usize), Just(2), Just(64)],
        limited: bool,
        compresses: bool,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        // The limit is never reached, but everything is accounted for.
        let mut pair = Pair::new(shards, if limited { 256 << 20 } else { 0 }, compresses);
        for step in &steps {
            pair.step(step);
        }
        pair.compare_contents();
        pair.engine.verify();
        pair.compare_replayed();
    }

    #[test]
    fn under_eviction_what_is_there_is_what_was_written_and_the_journal_knows(
        shards in prop_oneof![Just(1_usize), Just(4)],
        compresses: bool,
        writes in proptest::collection::vec((0_u16..400, 1_usize..900, any::<bool>()), 1..600),
    ) {
        let mut pair = Pair::new(shards, 64 << 10, compresses);
        let mut written = HashMap::new();
        for (key, len, batched) in writes {
            let key = key.to_le_bytes();
            let value = vec![key[0]; len];
            let action = Action::Set { value: &value, expiry: SetExpiry::Never, return_previous: false };
            let done = if batched {
                let mut results = Vec::new();
                pair.engine.execute_batch(&[Op::new(&key, action)], &mut results).unwrap();
                results.remove(0)
            } else {
                pair.engine.execute(&Op::new(&key, action))
            };
            prop_assert!(done.unwrap().applied);
            written.insert(key.to_vec(), value);
            prop_assert!(pair.engine.stats().memory_used_bytes <= 64 << 10);
            prop_assert!(pair.engine.memory_reserved() <= 64 << 10);
        }
        pair.engine.verify();
        for (key, (value, ..)) in contents(&*pair.engine, pair.clock.now()) {
            prop_assert_eq!(&written[&key], &value);
        }
        let evicted = OwnedChange::Delete(DeleteCause::Evicted);
        let journalled = pair.journal.records().iter().flatten().filter(|effect| effect.change == evicted).count();
        prop_assert_eq!(pair.engine.stats().evicted_keys, journalled as u64);
        pair.model.clear();
        pair.compare_replayed();
    }
}
