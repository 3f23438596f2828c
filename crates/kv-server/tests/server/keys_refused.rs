//! Keys that are empty or too long are refused by every call, and nothing is written.

use bytes::Bytes;
use kv_proto::v1::{
    AppendRequest, BatchGetRequest, DeleteRequest, ExistsRequest, ExpireRequest, GetRequest,
    PersistRequest, expire_request,
};
use kv_server::testing::TestServer;
use tonic::{Code, Status};

use crate::support::{Kv, bytes, connect, increment, refused, set, start_with, unharmed};

/// Every call with one key, made with `key`.
async fn every_call(kv: &mut Kv, key: Bytes) -> Vec<Result<(), Status>> {
    let key = || key.clone();
    let expiry = Some(expire_request::Expiry::TtlMs(1000));
    vec![
        kv.get(GetRequest { key: key() }).await.map(drop),
        kv.set(set(key(), "value")).await.map(drop),
        kv.delete(DeleteRequest { key: key(), ..Default::default() }).await.map(drop),
        kv.exists(ExistsRequest { key: key() }).await.map(drop),
        kv.increment(increment(key())).await.map(drop),
        kv.append(AppendRequest { key: key(), suffix: bytes("x"), durability: 0 }).await.map(drop),
        kv.expire(ExpireRequest { key: key(), expiry, rule: 0, durability: 0 }).await.map(drop),
        kv.persist(PersistRequest { key: key(), durability: 0 }).await.map(drop),
    ]
}

#[tokio::test]
async fn an_empty_key_is_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for result in every_call(&mut kv, Bytes::new()).await {
        refused(result, Code::InvalidArgument, "KEY_EMPTY", &["at least 1 byte"]);
    }
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn a_key_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let server = start_with(&[("limits.key_bytes_max", "100")]);
    let mut kv = connect(&server).await;
    for result in every_call(&mut kv, bytes([b'k'; 101])).await {
        let words = ["101 bytes", "at most 100 bytes", "limits.key_bytes_max"];
        refused(result, Code::InvalidArgument, "KEY_TOO_LONG", &words);
    }
    unharmed(&server, &mut kv).await;
    for result in every_call(&mut kv, bytes([b'k'; 100])).await {
        assert_ne!(result.map_err(|status| status.code()), Err(Code::InvalidArgument));
    }
}

#[tokio::test]
async fn one_bad_key_among_many_refuses_all_and_is_named() {
    let server = start_with(&[("limits.key_bytes_max", "100")]);
    let mut kv = connect(&server).await;
    let (good, empty, long) = (bytes("k"), Bytes::new(), bytes([b'k'; 101]));
    let keys = vec![good.clone(), good.clone(), empty];
    let result = kv.batch_get(BatchGetRequest { keys }).await;
    refused(result, Code::InvalidArgument, "KEY_EMPTY", &["keys[2]"]);
    let keys = vec![good.clone(), long];
    let result = kv.batch_get(BatchGetRequest { keys }).await;
    refused(result, Code::InvalidArgument, "KEY_TOO_LONG", &["keys[1]", "at most 100 bytes"]);
    unharmed(&server, &mut kv).await;
}
