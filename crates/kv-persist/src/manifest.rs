//! The manifest: which snapshots there are, and where the log starts.

use std::io::{self, ErrorKind};

use bytes::{Buf, BufMut};
use kv_core::Lsn;

use crate::disk::Disk;
use crate::format::names::MANIFEST;
use crate::temp_file::{PublishError, TempFile};

/// The most snapshots a manifest may name.
pub const MANIFEST_SNAPSHOTS_MAX: usize = 64;

/// The format version written, and the highest that is read.
pub(crate) const MANIFEST_VERSION: u32 = 1;

/// What a manifest begins with.
pub(crate) const MANIFEST_MAGIC: &[u8; 8] = b"kv-mani\0";

const MAGIC: &[u8; 8] = MANIFEST_MAGIC;
const HEADER_BYTES: usize = 48;
const SNAPSHOT_BYTES: usize = 40;
const FILE_BYTES_MAX: usize = HEADER_BYTES + MANIFEST_SNAPSHOTS_MAX * SNAPSHOT_BYTES;

/// A snapshot as the manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its number, as in the file's name. Later snapshots have greater ones.
    pub id: u64,
    /// The log is needed from the position after this one.
    pub log_start: Lsn,
    /// The snapshot means nothing unless the log is there up to this position.
    pub log_end: Lsn,
    /// Entries in it.
    pub keys: u64,
    /// Size of its file.
    pub bytes: u64,
}

/// What there is to recover from. Stored before anything that it no longer names is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Grows by one with each manifest stored.
    pub sequence: u64,
    /// The store's seed: a key keeps its shard from start to start.
    pub hash_seed: u64,
    /// The oldest log segment that must exist.
    pub first_segment: u64,
    /// Newest first.
    pub snapshots: Vec<SnapshotInfo>,
}

/// Why a manifest could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The disk did not give it.
    #[error("{MANIFEST} in {directory} cannot be read: {source}")]
    Read {
        /// Where it was looked for.
        directory: String,
        /// What the disk said.
        source: io::Error,
    },
    /// Something else, or cut short.
    #[error(
        "{MANIFEST} is {given} bytes long, and a manifest of {snapshots} snapshots has {expected}"
    )]
    Length {
        /// Bytes in the file.
        given: u64,
        /// How many snapshots it says it names.
        snapshots: u32,
        /// Bytes it must have then.
        expected: u64,
    },
    /// Another kind of file.
    #[error(
        "{MANIFEST} is not a manifest: its first bytes are {found:02x?}, expected {MAGIC:02x?}"
    )]
    NotAManifest {
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// Written by a later server.
    #[error(
        "{MANIFEST} has format version {found}, and this server reads versions up to {MANIFEST_VERSION}: use the \
         server that wrote it, or a later one"
    )]
    Version {
        /// The file's version.
        found: u32,
    },
    /// Some bytes are not those written.
    #[error("{MANIFEST} is damaged: checksum {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// What the file says.
        found: u32,
        /// What its bytes give.
        expected: u32,
    },
    /// The checksum is right and the content is not.
    #[error("{MANIFEST} is malformed: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
}

/// Why a manifest was not stored.
#[derive(Debug, thiserror::Error)]
#[error("{MANIFEST} was not stored: {source}")]
pub struct StoreManifestError {
    /// What the disk said.
    pub source: io::Error,
    /// False when the manifest is surely the one before. True when it may be this one, now or after a
    /// crash: then what either of them names must stay.
    pub may_have_happened: bool,
}

impl From<PublishError> for StoreManifestError {
    fn from(error: PublishError) -> Self {
        Self { source: error.source, may_have_happened: error.may_have_happened }
    }
}

impl Manifest {
    /// The manifest of a new directory.
    pub fn new(hash_seed: u64) -> Self {
        Self { sequence: 0, hash_seed, first_segment: 1, snapshots: Vec::new() }
    }

    /// Reads the directory's manifest; `None` when there is none.
    ///
    /// # Errors
    /// [`ManifestError`] when there is one and it cannot be relied on.
    pub fn load(disk: &dyn Disk) -> Result<Option<Self>, ManifestError> {
        match Self::load_named(disk, MANIFEST) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(ManifestError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a manifest, whatever its file is called.
    ///
    /// # Errors
    /// [`ManifestError`]; also when there is no such file.
    pub(crate) fn load_named(disk: &dyn Disk, name: &str) -> Result<Self, ManifestError> {
        let directory = disk.describe();
        let bytes = read(disk, name).map_err(|source| ManifestError::Read { directory, source })?;
        Self::decode(&bytes)
    }

    /// Replaces the directory's manifest. When this returns, it survives a crash.
    ///
    /// # Errors
    /// [`StoreManifestError`]; it tells whether the manifest may have been replaced all the same.
    pub fn store(&self, disk: &dyn Disk) -> Result<(), StoreManifestError> {
        let before = |source| StoreManifestError { source, may_have_happened: false };
        if let Err(reason) = self.check() {
            return Err(before(io::Error::new(ErrorKind::InvalidInput, reason)));
        }
        let temp = TempFile::create(disk, MANIFEST).map_err(before)?;
        temp.file().write_at(0, &self.encode()).map_err(before)?;
        Ok(temp.publish()?)
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut rest = Vec::with_capacity(FILE_BYTES_MAX);
        rest.put_u64_le(self.sequence);
        rest.put_u64_le(self.hash_seed);
        rest.put_u64_le(self.first_segment);
        rest.put_u32_le(u32::try_from(self.snapshots.len()).unwrap_or(u32::MAX));
        rest.put_u32_le(0);
        for snapshot in &self.snapshots {
            rest.put_u64_le(snapshot.id);
            rest.put_u64_le(snapshot.log_start.get());
            rest.put_u64_le(snapshot.log_end.get());
            rest.put_u64_le(snapshot.keys);
            rest.put_u64_le(snapshot.bytes);
        }
        let mut out = Vec::with_capacity(16 + rest.len());
        out.put_slice(MAGIC);
        out.put_u32_le(MANIFEST_VERSION);
        out.put_u32_le(crc32c::crc32c_append(crc32c::crc32c(&out), &rest));
        out.put_slice(&rest);
        out
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// [`ManifestError`]: never [`Read`](ManifestError::Read).
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let Some((header, entries)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(bad_start(bytes));
        };
        let (start, mut fields) = header.split_at(16);
        let (identity, mut stored) = start.split_at(12);
        let (magic, mut version) = identity.split_at(8);
        if magic != MAGIC {
            return Err(bad_start(bytes));
        }
        let version = version.get_u32_le();
        if version != MANIFEST_VERSION {
            return Err(ManifestError::Version { found: version });
        }
        let found = stored.get_u32_le();
        let computed = crc32c::crc32c_append(crc32c::crc32c(identity), fields);
        let expected = crc32c::crc32c_append(computed, entries);
        if found != expected {
            return Err(ManifestError::Checksum { found, expected });
        }
        let mut manifest = Self {
            sequence: fields.get_u64_le(),
            hash_seed: fields.get_u64_le(),
            first_segment: fields.get_u64_le(),
            snapshots: Vec::new(),
        };
        let (count, reserved) = (fields.get_u32_le(), fields.get_u32_le());
        let expected = HEADER_BYTES as u64 + u64::from(count) * SNAPSHOT_BYTES as u64;
        if bytes.len() as u64 != expected {
            let given = bytes.len() as u64;
            return Err(ManifestError::Length { given, snapshots: count, expected });
        }
        if reserved != 0 {
            let reason = format!("its reserved field is {reserved}, expected 0");
            return Err(ManifestError::Malformed { reason });
        }
        manifest.snapshots = entries.chunks_exact(SNAPSHOT_BYTES).map(take_snapshot).collect();
        manifest.check().map_err(|reason| ManifestError::Malformed { reason })?;
        Ok(manifest)
    }

    /// What every manifest fulfils.
    fn check(&self) -> Result<(), String> {
        let count = self.snapshots.len();
        if count > MANIFEST_SNAPSHOTS_MAX {
            return Err(format!("{count} snapshots; at most {MANIFEST_SNAPSHOTS_MAX} are allowed"));
        }
        if self.first_segment == 0 {
            return Err("the first segment is 0; segments are numbered from 1".to_owned());
        }
        for snapshot in &self.snapshots {
            let SnapshotInfo { id, log_start, log_end, .. } = snapshot;
            if log_start > log_end {
                let (start, end) = (log_start.get(), log_end.get());
                return Err(format!("snapshot {id} starts at position {start} and ends at {end}"));
            }
        }
        for (newer, older) in self.snapshots.iter().zip(self.snapshots.iter().skip(1)) {
            if newer.id <= older.id {
                let (newer, older) = (newer.id, older.id);
                return Err(format!("snapshot {newer} stands before {older}; newest come first"));
            }
        }
        Ok(())
    }
}

/// The file's bytes, and no more than a manifest may have.
fn read(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    // One byte more shows that a file is too long.
    let len = file.len()?.min(FILE_BYTES_MAX as u64 + 1);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(FILE_BYTES_MAX)];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The error of a file that has no manifest's header.
fn bad_start(bytes: &[u8]) -> ManifestError {
    if bytes.len() < HEADER_BYTES && MAGIC.starts_with(bytes.get(..8).unwrap_or(bytes)) {
        let given = bytes.len() as u64;
        return ManifestError::Length { given, snapshots: 0, expected: HEADER_BYTES as u64 };
    }
    ManifestError::NotAManifest { found: bytes.iter().take(MAGIC.len()).copied().collect() }
}

fn take_snapshot(mut bytes: &[u8]) -> SnapshotInfo {
    SnapshotInfo {
        id: bytes.get_u64_le(),
        log_start: Lsn::new(bytes.get_u64_le()),
        log_end: Lsn::new(bytes.get_u64_le()),
        keys: bytes.get_u64_le(),
        bytes: bytes.get_u64_le(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn info(id: u64) -> SnapshotInfo {
        SnapshotInfo { id, log_start: Lsn::new(id), log_end: Lsn::new(id + 5), keys: 3, bytes: 400 }
    }

    fn manifest(snapshots: u64) -> Manifest {
        let snapshots = (1..=snapshots).rev().map(info).collect();
        Manifest { sequence: 7, hash_seed: 0xABCD, first_segment: 3, snapshots }
    }

    #[test]
    fn as_many_snapshots_as_allowed_and_no_more() {
        let max = MANIFEST_SNAPSHOTS_MAX as u64;
        for count in [0, 1, 2, max] {
            assert_eq!(Manifest::decode(&manifest(count).encode()).unwrap(), manifest(count));
        }
        let error = Manifest::decode(&manifest(max + 1).encode()).unwrap_err();
        expect!["MANIFEST is malformed: 65 snapshots; at most 64 are allowed"]
            .assert_eq(&error.to_string());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let bytes = manifest(2).encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert!(Manifest::decode(&[&bytes[..], b"x"].concat()).is_err(), "a byte too many");
    }

    fn check_error(bytes: &[u8], expected: &expect_test::Expect) {
        expected.assert_eq(&Manifest::decode(bytes).unwrap_err().to_string());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let bytes = manifest(1).encode();
        check_error(
            b"",
            &expect!["MANIFEST is 0 bytes long, and a manifest of 0 snapshots has 48"],
        );
        check_error(
            &bytes[..40],
            &expect!["MANIFEST is 40 bytes long, and a manifest of 0 snapshots has 48"],
        );
        check_error(
            &[b'a'; 100],
            &expect![
                "MANIFEST is not a manifest: its first bytes are [61, 61, 61, 61, 61, 61, 61, 61], expected [6b, 76, 2d, 6d, 61, 6e, 69, 00]"
            ],
        );
        let mut newer = bytes.clone();
        newer[8] = 2;
        check_error(
            &newer,
            &expect![
                "MANIFEST has format version 2, and this server reads versions up to 1: use the server that wrote it, or a later one"
            ],
        );
        check_error(
            &Manifest { first_segment: 0, ..manifest(0) }.encode(),
            &expect!["MANIFEST is malformed: the first segment is 0; segments are numbered from 1"],
        );
        check_error(
            &Manifest { snapshots: vec![info(1), info(2)], ..manifest(0) }.encode(),
            &expect!["MANIFEST is malformed: snapshot 1 stands before 2; newest come first"],
        );
        let backward = SnapshotInfo { log_start: Lsn::new(9), ..info(1) };
        check_error(
            &Manifest { snapshots: vec![backward], ..manifest(0) }.encode(),
            &expect!["MANIFEST is malformed: snapshot 1 starts at position 9 and ends at 6"],
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Manifest::decode(&bytes).is_err());
        }
    }
}
