//! In a batch that is not atomic each operation is answered or refused in its own place.

use kv_proto::v1::op_result::Result as OneOf;
use kv_proto::v1::{Durability, ErrorReason, Op, SetRequest};
use kv_server::testing::TestServer;

use crate::support::{batch, connect, get, get_op, increment_op, results_of, set, set_op};

#[tokio::test]
async fn refused_operations_do_not_stop_the_others() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    kv.set(set("text", "ten")).await.unwrap();
    let ops = vec![
        set_op(set("", "v")),
        set_op(set("a", "1")),
        increment_op("text"),
        Op { op: None },
        get_op("a"),
        set_op(SetRequest { condition: 9, ..set("b", "v") }),
        increment_op("a"),
    ];
    let answer = kv.batch_write(batch(false, ops)).await.unwrap().into_inner();
    assert!(answer.applied && answer.failed_result.is_none());
    assert_eq!(answer.achieved(), Durability::Memory);
    let results: Vec<String> = results_of(&answer)
        .into_iter()
        .map(|result| match result {
            OneOf::Set(answer) => format!("set {}", answer.applied),
            OneOf::Get(answer) => format!("got {:?}", answer.value.unwrap()),
            OneOf::Increment(answer) => format!("now {}", answer.value),
            OneOf::Error(error) => format!("{:?}", error.reason()),
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted = [
        &format!("{:?}", ErrorReason::KeyEmpty),
        "set true",
        &format!("{:?}", ErrorReason::NotAnInteger),
        &format!("{:?}", ErrorReason::ConflictingFields),
        "got b\"1\"",
        &format!("{:?}", ErrorReason::UnknownEnumValue),
        "now 2",
    ];
    assert_eq!(results, wanted);
    assert_eq!(get(&mut kv, "a").await.value.unwrap(), "2");
}

#[tokio::test]
async fn many_reads_and_writes_of_one_key_keep_their_order() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    // More values than are read from the store in one call.
    let ops = (0..500).flat_map(|_| [increment_op("n"), get_op("n")]).collect();
    let answer = kv.batch_write(batch(false, ops)).await.unwrap().into_inner();
    let results = results_of(&answer);
    for (number, pair) in (1..).zip(results.chunks(2)) {
        let [OneOf::Increment(sum), OneOf::Get(read)] = pair else { panic!("{pair:?}") };
        assert_eq!((sum.value, sum.version), (number, read.version));
        assert_eq!(read.value.as_deref(), Some(number.to_string().as_bytes()));
    }
}

#[tokio::test]
async fn batches_that_write_nothing_say_so() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    for ops in [vec![], vec![get_op("k")], vec![set_op(set("", "v"))]] {
        let count = ops.len();
        let answer = kv.batch_write(batch(false, ops)).await.unwrap().into_inner();
        assert!(answer.applied);
        assert_eq!((answer.results.len(), answer.achieved()), (count, Durability::Unspecified));
    }
}
