//! `COMMAND` in the Redis protocol: what is said about commands.

use kv_server::testing::TestServer;

use crate::support::resp::{Resp, command};

#[tokio::test]
async fn keys_are_found_in_whole_commands() {
    let server = TestServer::start();
    let one = |key: &str, flags: &[&str]| {
        let count = flags.len();
        let flags = format!("+{}\r\n", flags.join("\r\n+"));
        format!("*2\r\n${}\r\n{key}\r\n*{count}\r\n{flags}", key.len())
    };
    let set = format!("*1\r\n{}", one("a", &["OW", "update"]));
    let set_get = format!("*1\r\n{}", one("a", &["RW", "access", "update"]));
    let rename =
        format!("*2\r\n{}{}", one("a", &["RW", "access", "delete"]), one("b", &["OW", "update"]));
    let pairs = format!("*2\r\n{}{}", one("a", &["OW", "insert"]), one("b", &["OW", "insert"]));
    Resp::connect(&server)
        .await
        .talk(&[
            ("COMMAND GETKEYS GET a", "*1\r\n$1\r\na\r\n"),
            ("COMMAND GETKEYS mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            ("COMMAND GETKEYS DEL a b c", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"),
            ("COMMAND GETKEYS OBJECT ENCODING a", "*1\r\n$1\r\na\r\n"),
            ("COMMAND GETKEYS LCS a b LEN", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            ("COMMAND GETKEYS PING x", "-ERR The command has no key arguments\r\n"),
            ("COMMAND GETKEYS none x", "-ERR Invalid command specified\r\n"),
            (
                "COMMAND GETKEYS GET a b",
                "-ERR Invalid number of arguments specified for command\r\n",
            ),
            ("COMMAND GETKEYSANDFLAGS SET a 1", &set),
            ("COMMAND GETKEYSANDFLAGS SET a 1 EX 10 GET", &set_get),
            ("COMMAND GETKEYSANDFLAGS RENAME a b", &rename),
            ("COMMAND GETKEYSANDFLAGS MSETNX a 1 b 2", &pairs),
        ])
        .await;
}

#[tokio::test]
async fn commands_are_documented() {
    let server = TestServer::start();
    let mut client = Resp::connect(&server).await;
    client
        .ask(
            "COMMAND DOCS none time",
            "*2\r\n$4\r\ntime\r\n*6\r\n$7\r\nsummary\r\n$24\r\nReturns the server time.\r\n\
             $5\r\nsince\r\n$5\r\n2.6.0\r\n$5\r\ngroup\r\n$6\r\nserver\r\n",
        )
        .await;
    client.ask("COMMAND DOCS none", "*0\r\n").await;
    client.send(command("COMMAND DOCS object")).await;
    let texts = client.array_of_bulks().await;
    for name in ["subcommands", "object|encoding", "object|help"] {
        assert!(texts.iter().any(|text| text == name), "{name} in {texts:?}");
    }
    client.send(command("COMMAND LIST")).await;
    let names = client.array_of_bulks().await;
    client.send(command("COMMAND DOCS")).await;
    let documented = client.array_of_bulks().await;
    for name in names {
        // Arguments have the names of commands too, but no summary.
        let is_documented = documented.windows(2).any(|pair| pair == [name.as_str(), "summary"]);
        assert!(is_documented, "{name}");
    }
    for container in ["CLIENT", "COMMAND", "CONFIG", "MEMORY", "OBJECT", "SLOWLOG"] {
        client.send(command(&format!("{container} HELP"))).await;
        let count: usize = client.line().await[1..].parse().unwrap();
        let first = client.line().await;
        assert_eq!(
            first,
            format!("+{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
        );
        for _ in 1..count {
            client.line().await;
        }
    }
    client.is_silent().await;
}
