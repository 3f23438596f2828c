//! How safe a write is when it is acknowledged.

use std::fmt;

/// A durability level. Ordered: each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// In this process's memory: lost when the process ends.
    Memory,
    /// Handed to the operating system: survives the process, not the machine.
    Buffered,
    /// On stable storage: survives any crash.
    Fsync,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Buffered => "buffered",
            Self::Fsync => "fsync",
        })
    }
}
