//! `OsDisk`: a directory of the operating system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{FallocateFlags, fallocate};

use super::direct::Direct;
use super::{Disk, DiskFile, name};

/// Zeros are written in pieces of this many bytes when a file is allocated.
const ZEROS_BYTES: usize = 1 << 20;

/// A directory of the operating system.
///
/// Sees regular files only: directories, symbolic links, sockets and names that are not UTF-8 are not
/// listed and cannot be opened. Errors do not name the file; whoever asked knows it.
#[derive(Debug)]
pub struct OsDisk {
    path: PathBuf,
    /// Held open for `sync_names`.
    directory: File,
    access: Access,
    prewrites: bool,
}

/// What a disk and its files allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

impl Access {
    /// Refuses a change on a disk that was opened for reading.
    fn check_change(self) -> io::Result<()> {
        match self {
            Self::ReadWrite => Ok(()),
            Self::ReadOnly => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the directory was opened for reading only",
            )),
        }
    }
}

impl OsDisk {
    /// Opens a directory that exists.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, or the operating system's.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_as(path.as_ref(), Access::ReadWrite)
    }

    /// Opens a directory that exists, to change nothing in it: whatever would change or sync something
    /// fails with `PermissionDenied`, and files are opened without the right to write.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, or the operating system's.
    pub fn open_read_only(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_as(path.as_ref(), Access::ReadOnly)
    }

    fn open_as(path: &Path, access: Access) -> io::Result<Self> {
        // Checked first: opening a pipe would wait for its other end.
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { path: path.to_owned(), directory: File::open(path)?, access, prewrites: false })
    }

    /// Whether `allocate` writes zeros, instead of having the file system set space aside. That costs as
    /// much as writing the data once more, and makes each later sync of it cheaper: the file system need
    /// not note that the space is in use now. Worth it where every write is synced.
    #[must_use]
    pub fn prewriting(mut self, prewrites: bool) -> Self {
        self.prewrites = prewrites;
        self
    }

    /// The directory's path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn path_of(&self, name: &str) -> io::Result<PathBuf> {
        name::check(name)?;
        Ok(self.path.join(name))
    }

    fn file(&self, file: File) -> Arc<dyn DiskFile> {
        let (access, prewrites) = (self.access, self.prewrites);
        Arc::new(OsFile { file, access, prewrites, direct: OnceLock::new() })
    }
}

impl Disk for OsDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            if let Ok(name) = entry.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path_of(name)?;
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let write = self.access == Access::ReadWrite;
        Ok(self.file(OpenOptions::new().read(true).write(write).open(path)?))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path_of(name)?;
        self.access.check_change()?;
        Ok(self.file(OpenOptions::new().read(true).write(true).create_new(true).open(path)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path_of(from)?, self.path_of(to)?);
        self.access.check_change()?;
        fs::rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path_of(name)?;
        self.access.check_change()?;
        fs::remove_file(path)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.access.check_change()?;
        self.directory.sync_all()
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

/// A file of the operating system.
#[derive(Debug)]
struct OsFile {
    file: File,
    access: Access,
    prewrites: bool,
    /// Opened when it is first used.
    direct: OnceLock<Direct>,
}

impl OsFile {
    /// Has the file system set space aside; false when it cannot.
    fn set_aside(&self, from: u64, to: u64) -> io::Result<bool> {
        let set_aside = || fallocate(&self.file, FallocateFlags::empty(), from, to - from);
        match rustix::io::retry_on_intr(set_aside) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write_zeros(&self, from: u64, to: u64) -> io::Result<()> {
        let zeros = vec![0; ZEROS_BYTES];
        let mut end = from;
        while end < to {
            let piece = usize::try_from(to - end).map_or(ZEROS_BYTES, |n| n.min(ZEROS_BYTES));
            let (piece, _) = zeros.split_at(piece);
            self.file.write_all_at(piece, end)?;
            end += piece.len() as u64;
        }
        Ok(())
    }
}

impl DiskFile for OsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.access.check_change()?;
        self.file.write_all_at(bytes, offset)
    }

    fn write_through(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.access.check_change()?;
        let direct = self.direct.get_or_init(|| Direct::open(&self.file));
        if let Some(written) = direct.write_at(offset, bytes) {
            return written;
        }
        self.write_at(offset, bytes)?;
        self.sync()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.access.check_change()?;
        let present = self.len()?;
        if present < len && (self.prewrites || !self.set_aside(present, len)?) {
            self.write_zeros(present, len)?;
        }
        self.file.sync_all()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.access.check_change()?;
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.access.check_change()?;
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> io::ErrorKind {
        result.unwrap_err().kind()
    }

    #[test]
    fn a_disk_is_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        assert_eq!(kind(OsDisk::open(&file)), io::ErrorKind::NotADirectory);
        assert_eq!(kind(OsDisk::open(dir.path().join("gone"))), io::ErrorKind::NotFound);
        let disk = OsDisk::open(dir.path()).unwrap();
        assert_eq!(disk.path(), dir.path());
        assert_eq!(disk.describe(), dir.path().display().to_string());
    }

    #[test]
    fn only_regular_files_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), b"").unwrap();
        fs::create_dir(dir.path().join("directory")).unwrap();
        symlink(dir.path().join("file"), dir.path().join("link")).unwrap();
        let disk = OsDisk::open(dir.path()).unwrap();
        assert_eq!(disk.list().unwrap(), ["file"]);
        for name in ["directory", "link"] {
            assert_eq!(kind(disk.open(name)), io::ErrorKind::InvalidInput);
            assert_eq!(kind(disk.create(name)), io::ErrorKind::AlreadyExists);
        }
    }

    #[test]
    fn a_read_only_disk_reads_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), b"bytes").unwrap();
        let disk = OsDisk::open_read_only(dir.path()).unwrap();
        let file = disk.open("a").unwrap();
        let mut buffer = [0; 9];
        assert_eq!(file.read_at(1, &mut buffer).unwrap(), 4);
        assert_eq!(&buffer[..4], b"ytes");

        let denied = io::ErrorKind::PermissionDenied;
        assert_eq!(kind(disk.create("b")), denied);
        assert_eq!(kind(disk.rename("a", "b")), denied);
        assert_eq!(kind(disk.remove("a")), denied);
        assert_eq!(kind(disk.sync_names()), denied);
        assert_eq!(kind(file.write_at(0, b"x")), denied);
        assert_eq!(kind(file.write_through(0, b"x")), denied);
        assert_eq!(kind(file.allocate(100)), denied);
        assert_eq!(kind(file.set_len(0)), denied);
        assert_eq!(kind(file.sync()), denied);
        assert_eq!(disk.list().unwrap(), ["a"]);
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"bytes");
    }

    #[test]
    fn allocating_takes_the_space() {
        use std::os::unix::fs::MetadataExt;

        let dir = tempfile::tempdir().unwrap();
        let file = OsDisk::open(dir.path()).unwrap().create("a").unwrap();
        file.write_at(0, b"kept").unwrap();
        let len = 2 * ZEROS_BYTES as u64 + 1;
        file.allocate(len).unwrap();
        assert_eq!(file.len().unwrap(), len);
        let taken = fs::metadata(dir.path().join("a")).unwrap().blocks() * 512;
        assert!(taken >= len, "{taken} of {len} bytes take space");
    }
}
