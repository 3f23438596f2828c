//! Increment refuses what is not a number and what would pass 64 bits, and leaves the value alone.

use kv_proto::v1::IncrementRequest;
use kv_server::testing::TestServer;
use tonic::Code;

use crate::support::{bytes, connect, get, increment, refused, set};

#[tokio::test]
async fn values_that_are_not_numbers_are_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for value in ["", "ten", "1.5", " 1", "9223372036854775808"] {
        kv.set(set("k", value)).await.unwrap();
        let before = get(&mut kv, "k").await;
        let result = kv.increment(increment("k")).await;
        refused(result, Code::FailedPrecondition, "NOT_AN_INTEGER", &["-2^63 to 2^63-1"]);
        assert_eq!(get(&mut kv, "k").await, before, "{value:?} is unchanged");
    }
}

#[tokio::test]
async fn numbers_stop_at_both_ends_of_64_bits() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for (end, delta) in [(i64::MAX, 1), (i64::MIN, -1), (1, i64::MAX), (-2, i64::MIN)] {
        kv.set(set("k", end.to_string())).await.unwrap();
        let before = get(&mut kv, "k").await;
        let request = IncrementRequest { key: bytes("k"), delta, durability: 0 };
        let words = [end.to_string(), delta.to_string(), "-2^63 to 2^63-1".to_owned()];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let result = kv.increment(request).await;
        refused(result, Code::OutOfRange, "INTEGER_OVERFLOW", &words);
        assert_eq!(get(&mut kv, "k").await, before, "{end} is unchanged");
    }
    assert_eq!(kv.increment(increment("new")).await.unwrap().into_inner().value, 1);
}
