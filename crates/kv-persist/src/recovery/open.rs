//! Opening a data directory: its manifest, or the first one of a new directory.
//!
//! A new directory gets an empty first segment before its manifest, so that a log that was lost is never
//! taken for one that was not begun.

use std::io;

use kv_core::{Lsn, UnixMillis};

use crate::disk::{Disk, DiskFile};
use crate::format::names::{TEMP, is_unfinished, parse_segment, parse_snapshot, segment_name};
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::manifest::{Manifest, ManifestError, StoreManifestError};

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The manifest does not check out.
    #[error("{directory}: {source}{}", manifest_help(.directory, .source))]
    Manifest {
        /// The directory.
        directory: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// There are log or snapshot files and no manifest.
    #[error(
        "{directory} holds {file} and no MANIFEST: a part of the data directory is missing; restore it \
         from a copy, choose an empty directory with --data-dir, or see what \
         `kv-server repair {directory}` can rebuild it from"
    )]
    ManifestMissing {
        /// The directory.
        directory: String,
        /// One of the files.
        file: String,
    },
    /// The first manifest cannot be written.
    #[error("{directory} cannot be made ready: {source}")]
    NotMadeReady {
        /// The directory.
        directory: String,
        /// Why.
        source: StoreManifestError,
    },
    /// The disk failed.
    #[error("{directory} cannot be read: {source}")]
    Io {
        /// The directory.
        directory: String,
        /// What the operating system says.
        source: io::Error,
    },
}

/// What helps against a damaged manifest. The other errors say it themselves.
fn manifest_help(directory: &str, error: &ManifestError) -> String {
    match error {
        ManifestError::Read { .. } | ManifestError::Version { .. } => String::new(),
        _ => format!(
            ". `kv-server check {directory}` shows what is damaged; restore MANIFEST from a copy, or let \
             `kv-server repair {directory}` rebuild it"
        ),
    }
}

/// Reads the manifest; makes one with this hash seed when the directory is new. Files that a crash left
/// unfinished are removed then; nothing is when the directory is refused.
///
/// The names that are found are made durable first. A process that was killed may have left a manifest or a
/// segment whose name a crash of the machine would still undo, after recovery has removed what it replaced.
///
/// # Errors
/// [`OpenError`].
pub fn open(disk: &dyn Disk, hash_seed: u64, now: UnixMillis) -> Result<Manifest, OpenError> {
    let failed = |source| OpenError::Io { directory: disk.describe(), source };
    disk.sync_names().map_err(failed)?;
    let names = disk.list().map_err(failed)?;
    let found = find_manifest(disk, &names)?;
    // Not before it is known that the directory is a server's, or can be.
    for name in names.iter().filter(|name| is_unfinished(name)) {
        disk.remove(name).map_err(failed)?;
    }
    if let Some(manifest) = found {
        return Ok(manifest);
    }
    begin_log(disk, hash_seed, now).map_err(failed)?;
    let manifest = Manifest::new(hash_seed);
    let not_ready = |source| OpenError::NotMadeReady { directory: disk.describe(), source };
    manifest.store(disk).map_err(not_ready)?;
    Ok(manifest)
}

/// The manifest; `None` when the directory, which holds files of these names, is new.
///
/// # Errors
/// [`OpenError`] when the manifest does not check out, or there is none and should be.
pub(crate) fn find_manifest(
    disk: &dyn Disk,
    names: &[String],
) -> Result<Option<Manifest>, OpenError> {
    let refused = |source| OpenError::Manifest { directory: disk.describe(), source };
    if let Some(manifest) = Manifest::load(disk).map_err(refused)? {
        return Ok(Some(manifest));
    }
    for file in names {
        let failed = |source| OpenError::Io { directory: disk.describe(), source };
        if holds_data(disk, file).map_err(failed)? {
            let (directory, file) = (disk.describe(), file.clone());
            return Err(OpenError::ManifestMissing { directory, file });
        }
    }
    Ok(None)
}

/// Whether a file is a snapshot or a segment. An empty first segment is what a crash leaves of
/// [`begin_log`].
fn holds_data(disk: &dyn Disk, name: &str) -> io::Result<bool> {
    Ok(match parse_segment(name) {
        Some(1) => !is_just_begun(&*disk.open(name)?)?,
        Some(_) => true,
        None => parse_snapshot(name).is_some(),
    })
}

/// Whether a segment is a header that checks out, and nothing else: it gets its name only when it is that.
fn is_just_begun(file: &dyn DiskFile) -> io::Result<bool> {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    let is_header_long = file.len()? == header.len() as u64;
    Ok(is_header_long
        && file.read_at(0, &mut header)? == header.len()
        && SegmentHeader::decode(&header).is_ok())
}

fn begin_log(disk: &dyn Disk, salt: u64, now: UnixMillis) -> io::Result<()> {
    let header = SegmentHeader {
        id: 1,
        salt,
        first_batch: 1,
        first_lsn: Lsn::new(1),
        created_ms: now.get(),
    };
    let (name, unfinished) = (segment_name(1), format!("{}{TEMP}", segment_name(1)));
    let file = disk.create(&unfinished)?;
    file.write_at(0, &header.encode())?;
    file.sync()?;
    disk.rename(&unfinished, &name)?;
    disk.sync_names()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::mem::MemDisk;
    use crate::format::names::MANIFEST;

    const UNFINISHED: [&str; 3] =
        ["MANIFEST.tmp", "log-0000000000000001.kvl.tmp", "snapshot-0000000000000002.kvs.tmp"];

    fn disk_with(names: &[&str]) -> MemDisk {
        let disk = MemDisk::new();
        for name in names {
            disk.put(name, b"the only copy").unwrap();
        }
        disk
    }

    fn has(disk: &MemDisk, name: &str) -> bool {
        disk.list().unwrap().iter().any(|file| file == name)
    }

    #[test]
    fn opening_a_directory_removes_no_files_of_others() {
        let disk = disk_with(&["thesis.tmp"]);
        for name in UNFINISHED {
            disk.put(name, b"half").unwrap();
        }
        open(&disk, 1, UnixMillis::new(1)).unwrap();
        assert!(has(&disk, "thesis.tmp"));
        assert!(UNFINISHED.iter().all(|name| !has(&disk, name)));
    }

    #[test]
    fn a_directory_that_is_refused_is_left_as_it_was() {
        for reason in [MANIFEST, "snapshot-0000000000000001.kvs"] {
            let disk = disk_with(&UNFINISHED);
            disk.put(reason, b"no manifest").unwrap();
            let error = open(&disk, 1, UnixMillis::new(1)).unwrap_err().to_string();
            for command in ["check", "repair"] {
                let help = format!("`kv-server {command} {}`", disk.describe());
                assert!(reason != MANIFEST || error.contains(&help), "{error}");
            }
            assert!(UNFINISHED.iter().all(|name| has(&disk, name)), "{reason}");
        }
    }
}
