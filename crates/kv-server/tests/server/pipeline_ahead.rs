//! A pipeline executes batches while earlier ones wait for the log, answers them in order, and keeps no
//! more answers than it may (KV-I8).

use kv_core::{Durability as Level, Lsn};
use kv_proto::v1::{Durability, Op, PipelineRequest, PipelineResponse};
use tokio_stream::StreamExt as _;
use tonic::{Code, Streaming};

use crate::support::log::{Logged, start, until};
use crate::support::{batch, exists, get_op, increment_op, refused, set, set_op, within};

/// As `AHEAD_BATCHES_MAX` of the server.
const AHEAD_BATCHES_MAX: u64 = 256;

/// As `AHEAD_BYTES_MAX` of the server.
const AHEAD_BYTES_MAX: usize = 1 << 20;

fn request(tag: u64, ops: Vec<Op>) -> PipelineRequest {
    PipelineRequest { batch: Some(batch(false, ops)), tag }
}

/// A stream of batches that stays open after the last.
async fn open(
    logged: &Logged,
    requests: impl Iterator<Item = PipelineRequest> + Send + 'static,
) -> Streaming<PipelineResponse> {
    let requests = tokio_stream::iter(requests).chain(tokio_stream::pending());
    logged.kv.clone().pipeline(requests).await.expect("a stream").into_inner()
}

/// Waits until so many writes were made, and proves that no more are made while others are served.
async fn check_writes(logged: &Logged, writes: u64) {
    let made = || logged.server.store().stats().writes;
    until(|| made() >= writes).await;
    let mut kv = logged.kv.clone();
    for _ in 0..100 {
        exists(&mut kv, "other").await;
    }
    assert_eq!(made(), writes);
}

async fn take(answers: &mut Streaming<PipelineResponse>, tags: std::ops::Range<u64>) {
    for tag in tags {
        let answer = within(answers.message()).await.expect("an answer").expect("not the end");
        assert_eq!(answer.tag, tag);
        assert_eq!(answer.batch.expect("a batch").achieved(), Durability::Fsync);
    }
}

#[tokio::test]
async fn batches_are_executed_ahead_and_answered_in_order() {
    let logged = start(&[("fsync", "always")]).await;
    let mut answers =
        open(&logged, (0..100).map(|tag| request(tag, vec![increment_op("n")]))).await;
    check_writes(&logged, 100).await;
    // The oldest waits, and the server for a failure.
    logged.until_waiting(1).await;
    logged.journal.advance_to(Lsn::new(10), Level::Fsync);
    take(&mut answers, 0..10).await;
    logged.until_waiting(1).await;
    logged.journal.advance(Level::Fsync);
    take(&mut answers, 10..100).await;
}

#[tokio::test]
async fn no_more_batches_than_allowed_are_ahead() {
    let logged = start(&[("fsync", "always")]).await;
    let all = 3 * AHEAD_BATCHES_MAX;
    let mut answers =
        open(&logged, (0..all).map(|tag| request(tag, vec![increment_op("n")]))).await;
    check_writes(&logged, AHEAD_BATCHES_MAX).await;
    logged.journal.advance_to(Lsn::new(1), Level::Fsync);
    take(&mut answers, 0..1).await;
    check_writes(&logged, AHEAD_BATCHES_MAX + 1).await;
    logged.journal.advance_to(Lsn::new(all), Level::Fsync);
    take(&mut answers, 1..all).await;
}

#[tokio::test]
async fn no_more_bytes_than_allowed_are_ahead() {
    let logged = start(&[("fsync", "always"), ("read_uncommitted", "true")]).await;
    let mut kv = logged.kv.clone();
    let value = vec![b'v'; AHEAD_BYTES_MAX / 4];
    let big = tokio::spawn(async move { kv.set(set("big", value)).await });
    until(|| logged.server.store().stats().writes == 1).await;
    let ops = || vec![increment_op("n"), get_op("big")];
    let mut answers = open(&logged, (0..20).map(move |tag| request(tag, ops()))).await;
    // The fourth reaches the limit.
    check_writes(&logged, 1 + 4).await;
    logged.journal.advance_to(Lsn::new(100), Level::Fsync);
    within(big).await.unwrap().unwrap();
    take(&mut answers, 0..20).await;
}

#[tokio::test]
async fn answers_that_need_not_wait_stay_behind_those_that_do() {
    let logged = start(&[]).await;
    let mut strict = request(0, vec![set_op(set("k", "v"))]);
    strict.batch.as_mut().unwrap().durability = Durability::Fsync.into();
    let requests = [strict, request(1, vec![get_op("k")]), request(2, vec![increment_op("n")])];
    let mut answers = open(&logged, requests.into_iter()).await;
    check_writes(&logged, 2).await;
    logged.journal.advance_to(Lsn::new(1), Level::Fsync);
    for tag in 0..3 {
        assert_eq!(within(answers.message()).await.unwrap().unwrap().tag, tag);
    }
}

#[tokio::test]
async fn a_refused_batch_and_the_end_of_the_stream_wait_for_what_was_executed() {
    let logged = start(&[("fsync", "always")]).await;
    let mut wrong = request(1, vec![]);
    wrong.batch.as_mut().unwrap().durability = 9;
    for requests in [
        vec![request(0, vec![increment_op("n")]), wrong.clone()],
        vec![request(0, vec![increment_op("n")])],
    ] {
        let is_refused = requests.len() == 2;
        let mut kv = logged.kv.clone();
        let before = logged.journal.registered();
        let call = kv.pipeline(tokio_stream::iter(requests)).await.unwrap();
        let mut answers = call.into_inner();
        until(|| logged.journal.registered() > before).await;
        logged.journal.advance(Level::Fsync);
        take(&mut answers, 0..1).await;
        let end = within(answers.message()).await;
        if is_refused {
            refused(end, Code::InvalidArgument, "UNKNOWN_ENUM_VALUE", &["durability"]);
        } else {
            assert!(end.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn a_drain_answers_what_was_executed_once_it_is_safe() {
    let logged = start(&[("fsync", "always")]).await;
    let mut answers = open(&logged, (0..5).map(|tag| request(tag, vec![increment_op("n")]))).await;
    check_writes(&logged, 5).await;
    let Logged { server, journal, kv: _kv } = logged;
    let stopped = tokio::spawn(server.stop());
    journal.advance(Level::Fsync);
    take(&mut answers, 0..5).await;
    refused(within(answers.message()).await, Code::Unavailable, "SHUTTING_DOWN", &["again"]);
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
}
