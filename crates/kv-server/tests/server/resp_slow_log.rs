//! `SLOWLOG` in the Redis protocol.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command};
use crate::support::{start_with, until};

#[tokio::test]
async fn what_took_long_is_remembered_with_who_asked() {
    let server = start_with(&[("log.slow_threshold", "0s")]);
    let mut client = Resp::connect(&server).await;
    client.ask("CLIENT SETNAME me", "+OK\r\n").await;
    client.send([command("SET key value"), command("GET key"), command("PING")].concat()).await;
    client.expect("+OK\r\n$5\r\nvalue\r\n+PONG\r\n").await;
    client.send(command("SLOWLOG GET 1")).await;
    let addr = client.stream.local_addr().unwrap().to_string();
    client.expect("*1\r\n*6\r\n:").await;
    // Several commands are sent together, and may yet arrive apart.
    let mut lines = Vec::new();
    while lines.last() != Some(&"me".to_owned()) {
        lines.push(client.line().await);
    }
    assert!(lines.contains(&addr), "{lines:?}");
    let (at, took) = (lines[1][1..].parse::<u64>(), lines[2][1..].parse::<u64>());
    assert!(at.unwrap() > 1_700_000_000 && took.unwrap() < 60_000_000, "{lines:?}");
    client.ask("CONFIG SET slowlog-log-slower-than -1", "+OK\r\n").await;
    let len = client.number("SLOWLOG LEN").await;
    assert!(len >= 3, "{len}");
    client.ask("SLOWLOG RESET", "+OK\r\n").await;
    client.ask("SLOWLOG LEN", ":0\r\n").await;
    client.ask("SLOWLOG GET -1", "*0\r\n").await;
}

#[tokio::test]
async fn work_done_beside_is_timed_too() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client.ask("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 1", "+OK\r\n").await;
    client.ask("KEYS *", "*0\r\n").await;
    client.ask("FLUSHALL ASYNC", "+OK\r\n").await;
    client.ask("CONFIG SET slowlog-log-slower-than -1", "+OK\r\n").await;
    until(async || {
        client.send(command("SLOWLOG GET")).await;
        client.expect("*1\r\n*6\r\n:").await;
        let mut lines = Vec::new();
        for _ in 0..3 {
            lines.push(client.line().await);
        }
        client.text_until("$0\r\n\r\n").await;
        lines.len() == 3
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = TestServer::start();
    let count = "-ERR count should be greater than or equal to -1\r\n";
    Resp::connect(&server)
        .await
        .talk(&[
            ("SLOWLOG", "-ERR wrong number of arguments for 'slowlog' command\r\n"),
            ("SLOWLOG GET x", count),
            ("SLOWLOG GET -2", count),
            (
                "SLOWLOG GET 1 2",
                "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.\r\n",
            ),
            ("SLOWLOG NONE", "-ERR unknown subcommand 'NONE'. Try SLOWLOG HELP.\r\n"),
        ])
        .await;
}
