//! A pipeline answers batch by batch, in order, and waits for a client that does not read (KV-I8).

use kv_proto::v1::op_result::Result as OneOf;
use kv_proto::v1::{ErrorReason, PipelineRequest};
use kv_server::testing::TestServer;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::support::{
    batch, bytes, connect, get_op, increment_op, refused, set, set_op, unharmed, within,
};

fn request(tag: u64, ops: Vec<kv_proto::v1::Op>) -> PipelineRequest {
    PipelineRequest { batch: Some(batch(false, ops)), tag }
}

#[tokio::test]
async fn answers_come_in_order_with_their_tags() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let requests = (0..1000).map(|tag| request(tag, vec![increment_op("n"), get_op("n")]));
    let answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let answers: Vec<_> = within(answers.collect::<Result<Vec<_>, _>>()).await.unwrap();
    assert_eq!(answers.len(), 1000);
    for (tag, answer) in (0..).zip(answers) {
        assert_eq!(answer.tag, tag);
        let results = answer.batch.unwrap().results.decoded().unwrap();
        let Some(OneOf::Increment(sum)) = &results[0].result else { panic!("{results:?}") };
        assert_eq!(sum.value, i64::try_from(tag).unwrap() + 1);
    }
}

#[tokio::test]
async fn a_batch_that_is_missing_is_an_empty_one() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let requests = [PipelineRequest { batch: None, tag: 5 }];
    let mut answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let answer = within(answers.message()).await.unwrap().unwrap();
    assert_eq!((answer.tag, answer.batch.unwrap().applied), (5, true));
    assert!(within(answers.message()).await.unwrap().is_none());
}

#[tokio::test]
async fn refused_operations_stay_in_their_places_and_refused_batches_end_the_stream() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let mut strict = request(2, vec![set_op(set("k", "v"))]);
    strict.batch.as_mut().unwrap().durability = 3;
    let requests = [request(1, vec![set_op(set("", "v"))]), strict, request(3, vec![])];
    let mut answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let answer = within(answers.message()).await.unwrap().unwrap();
    let results = answer.batch.unwrap().results.decoded().unwrap();
    let Some(OneOf::Error(error)) = &results[0].result else { panic!("{results:?}") };
    assert_eq!(error.reason(), ErrorReason::KeyEmpty);
    let result = within(answers.message()).await;
    refused(result, Code::FailedPrecondition, "DURABILITY_UNAVAILABLE", &["allowed are memory"]);
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let value = vec![b'v'; 100_000];
    kv.set(set("k", &value)).await.unwrap();
    // 2000 answers of 1 MB, and nobody takes them.
    let requests = (0..2000).map(|tag| request(tag, vec![get_op("k"); 10]));
    let mut answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap().into_inner();
    within(answers.message()).await.unwrap().unwrap();
    // Other calls of the same connection are served meanwhile; by then the pipeline has come as far as
    // the windows allow.
    for _ in 0..1000 {
        kv.exists(kv_proto::v1::ExistsRequest { key: bytes("k") }).await.unwrap();
    }
    let hits = server.store().stats().hits;
    assert!(hits < 1000 + 1000, "{hits} reads: the server reads on for a client that does not");
}
