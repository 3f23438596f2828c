//! `CONFIG` in the Redis protocol: settings read and changed while the server runs.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command, request};
use crate::support::start_with;

const IMMUTABLE: &str = "can't set immutable config";

fn refused(name: &str, complaint: &str) -> String {
    format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - {complaint}\r\n")
}

/// What `CONFIG GET` finds.
async fn get(client: &mut Resp, patterns: &str) -> Vec<(String, String)> {
    client.send(command(&format!("CONFIG GET {patterns}"))).await;
    let found = client.array_of_bulks().await;
    let (pairs, []) = found.as_chunks::<2>() else { return Vec::new() };
    pairs.iter().cloned().map(Into::into).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn settings_are_told_by_name_and_by_pattern() {
    let server = start_with(&[("engine.memory_limit", "1GiB"), ("engine.shards", "8")]);
    let mut client = Resp::connect(&server).await;
    let found = get(&mut client, "MaxMemory").await;
    assert_eq!(found, pairs(&[("MaxMemory", "1073741824")]), "as it was asked for");
    let found = get(&mut client, "maxmem*y appendonly save nonsense maxmemory-policy").await;
    let expected = [("maxmemory-policy", "allkeys-lru"), ("appendonly", "no"), ("save", "")];
    assert_eq!(found, pairs(&[("maxmemory", "1073741824"), expected[0], expected[1], expected[2]]));
    let ours = [("kv.engine.shards", "8"), ("kv.engine.memory_limit", "1GiB")];
    assert_eq!(get(&mut client, "KV.ENGINE.[sm]*").await, pairs(&ours));
    assert_eq!(get(&mut client, "engine.shards").await, pairs(&[("engine.shards", "8")]));
    let port = server.socket_addr_of("resp").port().to_string();
    assert_eq!(get(&mut client, "port").await, pairs(&[("port", &port)]));
    let all = get(&mut client, "*").await;
    for name in
        ["timeout", "maxclients", "dir", "databases", "bind", "tcp-keepalive", "kv.log.level"]
    {
        assert!(all.iter().any(|(known, _)| known == name), "{name}");
    }
    client.send(command("HELLO 3")).await;
    client.text_until("modules\r\n*0\r\n").await;
    client.ask("CONFIG GET databases", "%1\r\n$9\r\ndatabases\r\n$1\r\n1\r\n").await;
    client.ask("CONFIG GET nonsense", "%0\r\n").await;
}

#[tokio::test]
async fn settings_change_all_or_none() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    for (line, expected) in [
        ("maxmemory 100mb timeout 7", "+OK\r\n".to_owned()),
        ("timeout 8 databases 3", refused("databases", IMMUTABLE)),
        ("timeout 8 Port 3", refused("Port", IMMUTABLE)),
        ("timeout 8 timeout 9", refused("timeout", "duplicate parameter")),
        ("timeout 8 engine.shards 3", refused("engine.shards", IMMUTABLE)),
        ("timeout 8 maxmemory x", refused("maxmemory", "argument must be a memory value")),
        (
            "timeout 8 nonsense 9 databases 3",
            "-ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'\r\n".to_owned(),
        ),
        ("timeout x", refused("timeout", "argument couldn't be parsed into an integer")),
        ("timeout -1", refused("timeout", "argument must be between 0 and 2147483647 inclusive")),
        (
            "maxmemory-policy volatile-lru",
            refused(
                "maxmemory-policy",
                "argument(s) must be one of the following: allkeys-lru, allkeys-lfu, \
                 allkeys-s3fifo, allkeys-tinylfu, allkeys-fifo, allkeys-random, volatile-ttl, noeviction",
            ),
        ),
        ("timeout 8 maxmemory", "-ERR syntax error\r\n".to_owned()),
        ("timeout", "-ERR wrong number of arguments for 'config|set' command\r\n".to_owned()),
    ] {
        client.ask(&format!("CONFIG SET {line}"), expected).await;
    }
    let found = get(&mut client, "timeout maxmemory").await;
    assert_eq!(found, pairs(&[("timeout", "7"), ("maxmemory", "104857600")]));
}

#[tokio::test]
async fn a_limit_that_the_store_cannot_keep_changes_nothing() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client.send(command("CONFIG SET timeout 8 maxmemory 1")).await;
    let line = client.line().await;
    assert!(line.starts_with(&refused("maxmemory", "").trim_end().to_owned()), "{line}");
    assert_eq!(get(&mut client, "timeout").await, pairs(&[("timeout", "0")]));
}

#[tokio::test]
async fn the_store_does_what_its_settings_say() {
    let server = start_with(&[("engine.memory_limit", "16MiB")]);
    let mut client = Resp::connect(&server).await;
    client.ask("CONFIG SET maxmemory 2mb maxmemory-policy noeviction", "+OK\r\n").await;
    let value = vec![b'v'; 4 << 20];
    let set = request(&[b"SET", b"key", &value]);
    client.send(&set).await;
    client.expect("-OOM command not allowed when used memory > 'maxmemory'.\r\n").await;
    client.ask("CONFIG SET kv.engine.memory_limit 64MiB", "+OK\r\n").await;
    client.send(&set).await;
    client.expect("+OK\r\n").await;
    let settings = server.store().settings();
    assert_eq!((settings.memory_limit, settings.eviction_policy.name()), (64 << 20, "none"));
    client.ask("CONFIG SET engine.eviction_policy fifo", "+OK\r\n").await;
    let found = get(&mut client, "maxmemory-policy").await;
    assert_eq!(found, pairs(&[("maxmemory-policy", "allkeys-fifo")]));
    client.send(command("CONFIG SET engine.eviction_policy best")).await;
    assert!(client.line().await.contains("lru, lfu"), "says what is allowed");
}

#[tokio::test]
async fn a_timeout_set_later_ends_who_is_silent_already() {
    let server = TestServer::start();
    let (mut me, mut silent) = (Resp::connect(&server).await, Resp::connect(&server).await);
    silent.ask("PING", "+PONG\r\n").await;
    me.ask("CONFIG SET timeout 1", "+OK\r\n").await;
    silent.expect_cut().await;
}

#[tokio::test]
async fn more_clients_are_allowed_while_others_wait_and_no_more_than_there_are_files() {
    let server = start_with(&[("limits.connections_max", "2")]);
    let (mut me, _other) = (Resp::connect(&server).await, Resp::connect(&server).await);
    me.ask("PING", "+PONG\r\n").await;
    let mut third = Resp::connect(&server).await;
    third.expect("-ERR max number of clients reached\r\n").await;
    me.ask("CONFIG SET maxclients 3", "+OK\r\n").await;
    Resp::connect(&server).await.ask("PING", "+PONG\r\n").await;
    assert!(me.text("INFO clients").await.contains("maxclients:3\r\n"));
    let possible = kv_server::connections_possible();
    if possible < 1_000_000 {
        let complaint = "The operating system is not able to handle the specified number of clients, \
                         try with ";
        let refusal = refused("maxclients", &format!("{complaint}{possible}"));
        me.ask(&format!("CONFIG SET maxclients {}", possible + 1), refusal).await;
    }
    me.ask(
        "CONFIG SET maxclients 0",
        refused("maxclients", "argument must be between 1 and 1000000 inclusive"),
    )
    .await;
    assert_eq!(get(&mut me, "maxclients").await, pairs(&[("maxclients", "3")]));
}

#[tokio::test]
async fn statistics_begin_anew_and_help_is_given() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client.ask("GET none", "$-1\r\n").await;
    assert!(client.text("INFO stats").await.contains("keyspace_misses:1\r\n"));
    client.ask("CONFIG RESETSTAT", "+OK\r\n").await;
    let stats = client.text("INFO stats").await;
    assert!(stats.contains("keyspace_misses:0\r\n"), "{stats}");
    assert!(stats.contains("total_connections_received:0\r\n"), "{stats}");
    client
        .ask(
            "CONFIG HELP",
            "*9\r\n+CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n",
        )
        .await;
}
