//! The real server on a disk that fills up: writes are refused, reads and deletes served, and writes go on by
//! themselves when there is space again. What was acknowledged is there after a kill (KV-I2).

#![expect(
    clippy::print_stdout,
    reason = "tests that say how much they tried, or that they could not"
)]

mod small_disk;

use std::path::Path;

use kv_proto::v1::DeleteRequest;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::support::{Kv, Process, bytes, connect_to, exists, get, refused, set, within};
use small_disk::SmallDisk;

/// Size of the disk, of which half is taken by a file that is removed later.
const DISK_MIB: u32 = 32;

/// That file.
const BALLAST_BYTES: usize = 16 << 20;

/// Small segments, so that many are begun before the disk is full; no snapshot frees any.
const SETTINGS: [&str; 5] = [
    "persist.fsync=always",
    "persist.segment_bytes=1MiB",
    "persist.snapshot_interval=0s",
    "persist.snapshot_log_bytes=0",
    "persist.snapshot_on_shutdown=false",
];

/// Clients that write at the same time.
const WRITERS: usize = 8;

const VALUE_BYTES: usize = 4096;

/// More than fit on the disk.
const WRITES_MAX: usize = ((DISK_MIB as usize) << 20) / VALUE_BYTES;

#[test]
fn a_full_tmpfs_refuses_writes_until_there_is_space() {
    let name = "disk_full::a_full_tmpfs_refuses_writes_until_there_is_space";
    SmallDisk::Tmpfs(DISK_MIB).run(name, fill_and_free);
}

#[test]
fn a_full_ext4_refuses_writes_until_there_is_space() {
    let name = "disk_full::a_full_ext4_refuses_writes_until_there_is_space";
    SmallDisk::Ext4(DISK_MIB).run(name, fill_and_free);
}

fn fill_and_free(disk: &Path) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(scenario(disk));
}

async fn scenario(disk: &Path) {
    let (ballast, data) = (disk.join("ballast"), disk.join("data"));
    std::fs::write(&ballast, vec![1; BALLAST_BYTES]).expect("half of the disk is free");
    let server = Process::start(&data, &SETTINGS);
    let mut kv = connect_to(server.addr()).await;

    let mut kept = fill(&server, "before").await;
    let deleted = full_disk_serves(&mut kv, &mut kept).await;

    std::fs::remove_file(&ballast).expect("it is there");
    within(set_until_accepted(&mut kv, "resumed")).await;
    kept.push("resumed".to_owned());
    for number in 0..100 {
        let key = format!("after-{number}");
        kv.set(value(&key)).await.expect("there is space");
        kept.push(key);
    }
    server.signal("KILL");
    server.exit_code();

    let server = Process::start(&data, &SETTINGS);
    let mut kv = connect_to(server.addr()).await;
    for key in &kept {
        assert_eq!(get(&mut kv, key).await.value, value(key).value.into(), "{key}");
    }
    for key in &deleted {
        assert!(!exists(&mut kv, key).await, "{key} was deleted on the full disk");
    }
    assert!(!exists(&mut kv, "refused").await, "what was refused was not done");
    kept.extend(fill(&server, "again").await);
    starts_on_a_full_disk(server, &data, &kept).await;
    println!("{} acknowledged writes survived a full disk and two kills", kept.len());
}

/// Recovery needs no space: everything can be read, and deleted to make some.
async fn starts_on_a_full_disk(server: Process, data: &Path, kept: &[String]) {
    server.signal("KILL");
    server.exit_code();
    let server = Process::start(data, &SETTINGS);
    let mut kv = connect_to(server.addr()).await;
    for key in kept {
        assert_eq!(get(&mut kv, key).await.value, value(key).value.into(), "{key}");
    }
    // The log begins with a segment in the space that recovery has cut off. It may take a moment until it
    // knows how much is left in there.
    let first = kept.first().expect("some were acknowledged");
    let delete = || DeleteRequest { key: bytes(first), ..Default::default() };
    within(async {
        while let Err(status) = kv.delete(delete()).await {
            refused_as_full(Err::<(), _>(status));
        }
    })
    .await;
    assert!(!exists(&mut kv, first).await, "the delete was accepted");
}

/// Several clients write until each is refused. Tells which keys were acknowledged.
async fn fill(server: &Process, prefix: &str) -> Vec<String> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (mut kv, prefix) = (connect_to(server.addr()).await, prefix.to_owned());
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            loop {
                let key = format!("{prefix}-{writer}-{}", acknowledged.len());
                match within(kv.set(value(&key))).await {
                    Ok(_) => acknowledged.push(key),
                    Err(status) => {
                        refused_as_full(Err::<(), _>(status));
                        return acknowledged;
                    }
                }
                assert!(acknowledged.len() < WRITES_MAX, "all of this cannot be on the disk");
            }
        });
    }
    let keys: Vec<String> = writers.join_all().await.into_iter().flatten().collect();
    assert!(keys.len() > 1000, "only {} writes fitted on the disk", keys.len());
    keys
}

/// Reads and deletes are served, all other writes refused. Tells which keys were deleted.
async fn full_disk_serves(kv: &mut Kv, kept: &mut Vec<String>) -> Vec<String> {
    refused_as_full(kv.set(value("refused")).await);
    assert!(!exists(kv, "refused").await, "a refused write is not applied");
    for key in kept.iter() {
        assert_eq!(get(kv, key).await.value, value(key).value.into(), "{key}");
    }
    let deleted = kept.split_off(kept.len() / 2);
    for key in &deleted {
        let request = DeleteRequest { key: bytes(key), ..Default::default() };
        let answer = within(kv.delete(request)).await.expect("deletes are accepted");
        assert!(answer.into_inner().applied, "{key}");
        assert!(!exists(kv, key).await, "{key}");
    }
    refused_as_full(kv.set(value("refused")).await);
    deleted
}

/// Writes until it is accepted; until then each refusal must say the same.
async fn set_until_accepted(kv: &mut Kv, key: &str) {
    while let Err(status) = kv.set(value(key)).await {
        refused_as_full(Err::<(), _>(status));
    }
}

fn refused_as_full<T: std::fmt::Debug>(result: Result<T, Status>) {
    refused(result, Code::ResourceExhausted, "DISK_FULL", &["full"]);
}

/// Every key has a value of its own.
fn value(key: &str) -> kv_proto::v1::SetRequest {
    set(key, format!("{key:x<VALUE_BYTES$}"))
}
