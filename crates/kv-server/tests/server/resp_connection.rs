//! The Redis protocol itself: greetings, splits, inline commands, what is not known, what cannot be understood.

use kv_server::testing::TestServer;
use tokio::io::AsyncWriteExt as _;

use crate::support::resp::{Resp, bulk, command, request};
use crate::support::start_with;

async fn connect() -> (TestServer, Resp) {
    let server = TestServer::start();
    let client = Resp::connect(&server).await;
    (server, client)
}

#[tokio::test]
async fn a_connection_is_greeted_named_and_left() {
    let (server, mut client) = connect().await;
    client
        .talk(&[
            ("PING", "+PONG\r\n"),
            ("PING hello", "$5\r\nhello\r\n"),
            ("PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"),
            ("ECHO hello", "$5\r\nhello\r\n"),
            ("SELECT 0", "+OK\r\n"),
            ("SELECT 1", "-ERR DB index is out of range\r\n"),
            ("SELECT x", "-ERR value is not an integer or out of range\r\n"),
            ("CLIENT GETNAME", "$-1\r\n"),
            ("CLIENT SETNAME me", "+OK\r\n"),
            ("CLIENT GETNAME", "$2\r\nme\r\n"),
            ("CLIENT ID", ":1\r\n"),
            ("AUTH default any", "+OK\r\n"),
            (
                "AUTH other any",
                "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
            ),
            ("AUTH a b c", "-ERR syntax error\r\n"),
            ("RESET", "+RESET\r\n"),
            ("CLIENT GETNAME", "$-1\r\n"),
        ])
        .await;
    client.send(command("CLIENT SETNAME a\u{a0}b")).await;
    client
        .expect("-ERR Client names cannot contain spaces, newlines or special characters.\r\n")
        .await;
    let mut other = Resp::connect(&server).await;
    other.ask("CLIENT ID", ":2\r\n").await;
    other.send([command("QUIT"), command("PING")].concat()).await;
    other.expect("+OK\r\n").await;
    other.expect_end().await;
}

#[tokio::test]
async fn hello_chooses_the_version_of_the_protocol() {
    let (_server, mut client) = connect().await;
    let fields = |start: &str, proto: u8, end: &str| {
        format!(
            "{start}$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$5\r\nproto\r\n\
             :{proto}\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n\
             $6\r\nmaster\r\n$7\r\nmodules\r\n{end}"
        )
    };
    client.ask("HELLO", fields("*14\r\n", 2, "*0\r\n")).await;
    client.ask("GET none", "$-1\r\n").await;
    client.ask("HELLO 3 AUTH default x SETNAME me", fields("%7\r\n", 3, "*0\r\n")).await;
    client
        .talk(&[
            ("GET none", "_\r\n"),
            ("SET k v XX", "_\r\n"),
            ("MGET none", "*1\r\n_\r\n"),
            ("CLIENT GETNAME", "$2\r\nme\r\n"),
            ("COMMAND INFO none", "*1\r\n_\r\n"),
            ("CONFIG GET nonsense", "%0\r\n"),
            ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
            ("HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"),
            ("HELLO 3 NONSENSE", "-ERR Syntax error in HELLO option 'NONSENSE'\r\n"),
            (
                "HELLO 2 AUTH other x",
                "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
            ),
            ("GET none", "_\r\n"),
        ])
        .await;
    client.ask("HELLO 2", fields("*14\r\n", 2, "*0\r\n")).await;
    client.ask("GET none", "$-1\r\n").await;
}

#[tokio::test]
async fn answers_can_be_turned_off() {
    let (_server, mut client) = connect().await;
    let lines = [
        "CLIENT REPLY OFF",
        "SET k 1",
        "NONSENSE",
        "CLIENT REPLY SKIP",
        "MGET k k",
        "CLIENT REPLY ON",
        "INCR k",
        "CLIENT REPLY SKIP",
        "INCR k",
        "INCR k",
        "CLIENT REPLY MAYBE",
    ];
    let sent: Vec<u8> = lines.iter().flat_map(|line| command(line)).collect();
    client.send(sent).await;
    client.expect("+OK\r\n:2\r\n:4\r\n-ERR syntax error\r\n").await;
    client.is_silent().await;
}

#[tokio::test]
async fn a_reset_turns_answers_on_and_is_itself_what_a_skip_was_meant_for() {
    let (_server, mut client) = connect().await;
    let lines = ["CLIENT REPLY SKIP", "RESET", "PING", "CLIENT REPLY OFF", "RESET", "PING"];
    let sent: Vec<u8> = lines.iter().flat_map(|line| command(line)).collect();
    client.send(sent).await;
    client.expect("+PONG\r\n+RESET\r\n+PONG\r\n").await;
    client.is_silent().await;
}

#[tokio::test]
async fn requests_may_be_split_anywhere() {
    let (_server, mut client) = connect().await;
    let lines = ["SET k value", "GET k", "INCR n", "MGET k n", "NONSENSE"];
    let mut sent: Vec<u8> = lines.iter().flat_map(|line| command(line)).collect();
    sent.extend(b"PING \"a b\"\r\n");
    for split in 0..=sent.len() {
        let (head, tail) = sent.split_at(split);
        client.send(head).await;
        tokio::task::yield_now().await;
        client.send(tail).await;
        let number = split + 1;
        let n = bulk(number.to_string().as_bytes());
        client.expect("+OK\r\n$5\r\nvalue\r\n").await;
        client.expect(format!(":{number}\r\n*2\r\n$5\r\nvalue\r\n")).await;
        client.expect(n).await;
        client
            .expect("-ERR unknown command 'NONSENSE', with args beginning with: \r\n$3\r\na b\r\n")
            .await;
    }
}

#[tokio::test]
async fn a_byte_at_a_time_is_enough() {
    let (_server, mut client) = connect().await;
    let sent = [command("SET k value"), command("GET k")].concat();
    for byte in sent {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    client.expect("+OK\r\n$5\r\nvalue\r\n").await;
}

#[tokio::test]
async fn a_long_pipeline_is_answered_in_order() {
    const COUNT: usize = 20_000;
    let (_server, client) = connect().await;
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    for number in 0..COUNT {
        let value = number.to_string();
        match number % 4 {
            0 => {
                sent.extend(request(&[b"SET", b"k", value.as_bytes()]));
                expected.extend(b"+OK\r\n");
            }
            1 => {
                sent.extend(command("GET k"));
                expected.extend(bulk((number - 1).to_string().as_bytes()));
            }
            2 => {
                sent.extend(command("MGET k"));
                expected.extend(b"*1\r\n");
                expected.extend(bulk((number - 2).to_string().as_bytes()));
            }
            _ => {
                sent.extend(command("GET"));
                expected.extend(b"-ERR wrong number of arguments for 'get' command\r\n");
            }
        }
    }
    let Resp { stream } = client;
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut writer, &sent).await.expect("the server reads");
        writer
    });
    let mut received = vec![0; expected.len()];
    tokio::io::AsyncReadExt::read_exact(&mut reader, &mut received).await.expect("answers");
    assert!(received == expected, "answers differ");
    drop(sending.await.expect("no panic"));
}

#[tokio::test]
async fn what_is_not_known_is_said_as_redis_says_it() {
    let (_server, mut client) = connect().await;
    let long = "x".repeat(200);
    client
        .talk(&[
            (
                "LPUSH l a b",
                "-ERR unknown command 'LPUSH', with args beginning with: 'l' 'a' 'b' \r\n",
            ),
            ("multi", "-ERR unknown command 'multi', with args beginning with: \r\n"),
            ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
            ("GET a b", "-ERR wrong number of arguments for 'get' command\r\n"),
            ("CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"),
            ("CLIENT GETNAME x", "-ERR wrong number of arguments for 'client|getname' command\r\n"),
            ("CLIENT NONSENSE", "-ERR unknown subcommand 'NONSENSE'. Try CLIENT HELP.\r\n"),
            ("config nonsense", "-ERR unknown subcommand 'nonsense'. Try CONFIG HELP.\r\n"),
            (
                &format!("{long} {long} second"),
                &format!(
                    "-ERR unknown command '{0}', with args beginning with: '{0}' \r\n",
                    "x".repeat(128)
                ),
            ),
        ])
        .await;
    client.send(request(&[b"a\r\nb\xff", b"c\nd"])).await;
    client
        .expect("-ERR unknown command 'a  b\u{fffd}', with args beginning with: 'c d' \r\n")
        .await;
    client.is_silent().await;
}

#[tokio::test]
async fn what_cannot_be_understood_ends_the_connection_after_what_could() {
    let server = TestServer::start();
    for (sent, error) in [
        ("*1\r\n!4\r\n", "expected '$', got '!'"),
        ("*x\r\n", "invalid multibulk length"),
        ("*1048577\r\n", "invalid multibulk length"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"),
        ("PING \"\r\n", "unbalanced quotes in request"),
        (&"x".repeat(70_000), "too big inline request"),
    ] {
        let mut client = Resp::connect(&server).await;
        client
            .send([command("SET k v"), sent.as_bytes().to_vec(), command("DEL k")].concat())
            .await;
        client.expect(format!("+OK\r\n-ERR Protocol error: {error}\r\n")).await;
        client.expect_end().await;
    }
    let mut client = Resp::connect(&server).await;
    client.ask("GET k", "$1\r\nv\r\n").await;
}

#[tokio::test]
async fn keys_and_values_of_any_length_are_taken_up_to_the_limits() {
    const TOO_LONG: &str = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
    let server = start_with(&[("limits.key_bytes_max", "100"), ("limits.value_bytes_max", "1000")]);
    let mut client = Resp::connect(&server).await;
    let (key, value) = (vec![b'k'; 100], vec![b'v'; 1000]);
    client.send(request(&[b"SET", &key, &value])).await;
    client.expect("+OK\r\n").await;
    client.send(request(&[b"GET", &key])).await;
    client.expect(bulk(&value)).await;
    client.send(request(&[b"SET", &[&key[..], b"k"].concat(), b"v"])).await;
    client
        .expect(
            "-ERR key of 101 bytes is too long: at most 100 bytes are allowed (limits.key_bytes_max)\r\n",
        )
        .await;
    client.send(request(&[b"SET", b"k", &[&value[..], b"v"].concat()])).await;
    client.expect(TOO_LONG).await;
    client.send(request(&[b"APPEND", &key, b"v"])).await;
    client.expect(TOO_LONG).await;
    client.is_silent().await;
}

#[tokio::test]
async fn the_table_is_told() {
    let (_server, mut client) = connect().await;
    client
        .talk(&[
            (
                "COMMAND INFO get",
                "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n\
                 *3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n\
                 *2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n\
                 $4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n\
                 $5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n\
                 $5\r\nlimit\r\n:0\r\n*0\r\n",
            ),
            ("COMMAND GETKEYS MSET a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            ("COMMAND GETKEYS del a b c", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"),
            ("COMMAND GETKEYS rename a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            ("COMMAND GETKEYS NONSENSE a", "-ERR Invalid command specified\r\n"),
            ("COMMAND GETKEYS PING a", "-ERR The command has no key arguments\r\n"),
            ("COMMAND GETKEYS GET", "-ERR Invalid number of arguments specified for command\r\n"),
            ("COMMAND LIST FILTERBY PATTERN *SETNX", "*2\r\n$5\r\nsetnx\r\n$6\r\nmsetnx\r\n"),
            ("COMMAND LIST FILTERBY NONSENSE x", "-ERR syntax error\r\n"),
        ])
        .await;
    client.send(command("COMMAND COUNT")).await;
    let count: usize = client.line().await[1..].parse().unwrap();
    client.send(command("COMMAND")).await;
    assert_eq!(client.line().await, format!("*{count}"));
}

/// All connections of a thread decode in the same room.
#[tokio::test]
async fn what_a_client_leaves_unfinished_is_not_taken_for_the_next_one_s() {
    let server = TestServer::start();
    for beginning in ["*1\r\n", "*3\r\n$3\r\nSET\r\n", "*2\r\n$3\r\nGET\r\n$5\r\nhal", "GET unfin"]
    {
        let mut leaving = Resp::connect(&server).await;
        // The answer says that what is behind it has arrived, too.
        leaving.send([&command("PING"), beginning.as_bytes()].concat()).await;
        leaving.expect("+PONG\r\n").await;
        leaving.stream.shutdown().await.unwrap();
        leaving.expect_end().await;
        let mut next = Resp::connect(&server).await;
        next.ask("STRLEN k", ":0\r\n").await;
    }
}
