//! Iteration: pages of entries by (shard, position), under short locks. The position is a key's fingerprint.
//!
//! Scan uses it; `image` walks the same way for snapshots.

use bytes::Bytes;

use super::shard::{Context, Shard};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::eviction::Fingerprint;
use crate::journal::Journal;
use crate::scan::{ScanCursor, ScanEntry, ScanPage, ScanSpec};
use crate::types::{Lsn, Value};

/// Keys visited before a shard's lock is released.
const KEYS_PER_LOCK_MAX: u32 = 256;

/// Keys visited for one page, so that a page of a scan that finds nothing comes to an end too.
const KEYS_PER_PAGE_MAX: u32 = 64 << 10;

/// A page in the making.
struct PageBuilder<'a> {
    spec: &'a ScanSpec<'a>,
    keys_max: usize,
    bytes_max: usize,
    entries: Vec<ScanEntry>,
    bytes: usize,
    lsn: Lsn,
}

impl PageBuilder<'_> {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.keys_max || self.bytes >= self.bytes_max
    }

    fn end(self, next: Option<ScanCursor>) -> ScanPage {
        ScanPage { entries: self.entries, next, lsn: self.lsn }
    }

    fn push(&mut self, entry: ScanEntry) {
        self.bytes += entry.key.len() + entry.value.as_ref().map_or(0, Value::len);
        self.entries.push(entry);
    }
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    pub(super) fn read_page(
        &self,
        spec: &ScanSpec<'_>,
        cursor: Option<ScanCursor>,
    ) -> Result<ScanPage, StoreError> {
        let mut cursor = match cursor {
            None => self.cursor_at(0),
            Some(cursor) if self.owns(cursor) => cursor,
            Some(ScanCursor { store: None, shard, position }) => {
                ScanCursor { position, ..self.cursor_at(shard) }
            }
            Some(_) => return Err(StoreError::CursorInvalid),
        };
        let limits = &self.config.limits;
        let mut page = PageBuilder {
            spec,
            keys_max: bounded(spec.page_keys, limits.scan_page_keys_max),
            bytes_max: bounded(spec.page_bytes, limits.scan_page_bytes_max),
            entries: Vec::new(),
            bytes: 0,
            lsn: Lsn::ZERO,
        };
        let ctx = self.context();
        let mut keys_left = KEYS_PER_PAGE_MAX;
        while (cursor.shard as usize) < self.shards.len() {
            if page.is_full() || keys_left == 0 {
                return Ok(page.end(Some(cursor)));
            }
            let mut position = Some(Fingerprint(cursor.position));
            let mut shard = self.lock(cursor.shard as usize);
            let visit = keys_left.min(KEYS_PER_LOCK_MAX);
            let visited = visit_keys(&mut shard, &ctx, &mut position, visit, &mut page);
            drop(shard);
            // An empty shard counts too: no page may take forever.
            keys_left = keys_left.saturating_sub(visited.max(1));
            cursor = match position {
                Some(Fingerprint(position)) => ScanCursor { position, ..cursor },
                None => self.cursor_at(cursor.shard + 1),
            };
        }
        Ok(page.end(None))
    }

    fn cursor_at(&self, shard: u32) -> ScanCursor {
        ScanCursor { store: Some(self.identity), shard, position: 0 }
    }

    fn owns(&self, cursor: ScanCursor) -> bool {
        cursor.store == Some(self.identity) && (cursor.shard as usize) < self.shards.len()
    }
}

/// Visits keys from the cursor on, about `keys_max` of them, and tells how many. The cursor is `None` at the end
/// of the shard.
fn visit_keys<J: Journal>(
    shard: &mut Shard,
    ctx: &Context<'_, J>,
    cursor: &mut Option<Fingerprint>,
    keys_max: u32,
    page: &mut PageBuilder<'_>,
) -> u32 {
    let (mut visited, mut last, mut newest) = (0, None, None);
    let mut keys = shard.walk(cursor.take().unwrap_or_default());
    for (fingerprint, slot) in &mut keys {
        // Keys that share a fingerprint cannot be told apart by the cursor: all of them are visited.
        if last != Some(fingerprint) && (visited >= keys_max || page.is_full()) {
            *cursor = Some(fingerprint);
            break;
        }
        (last, visited) = (Some(fingerprint), visited + 1);
        let entry = shard.entry(slot);
        if !entry.key().starts_with(page.spec.prefix) {
            continue;
        }
        if !entry.is_expired(ctx.now) {
            page.push(ScanEntry {
                key: Bytes::copy_from_slice(entry.key()),
                value: page.spec.values.then(|| entry.stored().to_value()),
                version: entry.version(),
                ttl_ms: entry.expiry().map(|expiry| expiry.millis_since(ctx.now)),
            });
        }
        // That a key has expired rests on the write that gave it its expiry.
        newest = newest.max(Some(entry.version()));
    }
    // A page shows of every key that is not in it that it is not there.
    page.lsn = page.lsn.max(shard.exposed(ctx, None));
    if newest.is_some() {
        page.lsn = page.lsn.max(shard.exposed(ctx, newest));
    }
    visited
}

fn bounded(wanted: usize, max: usize) -> usize {
    if wanted == 0 { max } else { wanted.min(max) }
}
