//! Values over the limit are refused, whether given at once or grown, and nothing is written.

use kv_proto::v1::AppendRequest;
use kv_server::testing::TestServer;
use tonic::Code;

use crate::support::{bytes, connect, exists, get, refused, set, start_with, unharmed};

const WORDS: [&str; 2] = ["at most 1000 bytes", "limits.value_bytes_max"];

fn start() -> TestServer {
    start_with(&[("limits.value_bytes_max", "1000")])
}

#[tokio::test]
async fn a_value_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let server = start();
    let mut kv = connect(&server).await;
    let result = kv.set(set("k", [b'v'; 1001])).await;
    refused(result, Code::InvalidArgument, "VALUE_TOO_LONG", &WORDS);
    assert!(!exists(&mut kv, "k").await);
    unharmed(&server, &mut kv).await;
    kv.set(set("k", [b'v'; 1000])).await.unwrap();
    assert_eq!(get(&mut kv, "k").await.value.unwrap().len(), 1000);
}

#[tokio::test]
async fn a_value_cannot_grow_over_the_limit() {
    let server = start();
    let mut kv = connect(&server).await;
    kv.set(set("k", [b'v'; 999])).await.unwrap();
    let before = get(&mut kv, "k").await;
    let append = |suffix| AppendRequest { key: bytes("k"), suffix: bytes(suffix), durability: 0 };
    let result = kv.append(append("xx")).await;
    refused(result, Code::InvalidArgument, "VALUE_TOO_LONG", &WORDS);
    assert_eq!(get(&mut kv, "k").await, before, "nothing changed");
    assert_eq!(kv.append(append("x")).await.unwrap().into_inner().value_bytes, 1000);
}
