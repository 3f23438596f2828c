//! Files that earlier releases have written are read for ever: those of version 1 lie in `golden/v1/`.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_core::testing::journal_suite::wait;
use kv_core::{
    Action, Change, Deadline, Durability, Effect, EngineConfig, ExpireRule, ExpiryChange, Journal,
    Op, SetExpiry, ShardCursor, ShardedStore, SnapshotSource, Store, UnixMillis, VisitBudget,
};
use kv_persist::disk::mem::MemDisk;
use kv_persist::recovery::{self, RecoveryProgress};
use kv_persist::snapshot::{SnapshotOptions, Unhurried};
use kv_persist::snapshotter::{SnapshotKeeper, SnapshotParts, SnapshotSettings, Trigger};
use kv_persist::tools::{Dumped, Start, ToolProgress, check, dump};
use kv_persist::{FileJournal, FsyncMode, LogOptions, LogThreads};

const MANIFEST: &str = "MANIFEST";
const SNAPSHOT: &str = "snapshot-0000000000000001.kvs";
const SEGMENTS: [&str; 2] = ["log-0000000000000001.kvl", "log-0000000000000002.kvl"];

/// The second segment as a crash has left it.
const TORN_SEGMENT: &str = "torn-log-0000000000000002.kvl";

/// What is in the files, as text.
const DUMP: &str = "dump.txt";
const STATE: &str = "state.txt";
const TORN_STATE: &str = "torn-state.txt";

/// What is left of a segment's space behind its last batch.
const ZEROS: usize = 100;

/// Longer keys and values are not listed whole.
const SHOWN_BYTES_MAX: usize = 32;

type Engine = ShardedStore<Arc<dyn Journal>, Arc<ManualClock>>;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// The committed directory, or the one whose last write was interrupted.
fn golden(is_torn: bool) -> MemDisk {
    let disk = MemDisk::new();
    for name in [MANIFEST, SNAPSHOT, SEGMENTS[0], SEGMENTS[1]] {
        let file = if is_torn && name == SEGMENTS[1] { TORN_SEGMENT } else { name };
        disk.put(name, &fs::read(directory().join(file)).unwrap()).unwrap();
    }
    disk
}

fn expected(name: &str) -> String {
    fs::read_to_string(directory().join(name)).unwrap()
}

/// Long ones are told by length, beginning and a sum that any change of a byte changes.
fn bytes(out: &mut String, bytes: &[u8]) {
    match bytes.get(..SHOWN_BYTES_MAX) {
        None => write!(out, " \"{}\"", bytes.escape_ascii()).unwrap(),
        Some(beginning) => {
            let sum = bytes.iter().fold(7_u64, |sum, byte| {
                sum.wrapping_mul(0x100_0000_01b3).wrapping_add(u64::from(*byte))
            });
            let (len, beginning) = (bytes.len(), beginning.escape_ascii());
            write!(out, " \"{beginning}\"… {len} bytes, sum {sum:016x}").unwrap();
        }
    }
}

fn expiry(out: &mut String, at: Option<UnixMillis>) {
    match at {
        Some(at) => write!(out, " until {}", at.get()).unwrap(),
        None => out.push_str(" for ever"),
    }
}

fn effect_text(effect: &Effect<'_>) -> String {
    let mut out = format!("shard {} version {}", effect.shard, effect.version.get());
    bytes(&mut out, effect.key);
    match effect.change {
        Change::Put { value, expiry: at } => {
            out.push_str(" put");
            bytes(&mut out, value);
            expiry(&mut out, at);
        }
        Change::Touch { expiry: at } => {
            out.push_str(" touch");
            expiry(&mut out, at);
        }
        Change::Delete(cause) => write!(out, " delete {cause:?}").unwrap(),
        Change::Clear => out.push_str(" clear"),
    }
    out
}

fn dump_text(disk: &MemDisk) -> String {
    let mut out = String::new();
    for name in disk.names() {
        writeln!(out, "{name}").unwrap();
        let end = dump(disk, &name, &mut |item| {
            let line = match item {
                Dumped::Manifest(manifest) => format!("{manifest:?}"),
                Dumped::Entry(effect) => effect_text(&effect),
                Dumped::Effect { lsn, group, effect } => {
                    format!("position {} group {group} {}", lsn.get(), effect_text(&effect))
                }
            };
            writeln!(out, "  {line}").unwrap();
            ControlFlow::Continue(())
        });
        writeln!(out, "  {:?}", end.unwrap()).unwrap();
    }
    out
}

/// A store that is kept on a disk in memory, as the server keeps one.
struct Kept {
    clock: Arc<ManualClock>,
    journal: Arc<FileJournal>,
    store: Arc<Engine>,
    keeper: SnapshotKeeper,
    _log: LogThreads,
}

impl Kept {
    fn open(disk: &MemDisk, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::default());
        let disk = Arc::new(disk.clone());
        let manifest = recovery::open(&*disk, seed, UnixMillis::new(1)).unwrap();
        let options = LogOptions {
            fsync: FsyncMode::Always,
            segment_bytes: 64 << 10,
            buffer_bytes: 1 << 20,
            reuse_bytes: 128 << 10,
            seed,
        };
        let journal = Arc::new(FileJournal::new(disk.clone(), options));
        let config =
            EngineConfig { shards: 4, seed: manifest.hash_seed, ..EngineConfig::default() };
        let as_journal = Arc::clone(&journal) as Arc<dyn Journal>;
        let store = Arc::new(ShardedStore::new(config, as_journal, Arc::clone(&clock)).unwrap());
        let progress = RecoveryProgress::default();
        let recovered = recovery::recover(&*disk, &manifest, (&*store, 2), &progress).unwrap();
        let log =
            LogThreads::start(Arc::clone(&journal), clock.clone(), &recovered.log_start).unwrap();
        let parts = SnapshotParts {
            source: store.clone(),
            progress: journal.clone(),
            log: journal.clone(),
            disk,
            clock: clock.clone(),
        };
        let settings = SnapshotSettings {
            interval: Duration::from_hours(1),
            log_bytes: 0,
            kept: 2,
            options: SnapshotOptions::default(),
        };
        let keeper = SnapshotKeeper::new(parts, settings, recovered.manifest, 0);
        Self { clock, journal, store, keeper, _log: log }
    }

    fn state(&self) -> String {
        let budget =
            VisitBudget { entries: usize::MAX, bytes: usize::MAX, shared_bytes: usize::MAX };
        let mut lines = Vec::new();
        for shard in 0..self.store.shards() {
            self.store.visit(shard, &mut ShardCursor::default(), budget, &mut |entry| {
                let mut line = format!("version {}", entry.version.get());
                bytes(&mut line, entry.key);
                bytes(&mut line, &entry.value.to_value().into_bytes());
                expiry(&mut line, entry.expiry);
                lines.push(line + "\n");
            });
        }
        lines.sort();
        lines.concat()
    }
}

#[test]
fn files_of_version_1_are_recovered() {
    for (is_torn, listing) in [(false, STATE), (true, TORN_STATE)] {
        let disk = golden(is_torn);
        let report = check(&disk, 1, &ToolProgress::default()).unwrap();
        assert!(!report.is_damaged(), "{report:#?}");
        let Start::Fine { torn, .. } = &report.start else { unreachable!("{report:?}") };
        assert_eq!(torn.is_some(), is_torn);
        assert_eq!(Kept::open(&disk, 1).state(), expected(listing));
    }
}

#[test]
fn files_of_version_1_are_shown() {
    assert_eq!(dump_text(&golden(false)), expected(DUMP));
}

fn set(value: &[u8], expiry: SetExpiry) -> Action<'_> {
    Action::Set { value, expiry, return_previous: false }
}

/// Everything that can be in a file.
fn write_all_kinds(kept: &Kept, round: u8) {
    let store = &kept.store;
    let in_ms = |ms| Deadline::after(ms).unwrap();
    let run = |key: &[u8], action: Action<'_>| drop(store.execute(&Op::new(key, action)).unwrap());
    let safe = || wait(&*kept.journal, kept.journal.position(), Durability::Fsync).unwrap();
    for number in 0..6_u8 {
        run(&[b'k', b'0' + number], set(&[b'a' + round; 20], SetExpiry::Never));
    }
    safe();
    run(b"ends", set(b"later", SetExpiry::Deadline(in_ms(1 << 40))));
    run(b"ends soon", set(b"x", SetExpiry::Deadline(in_ms(1))));
    run(b"prolonged", set(b"y", SetExpiry::Deadline(in_ms(1 << 39))));
    run(b"prolonged", Action::Expire(ExpiryChange::Set(in_ms(1 << 41), ExpireRule::Always)));
    run(b"kept", set(b"z", SetExpiry::Deadline(in_ms(1 << 39))));
    run(b"kept", Action::Expire(ExpiryChange::Persist));
    safe();
    kept.clock.advance_ms(5);
    run(b"ends soon", Action::Delete { return_previous: false });
    run(b"k1", Action::Delete { return_previous: false });
    run(b"\xff\x00binary", set(b"\x80\x00\n", SetExpiry::Never));
    run(b"empty value", set(b"", SetExpiry::Never));
    safe();
    let large: Vec<u8> = (0..3000_u16).map(|number| number.to_le_bytes()[0] | 1).collect();
    run(b"large", set(&large, SetExpiry::Never));
    run(b"count", Action::Increment { delta: 42 });
    let both = [
        Op::new(b"k2", set(b"together", SetExpiry::Never)),
        Op::new(b"k3", Action::Delete { return_previous: false }),
        Op::new(b"new", set(b"together", SetExpiry::Never)),
    ];
    store.execute_atomic(&both).unwrap();
    safe();
}

#[test]
#[ignore = "makes the golden files of a new version; those of a released one must never change"]
fn write_golden_files() {
    let directory = directory();
    fs::create_dir_all(&directory).unwrap();
    let disk = MemDisk::new();
    let mut kept = Kept::open(&disk, 0x5eed);
    write_all_kinds(&kept, 0);
    kept.keeper.take(Trigger::Request, &Unhurried).unwrap();
    write_all_kinds(&kept, 1);
    kept.store.flush().unwrap();
    write_all_kinds(&kept, 2);
    drop(kept);
    let kept = Kept::open(&disk, 0x5eed);
    write_all_kinds(&kept, 3);
    let disk = disk.kill();
    drop(kept);
    for name in [MANIFEST, SNAPSHOT, SEGMENTS[0], SEGMENTS[1]] {
        let mut bytes = disk.read(name).unwrap();
        if SEGMENTS.contains(&name) {
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            if name == SEGMENTS[1] {
                fs::write(directory.join(TORN_SEGMENT), bytes.get(..used - 9).unwrap()).unwrap();
            }
            bytes.truncate(used + ZEROS);
        }
        fs::write(directory.join(name), bytes).unwrap();
    }
    for (is_torn, listing) in [(false, STATE), (true, TORN_STATE)] {
        fs::write(directory.join(listing), Kept::open(&golden(is_torn), 1).state()).unwrap();
    }
    fs::write(directory.join(DUMP), dump_text(&golden(false))).unwrap();
}
