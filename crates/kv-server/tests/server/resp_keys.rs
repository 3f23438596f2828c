//! Keys and their expiry in the Redis protocol.

use kv_server::testing::TestServer;

use crate::support::resp::Resp;
use crate::support::start_with;

async fn check(lines: &[(&str, &str)]) {
    let server = TestServer::start();
    Resp::connect(&server).await.talk(lines).await;
}

#[tokio::test]
async fn keys_are_counted_deleted_and_told() {
    check(&[
        ("MSET a 1 b 2 c 3", "+OK\r\n"),
        ("EXISTS a a none", ":2\r\n"),
        ("TOUCH a none", ":1\r\n"),
        ("TYPE a", "+string\r\n"),
        ("TYPE none", "+none\r\n"),
        ("DEL a", ":1\r\n"),
        ("DEL a", ":0\r\n"),
        ("DEL b none c", ":2\r\n"),
        ("DBSIZE", ":0\r\n"),
        ("SET a 1", "+OK\r\n"),
        ("UNLINK a b", ":1\r\n"),
        ("MSET a 1 b 2", "+OK\r\n"),
        ("FLUSHALL", "+OK\r\n"),
        ("DBSIZE", ":0\r\n"),
        ("FLUSHDB async", "+OK\r\n"),
        ("FLUSHDB later", "-ERR syntax error\r\n"),
        ("RANDOMKEY", "$-1\r\n"),
        ("SET only 1", "+OK\r\n"),
        ("RANDOMKEY", "$4\r\nonly\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn more_keys_than_the_store_takes_at_once_are_counted_all_the_same() {
    let server = start_with(&[("limits.batch_ops_max", "2")]);
    let mut client = Resp::connect(&server).await;
    client
        .talk(&[
            ("SET a 1", "+OK\r\n"),
            ("SET b 1", "+OK\r\n"),
            ("SET c 1", "+OK\r\n"),
            ("EXISTS a b none c a", ":4\r\n"),
            ("DEL a b c d e", ":3\r\n"),
        ])
        .await;
}

#[tokio::test]
async fn keys_are_renamed_and_copied() {
    const NO_KEY: &str = "-ERR no such key\r\n";
    check(&[
        ("RENAME a b", NO_KEY),
        ("RENAMENX a b", NO_KEY),
        ("RENAME a a", NO_KEY),
        ("COPY a b", ":0\r\n"),
        ("SET a 1 EX 100", "+OK\r\n"),
        ("RENAME a b", "+OK\r\n"),
        ("TTL b", ":100\r\n"),
        ("EXISTS a", ":0\r\n"),
        ("RENAME b b", "+OK\r\n"),
        ("RENAMENX b b", ":0\r\n"),
        ("SET a 2", "+OK\r\n"),
        ("RENAMENX a b", ":0\r\n"),
        ("RENAMENX a c", ":1\r\n"),
        ("COPY b c", ":0\r\n"),
        ("COPY b c REPLACE", ":1\r\n"),
        ("TTL c", ":100\r\n"),
        ("COPY b d DB 0", ":1\r\n"),
        ("COPY b d DB 1", "-ERR DB index is out of range\r\n"),
        ("COPY b d DB x", "-ERR value is not an integer or out of range\r\n"),
        ("COPY b d ELSE", "-ERR syntax error\r\n"),
        ("COPY b b", "-ERR source and destination objects are the same\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn expiries_are_set_told_and_removed() {
    const NOT_COMPATIBLE: &str =
        "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
    check(&[
        ("TTL k", ":-2\r\n"),
        ("PTTL k", ":-2\r\n"),
        ("EXPIRETIME k", ":-2\r\n"),
        ("EXPIRE k 10", ":0\r\n"),
        ("SET k v", "+OK\r\n"),
        ("TTL k", ":-1\r\n"),
        ("EXPIRETIME k", ":-1\r\n"),
        ("PERSIST k", ":0\r\n"),
        ("EXPIRE k 10 XX", ":0\r\n"),
        ("EXPIRE k 10 GT", ":0\r\n"),
        ("EXPIRE k 10 XX LT", ":0\r\n"),
        ("EXPIRE k 100 LT", ":1\r\n"),
        ("EXPIRE k 10 NX", ":0\r\n"),
        ("EXPIRE k 10 gt", ":0\r\n"),
        ("EXPIRE k 1000 XX GT", ":1\r\n"),
        ("EXPIRE k 100 XX LT", ":1\r\n"),
        ("TTL k", ":100\r\n"),
        ("EXPIREAT k 33177117420", ":1\r\n"),
        ("EXPIRETIME k", ":33177117420\r\n"),
        ("PEXPIRETIME k", ":33177117420000\r\n"),
        ("PEXPIREAT k 33177117420500", ":1\r\n"),
        ("EXPIRETIME k", ":33177117421\r\n"),
        ("PERSIST k", ":1\r\n"),
        ("TTL k", ":-1\r\n"),
        ("EXPIRE k 10 NX XX", NOT_COMPATIBLE),
        ("EXPIRE k 10 NX GT", NOT_COMPATIBLE),
        ("EXPIRE k 10 GT LT", "-ERR GT and LT options at the same time are not compatible\r\n"),
        ("EXPIRE k 10 ZZ", "-ERR Unsupported option ZZ\r\n"),
        ("EXPIRE k x", "-ERR value is not an integer or out of range\r\n"),
        ("EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"),
        ("PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n"),
        ("EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command\r\n"),
        ("PEXPIRE k -9223372036854775808", ":1\r\n"),
        ("EXISTS k", ":0\r\n"),
        ("SET k v", "+OK\r\n"),
        ("EXPIRE k 0", ":1\r\n"),
        ("EXISTS k", ":0\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn scans_and_patterns_find_keys() {
    check(&[
        ("SCAN 0", "*2\r\n$1\r\n0\r\n*0\r\n"),
        ("KEYS *", "*0\r\n"),
        ("SET hello 1", "+OK\r\n"),
        ("SET other 1", "+OK\r\n"),
        ("KEYS h[a-f]*", "*1\r\n$5\r\nhello\r\n"),
        ("KEYS hello", "*1\r\n$5\r\nhello\r\n"),
        ("KEYS hell", "*0\r\n"),
        ("SCAN 0 MATCH h* COUNT 100", "*2\r\n$1\r\n0\r\n*1\r\n$5\r\nhello\r\n"),
        ("SCAN 0 COUNT 100 TYPE STRING MATCH o*", "*2\r\n$1\r\n0\r\n*1\r\n$5\r\nother\r\n"),
        ("SCAN 0 COUNT 100 TYPE list", "*2\r\n$1\r\n0\r\n*0\r\n"),
        ("SCAN x", "-ERR invalid cursor\r\n"),
        ("SCAN 99999999999999999999", "-ERR invalid cursor\r\n"),
        ("SCAN 0 COUNT 0", "-ERR syntax error\r\n"),
        ("SCAN 0 COUNT x", "-ERR value is not an integer or out of range\r\n"),
        ("SCAN 0 MATCH", "-ERR syntax error\r\n"),
        ("SCAN 0 ELSE 1", "-ERR syntax error\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn a_scan_in_pages_finds_every_key_and_keys_as_many() {
    let server = TestServer::start();
    let store = server.store();
    for number in 0..5000 {
        let key = format!("key:{number}");
        let action = kv_core::Action::Set {
            value: b"v",
            expiry: kv_core::SetExpiry::Never,
            return_previous: false,
        };
        store.execute(&kv_core::Op::new(key.as_bytes(), action)).unwrap();
    }
    let mut client = Resp::connect(&server).await;
    let mut found = std::collections::BTreeSet::new();
    let mut cursor = "0".to_owned();
    loop {
        client.send(crate::support::resp::command(&format!("SCAN {cursor} COUNT 100"))).await;
        let page = client.array_of_bulks().await;
        cursor.clone_from(&page[0]);
        found.extend(page.into_iter().skip(1));
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(found.len(), 5000);
    client.send(crate::support::resp::command("KEYS key:*")).await;
    let keys = client.array_of_bulks().await;
    assert_eq!(keys.len(), 5000);
    assert!(keys.iter().all(|key| found.contains(key)));
}
