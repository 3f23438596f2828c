//! The bytes of one file: as written, as synced, and the changes in between.

use super::fate::Fate;
use crate::disk::SECTOR_BYTES;

/// The bytes of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// What a process reads.
    live: Vec<u8>,
    /// What is sure to survive a crash.
    durable: Vec<u8>,
    /// What was done since, oldest first.
    unsynced: Vec<Change>,
    /// Which sectors of `live` take up space; holes do not.
    taken: Vec<bool>,
}

/// One unsynced change.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

impl Content {
    /// A file that holds these bytes durably.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        let taken = vec![true; bytes.len().div_ceil(SECTOR_BYTES)];
        Self { live: bytes.clone(), durable: bytes, unsynced: Vec::new(), taken }
    }

    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    /// Space in use, in sectors.
    pub(super) fn sectors_taken(&self) -> usize {
        self.taken.iter().filter(|taken| **taken).count()
    }

    /// How many of `len` bytes at `offset` can be written when so many more sectors can be taken.
    pub(super) fn fitting(&self, offset: usize, len: usize, mut free: usize) -> usize {
        for (sector, start, end) in sectors(offset, len) {
            if self.taken.get(sector) == Some(&true) {
                continue;
            }
            if free == 0 {
                return start - offset;
            }
            free -= 1;
            debug_assert!(end > start);
        }
        len
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        put(&mut self.live, offset, bytes);
        self.take(offset, bytes.len());
        self.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.live.resize(len, 0);
        self.taken.resize(len.div_ceil(SECTOR_BYTES), false);
        self.unsynced.push(Change::SetLen(len));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
                Change::SetLen(len) => self.durable.resize(len, 0),
            }
        }
    }

    /// What a failed sync does at its worst: the changes stay visible, but no later sync writes them.
    pub(super) fn lose_unsynced(&mut self) {
        self.unsynced.clear();
    }

    /// Writes past all caches.
    pub(super) fn overwrite(&mut self, offset: usize, bytes: &[u8]) {
        self.sync();
        put(&mut self.live, offset, bytes);
        put(&mut self.durable, offset, bytes);
        self.take(offset, bytes.len());
    }

    /// The file after power loss.
    pub(super) fn crashed(&self, rng: &mut fastrand::Rng, overall: Option<Fate>) -> Self {
        let things = self.unsynced.iter().map(Change::things).sum();
        // One fate for all changes, or one for each.
        let common = overall.or_else(|| rng.bool().then(|| Fate::of_sequence(rng, things)));
        let mut left = self.durable.clone();
        let mut place = 0;
        for change in &self.unsynced {
            let (fate, first) = match common {
                Some(fate) => (fate, place),
                None => (Fate::of_sequence(rng, change.things()), 0),
            };
            change.survive(&mut left, rng, |thing, rng| fate.keeps(first + thing, rng));
            place += change.things();
        }
        let mut content = Self::durable(left);
        for (taken, was) in content.taken.iter_mut().zip(&self.taken) {
            *taken = *was;
        }
        content
    }

    fn take(&mut self, offset: usize, len: usize) {
        self.taken.resize(self.live.len().div_ceil(SECTOR_BYTES), false);
        for (sector, ..) in sectors(offset, len) {
            self.taken[sector] = true;
        }
    }
}

impl Change {
    /// How many things a crash keeps or loses of it: the length, and each sector.
    fn things(&self) -> usize {
        match self {
            Self::Write { offset, bytes } => 1 + sectors(*offset, bytes.len()).count(),
            Self::SetLen(_) => 1,
        }
    }

    /// Does to `left` what is kept of this change. Thing 0 is the length, then the sectors follow.
    fn survive(
        &self,
        left: &mut Vec<u8>,
        rng: &mut fastrand::Rng,
        keeps: impl Fn(usize, &mut fastrand::Rng) -> bool,
    ) {
        let length_kept = keeps(0, rng);
        match self {
            Self::SetLen(len) => {
                if length_kept {
                    left.resize(*len, 0);
                }
            }
            Self::Write { offset, bytes } => {
                // A file grows to the whole length first and its sectors are zeros until they are
                // written, or it grows as they are written.
                let grows_first = rng.bool();
                if grows_first && length_kept && left.len() < offset + bytes.len() {
                    left.resize(offset + bytes.len(), 0);
                }
                for (thing, (_, start, end)) in sectors(*offset, bytes.len()).enumerate() {
                    let end = if grows_first { end.min(left.len()) } else { end };
                    if keeps(1 + thing, rng) && start < end {
                        put(left, start, &bytes[start - offset..end - offset]);
                    }
                }
            }
        }
    }
}

/// Writes bytes at an offset; what is between the end and there becomes zeros.
fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// The sectors that a range touches: number, and where the part of the range in it starts and ends.
fn sectors(offset: usize, len: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let end = offset + len;
    let numbers = offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES);
    numbers
        .map(move |n| (n, (n * SECTOR_BYTES).max(offset), ((n + 1) * SECTOR_BYTES).min(end)))
        .filter(|(_, start, end)| start < end)
}
