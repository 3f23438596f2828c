//! `OBJECT` and `MEMORY` in the Redis protocol: what is known of values and of memory.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command};
use crate::support::start_with;

#[tokio::test]
async fn values_are_kept_as_redis_would_say() {
    let server = TestServer::start();
    let (short, long) = ("x".repeat(44), "x".repeat(45));
    let mut client = Resp::connect(&server).await;
    client.ask(&format!("MSET n 123 short {short} long {long} zero 007"), "+OK\r\n").await;
    client
        .talk(&[
            ("OBJECT ENCODING n", "$3\r\nint\r\n"),
            ("OBJECT ENCODING short", "$6\r\nembstr\r\n"),
            ("OBJECT ENCODING long", "$3\r\nraw\r\n"),
            ("OBJECT ENCODING zero", "$6\r\nembstr\r\n"),
            ("OBJECT ENCODING none", "$-1\r\n"),
            ("OBJECT REFCOUNT short", ":1\r\n"),
            ("OBJECT REFCOUNT none", "$-1\r\n"),
            ("OBJECT IDLETIME short", ":0\r\n"),
            ("OBJECT IDLETIME none", "$-1\r\n"),
            ("OBJECT FREQ none", "$-1\r\n"),
            (
                "OBJECT FREQ n",
                "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
                 that when switching between policies at runtime LRU and LFU data will take some time to \
                 adjust.\r\n",
            ),
            ("OBJECT", "-ERR wrong number of arguments for 'object' command\r\n"),
            ("OBJECT FREQ", "-ERR wrong number of arguments for 'object|freq' command\r\n"),
            ("OBJECT NONE n", "-ERR unknown subcommand 'NONE'. Try OBJECT HELP.\r\n"),
        ])
        .await;
}

#[tokio::test]
async fn how_often_a_key_was_used_is_known_where_it_counts() {
    let server = start_with(&[("engine.eviction_policy", "lfu"), ("engine.memory_limit", "64MiB")]);
    let mut client = Resp::connect(&server).await;
    client.ask("SET key 1", "+OK\r\n").await;
    assert!(client.number("OBJECT FREQ key").await >= 0);
}

#[tokio::test]
async fn memory_is_told_of_keys_and_of_everything() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client.ask("SET key value", "+OK\r\n").await;
    let usage = client.number("MEMORY USAGE key").await;
    assert!((8..200).contains(&usage), "{usage}");
    assert_eq!(client.number("MEMORY USAGE key SAMPLES 0").await, usage);
    client
        .talk(&[
            ("MEMORY USAGE none", "$-1\r\n"),
            ("MEMORY USAGE key SAMPLES", "-ERR syntax error\r\n"),
            ("MEMORY USAGE key SAMPLES x", "-ERR value is not an integer or out of range\r\n"),
            ("MEMORY USAGE key SAMPLES -1", "-ERR syntax error\r\n"),
            ("MEMORY USAGE key OTHER 1", "-ERR syntax error\r\n"),
            ("MEMORY PURGE", "+OK\r\n"),
            ("MEMORY NONE", "-ERR unknown subcommand 'NONE'. Try MEMORY HELP.\r\n"),
        ])
        .await;
    assert!(client.text("MEMORY DOCTOR").await.contains("No memory problems"));
    client.send(command("HELLO 3")).await;
    client.text_until("modules\r\n*0\r\n").await;
    client.ask("MEMORY STATS", "%27\r\n$14\r\npeak.allocated\r\n:").await;
    client.text_until("keys.count\r\n:1\r\n").await;
    client.text_until("$19\r\nfragmentation.bytes\r\n:").await;
    client.line().await;
    client.is_silent().await;
}
