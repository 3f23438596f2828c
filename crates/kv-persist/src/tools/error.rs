//! Why a tool cannot do its work.

use std::io;

use crate::manifest::StoreManifestError;

/// Why a tool cannot do its work. What it finds in the files is no error of the tool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The disk failed.
    #[error("cannot {action} {directory}/{file}: {source}")]
    Io {
        /// The data directory.
        directory: String,
        /// Which file; empty for the directory itself.
        file: String,
        /// What was tried.
        action: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file cannot be read, which is no damage of its content: it may be there yet.
    #[error(
        "nothing was changed, since the disk does not give everything: {problem}; copy the directory to \
         a disk that works, as much as can be read, and repair the copy"
    )]
    Unreadable {
        /// Which file, and what the disk says.
        problem: String,
    },
    /// A file is of a version that this program does not know, which is no damage.
    #[error("nothing was changed, since a file is not this server's: {problem}")]
    Newer {
        /// Which file, and both versions.
        problem: String,
    },
    /// The new manifest is not there.
    #[error(transparent)]
    Manifest(#[from] StoreManifestError),
}
