//! What is in a file, as lines of JSON.

use std::io::{self, Write};
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kv_core::{Change, DeleteCause, Effect, Lsn, UnixMillis};
use kv_persist::manifest::{Manifest, SnapshotInfo};
use kv_persist::tools::Dumped;
use serde::{Serialize, Serializer};

/// A line of a log.
#[derive(Serialize)]
struct EffectLine<'a> {
    lsn: u64,
    group: u32,
    shard: u32,
    version: u64,
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(flatten)]
    key: Key<'a>,
    #[serde(flatten)]
    state: State<'a>,
}

/// A line of a snapshot.
#[derive(Serialize)]
struct EntryLine<'a> {
    #[serde(flatten)]
    key: Key<'a>,
    #[serde(flatten)]
    state: State<'a>,
    shard: u32,
    version: u64,
}

/// What names a key, if anything.
#[derive(Serialize)]
struct Key<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<Base64<'a>>,
}

/// What a key becomes, as far as the effect says so.
#[derive(Default, Serialize)]
struct State<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<Expiry>,
}

/// `null` for a key that does not end.
#[derive(Serialize)]
#[serde(transparent)]
struct Expiry(Option<u64>);

impl Expiry {
    fn of(at: Option<UnixMillis>) -> Self {
        Self(at.map(UnixMillis::get))
    }
}

struct Base64<'a>(&'a [u8]);

/// The line of a manifest.
#[derive(Serialize)]
struct ManifestLine {
    sequence: u64,
    hash_seed: u64,
    first_segment: u64,
    snapshots: Vec<SnapshotPart>,
}

/// A snapshot that a manifest names.
#[derive(Serialize)]
struct SnapshotPart {
    id: u64,
    log_start: u64,
    log_end: u64,
    keys: u64,
    bytes: u64,
}

/// Writes a line.
pub(super) fn write(out: &mut impl Write, item: &Dumped<'_>) -> io::Result<()> {
    match item {
        Dumped::Manifest(manifest) => serde_json::to_writer(&mut *out, &manifest_line(manifest)),
        Dumped::Entry(effect) => serde_json::to_writer(&mut *out, &entry_line(effect)),
        Dumped::Effect { lsn, group, effect } => {
            serde_json::to_writer(&mut *out, &effect_line(*lsn, *group, effect))
        }
    }?;
    out.write_all(b"\n")
}

fn manifest_line(manifest: &Manifest) -> ManifestLine {
    let Manifest { sequence, hash_seed, first_segment, snapshots } = manifest;
    let part = |info: &SnapshotInfo| SnapshotPart {
        id: info.id,
        log_start: info.log_start.get(),
        log_end: info.log_end.get(),
        keys: info.keys,
        bytes: info.bytes,
    };
    ManifestLine {
        sequence: *sequence,
        hash_seed: *hash_seed,
        first_segment: *first_segment,
        snapshots: snapshots.iter().map(part).collect(),
    }
}

fn entry_line<'a>(effect: &Effect<'a>) -> EntryLine<'a> {
    let (shard, version) = (effect.shard, effect.version.get());
    EntryLine { key: key(effect), state: state(effect), shard, version }
}

fn effect_line<'a>(lsn: Lsn, group: u32, effect: &Effect<'a>) -> EffectLine<'a> {
    let (op, cause) = match effect.change {
        Change::Put { .. } => ("put", None),
        Change::Touch { .. } => ("touch", None),
        Change::Delete(DeleteCause::Request) => ("delete", Some("request")),
        Change::Delete(DeleteCause::Expired) => ("delete", Some("expired")),
        Change::Delete(DeleteCause::Evicted) => ("delete", Some("evicted")),
        Change::Clear => ("clear", None),
    };
    EffectLine {
        lsn: lsn.get(),
        group,
        shard: effect.shard,
        version: effect.version.get(),
        op,
        cause,
        key: key(effect),
        state: state(effect),
    }
}

fn key<'a>(effect: &Effect<'a>) -> Key<'a> {
    if effect.change == Change::Clear {
        return Key { key: None, key_base64: None };
    }
    let (key, key_base64) = text(effect.key);
    Key { key, key_base64 }
}

fn state<'a>(effect: &Effect<'a>) -> State<'a> {
    match effect.change {
        Change::Put { value, expiry } => {
            let (value, value_base64) = text(value);
            State { value, value_base64, expires_at_ms: Some(Expiry::of(expiry)) }
        }
        Change::Touch { expiry } => {
            State { expires_at_ms: Some(Expiry::of(expiry)), ..State::default() }
        }
        Change::Delete(_) | Change::Clear => State::default(),
    }
}

/// Bytes as text if they are UTF-8, otherwise to be encoded.
fn text(bytes: &[u8]) -> (Option<&str>, Option<Base64<'_>>) {
    str::from_utf8(bytes).map_or((None, Some(Base64(bytes))), |text| (Some(text), None))
}

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use kv_core::Version;

    use super::*;

    #[test]
    fn every_kind_of_line() {
        let expiry = Some(UnixMillis::new(5));
        let changes = [
            Change::Put { value: b"text \"quoted\"\n", expiry: None },
            Change::Put { value: b"\xff\0", expiry },
            Change::Touch { expiry },
            Change::Touch { expiry: None },
            Change::Delete(DeleteCause::Request),
            Change::Delete(DeleteCause::Expired),
            Change::Delete(DeleteCause::Evicted),
            Change::Clear,
        ];
        let mut out = Vec::new();
        for (lsn, change) in (1..).zip(changes) {
            let key: &[u8] = match change {
                Change::Clear => b"",
                Change::Touch { .. } => b"\x80",
                _ => b"k",
            };
            let effect = Effect { shard: 3, version: Version::new(9), key, change };
            write(&mut out, &Dumped::Effect { lsn: Lsn::new(lsn), group: 0, effect }).unwrap();
            if lsn < 3 {
                write(&mut out, &Dumped::Entry(effect)).unwrap();
            }
        }
        let mut manifest = Manifest::new(7);
        let (log_start, log_end) = (Lsn::new(2), Lsn::new(3));
        manifest.snapshots = vec![SnapshotInfo { id: 1, log_start, log_end, keys: 4, bytes: 5 }];
        write(&mut out, &Dumped::Manifest(&manifest)).unwrap();
        expect![[r#"
            {"lsn":1,"group":0,"shard":3,"version":9,"op":"put","key":"k","value":"text \"quoted\"\n","expires_at_ms":null}
            {"key":"k","value":"text \"quoted\"\n","expires_at_ms":null,"shard":3,"version":9}
            {"lsn":2,"group":0,"shard":3,"version":9,"op":"put","key":"k","value_base64":"/wA=","expires_at_ms":5}
            {"key":"k","value_base64":"/wA=","expires_at_ms":5,"shard":3,"version":9}
            {"lsn":3,"group":0,"shard":3,"version":9,"op":"touch","key_base64":"gA==","expires_at_ms":5}
            {"lsn":4,"group":0,"shard":3,"version":9,"op":"touch","key_base64":"gA==","expires_at_ms":null}
            {"lsn":5,"group":0,"shard":3,"version":9,"op":"delete","cause":"request","key":"k"}
            {"lsn":6,"group":0,"shard":3,"version":9,"op":"delete","cause":"expired","key":"k"}
            {"lsn":7,"group":0,"shard":3,"version":9,"op":"delete","cause":"evicted","key":"k"}
            {"lsn":8,"group":0,"shard":3,"version":9,"op":"clear"}
            {"sequence":0,"hash_seed":7,"first_segment":1,"snapshots":[{"id":1,"log_start":2,"log_end":3,"keys":4,"bytes":5}]}
        "#]].assert_eq(str::from_utf8(&out).unwrap());
    }
}
