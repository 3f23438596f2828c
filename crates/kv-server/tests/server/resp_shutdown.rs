//! `SHUTDOWN` in the Redis protocol: the server ends as after a signal.

use kv_server::FinalSnapshot;
use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command};
use crate::support::{Process, within};

#[tokio::test]
async fn the_server_drains_and_tells_what_was_wanted() {
    for (line, wanted) in [
        ("SHUTDOWN", FinalSnapshot::Configured),
        ("SHUTDOWN NOSAVE NOW FORCE", FinalSnapshot::Unwanted),
        ("shutdown save", FinalSnapshot::Wanted),
    ] {
        let server = TestServer::start();
        let (mut me, mut other) = (Resp::connect(&server).await, Resp::connect(&server).await);
        other.ask("PING", "+PONG\r\n").await;
        me.send(command(line)).await;
        me.expect_end().await;
        other.expect_end().await;
        let stopped = within(server.ended()).await;
        assert_eq!((stopped.connections_cut, stopped.final_snapshot), (0, wanted));
    }
}

#[tokio::test]
async fn what_makes_no_sense_stops_nothing() {
    let server = TestServer::start();
    Resp::connect(&server)
        .await
        .talk(&[
            ("SHUTDOWN later", "-ERR syntax error\r\n"),
            ("SHUTDOWN SAVE NOSAVE", "-ERR syntax error\r\n"),
            ("SHUTDOWN ABORT NOW", "-ERR syntax error\r\n"),
            ("SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n"),
        ])
        .await;
}

#[tokio::test]
async fn the_process_ends_and_keeps_what_it_had() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = Process::start(dir.path(), &["persist.snapshot_on_shutdown=true"]);
    let mut client = Resp::connect_to(server.addr_of("resp")).await;
    client.ask("SET key value", "+OK\r\n").await;
    client.send(command("SHUTDOWN NOSAVE")).await;
    client.expect_end().await;
    let lines = server.lines_until("stopped connections_cut=0");
    assert!(lines.iter().any(|line| line.contains("a client asks for it")), "{lines:?}");
    assert_eq!(server.exit_code(), Some(0));

    let server = Process::start(dir.path(), &["persist.snapshot_on_shutdown=false"]);
    let mut client = Resp::connect_to(server.addr_of("resp")).await;
    client.ask("GET key", "$5\r\nvalue\r\n").await;
    client.send(command("SHUTDOWN SAVE")).await;
    client.expect_end().await;
    server.log("took a last snapshot");
    assert_eq!(server.exit_code(), Some(0));
}
