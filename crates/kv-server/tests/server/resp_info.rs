//! `INFO` in the Redis protocol: sections, fields, and that they tell what was done.

use std::collections::HashMap;

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command};
use crate::support::until;

/// The titles of sections, and the fields of all.
fn parse(info: &str) -> (Vec<&str>, HashMap<&str, &str>) {
    let titles = info.split("\r\n").filter_map(|line| line.strip_prefix("# ")).collect();
    let fields = info.split("\r\n").filter_map(|line| line.split_once(':')).collect();
    (titles, fields)
}

#[tokio::test]
async fn sections_are_shown_as_asked_for() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let default = [
        "Server",
        "Clients",
        "Memory",
        "Persistence",
        "Stats",
        "Replication",
        "CPU",
        "Errorstats",
        "Cluster",
        "Keyspace",
    ];
    assert_eq!(parse(&client.text("INFO").await).0, default);
    assert_eq!(parse(&client.text("INFO nonsense default").await).0, default);
    let all = parse(&client.text("INFO all").await).0.len();
    assert_eq!(all, default.len() + 2, "commands and latencies");
    assert_eq!(parse(&client.text("INFO CPU everything").await).0.len(), all + 1, "modules");
    assert_eq!(parse(&client.text("INFO cpu Clients cpu").await).0, ["Clients", "CPU"]);
    assert_eq!(client.text("INFO nonsense").await, "");
    assert_eq!(client.text("INFO keyspace").await, "# Keyspace\r\n");
    client.send(command("HELLO 3")).await;
    client.text_until("modules\r\n*0\r\n").await;
    client.ask("INFO cluster", "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n").await;
}

#[tokio::test]
async fn fields_tell_what_was_done() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client
        .talk(&[
            ("SET a 1", "+OK\r\n"),
            ("SET b 1 EX 100", "+OK\r\n"),
            ("GET a", "$1\r\n1\r\n"),
            ("GET none", "$-1\r\n"),
            ("INCR a x", "-ERR wrong number of arguments for 'incr' command\r\n"),
            ("OBJECT FREQ", "-ERR wrong number of arguments for 'object|freq' command\r\n"),
            ("INCRBY a x", "-ERR value is not an integer or out of range\r\n"),
        ])
        .await;
    let info = client.text("INFO everything").await;
    let (_titles, fields) = parse(&info);
    for (name, value) in [
        ("redis_version", "7.2.0"),
        ("kv_version", env!("CARGO_PKG_VERSION")),
        ("redis_mode", "standalone"),
        ("connected_clients", "1"),
        ("blocked_clients", "0"),
        ("maxmemory_policy", "allkeys-lru"),
        ("loading", "0"),
        ("aof_enabled", "0"),
        ("rdb_bgsave_in_progress", "0"),
        ("total_connections_received", "1"),
        ("total_commands_processed", "6"),
        ("keyspace_hits", "1"),
        ("keyspace_misses", "1"),
        ("total_error_replies", "3"),
        ("errorstat_ERR", "count=3"),
        ("role", "master"),
        ("cluster_enabled", "0"),
        ("db0", "keys=2,expires=1,avg_ttl=0"),
    ] {
        assert_eq!(fields.get(name), Some(&value), "{name} in {info}");
    }
    for (name, counts) in [
        ("cmdstat_set", "calls=2,"),
        ("cmdstat_get", "calls=2,"),
        ("cmdstat_incr", "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"),
        ("cmdstat_object|freq", "calls=0,"),
        ("cmdstat_incrby", "calls=1,"),
    ] {
        assert!(fields.get(name).is_some_and(|field| field.starts_with(counts)), "{name} {info}");
    }
    assert!(fields["cmdstat_incrby"].ends_with("rejected_calls=0,failed_calls=1"), "{info}");
    assert_eq!(fields["run_id"].len(), 40);
    assert_eq!(fields["tcp_port"], server.socket_addr_of("resp").port().to_string());
    for name in ["used_memory", "used_memory_rss", "total_system_memory", "total_net_input_bytes"] {
        assert!(fields[name].parse::<u64>().unwrap() > 0, "{name}");
    }
    assert!(fields["latency_percentiles_usec_get"].starts_with("p50="));
}

#[tokio::test]
async fn rates_are_taken_every_second() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    until(async || {
        client.ask("PING", "+PONG\r\n").await;
        let info = client.text("INFO stats").await;
        let (_titles, fields) = parse(&info);
        fields["instantaneous_ops_per_sec"] != "0" && fields["instantaneous_input_kbps"] != "0.00"
    })
    .await;
}
