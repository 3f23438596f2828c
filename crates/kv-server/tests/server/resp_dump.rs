//! `DUMP` and `RESTORE` in the Redis protocol.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, bulk, request};
use crate::support::start_with;

/// What `DUMP` of Redis 7.0.15 gave for 300 letters of `abcabc...`.
const LETTERS: &[u8] = b"\x00\xc3\x0e\x41\x2c\x03abca\xe0\xff\x02\xe1\x15\x07\x01bc\
    \x0a\x00\xd2\x57\x33\xce\xc0\x44\xe1\x2b";

/// And for the number 128.
const NUMBER: &[u8] = b"\x00\xc1\x80\x00\x0a\x00\xeb\x7a\xb3\xb5\x10\xcf\x4b\x65";

/// And for a list.
const LIST: &[u8] = b"\x12\x01\x02\x0a\x0a\x00\x00\x00\x01\x00\x81\x61\x02\xff\x0a\x00\
    \x09\xb9\xed\xf5\x94\xde\xd9\x95";

#[tokio::test]
async fn values_go_out_and_come_in_as_redis_writes_them() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let letters = "abc".repeat(100);
    client.ask(&format!("MSET letters {letters} number 128"), "+OK\r\n").await;
    client.ask("DUMP letters", bulk(LETTERS)).await;
    client.ask("DUMP number", bulk(NUMBER)).await;
    client.ask("DUMP none", "$-1\r\n").await;
    client.send(request(&[b"RESTORE", b"back", b"0", LETTERS])).await;
    client.expect("+OK\r\n").await;
    client.ask("GET back", bulk(letters.as_bytes())).await;
    client.ask("TTL back", ":-1\r\n").await;
    client.send(request(&[b"RESTORE", b"number", b"100000", NUMBER, b"REPLACE"])).await;
    client.expect("+OK\r\n").await;
    client.ask("INCR number", ":129\r\n").await;
    client.ask("TTL number", ":100\r\n").await;
}

#[tokio::test]
async fn a_time_to_live_is_a_span_or_a_moment() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let mut restore = async |key: &[u8], ttl: &[u8], option: &[u8]| {
        client.send(request(&[b"RESTORE", key, ttl, NUMBER, option])).await;
        client.expect("+OK\r\n").await;
    };
    restore(b"moment", b"4102444800000", b"ABSTTL").await;
    restore(b"past", b"1", b"absttl").await;
    let mut client = Resp::connect(&server).await;
    client.ask("EXPIRETIME moment", ":4102444800\r\n").await;
    client.ask("EXISTS past", ":0\r\n").await;
    client.send(request(&[b"RESTORE", b"moment", b"1", NUMBER, b"REPLACE", b"ABSTTL"])).await;
    client.expect("+OK\r\n").await;
    client.ask("EXISTS moment", ":0\r\n").await;
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_in_the_order_of_redis() {
    let server = start_with(&[("limits.value_bytes_max", "299")]);
    let mut client = Resp::connect(&server).await;
    client.ask("SET taken 1", "+OK\r\n").await;
    let damaged = [NUMBER, b"x"].concat();
    for (args, expected) in [
        (vec![&b"taken"[..], b"-1", &damaged], "-BUSYKEY Target key name already exists.\r\n"),
        (vec![b"taken", b"0", NUMBER], "-BUSYKEY Target key name already exists.\r\n"),
        (vec![b"taken", b"-1", NUMBER, b"REPLACE"], "-ERR Invalid TTL value, must be >= 0\r\n"),
        (vec![b"k", b"x", NUMBER], "-ERR value is not an integer or out of range\r\n"),
        (vec![b"k", b"-1", &damaged], "-ERR Invalid TTL value, must be >= 0\r\n"),
        (vec![b"k", b"0", &damaged], "-ERR DUMP payload version or checksum are wrong\r\n"),
        (vec![b"k", b"0", b""], "-ERR DUMP payload version or checksum are wrong\r\n"),
        (vec![b"k", b"0", LIST], "-ERR Bad data format\r\n"),
        (
            vec![b"k", b"0", LETTERS],
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n",
        ),
        (vec![b"taken", b"0", NUMBER, b"OTHER"], "-ERR syntax error\r\n"),
        (vec![b"k", b"0", NUMBER, b"IDLETIME"], "-ERR syntax error\r\n"),
        (vec![b"k", b"0", NUMBER, b"FREQ", b"1", b"IDLETIME", b"2"], "-ERR syntax error\r\n"),
        (
            vec![b"k", b"0", NUMBER, b"IDLETIME", b"-1"],
            "-ERR Invalid IDLETIME value, must be >= 0\r\n",
        ),
        (
            vec![b"k", b"0", NUMBER, b"FREQ", b"256"],
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n",
        ),
        (vec![b"k", b"0", NUMBER, b"FREQ", b"255"], "+OK\r\n"),
    ] {
        client.send(request(&[vec![&b"RESTORE"[..]], args].concat())).await;
        client.expect(expected).await;
    }
    client.ask("GET taken", "$1\r\n1\r\n").await;
}
