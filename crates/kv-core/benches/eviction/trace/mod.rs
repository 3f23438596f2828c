//! Requests recorded elsewhere, from files of two formats: which keys, in which order.
//!
//! Sizes and times in them are left out: every key counts as one.

pub(crate) mod arc;
pub(crate) mod csv;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Requests read from a file at most: a gigabyte of memory for them and what is computed of them.
pub(crate) const REQUESTS_MAX: usize = 50_000_000;

/// Why a file is no trace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TraceError {
    #[error("{path}: {problem}")]
    Unreadable { path: String, problem: String },
    #[error("{path}: the name must end in .csv (libCacheSim) or in .arc or .lis (ARC)")]
    UnknownFormat { path: String },
    #[error("line {line}: {problem}")]
    Malformed { line: usize, problem: Problem },
    #[error("more than {REQUESTS_MAX} requests")]
    TooLong,
    #[error("no requests")]
    Empty,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    MissingField { wanted: usize, found: usize },
    EmptyKey { field: usize },
    NoNumber { field: usize, text: String },
    NoBlocks,
    BlockTooHigh,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingField { wanted, found } => {
                write!(f, "at least {wanted} fields are needed, and there are {found}")
            }
            Self::EmptyKey { field } => write!(f, "field {field}, the key, is empty"),
            Self::NoNumber { field, text } => {
                write!(f, "field {field} must be a whole number, and is {text:?}")
            }
            Self::NoBlocks => write!(f, "field 2, the number of blocks, must be at least 1"),
            Self::BlockTooHigh => write!(f, "the last block has no number of 64 bits"),
        }
    }
}

/// Collects requests, and numbers their keys in the order they come.
#[derive(Debug)]
pub(crate) struct Requests<K> {
    numbers: HashMap<K, u32>,
    keys: Vec<u32>,
    /// How many more may come.
    left: usize,
}

impl<K> Default for Requests<K> {
    fn default() -> Self {
        Self::with_most(REQUESTS_MAX)
    }
}

impl<K> Requests<K> {
    /// So many requests at most.
    pub(crate) fn with_most(left: usize) -> Self {
        Self { numbers: HashMap::new(), keys: Vec::new(), left }
    }
}

impl<K: std::hash::Hash + Eq> Requests<K> {
    pub(crate) fn push(&mut self, key: K) -> Result<(), TraceError> {
        self.left = self.left.checked_sub(1).ok_or(TraceError::TooLong)?;
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.keys.push(*self.numbers.entry(key).or_insert(next));
        Ok(())
    }

    fn finish(self) -> Result<Vec<u32>, TraceError> {
        if self.keys.is_empty() { Err(TraceError::Empty) } else { Ok(self.keys) }
    }
}

/// Reads a trace; the format follows from the name.
pub(crate) fn read(path: &Path) -> Result<Vec<u32>, TraceError> {
    let name = path.display().to_string();
    let parse = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => csv::parse,
        Some("arc" | "lis") => arc::parse,
        _ => return Err(TraceError::UnknownFormat { path: name }),
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| TraceError::Unreadable { path: name, problem: error.to_string() })?;
    parse(&text)
}
