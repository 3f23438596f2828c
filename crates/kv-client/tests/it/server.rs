//! Each call and each option against a real server: what goes in comes out, typed.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::TryStreamExt;
use kv_client::op::{Append, Delete, Exists, Expire, Get, Increment, Set};
use kv_client::{
    Batch, Client, Durability, Entry, Error, ErrorKind, ExpireRule, KeyState, Reason, Reply,
    Version,
};
use kv_server::testing::TestServer;

async fn start() -> (TestServer, Client) {
    let server = TestServer::start();
    let client = Client::connect(server.addr()).await.unwrap();
    (server, client)
}

async fn value(client: &Client, key: &str) -> Option<Bytes> {
    client.get(key).await.unwrap().map(|entry| entry.value)
}

/// The error of a condition that found the key so.
fn check_failed(outcome: Result<impl std::fmt::Debug, Error>, current: Option<Version>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed, "{error}");
    assert_eq!(error.current().map(|state| state.version), current);
}

fn check_refused(outcome: Result<impl std::fmt::Debug, Error>, reason: &Reason, words: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    assert_eq!(error.reason(), Some(reason), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn any_bytes_go_in_and_come_out() {
    let (_server, client) = start().await;
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let written = client.set(&all, &all).await.unwrap();
    let entry = Entry { value: all.clone().into(), version: written.version, ttl: None };
    assert_eq!(client.get(&all).await.unwrap(), Some(entry));
    client.set("empty", "").await.unwrap();
    assert_eq!(value(&client, "empty").await, Some(Bytes::new()));
    assert_eq!(client.get("absent").await.unwrap(), None);
}

#[tokio::test]
async fn versions_grow_with_every_change_and_across_deletes() {
    let (_server, client) = start().await;
    let first = client.set("k", "1").await.unwrap().version;
    let second = client.append("k", "2").await.unwrap().version;
    let third = client.expire("k", Duration::from_mins(1)).await.unwrap().current.unwrap().version;
    let deleted = client.delete("k").await.unwrap().unwrap().version;
    let again = client.set("k", "1").await.unwrap().version;
    let versions = [first, second, third, deleted, again];
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
}

#[tokio::test]
async fn conditions_of_set_hold_or_tell_what_is_there() {
    let (_server, client) = start().await;
    check_failed(client.set("k", "x").if_present().await, None);
    check_failed(client.set("k", "x").if_version(1).await, None);
    let first = client.set("k", "1").if_absent().await.unwrap().version;
    check_failed(client.set("k", "x").if_absent().await, Some(first));
    let second = client.set("k", "2").if_present().await.unwrap().version;
    check_failed(client.set("k", "x").if_version(first).await, Some(second));
    let third = client.set("k", "3").if_version(second).return_previous().await.unwrap();
    assert_eq!(third.previous, Some("2".into()));
    assert_eq!(value(&client, "k").await, Some("3".into()));

    let error = client.set("k", "x").if_absent().return_previous().await.unwrap_err();
    assert!(
        matches!(&error, Error::ConditionFailed { previous: Some(value), .. } if value == "3"),
        "{error:?}"
    );
}

#[tokio::test]
async fn conditions_of_delete_hold_or_tell_what_is_there() {
    let (_server, client) = start().await;
    assert_eq!(client.delete("k").await.unwrap(), None);
    check_failed(client.delete("k").if_version(1).await, None);
    let version = client.set("k", "1").await.unwrap().version;
    check_failed(client.delete("k").if_version(version.get() + 1).await, Some(version));
    check_failed(client.delete("k").if_version(0).await, Some(version));
    let deleted = client.delete("k").if_version(version).return_previous().await.unwrap().unwrap();
    assert_eq!(deleted.previous, Some("1".into()));
    assert_eq!(client.exists("k").await.unwrap(), None);
}

#[tokio::test]
async fn ttls_are_set_kept_changed_and_removed() {
    let (_server, client) = start().await;
    let minute = Duration::from_mins(1);
    let near = |ttl: Option<Duration>, expected: Duration| {
        let ttl = ttl.unwrap();
        assert!(ttl <= expected && ttl + Duration::from_secs(30) > expected, "{ttl:?}");
    };
    near(client.set("k", "1").ttl(minute).await.unwrap().ttl, minute);
    near(client.set("k", "2").keep_ttl().await.unwrap().ttl, minute);
    near(client.append("k", "3").await.unwrap().ttl, minute);
    near(client.get("k").await.unwrap().unwrap().ttl, minute);
    near(client.exists("k").await.unwrap().unwrap().ttl, minute);
    let rule = |ttl, rule| client.expire("k", ttl).rule(rule).send();
    assert!(!rule(minute, ExpireRule::IfNone).await.unwrap().applied);
    assert!(!rule(minute * 2, ExpireRule::IfEarlier).await.unwrap().applied);
    assert!(rule(minute * 2, ExpireRule::IfLater).await.unwrap().applied);
    assert!(rule(minute * 3, ExpireRule::IfAny).await.unwrap().applied);
    assert!(rule(minute * 4, ExpireRule::Always).await.unwrap().applied);
    near(client.exists("k").await.unwrap().unwrap().ttl, minute * 4);
    let persisted = client.persist("k").await.unwrap();
    assert!(persisted.applied && persisted.current.unwrap().ttl.is_none());
    assert!(!client.persist("k").await.unwrap().applied);
    assert!(rule(minute, ExpireRule::IfNone).await.unwrap().applied);
    assert_eq!(client.set("k", "4").await.unwrap().ttl, None, "a plain set removes the TTL");

    let absent = client.expire("absent", minute).await.unwrap();
    assert!(!absent.applied && absent.current.is_none());
    assert!(client.expire_at("k", SystemTime::UNIX_EPOCH).await.unwrap().applied);
    assert_eq!(client.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn the_shortest_ttl_is_a_millisecond_and_ends() {
    let (_server, client) = start().await;
    client.set("k", "1").ttl(Duration::from_nanos(1)).await.unwrap();
    let gone = async { while client.get("k").await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    let refused = client.set("k", "1").ttl(Duration::ZERO).await;
    check_refused(refused, &Reason::ExpiryOutOfRange, "at least 1 ms");
    let refused = client.set("k", "1").ttl(Duration::MAX).await;
    check_refused(refused, &Reason::ExpiryOutOfRange, "at least 1 ms");
}

#[tokio::test]
async fn numbers_are_counted_and_refused_outside_of_their_range() {
    let (_server, client) = start().await;
    assert_eq!(client.increment("n", 5).await.unwrap().value, 5);
    assert_eq!(client.increment("n", -8).await.unwrap().value, -3);
    let refused = client.increment("n", i64::MIN).await;
    check_refused(refused, &Reason::IntegerOverflow, "range");
    client.set("n", "x").await.unwrap();
    check_refused(client.increment("n", 1).await, &Reason::NotAnInteger, "not an integer");
}

#[tokio::test]
async fn bad_keys_are_refused_in_the_servers_words() {
    let (_server, client) = start().await;
    check_refused(client.get("").await, &Reason::KeyEmpty, "empty");
    let longest = vec![b'k'; 65_536];
    client.set(&longest, "v").await.unwrap();
    let too_long = vec![b'k'; 65_537];
    check_refused(client.set(&too_long, "v").await, &Reason::KeyTooLong, "65536");
    check_refused(client.batch_get([""]).await, &Reason::KeyEmpty, "empty");
}

#[tokio::test]
async fn the_largest_value_a_message_holds_goes_in_and_comes_out() {
    let (_server, client) = start().await;
    // The server keeps 128 bytes of a message for what stands beside key and value.
    let value = vec![7; (64 << 20) - 128 - 1];
    client.set("k", &value).await.unwrap();
    assert_eq!(client.get("k").await.unwrap().unwrap().value.len(), value.len());
    let refused = client.set("k", vec![7; value.len() + 1]).await;
    check_refused(refused, &Reason::ValueTooLong, "67108735");
    let refused = client.set("k", vec![7; 64 << 20]).await;
    check_refused(refused, &Reason::MessageTooLong, "67108864");
}

#[tokio::test]
async fn durability_levels_are_asked_for_and_told() {
    let (_server, client) = start().await;
    let written = client.set("k", "1").durability(Durability::Memory).await.unwrap();
    assert!(written.achieved >= Some(Durability::Memory));
    let highest = client.stats().await.unwrap().durability_max.unwrap();
    let written = client.set("k", "1").durability(highest).await.unwrap();
    assert_eq!(written.achieved, Some(highest));
}

#[tokio::test]
async fn every_operation_answers_in_its_kind_in_a_batch() {
    let (_server, client) = start().await;
    let batch = client
        .batch()
        .with(Set::new("k", "1"))
        .with(Get::new("k"))
        .with(Exists::new("k"))
        .with(Increment::new("k", 41))
        .with(Append::new("k", "0"))
        .with(Expire::after("k", Duration::from_mins(1)))
        .with(Expire::never("k"))
        .with(Set::new("k", "x").if_absent())
        .with(Delete::new("absent"))
        .with(Delete::new("absent").if_version(5))
        .with(Increment::new("", 1))
        .with(Delete::new("k").return_previous());
    assert_eq!(batch.len(), 12);
    let results = client_results(batch).await;
    assert!(matches!(&results[0], Ok(Reply::Set(_))));
    assert!(matches!(&results[1], Ok(Reply::Get(Some(entry))) if entry.value == "1"));
    assert!(matches!(&results[2], Ok(Reply::Exists(Some(meta))) if meta.value_bytes == 1));
    assert!(matches!(&results[3], Ok(Reply::Increment(now)) if now.value == 42));
    assert!(matches!(&results[4], Ok(Reply::Append(now)) if now.value_bytes == 3));
    assert!(matches!(&results[5], Ok(Reply::Expire(outcome)) if outcome.applied));
    assert!(matches!(&results[6], Ok(Reply::Expire(outcome)) if outcome.applied));
    assert_eq!(results[7].as_ref().unwrap_err().kind(), ErrorKind::ConditionFailed);
    assert!(matches!(&results[8], Ok(Reply::Delete(None))));
    assert_eq!(results[9].as_ref().unwrap_err().kind(), ErrorKind::ConditionFailed);
    assert_eq!(results[10].as_ref().unwrap_err().reason(), Some(&Reason::KeyEmpty));
    let previous = "420";
    assert!(
        matches!(&results[11], Ok(Reply::Delete(Some(gone))) if gone.previous.as_deref() == Some(previous.as_bytes()))
    );
}

async fn client_results(batch: Batch<Client>) -> Vec<Result<Reply, Error>> {
    batch.await.unwrap().results
}

#[tokio::test]
async fn an_atomic_batch_is_applied_whole_or_names_what_was_in_the_way() {
    let (_server, client) = start().await;
    let version = client.set("a", "1").await.unwrap().version;
    let atomic = || client.batch().set("b", "2").atomic();
    let check = async |batch: Batch<Client>, kind: ErrorKind, current: Option<Version>| {
        let error = batch.await.unwrap_err();
        assert!(matches!(&error, Error::BatchNotApplied { index: 1, .. }), "{error:?}");
        assert_eq!((error.kind(), error.current().map(|s| s.version)), (kind, current), "{error}");
        assert_eq!(value(&client, "b").await, None, "a part was applied");
    };
    let failed = ErrorKind::ConditionFailed;
    check(atomic().with(Set::new("a", "x").if_absent()), failed, Some(version)).await;
    check(atomic().with(Set::new("c", "x").if_present()), failed, None).await;
    check(atomic().with(Delete::new("a").if_version(99)), failed, Some(version)).await;
    check(atomic().with(Delete::new("c").if_version(99)), failed, None).await;
    // A delete without a condition finds nothing, and stands in nobody's way.
    let reply = client.batch().set("d", "1").delete("missing").atomic().await.unwrap();
    assert!(matches!(reply.results[..], [Ok(_), Ok(Reply::Delete(None))]), "{reply:?}");
    client.set("text", "x").await.unwrap();
    check(atomic().increment("text", 1), ErrorKind::BadRequest, None).await;
    let reply = atomic().with(Set::new("a", "3").if_version(version)).await.unwrap();
    assert_eq!(reply.results.len(), 2);
    assert_eq!(value(&client, "b").await, Some("2".into()));
}

#[tokio::test]
async fn many_keys_are_read_in_the_order_asked() {
    let (_server, client) = start().await;
    client.batch().set("a", "1").set("c", "3").await.unwrap();
    let entries = client.batch_get(["c", "b", "a", "c"]).await.unwrap();
    let values: Vec<_> = entries.into_iter().map(|entry| entry.map(|entry| entry.value)).collect();
    assert_eq!(values, [Some("3".into()), None, Some("1".into()), Some("3".into())]);
    assert_eq!(client.batch_get(Vec::<Bytes>::new()).await.unwrap(), []);
}

#[tokio::test]
async fn a_pipeline_executes_batches_in_order() {
    let (_server, client) = start().await;
    let mut pipeline = client.pipeline().open().await.unwrap();
    for _ in 0..5 {
        pipeline.send(Batch::new().increment("n", 1).append("log", "x")).await.unwrap();
    }
    let mut last = 0;
    while pipeline.in_flight() > 0 {
        let results = pipeline.recv().await.unwrap().unwrap().results;
        assert!(matches!(&results[0], Ok(Reply::Increment(now)) if now.value == last + 1));
        last += 1;
    }
    assert_eq!((last, value(&client, "log").await), (5, Some("xxxxx".into())));
}

#[tokio::test]
async fn a_scan_finds_every_key_once_while_nothing_changes() {
    let (_server, client) = start().await;
    let mut pipeline = client.pipeline().open().await.unwrap();
    for chunk in 0..10 {
        let keys = (0..500).map(|key| format!("k{:05}", chunk * 500 + key));
        let batch = keys.fold(Batch::new(), |batch, key| batch.set(&key, &key));
        pipeline.send(batch.set(format!("other{chunk}"), "x")).await.unwrap();
        pipeline.recv().await.unwrap().unwrap();
    }
    let expected: Vec<_> = (0..5000).map(|key| Bytes::from(format!("k{key:05}"))).collect();
    for page_keys in [0, 1, 7, 1000] {
        let scan = client.scan("k").values().page_keys(page_keys);
        let entries: Vec<_> = scan.entries().try_collect().await.unwrap();
        let mut keys: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
        keys.sort();
        assert_eq!(keys, expected, "pages of {page_keys}");
        assert!(entries.iter().all(|entry| entry.value.as_ref() == Some(&entry.key)));
    }
    let keys_only: Vec<_> = client.scan("k0000").entries().try_collect().await.unwrap();
    assert!(keys_only.len() == 10 && keys_only.iter().all(|entry| entry.value.is_none()));
    let none: Vec<_> = client.scan("nothing").entries().try_collect().await.unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn a_cursor_goes_on_where_a_page_ended_and_belongs_to_its_server() {
    let (_server, client) = start().await;
    for key in 0..100 {
        client.set(format!("k{key}"), "v").await.unwrap();
    }
    let mut keys = Vec::new();
    let mut page = client.scan("k").page_keys(9).page().await.unwrap();
    let cursor = page.cursor.clone().unwrap();
    loop {
        assert!(page.entries.len() <= 9);
        keys.extend(page.entries.into_iter().map(|entry| entry.key));
        let Some(cursor) = page.cursor else { break };
        page = client.scan("k").page_keys(9).cursor(cursor).page().await.unwrap();
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 100);

    let (_other_server, other) = start().await;
    let refused = other.scan("k").cursor(cursor).page().await;
    check_refused(refused, &Reason::CursorInvalid, "start again");
}

#[tokio::test]
async fn stats_count_and_flush_empties() {
    let (_server, client) = start().await;
    client.ping().await.unwrap();
    client
        .batch()
        .set("a", "1")
        .with(Set::new("b", "2").ttl(Duration::from_mins(1)))
        .await
        .unwrap();
    client.batch_get(["a", "c"]).await.unwrap();
    let stats = client.stats().await.unwrap();
    assert_eq!((stats.keys, stats.volatile_keys, stats.payload_bytes), (2, 1, 4));
    assert_eq!((stats.hits, stats.misses, stats.writes), (1, 1, 2));
    assert_eq!(stats.server_version, client.server_version().await.unwrap());
    let flushed = client.flush().await.unwrap();
    assert_eq!(flushed.removed, 2);
    assert_eq!(client.stats().await.unwrap().keys, 0);
}

#[tokio::test]
async fn clones_share_connections_across_tasks() {
    let server = TestServer::start();
    let client = Client::builder().address(server.addr()).connections(3).connect().await.unwrap();
    let tasks = (0..30).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.increment("n", 1).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    assert_eq!(value(&client, "n").await, Some("30".into()));
}

#[tokio::test]
async fn an_error_of_a_condition_carries_the_ttl() {
    let (_server, client) = start().await;
    client.set("k", "1").ttl(Duration::from_mins(1)).await.unwrap();
    let error = client.set("k", "2").if_absent().await.unwrap_err();
    assert!(matches!(error.current(), Some(KeyState { ttl: Some(_), .. })), "{error:?}");
}
