//! The operator's service tells what the server holds, and empties it.

use kv_proto::v1::{Durability, FlushRequest, SetRequest, StatsRequest, set_request};
use kv_server::testing::TestServer;

use crate::support::{connect, connect_admin, exists, get, set, start_with};

#[tokio::test]
async fn stats_count_what_was_done() {
    let server = start_with(&[("engine.memory_limit", "64MiB"), ("engine.eviction_policy", "lfu")]);
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    kv.set(set("a", "12345")).await.unwrap();
    let expiry = Some(set_request::Expiry::TtlMs(3_600_000));
    kv.set(SetRequest { expiry, ..set("b", "1") }).await.unwrap();
    get(&mut kv, "a").await;
    get(&mut kv, "absent").await;
    let stats = admin.stats(StatsRequest {}).await.unwrap().into_inner();
    assert_eq!(stats.server_version, env!("CARGO_PKG_VERSION"));
    assert_eq!((stats.keys, stats.volatile_keys, stats.writes), (2, 1, 2));
    assert_eq!((stats.hits, stats.misses, stats.payload_bytes), (1, 1, 8));
    assert_eq!((stats.memory_limit_bytes, stats.eviction_policy.as_str()), (64 << 20, "lfu"));
    assert_eq!((stats.shards, stats.durability_max()), (16, Durability::Memory));
    assert!(stats.memory_used_bytes > stats.payload_bytes);
    let later = admin.stats(StatsRequest {}).await.unwrap().into_inner();
    assert!(later.uptime_ms >= stats.uptime_ms);
}

#[tokio::test]
async fn flush_removes_every_key_and_versions_go_on() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    let mut version = 0;
    for key in ["a", "b", "c"] {
        version = kv.set(set(key, "v")).await.unwrap().into_inner().version;
    }
    let answer = admin.flush(FlushRequest { durability: 0 }).await.unwrap().into_inner();
    assert_eq!((answer.removed, answer.achieved()), (3, Durability::Memory));
    assert!(!exists(&mut kv, "a").await);
    let after = kv.set(set("c", "v")).await.unwrap().into_inner().version;
    assert!(after > version, "{after} follows {version}");
}
