//! The data directory: made, proven writable, and held by one server at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Name of the file whose lock says that a server uses the directory.
const LOCK_FILE: &str = "LOCK";

/// Longest process id that is read back from the lock file.
const PID_BYTES_MAX: u64 = 20;

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// It cannot be made.
    #[error(
        "data directory {} cannot be created: {source}; choose another with --data-dir",
        path.display()
    )]
    NotCreated {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing can be written in it.
    #[error(
        "data directory {} is not writable: {source}; choose another with --data-dir",
        path.display()
    )]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another server holds it.
    #[error(
        "data directory {} is in use by another kv-server (pid {pid}); stop it or choose another \
         with --data-dir",
        path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other server's process id, as it wrote it.
        pid: String,
    },
    /// A server holds what was to be looked at.
    #[error(
        "data directory {} is in use by a running kv-server (pid {pid}), which changes it meanwhile; stop \
         it first, or use a copy of the directory",
        path.display()
    )]
    Busy {
        /// The directory.
        path: PathBuf,
        /// The server's process id, as it wrote it.
        pid: String,
    },
}

/// A data directory that is this process's until dropped.
#[derive(Debug)]
pub struct DataDir {
    /// Keeps the lock. The file stays when the process ends: removing it would let two servers hold
    /// locks on two files of the same name.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is missing, and takes it.
    ///
    /// # Errors
    /// [`DataDirError`] names the directory, what is wrong and what helps.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        fs::create_dir_all(path)
            .map_err(|source| DataDirError::NotCreated { path: path.to_owned(), source })?;
        let not_writable = |source| DataDirError::NotWritable { path: path.to_owned(), source };
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE))
            .map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::InUse { path: path.to_owned(), pid: read_pid(&lock) });
            }
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        prove_writable(path).and_then(|()| write_pid(&mut lock)).map_err(not_writable)?;
        Ok(Self { _lock: lock })
    }
}

/// A data directory that no server uses until this is dropped. Others may look at it too.
#[derive(Debug)]
pub struct IdleDataDir {
    /// Keeps the lock, if there is a file to be locked.
    _lock: Option<File>,
}

impl IdleDataDir {
    /// Keeps servers from using a directory, and changes nothing in it. Where no server ever was, or where
    /// the lock file cannot be read, there is nothing that could keep them.
    ///
    /// # Errors
    /// [`DataDirError::Busy`] while a server uses it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let Ok(lock) = File::open(path.join(LOCK_FILE)) else { return Ok(Self { _lock: None }) };
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                Err(DataDirError::Busy { path: path.to_owned(), pid: read_pid(&lock) })
            }
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { _lock: Some(lock) }),
        }
    }
}

/// An existing lock file may be writable where new files are not.
fn prove_writable(path: &Path) -> io::Result<()> {
    let probe = path.join(format!("{LOCK_FILE}.probe"));
    File::create(&probe)?;
    fs::remove_file(probe)
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// The holder may be about to write it: then it is unknown.
fn read_pid(lock: &File) -> String {
    let mut pid = String::new();
    match lock.take(PID_BYTES_MAX).read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => pid.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_directory_is_made_and_holds_our_pid() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let held = DataDir::open(&path).unwrap();
        let pid = fs::read_to_string(path.join(LOCK_FILE)).unwrap();
        assert_eq!(pid.trim(), std::process::id().to_string());
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "the probe is gone");
        drop(held);
    }

    #[test]
    fn one_server_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::open(dir.path()).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("in use by another kv-server (pid {pid})")), "{error}");
        drop(held);
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn an_idle_directory_can_be_looked_at_and_one_in_use_cannot() {
        let dir = tempfile::tempdir().unwrap();
        drop(IdleDataDir::open(dir.path()).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
        let held = DataDir::open(dir.path()).unwrap();
        let error = IdleDataDir::open(dir.path()).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("in use by a running kv-server (pid {pid})")), "{error}");
        drop(held);
        let one = IdleDataDir::open(dir.path()).unwrap();
        let other = IdleDataDir::open(dir.path()).unwrap();
        DataDir::open(dir.path()).unwrap_err();
        drop((one, other));
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_a_directory_is_refused_with_the_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path().to_owned(), file.path().join("below")] {
            let error = DataDir::open(&path).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
            assert!(error.contains("choose another with --data-dir"), "{error}");
        }
    }
}
