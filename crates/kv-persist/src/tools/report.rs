//! What a check finds.

use std::fmt;

use kv_core::UnixMillis;

use crate::log::TornTail;
use crate::manifest::SnapshotInfo;
use crate::recovery::{OpenError, RecoveryError};

/// What a check finds.
#[derive(Debug)]
pub struct CheckReport {
    /// The data directory.
    pub directory: String,
    /// Every file that is there or should be: the manifest, snapshots from the newest on, segments from
    /// the oldest on, and the rest.
    pub files: Vec<FileReport>,
    /// What a start would do.
    pub start: Start,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub state: FileState,
    /// When it was begun, if it tells.
    pub created: Option<UnixMillis>,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Every byte that means something checks out; what is in it.
    Good(String),
    /// Nothing needs it; why.
    Unneeded(String),
    /// What is wrong with it, and where.
    Damaged(String),
}

/// What a start would do.
#[derive(Debug)]
pub enum Start {
    /// Begin with nothing: there are no data.
    New,
    /// Recover the store.
    Fine {
        /// From this snapshot; `None` when the log has everything.
        snapshot: Option<SnapshotInfo>,
        /// The last position that would be recovered; 0 for none.
        last_position: u64,
        /// What would be cut off: it was begun and never promised.
        torn: Option<TornTail>,
    },
    /// Refuse, because of the manifest.
    NotOpened(OpenError),
    /// Refuse, because of snapshots or log.
    NotRecovered(RecoveryError),
}

impl CheckReport {
    /// Whether anything is damaged or missing, even if a start would get over it.
    pub fn is_damaged(&self) -> bool {
        let is_damaged = |file: &FileReport| matches!(file.state, FileState::Damaged(_));
        !self.start.is_possible() || self.files.iter().any(is_damaged)
    }
}

impl Start {
    /// Whether a server would start.
    pub fn is_possible(&self) -> bool {
        matches!(self, Self::New | Self::Fine { .. })
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("a start would begin an empty store: there are no data"),
            Self::Fine { snapshot, last_position, torn } => {
                f.write_str("a start would succeed: it would ")?;
                match snapshot {
                    Some(info) => write!(f, "load snapshot {} and replay the log", info.id)?,
                    None => f.write_str("replay the whole log")?,
                }
                write!(f, " up to position {last_position}")?;
                match torn {
                    None => Ok(()),
                    Some(TornTail { file, offset, bytes }) => write!(
                        f,
                        "; it would cut off a torn tail of {bytes} bytes at byte {offset} of {file}: \
                         writes that a crash interrupted, never acknowledged as safe"
                    ),
                }
            }
            Self::NotOpened(error) => write!(f, "a start would be refused: {error}"),
            Self::NotRecovered(error) => write!(f, "a start would be refused: {error}"),
        }
    }
}

/// A number of things: `1 record`, `2 records`.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Consecutive positions.
pub(super) fn positions(first: u64, last: u64) -> String {
    if first == last { format!("position {first}") } else { format!("positions {first} to {last}") }
}
