//! A store over a journal in memory, random writes, and what a snapshot of it needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Poll, Waker};

use kv_core::testing::{ManualClock, MemoryJournal, OwnedEffect};
use kv_core::{
    Action, Change, Clock, Deadline, Durability, EngineConfig, ExpireRule, ExpiryChange,
    JournalError, Lsn, NullJournal, Op, Progress, ReplayTarget, SetExpiry, ShardCursor,
    ShardedStore, SnapshotSource, Store, UnixMillis, Version, VisitBudget,
};
use kv_persist::disk::Disk;
use kv_persist::disk::mem::MemDisk;
use kv_persist::manifest::SnapshotInfo;
use kv_persist::snapshot::{
    Footer, LoadProgress, Pace, SnapshotError, SnapshotFile, SnapshotJob, SnapshotMeter,
    SnapshotOptions, Unhurried,
};

pub(crate) type Live = ShardedStore<Arc<MemoryJournal>, Arc<ManualClock>>;
pub(crate) type Recovered = ShardedStore<NullJournal, Arc<ManualClock>>;

/// Every key with its version, expiry and value.
pub(crate) type State = BTreeMap<Vec<u8>, (Version, Option<UnixMillis>, Vec<u8>)>;

/// A log of which everything is safe at once.
pub(crate) struct SafeLog;

impl Progress for SafeLog {
    fn reached(&self, _level: Durability) -> Lsn {
        Lsn::MAX
    }

    fn poll_reached(
        &self,
        _lsn: Lsn,
        _level: Durability,
        _waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        Poll::Ready(Ok(()))
    }

    fn durability_max(&self) -> Durability {
        Durability::Fsync
    }

    fn health(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) store: Arc<Live>,
    pub(crate) disk: MemDisk,
}

impl World {
    pub(crate) fn new(config: EngineConfig) -> Self {
        let (clock, journal) =
            (Arc::new(ManualClock::default()), Arc::new(MemoryJournal::default()));
        let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock)).unwrap();
        Self { clock, journal, store: Arc::new(store), disk: MemDisk::new() }
    }

    /// A world of so many shards.
    pub(crate) fn with_shards(shards: usize) -> Self {
        Self::new(EngineConfig { shards, ..EngineConfig::default() })
    }

    pub(crate) fn set(&self, key: &[u8], value: &[u8]) {
        set(&*self.store, key, value);
    }

    pub(crate) fn write(&self, id: u64) -> SnapshotInfo {
        self.write_on(&self.disk, id, &Unhurried).unwrap()
    }

    pub(crate) fn write_on(
        &self,
        disk: &dyn Disk,
        id: u64,
        pace: &dyn Pace,
    ) -> Result<SnapshotInfo, SnapshotError> {
        let job = SnapshotJob {
            source: &*self.store,
            progress: &SafeLog,
            disk,
            clock: &*self.clock,
            pace,
            options: SnapshotOptions::default(),
            meter: &SnapshotMeter::default(),
        };
        job.write(id)
    }

    /// An empty store, of another number of shards if wanted.
    pub(crate) fn empty(&self, shards: usize) -> Recovered {
        let config = EngineConfig { shards, seed: 99, ..EngineConfig::default() };
        ShardedStore::new(config, NullJournal, Arc::clone(&self.clock)).unwrap()
    }

    /// Loads a snapshot and replays what the journal has for each shard after its position.
    pub(crate) fn recover(&self, id: u64, shards: usize) -> Recovered {
        let recovered = self.empty(shards);
        let footer = load(&self.disk, id, &recovered);
        self.replay(&footer, &recovered);
        recovered.finish_replay();
        recovered.verify();
        recovered
    }

    pub(crate) fn replay(&self, footer: &Footer, target: &dyn ReplayTarget) {
        for (lsn, record) in (1..).zip(self.journal.records()) {
            for effect in &record {
                let effect = effect.as_effect();
                let done = match effect.change {
                    Change::Clear => footer.log_start,
                    _ => footer.position(effect.shard),
                };
                if Lsn::new(lsn) > done {
                    target.replay(&[effect]);
                }
            }
        }
    }

    /// Replays all the journal has.
    pub(crate) fn replay_all(&self, target: &dyn ReplayTarget) {
        for record in self.journal.records() {
            let effects: Vec<_> = record.iter().map(OwnedEffect::as_effect).collect();
            target.replay(&effects);
        }
    }

    /// The live store's keys that have not expired.
    pub(crate) fn state(&self) -> State {
        let mut state = state(&*self.store);
        let now = self.clock.now();
        state.retain(|_, (_, expiry, _)| expiry.is_none_or(|expiry| expiry > now));
        state
    }
}

pub(crate) fn load(disk: &dyn Disk, id: u64, target: &dyn ReplayTarget) -> Footer {
    let file = SnapshotFile::open(disk, id).unwrap();
    file.verify().unwrap();
    let progress = LoadProgress::default();
    file.load(target, 3, &progress).unwrap();
    let keys = progress.keys.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(keys, file.footer().keys);
    file.footer().clone()
}

pub(crate) fn set(store: &dyn Store, key: &[u8], value: &[u8]) {
    let action = Action::Set { value, expiry: SetExpiry::Never, return_previous: false };
    store.execute(&Op::new(key, action)).unwrap();
}

pub(crate) fn state(store: &dyn SnapshotSource) -> State {
    let budget = VisitBudget { entries: usize::MAX, bytes: usize::MAX, shared_bytes: usize::MAX };
    let mut state = State::new();
    for shard in 0..store.shards() {
        store.visit(shard, &mut ShardCursor::default(), budget, &mut |entry| {
            let value = entry.value.to_value().into_bytes().to_vec();
            state.insert(entry.key.to_vec(), (entry.version, entry.expiry, value));
        });
    }
    state
}

/// Does one random thing to the store. Keys are few, so that operations meet.
pub(crate) fn act(store: &Live, clock: &ManualClock, random: &mut fastrand::Rng, keys: u32) {
    let key = random.u32(..keys).to_le_bytes();
    let number = random.u32(keys..keys * 2).to_le_bytes();
    let size = match random.u32(..1000) {
        0 => random.usize(64 << 10..300 << 10),
        1..5 => random.usize(16 << 10..64 << 10),
        _ => random.usize(..200),
    };
    let value = vec![random.u8(..); size];
    let deadline = Deadline::after(random.i64(1..2000)).unwrap();
    let expiry = match random.u8(..4) {
        0 => SetExpiry::Deadline(deadline),
        1 => SetExpiry::Keep,
        _ => SetExpiry::Never,
    };
    let action = match random.u32(..2000) {
        0 => {
            store.flush().unwrap();
            return;
        }
        1..20 => {
            clock.advance_ms(random.u64(..20));
            return;
        }
        20..400 => Action::Delete { return_previous: false },
        400..600 => Action::Append { suffix: &value[..value.len().min(50)] },
        600..700 => Action::Expire(ExpiryChange::Set(deadline, ExpireRule::Always)),
        700..800 => Action::Expire(ExpiryChange::Persist),
        800..900 => {
            store.execute(&Op::new(&number, Action::Increment { delta: 7 })).unwrap();
            return;
        }
        900..1000 => {
            let set = Action::Set { value: &value, expiry, return_previous: false };
            let delete = Action::Delete { return_previous: false };
            let ops = [Op::new(&key, set), Op::new(&number, delete)];
            store.execute_atomic(&ops).unwrap();
            return;
        }
        _ => Action::Set { value: &value, expiry, return_previous: false },
    };
    // A write may be refused for want of memory; whatever happened is in the journal.
    let _reply = store.execute(&Op::new(&key, action));
}
