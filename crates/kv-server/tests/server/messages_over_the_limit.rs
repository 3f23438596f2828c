//! A message over the gRPC limit is refused with the limit, and the connection goes on (KV-I8).

use bytes::Bytes;
use kv_proto::v1::{BatchGetRequest, BatchWriteResponse, PipelineRequest};
use kv_server::testing::TestServer;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::support::{
    batch, bytes, channel, connect, get_op, increment_op, refused, set, set_op, start_with,
    unharmed, within,
};

const LIMIT_BYTES: usize = 128 << 10;

fn start() -> TestServer {
    start_with(&[("limits.message_bytes_max", "128KiB")])
}

fn over_the_limit(status: &Status) {
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert!(status.message().contains(&LIMIT_BYTES.to_string()), "{status} lacks the limit");
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused() {
    let server = start();
    let mut kv = connect(&server).await;
    // Just over, and many times what the connection's window lets through before the answer.
    for bytes in [LIMIT_BYTES, 32 << 20] {
        let result = within(kv.set(set("k", vec![b'v'; bytes]))).await;
        over_the_limit(&result.expect_err("a refusal"));
    }
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn a_pipelined_batch_over_the_limit_ends_the_stream_after_the_answers_before_it() {
    let server = start();
    let mut kv = connect(&server).await;
    let request = |value: usize, tag| PipelineRequest {
        batch: Some(batch(false, vec![set_op(set("k", vec![b'v'; value]))])),
        tag,
    };
    let requests = [request(10, 1), request(LIMIT_BYTES, 2), request(10, 3)];
    let answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap();
    let mut answers = answers.into_inner();
    assert_eq!(within(answers.message()).await.unwrap().unwrap().tag, 1);
    over_the_limit(&within(answers.message()).await.expect_err("a refusal"));
    assert_eq!(server.store().stats().writes, 1, "the batch after it is not executed");
    kv.set(set("k", "v")).await.expect("the connection goes on");
}

#[tokio::test]
async fn a_value_that_no_answer_could_carry_is_refused_when_it_is_written() {
    let server = start();
    let mut kv = connect(&server).await;
    let result = kv.set(set("k", vec![b'v'; LIMIT_BYTES - 64])).await;
    let words = ["too long for a message", "limits.message_bytes_max"];
    refused(result, Code::InvalidArgument, "VALUE_TOO_LONG", &words);
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn more_operations_than_the_limit_are_refused() {
    let server = start_with(&[("limits.batch_ops_max", "10")]);
    let mut kv = connect(&server).await;
    let words = ["11 operations", "at most 10", "limits.batch_ops_max"];
    for atomic in [false, true] {
        let result = kv.batch_write(batch(atomic, vec![get_op("k"); 11])).await;
        refused(result, Code::InvalidArgument, "BATCH_TOO_LARGE", &words);
        kv.batch_write(batch(atomic, vec![get_op("k"); 10])).await.unwrap();
    }
    let keys = |count| BatchGetRequest { keys: vec![bytes("k"); count] };
    let result = kv.batch_get(keys(11)).await;
    refused(result, Code::InvalidArgument, "BATCH_TOO_LARGE", &words);
    kv.batch_get(keys(10)).await.unwrap();
    let pipelined = PipelineRequest { batch: Some(batch(false, vec![get_op("k"); 11])), tag: 0 };
    let mut answers = kv.pipeline(tokio_stream::iter([pipelined])).await.unwrap().into_inner();
    let result = within(answers.message()).await;
    refused(result, Code::InvalidArgument, "BATCH_TOO_LARGE", &words);
    unharmed(&server, &mut kv).await;
}

/// A message as it is on the wire, whatever stands in its operations.
#[derive(Clone, PartialEq, prost::Message)]
struct Raw {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    ops: Vec<Bytes>,
}

#[tokio::test]
async fn operations_are_counted_before_they_are_decoded() {
    let server = start_with(&[("limits.batch_ops_max", "10")]);
    let mut kv = connect(&server).await;
    let mut raw = tonic::client::Grpc::new(channel(&server.addr()).await);
    for (count, code) in [(10, Code::Internal), (11, Code::InvalidArgument)] {
        raw.ready().await.unwrap();
        let request = Request::new(Raw { ops: vec![bytes(b"\xff"); count] });
        let codec = ProstCodec::<Raw, BatchWriteResponse>::default();
        let path = PathAndQuery::from_static("/kv.v1.Kv/BatchWrite");
        let status = within(raw.unary(request, path, codec)).await.expect_err("a refusal");
        assert_eq!(status.code(), code, "{count}: {status}");
    }
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn batches_before_one_of_too_many_operations_are_answered() {
    let server = start_with(&[("limits.batch_ops_max", "10")]);
    let mut kv = connect(&server).await;
    let request = |count, tag| PipelineRequest {
        batch: Some(batch(false, vec![increment_op("n"); count])),
        tag,
    };
    // Small enough to arrive together.
    let requests = [request(1, 1), request(10, 2), request(11, 3), request(1, 4)];
    let answers = kv.pipeline(tokio_stream::iter(requests)).await.unwrap();
    let mut answers = answers.into_inner();
    for tag in [1, 2] {
        assert_eq!(within(answers.message()).await.unwrap().unwrap().tag, tag);
    }
    let words = ["11 operations"];
    refused(within(answers.message()).await, Code::InvalidArgument, "BATCH_TOO_LARGE", &words);
    assert_eq!(server.store().stats().writes, 11);
}
