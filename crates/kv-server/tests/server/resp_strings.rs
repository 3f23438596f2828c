//! Strings in the Redis protocol: every command, its options and its errors.

use kv_server::testing::TestServer;

use crate::support::resp::Resp;

async fn check(lines: &[(&str, &str)]) {
    let server = TestServer::start();
    Resp::connect(&server).await.talk(lines).await;
}

const SYNTAX: &str = "-ERR syntax error\r\n";
const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range\r\n";

#[tokio::test]
async fn values_are_set_and_read() {
    check(&[
        ("GET k", "$-1\r\n"),
        ("SET k v", "+OK\r\n"),
        ("GET k", "$1\r\nv\r\n"),
        ("get k", "$1\r\nv\r\n"),
        ("SET k ''", "+OK\r\n"),
        ("GET k", "$0\r\n\r\n"),
        ("SET '' empty", "+OK\r\n"),
        ("GET ''", "$5\r\nempty\r\n"),
        ("SETNX k v", ":0\r\n"),
        ("SETNX new v", ":1\r\n"),
        ("GETSET k next", "$0\r\n\r\n"),
        ("GETSET absent v", "$-1\r\n"),
        ("GETDEL k", "$4\r\nnext\r\n"),
        ("GETDEL k", "$-1\r\n"),
        ("STRLEN new", ":1\r\n"),
        ("STRLEN k", ":0\r\n"),
        ("APPEND k abc", ":3\r\n"),
        ("APPEND k def", ":6\r\n"),
        ("GETRANGE k 1 -2", "$4\r\nbcde\r\n"),
        ("SUBSTR k 0 0", "$1\r\na\r\n"),
        ("GETRANGE none 0 -1", "$0\r\n\r\n"),
        ("GETRANGE k a 1", NOT_AN_INTEGER),
        ("SETRANGE k 2 XY", ":6\r\n"),
        ("GET k", "$6\r\nabXYef\r\n"),
        ("SETRANGE k -1 x", "-ERR offset is out of range\r\n"),
        ("SETRANGE absent2 3 ''", ":0\r\n"),
        ("SETRANGE padded 2 x", ":3\r\n"),
        ("GET padded", "$3\r\n\0\0x\r\n"),
        (
            "SETRANGE k 536870912 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n",
        ),
    ])
    .await;
}

#[tokio::test]
async fn set_has_all_its_options() {
    check(&[
        ("SET k v XX", "$-1\r\n"),
        ("SET k v NX", "+OK\r\n"),
        ("SET k v NX", "$-1\r\n"),
        ("SET k w NX GET", "$1\r\nv\r\n"),
        ("SET k w xx get", "$1\r\nv\r\n"),
        ("SET other x NX GET", "$-1\r\n"),
        ("GET other", "$1\r\nx\r\n"),
        ("SET k v EX 100", "+OK\r\n"),
        ("TTL k", ":100\r\n"),
        ("SET k v KEEPTTL", "+OK\r\n"),
        ("TTL k", ":100\r\n"),
        ("SET k v", "+OK\r\n"),
        ("TTL k", ":-1\r\n"),
        ("SET k v PXAT 1", "+OK\r\n"),
        ("EXISTS k", ":0\r\n"),
        ("SET k v EX 10 EX 20", "+OK\r\n"),
        ("TTL k", ":20\r\n"),
        ("SET k new IFEQ no", "$-1\r\n"),
        ("SET k new IFEQ v", "+OK\r\n"),
        ("SET k newer IFEQ no GET", "$3\r\nnew\r\n"),
        ("SET none v IFEQ ''", "$-1\r\n"),
        ("SET k v NX XX", SYNTAX),
        ("SET k v NX IFEQ v", SYNTAX),
        ("SET k v IFEQ", SYNTAX),
        ("SET k v EX", SYNTAX),
        ("SET k v EX 1 PX 1", SYNTAX),
        ("SET k v EX 1 KEEPTTL", SYNTAX),
        ("SET k v KEEPTTL EX 1", SYNTAX),
        ("SET k v PERSIST", SYNTAX),
        ("SET k v EX x", NOT_AN_INTEGER),
        ("SET k v EX 0", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET k v EX -1", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"),
        ("SETEX k 0 v", "-ERR invalid expire time in 'setex' command\r\n"),
        ("PSETEX k x v", NOT_AN_INTEGER),
        ("SETEX k 10 v", "+OK\r\n"),
        ("PSETEX k 10000 v", "+OK\r\n"),
        ("TTL k", ":10\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn getex_reads_and_changes_the_expiry() {
    check(&[
        ("GETEX k EX 10", "$-1\r\n"),
        ("GETEX k EX nonsense", "$-1\r\n"),
        ("SET k v", "+OK\r\n"),
        ("GETEX k", "$1\r\nv\r\n"),
        ("GETEX k EX 10", "$1\r\nv\r\n"),
        ("GETEX k", "$1\r\nv\r\n"),
        ("TTL k", ":10\r\n"),
        ("GETEX k PERSIST", "$1\r\nv\r\n"),
        ("TTL k", ":-1\r\n"),
        ("GETEX k EX nonsense", NOT_AN_INTEGER),
        ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command\r\n"),
        ("GETEX k EX 1 PERSIST", SYNTAX),
        ("GETEX k PERSIST EX 1", SYNTAX),
        ("GETEX k KEEPTTL", SYNTAX),
        ("GETEX k PXAT 1", "$1\r\nv\r\n"),
        ("GET k", "$-1\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn numbers_are_added() {
    check(&[
        ("INCR n", ":1\r\n"),
        ("INCRBY n 41", ":42\r\n"),
        ("DECR n", ":41\r\n"),
        ("DECRBY n 40", ":1\r\n"),
        ("INCRBY n x", NOT_AN_INTEGER),
        ("INCRBY n 9223372036854775807", "-ERR increment or decrement would overflow\r\n"),
        ("DECRBY n -9223372036854775808", "-ERR decrement would overflow\r\n"),
        ("SET text abc", "+OK\r\n"),
        ("INCR text", NOT_AN_INTEGER),
        ("INCRBYFLOAT n 0.5", "$3\r\n1.5\r\n"),
        ("INCRBYFLOAT n 5.0e3", "$6\r\n5001.5\r\n"),
        ("INCRBYFLOAT n x", "-ERR value is not a valid float\r\n"),
        ("INCRBYFLOAT text 1", "-ERR value is not a valid float\r\n"),
        ("INCRBYFLOAT n inf", "-ERR increment would produce NaN or Infinity\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn several_keys_are_one_command() {
    check(&[
        ("MSET a 1 b 2 a 3", "+OK\r\n"),
        ("MGET a none b", "*3\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n"),
        ("MSETNX c 1 a 1", ":0\r\n"),
        ("EXISTS c", ":0\r\n"),
        ("MSETNX c 1 d 2 c 3", ":1\r\n"),
        ("GET c", "$1\r\n3\r\n"),
        ("MSET a", "-ERR wrong number of arguments for 'mset' command\r\n"),
        ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"),
        ("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command\r\n"),
    ])
    .await;
}
