//! The operator's service tells what the server holds, and empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kv_core::Lsn;
use kv_proto::v1::{
    Durability, FlushRequest, SetRequest, SnapshotRequest, StatsRequest, set_request,
};
use kv_server::testing::TestServer;
use kv_server::{
    LastSnapshot, PersistSection, Persistence, PersistenceStats, SnapshotError, SnapshotTaken,
};
use tonic::Code;

use crate::support::log::backend;
use crate::support::{connect, connect_admin, exists, get, refused, set, start_with};

#[tokio::test]
async fn stats_count_what_was_done() {
    let server = start_with(&[("engine.memory_limit", "64MiB"), ("engine.eviction_policy", "lfu")]);
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    kv.set(set("a", "12345")).await.unwrap();
    let expiry = Some(set_request::Expiry::TtlMs(3_600_000));
    kv.set(SetRequest { expiry, ..set("b", "1") }).await.unwrap();
    get(&mut kv, "a").await;
    get(&mut kv, "absent").await;
    let stats = admin.stats(StatsRequest {}).await.unwrap().into_inner();
    assert_eq!(stats.server_version, env!("CARGO_PKG_VERSION"));
    assert_eq!((stats.keys, stats.volatile_keys, stats.writes), (2, 1, 2));
    assert_eq!((stats.hits, stats.misses, stats.payload_bytes), (1, 1, 8));
    assert_eq!((stats.memory_limit_bytes, stats.eviction_policy.as_str()), (64 << 20, "lfu"));
    assert_eq!((stats.shards, stats.durability_max()), (16, Durability::Memory));
    assert!(stats.memory_used_bytes > stats.payload_bytes);
    let later = admin.stats(StatsRequest {}).await.unwrap().into_inner();
    assert!(later.uptime_ms >= stats.uptime_ms);
}

#[tokio::test]
async fn flush_removes_every_key_and_versions_go_on() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    let mut version = 0;
    for key in ["a", "b", "c"] {
        version = kv.set(set(key, "v")).await.unwrap().into_inner().version;
    }
    let answer = admin.flush(FlushRequest { durability: 0 }).await.unwrap().into_inner();
    assert_eq!((answer.removed, answer.achieved()), (3, Durability::Memory));
    assert!(!exists(&mut kv, "a").await);
    let after = kv.set(set("c", "v")).await.unwrap().into_inner().version;
    assert!(after > version, "{after} follows {version}");
}

/// Takes one snapshot, and then no more.
#[derive(Default)]
struct OneSnapshot {
    asked: AtomicU64,
}

impl Persistence for OneSnapshot {
    fn snapshot(&self) -> Result<SnapshotTaken, SnapshotError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let (keys, bytes, duration) = (5, 4096, Duration::from_millis(77));
        match asked {
            1 => Ok(SnapshotTaken { id: asked, keys, bytes, duration }),
            2 => Err(SnapshotError::Running),
            _ => Err(SnapshotError::DiskFull { reason: "snapshot-2.tmp".to_owned() }),
        }
    }

    fn stats(&self) -> PersistenceStats {
        let duration = Duration::from_millis(77);
        let last = LastSnapshot { taken_at_ms: 9, keys: 5, bytes: 4096, duration };
        let (log_position, durable_position) = (Lsn::new(8), Lsn::new(7));
        PersistenceStats {
            log_position,
            durable_position,
            last_snapshot: Some(last),
            torn_tail_bytes: 48,
            ..PersistenceStats::default()
        }
    }

    fn follow(&self, _settings: &PersistSection) {}
}

#[tokio::test]
async fn a_snapshot_is_taken_or_refused_with_the_reason() {
    let backend = backend(&Arc::default()).persistence(Arc::new(OneSnapshot::default()));
    let server = TestServer::start_backend(backend, |_config| {});
    let mut admin = connect_admin(&server).await;
    let taken = admin.snapshot(SnapshotRequest {}).await.unwrap().into_inner();
    assert_eq!((taken.id, taken.keys, taken.bytes, taken.duration_ms), (1, 5, 4096, 77));
    let running = admin.snapshot(SnapshotRequest {}).await;
    refused(running, Code::Unavailable, "SNAPSHOT_RUNNING", &["already"]);
    let full = admin.snapshot(SnapshotRequest {}).await;
    refused(full, Code::ResourceExhausted, "DISK_FULL", &["snapshot-2.tmp", "make space"]);
}

#[tokio::test]
async fn without_persistence_there_are_no_snapshots_and_no_figures() {
    let server = TestServer::start();
    let mut admin = connect_admin(&server).await;
    let result = admin.snapshot(SnapshotRequest {}).await;
    let words = ["in memory only", "persist.enabled = true"];
    refused(result, Code::FailedPrecondition, "PERSISTENCE_OFF", &words);
    let stats = admin.stats(StatsRequest {}).await.unwrap().into_inner();
    assert_eq!(stats.persistence, None);
}

#[tokio::test]
async fn stats_tell_what_is_on_disk_and_that_the_log_has_failed() {
    let journal = Arc::default();
    let backend = backend(&journal).persistence(Arc::new(OneSnapshot::default()));
    let server = TestServer::start_backend(backend, |config| {
        config.set("persist.fsync", "never").unwrap();
    });
    let mut admin = connect_admin(&server).await;
    let stats = admin.stats(StatsRequest {}).await.unwrap().into_inner().persistence.unwrap();
    assert_eq!((stats.log_position, stats.durable_position), (8, 7));
    assert_eq!((stats.fsync.as_str(), stats.failure.as_str()), ("never", ""));
    assert_eq!((stats.last_snapshot.unwrap().taken_at_ms, stats.torn_tail_bytes), (9, 48));
    journal.fail("EIO");
    let stats = admin.stats(StatsRequest {}).await.unwrap().into_inner().persistence.unwrap();
    assert!(stats.failure.contains("EIO"), "{}", stats.failure);
}
