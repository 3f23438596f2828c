//! The verbs: one file each, with its options and what it prints in each form.

pub(crate) mod append;
pub(crate) mod bench;
pub(crate) mod del;
pub(crate) mod exists;
pub(crate) mod expire;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod incr;
pub(crate) mod mget;
pub(crate) mod mset;
pub(crate) mod persist;
pub(crate) mod ping;
pub(crate) mod scan;
pub(crate) mod set;
pub(crate) mod snapshot;
pub(crate) mod stats;
pub(crate) mod ttl;
pub(crate) mod version;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use kv_client::Durability;

use crate::failure::Failure;
use crate::screen::Screen;

/// How safe a write must be before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// In the server's memory
    Memory,
    /// Handed to the operating system
    Buffered,
    /// On stable storage
    Fsync,
}

impl From<Level> for Durability {
    fn from(level: Level) -> Self {
        match level {
            Level::Memory => Self::Memory,
            Level::Buffered => Self::Buffered,
            Level::Fsync => Self::Fsync,
        }
    }
}

/// The option of every verb that writes.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WriteOptions {
    /// How safe the write must be at least before it is acknowledged; the server's default counts when it
    /// is higher
    #[arg(long, value_enum)]
    durability: Option<Level>,
}

impl WriteOptions {
    /// The level asked for.
    pub(crate) fn durability(self) -> Option<Durability> {
        self.durability.map(Durability::from)
    }
}

/// The point in time that many milliseconds after the Unix epoch.
pub(crate) fn unix_time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// Reads a duration such as `10s` or `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err("it must not be negative; 10s, 500ms and 1h30m are allowed".to_owned());
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}, as in 10s, 500ms or 1h30m"))
}

/// What to say of a key that is not there.
pub(crate) fn not_found(screen: &Screen, key: &Bytes) -> Failure {
    Failure::NotFound(format!("key \"{}\" not found", screen.show(key)))
}

/// What to say of keys of which some are not there.
pub(crate) fn some_not_found(
    screen: &Screen,
    keys: &[Bytes],
    missing: usize,
) -> Result<(), Failure> {
    match (missing, keys) {
        (0, _) => Ok(()),
        (_, [key]) => Err(not_found(screen, key)),
        (_, keys) => Err(Failure::NotFound(format!("{missing} of {} keys not found", keys.len()))),
    }
}

/// A durability level for JSON and people.
pub(crate) fn level(achieved: Option<Durability>) -> Option<String> {
    achieved.map(|level| level.to_string())
}
