//! `CLIENT` in the Redis protocol: what connections say of themselves, see of each other, and how they are ended.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command};
use crate::support::{start_with, until};

/// The value of a field in a line of `CLIENT LIST`.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let found =
        line.split([' ', '\n']).find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    found.expect(name)
}

/// The lines of `CLIENT LIST`.
async fn list(client: &mut Resp, filter: &str) -> Vec<String> {
    let text = client.text(&format!("CLIENT LIST{filter}")).await;
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_client_sees_itself_and_others() {
    let server = TestServer::start();
    let (mut me, mut other) = (Resp::connect(&server).await, Resp::connect(&server).await);
    me.talk(&[
        ("CLIENT SETNAME me", "+OK\r\n"),
        ("CLIENT SETINFO LIB-NAME lib", "+OK\r\n"),
        ("CLIENT SETINFO lib-ver 1.2", "+OK\r\n"),
    ])
    .await;
    other.ask("SET key value", "+OK\r\n").await;
    let info = me.text("CLIENT INFO").await;
    let local = me.stream.local_addr().unwrap().to_string();
    for (name, value) in [
        ("id", "1"),
        ("addr", local.as_str()),
        ("name", "me"),
        ("lib-name", "lib"),
        ("lib-ver", "1.2"),
        ("cmd", "client|info"),
        ("flags", "N"),
        ("user", "default"),
        ("resp", "2"),
        ("db", "0"),
        ("idle", "0"),
    ] {
        assert_eq!(field(&info, name), value, "{info}");
    }
    let lines = list(&mut me, "").await;
    assert_eq!(lines.len(), 2);
    assert_eq!((field(&lines[1], "id"), field(&lines[1], "cmd")), ("2", "set"));
    assert_eq!(list(&mut me, " TYPE normal").await.len(), 2);
    assert_eq!(list(&mut me, " TYPE replica").await.len(), 0);
    let chosen = list(&mut me, " ID 2 77 1").await;
    let ids: Vec<_> = chosen.iter().map(|line| field(line, "id")).collect();
    assert_eq!(ids, ["2", "1"]);
    drop(other);
    until(async || list(&mut me, "").await.len() == 1).await;
    me.ask("RESET", "+RESET\r\n").await;
    let info = me.text("CLIENT INFO").await;
    assert_eq!((field(&info, "name"), field(&info, "lib-name")), ("", "lib"));
}

#[tokio::test]
async fn what_is_seen_of_a_client_is_what_it_does() {
    let server = TestServer::start();
    let (mut me, mut other) = (Resp::connect(&server).await, Resp::connect(&server).await);
    other.ask("CLIENT NO-EVICT on", "+OK\r\n").await;
    other.ask("CLIENT NO-TOUCH on", "+OK\r\n").await;
    let wait = command("WAIT 1 0");
    other.send([&wait[..], b"*2\r\n$3\r\nGET\r\n$1"].concat()).await;
    until(async || field(&list(&mut me, " ID 2").await[0], "flags") == "beT").await;
    let line = &list(&mut me, " ID 2").await[0];
    assert_eq!((field(line, "cmd"), field(line, "omem")), ("wait", "0"));
    assert_eq!(me.number("CLIENT KILL ID 2").await, 1);
    other.expect_cut().await;
    let mut partial = Resp::connect(&server).await;
    partial.send(b"*2\r\n$3\r\nGET\r\n$10\r\nabc").await;
    until(async || field(&list(&mut me, " ID 3").await[0], "qbuf") == "21").await;
    partial.send(b"defghij\r\n").await;
    partial.expect(b"$-1\r\n").await;
    partial.send(command("HELLO 3")).await;
    until(async || field(&list(&mut me, " ID 3").await[0], "resp") == "3").await;
}

#[tokio::test]
async fn clients_are_ended_by_what_is_known_of_them() {
    let server = TestServer::start();
    let mut me = Resp::connect(&server).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        let mut other = Resp::connect(&server).await;
        other.ask("PING", "+PONG\r\n").await;
        others.push(other);
    }
    let addr = others[0].stream.local_addr().unwrap();
    me.ask(&format!("CLIENT KILL {addr}"), "+OK\r\n").await;
    me.ask(&format!("CLIENT KILL {addr}"), "-ERR No such client\r\n").await;
    others.remove(0).expect_cut().await;
    assert_eq!(me.number("CLIENT KILL ID 3").await, 1);
    others.remove(0).expect_cut().await;
    let addr = others[0].stream.local_addr().unwrap();
    assert_eq!(me.number(&format!("CLIENT KILL ADDR {addr} ID 1 SKIPME no")).await, 0, "both");
    assert_eq!(me.number(&format!("CLIENT KILL ADDR {addr} TYPE pubsub")).await, 0);
    assert_eq!(me.number(&format!("CLIENT KILL ADDR {addr} USER default")).await, 1);
    others.remove(0).expect_cut().await;
    assert_eq!(me.number("CLIENT KILL MAXAGE 1000").await, 0);
    let local = server.socket_addr_of("resp");
    assert_eq!(me.number(&format!("CLIENT KILL LADDR {local}")).await, 2, "not myself");
    for mut other in others {
        other.expect_cut().await;
    }
    me.ask("CLIENT KILL TYPE normal SKIPME no", ":1\r\n").await;
    me.expect_end().await;
}

#[tokio::test]
async fn the_last_answer_of_a_client_that_ends_itself_is_told() {
    let server = TestServer::start();
    let mut me = Resp::connect(&server).await;
    let addr = me.stream.local_addr().unwrap();
    me.send([command(&format!("CLIENT KILL {addr}")), command("PING")].concat()).await;
    me.expect("+OK\r\n").await;
    me.expect_end().await;
}

#[tokio::test]
async fn clients_that_cannot_be_meant_are_refused() {
    let server = TestServer::start();
    Resp::connect(&server)
        .await
        .talk(&[
            ("CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"),
            ("CLIENT NONE", "-ERR unknown subcommand 'NONE'. Try CLIENT HELP.\r\n"),
            ("CLIENT LIST TYPE", "-ERR syntax error\r\n"),
            ("CLIENT LIST TYPE other", "-ERR Unknown client type 'other'\r\n"),
            ("CLIENT LIST ID", "-ERR syntax error\r\n"),
            ("CLIENT LIST ID 1 x", "-ERR Invalid client ID\r\n"),
            ("CLIENT LIST ID 0 -1", "$0\r\n\r\n"),
            ("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command\r\n"),
            ("CLIENT KILL 1.2.3.4:5", "-ERR No such client\r\n"),
            ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0\r\n"),
            ("CLIENT KILL ID x", "-ERR client-id should be greater than 0\r\n"),
            ("CLIENT KILL TYPE other", "-ERR Unknown client type 'other'\r\n"),
            ("CLIENT KILL USER other", "-ERR No such user 'other'\r\n"),
            ("CLIENT KILL SKIPME maybe", "-ERR syntax error\r\n"),
            ("CLIENT KILL ID 1 SKIPME", "-ERR syntax error\r\n"),
            ("CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0\r\n"),
            ("CLIENT NO-EVICT maybe", "-ERR syntax error\r\n"),
            ("CLIENT SETINFO OTHER x", "-ERR Unrecognized option 'OTHER'\r\n"),
            ("CLIENT REPLY maybe", "-ERR syntax error\r\n"),
        ])
        .await;
    let mut client = Resp::connect(&server).await;
    let long = "x".repeat(1025);
    client
        .ask(
            &format!("CLIENT SETINFO LIB-NAME {long}"),
            "-ERR LIB-NAME cannot contain spaces, newlines or special characters.\r\n",
        )
        .await;
    client.ask(&format!("CLIENT SETINFO LIB-NAME {}", &long[1..]), "+OK\r\n").await;
}

#[tokio::test]
async fn answers_that_come_later_are_not_told_to_who_wants_none() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    let skip = |line| [command("CLIENT REPLY SKIP"), command(line)].concat();
    client.send(skip("FLUSHALL")).await;
    client.send(skip("CONFIG SET timeout 0")).await;
    client.is_silent().await;
    client.send([command("CLIENT REPLY OFF"), command("FLUSHALL")].concat()).await;
    client.ask("CLIENT REPLY ON", "+OK\r\n").await;
}

#[tokio::test]
async fn silent_clients_are_closed_after_the_timeout() {
    let server = start_with(&[("resp.idle_timeout", "1s")]);
    let mut silent = Resp::connect(&server).await;
    silent.ask("PING", "+PONG\r\n").await;
    silent.expect_cut().await;
}
