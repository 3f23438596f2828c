//! What a snapshot takes in memory: its buffers, whatever the size of the store.

#![expect(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use kv_core::testing::ManualClock;
use kv_core::{
    Action, Durability, EngineConfig, JournalError, Lsn, NullJournal, Op, Progress, SetExpiry,
    ShardedStore, Store,
};
use kv_persist::disk::{Disk, DiskFile};
use kv_persist::snapshot::{SnapshotJob, SnapshotMeter, SnapshotOptions, Unhurried};

struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller's promises are the ones asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are the ones asked for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Forgets everything.
#[derive(Debug)]
struct Void;

impl Disk for Void {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn open(&self, _name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn create(&self, _name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(Void))
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn describe(&self) -> String {
        "void".to_owned()
    }
}

impl DiskFile for Void {
    fn len(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn read_at(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
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

/// Footer, table of shards, tables of the compressor and names.
const REST_BYTES: usize = 256 << 10;

/// Beyond its buffers a snapshot allocates no more than [`REST_BYTES`], however large the values are.
#[test]
fn a_snapshot_takes_its_buffers_and_little_more() {
    let config = EngineConfig { shards: 1024, ..EngineConfig::default() };
    let store = ShardedStore::new(config, NullJournal, ManualClock::default()).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    for key in 0..60_000_u32 {
        let size = match key % 1000 {
            0 => 1 << 20,
            1 => 30_000,
            _ => random.usize(..500),
        };
        let value: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(size).collect();
        let action =
            Action::Set { value: &value, expiry: SetExpiry::Never, return_previous: false };
        store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
    }
    for buffer_bytes in [512 << 10, 1 << 20, 8 << 20] {
        let job = SnapshotJob {
            source: &store,
            progress: &SafeLog,
            disk: &Void,
            clock: &ManualClock::default(),
            pace: &Unhurried,
            options: SnapshotOptions { buffer_bytes, bytes_per_second: 0 },
            meter: &SnapshotMeter::default(),
        };
        let before = USED.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let info = job.write(1).unwrap();
        let extra = PEAK.load(Ordering::Relaxed) - before;
        assert_eq!(info.keys, 60_000);
        assert!(
            extra <= buffer_bytes + REST_BYTES,
            "{extra} bytes with a buffer of {buffer_bytes}"
        );
    }
}
