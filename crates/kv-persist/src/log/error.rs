//! Why a log cannot be read.

use std::io;

use super::extent::LogPosition;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Something that was on stable storage is not there any more.
    #[error(transparent)]
    Damage(Box<LogDamage>),
    /// A file is of a version that this program does not know.
    #[error("{directory}/{file} is {fault}; start the kv-server that wrote it, or a newer one")]
    UnknownVersion {
        /// Where the log is.
        directory: String,
        /// Which file.
        file: String,
        /// Both versions.
        fault: String,
    },
    /// The disk failed.
    #[error("cannot {action} {directory}/{file}: {source}")]
    Io {
        /// Where the log is.
        directory: String,
        /// Which file; empty for the directory itself.
        file: String,
        /// What was tried.
        action: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Something that was on stable storage is not there any more, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log is damaged: {directory}/{file} at byte {offset}: expected {expected}, found {found}; \
     nothing was changed. `kv-server check {directory}` lists what is damaged, \
     `kv-server repair {directory} --cut-after-damage` gives up this and all that was written after it"
)]
pub struct LogDamage {
    /// Where the log is.
    pub directory: String,
    /// Which file.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What should be there, and how that is known.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// Where the part of the log ends that can be kept; `None` when it has no beginning.
    pub kept: Option<LogPosition>,
}
