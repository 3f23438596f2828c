//! Expiries that are negative, zero, too far or contradictory are refused; others end their keys.

use kv_core::EXPIRY_MAX_MS;
use kv_proto::v1::{ExpireRequest, ExpireRule, SetRequest, expire_request, set_request};
use kv_server::testing::TestServer;
use tonic::Code;

use crate::support::{bytes, connect, exists, get, refused, set, unharmed, within};

fn set_until(expiry: set_request::Expiry) -> SetRequest {
    SetRequest { expiry: Some(expiry), ..set("k", "v") }
}

fn expire(expiry: Option<expire_request::Expiry>, rule: ExpireRule) -> ExpireRequest {
    ExpireRequest { key: bytes("k"), expiry, rule: rule.into(), durability: 0 }
}

#[tokio::test]
async fn expiries_out_of_range_are_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let last = i64::try_from(EXPIRY_MAX_MS).unwrap();
    for ms in [i64::MIN, -1, 0, last + 1, i64::MAX] {
        let words = [ms.to_string(), "at least 1 ms".to_owned(), EXPIRY_MAX_MS.to_string()];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (code, reason) = (Code::InvalidArgument, "EXPIRY_OUT_OF_RANGE");
        for expiry in [set_request::Expiry::TtlMs(ms), set_request::Expiry::ExpiresAtMs(ms)] {
            refused(kv.set(set_until(expiry)).await, code, reason, &words);
        }
        for expiry in [expire_request::Expiry::TtlMs(ms), expire_request::Expiry::ExpiresAtMs(ms)] {
            let request = expire(Some(expiry), ExpireRule::Unspecified);
            refused(kv.expire(request).await, code, reason, &words);
        }
    }
    // In range by itself, and past the end when counted from now.
    let overflowing = set_until(set_request::Expiry::TtlMs(last));
    let result = kv.set(overflowing).await;
    refused(result, Code::InvalidArgument, "EXPIRY_OUT_OF_RANGE", &[&EXPIRY_MAX_MS.to_string()]);
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn contradicting_expiries_are_refused() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let persist = |yes| Some(expire_request::Expiry::Persist(yes));
    let conflict = |result, words: &[&str]| {
        refused(result, Code::InvalidArgument, "CONFLICTING_FIELDS", words);
    };
    let keep = set_until(set_request::Expiry::KeepTtl(false));
    conflict(kv.set(keep).await.map(drop), &["keep_ttl", "true"]);
    for (request, words) in [
        (expire(persist(false), ExpireRule::Unspecified), ["persist", "true"]),
        (expire(persist(true), ExpireRule::Xx), ["persist", "rule"]),
        (expire(None, ExpireRule::Unspecified), ["ttl_ms", "expires_at_ms"]),
    ] {
        conflict(kv.expire(request).await.map(drop), &words);
    }
    unharmed(&server, &mut kv).await;
}

#[tokio::test]
async fn a_key_ends_when_its_time_has_come() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    let request = set_until(set_request::Expiry::TtlMs(50));
    let answer = kv.set(request).await.unwrap().into_inner();
    assert!((1..=50).contains(&answer.ttl_ms.unwrap()), "{answer:?}");
    within(async { while exists(&mut kv, "k").await {} }).await;
    // Gone from memory too, without anyone asking for it.
    within(async {
        while server.store().stats().expired_keys == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(server.store().stats().keys, 0);
}

#[tokio::test]
async fn an_expiry_in_the_past_deletes() {
    let server = TestServer::start();
    let mut kv = connect(&server).await;
    kv.set(set("k", "v")).await.unwrap();
    let answer = kv.set(set_until(set_request::Expiry::ExpiresAtMs(1))).await.unwrap().into_inner();
    assert!(answer.applied);
    assert_eq!(get(&mut kv, "k").await.value, None);
}
