//! Conditions that contradict themselves are refused; conditions that do not hold are answers.

use kv_proto::v1::{Condition, DeleteRequest, SetRequest};
use kv_server::testing::TestServer;
use tonic::Code;

use crate::support::{bytes, connect, get, refused, set, unharmed};

fn set_if(condition: Condition, if_version: u64, value: &str) -> SetRequest {
    SetRequest { condition: condition.into(), if_version, ..set("k", value) }
}

#[tokio::test]
async fn contradicting_conditions_are_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for (condition, if_version) in [
        (Condition::Unspecified, 5),
        (Condition::IfAbsent, 5),
        (Condition::IfPresent, 5),
        (Condition::IfVersion, 0),
    ] {
        let result = kv.set(set_if(condition, if_version, "v")).await;
        let words = ["if_version", "CONDITION_IF_VERSION"];
        refused(result, Code::InvalidArgument, "CONFLICTING_FIELDS", &words);
    }
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_answered_with_the_present_state() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let absent = kv.set(set_if(Condition::IfPresent, 0, "a")).await.unwrap().into_inner();
    assert_eq!((absent.applied, absent.version, absent.achieved), (false, 0, 0));

    let first = kv.set(set_if(Condition::IfAbsent, 0, "b")).await.unwrap().into_inner();
    assert!(first.applied && first.version > 0);
    let mut again = set_if(Condition::IfAbsent, 0, "c");
    again.return_previous = true;
    let again = kv.set(again).await.unwrap().into_inner();
    assert_eq!((again.applied, again.version), (false, first.version));
    assert_eq!(again.previous.unwrap(), "b");

    let swap = set_if(Condition::IfVersion, first.version, "d");
    let swapped = kv.set(swap.clone()).await.unwrap().into_inner();
    assert!(swapped.applied && swapped.version > first.version);
    assert!(!kv.set(swap).await.unwrap().into_inner().applied, "the version has moved on");

    let delete = |if_version| DeleteRequest { key: bytes("k"), if_version, ..Default::default() };
    let kept = kv.delete(delete(first.version)).await.unwrap().into_inner();
    assert_eq!((kept.applied, kept.version), (false, swapped.version));
    assert_eq!(get(&mut kv, "k").await.value.unwrap(), "d");
    let deleted = kv.delete(delete(swapped.version)).await.unwrap().into_inner();
    assert!(deleted.applied && deleted.version > swapped.version);
    assert_eq!(get(&mut kv, "k").await.value, None);
}
