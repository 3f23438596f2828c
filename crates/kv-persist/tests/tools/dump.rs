//! A dump shows what was written, as far as it checks out.

use std::ops::ControlFlow;

use kv_core::testing::OwnedEffect;
use kv_persist::disk::mem::MemDisk;
use kv_persist::manifest::Manifest;
use kv_persist::tools::{DumpEnd, DumpError, Dumped, dump};

use crate::scene::{Scene, newest};

/// Everything that is shown: the log's effects with their positions, or a snapshot's entries.
fn shown(disk: &MemDisk, name: &str) -> (Vec<(u64, OwnedEffect)>, Result<DumpEnd, DumpError>) {
    let mut effects = Vec::new();
    let end = dump(disk, name, &mut |item| {
        match item {
            Dumped::Manifest(_) => {}
            Dumped::Entry(effect) => effects.push((0, OwnedEffect::from_effect(&effect))),
            Dumped::Effect { lsn, group, effect } => {
                assert_eq!(group, 0);
                effects.push((lsn.get(), OwnedEffect::from_effect(&effect)));
            }
        }
        ControlFlow::Continue(())
    });
    (effects, end)
}

#[test]
fn a_log_s_segments_show_every_effect() {
    let scene = Scene::log_only();
    let mut found = Vec::new();
    for name in scene.disk.names().into_iter().filter(|name| name.starts_with("log-")) {
        let (effects, end) = shown(&scene.disk, &name);
        assert_eq!(end.unwrap(), DumpEnd::Whole);
        found.extend(effects);
    }
    let written = (1..).zip(&scene.records);
    let written =
        written.flat_map(|(lsn, record)| record.iter().map(move |one| (lsn, one.clone())));
    assert_eq!(found, written.collect::<Vec<_>>());
}

#[test]
fn a_snapshot_shows_its_entries_and_a_manifest_itself() {
    let scene = Scene::stopped();
    let info = newest(&scene.disk);
    let name = format!("snapshot-{:016}.kvs", info.id);
    let (effects, end) = shown(&scene.disk, &name);
    assert_eq!(end.unwrap(), DumpEnd::Whole);
    let keys: Vec<Vec<u8>> = effects.into_iter().map(|(_, effect)| effect.key).collect();
    let state = &scene.states[usize::try_from(info.log_end.get()).unwrap()];
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, state.keys().cloned().collect::<Vec<_>>());
    let mut manifests = Vec::new();
    dump(&scene.disk, "MANIFEST", &mut |item| {
        let Dumped::Manifest(manifest) = item else { panic!("{item:?}") };
        manifests.push(manifest.clone());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(manifests, [Manifest::load(&scene.disk).unwrap().unwrap()]);
}

#[test]
fn files_of_any_name_are_shown_and_the_visitor_may_break_off() {
    let scene = Scene::log_only();
    let bytes = scene.disk.read("log-0000000000000002.kvl").unwrap();
    scene.disk.put("copy.damaged", &bytes).unwrap();
    let mut count = 0;
    let end = dump(&scene.disk, "copy.damaged", &mut |_| {
        count += 1;
        if count == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((count, end.unwrap()), (2, DumpEnd::Whole));
}

#[test]
fn damage_ends_a_dump_with_a_reason_and_a_torn_tail_with_a_note() {
    let scene = Scene::log_only();
    let name = "log-0000000000000003.kvl";
    let whole = shown(&scene.disk, name).0;
    let bytes = scene.disk.read(name).unwrap();
    let headers = (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"kvB1");
    let headers: Vec<usize> = headers.collect();
    for (index, at) in headers.iter().enumerate() {
        let disk = scene.disk.copy();
        disk.overwrite(name, *at as u64 + 65, b"\xff").unwrap();
        let (effects, end) = shown(&disk, name);
        assert_eq!(effects, whole[..effects.len()]);
        assert!(effects.len() < whole.len());
        let is_proved = index == 0;
        match end {
            Err(DumpError::Log { offset, .. }) => assert!(is_proved && offset == *at as u64),
            Ok(DumpEnd::Torn { offset, .. }) => assert!(!is_proved && offset == *at as u64),
            other => panic!("{other:?}"),
        }
    }
    for name in ["gone", "MANIFEST.txt"] {
        scene.disk.put("MANIFEST.txt", b"hello").unwrap();
        let error = shown(&scene.disk, name).1.unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
}
