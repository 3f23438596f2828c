//! A configuration that is wrong is refused with key, value, source and what is allowed: exit code 2.

use std::path::Path;

use expect_test::{Expect, expect};

use crate::support::binary;

struct Case<'a> {
    file: (&'a str, &'a str),
    environment: &'a [(&'a str, &'a str)],
    args: &'a [&'a str],
}

const NOTHING: Case<'static> = Case { file: ("kv.toml", ""), environment: &[], args: &[] };

/// Proves that the server refuses the configuration in these words, and does nothing else.
fn check(case: &Case<'_>, wanted: &Expect) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (name, text) = case.file;
    std::fs::write(dir.path().join(name), text).expect("the file is written");
    let mut command = binary();
    command.current_dir(dir.path()).args(["--config", name]).args(case.args);
    let output = command.envs(case.environment.iter().copied()).output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    wanted.assert_eq(&stderr);
    assert!(!Path::new(&dir.path().join("kv-data")).exists(), "the server has not started");
}

#[test]
fn unknown_keys_are_refused_from_every_source() {
    check(
        &Case {
            file: ("kv.toml", "[engine]\nshard = 4\n"),
            environment: &[("KV__LOG__LEVL", "info")],
            args: &["--set", "server.grpc_adr=127.0.0.1:1"],
        },
        &expect![[r#"
            kv-server: 3 problems in the configuration:
              engine.shard = "4" (file kv.toml): unknown key; known are engine.shards, engine.memory_limit, engine.eviction_policy, engine.compress_min_bytes, engine.ttl_tick
              log.levl = "info" (environment variable KV__LOG__LEVL): unknown key; known are log.level, log.format, log.slow_threshold, log.slow_entries
              server.grpc_adr = "127.0.0.1:1" (--set): unknown key; known are server.resp_addr, server.grpc_addr, server.http_addr, server.admin_addr, server.http_cors_origins, server.threads, server.busy_poll_us, server.drain_timeout
        "#]],
    );
}

#[test]
fn unknown_sections_are_refused_with_all_keys() {
    check(
        &Case { file: ("kv.yaml", "cluster:\n  nodes: 3\n"), ..NOTHING },
        &expect![[r#"
            kv-server: 1 problem in the configuration:
              cluster.nodes = "3" (file kv.yaml): unknown key; known are data_dir, server.resp_addr, server.grpc_addr, server.http_addr, server.admin_addr, server.http_cors_origins, server.threads, server.busy_poll_us, server.drain_timeout, engine.shards, engine.memory_limit, engine.eviction_policy, engine.compress_min_bytes, engine.ttl_tick, persist.enabled, persist.fsync, persist.fsync_interval, persist.segment_bytes, persist.log_buffer_bytes, persist.snapshot_interval, persist.snapshot_log_bytes, persist.snapshot_bytes_per_second, persist.snapshot_buffer_bytes, persist.snapshots_kept, persist.snapshot_on_shutdown, persist.read_uncommitted, limits.key_bytes_max, limits.value_bytes_max, limits.message_bytes_max, limits.batch_ops_max, limits.scan_page_keys_max, limits.scan_page_bytes_max, limits.output_bytes_max, limits.connections_max, limits.connections_reserved, limits.connection_bytes_max, limits.requests_bytes_max, limits.request_timeout, limits.streams_per_connection_max, resp.idle_timeout, log.level, log.format, log.slow_threshold, log.slow_entries
        "#]],
    );
}

#[test]
fn a_section_that_is_a_value_is_refused() {
    check(
        &Case { environment: &[("KV__ENGINE", "4")], ..NOTHING },
        &expect![[r#"
            kv-server: 1 problem in the configuration:
              engine = "4" (environment variable KV__ENGINE): is a section, not a key: set one of engine.shards, engine.memory_limit, engine.eviction_policy, engine.compress_min_bytes, engine.ttl_tick
        "#]],
    );
}

#[test]
fn bad_values_are_refused_all_at_once_with_what_is_allowed() {
    let file = "
        data_dir = ''
        [server]
        grpc_addr = 'localhost'
        drain_timeout = 10
        [engine]
        shards = 1000
        memory_limit = 'lots'
        eviction_policy = 'LRU'
        ttl_tick = '1s'
        [limits]
        key_bytes_max = 0
        value_bytes_max = '513MiB'
        message_bytes_max = [1, 2]
        batch_ops_max = 0
        scan_page_keys_max = -1
        scan_page_bytes_max = 0.5
        connections_max = true
        streams_per_connection_max = 65537
        [log]
        level = 'inof'
        format = 'xml'
    ";
    check(
        &Case { file: ("kv.toml", file), ..NOTHING },
        &expect![[r#"
            kv-server: 17 problems in the configuration:
              data_dir = "" (file kv.toml): must be a path that is not empty
              server.grpc_addr = "localhost" (file kv.toml): must be IP:PORT, such as 127.0.0.1:7380, 0.0.0.0:7380 or [::1]:7380 (port 0 takes a free one), or empty to turn the listener off
              server.drain_timeout = "10" (file kv.toml): must be a time from 0s to 1h, with a unit: ms, s, m or h
              engine.shards = "1000" (file kv.toml): must be a power of two from 1 to 65536
              engine.memory_limit = "lots" (file kv.toml): must be a number of bytes from 0, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              engine.eviction_policy = "LRU" (file kv.toml): must be one of lru, lfu, s3fifo, tinylfu, fifo, random, ttl, none
              engine.ttl_tick = "1s" (file kv.toml): must be a time from 1ms to 100ms, with a unit: ms, s, m or h
              limits.key_bytes_max = "0" (file kv.toml): must be a number of bytes from 1 to 16777215, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              limits.value_bytes_max = "513MiB" (file kv.toml): must be a number of bytes from 1 to 512MiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              limits.message_bytes_max = "[...]" (file kv.toml): must be a number of bytes from 4KiB to 1GiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              limits.batch_ops_max = "0" (file kv.toml): must be a whole number from 1 to 1000000
              limits.scan_page_keys_max = "-1" (file kv.toml): must be a whole number from 1 to 1000000
              limits.scan_page_bytes_max = "0.5" (file kv.toml): must be a number of bytes from 1 to 512MiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              limits.connections_max = "true" (file kv.toml): must be a whole number from 1 to 1000000
              limits.streams_per_connection_max = "65537" (file kv.toml): must be a whole number from 1 to 65536
              log.level = "inof" (file kv.toml): must be one of off, error, warn, info, debug, trace, or target=level pairs such as info,kv_server=debug
              log.format = "xml" (file kv.toml): must be text or json
        "#]],
    );
}

#[test]
fn bad_values_of_persistence_are_refused_with_what_is_allowed() {
    let file = "
        [persist]
        enabled = 'yes'
        fsync = 'everysec'
        fsync_interval = '0s'
        segment_bytes = '1KiB'
        log_buffer_bytes = 0
        snapshot_interval = '1ms'
        snapshot_log_bytes = '1KiB'
        snapshot_bytes_per_second = 1000
        snapshot_buffer_bytes = '1KiB'
        snapshots_kept = 0
        snapshot_on_shutdown = 2
        read_uncommitted = ''
    ";
    check(
        &Case { file: ("kv.toml", file), ..NOTHING },
        &expect![[r#"
            kv-server: 12 problems in the configuration:
              persist.enabled = "yes" (file kv.toml): must be true or false
              persist.fsync = "everysec" (file kv.toml): must be one of always, interval, never
              persist.fsync_interval = "0s" (file kv.toml): must be a time from 1ms to 1h, with a unit: ms, s, m or h
              persist.segment_bytes = "1KiB" (file kv.toml): must be a number of bytes from 64KiB to 1GiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              persist.log_buffer_bytes = "0" (file kv.toml): must be a number of bytes from 1MiB to 4GiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              persist.snapshot_interval = "1ms" (file kv.toml): must be 0s (off) or a time from 1s to 30days, with a unit: ms, s, m or h
              persist.snapshot_log_bytes = "1KiB" (file kv.toml): must be 0 (off) or a number of bytes from 64KiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              persist.snapshot_bytes_per_second = "1000" (file kv.toml): must be 0 (off) or a number of bytes from 1MiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              persist.snapshot_buffer_bytes = "1KiB" (file kv.toml): must be a number of bytes from 512KiB to 16MiB, plain or with a unit such as KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000)
              persist.snapshots_kept = "0" (file kv.toml): must be a whole number from 1 to 64
              persist.snapshot_on_shutdown = "2" (file kv.toml): must be true or false
              persist.read_uncommitted = "" (file kv.toml): must be true or false
        "#]],
    );
}

#[test]
fn each_source_of_a_bad_value_is_named() {
    check(
        &Case {
            file: ("kv.toml", "[engine]\nshards = 3\n"),
            environment: &[("KV__ENGINE__TTL_TICK", "1")],
            args: &["--set", "log.level=loud", "--set", "data_dir="],
        },
        &expect![[r#"
            kv-server: 4 problems in the configuration:
              data_dir = "" (--set): must be a path that is not empty
              engine.shards = "3" (file kv.toml): must be a power of two from 1 to 65536
              engine.ttl_tick = "1" (environment variable KV__ENGINE__TTL_TICK): must be a time from 1ms to 100ms, with a unit: ms, s, m or h
              log.level = "loud" (--set): must be one of off, error, warn, info, debug, trace, or target=level pairs such as info,kv_server=debug
        "#]],
    );
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let listeners = ["server.resp_addr=", "server.grpc_addr=", "server.http_addr="];
    let settings = listeners.into_iter().chain(["limits.message_bytes_max=64KiB"]);
    let args: Vec<&str> = settings.flat_map(|setting| ["--set", setting]).collect();
    check(
        &Case { args: &args, ..NOTHING },
        &expect![[r"
            kv-server: 2 problems in the configuration:
              server.grpc_addr: every listener for clients is off: set an address, such as 127.0.0.1:7380, here or in server.resp_addr or server.http_addr
              limits.key_bytes_max: 64KiB does not fit in limits.message_bytes_max = 64KiB: it must with 1024 bytes more
        "]],
    );
    let args = ["--set", "engine.memory_limit=64KiB", "--check-config"];
    check(
        &Case { args: &args, ..NOTHING },
        &expect![[r"
            kv-server: engine.memory_limit = 65536: must be 0 (none) or at least 868352 bytes, which 1024 empty shards take; raise it or lower engine.shards
        "]],
    );
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    check(
        &Case { file: ("kv.toml", "[engine\nshards = 4"), ..NOTHING },
        &expect![[r"
        kv-server: configuration file kv.toml cannot be parsed: TOML parse error at line 1, column 8
          |
        1 | [engine
          |        ^
        unclosed table, expected `]`
    "]],
    );
    check(
        &Case { file: ("kv.toml", "[engine]\nshards = 4\nshards = 8"), ..NOTHING },
        &expect![[r"
        kv-server: configuration file kv.toml cannot be parsed: TOML parse error at line 3, column 1
          |
        3 | shards = 8
          | ^^^^^^
        duplicate key
    "]],
    );
    check(
        &Case { file: ("kv.yaml", "engine: [\n"), ..NOTHING },
        &expect![[r"
        kv-server: configuration file kv.yaml cannot be parsed: while parsing a node, did not find expected node content at byte 10 line 2 column 1
    "]],
    );
    check(
        &Case { file: ("kv.conf", ""), ..NOTHING },
        &expect![[r"
        kv-server: configuration file kv.conf has an unknown format: its name must end in .toml, .yaml or .yml
    "]],
    );
    let output = binary().args(["--config", "absent.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    expect![[r"
        kv-server: configuration file absent.toml cannot be read: No such file or directory (os error 2)
    "]].assert_eq(&String::from_utf8_lossy(&output.stderr));
}

#[test]
fn arguments_that_are_not_understood_are_refused() {
    check(
        &Case { args: &["--set", "engine.shards"], ..NOTHING },
        &expect![[r"
        kv-server: --set engine.shards is not an assignment: must be section.key=value
    "]],
    );
    check(
        &Case { args: &["--set", "=4"], ..NOTHING },
        &expect![[r"
        kv-server: --set =4 is not an assignment: must be section.key=value
    "]],
    );
    let output = binary().arg("--port").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
