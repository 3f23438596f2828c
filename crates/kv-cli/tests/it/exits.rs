//! Exit codes, and the one line on standard error that goes with each.

use expect_test::{Expect, expect};
use kv_server::testing::TestServer;

use crate::harness::Cli;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_every_verb_says_what_helps_and_exits_with_3() {
    let cli = Cli::without_server();
    cli.write("file", "k\tv\n");
    for line in [
        "get k",
        "set k v",
        "del k",
        "exists k",
        "mget k",
        "mset k v",
        "incr k",
        "append k v",
        "ttl k",
        "expire k 1s",
        "persist k",
        "scan",
        "import file",
        "export -",
        "export out",
        "snapshot",
        "stats",
        "ping",
        "version",
    ] {
        let ran = cli.line(line);
        assert_eq!(ran.code, 3, "{line}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{line}: {ran:?}");
        for part in [
            "cannot reach kv-server at http://127.0.0.1:",
            "Connection refused",
            "is kv-server running there?",
            "KV_ADDR",
        ] {
            assert!(ran.stderr.contains(part), "{line}: {ran:?}");
        }
    }
    assert!(!cli.path("out").exists(), "a failed export leaves no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    // Bound and never accepted: the connection opens, and nothing comes.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let cli = Cli::without_server();
    for (line, expected) in
        [("get k", "no answer from kv-server"), ("set k v", "the write may have been applied")]
    {
        let ran = cli.line(&format!("{line} --addr {address} --timeout 600ms"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(expected) && ran.stderr.contains("600ms"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_exits_with_4_in_its_words() {
    let cli = Cli::with(TestServer::start_with(|config| {
        config.set("limits.key_bytes_max", "4").unwrap();
        config.set("limits.value_bytes_max", "5").unwrap();
    }));
    let session = cli.session(
        "set '' v
         get ''
         set 12345 v
         set k 123456
         append k 12345
         append k 6
         mset k v 12345 v
         mset k v 12345 v --atomic
         scan --cursor 00",
    );
    let expected: Expect = expect![[r#"
        $ kv-cli set '' v
        kv-cli: key is empty: a key must have at least 1 byte
        [4]
        $ kv-cli get ''
        kv-cli: key is empty: a key must have at least 1 byte
        [4]
        $ kv-cli set 12345 v
        kv-cli: key of 5 bytes is too long: at most 4 bytes are allowed (limits.key_bytes_max)
        [4]
        $ kv-cli set k 123456
        kv-cli: value of 6 bytes is too long: at most 5 bytes are allowed (limits.value_bytes_max)
        [4]
        $ kv-cli append k 12345
        5 bytes
        $ kv-cli append k 6
        kv-cli: value of 6 bytes is too long: at most 5 bytes are allowed (limits.value_bytes_max)
        [4]
        $ kv-cli mset k v 12345 v
        OK, 1 key written, durability memory
        kv-cli: 1 of 2 keys refused: key of 5 bytes is too long: at most 4 bytes are allowed (limits.key_bytes_max)
        [4]
        $ kv-cli mset k v 12345 v --atomic
        kv-cli: the atomic batch was not applied because of operation 1: key of 5 bytes is too long: at most 4 bytes are allowed (limits.key_bytes_max)
        [4]
        $ kv-cli scan --cursor 00
        kv-cli: scan cursor is not one of this server's: it is damaged, or from another server or before a restart; start again with an empty cursor
        [4]
    "#]];
    expected.assert_eq(&session);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_exit_with_2_and_say_what_is_allowed() {
    let cli = Cli::start();
    let check = |line: &str, expected: &str| {
        let ran = cli.line(line);
        assert_eq!((ran.code, ran.stdout.len()), (2, 0), "{line}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{line}: {ran:?}");
    };
    check("", "Usage: kv-cli");
    check("nonsense", "unrecognized subcommand 'nonsense'");
    check("get", "Usage: kv-cli get");
    check("set k v --nx --xx", "cannot be used with");
    check("set k v --ttl 10", "as in 10s, 500ms or 1h30m");
    check("set k v --ttl -5s", "it must not be negative; 10s, 500ms and 1h30m are allowed");
    check("expire k -5s", "it must not be negative");
    check("set k @missing", "cannot read missing: No such file");
    check("set 00 xy --hex", "is no hex digit: 0-9 and a-f are allowed");
    check("get kk --hex", "is no hex digit");
    check("get k --addr https://a:1", "TLS is not supported yet");
    check("get k --addr a:b", "an address is like http://127.0.0.1:7380");
    check("get k --output xml", "possible values: table, json, raw");
    check("get k --timeout 1ms", "at least 10ms are needed");
    check("import missing", "cannot read missing: No such file");
    check("import .", "it is a directory; a file name is needed");
    check("export .", "it is a directory; a file name is needed");
    check("export no/such/file", "cannot write no/such/file: No such file");
    check("export out --with-ttl", "--with-ttl goes with --format csv or jsonl");
    check("import x --format csv --escape", "--escape goes with --format tsv");
    check("import x --delimiter ab", "one character of one byte is needed");
    check("scan --cursor xyz", "even number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let cli = Cli::start();
    let rows = (0..20_000).map(|row| format!("k{row}\t{row}\n")).collect::<Vec<_>>().concat();
    cli.write("rows", rows);
    assert_eq!(cli.line("import rows").code, 0);
    for line in ["scan", "export -"] {
        let mut child = cli.spawn(line);
        drop(child.stdout.take());
        let ran = crate::harness::Ran::of(child);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{line}");
    }
}
