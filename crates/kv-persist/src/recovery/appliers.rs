//! Threads that apply effects: each has its own part of the shards, so that the order of each key is kept.
//!
//! A key that is looked up at random is not in the processor's cache. Effects are therefore sorted by shard, as
//! many at a time as may be, and those of one shard are applied one after the other.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

use kv_core::{Effect, ReplayTarget};

use super::budget::{Budget, Permit};
use crate::format::effect::take_effect;

/// Effects are handed to a thread in chunks of about this many bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// Bytes of chunks that wait or are being applied, unless one chunk alone is larger.
pub(super) const WAITING_BYTES_MAX: usize = 16 << 20;

/// Chunks that wait for one thread.
const WAITING_CHUNKS_MAX: usize = 64;

/// Effects are applied in groups of this many.
const GROUP_EFFECTS: usize = 256;

/// Hands effects to threads.
#[derive(Debug)]
pub(super) struct Appliers<'a> {
    budget: &'a Budget,
    threads: Vec<Applier<'a>>,
}

/// One thread, seen from outside.
#[derive(Debug)]
struct Applier<'a> {
    queue: SyncSender<Chunk<'a>>,
    /// Effects that were not handed over yet.
    filling: Vec<u8>,
}

/// Effects as bytes, one after the other.
#[derive(Debug)]
struct Chunk<'a> {
    effects: Vec<u8>,
    /// Given back when the chunk has been applied.
    _permit: Permit<'a>,
}

impl<'a> Appliers<'a> {
    /// Starts threads, at least one; they end when the appliers are dropped.
    ///
    /// # Errors
    /// The operating system's, when not even one could be started.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, 'a>,
        threads: usize,
        (target, budget): (&'a dyn ReplayTarget, &'a Budget),
    ) -> io::Result<Self> {
        let mut appliers = Self { budget, threads: Vec::with_capacity(threads) };
        for index in 0..threads.max(1) {
            let (queue, chunks) = sync_channel(WAITING_CHUNKS_MAX);
            let work = move || apply(&chunks, target);
            match Builder::new().name(format!("kv-replay-{index}")).spawn_scoped(scope, work) {
                Ok(_handle) => appliers.threads.push(Applier { queue, filling: Vec::new() }),
                Err(error) if index == 0 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "the log is replayed on fewer threads than wanted");
                    break;
                }
            }
        }
        Ok(appliers)
    }

    /// Hands over one effect, as the bytes it was read from. A key must be of one shard until
    /// [`finish`](Self::finish).
    pub(super) fn apply(&mut self, shard: u32, bytes: &[u8]) {
        let index = shard as usize % self.threads.len().max(1);
        let Some(thread) = self.threads.get_mut(index) else { return };
        if !thread.filling.is_empty() && thread.filling.len() + bytes.len() > CHUNK_BYTES {
            thread.hand_over(self.budget);
        }
        thread.filling.extend_from_slice(bytes);
    }

    /// Waits until everything has been applied.
    pub(super) fn finish(&mut self) {
        for thread in &mut self.threads {
            thread.hand_over(self.budget);
        }
        self.budget.wait_until_unused();
    }
}

impl<'a> Applier<'a> {
    fn hand_over(&mut self, budget: &'a Budget) {
        if self.filling.is_empty() {
            return;
        }
        let next = Vec::with_capacity(CHUNK_BYTES);
        let effects = std::mem::replace(&mut self.filling, next);
        let permit = budget.take(effects.len());
        if self.queue.send(Chunk { effects, _permit: permit }).is_err() {
            // The thread has panicked; so will the scope it runs in.
            tracing::error!("a thread that replays the log has ended early");
        }
    }
}

fn apply(chunks: &Receiver<Chunk<'_>>, target: &dyn ReplayTarget) {
    for chunk in chunks {
        let mut rest = chunk.effects.as_slice();
        let mut effects: Vec<Effect<'_>> = Vec::with_capacity(GROUP_EFFECTS);
        // All effects are well formed: they were checked when they were read.
        while let Ok(effect) = take_effect(&mut rest) {
            effects.push(effect);
        }
        // Stable: effects of one shard stay in their order.
        effects.sort_by_key(|effect| effect.shard);
        for group in effects.chunks(GROUP_EFFECTS) {
            target.replay(group);
        }
    }
}
