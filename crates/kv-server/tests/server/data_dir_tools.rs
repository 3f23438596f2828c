//! `check`, `repair` and `dump`: what they print, and their exit codes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::support::{FREE_PORTS, Process, binary, connect_to, set};

/// Small, stopped with a last snapshot, and without waiting for connections.
const SETTINGS: [&str; 3] =
    ["persist.segment_bytes=1MiB", "engine.shards=16", "server.drain_timeout=100ms"];

/// The same, with everything in the log, one batch for each write: each proves that the one before was safe.
const LOG_ONLY: [&str; 5] = [
    SETTINGS[0],
    SETTINGS[1],
    SETTINGS[2],
    "persist.snapshot_on_shutdown=false",
    "persist.fsync=always",
];

fn run(args: &[&str]) -> Output {
    binary().args(args).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command, proves its exit code and that it says every one of the words, and tells what it printed.
fn check(args: &[&str], code: i32, words: &[&str]) -> String {
    let output = run(args);
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {all}");
    for word in words {
        assert!(all.contains(word), "{args:?}: {all} lacks {word:?}");
    }
    text(&output.stdout)
}

/// A server that has written some keys, and stopped.
async fn written(dir: &Path, settings: &[&str]) {
    let server = Process::start(dir, settings);
    let mut kv = connect_to(server.addr()).await;
    for number in 0..50 {
        kv.set(set(format!("k{number}"), format!("v{number}"))).await.unwrap();
    }
    kv.set(set(b"\xff\x00", b"\x80")).await.unwrap();
    drop(kv);
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
}

/// The log segments, oldest first.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let names = names(dir).into_iter();
    names.filter(|name| name.starts_with("log-")).map(|name| dir.join(name)).collect()
}

/// Changes a byte of the first record whose value is this, and tells in which file.
fn damage(dir: &Path, value: &str) -> PathBuf {
    let position =
        |bytes: &[u8]| bytes.windows(value.len()).position(|window| window == value.as_bytes());
    for file in segments(dir) {
        let mut bytes = fs::read(&file).unwrap();
        if let Some(at) = position(&bytes) {
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            return file;
        }
    }
    unreachable!("no segment holds {value}");
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_directory_in_order_is_fine_and_nothing_is_to_be_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    written(dir.path(), &SETTINGS).await;
    let before = names(dir.path());
    let words = [
        "ok       MANIFEST",
        "ok       snapshot-",
        "51 keys",
        "51 records",
        "a start would succeed",
    ];
    check(&["check", path], 0, &words);
    for args in [&["repair", path][..], &["repair", path, "--cut-after-damage"]] {
        check(args, 0, &["there is nothing to repair", "a start would succeed"]);
    }
    assert_eq!(names(dir.path()), before);
    let empty = tempfile::tempdir().unwrap();
    check(&["check", empty.path().to_str().unwrap()], 0, &["would begin an empty store"]);
    assert_eq!(names(empty.path()), [""; 0], "nothing was made");
}

#[tokio::test]
async fn damage_is_found_repaired_and_the_server_starts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    written(dir.path(), &LOG_ONLY).await;
    let segment = damage(dir.path(), "v20");
    let (before, damaged) = (names(dir.path()), fs::read(&segment).unwrap());
    let command = format!("kv-server repair {path}");
    check(&["check", path], 1, &["DAMAGED  log-", "a start would be refused", &command]);
    let mut refused = binary();
    for setting in FREE_PORTS {
        refused.args(["--set", setting]);
    }
    let refused = refused.args(["--data-dir", path]).output().expect("the binary runs");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("kv-server check"), "{}", text(&refused.stderr));

    let flagged = format!("nothing was changed; to do this: {command} --cut-after-damage");
    let planned = check(&["repair", path], 1, &["kept:  ", "lost:  positions ", &flagged]);
    assert_eq!((names(dir.path()), fs::read(&segment).unwrap()), (before, damaged.clone()));
    let words = ["done; a start would succeed", "lost:  positions "];
    let repaired = check(&["repair", path, "--cut-after-damage"], 0, &words);
    let plan = planned.split("nothing was changed").next().unwrap();
    assert!(repaired.starts_with(plan), "{planned}\n{repaired}");
    let aside = PathBuf::from(format!("{}.damaged", segment.display()));
    assert_eq!(fs::read(&aside).unwrap(), damaged);
    check(&["check", path], 0, &["a start would succeed", "put aside by a repair"]);
    check(&["repair", path], 0, &["there is nothing to repair"]);
    let dumped = check(&["dump", aside.to_str().unwrap()], 1, &["is damaged at byte"]);
    assert!(dumped.contains(r#""key":"k0","value":"v0","expires_at_ms":null"#), "{dumped}");

    let server = Process::start(dir.path(), &LOG_ONLY);
    let mut kv = connect_to(server.addr()).await;
    assert_eq!(crate::support::get(&mut kv, "k0").await.value.unwrap(), "v0");
    assert!(crate::support::get(&mut kv, "k20").await.value.is_none());
    kv.set(set("after", "repair")).await.unwrap();
    drop(kv);
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    check(&["check", path], 0, &["a start would succeed"]);
}

#[tokio::test]
async fn files_are_printed_as_json_lines() {
    let (stopped, logged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(stopped.path(), &SETTINGS).await;
    written(logged.path(), &LOG_ONLY).await;
    let dumped = |file: &Path| -> Vec<serde_json::Value> {
        let text = check(&["dump", file.to_str().unwrap()], 0, &[]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let mut lines = Vec::new();
    for file in &segments(logged.path()) {
        lines.extend(dumped(file));
    }
    let lsns: Vec<u64> = lines.iter().map(|line| line["lsn"].as_u64().unwrap()).collect();
    assert_eq!(lsns, (1..=51).collect::<Vec<u64>>());
    assert!(lines.iter().all(|line| line["op"] == "put" && line["group"] == 0));

    let manifest = dumped(&stopped.path().join("MANIFEST"));
    assert_eq!((manifest.len(), &manifest[0]["snapshots"][0]["keys"]), (1, &51.into()));
    let is_snapshot = |name: &String| name.starts_with("snapshot-");
    let snapshot = names(stopped.path()).into_iter().find(is_snapshot).unwrap();
    let entries = dumped(&stopped.path().join(snapshot));
    assert_eq!(entries.len(), 51);
    let one = entries.iter().find(|line| line["key"] == "k7").unwrap();
    assert_eq!(one["value"], "v7");
    let bytes = entries.iter().find(|line| line["key_base64"] == "/wA=").unwrap();
    assert_eq!(bytes["value_base64"], "gA==");

    let lock = stopped.path().join("LOCK");
    let words = ["LOCK is not a manifest, a snapshot or a log segment"];
    check(&["dump", lock.to_str().unwrap()], 1, &words);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), &LOG_ONLY).await;
    for args in [vec!["dump"], vec!["check"]] {
        let path = match args[0] {
            "dump" => segments(dir.path()).pop().unwrap(),
            _ => dir.path().to_owned(),
        };
        let mut child = binary();
        child.args(&args).arg(path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    }
}

#[tokio::test]
async fn a_directory_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let _running = Process::start(dir.path(), &SETTINGS);
    for args in [&["check", path][..], &["repair", path], &["repair", path, "--cut-after-damage"]] {
        check(args, 1, &["in use by a running kv-server (pid "]);
    }
    let manifest = dir.path().join("MANIFEST");
    check(&["dump", manifest.to_str().unwrap()], 0, &["hash_seed"]);
}

#[test]
fn what_is_not_there_is_a_mistake_of_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let (gone, path) = (gone.to_str().unwrap(), dir.path().to_str().unwrap());
    check(&["check", gone], 2, &[gone, "is not a directory"]);
    check(&["repair", gone, "--cut-after-damage"], 2, &[gone, "is not a directory"]);
    check(&["dump", path], 2, &[path, "is not a file"]);
    for args in [&["check"][..], &["repair"], &["dump"], &["mend", path], &["check", path, "more"]]
    {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    check(&["--data-dir", path, "check", path], 2, &["cannot be used with"]);
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn help_says_what_each_does_and_how_it_ends() {
    check(&["--help"], 0, &["check ", "repair ", "dump ", "--data-dir", "Exit codes:"]);
    check(&["check", "--help"], 0, &["DIR", "Nothing is changed", "Exit codes:"]);
    check(&["repair", "--help"], 0, &["--cut-after-damage", "NAME.damaged", "Exit codes:"]);
    check(&["dump", "--help"], 0, &["FILE", "key_base64", "Exit codes:"]);
}
