//! `LCS` in the Redis protocol.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, bulk, request};
use crate::support::start_with;

#[tokio::test]
async fn what_two_values_have_in_common_is_found() {
    let server = TestServer::start();
    let both =
        "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n";
    let all = format!("*4\r\n$7\r\nmatches\r\n*2\r\n{both}$3\r\nlen\r\n:6\r\n");
    let long = "*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n";
    let one = format!("*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n{long}:4\r\n$3\r\nlen\r\n:6\r\n");
    Resp::connect(&server)
        .await
        .talk(&[
            ("MSET a ohmytext b mynewtext", "+OK\r\n"),
            ("LCS a b", "$6\r\nmytext\r\n"),
            ("LCS a none", "$0\r\n\r\n"),
            ("LCS a a", "$8\r\nohmytext\r\n"),
            ("LCS a b LEN", ":6\r\n"),
            ("LCS a b idx", &all),
            ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", &one),
            ("LCS a b IDX MINMATCHLEN -4", &all),
            ("LCS none none IDX", "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n"),
            (
                "LCS a b LEN IDX",
                "-ERR If you want both the length and indexes, please just use IDX.\r\n",
            ),
            ("LCS a b MINMATCHLEN", "-ERR syntax error\r\n"),
            ("LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range\r\n"),
            ("LCS a b OTHER", "-ERR syntax error\r\n"),
            ("LCS a", "-ERR wrong number of arguments for 'lcs' command\r\n"),
        ])
        .await;
}

#[tokio::test]
async fn long_values_are_compared_beside_and_answered_in_order() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let value = |from: u32| (from..from + 2000).map(|i| (i * 7 % 251) as u8).collect::<Vec<u8>>();
    let (a, b) = (value(0), value(1000));
    let commands = [
        request(&[b"MSET", b"a", &a, b"b", &b]),
        request(&[b"LCS", b"a", b"a"]),
        request(&[b"LCS", b"a", b"b", b"LEN"]),
        request(&[b"PING"]),
    ];
    client.send(commands.concat()).await;
    client.expect("+OK\r\n").await;
    client.expect(bulk(&a)).await;
    let line = client.line().await;
    assert!(line[1..].parse::<usize>().unwrap() >= 1000, "they overlap: {line}");
    client.expect("+PONG\r\n").await;
}

#[tokio::test]
async fn the_work_is_bounded_as_in_redis() {
    let server = start_with(&[("limits.value_bytes_max", "1MiB")]);
    let mut client = Resp::connect(&server).await;
    // 512 places of 4 bytes for each of 512 others are exactly 1 MiB.
    let value = vec![b'v'; 511];
    client.send(request(&[b"MSET", b"a", &value, b"b", &[&value[..], b"v"].concat()])).await;
    client.expect("+OK\r\n").await;
    client.ask("LCS a a LEN", ":511\r\n").await;
    let refused =
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n";
    client.ask("LCS a b LEN", refused).await;
}
