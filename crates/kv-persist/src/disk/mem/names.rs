//! The names of a disk's files: as they are, as they were synced, and the changes in between.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::fate::Fate;

/// Tells files apart, whatever their names are.
pub(super) type FileId = u64;

/// The names of a disk's files.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// What a process sees.
    pub(super) live: BTreeMap<String, FileId>,
    /// What is sure to survive a crash.
    durable: BTreeMap<String, FileId>,
    /// What was done since, oldest first.
    unsynced: Vec<Change>,
}

/// One unsynced change.
#[derive(Debug, Clone)]
enum Change {
    Create { name: String, file: FileId },
    Rename { from: String, to: String, file: FileId },
    Remove { name: String, file: FileId },
}

impl Names {
    pub(super) fn get(&self, name: &str) -> io::Result<FileId> {
        self.live.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Whether a file of this name can be created.
    pub(super) fn check_free(&self, name: &str) -> io::Result<()> {
        if self.live.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(())
    }

    pub(super) fn create(&mut self, name: &str, file: FileId) {
        self.record(Change::Create { name: name.to_owned(), file });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.get(from)?;
        if from != to {
            self.record(Change::Rename { from: from.to_owned(), to: to.to_owned(), file });
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let file = self.get(name)?;
        self.record(Change::Remove { name: name.to_owned(), file });
        Ok(())
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.live);
        self.unsynced.clear();
    }

    /// Gives a file a name that is durable, and makes all others so.
    pub(super) fn put(&mut self, name: &str, file: FileId) {
        self.live.insert(name.to_owned(), file);
        self.sync();
    }

    /// The files that have a name, or may have one after a crash.
    pub(super) fn reachable(&self) -> BTreeSet<FileId> {
        let unsynced = self.unsynced.iter().map(Change::file);
        self.live.values().chain(self.durable.values()).copied().chain(unsynced).collect()
    }

    /// The names after power loss.
    pub(super) fn crashed(&self, rng: &mut fastrand::Rng, overall: Option<Fate>) -> Self {
        let fate = overall.unwrap_or_else(|| Fate::of_sequence(rng, self.unsynced.len()));
        let mut kept: Vec<&Change> = Vec::new();
        for (place, change) in self.unsynced.iter().enumerate() {
            if fate.keeps(place, rng) {
                kept.push(change);
            }
        }
        if fate == Fate::Each && rng.bool() {
            rng.shuffle(&mut kept);
        }
        let mut left = self.durable.clone();
        for change in kept {
            change.apply(&mut left);
        }
        Self { live: left.clone(), durable: left, unsynced: Vec::new() }
    }

    fn record(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }
}

impl Change {
    fn file(&self) -> FileId {
        match self {
            Self::Create { file, .. } | Self::Rename { file, .. } | Self::Remove { file, .. } => {
                *file
            }
        }
    }

    /// Does the change, unless what it builds on is not there: its file must have its name, and a new
    /// file's name must be free.
    fn apply(&self, names: &mut BTreeMap<String, FileId>) {
        match self {
            Self::Create { name, file } => {
                names.entry(name.clone()).or_insert(*file);
            }
            Self::Rename { from, to, file } => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                    names.insert(to.clone(), *file);
                }
            }
            Self::Remove { name, file } => {
                if names.get(name) == Some(file) {
                    names.remove(name);
                }
            }
        }
    }
}
