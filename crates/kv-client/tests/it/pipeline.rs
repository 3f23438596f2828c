//! Pipelines keep order and bounds, and say what is known when they break.

use std::time::Duration;

use kv_client::{Batch, ConfigError, Error, ErrorKind, Pipeline, Reply, limits};

use crate::fake::{Fake, PipelineManner, builder};

fn batch(ops: usize) -> Batch {
    (0..ops).fold(Batch::new(), |batch, key| batch.set(key.to_string(), "v"))
}

async fn open(manner: PipelineManner, in_flight_max: usize) -> Pipeline {
    open_with(manner, in_flight_max, Duration::from_secs(10)).await
}

async fn open_with(manner: PipelineManner, in_flight_max: usize, timeout: Duration) -> Pipeline {
    let fake = Fake::start().await;
    *fake.script.pipeline.lock().unwrap() = manner;
    let client = builder([fake.address]).request_timeout(timeout).connect_lazy().unwrap();
    client.pipeline().in_flight_max(in_flight_max).open().await.unwrap()
}

/// The tag the fake server puts into its answers, and the number of operations.
fn answered(reply: Option<Result<kv_client::BatchReply, Error>>) -> (u64, usize) {
    let results = reply.unwrap().unwrap().results;
    match &results[0] {
        Ok(Reply::Set(written)) => (written.version.get(), results.len()),
        other => panic!("{other:?}"),
    }
}

fn kind(reply: Option<Result<kv_client::BatchReply, Error>>) -> ErrorKind {
    reply.unwrap().unwrap_err().kind()
}

#[tokio::test]
async fn answers_come_in_order_and_no_more_are_in_flight_than_allowed() {
    let mut pipeline = open(PipelineManner::Answer, 3).await;
    assert!(pipeline.recv().await.is_none(), "nothing was sent");
    for ops in 1..=3 {
        pipeline.send(batch(ops)).await.unwrap();
    }
    let error = pipeline.send(batch(1)).await.unwrap_err();
    assert!(matches!(error, Error::PipelineFull { in_flight_max: 3 }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Retry);
    for sent in 0..3 {
        let ops = usize::try_from(sent).unwrap() + 1;
        assert_eq!(answered(pipeline.recv().await), (sent, ops));
    }
    assert!(pipeline.recv().await.is_none());
    pipeline.send(batch(9)).await.unwrap();
    assert_eq!(answered(pipeline.recv().await), (3, 9));
}

#[tokio::test]
async fn two_tasks_send_and_receive_at_once() {
    const BATCHES: u64 = 1000;
    let (mut sender, mut receiver) = open(PipelineManner::Answer, 4).await.split();
    let sending = tokio::spawn(async move {
        for _ in 0..BATCHES {
            sender.send(batch(2)).await.unwrap();
        }
    });
    for tag in 0..BATCHES {
        assert!(receiver.in_flight() <= 4);
        assert_eq!(answered(receiver.recv().await), (tag, 2));
    }
    sending.await.unwrap();
    assert!(receiver.recv().await.is_none(), "the sender is gone and everything is answered");
}

#[tokio::test]
async fn answers_still_due_arrive_after_the_sender_is_gone() {
    let (mut sender, mut receiver) = open(PipelineManner::Answer, 4).await.split();
    sender.send(batch(1)).await.unwrap();
    sender.send(batch(1)).await.unwrap();
    drop(sender);
    assert_eq!(answered(receiver.recv().await), (0, 1));
    assert_eq!(answered(receiver.recv().await), (1, 1));
    assert!(receiver.recv().await.is_none());
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_what_was_in_flight_unknown() {
    for manner in [PipelineManner::EndAfterFirst, PipelineManner::FailAfterFirst] {
        let mut pipeline = open(manner, 2).await;
        pipeline.send(batch(1)).await.unwrap();
        pipeline.send(batch(1)).await.unwrap();
        assert_eq!(answered(pipeline.recv().await), (0, 1));
        assert_eq!(kind(pipeline.recv().await), ErrorKind::Unknown, "{manner:?}");
        assert!(pipeline.recv().await.is_none());
    }
}

#[tokio::test]
async fn a_server_that_ends_an_idle_stream_is_an_error_and_not_the_end() {
    let (mut sender, mut receiver) = open(PipelineManner::EndAfterFirst, 2).await.split();
    sender.send(batch(1)).await.unwrap();
    assert_eq!(answered(receiver.recv().await), (0, 1));
    assert_eq!(kind(receiver.recv().await), ErrorKind::Unreachable);
    assert!(receiver.recv().await.is_none());
    let error = sender.send(batch(1)).await.unwrap_err();
    assert!(matches!(error, Error::PipelineClosed), "{error}");
}

#[tokio::test]
async fn a_server_that_stays_silent_is_given_up() {
    let pipeline = open_with(PipelineManner::Hang, 1, Duration::from_millis(500)).await;
    let (mut sender, mut receiver) = pipeline.split();
    sender.send(batch(1)).await.unwrap();
    let blocked = tokio::spawn(async move { sender.send(batch(1)).await });
    assert_eq!(kind(receiver.recv().await), ErrorKind::Unknown);
    let error = blocked.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::PipelineClosed), "{error}");
}

#[tokio::test]
async fn answers_that_make_no_sense_close_the_pipeline() {
    let mut pipeline = open(PipelineManner::WrongTag, 2).await;
    pipeline.send(batch(1)).await.unwrap();
    assert_eq!(kind(pipeline.recv().await), ErrorKind::Internal);
    let error = pipeline.send(batch(1)).await.unwrap_err();
    assert!(matches!(error, Error::PipelineClosed), "{error}");

    let mut pipeline = open(PipelineManner::MissingResult, 2).await;
    pipeline.send(batch(2)).await.unwrap();
    assert_eq!(kind(pipeline.recv().await), ErrorKind::Internal);
}

#[tokio::test]
async fn a_batch_that_was_not_applied_fails_alone() {
    let mut pipeline = open(PipelineManner::NotApplied, 2).await;
    pipeline.send(batch(4).atomic()).await.unwrap();
    pipeline.send(batch(2).atomic()).await.unwrap();
    for expected in [3, 1] {
        let error = pipeline.recv().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::BatchNotApplied { index, .. } if index == expected));
        assert_eq!(error.current().map(|state| state.version.get()), Some(77));
    }
}

#[tokio::test]
async fn the_bound_on_batches_in_flight_is_bounded() {
    let fake = Fake::start().await;
    for given in [0, limits::IN_FLIGHT_MAX + 1] {
        let error = fake.client().pipeline().in_flight_max(given).open().await.unwrap_err();
        assert!(matches!(error, Error::Config(ConfigError::InFlight { given: g }) if g == given));
    }
    fake.client().pipeline().in_flight_max(limits::IN_FLIGHT_MAX).open().await.unwrap();
}
