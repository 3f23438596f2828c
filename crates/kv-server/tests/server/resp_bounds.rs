//! Large values, slow readers and stopping servers in the Redis protocol.

use std::time::Duration;

use kv_server::testing::TestServer;
use tokio::io::AsyncReadExt as _;

use crate::support::log::until;
use crate::support::resp::{Resp, bulk, command, request};
use crate::support::{start_with, within};

/// Differs from place to place, so that what is exchanged is seen.
fn value(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap_or(0)).collect()
}

#[tokio::test]
async fn values_of_any_length_come_back_as_they_were() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    for len in [0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 65_536, 1_000_000, 20_000_000] {
        let value = value(len);
        client
            .send(
                [request(&[b"SET", b"k", &value]), command("GET k"), command("STRLEN k")].concat(),
            )
            .await;
        client
            .expect([b"+OK\r\n", &bulk(&value)[..], format!(":{len}\r\n").as_bytes()].concat())
            .await;
    }
    let large = value(100_000);
    client
        .send([request(&[b"MSET", b"a", &large, b"b", b"x"]), command("MGET a b a c")].concat())
        .await;
    let large = bulk(&large);
    client
        .expect([b"+OK\r\n*4\r\n", &large[..], b"$1\r\nx\r\n", &large, b"$-1\r\n"].concat())
        .await;
    client.ask("GETRANGE a 99990 -1", bulk(&value(100_000)[99_990..])).await;
}

#[tokio::test]
async fn a_request_of_many_arguments_may_come_in_pieces() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let keys: Vec<String> = (0..9000).map(|number| format!("key:{number}")).collect();
    let mut args: Vec<&[u8]> = vec![b"MSET"];
    for key in &keys {
        args.extend([key.as_bytes(), b"v"]);
    }
    for piece in request(&args).chunks(1000) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    client.expect("+OK\r\n").await;
    client.ask("DBSIZE", ":9000\r\n").await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_read_from() {
    const ASKED: usize = 4000;
    let server = start_with(&[("limits.output_bytes_max", "64KiB")]);
    let mut client = Resp::connect(&server).await;
    let value = value(100_000);
    client.send(request(&[b"SET", b"k", &value])).await;
    client.expect("+OK\r\n").await;
    client.send(request(&[b"SET", b"n", b"0"])).await;
    client.expect("+OK\r\n").await;
    // Sends without reading: more than sockets hold, in requests and in answers.
    let pair = [command("GET k"), command("INCR n")].concat();
    let (mut reader, mut writer) = client.stream.into_split();
    let sending = tokio::spawn(async move {
        for _ in 0..ASKED {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &pair).await.expect("it is read");
        }
        writer
    });
    let mut other = Resp::connect(&server).await;
    let made = || server.store().stats().writes;
    until(|| made() > 10).await;
    let mut before = 0;
    while made() > before {
        before = made();
        for _ in 0..200 {
            other.ask("PING", "+PONG\r\n").await;
        }
    }
    assert!(before < ASKED as u64, "the server has answered without end");
    let expected_value = bulk(&value);
    for number in 1..=ASKED {
        let expected = [&expected_value[..], format!(":{number}\r\n").as_bytes()].concat();
        let mut received = vec![0; expected.len()];
        within(reader.read_exact(&mut received)).await.expect("an answer");
        assert!(received == expected, "answer {number}");
    }
    drop(sending.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_for_long_is_closed() {
    let server = start_with(&[("limits.output_bytes_max", "64KiB")]);
    let mut client = Resp::connect(&server).await;
    client.send(request(&[b"SET", b"k", &value(16 << 20)])).await;
    client.expect("+OK\r\n").await;
    client.send(command("GET k").repeat(4)).await;
    // The clock runs ahead while everybody waits.
    let mut stream = client.stream;
    tokio::time::timeout(Duration::from_mins(10), async {
        while stream.writable().await.is_ok() {
            if stream
                .try_write(b"*1\r\n$4\r\nPING\r\n")
                .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the server closes the connection");
    let mut rest = Vec::new();
    assert!(stream.read_to_end(&mut rest).await.is_err() || rest.len() < 64 << 20);
}

#[tokio::test]
async fn a_request_that_does_not_arrive_is_given_up() {
    let server = start_with(&[("limits.request_timeout", "50ms")]);
    let mut idle = Resp::connect(&server).await;
    let mut client = Resp::connect(&server).await;
    client.send([command("SET k v"), b"*2\r\n$3\r\nGET\r\n$1000\r\n".to_vec()].concat()).await;
    client.expect("+OK\r\n").await;
    // Each byte is a sign of life, and still it is too slow.
    let drip = async {
        while client.stream.writable().await.is_ok() {
            tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await.ok();
            if client.stream.try_write(b"T").is_err() {
                return;
            }
        }
    };
    let expected =
        b"-ERR request given up: it took longer than limits.request_timeout = 50ms to arrive\r\n";
    let mut received = vec![0; expected.len()];
    let answered = async {
        let mut at = 0;
        while at < received.len() {
            client.stream.readable().await.unwrap();
            at += client.stream.try_read(&mut received[at..]).unwrap_or(0);
        }
    };
    tokio::select! {
        () = drip => {}
        () = within(answered) => {}
    }
    assert_eq!(String::from_utf8_lossy(&received), String::from_utf8_lossy(expected));
    idle.ask("PING", "+PONG\r\n").await;
}

#[tokio::test]
async fn what_connections_keep_is_bounded() {
    let server = start_with(&[
        ("limits.value_bytes_max", "1MiB"),
        ("limits.message_bytes_max", "1MiB"),
        ("limits.connection_bytes_max", "2MiB"),
        ("limits.requests_bytes_max", "2MiB"),
    ]);
    let mut client = Resp::connect(&server).await;
    client.ask("SET k v", "+OK\r\n").await;
    let mut large = Resp::connect(&server).await;
    let part = bulk(&value(900_000));
    let sent = [b"*7\r\n$4\r\nMSET\r\n", &part[..], &part, &part].concat();
    // The server may be done with it before everything is sent.
    drop(tokio::io::AsyncWriteExt::write_all(&mut large.stream, &sent).await);
    large.expect("-TRYAGAIN too much is in flight on this connection").await;
    assert!(large.line().await.contains("limits.connection_bytes_max = 2097152"));
    // Small requests go on, and so does what fits.
    client.ask("GET k", "$1\r\nv\r\n").await;
    client.send(request(&[b"SET", b"l", &value(1_000_000)])).await;
    client.expect("+OK\r\n").await;
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_received_and_closes() {
    let server = TestServer::start();
    let mut idle = Resp::connect(&server).await;
    idle.ask("PING", "+PONG\r\n").await;
    let mut busy = Resp::connect(&server).await;
    busy.ask("PING", "+PONG\r\n").await;
    let large = value(8 << 20);
    busy.send(request(&[b"SET", b"k", &large])).await;
    busy.expect("+OK\r\n").await;
    // Its answers do not fit in any socket.
    busy.send([command("GET k").repeat(4), command("INCR n")].concat()).await;
    until(|| server.store().stats().hits > 0).await;
    let stopped = tokio::spawn(server.stop());
    idle.expect_end().await;
    for _ in 0..4 {
        busy.expect(bulk(&large)).await;
    }
    busy.expect(":1\r\n").await;
    busy.expect_end().await;
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn a_blocked_client_does_not_keep_the_server_from_stopping() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client.ask("PING", "+PONG\r\n").await;
    client.send(command("WAIT 1 0")).await;
    let stopped = tokio::spawn(server.stop());
    client.expect(":0\r\n").await;
    client.expect_end().await;
    assert_eq!(within(stopped).await.unwrap().connections_cut, 0);
}
