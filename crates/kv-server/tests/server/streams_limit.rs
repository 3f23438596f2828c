//! Calls beyond the limit of a connection wait in the client until there is a place (KV-I8).

use std::time::Duration;

use kv_proto::v1::{ExistsRequest, PipelineRequest};
use tokio::time::timeout;

use crate::support::{bytes, connect, start_with, within};

#[tokio::test]
async fn a_call_too_many_waits_for_the_end_of_another() {
    let server = start_with(&[("limits.streams_per_connection_max", "1")]);
    let mut kv = connect(&server).await;
    let ask = || ExistsRequest { key: bytes("k") };
    kv.exists(ask()).await.expect("the only call");
    let (requests, outbound) = tokio::sync::mpsc::channel::<PipelineRequest>(1);
    let outbound = tokio_stream::wrappers::ReceiverStream::new(outbound);
    let mut answers = kv.pipeline(outbound).await.unwrap().into_inner();
    let mut second = kv.clone();
    let waiting = timeout(Duration::from_millis(100), second.exists(ask())).await;
    assert!(waiting.is_err(), "a second call was let through: {waiting:?}");
    drop(requests);
    assert!(within(answers.message()).await.unwrap().is_none(), "the pipeline ends");
    within(kv.exists(ask())).await.expect("there is a place again");
}
