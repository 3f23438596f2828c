//! An atomic batch is applied whole or not at all, and says what stood in the way.

use kv_proto::v1::op::Op as OneOfOp;
use kv_proto::v1::op_result::Result as OneOf;
use kv_proto::v1::{Condition, DeleteRequest, Durability, ErrorReason, Op, SetRequest};
use kv_server::testing::TestServer;

use crate::support::{
    batch, bytes, connect, exists, get, get_op, increment_op, results_of, set, set_op,
};

fn set_if_absent(key: &str, value: &str) -> Op {
    set_op(SetRequest { condition: Condition::IfAbsent.into(), ..set(key, value) })
}

#[tokio::test]
async fn all_operations_are_applied_in_order_and_later_ones_see_earlier_ones() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let ops = vec![
        set_if_absent("a", "1"),
        get_op("a"),
        increment_op("a"),
        Op { op: Some(OneOfOp::Delete(DeleteRequest { key: bytes("b"), ..Default::default() })) },
        get_op("a"),
    ];
    let answer = kv.batch_write(batch(true, ops)).await.unwrap().into_inner();
    assert!(answer.applied && answer.failed_result.is_none());
    assert_eq!(answer.achieved(), Durability::Memory);
    let results = results_of(&answer);
    let [
        OneOf::Set(set),
        OneOf::Get(first),
        OneOf::Increment(sum),
        OneOf::Delete(gone),
        OneOf::Get(last),
    ] = results.as_slice()
    else {
        panic!("{results:?}")
    };
    assert!(set.applied && !gone.applied);
    assert_eq!((first.value.as_deref(), sum.value), (Some(&b"1"[..]), 2));
    assert_eq!(last.value.as_deref(), Some(&b"2"[..]));
    assert_eq!(last.version, sum.version);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_leaves_everything_as_it_was() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    kv.set(set("taken", "old")).await.unwrap();
    let before = get(&mut kv, "taken").await;
    let ops = vec![set_op(set("a", "1")), increment_op("n"), set_if_absent("taken", "new")];
    let answer = kv.batch_write(batch(true, ops)).await.unwrap().into_inner();
    assert!(!answer.applied && answer.results.is_empty());
    assert_eq!((answer.failed_index, answer.achieved()), (2, Durability::Unspecified));
    let failed = answer.failed_result.unwrap().result.unwrap();
    let OneOf::Set(failed) = failed else { panic!("{failed:?}") };
    assert_eq!((failed.applied, failed.version), (false, before.version));
    assert!(!exists(&mut kv, "a").await && !exists(&mut kv, "n").await);
    assert_eq!(get(&mut kv, "taken").await, before);
}

#[tokio::test]
async fn an_operation_that_is_refused_leaves_everything_as_it_was() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    kv.set(set("text", "ten")).await.unwrap();
    let empty_key = set_op(set("", "v"));
    let both = SetRequest { if_version: 7, ..set("b", "v") };
    for (bad, reason, words) in [
        (increment_op("text"), ErrorReason::NotAnInteger, "decimal"),
        (empty_key, ErrorReason::KeyEmpty, "at least 1 byte"),
        (set_op(both), ErrorReason::ConflictingFields, "CONDITION_IF_VERSION"),
        (Op { op: None }, ErrorReason::ConflictingFields, "increment"),
    ] {
        let ops = vec![set_op(set("a", "1")), bad, set_op(set("c", "1"))];
        let answer = kv.batch_write(batch(true, ops)).await.unwrap().into_inner();
        assert!(!answer.applied && answer.results.is_empty());
        assert_eq!(answer.failed_index, 1);
        let failed = answer.failed_result.unwrap().result.unwrap();
        let OneOf::Error(error) = failed else { panic!("{failed:?}") };
        assert_eq!(error.reason(), reason);
        assert!(error.message.contains(words), "{}", error.message);
        assert!(!exists(&mut kv, "a").await && !exists(&mut kv, "c").await);
    }
}
