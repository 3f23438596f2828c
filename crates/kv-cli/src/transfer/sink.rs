//! Where an export goes: standard output, or a file that appears complete or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{self, Failure};

/// Where an export goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Standard output.
    Stdout(io::Stdout),
    /// A new file beside the target, which takes its place at the end.
    File { file: NamedTempFile, target: PathBuf },
    /// Something else with a name, such as a pipe, which cannot be replaced.
    Special { file: File, target: PathBuf },
}

impl Sink {
    /// The place `path` names; `-` is standard output.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout(io::stdout()));
        }
        let write = |error| failure::file("write", path, &error);
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_missing| path.to_owned());
        match fs::metadata(&target) {
            Ok(found) if found.is_dir() => {
                write_error(&target, "it is a directory; a file name is needed")
            }
            Ok(found) if !found.is_file() => {
                let file = File::options().write(true).open(&target).map_err(write)?;
                Ok(Self::Special { file, target })
            }
            found => {
                let kept = found.ok().map(|found| found.permissions());
                let file = temporary(&target, kept).map_err(write)?;
                Ok(Self::File { file, target })
            }
        }
    }

    /// Writes all of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout(stdout) => Ok(stdout.write_all(bytes)?),
            Self::File { file, target } => {
                file.write_all(bytes).map_err(|error| failure::file("write", target, &error))
            }
            Self::Special { file, target } => {
                file.write_all(bytes).map_err(|error| failure::file("write", target, &error))
            }
        }
    }

    /// Puts the file in its place, on stable storage.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut stdout) => Ok(stdout.flush()?),
            Self::Special { mut file, target } => {
                file.flush().map_err(|error| failure::file("write", &target, &error))
            }
            Self::File { file, target } => {
                let write = |error| failure::file("write", &target, &error);
                file.as_file().sync_all().map_err(write)?;
                file.persist(&target).map_err(|error| write(error.error))?;
                sync_directory(&directory(&target)).map_err(write)
            }
        }
    }
}

fn write_error<T>(target: &Path, problem: &str) -> Result<T, Failure> {
    Err(failure::file("write", target, &io::Error::other(problem)))
}

fn directory(target: &Path) -> PathBuf {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn temporary(target: &Path, kept: Option<Permissions>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".kv-export-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The default of this crate is for secrets; an export is as readable as the umask says.
        builder.permissions(kept.unwrap_or_else(|| Permissions::from_mode(0o666)));
    }
    builder.tempfile_in(directory(target))
}

/// Makes the new name durable.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes the new name durable.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_finished_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        fs::write(&path, "old").unwrap();
        let mut sink = Sink::open(&path).unwrap();
        sink.write(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(sink);
        assert_eq!(names(directory.path()), ["out"], "an unfinished export leaves nothing behind");

        let mut sink = Sink::open(&path).unwrap();
        sink.write(b"new").unwrap();
        sink.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["out"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("out"), directory.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        Sink::open(&link).unwrap().finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn what_cannot_be_written_is_told_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let check = |path: &Path, expected: &str| {
            let message = Sink::open(path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check(directory.path(), "it is a directory");
        check(&directory.path().join("no/such/out"), "cannot write");
    }
}
