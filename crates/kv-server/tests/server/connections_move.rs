//! Connections that go from one thread to another lose nothing, whatever they are at.

use std::net::SocketAddr;
use std::sync::Arc;

use kv_core::testing::ManualJournal;
use kv_core::{Durability, Lsn};
use kv_server::testing::TestServer;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, spawn_blocking, yield_now};

use crate::support::log::{WATCHERS, backend, until};
use crate::support::resp::{Resp, command};
use crate::support::{page, within};

/// A server whose connections go to another thread after each turn.
fn scattered() -> TestServer {
    TestServer::start_scattered(backend(&Arc::new(ManualJournal::default())), |_config| {})
}

/// How often connections have gone to another thread.
async fn moved(admin: SocketAddr) -> u64 {
    let page = spawn_blocking(move || page::get(admin, "/metrics")).await.expect("a page");
    let name = "kv_connections_moved_total{protocol=\"resp\"} ";
    let count = page.body.lines().find_map(|line| line.strip_prefix(name));
    count.and_then(|count| count.parse().ok()).expect("a count")
}

#[tokio::test]
async fn what_a_connection_is_goes_along() {
    let server = scattered();
    let mut client = Resp::connect(&server).await;
    client.ask("CLIENT SETNAME traveller", "+OK\r\n").await;
    let id = client.number("CLIENT ID").await;
    for turn in 1..=50 {
        assert_eq!(client.number("INCR n").await, turn);
        assert_eq!(client.text("CLIENT GETNAME").await, "traveller");
        assert_eq!(client.number("CLIENT ID").await, id);
    }
    // The beginning of a request is kept, wherever its end arrives.
    client.send([&command("PING")[..], b"*2\r\n$4\r\nECHO\r\n$5\r\nbe"].concat()).await;
    client.expect("+PONG\r\n").await;
    client.send("gin\r\n").await;
    client.expect("$5\r\nbegin\r\n").await;
    assert!(moved(server.socket_addr_of("admin")).await >= 150);
    // Others find it where it is.
    let mut other = Resp::connect(&server).await;
    assert_eq!(other.number(&format!("CLIENT KILL ID {id}")).await, 1);
    client.expect_cut().await;
}

/// Requests with their answers.
fn requests() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let echo = |len: usize| {
        let text = "e".repeat(len);
        (command(&format!("ECHO {text}")), format!("${len}\r\n{text}\r\n").into_bytes())
    };
    let ping = (command("PING"), b"+PONG\r\n".to_vec());
    vec(
        prop_oneof![Just(ping), (1..100_usize).prop_map(echo), (1..300_000_usize).prop_map(echo)],
        1..20,
    )
}

#[test]
fn requests_are_answered_in_order_however_they_are_cut() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(async { scattered() });
    let input = (requests(), vec(any::<prop::sample::Index>(), 0..10));
    let outcome =
        TestRunner::new(ProptestConfig::with_cases(64)).run(&input, |(requests, cuts)| {
            let (sent, answers): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
            let (sent, answers) = (sent.concat(), answers.concat());
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(sent.len())).collect();
            cuts.extend([0, sent.len()]);
            cuts.sort_unstable();
            runtime.block_on(async {
                let (mut from, mut to) = Resp::connect(&server).await.stream.into_split();
                let sending = async {
                    for piece in cuts.windows(2) {
                        to.write_all(&sent[piece[0]..piece[1]]).await.unwrap();
                        yield_now().await;
                    }
                };
                let mut received = vec![0; answers.len()];
                let (read, ()) =
                    within(async { join!(from.read_exact(&mut received), sending) }).await;
                assert!(read.is_ok() && received == answers, "an answer differs");
            });
            Ok(())
        });
    outcome.unwrap();
    drop(runtime);
}

#[tokio::test]
async fn answers_that_wait_for_the_log_are_sent_by_whoever_has_the_connection() {
    let journal = Arc::new(ManualJournal::default());
    let server = TestServer::start_scattered(backend(&journal), |config| {
        config.set("persist.fsync", "always").unwrap();
    });
    let mut client = Resp::connect(&server).await;
    for turn in 1..=20 {
        client.send(command("INCR n")).await;
        until(|| journal.waiting() == 1 + WATCHERS).await;
        journal.advance_to(Lsn::new(turn), Durability::Fsync);
        client.expect(format!(":{turn}\r\n")).await;
    }
    assert!(moved(server.socket_addr_of("admin")).await >= 19);
}

#[tokio::test]
async fn a_server_that_stops_answers_who_is_on_the_way() {
    let mut server = scattered();
    let mut clients = JoinSet::new();
    for number in 0..20 {
        let mut stream = Resp::connect(&server).await.stream;
        clients.spawn(async move {
            let increment = command(&format!("INCR {number}"));
            let (mut answered, mut answer) = (0, [0; 64]);
            while stream.write_all(&increment).await.is_ok()
                && matches!(stream.read(&mut answer).await, Ok(1..))
            {
                answered += 1;
            }
            answered
        });
    }
    let store = Arc::clone(server.store());
    until(|| store.stats().writes >= 2000).await;
    server.begin_stop();
    let answered: u64 = within(clients.join_all()).await.into_iter().sum();
    let stopped = server.ended().await;
    assert_eq!(stopped.connections_cut, 0);
    assert_eq!(answered, store.stats().writes, "what is executed is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_lost_who_comes_while_others_leave_and_move() {
    let server = scattered();
    let addr = server.socket_addr_of("resp");
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        clients.spawn(async move {
            for _ in 0..20 {
                let mut client = Resp::connect_to(addr).await;
                client.talk(&[("PING", "+PONG\r\n"), ("PING", "+PONG\r\n")]).await;
            }
        });
    }
    within(clients.join_all()).await;
}
