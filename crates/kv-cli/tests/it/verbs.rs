//! Every verb in every form, as a session at a terminal.

use expect_test::{Expect, expect};

use crate::harness::Cli;

fn check(lines: &str, expected: &Expect) {
    expected.assert_eq(&Cli::start().session(lines));
}

#[tokio::test(flavor = "multi_thread")]
async fn set_and_get() {
    check(
        "set greeting hello
         get greeting
         get greeting -o raw
         get greeting -o json
         set greeting hi -o json
         set greeting hey -o raw
         set greeting you --get
         set greeting all --get -o raw
         set greeting now --get -o json
         set other x --get",
        &expect![[r#"
            $ kv-cli set greeting hello
            OK, version VERSION, durability memory
            $ kv-cli get greeting
            hello
            $ kv-cli get greeting -o raw
            hello(no newline)
            $ kv-cli get greeting -o json
            {"key":"greeting","found":true,"value":"hello","version":VERSION,"ttl_ms":null}
            $ kv-cli set greeting hi -o json
            {"key":"greeting","applied":true,"version":VERSION,"ttl_ms":null,"durability":"memory"}
            $ kv-cli set greeting hey -o raw
            VERSION
            $ kv-cli set greeting you --get
            before: hey
            OK, version VERSION, durability memory
            $ kv-cli set greeting all --get -o raw
            you(no newline)
            $ kv-cli set greeting now --get -o json
            {"key":"greeting","applied":true,"version":VERSION,"ttl_ms":null,"previous":"all","durability":"memory"}
            $ kv-cli set other x --get
            before: (none)
            OK, version VERSION, durability memory
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions() {
    check(
        "set k v --xx
         set k v --nx
         set k w --nx
         set k w --nx --get
         set k w --nx --get -o raw
         set k w --nx -o json
         set k w --xx -o json
         set k w --if-version 7
         del k --if-version 7
         del k --if-version 0
         del a b --if-version 7
         get k",
        &expect![[r#"
            $ kv-cli set k v --xx
            kv-cli: key "k" not written: it does not exist
            [1]
            $ kv-cli set k v --nx
            OK, version VERSION, durability memory
            $ kv-cli set k w --nx
            kv-cli: key "k" not written: it exists, at version VERSION
            [1]
            $ kv-cli set k w --nx --get
            before: v
            kv-cli: key "k" not written: it exists, at version VERSION
            [1]
            $ kv-cli set k w --nx --get -o raw
            v(no newline)
            kv-cli: key "k" not written: it exists, at version VERSION
            [1]
            $ kv-cli set k w --nx -o json
            {"key":"k","applied":false,"version":VERSION,"ttl_ms":null,"durability":null}
            kv-cli: key "k" not written: it exists, at version VERSION
            [1]
            $ kv-cli set k w --xx -o json
            {"key":"k","applied":true,"version":VERSION,"ttl_ms":null,"durability":"memory"}
            $ kv-cli set k w --if-version 7
            kv-cli: key "k" not written: it exists, at version VERSION
            [1]
            $ kv-cli del k --if-version 7
            kv-cli: key "k" not removed: it is at version VERSION
            [1]
            $ kv-cli del k --if-version 0
            kv-cli: key "k" not removed: it is at version VERSION
            [1]
            $ kv-cli del a b --if-version 7
            kv-cli: --if-version goes with one key: each key has versions of its own
            [2]
            $ kv-cli get k
            w
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_and_reading_many_keys() {
    check(
        "mset a 1 b 2 --atomic
         mset c 3 -o json
         mset d 4 -o raw
         mset a
         mset a 1 b
         mget a b nope
         mget a nope b -o raw
         mget a nope -o json",
        &expect![[r#"
            $ kv-cli mset a 1 b 2 --atomic
            OK, 2 keys written, durability memory
            $ kv-cli mset c 3 -o json
            {"written":1,"durability":"memory"}
            $ kv-cli mset d 4 -o raw
            1
            $ kv-cli mset a
            error: 2 values required by '<KEY> <VALUE>...'; only 1 was provided

            Usage: kv-cli mset [OPTIONS] <KEY> <VALUE>...

            For more information, try '--help'.
            [2]
            $ kv-cli mset a 1 b
            kv-cli: a key without a value: mset takes keys and values in turn
            [2]
            $ kv-cli mget a b nope
            KEY   VALUE        VERSION           TTL
            a     1            VERSION  -
            b     2            VERSION  -
            nope  (not found)  -                 -
            kv-cli: 1 of 3 keys not found
            [1]
            $ kv-cli mget a nope b -o raw
            1

            2
            kv-cli: 1 of 3 keys not found
            [1]
            $ kv-cli mget a nope -o json
            {"key":"a","found":true,"value":"1","version":VERSION,"ttl_ms":null}
            {"key":"nope","found":false,"value":null,"version":null,"ttl_ms":null}
            kv-cli: 1 of 2 keys not found
            [1]
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_and_removing_many_keys() {
    check(
        "mset a 1 b 2 c 3 d 4 -o raw
         exists a b nope
         exists a nope -o raw
         exists a nope -o json
         exists nope
         del a nope
         del b
         del b
         del c d -o json
         del c d -o raw",
        &expect![[r#"
            $ kv-cli mset a 1 b 2 c 3 d 4 -o raw
            4
            $ kv-cli exists a b nope
            KEY   BYTES        VERSION           TTL
            a     1            VERSION  -
            b     1            VERSION  -
            nope  (not found)  -                 -
            kv-cli: 1 of 3 keys not found
            [1]
            $ kv-cli exists a nope -o raw
            1
            0
            kv-cli: 1 of 2 keys not found
            [1]
            $ kv-cli exists a nope -o json
            {"key":"a","exists":true,"value_bytes":1,"version":VERSION,"ttl_ms":null}
            {"key":"nope","exists":false,"value_bytes":null,"version":null,"ttl_ms":null}
            kv-cli: 1 of 2 keys not found
            [1]
            $ kv-cli exists nope
            kv-cli: key "nope" not found
            [1]
            $ kv-cli del a nope
            deleted 1 of 2 keys
            kv-cli: 1 of 2 keys not found
            [1]
            $ kv-cli del b
            OK
            $ kv-cli del b
            kv-cli: key "b" not found
            [1]
            $ kv-cli del c d -o json
            {"key":"c","deleted":true,"version":VERSION,"durability":"memory"}
            {"key":"d","deleted":true,"version":VERSION,"durability":"memory"}
            $ kv-cli del c d -o raw
            0
            kv-cli: 2 of 2 keys not found
            [1]
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_appending() {
    check(
        "incr n
         incr n 41 -o raw
         incr n -2 -o json
         append n 0
         append n 0 -o raw
         append n 0 -o json
         incr n 9223372036854775807
         append text x
         incr text",
        &expect![[r#"
            $ kv-cli incr n
            1
            $ kv-cli incr n 41 -o raw
            42
            $ kv-cli incr n -2 -o json
            {"key":"n","value":40,"version":VERSION,"ttl_ms":null,"durability":"memory"}
            $ kv-cli append n 0
            3 bytes
            $ kv-cli append n 0 -o raw
            4
            $ kv-cli append n 0 -o json
            {"key":"n","value_bytes":5,"version":VERSION,"ttl_ms":null,"durability":"memory"}
            $ kv-cli incr n VERSION
            kv-cli: increment by VERSION of 40000 would leave the range -2^63 to 2^63-1
            [4]
            $ kv-cli append text x
            1 byte
            $ kv-cli incr text
            kv-cli: value is not an integer: increment needs a decimal number from -2^63 to 2^63-1
            [4]
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn expiries_of_existing_keys() {
    check(
        "set k v
         ttl k
         ttl k -o raw
         ttl k -o json
         persist k
         expire k 9000000h --gt
         expire k 9000000h --xx
         expire k 9000000h -o raw --nx
         persist k -o json
         persist k -o raw
         expire k --at 1
         ttl k
         ttl k -o json
         expire k 1s
         persist k -o json",
        &expect![[r#"
            $ kv-cli set k v
            OK, version VERSION, durability memory
            $ kv-cli ttl k
            no expiry
            $ kv-cli ttl k -o raw
            -1
            $ kv-cli ttl k -o json
            {"key":"k","found":true,"version":VERSION,"ttl_ms":null}
            $ kv-cli persist k
            kv-cli: key "k" not changed: there is no expiry to remove
            [1]
            $ kv-cli expire k 9000000h --gt
            kv-cli: key "k" not changed: the rule does not allow it; its TTL is none
            [1]
            $ kv-cli expire k 9000000h --xx
            kv-cli: key "k" not changed: the rule does not allow it; its TTL is none
            [1]
            $ kv-cli expire k 9000000h -o raw --nx
            1
            $ kv-cli persist k -o json
            {"key":"k","applied":true,"version":VERSION,"ttl_ms":null,"durability":"memory"}
            $ kv-cli persist k -o raw
            0
            kv-cli: key "k" not changed: there is no expiry to remove
            [1]
            $ kv-cli expire k --at 1
            OK
            $ kv-cli ttl k
            kv-cli: key "k" not found
            [1]
            $ kv-cli ttl k -o json
            {"key":"k","found":false,"version":null,"ttl_ms":null}
            kv-cli: key "k" not found
            [1]
            $ kv-cli expire k 1s
            kv-cli: key "k" not found
            [1]
            $ kv-cli persist k -o json
            {"key":"k","applied":false,"version":null,"ttl_ms":null,"durability":null}
            kv-cli: key "k" not found
            [1]
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn expiries_with_a_write() {
    check(
        "set k v --ttl 0s
         set k v --ttl 5
         set k v --at 1
         set k v --at 1 -o json
         get k
         set k v --keep-ttl",
        &expect![[r#"
            $ kv-cli set k v --ttl 0s
            kv-cli: expiry of 0 ms is out of range: a TTL must be at least 1 ms and end before Unix time VERSION ms
            [4]
            $ kv-cli set k v --ttl 5
            error: invalid value '5' for '--ttl <TTL>': time unit needed, for example 5sec or 5ms, as in 10s, 500ms or 1h30m

            For more information, try '--help'.
            [2]
            $ kv-cli set k v --at 1
            OK, and the key has ended: its time is past
            $ kv-cli set k v --at 1 -o json
            {"key":"k","applied":true,"version":null,"ttl_ms":null,"durability":"memory"}
            $ kv-cli get k
            kv-cli: key "k" not found
            [1]
            $ kv-cli set k v --keep-ttl
            OK, version VERSION, durability memory
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn scanning() {
    check(
        "scan
         set a:1 one
         set a:2 two
         scan --prefix a:1
         scan --prefix a:1 --values
         scan --prefix a:1 --values -o raw
         scan --prefix a:1 -o raw
         scan --prefix a:1 --values -o json
         scan --prefix a:1 -o json
         scan --prefix b",
        &expect![[r#"
            $ kv-cli scan
            KEY  VERSION  TTL
            $ kv-cli set a:1 one
            OK, version VERSION, durability memory
            $ kv-cli set a:2 two
            OK, version VERSION, durability memory
            $ kv-cli scan --prefix a:1
            KEY  VERSION           TTL
            a:1  VERSION  -
            $ kv-cli scan --prefix a:1 --values
            KEY  VALUE  VERSION           TTL
            a:1  one    VERSION  -
            $ kv-cli scan --prefix a:1 --values -o raw
            a:1	one
            $ kv-cli scan --prefix a:1 -o raw
            a:1
            $ kv-cli scan --prefix a:1 --values -o json
            {"key":"a:1","value":"one","version":VERSION,"ttl_ms":null}
            $ kv-cli scan --prefix a:1 -o json
            {"key":"a:1","version":VERSION,"ttl_ms":null}
            $ kv-cli scan --prefix b
            KEY  VERSION  TTL
        "#]],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn scanning_in_parts_finds_every_key_once() {
    let cli = Cli::start();
    let keys: Vec<_> = (0..25).map(|key| format!("k{key:02}")).collect();
    for key in &keys {
        cli.line(&format!("set {key} v")).text();
    }
    let mut found = Vec::new();
    let mut line = "scan --limit 10 -o json".to_owned();
    for _part in 0..10 {
        let listed = cli.line(&line).text();
        let mut objects: Vec<serde_json::Value> =
            listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let cursor = objects.pop_if(|last| last.get("cursor").is_some());
        assert!(objects.len() <= 10);
        found.extend(objects.iter().map(|object| object["key"].as_str().unwrap().to_owned()));
        let Some(cursor) = cursor else { break };
        line = format!("scan --limit 10 -o json --cursor {}", cursor["cursor"].as_str().unwrap());
    }
    found.sort();
    assert_eq!(found, keys);

    let ran = cli.line("scan --limit 10 -o raw");
    assert_eq!(String::from_utf8(ran.stdout).unwrap().lines().count(), 10);
    assert!(ran.stderr.starts_with("there may be more: --cursor "), "{}", ran.stderr);
    let ran = cli.line("scan --limit 26 -o raw");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_in_every_form() {
    let cli = Cli::start();
    cli.line("set k value --ttl 1h").text();
    let table = cli.line("stats").text();
    let line = |name: &str, value: &str| {
        let row = table.lines().find(|line| line.split_whitespace().next() == Some(name));
        assert_eq!(row.unwrap().split_whitespace().nth(1), Some(value), "{table}");
    };
    line("NAME", "VALUE");
    line("keys", "1");
    line("volatile_keys", "1");
    line("payload_bytes", "6");
    line("memory_limit_bytes", "none");
    line("server_version", env!("CARGO_PKG_VERSION"));
    let json: serde_json::Value = serde_json::from_str(&cli.line("stats -o json").text()).unwrap();
    assert_eq!((&json["keys"], &json["memory_limit_bytes"]), (&1.into(), &serde_json::Value::Null));
    assert!(cli.line("stats -o raw").text().lines().any(|line| line == "keys 1"));
    assert_eq!(json.as_object().unwrap().len(), table.lines().count() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_and_version() {
    let cli = Cli::start();
    assert!(cli.line("ping").text().starts_with("PONG in "));
    assert_eq!(cli.line("ping -o raw").text(), "PONG\n");
    assert!(cli.line("ping -o json").text().starts_with("{\"serving\":true,\"ms\":"));
    let version = env!("CARGO_PKG_VERSION");
    let both = format!("kv-cli {version}\nkv-server {version}\n");
    assert_eq!(cli.line("version").text(), both);
    assert_eq!(cli.line("version -o raw").text(), both);
    let json = format!("{{\"client\":\"{version}\",\"server\":\"{version}\"}}\n");
    assert_eq!(cli.line("version -o json").text(), json);
    assert_eq!(cli.line("--version").text(), format!("kv-cli {version}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn durability_is_asked_for_and_told() {
    let cli = Cli::start();
    for line in ["set k v", "mset k v", "incr n", "append k v", "expire k 1h", "persist k", "del k"]
    {
        let told = cli.line(&format!("{line} --durability memory -o json")).text();
        assert!(told.contains("\"durability\":\"memory\""), "{line}: {told}");
        assert_eq!(cli.line(&format!("{line} --durability disk")).code, 2, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_helps_with_an_example() {
    let cli = Cli::start();
    let help = cli.line("--help").text();
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs: Vec<_> = verbs.map_while(|line| line.split_whitespace().next()).collect();
    assert_eq!(verbs.len(), 20, "{verbs:?}");
    for verb in verbs.iter().filter(|verb| **verb != "help") {
        let help = cli.line(&format!("{verb} --help")).text();
        assert!(help.contains("Example") && help.contains(&format!("  kv-cli {verb}")), "{help}");
    }
}
