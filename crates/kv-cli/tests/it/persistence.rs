//! Snapshots, and what `stats` tells of the disk.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use kv_core::testing::{ManualClock, ManualJournal};
use kv_core::{Durability, EngineConfig, Latency, Lsn, ShardedStore};
use kv_server::testing::TestServer;
use kv_server::{
    Backend, LastSnapshot, PersistSection, Persistence, PersistenceStats, Readiness, SnapshotError,
    SnapshotTaken,
};

use crate::harness::Cli;

/// A disk of which everything is known.
struct FakeDisk(Result<SnapshotTaken, SnapshotError>);

impl Persistence for FakeDisk {
    fn snapshot(&self) -> Result<SnapshotTaken, SnapshotError> {
        self.0.clone()
    }

    fn stats(&self) -> PersistenceStats {
        let duration = Duration::from_millis(2500);
        let last = LastSnapshot { taken_at_ms: 1_700_000, keys: 5, bytes: 4096, duration };
        let mut syncs = Latency::default();
        (0..3).for_each(|_| syncs.record(Duration::from_millis(1)));
        PersistenceStats {
            log_position: Lsn::new(9),
            durable_position: Lsn::new(7),
            log_bytes: 65536,
            log_segments: 1,
            waiting_bytes: 80,
            syncs,
            last_snapshot: Some(last),
            snapshot_failures: 2,
            torn_tail_bytes: 48,
            ..PersistenceStats::default()
        }
    }

    fn follow(&self, _settings: &PersistSection) {}
}

fn backend(journal: &Arc<ManualJournal>) -> Backend {
    let config = EngineConfig { shards: 1, ..EngineConfig::default() };
    let clock = Arc::new(ManualClock::default());
    Backend::new(Arc::new(ShardedStore::new(config, Arc::clone(journal), clock).unwrap()))
}

fn start(snapshot: Result<SnapshotTaken, SnapshotError>) -> (Cli, Arc<ManualJournal>) {
    let journal = Arc::new(ManualJournal::default());
    let backend = backend(&journal).persistence(Arc::new(FakeDisk(snapshot)));
    (Cli::with(TestServer::start_backend(backend, |_config| {})), journal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_taken_and_told_in_every_form() {
    let duration = Duration::from_millis(1234);
    let (cli, _) = start(Ok(SnapshotTaken { id: 7, keys: 5, bytes: 4096, duration }));
    expect![[r#"
        $ kv-cli snapshot
        OK, snapshot 7 of 5 keys, 4.00 KiB, in 1.23s
        $ kv-cli snapshot -o raw
        7
        $ kv-cli snapshot -o json
        {"id":7,"keys":5,"bytes":4096,"duration_ms":1234}
    "#]]
    .assert_eq(&cli.session("snapshot\nsnapshot -o raw\nsnapshot -o json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_not_taken_says_why() {
    let (cli, _) = start(Err(SnapshotError::Running));
    let failed = Err(SnapshotError::Failed { reason: "EIO on snapshot-8.tmp".to_owned() });
    let (broken, _) = start(failed);
    let sessions = [cli, broken, Cli::start()].map(|cli| cli.session("snapshot"));
    expect![[r#"
        $ kv-cli snapshot
        kv-cli: a snapshot is being taken already: ask again when it is done; try again later
        [4]
        $ kv-cli snapshot
        kv-cli: the snapshot was not taken: EIO on snapshot-8.tmp
        [4]
        $ kv-cli snapshot
        kv-cli: this server keeps data in memory only: start it with persist.enabled = true to have snapshots
        [4]
    "#]]
    .assert_eq(&sessions.concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_tell_what_is_on_disk() {
    let (cli, journal) = start(Err(SnapshotError::Running));
    journal.fail("EIO on log-1.kvl");
    let rows = cli.line("stats -o raw").text();
    let rows: Vec<_> = rows.lines().skip_while(|row| !row.starts_with("durability_max")).collect();
    expect![[r#"
        durability_max fsync
        persist_enabled true
        persist_fsync interval
        log_position 9
        durable_position 7
        log_bytes 65536
        log_segments 1
        waiting_bytes 80
        syncs 3
        last_snapshot_taken_at_ms 1700000
        last_snapshot_keys 5
        last_snapshot_bytes 4096
        last_snapshot_duration_ms 2500
        snapshot_failures 2
        torn_tail_bytes 48
        log_failure the log takes no writes: EIO on log-1.kvl
    "#]]
    .assert_eq(&(rows.join("\n") + "\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_is_waited_for_and_told() {
    let (cli, journal) = start(Err(SnapshotError::Running));
    let waiting = cli.spawn("set k v --durability fsync");
    // One more than who watches for a failure.
    let waits = async {
        while journal.waiting() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waits).await.expect("the write waits");
    journal.advance(Durability::Fsync);
    let told = crate::harness::Ran::of(waiting).text();
    assert!(told.ends_with(", durability fsync\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_lost_is_unknown_and_exits_with_4() {
    let (cli, journal) = start(Err(SnapshotError::Running));
    cli.line("set k v").text();
    journal.fail("EIO on log-1.kvl; restart the server");
    expect![[r#"
        $ kv-cli get k
        kv-cli: the answer is unknown: it rests on a write that may or may not survive a restart: EIO on log-1.kvl; restart the server
        [4]
        $ kv-cli set k w
        kv-cli: the log takes no writes: EIO on log-1.kvl; restart the server; try again later
        [4]
        $ kv-cli ping
        kv-cli: the server is up but takes no requests: NotServing; try again later
        [4]
    "#]]
    .assert_eq(&cli.session("get k\nset k w\nping"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loads_says_how_far_it_is() {
    let readiness = Readiness::loading();
    readiness.set_progress(42, "snapshot 7");
    let backend = backend(&Arc::default()).readiness(readiness);
    let cli = Cli::with(TestServer::start_backend(backend, |_config| {}));
    expect![[r#"
        $ kv-cli get k
        kv-cli: loading: 42 % (snapshot 7); nothing was executed; try again later
        [4]
        $ kv-cli set k v
        kv-cli: loading: 42 % (snapshot 7); nothing was executed; try again later
        [4]
        $ kv-cli stats
        kv-cli: loading: 42 % (snapshot 7); nothing was executed; try again later
        [4]
        $ kv-cli ping
        kv-cli: the server is up but takes no requests: NotServing; try again later
        [4]
    "#]]
    .assert_eq(&cli.session("get k\nset k v\nstats\nping"));
}
