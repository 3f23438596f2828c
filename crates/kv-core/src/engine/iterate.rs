//! Iteration: pages of entries by (shard, position), under short locks.
//!
//! Scan uses it; `image` walks the same positions for snapshots.

use bytes::Bytes;

use super::shard::{Context, Shard};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::scan::{ScanCursor, ScanEntry, ScanPage, ScanSpec};
use crate::types::Lsn;

/// Positions visited before a shard's lock is released.
const POSITIONS_PER_LOCK_MAX: u32 = 256;

/// Positions visited for one page, so that a page of a scan that finds nothing comes to an end too.
const POSITIONS_PER_PAGE_MAX: u32 = 64 << 10;

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
        self.bytes += entry.key.len() + entry.value.as_ref().map_or(0, Bytes::len);
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
        let mut positions_left = POSITIONS_PER_PAGE_MAX;
        while (cursor.shard as usize) < self.shards.len() {
            if page.is_full() || positions_left == 0 {
                return Ok(page.end(Some(cursor)));
            }
            let mut shard = self.lock(cursor.shard as usize);
            let visit = positions_left.min(POSITIONS_PER_LOCK_MAX);
            let visited = visit_positions(&mut shard, &ctx, &mut cursor, visit, &mut page);
            drop(shard);
            positions_left -= visited;
            if cursor.position == 0 {
                cursor = self.cursor_at(cursor.shard + 1);
                // An empty shard counts too: no page may take forever.
                positions_left = positions_left.saturating_sub(1);
            }
        }
        Ok(page.end(None))
    }

    fn cursor_at(&self, shard: u32) -> ScanCursor {
        ScanCursor { store: Some(self.identity), shard, position: u32::MAX }
    }

    fn owns(&self, cursor: ScanCursor) -> bool {
        cursor.store == Some(self.identity) && (cursor.shard as usize) < self.shards.len()
    }
}

/// Visits up to `positions_max` positions downwards and tells how many it did.
fn visit_positions<J: Journal>(
    shard: &mut Shard,
    ctx: &Context<'_, J>,
    cursor: &mut ScanCursor,
    positions_max: u32,
    page: &mut PageBuilder<'_>,
) -> u32 {
    let len = u32::try_from(shard.len()).expect("a shard holds fewer than 2^32 keys");
    cursor.position = cursor.position.min(len);
    let mut visited = 0;
    // A page shows of every key that is not in it that it is not there.
    page.lsn = page.lsn.max(shard.exposed(ctx, None));
    while cursor.position > 0 && visited < positions_max && !page.is_full() {
        cursor.position -= 1;
        visited += 1;
        let entry = shard.entry(cursor.position as usize);
        if !entry.key().starts_with(page.spec.prefix) {
            continue;
        }
        let version = entry.version();
        if !entry.is_expired(ctx.now) {
            page.push(ScanEntry {
                key: Bytes::copy_from_slice(entry.key()),
                value: page.spec.values.then(|| entry.stored().to_bytes()),
                version: entry.version(),
                ttl_ms: entry.expiry().map(|expiry| expiry.millis_since(ctx.now)),
            });
        }
        // That a key has expired rests on the write that gave it its expiry.
        page.lsn = page.lsn.max(shard.exposed(ctx, Some(version)));
    }
    visited
}

fn bounded(wanted: usize, max: usize) -> usize {
    if wanted == 0 { max } else { wanted.min(max) }
}
