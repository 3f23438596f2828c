//! When the log fails, what is safe is served, what may be lost is unknown, and nothing new is taken.

use kv_core::{Durability as Level, JournalError};
use kv_proto::v1::{Durability, GetRequest, PipelineRequest, ScanRequest, SetRequest};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::log::start;
use crate::support::{batch, bytes, channel, get, increment_op, refused, set, within};

const UNKNOWN: (Code, &str) = (Code::Unknown, "OUTCOME_UNKNOWN");

#[tokio::test]
async fn waiting_writes_end_unknown_and_new_ones_are_refused() {
    let logged = start(&[]).await;
    let mut kv = logged.kv.clone();
    let strict = SetRequest { durability: Durability::Fsync.into(), ..set("k", "v") };
    let call = logged.waits(async move { kv.set(strict).await }).await;
    logged.journal.fail("EIO on log-1.kvl");
    let words = ["unknown", "may or may not survive", "EIO on log-1.kvl"];
    refused(within(call).await.unwrap(), UNKNOWN.0, UNKNOWN.1, &words);
    let mut kv = logged.kv.clone();
    let result = within(kv.set(set("k", "w"))).await;
    refused(result, Code::Unavailable, "LOG_UNAVAILABLE", &["takes no writes", "EIO on log-1.kvl"]);
}

#[tokio::test]
async fn reads_of_what_is_safe_go_on_and_reads_of_what_may_be_lost_do_not() {
    for settings in [&[][..], &[("fsync", "never")], &[("read_uncommitted", "true")]] {
        let logged = start(settings).await;
        let mut kv = logged.kv.clone();
        kv.set(set("safe", "v")).await.unwrap();
        logged.journal.advance(Level::Fsync);
        // Remembered as safe, as any read of it does.
        get(&mut kv, "safe").await;
        kv.set(set("unsafe", "v")).await.unwrap();
        logged.journal.fail("EIO");
        assert_eq!(within(get(&mut kv, "safe")).await.value.unwrap(), "v");
        let unsure = within(kv.get(GetRequest { key: bytes("unsafe") })).await;
        let scanned = async {
            let mut pages = kv.clone().scan(ScanRequest::default()).await?.into_inner();
            pages.message().await
        };
        let scanned = within(scanned).await;
        if settings.iter().any(|(key, _)| *key == "read_uncommitted") {
            assert_eq!(unsure.unwrap().into_inner().value.unwrap(), "v");
            assert_eq!(scanned.unwrap().unwrap().entries.len(), 2);
        } else {
            refused(unsure, UNKNOWN.0, UNKNOWN.1, &["the answer is unknown", "EIO"]);
            refused(scanned, UNKNOWN.0, UNKNOWN.1, &["the answer is unknown"]);
        }
    }
}

#[tokio::test]
async fn a_pipeline_ends_unknown_after_what_was_safe() {
    let logged = start(&[("fsync", "always")]).await;
    let mut kv = logged.kv.clone();
    let request = |tag| PipelineRequest { batch: Some(batch(false, vec![increment_op("n")])), tag };
    let requests = tokio_stream::iter((1..=5).map(request)).chain(tokio_stream::pending());
    let mut answers = kv.pipeline(requests).await.unwrap().into_inner();
    crate::support::log::until(|| logged.server.store().stats().writes == 5).await;
    logged.journal.advance_to(kv_core::Lsn::new(2), Level::Fsync);
    for tag in [1, 2] {
        assert_eq!(within(answers.message()).await.unwrap().unwrap().tag, tag);
    }
    logged.journal.fail("EIO");
    refused(within(answers.message()).await, UNKNOWN.0, UNKNOWN.1, &["unknown", "EIO"]);
}

#[tokio::test]
async fn health_checks_and_watches_say_that_it_does_not_serve() {
    let logged = start(&[]).await;
    let mut health = HealthClient::new(channel(&logged.server.addr()).await);
    let ask = || HealthCheckRequest { service: "kv.v1.Kv".to_owned() };
    let mut watch = health.watch(ask()).await.unwrap().into_inner();
    let next = within(watch.message()).await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::Serving);
    logged.journal.fail("EIO");
    let next = within(watch.message()).await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    let status = health.check(ask()).await.unwrap().into_inner().status();
    assert_eq!(status, ServingStatus::NotServing);
    let mut late = health.watch(ask()).await.unwrap().into_inner();
    let next = within(late.message()).await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    assert_eq!(within(logged.server.stop()).await.connections_cut, 0);
    for watch in [&mut watch, &mut late] {
        assert!(within(watch.message()).await.unwrap().is_none(), "nothing new is told");
    }
}

#[tokio::test]
async fn watching_clients_are_one_waiter_of_the_log() {
    let logged = start(&[]).await;
    let mut health = HealthClient::new(channel(&logged.server.addr()).await);
    for _ in 0..10 {
        let ask = HealthCheckRequest::default();
        let mut watch = health.watch(ask).await.unwrap().into_inner();
        within(watch.message()).await.unwrap().unwrap();
    }
    logged.until_waiting(0).await;
}

#[tokio::test]
async fn a_full_disk_and_a_slow_one_refuse_writes_for_a_time() {
    let logged = start(&[]).await;
    let mut kv = logged.kv.clone();
    let reason = "log-2.kvl needs 65536 bytes".to_owned();
    logged.journal.refuse(Some(JournalError::DiskFull { reason }));
    let result = kv.set(set("k", "v")).await;
    let words = ["no space", "log-2.kvl", "accepted again"];
    refused(result, Code::ResourceExhausted, "DISK_FULL", &words);
    logged.journal.refuse(Some(JournalError::Overloaded { waiting: 70, max: 64 }));
    let result = kv.set(set("k", "v")).await;
    refused(result, Code::ResourceExhausted, "LOG_OVERLOADED", &["70 bytes", "try again"]);
    logged.journal.refuse(None);
    assert!(kv.set(set("k", "v")).await.unwrap().into_inner().applied);
}
