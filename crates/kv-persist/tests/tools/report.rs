//! What people read.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use kv_persist::disk::Disk;
use kv_persist::disk::mem::MemDisk;
use kv_persist::tools::{FileState, ToolProgress, check};

use crate::scene::Scene;

fn check_text(disk: &MemDisk, expected: &Expect) {
    let progress = ToolProgress::default();
    assert_eq!(progress.percent(), 0);
    let report = check(disk, 1, &progress).unwrap();
    assert!(progress.percent() <= 100);
    let mut text = String::new();
    for file in &report.files {
        let (word, what) = match &file.state {
            FileState::Good(what) => ("ok", what),
            FileState::Unneeded(what) => ("-", what),
            FileState::Damaged(what) => ("DAMAGED", what),
        };
        writeln!(text, "{word} {}: {what}", file.name).unwrap();
    }
    writeln!(text, "{}", report.start).unwrap();
    expected.assert_eq(&text);
}

#[test]
fn a_directory_in_order() {
    let disk = Scene::serving().disk;
    let others =
        ["LOCK", "spare-0000000000000001.kvl", "MANIFEST.tmp", "MANIFEST.damaged", "x.tmp"];
    for other in others {
        disk.put(other, b"").unwrap();
    }
    disk.put("log-0000000000000001.kvl", b"").unwrap();
    disk.put("snapshot-0000000000000009.kvs", b"").unwrap();
    check_text(
        &disk,
        &expect![[r"
            ok MANIFEST: manifest 2: 2 snapshots, and the log from segment 2 on
            - snapshot-0000000000000009.kvs: the manifest does not name it; the next start removes it
            ok snapshot-0000000000000002.kvs: 3 keys, as of positions 10 to 12 of the log
            ok snapshot-0000000000000001.kvs: 6 keys, as of position 5 of the log
            ok log-0000000000000002.kvl: 2 records in 1 batch, positions 6 to 7
            ok log-0000000000000003.kvl: 6 records in 1 batch, positions 8 to 13
            ok log-0000000000000004.kvl: 3 records in 2 batches, positions 14 to 16
            - MANIFEST.damaged: put aside by a repair
            - MANIFEST.tmp: unfinished; the next start removes it
            - log-0000000000000001.kvl: no snapshot needs it any more; the next start removes it
            - spare-0000000000000001.kvl: made in advance for the log
            - x.tmp: not a file of the server
            a start would succeed: it would load snapshot 2 and replay the log up to position 16
        "]],
    );
}

#[test]
fn an_empty_directory() {
    check_text(
        &MemDisk::new(),
        &expect![[r"
        a start would begin an empty store: there are no data
    "]],
    );
}

#[test]
fn a_torn_tail_is_told_and_is_no_damage() {
    let disk = Scene::log_only().disk;
    let name = "log-0000000000000003.kvl";
    let bytes = disk.read(name).unwrap();
    disk.put(name, &bytes[..bytes.len() - 70]).unwrap();
    check_text(
        &disk,
        &expect![[r"
            ok MANIFEST: manifest 0: 0 snapshots, and the log from segment 1 on
            ok log-0000000000000001.kvl: 4 records in 2 batches, positions 1 to 4
            ok log-0000000000000002.kvl: 4 records in 1 batch, positions 5 to 8
            ok log-0000000000000003.kvl: 5 records in 2 batches, positions 9 to 13
            a start would succeed: it would replay the whole log up to position 13; it would cut off a torn tail of 115 bytes at byte 375 of log-0000000000000003.kvl: writes that a crash interrupted, never acknowledged as safe
        "]],
    );
}

#[test]
fn damage_of_every_kind() {
    let disk = Scene::serving().disk;
    disk.remove("log-0000000000000003.kvl").unwrap();
    disk.remove("snapshot-0000000000000001.kvs").unwrap();
    disk.overwrite("snapshot-0000000000000002.kvs", 80, b"!").unwrap();
    disk.overwrite("log-0000000000000004.kvl", 80, b"!").unwrap();
    check_text(
        &disk,
        &expect![[r"
            ok MANIFEST: manifest 2: 2 snapshots, and the log from segment 2 on
            DAMAGED snapshot-0000000000000002.kvs: is damaged at byte 64: 33 entries cannot be 17 bytes long
            DAMAGED snapshot-0000000000000001.kvs: cannot be read: entity not found
            ok log-0000000000000002.kvl: 2 records in 1 batch, positions 6 to 7
            DAMAGED log-0000000000000003.kvl: no such file
            DAMAGED log-0000000000000004.kvl: at byte 64: expected batch 4, found no batch header of this segment; no records, 0 batches before that
            a start would be refused: the log is damaged: memory/log-0000000000000003.kvl at byte 0: expected segment 3, since there is a later one, found no such file; nothing was changed. `kv-server check memory` lists what is damaged, `kv-server repair memory --cut-after-damage` gives up this and all that was written after it
        "]],
    );
    disk.overwrite("MANIFEST", 20, b"!").unwrap();
    check_text(
        &disk,
        &expect![[r"
            DAMAGED MANIFEST: is damaged: checksum 0xe3cf9a46, expected 0xe72240d9
            DAMAGED snapshot-0000000000000002.kvs: is damaged at byte 64: 33 entries cannot be 17 bytes long
            ok log-0000000000000002.kvl: 2 records in 1 batch, positions 6 to 7
            DAMAGED log-0000000000000003.kvl: no such file
            DAMAGED log-0000000000000004.kvl: at byte 64: expected batch 4, found no batch header of this segment; no records, 0 batches before that
            a start would be refused: memory: MANIFEST is damaged: checksum 0xe3cf9a46, expected 0xe72240d9. `kv-server check memory` shows what is damaged; restore MANIFEST from a copy, or let `kv-server repair memory` rebuild it
        "]],
    );
    disk.remove("MANIFEST").unwrap();
    check_text(
        &disk,
        &expect![[r"
            DAMAGED MANIFEST: no such file, and there are files that it should name
            DAMAGED snapshot-0000000000000002.kvs: is damaged at byte 64: 33 entries cannot be 17 bytes long
            ok log-0000000000000002.kvl: 2 records in 1 batch, positions 6 to 7
            DAMAGED log-0000000000000003.kvl: no such file
            DAMAGED log-0000000000000004.kvl: at byte 64: expected batch 4, found no batch header of this segment; no records, 0 batches before that
            a start would be refused: memory holds log-0000000000000002.kvl and no MANIFEST: a part of the data directory is missing; restore it from a copy, choose an empty directory with --data-dir, or see what `kv-server repair memory` can rebuild it from
        "]],
    );
}
