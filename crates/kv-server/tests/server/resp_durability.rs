//! Answers of the Redis protocol and the log: they wait for it in order, and say so when it has failed.

use std::sync::Arc;

use kv_core::testing::ManualJournal;
use kv_core::{Durability as Level, JournalError, Lsn};
use kv_server::testing::TestServer;
use kv_server::{Backend, Readiness};

use crate::support::log::{WATCHERS, backend, until};
use crate::support::resp::{Resp, bulk, command, request};

struct Logged {
    server: TestServer,
    journal: Arc<ManualJournal>,
    client: Resp,
}

async fn start(settings: &[(&str, &str)]) -> Logged {
    let journal = Arc::new(ManualJournal::default());
    let server = TestServer::start_backend(backend(&journal), |config| {
        for (key, value) in settings {
            config.set(key, value).expect("an allowed setting");
        }
    });
    let client = Resp::connect(&server).await;
    Logged { server, journal, client }
}

impl Logged {
    /// Waits until so many threads wait for the log.
    async fn until_waiting(&self, threads: usize) {
        until(|| self.journal.waiting() == threads + WATCHERS).await;
    }

    async fn until_written(&self, writes: u64) {
        until(|| self.server.store().stats().writes >= writes).await;
    }
}

const ALWAYS: &[(&str, &str)] = &[("persist.fsync", "always")];

fn commands(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| command(line)).collect()
}

#[tokio::test]
async fn answers_wait_for_the_log_in_order_while_commands_go_on() {
    let mut logged = start(ALWAYS).await;
    logged.client.send(commands(&["PING", "INCR n", "INCR n", "GET n", "PING", "INCR n"])).await;
    logged.client.expect("+PONG\r\n").await;
    logged.until_written(3).await;
    logged.until_waiting(1).await;
    // Executed ahead, in another turn.
    logged.client.send(command("INCR n")).await;
    logged.until_written(4).await;
    logged.journal.advance_to(Lsn::new(1), Level::Fsync);
    logged.client.expect(":1\r\n").await;
    logged.until_waiting(1).await;
    logged.journal.advance_to(Lsn::new(2), Level::Fsync);
    logged.client.expect(":2\r\n$1\r\n2\r\n+PONG\r\n").await;
    logged.journal.advance(Level::Fsync);
    logged.client.expect(":3\r\n:4\r\n").await;
    logged.until_waiting(0).await;
}

#[tokio::test]
async fn reads_wait_for_what_they_show_and_nobody_else_waits() {
    let mut logged = start(ALWAYS).await;
    let mut other = Resp::connect(&logged.server).await;
    logged.client.send(command("SET k v")).await;
    logged.until_written(1).await;
    other.ask("PING", "+PONG\r\n").await;
    other.send(command("GET k")).await;
    until(|| logged.server.store().stats().hits == 1).await;
    logged.until_waiting(1).await;
    logged.journal.advance(Level::Fsync);
    logged.client.expect("+OK\r\n").await;
    other.expect("$1\r\nv\r\n").await;
}

#[tokio::test]
async fn without_a_promise_nothing_waits() {
    let mut logged = start(&[]).await;
    logged.client.talk(&[("SET k v", "+OK\r\n"), ("GET k", "$1\r\nv\r\n")]).await;
    logged.until_waiting(0).await;
}

#[tokio::test]
async fn what_is_promised_can_be_changed_for_everyone() {
    let mut logged = start(&[]).await;
    let mut other = Resp::connect(&logged.server).await;
    logged.client.ask("SET k v", "+OK\r\n").await;
    other.ask("CONFIG SET appendfsync ALWAYS", "+OK\r\n").await;
    other.ask("CONFIG GET appendfsync", "*2\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n").await;
    // It shows a write that was acknowledged before anybody promised that.
    other.send(command("GET k")).await;
    logged.until_waiting(1).await;
    logged.client.send(command("SET k w")).await;
    logged.until_written(2).await;
    logged.until_waiting(1).await;
    logged.journal.advance(Level::Fsync);
    other.expect("$1\r\nv\r\n").await;
    logged.client.expect("+OK\r\n").await;
    other.ask("CONFIG SET kv.persist.fsync never", "+OK\r\n").await;
    logged.client.talk(&[("SET k x", "+OK\r\n"), ("GET k", "$1\r\nx\r\n")]).await;
    let complaint = "argument(s) must be one of the following: everysec, always, no";
    other
        .ask(
            "CONFIG SET appendfsync sometimes",
            format!(
                "-ERR CONFIG SET failed (possibly related to argument 'appendfsync') - {complaint}\r\n"
            ),
        )
        .await;
}

#[tokio::test]
async fn waitaof_waits_for_what_the_connection_wrote() {
    let mut logged = start(&[]).await;
    logged.client.ask("WAITAOF 1 0 0", "*2\r\n:1\r\n:0\r\n").await;
    logged.client.send(commands(&["SET k v", "WAITAOF 1 0 0", "PING"])).await;
    logged.client.expect("+OK\r\n").await;
    logged.until_waiting(1).await;
    logged.journal.advance(Level::Fsync);
    logged.client.expect("*2\r\n:1\r\n:0\r\n+PONG\r\n").await;
    logged
        .client
        .send(commands(&["SET k v", "WAITAOF 1 0 20", "WAITAOF 0 1 20", "WAIT 1 20"]))
        .await;
    logged.client.expect("+OK\r\n*2\r\n:0\r\n:0\r\n*2\r\n:0\r\n:0\r\n:0\r\n").await;
    logged
        .client
        .talk(&[
            ("WAIT 0 0", ":0\r\n"),
            ("WAIT x 0", "-ERR value is not an integer or out of range\r\n"),
            ("WAIT 1 -1", "-ERR timeout is negative\r\n"),
            ("WAIT 1 x", "-ERR timeout is not an integer or out of range\r\n"),
            ("WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1\r\n"),
            ("WAITAOF 1 -1 0", "-ERR value is out of range, must be positive\r\n"),
        ])
        .await;
}

#[tokio::test]
async fn waitaof_is_refused_where_nothing_is_kept() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client
        .ask(
            "WAITAOF 1 0 0",
            "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n",
        )
        .await;
    client.ask("WAITAOF 0 0 0", "*2\r\n:1\r\n:0\r\n").await;
}

#[tokio::test]
async fn when_the_log_fails_each_answer_says_whether_it_is_known() {
    let mut logged = start(ALWAYS).await;
    let large = vec![b'v'; 100_000];
    logged.client.send(request(&[b"SET", b"safe", &large])).await;
    logged.until_written(1).await;
    logged.journal.advance(Level::Fsync);
    logged.client.expect("+OK\r\n").await;
    logged
        .client
        .send(commands(&["INCR n", "GET n", "PING", "GET safe", "INCR m", "MGET safe m"]))
        .await;
    logged.until_written(3).await;
    logged.until_waiting(1).await;
    logged.journal.advance_to(Lsn::new(2), Level::Fsync);
    logged.journal.fail("EIO");
    logged.client.expect(":1\r\n$1\r\n1\r\n+PONG\r\n").await;
    logged.client.expect(bulk(&large)).await;
    let write =
        "-MISCONF the outcome is UNKNOWN, the write may or may not survive a restart: EIO\r\n";
    let read =
        "-MISCONF the answer is UNKNOWN, what it shows may or may not survive a restart: EIO\r\n";
    logged.client.expect(write).await;
    logged.client.expect(read).await;
    // From now on.
    logged.client.ask("GET m", read).await;
    logged.client.ask("GET n", "$1\r\n1\r\n").await;
    logged.client.send(command("SET k v")).await;
    logged.client.expect("-MISCONF Errors writing to the log: ").await;
    assert!(logged.client.line().await.contains("EIO"));
    logged.client.is_silent().await;
}

#[tokio::test]
async fn a_full_disk_and_a_slow_one_refuse_writes_for_a_time() {
    let mut logged = start(&[]).await;
    let reason = "log-2.kvl needs 65536 bytes".to_owned();
    logged.journal.refuse(Some(JournalError::DiskFull { reason }));
    logged.client.send(command("SET k v")).await;
    logged.client.expect("-MISCONF Errors writing to the log: the log has no space").await;
    assert!(logged.client.line().await.contains("log-2.kvl"));
    logged.journal.refuse(Some(JournalError::Overloaded { waiting: 70, max: 64 }));
    logged.client.send(command("MSET k v l w")).await;
    logged.client.expect("-TRYAGAIN the log is behind: 70 bytes").await;
    logged.client.line().await;
    logged.journal.refuse(None);
    logged.client.ask("SET k v", "+OK\r\n").await;
}

#[tokio::test]
async fn a_client_far_ahead_of_the_log_is_not_read_from() {
    const AHEAD_ANSWERS_MAX: u64 = 16 << 10;
    let mut logged = start(ALWAYS).await;
    let lines = command("INCR n").repeat(1000);
    let mut other = Resp::connect(&logged.server).await;
    std::mem::swap(&mut other, &mut logged.client);
    let (mut reader, mut writer) = other.stream.into_split();
    let sending = tokio::spawn(async move {
        for _ in 0..40 {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &lines).await.expect("it is read");
        }
        writer
    });
    logged.until_written(AHEAD_ANSWERS_MAX).await;
    for _ in 0..100 {
        logged.client.ask("PING", "+PONG\r\n").await;
    }
    let ahead = logged.server.store().stats().writes;
    assert!(ahead < AHEAD_ANSWERS_MAX + 2000, "{ahead} writes were made ahead");
    let expected: Vec<u8> = (1..=40_000).flat_map(|n| format!(":{n}\r\n").into_bytes()).collect();
    let journal = Arc::clone(&logged.journal);
    let syncing = tokio::spawn(async move {
        loop {
            journal.advance(Level::Fsync);
            tokio::task::yield_now().await;
        }
    });
    let mut received = vec![0; expected.len()];
    crate::support::within(tokio::io::AsyncReadExt::read_exact(&mut reader, &mut received))
        .await
        .expect("answers");
    assert!(received == expected);
    syncing.abort();
    drop(sending.await);
}

#[tokio::test]
async fn loading_is_said_with_its_progress_and_serves_when_it_is_done() {
    let readiness = Readiness::loading();
    let journal = Arc::new(ManualJournal::default());
    let backend: Backend = backend(&journal).readiness(readiness.clone());
    let server = TestServer::start_backend(backend, |_config| {});
    let mut client = Resp::connect(&server).await;
    readiness.set_progress(37, "snapshot 1");
    let loading = "-LOADING kv is loading the dataset in memory (37 % done)\r\n";
    client
        .talk(&[
            ("GET k", loading),
            ("SET k v", loading),
            ("PING", loading),
            ("NONSENSE", "-ERR unknown command 'NONSENSE', with args beginning with: \r\n"),
            ("SELECT 0", "+OK\r\n"),
            ("CLIENT GETNAME", "$-1\r\n"),
        ])
        .await;
    readiness.ready();
    client.ask("SET k v", "+OK\r\n").await;
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_refused() {
    let server = TestServer::start_with(|config| {
        config.set("engine.memory_limit", "4MiB").expect("a size");
        config.set("engine.eviction_policy", "none").expect("a policy");
    });
    let mut client = Resp::connect(&server).await;
    client.send(request(&[b"SET", b"k", &vec![b'v'; 5 << 20]])).await;
    client.expect("-OOM command not allowed when used memory > 'maxmemory'.\r\n").await;
    client.ask("SET k v", "+OK\r\n").await;
}
