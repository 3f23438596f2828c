//! A snapshot file, opened: its ends are read and checked, its blocks not yet.

use std::ops::ControlFlow;
use std::sync::Arc;

use kv_core::Effect;

use super::blocks::{Blocks, Tally};
use super::damage::{Flaw, SnapshotDamage};
use super::footer::{END_BYTES, Footer, decode_end};
use super::header::{HEADER_BYTES, Header};
use crate::disk::{Disk, DiskFile};
use crate::format::names::snapshot_name;
use crate::manifest::SnapshotInfo;

/// A snapshot that can be read.
#[derive(Debug)]
pub struct SnapshotFile {
    pub(super) name: String,
    pub(super) file: Arc<dyn DiskFile>,
    header: Header,
    footer: Footer,
    /// Where the blocks end and the footer begins.
    footer_offset: u64,
    bytes: u64,
}

impl SnapshotFile {
    /// Opens a snapshot and checks its header and its footer. Reads about 16 bytes per shard.
    ///
    /// # Errors
    /// [`SnapshotDamage`].
    pub fn open(disk: &dyn Disk, id: u64) -> Result<Self, SnapshotDamage> {
        let file = Self::open_named(disk, &snapshot_name(id))?;
        if file.header.id != id {
            let flaw = Flaw::new(format!("it is snapshot {}, expected {id}", file.header.id));
            return Err(flaw.at(&file.name, 16));
        }
        Ok(file)
    }

    /// As [`open`](Self::open), whatever the file is called.
    ///
    /// # Errors
    /// [`SnapshotDamage`].
    pub fn open_named(disk: &dyn Disk, name: &str) -> Result<Self, SnapshotDamage> {
        let unreadable = |source| SnapshotDamage::Read { file: name.to_owned(), source };
        let file = disk.open(name).map_err(unreadable)?;
        let bytes = file.len().map_err(unreadable)?;
        let least = HEADER_BYTES as u64 + Footer::bytes(1) + END_BYTES as u64;
        if bytes < least {
            let flaw = format!("it is {bytes} bytes long; the shortest snapshot has {least}");
            return Err(Flaw::new(flaw).at(name, bytes));
        }
        let mut start = [0; HEADER_BYTES];
        read_exactly(&*file, name, 0, &mut start)?;
        let header = Header::decode(&start).map_err(|flaw| flaw.at(name, 0))?;

        let end_offset = bytes - END_BYTES as u64;
        let mut end = [0; END_BYTES];
        read_exactly(&*file, name, end_offset, &mut end)?;
        let footer_offset = decode_end(&end).map_err(|flaw| flaw.at(name, end_offset))?;
        let footer_bytes = Footer::bytes(header.shards);
        if footer_offset < HEADER_BYTES as u64
            || footer_offset.checked_add(footer_bytes) != Some(end_offset)
        {
            let flaw = format!(
                "the footer is said to begin at byte {footer_offset}, which leaves other than \
                 {footer_bytes} bytes for it"
            );
            return Err(Flaw::new(flaw).at(name, end_offset));
        }
        // Bounded by the number of shards, which the header's check bounds, and by the file.
        let mut footer = vec![0; usize::try_from(footer_bytes).unwrap_or_default()];
        read_exactly(&*file, name, footer_offset, &mut footer)?;
        let footer = Footer::decode(&footer, footer_offset, header.shards)
            .map_err(|flaw| flaw.at(name, footer_offset))?;
        Ok(Self { name: name.to_owned(), file, header, footer, footer_offset, bytes })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself in the beginning.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What it holds.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// As a manifest names it.
    pub fn info(&self) -> SnapshotInfo {
        let Footer { log_start, log_end, keys, .. } = self.footer;
        SnapshotInfo { id: self.header.id, log_start, log_end, keys, bytes: self.bytes }
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    /// [`SnapshotDamage`]: the first that is found.
    pub fn verify(&self) -> Result<(), SnapshotDamage> {
        self.for_each(|_| ControlFlow::Continue(()))
    }

    /// Shows every entry, as the put effect that it is, in the order of the file. Each block is checked
    /// before its entries are shown, and the totals in the end unless `visit` breaks off.
    ///
    /// # Errors
    /// [`SnapshotDamage`]: the first that is found.
    pub fn for_each(
        &self,
        mut visit: impl FnMut(&Effect<'_>) -> ControlFlow<()>,
    ) -> Result<(), SnapshotDamage> {
        let mut blocks = Blocks::new(self, 0..self.header.shards);
        while let Some(block) = blocks.next_block()? {
            let mut flow = ControlFlow::Continue(());
            block.effects(&mut |effects| {
                flow = match flow {
                    ControlFlow::Continue(()) => effects.iter().try_for_each(&mut visit),
                    ControlFlow::Break(()) => flow,
                };
            })?;
            if flow.is_break() {
                return Ok(());
            }
        }
        self.check_totals(&[blocks.tally()])
    }

    /// Checks that the file is the one that a manifest names.
    pub(crate) fn check_named_by(&self, info: &SnapshotInfo) -> Result<(), SnapshotDamage> {
        let found = self.info();
        if found == *info {
            return Ok(());
        }
        let flaw = format!("the manifest names another snapshot: this is {found:?}, not {info:?}");
        Err(Flaw::new(flaw).at(&self.name, self.footer_offset))
    }

    /// Where the blocks of a shard begin.
    pub(super) fn shard_offset(&self, shard: u32) -> u64 {
        self.footer.shards.get(shard as usize).map_or(self.footer_offset, |start| start.offset)
    }

    /// Compares what was read, part after part of the file, with the footer.
    pub(super) fn check_totals(&self, parts: &[Tally]) -> Result<(), SnapshotDamage> {
        let mut sum = Tally::default();
        for part in parts.iter().filter(|part| part.blocks > 0) {
            if part.first_block != sum.blocks {
                let (found, expected) = (part.first_block, sum.blocks);
                let flaw = format!("block {found} follows where block {expected} was expected");
                return Err(Flaw::new(flaw).at(&self.name, part.offset));
            }
            sum.blocks += part.blocks;
            sum.keys += part.keys;
            sum.raw_bytes += part.raw_bytes;
        }
        let footer = &self.footer;
        let found = (sum.blocks, sum.keys, sum.raw_bytes);
        let expected = (footer.blocks, footer.keys, footer.raw_bytes);
        if found != expected {
            let flaw = format!(
                "the file holds {found:?} blocks, entries and bytes, and its footer says {expected:?}"
            );
            return Err(Flaw::new(flaw).at(&self.name, self.footer_offset));
        }
        Ok(())
    }
}

/// Fills a buffer from the file.
pub(super) fn read_exactly(
    file: &dyn DiskFile,
    name: &str,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), SnapshotDamage> {
    let read = file
        .read_at(offset, buffer)
        .map_err(|source| SnapshotDamage::Read { file: name.to_owned(), source })?;
    if read < buffer.len() {
        let end = offset + read as u64;
        return Err(Flaw::new("the file ends here, and is said to go on").at(name, end));
    }
    Ok(())
}
