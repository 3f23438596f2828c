//! Opening a data directory: its manifest, or the first one of a new directory.

use std::io;

use crate::disk::Disk;
use crate::format::names::{TEMP, parse_segment, parse_snapshot};
use crate::manifest::{Manifest, ManifestError, StoreManifestError};

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The manifest does not check out.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
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

/// Reads the manifest; makes one with this hash seed when the directory is new. Unfinished files are
/// removed.
///
/// # Errors
/// [`OpenError`].
pub fn open(disk: &dyn Disk, hash_seed: u64) -> Result<Manifest, OpenError> {
    let failed = |source| OpenError::Io { directory: disk.describe(), source };
    let names = disk.list().map_err(failed)?;
    for name in names.iter().filter(|name| name.ends_with(TEMP)) {
        disk.remove(name).map_err(failed)?;
    }
    if let Some(manifest) = find_manifest(disk, &names)? {
        return Ok(manifest);
    }
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
    if let Some(manifest) = Manifest::load(disk)? {
        return Ok(Some(manifest));
    }
    let data = |name: &&String| parse_segment(name).is_some() || parse_snapshot(name).is_some();
    match names.iter().find(data) {
        None => Ok(None),
        Some(file) => {
            let (directory, file) = (disk.describe(), file.clone());
            Err(OpenError::ManifestMissing { directory, file })
        }
    }
}
