//! Every answer that reads or writes a key carries its version and remaining TTL.

use kv_proto::v1::{
    AppendRequest, BatchGetRequest, DeleteRequest, Durability, ExistsRequest, ExpireRequest,
    PersistRequest, ScanRequest, SetRequest, expire_request, set_request,
};
use kv_server::testing::TestServer;

use crate::support::{bytes, connect, get, increment, set};

const TTL_MS: i64 = 3_600_000;

/// Proves that a version is the one wanted, and a TTL close to what was set.
fn check(version: u64, ttl_ms: Option<i64>, wanted: u64) {
    assert_eq!(version, wanted);
    let ttl_ms = ttl_ms.expect("a TTL");
    assert!((TTL_MS - 60_000..=TTL_MS).contains(&ttl_ms), "{ttl_ms} ms left of {TTL_MS}");
}

#[tokio::test]
async fn every_answer_has_them() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let expiry = Some(set_request::Expiry::TtlMs(TTL_MS));
    let answer = kv.set(SetRequest { expiry, ..set("k", "1") }).await.unwrap().into_inner();
    let mut version = answer.version;
    assert!(version > 0);
    check(answer.version, answer.ttl_ms, version);
    assert_eq!(answer.achieved(), Durability::Memory);

    let answer = get(&mut kv, "k").await;
    check(answer.version, answer.ttl_ms, version);
    let answer = kv.exists(ExistsRequest { key: bytes("k") }).await.unwrap().into_inner();
    check(answer.version, answer.ttl_ms, version);
    assert_eq!(answer.value_bytes, 1);
    let answer = kv.batch_get(BatchGetRequest { keys: vec![bytes("k")] }).await.unwrap();
    let answer = &answer.into_inner().results[0];
    check(answer.version, answer.ttl_ms, version);
    let mut scan = kv.scan(ScanRequest::default()).await.unwrap().into_inner();
    let found = scan.message().await.unwrap().unwrap();
    check(found.entries[0].version, found.entries[0].ttl_ms, version);
    assert_eq!(found.entries[0].value, None, "values were not asked for");

    let answer = kv.increment(increment("k")).await.unwrap().into_inner();
    assert!(answer.version > version);
    version = answer.version;
    check(answer.version, answer.ttl_ms, version);
    let suffix = AppendRequest { key: bytes("k"), suffix: bytes("0"), durability: 0 };
    let answer = kv.append(suffix).await.unwrap().into_inner();
    assert!(answer.version > version);
    version = answer.version;
    check(answer.version, answer.ttl_ms, version);

    let expiry = Some(expire_request::Expiry::TtlMs(TTL_MS));
    let request = ExpireRequest { key: bytes("k"), expiry, rule: 0, durability: 0 };
    let answer = kv.expire(request).await.unwrap().into_inner();
    assert!(answer.applied && answer.version > version);
    version = answer.version;
    check(answer.version, answer.ttl_ms, version);
    let keep = Some(set_request::Expiry::KeepTtl(true));
    let answer = kv.set(SetRequest { expiry: keep, ..set("k", "2") }).await.unwrap().into_inner();
    version = answer.version;
    check(answer.version, answer.ttl_ms, version);

    let persist = PersistRequest { key: bytes("k"), durability: 0 };
    let answer = kv.persist(persist).await.unwrap().into_inner();
    assert!(answer.applied && answer.version > version && answer.ttl_ms.is_none());
    let delete = DeleteRequest { key: bytes("k"), return_previous: true, ..Default::default() };
    let deleted = kv.delete(delete).await.unwrap().into_inner();
    assert!(deleted.applied && deleted.version > answer.version && deleted.ttl_ms.is_none());
    assert_eq!(deleted.previous.unwrap(), "2");
}

#[tokio::test]
async fn a_key_that_does_not_exist_has_version_0_and_no_ttl() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let answer = get(&mut kv, "k").await;
    assert_eq!((answer.value, answer.version, answer.ttl_ms), (None, 0, None));
    let answer = kv.exists(ExistsRequest { key: bytes("k") }).await.unwrap().into_inner();
    assert_eq!((answer.exists, answer.version, answer.ttl_ms), (false, 0, None));
    let persist = PersistRequest { key: bytes("k"), durability: 0 };
    let answer = kv.persist(persist).await.unwrap().into_inner();
    assert_eq!((answer.applied, answer.version, answer.achieved), (false, 0, 0));
}
