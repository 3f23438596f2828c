//! Small data directories, every state that their stores once had, and what recovery makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kv_core::testing::{ManualClock, MemoryJournal, OwnedEffect};
use kv_core::{
    Action, Deadline, Durability, EngineConfig, ExpireRule, ExpiryChange, JournalError, Lsn,
    NullJournal, Op, Progress, ReplayTarget, SetExpiry, ShardCursor, ShardedStore, SnapshotSource,
    Store, UnixMillis, Version, VisitBudget,
};
use kv_persist::disk::Disk;
use kv_persist::disk::mem::MemDisk;
use kv_persist::manifest::{Manifest, SnapshotInfo};
use kv_persist::recovery::{self, RecoveryProgress};
use kv_persist::snapshot::{Pace, SnapshotJob, SnapshotMeter, SnapshotOptions};
use kv_persist::testing::LogBuilder;
use kv_persist::tools::{Repair, ToolProgress};

/// The seed of manifests that are made anew.
pub(crate) const SEED: u64 = 77;

const SHARDS: usize = 2;

/// Every key with its version, expiry and value.
pub(crate) type State = BTreeMap<Vec<u8>, (Version, Option<UnixMillis>, Vec<u8>)>;

/// A data directory and all that was ever written to it.
pub(crate) struct Scene {
    pub(crate) disk: MemDisk,
    /// By position; the first is the empty store's.
    pub(crate) states: Vec<State>,
    /// The records, by position from 1 on.
    pub(crate) records: Vec<Vec<OwnedEffect>>,
}

/// What recovery makes of a directory.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) last_position: u64,
    pub(crate) state: State,
}

type Live = ShardedStore<Arc<MemoryJournal>, Arc<ManualClock>>;

/// A store that is written to, and its directory as far as it is on disk.
struct Stage {
    clock: Arc<ManualClock>,
    journal: Arc<MemoryJournal>,
    store: Live,
    log: LogBuilder,
    logged: usize,
    disk: MemDisk,
    manifest: Manifest,
    writes: AtomicU32,
}

/// A log of which everything is safe at once.
struct SafeLog;

impl Progress for SafeLog {
    fn reached(&self, _level: Durability) -> Lsn {
        Lsn::MAX
    }
    fn poll_reached(
        &self,
        _lsn: Lsn,
        _level: Durability,
        _waker: &std::task::Waker,
    ) -> std::task::Poll<Result<(), JournalError>> {
        std::task::Poll::Ready(Ok(()))
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

/// Writes something while a snapshot is taken, or nothing.
struct Meanwhile<'a>(&'a Stage, bool);

impl Pace for Meanwhile<'_> {
    fn pause(&self, _duration: Duration) {}

    fn is_stopped(&self) -> bool {
        if self.1 {
            self.0.write();
        }
        false
    }
}

impl Stage {
    fn new() -> Self {
        let (clock, journal) =
            (Arc::new(ManualClock::default()), Arc::new(MemoryJournal::default()));
        let config = EngineConfig { shards: SHARDS, ..EngineConfig::default() };
        let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock)).unwrap();
        let (log, disk, manifest) = (LogBuilder::new(), MemDisk::new(), Manifest::new(5));
        let writes = AtomicU32::new(0);
        Self { clock, journal, store, log, logged: 0, disk, manifest, writes }
    }

    /// Does the next thing of a round of different ones; one record each.
    fn write(&self) {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let key = format!("k{}", number % 5);
        let value = format!("v{number}");
        let (key, value) = (key.as_bytes(), value.as_bytes());
        let deadline = Deadline::after(1_000_000 + i64::from(number)).unwrap();
        let set = |expiry| Action::Set { value, expiry, return_previous: false };
        let other = Op::new(b"other", set(SetExpiry::Never));
        match number % 8 {
            2 => drop(self.store.execute_atomic(&[Op::new(key, set(SetExpiry::Never)), other])),
            3 => drop(self.store.execute(&Op::new(key, set(SetExpiry::Deadline(deadline))))),
            5 => {
                drop(
                    self.store.execute(&Op::new(b"k0", Action::Delete { return_previous: false })),
                );
            }
            6 => {
                let expire = ExpiryChange::Set(deadline, ExpireRule::Always);
                drop(self.store.execute(&Op::new(b"other", Action::Expire(expire))));
            }
            _ if number == 7 => drop(self.store.flush()),
            _ => drop(self.store.execute(&Op::new(key, set(SetExpiry::Never)))),
        }
        self.clock.advance_ms(1);
    }

    fn writes(&self, count: u32) {
        (0..count).for_each(|_| self.write());
    }

    /// Writes what is new to the log.
    fn batch(&mut self, closing: bool) {
        let records = self.journal.records();
        self.log.batch(&records[self.logged..], closing);
        self.logged = records.len();
    }

    fn snapshot(&mut self, is_fuzzy: bool) {
        let id = self.manifest.snapshots.first().map_or(1, |info| info.id + 1);
        let job = SnapshotJob {
            source: &self.store,
            progress: &SafeLog,
            disk: &self.disk,
            clock: &*self.clock,
            pace: &Meanwhile(self, is_fuzzy),
            options: SnapshotOptions::default(),
            meter: &SnapshotMeter::default(),
        };
        let info = job.write(id).unwrap();
        assert_eq!(info.log_start < info.log_end, is_fuzzy, "{info:?}");
        self.manifest.snapshots.insert(0, info);
        self.manifest.sequence += 1;
    }

    /// The directory, with the log ending as told.
    fn finish(mut self, first_segment: u64, rest: &[u8]) -> Scene {
        let log = self.log.finish(rest);
        for name in log.disk.names() {
            if name >= format!("log-{first_segment:016}.kvl") {
                self.disk.put(&name, &log.disk.read(&name).unwrap()).unwrap();
            }
        }
        self.manifest.first_segment = first_segment;
        self.manifest.store(&self.disk).unwrap();
        let records = self.journal.records();
        let states = (0..=records.len()).map(|count| state_of(&records[..count])).collect();
        Scene { disk: self.disk.copy(), states, records }
    }
}

impl Scene {
    /// No snapshot; a log of three segments.
    pub(crate) fn log_only() -> Self {
        let mut stage = Stage::new();
        stage.writes(3);
        stage.batch(false);
        stage.writes(1);
        stage.batch(false);
        stage.log.segment(&[0; 40]);
        stage.writes(4);
        stage.batch(false);
        stage.log.segment(&[]);
        stage.writes(2);
        stage.batch(false);
        stage.log.sync();
        stage.writes(3);
        stage.batch(false);
        stage.writes(2);
        stage.batch(false);
        stage.finish(1, &[0; 60])
    }

    /// Two snapshots, the newer one taken while the store was written to; the log since the older one.
    pub(crate) fn serving() -> Self {
        let mut stage = Stage::new();
        stage.writes(5);
        stage.batch(false);
        stage.snapshot(false);
        stage.log.segment(&[]);
        stage.writes(2);
        stage.batch(false);
        stage.log.segment(&[0; 50]);
        stage.writes(2);
        stage.snapshot(true);
        stage.batch(false);
        stage.log.segment(&[]);
        stage.writes(2);
        stage.batch(false);
        stage.log.sync();
        stage.writes(1);
        stage.batch(false);
        stage.finish(2, &[0; 30])
    }

    /// Stopped cleanly, with a last snapshot.
    pub(crate) fn stopped() -> Self {
        let mut stage = Stage::new();
        stage.writes(6);
        stage.batch(false);
        stage.snapshot(true);
        stage.batch(false);
        stage.log.segment(&[]);
        stage.writes(3);
        stage.batch(false);
        stage.snapshot(false);
        stage.log.sync();
        stage.batch(true);
        stage.finish(1, &[0; 30])
    }

    pub(crate) fn all() -> [(&'static str, Self); 3] {
        [("log only", Self::log_only()), ("serving", Self::serving()), ("stopped", Self::stopped())]
    }

    /// What was found must be what once was.
    pub(crate) fn check_outcome(&self, outcome: &Outcome, what: &str) {
        let position = usize::try_from(outcome.last_position).unwrap();
        assert!(position < self.states.len(), "{what}: position {position}");
        assert_eq!(outcome.state, self.states[position], "{what}: position {position}");
    }

    pub(crate) fn last_position(&self) -> u64 {
        self.records.len() as u64
    }

    /// Every file and its bytes.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        files(&self.disk).into_iter().collect()
    }
}

pub(crate) fn files(disk: &MemDisk) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| (name.clone(), disk.read(&name).unwrap());
    disk.names().into_iter().map(read).collect()
}

fn empty() -> ShardedStore<NullJournal, Arc<ManualClock>> {
    let config = EngineConfig { shards: 4, seed: 99, ..EngineConfig::default() };
    ShardedStore::new(config, NullJournal, Arc::new(ManualClock::default())).unwrap()
}

fn state_of(records: &[Vec<OwnedEffect>]) -> State {
    let store = empty();
    for record in records {
        let effects: Vec<_> = record.iter().map(OwnedEffect::as_effect).collect();
        store.replay(&effects);
    }
    store.finish_replay();
    state(&store)
}

fn state(store: &dyn SnapshotSource) -> State {
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

/// Recovers a copy of a disk, as a start would.
pub(crate) fn recover(disk: &MemDisk) -> Result<Outcome, String> {
    recover_on(&disk.copy())
}

/// Recovers from a disk, as a start would, and changes it so.
pub(crate) fn recover_on(disk: &dyn Disk) -> Result<Outcome, String> {
    let manifest =
        recovery::open(disk, SEED, UnixMillis::new(1)).map_err(|error| error.to_string())?;
    let store = empty();
    let progress = RecoveryProgress::default();
    let recovered = recovery::recover(disk, &manifest, (&store, 1), &progress);
    let recovered = recovered.map_err(|error| error.to_string())?;
    let last_position = recovered.log_start.next_lsn.get() - 1;
    Ok(Outcome { last_position, state: state(&store) })
}

pub(crate) fn plan(disk: &dyn Disk) -> Result<Repair, kv_persist::tools::ToolError> {
    Repair::plan(disk, 1, SEED, &ToolProgress::default())
}

/// The newest snapshot that the manifest names.
pub(crate) fn newest(disk: &MemDisk) -> SnapshotInfo {
    Manifest::load(disk).unwrap().unwrap().snapshots[0]
}

/// A time after everything that was written.
pub(crate) const NOW: UnixMillis = UnixMillis::new(1_700_000_500_000);
