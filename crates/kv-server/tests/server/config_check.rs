//! `--check-config` prints what is in effect, and the example file is complete and true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kv_server::{Config, Sources};

use crate::support::binary;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kv.example.toml")
}

/// `section.key` of every line that sets one.
fn keys(toml: &str) -> BTreeSet<String> {
    let mut section = "";
    let mut keys = BTreeSet::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn the_example_file_holds_every_key_with_its_default() {
    let sources = Sources { file: Some(example()), ..Sources::default() };
    assert_eq!(Config::load(&sources).unwrap(), Config::default());
    let example = std::fs::read_to_string(example()).unwrap();
    assert_eq!(keys(&example), keys(&Config::default().to_toml()));
}

#[test]
fn every_key_of_the_example_file_is_explained() {
    let example = std::fs::read_to_string(example()).unwrap();
    let mut before = "";
    for line in example.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(before.starts_with("# "), "no comment above {line}");
        }
        before = line;
    }
}

#[test]
fn what_is_in_effect_is_printed_as_toml_that_means_the_same() {
    let settings = ["--set", "engine.memory_limit=2147483648", "--set", "log.level=warn"];
    let output = binary().arg("--check-config").args(settings).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8(output.stdout).unwrap();
    expect_test::expect![[r#"
        data_dir = "./kv-data"

        [server]
        resp_addr = "127.0.0.1:7379"
        grpc_addr = "127.0.0.1:7380"
        http_addr = "127.0.0.1:7381"
        admin_addr = "127.0.0.1:7382"
        http_cors_origins = ""
        threads = 0
        busy_poll_us = 50
        drain_timeout = "10s"

        [engine]
        shards = 1024
        memory_limit = "2GiB"
        eviction_policy = "lru"
        compress_min_bytes = 0
        ttl_tick = "20ms"

        [persist]
        enabled = true
        fsync = "interval"
        fsync_interval = "1s"
        segment_bytes = "64MiB"
        log_buffer_bytes = "64MiB"
        snapshot_interval = "15m"
        snapshot_log_bytes = "512MiB"
        snapshot_bytes_per_second = "128MiB"
        snapshot_buffer_bytes = "1MiB"
        snapshots_kept = 2
        snapshot_on_shutdown = true
        read_uncommitted = false

        [limits]
        key_bytes_max = "64KiB"
        value_bytes_max = "512MiB"
        message_bytes_max = "64MiB"
        batch_ops_max = 10000
        scan_page_keys_max = 10000
        scan_page_bytes_max = "4MiB"
        output_bytes_max = "64MiB"
        connections_max = 10000
        connections_reserved = 16
        connection_bytes_max = "576MiB"
        requests_bytes_max = "1GiB"
        request_timeout = "30s"
        streams_per_connection_max = 1024

        [resp]
        idle_timeout = "0s"

        [log]
        level = "warn"
        format = "text"
        slow_threshold = "10ms"
        slow_entries = 128
    "#]]
    .assert_eq(&printed);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("printed.toml");
    std::fs::write(&file, printed).unwrap();
    let mut wanted = Config::default();
    wanted.set("engine.memory_limit", "2GiB").unwrap();
    wanted.set("log.level", "warn").unwrap();
    let sources = Sources { file: Some(file), ..Sources::default() };
    assert_eq!(Config::load(&sources).unwrap(), wanted);
}

#[test]
fn checking_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let output = binary().arg("--check-config").current_dir(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
