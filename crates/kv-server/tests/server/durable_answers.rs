//! Answers wait until what they rest on is as safe as promised, and no longer (KV-I2).

use kv_core::{Durability as Level, Lsn};
use kv_proto::v1::{
    BatchGetRequest, DeleteRequest, Durability, FlushRequest, GetRequest, ScanRequest, SetRequest,
};
use tonic::{Response, Status};

use crate::support::log::{Logged, start};
use crate::support::{
    batch, bytes, connect_admin, exists, get, get_op, increment, increment_op, set, set_op, within,
};

const ALWAYS: &[(&str, &str)] = &[("fsync", "always")];
const UNCOMMITTED: &[(&str, &str)] = &[("fsync", "always"), ("read_uncommitted", "true")];

fn set_at(key: &str, level: Durability) -> SetRequest {
    SetRequest { durability: level.into(), ..set(key, "v") }
}

/// Proves that a write of this level waits until its record has reached `until`, and tells that level.
async fn check(logged: &Logged, level: Durability, until: Level) {
    let mut kv = logged.kv.clone();
    let call = logged.waits(async move { kv.set(set_at("k", level)).await }).await;
    if until == Level::Fsync {
        logged.journal.advance(Level::Buffered);
        assert!(!call.is_finished(), "buffered is not enough");
    }
    logged.journal.advance(until);
    let answer = within(call).await.expect("no panic").expect("an answer").into_inner();
    assert!(answer.applied);
    let wanted = if until == Level::Fsync { Durability::Fsync } else { Durability::Buffered };
    assert_eq!(answer.achieved(), wanted);
}

#[tokio::test]
async fn a_level_asked_for_is_waited_for() {
    let logged = start(&[]).await;
    for level in [Durability::Unspecified, Durability::Memory] {
        let answer = within(logged.kv.clone().set(set_at("k", level))).await.unwrap();
        assert_eq!(answer.into_inner().achieved(), Durability::Memory, "{level:?}");
    }
    check(&logged, Durability::Buffered, Level::Buffered).await;
    check(&logged, Durability::Fsync, Level::Fsync).await;
}

#[tokio::test]
async fn with_fsync_always_no_level_asked_for_lowers_it() {
    let logged = start(ALWAYS).await;
    for level in
        [Durability::Unspecified, Durability::Memory, Durability::Buffered, Durability::Fsync]
    {
        check(&logged, level, Level::Fsync).await;
    }
}

#[tokio::test]
async fn the_level_told_is_the_one_reached_however_little_was_asked() {
    let logged = start(&[]).await;
    let mut kv = logged.kv.clone();
    logged.journal.advance_to(Lsn::new(100), Level::Fsync);
    let answer = within(kv.set(set("k", "v"))).await.unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Fsync);
    let ops = vec![set_op(set("a", "v")), get_op("a"), set_op(set("", "v"))];
    let answer = within(kv.batch_write(batch(false, ops))).await.unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Fsync);
    let Some(kv_proto::v1::op_result::Result::Set(set)) =
        &answer.results.decoded().unwrap()[0].result
    else {
        panic!("{answer:?}");
    };
    assert_eq!(set.achieved(), Durability::Fsync, "in the batch too");
}

#[tokio::test]
async fn a_batch_waits_once_for_its_latest_write() {
    let logged = start(ALWAYS).await;
    for atomic in [false, true] {
        let mut kv = logged.kv.clone();
        let ops = vec![increment_op("a"), get_op("b"), increment_op("c")];
        let before = logged.journal.registered();
        let call = logged.waits(async move { kv.batch_write(batch(atomic, ops)).await }).await;
        logged.journal.advance(Level::Fsync);
        let answer = within(call).await.unwrap().unwrap().into_inner();
        assert_eq!(answer.achieved(), Durability::Fsync);
        assert_eq!(logged.journal.registered(), before + 1);
    }
}

#[tokio::test]
async fn a_flush_waits_for_its_level() {
    let logged = start(&[]).await;
    let mut admin = connect_admin(&logged.server).await;
    let request = FlushRequest { durability: Durability::Fsync.into() };
    let call = logged.waits(async move { admin.flush(request).await }).await;
    logged.journal.advance(Level::Fsync);
    let answer = within(call).await.unwrap().unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Fsync);
}

/// Every way to be shown the key `k`, which exists.
async fn show(logged: &Logged, way: usize) -> Result<(), Status> {
    let mut kv = logged.kv.clone();
    let if_version = DeleteRequest { key: bytes("k"), if_version: 1, ..Default::default() };
    let absent = SetRequest { condition: 1, ..set("k", "w") };
    match way {
        0 => kv.get(GetRequest { key: bytes("k") }).await.map(drop),
        1 => kv.exists(kv_proto::v1::ExistsRequest { key: bytes("k") }).await.map(drop),
        2 => kv.batch_get(BatchGetRequest { keys: vec![bytes("k")] }).await.map(drop),
        3 => kv.delete(if_version).await.map(|answer| assert!(!answer.get_ref().applied)),
        4 => kv.set(absent).await.map(|answer| assert!(!answer.get_ref().applied)),
        5 => kv.batch_write(batch(false, vec![get_op("k")])).await.map(drop),
        6 => kv.batch_write(batch(true, vec![set_op(absent)])).await.map(drop),
        _ => {
            let mut pages = kv.scan(ScanRequest::default()).await?.into_inner();
            while pages.message().await?.is_some() {}
            Ok(())
        }
    }
}

const WAYS: usize = 8;

/// Writes `k` without waiting for the answer, and gives the call back.
async fn write_k(
    logged: &Logged,
) -> tokio::task::JoinHandle<Result<Response<kv_proto::v1::SetResponse>, Status>> {
    let mut kv = logged.kv.clone();
    logged.waits(async move { kv.set(set("k", "v")).await }).await
}

#[tokio::test]
async fn with_fsync_always_reads_wait_for_what_they_show() {
    let logged = std::sync::Arc::new(start(ALWAYS).await);
    let mut kv = logged.kv.clone();
    within(get(&mut kv, "absent")).await;
    let write = write_k(&logged).await;
    let mut calls = Vec::new();
    for way in 0..WAYS {
        let same = std::sync::Arc::clone(&logged);
        calls.push(logged.waits(async move { show(&same, way).await }).await);
    }
    logged.journal.advance(Level::Fsync);
    within(write).await.unwrap().unwrap();
    for call in calls {
        within(call).await.unwrap().unwrap();
    }
    let registered = logged.journal.registered();
    for way in 0..WAYS {
        within(show(&logged, way)).await.unwrap();
    }
    assert_eq!(logged.journal.registered(), registered, "what is safe is shown at once");
}

#[tokio::test]
async fn reads_do_not_wait_when_they_may_show_uncommitted_writes() {
    let logged = start(UNCOMMITTED).await;
    let write = write_k(&logged).await;
    for way in 0..WAYS {
        within(show(&logged, way)).await.unwrap();
    }
    logged.until_waiting(1).await;
    assert!(!write.is_finished());
    logged.journal.advance(Level::Fsync);
    within(write).await.unwrap().unwrap();
}

#[tokio::test]
async fn reads_do_not_wait_when_the_default_is_memory() {
    let logged = start(&[]).await;
    let mut kv = logged.kv.clone();
    kv.set(set("k", "v")).await.unwrap();
    for way in 0..WAYS {
        within(show(&logged, way)).await.unwrap();
    }
    assert!(within(exists(&mut kv, "k")).await);
}

#[tokio::test]
async fn a_congested_log_holds_writers_until_it_has_caught_up() {
    let logged = start(&[]).await;
    logged.journal.congest(true);
    let mut kv = logged.kv.clone();
    let call = logged.waits(async move { kv.increment(increment("n")).await }).await;
    let mut kv = logged.kv.clone();
    assert_eq!(within(get(&mut kv, "n")).await.value.unwrap(), "1", "reads go on");
    logged.journal.advance(Level::Buffered);
    let answer = within(call).await.unwrap().unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Buffered);
    logged.journal.congest(false);
    let answer = within(kv.increment(increment("n"))).await.unwrap().into_inner();
    assert_eq!(answer.achieved(), Durability::Memory);
}
