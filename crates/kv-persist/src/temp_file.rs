//! A file that gets its name only when it is whole and on stable storage.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::format::names::TEMP;

/// A file under a temporary name. Dropped without [`publish`](Self::publish), it is removed.
#[derive(Debug)]
pub(crate) struct TempFile<'d> {
    disk: &'d dyn Disk,
    name: String,
    temp_name: String,
    file: Arc<dyn DiskFile>,
    /// Whether the temporary name is gone, or may be.
    renamed: bool,
}

/// Why a file did not get its name.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(crate) struct PublishError {
    /// What the disk said.
    pub(crate) source: io::Error,
    /// False when the name is surely as it was before; true when it may be the new file's, now or after a
    /// crash.
    pub(crate) may_have_happened: bool,
}

impl<'d> TempFile<'d> {
    /// Makes an empty file that will be called `name`. One that an earlier attempt left is replaced.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn create(disk: &'d dyn Disk, name: &str) -> io::Result<Self> {
        let temp_name = format!("{name}{TEMP}");
        let file = match disk.create(&temp_name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                disk.remove(&temp_name)?;
                disk.create(&temp_name)?
            }
            other => other?,
        };
        Ok(Self { disk, name: name.to_owned(), temp_name, file, renamed: false })
    }

    /// The file, to be written.
    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// Makes the content durable, then the name.
    ///
    /// # Errors
    /// [`PublishError`]; it tells whether the name may be the file's all the same.
    pub(crate) fn publish(mut self) -> Result<(), PublishError> {
        let before = |source| PublishError { source, may_have_happened: false };
        let after = |source| PublishError { source, may_have_happened: true };
        self.file.sync().map_err(before)?;
        let outcome = self.disk.rename(&self.temp_name, &self.name).map_err(after);
        self.renamed = outcome.is_ok();
        outcome?;
        self.disk.sync_names().map_err(after)
    }
}

impl Drop for TempFile<'_> {
    fn drop(&mut self) {
        if self.renamed {
            return;
        }
        if let Err(error) = self.disk.remove(&self.temp_name) {
            // Left to the next attempt or the next start, which remove it.
            tracing::debug!(file = self.temp_name, %error, "an unfinished file was not removed");
        }
    }
}
