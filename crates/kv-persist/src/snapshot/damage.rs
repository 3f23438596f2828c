//! What is wrong with a snapshot file.

use std::io;

/// Why a snapshot cannot be relied on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotDamage {
    /// The disk did not give it.
    #[error("{file} cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the disk said.
        source: io::Error,
    },
    /// Written by a later server.
    #[error(
        "{file} has format version {found}, and this server reads versions up to {known}: use the \
         server that wrote it, or a later one"
    )]
    Version {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
        /// The highest that is known.
        known: u32,
    },
    /// Not what was written.
    #[error("{file} is damaged at byte {offset}: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// Where the part begins that does not check out.
        offset: u64,
        /// What was found and what was expected.
        reason: String,
    },
}

/// What a codec finds, before it is known where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A format version that is not known.
    Version {
        /// The one found.
        found: u32,
        /// The highest that is known.
        known: u32,
    },
    /// Anything else.
    Content(String),
}

impl Flaw {
    /// A flaw of content.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self::Content(reason.into())
    }

    /// The damage, now that the place is known.
    pub(super) fn at(self, file: &str, offset: u64) -> SnapshotDamage {
        let file = file.to_owned();
        match self {
            Self::Version { found, known } => SnapshotDamage::Version { file, found, known },
            Self::Content(reason) => SnapshotDamage::Damaged { file, offset, reason },
        }
    }
}

/// Compares a checksum read with the one computed.
pub(super) fn check_sum(part: &str, found: u32, expected: u32) -> Result<(), Flaw> {
    if found == expected {
        return Ok(());
    }
    Err(Flaw::new(format!("checksum of the {part} is {found:#010x}, expected {expected:#010x}")))
}
