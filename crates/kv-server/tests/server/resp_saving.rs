//! Snapshots in the Redis protocol: who waits for them, and who does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kv_core::{NullJournal, ShardedStore};
use kv_server::testing::TestServer;
use kv_server::{
    Backend, Config, LastSnapshot, PersistSection, Persistence, PersistenceStats, SnapshotError,
    SnapshotTaken, Span, SystemClock,
};

use crate::support::resp::{Resp, command, request};
use crate::support::until;

/// Takes a snapshot for each permit, and waits for it meanwhile.
#[derive(Default)]
struct Slow {
    permits: std::sync::Mutex<u32>,
    changed: std::sync::Condvar,
    running: AtomicU64,
    taken: AtomicU64,
    fails: AtomicBool,
    /// The interval it was told of; 0 for never.
    interval_ms: AtomicU64,
}

impl Slow {
    fn permit(&self) {
        *self.permits.lock().expect("no panic") += 1;
        self.changed.notify_all();
    }
}

impl Persistence for Slow {
    fn snapshot(&self) -> Result<SnapshotTaken, SnapshotError> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let permits = self.permits.lock().expect("no panic");
        *self.changed.wait_while(permits, |permits| *permits == 0).expect("no panic") -= 1;
        self.running.fetch_sub(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(SnapshotError::DiskFull { reason: "no space".to_owned() });
        }
        let id = self.taken.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(SnapshotTaken { id, keys: 0, bytes: 0, duration: Duration::ZERO })
    }

    fn stats(&self) -> PersistenceStats {
        let is_running = self.running.load(Ordering::SeqCst) > 0;
        let (taken_at_ms, duration) = (1_700_000_000_000, Duration::from_secs(3));
        PersistenceStats {
            snapshot_percent: is_running.then_some(50),
            last_snapshot: Some(LastSnapshot { taken_at_ms, keys: 0, bytes: 7, duration }),
            snapshots: self.taken.load(Ordering::SeqCst),
            ..PersistenceStats::default()
        }
    }

    fn follow(&self, settings: &PersistSection) {
        let interval = settings.snapshot_interval.get().map_or(Duration::ZERO, Span::get);
        let interval_ms = u64::try_from(interval.as_millis()).expect("at most 30 days");
        self.interval_ms.store(interval_ms, Ordering::SeqCst);
    }
}

fn start() -> (TestServer, Arc<Slow>) {
    let slow = Arc::<Slow>::default();
    let clock = Arc::new(SystemClock::start());
    let store = ShardedStore::new(Config::default().engine_config(1), NullJournal, clock);
    let store = store.expect("the engine accepts the configuration");
    let persistence: Arc<dyn Persistence> = Arc::<Slow>::clone(&slow);
    let backend = Backend::new(Arc::new(store)).persistence(persistence);
    (TestServer::start_backend(backend, |_config| {}), slow)
}

#[tokio::test]
async fn who_saves_waits_and_others_go_on() {
    let (server, slow) = start();
    let (mut saver, mut other) = (Resp::connect(&server).await, Resp::connect(&server).await);
    saver.send([command("SET a 1"), command("SAVE"), command("GET a")].concat()).await;
    saver.expect("+OK\r\n").await;
    until(async || slow.running.load(Ordering::SeqCst) == 1).await;
    let in_progress = "-ERR Background save already in progress\r\n";
    other
        .talk(&[
            ("GET a", "$1\r\n1\r\n"),
            ("SAVE", in_progress),
            ("BGSAVE", in_progress),
            ("BGSAVE SCHEDULE", in_progress),
            ("LASTSAVE", ":1700000003\r\n"),
        ])
        .await;
    assert!(other.text("INFO persistence").await.contains("rdb_bgsave_in_progress:1\r\n"));
    slow.permit();
    saver.expect("+OK\r\n$1\r\n1\r\n").await;
    assert_eq!(slow.taken.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_save_that_fails_says_why() {
    let (server, slow) = start();
    let mut client = Resp::connect(&server).await;
    slow.fails.store(true, Ordering::SeqCst);
    slow.permit();
    client.send([command("SAVE"), command("PING")].concat()).await;
    let line = client.line().await;
    assert!(line.starts_with("-ERR ") && line.contains("no space"), "{line}");
    client.expect("+PONG\r\n").await;
    assert!(client.text("INFO persistence").await.contains("rdb_last_bgsave_status:err\r\n"));
    assert!(client.text("INFO commandstats").await.contains("cmdstat_save:calls=1,"));
}

#[tokio::test]
async fn saves_in_the_background_are_not_waited_for() {
    let (server, slow) = start();
    let mut client = Resp::connect(&server).await;
    client.ask("BGSAVE", "+Background saving started\r\n").await;
    until(async || slow.running.load(Ordering::SeqCst) == 1).await;
    client.ask("BGREWRITEAOF", "+Background append only file rewriting scheduled\r\n").await;
    until(async || slow.running.load(Ordering::SeqCst) == 2).await;
    slow.permit();
    slow.permit();
    until(async || slow.taken.load(Ordering::SeqCst) == 2).await;
    client.ask("BGREWRITEAOF", "+Background append only file rewriting started\r\n").await;
    slow.permit();
    until(async || slow.taken.load(Ordering::SeqCst) == 3).await;
    client
        .talk(&[
            ("BGSAVE now", "-ERR syntax error\r\n"),
            ("BGSAVE SCHEDULE x", "-ERR syntax error\r\n"),
            ("SAVE x", "-ERR wrong number of arguments for 'save' command\r\n"),
        ])
        .await;
}

#[tokio::test]
async fn when_snapshots_are_taken_can_be_changed() {
    let (server, slow) = start();
    let mut client = Resp::connect(&server).await;
    let save = |text: &str| request(&[b"CONFIG", b"SET", b"save", text.as_bytes()]);
    for (text, interval_ms) in [("60 1", 60_000), ("", 0), ("2592000 1", 2_592_000_000)] {
        client.send(save(text)).await;
        client.expect("+OK\r\n").await;
        assert_eq!(slow.interval_ms.load(Ordering::SeqCst), interval_ms, "{text}");
        let length = text.len();
        client.ask("CONFIG GET save", format!("*2\r\n$4\r\nsave\r\n${length}\r\n{text}\r\n")).await;
    }
    for text in ["900 1 300 10", "2592001 1", "x"] {
        client.send(save(text)).await;
        let line = client.line().await;
        assert!(
            line.starts_with("-ERR CONFIG SET failed (possibly related to argument 'save')"),
            "{line}"
        );
    }
    assert_eq!(slow.interval_ms.load(Ordering::SeqCst), 2_592_000_000, "nothing was changed");
}

#[tokio::test]
async fn where_nothing_is_kept_no_snapshots_can_be_asked_for() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client.send(request(&[b"CONFIG", b"SET", b"save", b"60 1"])).await;
    client
        .expect(
            "-ERR CONFIG SET failed (possibly related to argument 'save') - nothing is kept on disk: \
             persist.enabled = false\r\n",
        )
        .await;
    client.send(request(&[b"CONFIG", b"SET", b"save", b""])).await;
    client.expect("+OK\r\n").await;
}

#[tokio::test]
async fn a_server_that_drains_waits_for_a_save() {
    let (mut server, slow) = start();
    let mut client = Resp::connect(&server).await;
    client.send(command("SAVE")).await;
    until(async || slow.running.load(Ordering::SeqCst) == 1).await;
    server.begin_stop();
    slow.permit();
    client.expect("+OK\r\n").await;
    client.expect_end().await;
    assert_eq!(server.stop().await.connections_cut, 0);
}

#[tokio::test]
async fn without_a_disk_nothing_is_saved() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let off = "-ERR nothing is kept on disk by this server: persist.enabled = false\r\n";
    client.talk(&[("SAVE", off), ("BGSAVE", off), ("BGREWRITEAOF", off)]).await;
    let last = client.number("LASTSAVE").await;
    client.send(command("TIME")).await;
    let time = client.array_of_bulks().await;
    let now: i64 = time[0].parse().unwrap();
    assert!((last..last + 60).contains(&now), "the start counts as one: {last} {now}");
    assert!(time[1].parse::<u32>().unwrap() < 1_000_000);
}
