//! Loading a snapshot into a store, on several threads: most of the time that a restart takes.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{Builder, scope};

use kv_core::ReplayTarget;
use parking_lot::Mutex;

use super::blocks::{Blocks, Tally};
use super::damage::SnapshotDamage;
use super::file::SnapshotFile;

/// The most threads that load one snapshot.
pub const LOAD_THREADS_MAX: usize = 64;

/// Threads take shards in parts of about this many bytes: so few that all end at about the same time, also
/// when what is small in the file is much in memory.
const PART_BYTES: u64 = 1 << 20;

/// How far a load has got. Counters only: readers need no order with other memory.
#[derive(Debug, Default)]
pub struct LoadProgress {
    /// Bytes of blocks read.
    pub bytes: AtomicU64,
    /// Entries loaded.
    pub keys: AtomicU64,
}

impl SnapshotFile {
    /// Loads everything into `target`, on up to `threads` threads, this one included. Takes memory for
    /// about two blocks per thread.
    ///
    /// # Errors
    /// [`SnapshotDamage`]: the first that is found. The target holds a part then, and must be
    /// [discarded](ReplayTarget::discard).
    pub fn load(
        &self,
        target: &dyn ReplayTarget,
        threads: usize,
        progress: &LoadProgress,
    ) -> Result<(), SnapshotDamage> {
        target.reserve(self.footer().keys);
        let parts = self.parts();
        let load = Load {
            file: self,
            target,
            progress,
            next_part: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
            outcomes: Mutex::new(parts.iter().map(|_| None).collect()),
            parts,
        };
        let helpers = threads.clamp(1, LOAD_THREADS_MAX).min(load.parts.len()) - 1;
        scope(|scope| {
            for index in 0..helpers {
                let name = format!("kv-load-{index}");
                let spawned = Builder::new().name(name).spawn_scoped(scope, || load.run());
                if let Err(error) = spawned {
                    tracing::warn!(%error, "the snapshot is loaded on fewer threads than wanted");
                    break;
                }
            }
            load.run();
        });
        load.finish()?;
        // The log that follows may empty shards, and fill them with few.
        target.reserve(0);
        target.raise_version(self.footer().last_version);
        Ok(())
    }

    /// Consecutive shards of about [`PART_BYTES`] each; at least one part.
    fn parts(&self) -> Vec<Range<u32>> {
        let shards = self.header().shards;
        let (mut parts, mut start) = (Vec::new(), 0);
        for end in 1..=shards {
            let bytes = self.shard_offset(end) - self.shard_offset(start);
            if bytes >= PART_BYTES || end == shards {
                parts.push(start..end);
                start = end;
            }
        }
        parts
    }
}

/// What the threads share.
struct Load<'a> {
    file: &'a SnapshotFile,
    target: &'a dyn ReplayTarget,
    progress: &'a LoadProgress,
    parts: Vec<Range<u32>>,
    next_part: AtomicUsize,
    has_failed: AtomicBool,
    /// Of every part, once it is done.
    outcomes: Mutex<Vec<Option<Result<Tally, SnapshotDamage>>>>,
}

impl Load<'_> {
    /// Loads parts until there are no more, or one is damaged.
    fn run(&self) {
        let mut blocks = Blocks::new(self.file, 0..0);
        while !self.has_failed.load(Ordering::Relaxed) {
            let index = self.next_part.fetch_add(1, Ordering::Relaxed);
            let Some(part) = self.parts.get(index) else { break };
            blocks.restart(part.clone());
            let outcome = self.load_part(&mut blocks);
            if outcome.is_err() {
                self.has_failed.store(true, Ordering::Relaxed);
            }
            if let Some(slot) = self.outcomes.lock().get_mut(index) {
                *slot = Some(outcome);
            }
        }
    }

    fn load_part(&self, blocks: &mut Blocks<'_>) -> Result<Tally, SnapshotDamage> {
        while let Some(block) = blocks.next_block()? {
            block.effects(&mut |effects| self.target.replay(effects))?;
            self.progress.bytes.fetch_add(block.bytes(), Ordering::Relaxed);
            self.progress.keys.fetch_add(block.entries().into(), Ordering::Relaxed);
            if self.has_failed.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(blocks.tally())
    }

    /// The first damage in the order of the file, if any.
    fn finish(self) -> Result<(), SnapshotDamage> {
        let outcomes = self.outcomes.into_inner().into_iter().flatten();
        let tallies: Vec<Tally> = outcomes.collect::<Result<_, _>>()?;
        self.file.check_totals(&tallies)
    }
}
