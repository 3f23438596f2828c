//! Reading the blocks of some shards one after the other, with large reads and no copies.

use std::mem::take;
use std::ops::Range;

use kv_core::{Change, Effect};

use super::block::{BLOCK_HEADER_BYTES, BlockHeader, Compression, verify_block};
use super::damage::{Flaw, SnapshotDamage};
use super::file::{SnapshotFile, read_exactly};
use crate::format::effect::take_effect;

/// Bytes read from the file at once. A block that is larger is read whole.
const READ_BYTES: usize = 256 << 10;

/// Effects shown at once.
const EFFECTS_AT_ONCE: usize = 256;

/// Walks over the blocks of consecutive shards.
pub(super) struct Blocks<'f> {
    file: &'f SnapshotFile,
    /// The shard that is being read, and those after it.
    shards: Range<u32>,
    /// Where the next block begins.
    offset: u64,
    /// Where the last shard ends.
    end: u64,
    buffer: Vec<u8>,
    /// The part of `buffer` that was read and not used: what is in the file from `offset` on.
    filled: Range<usize>,
    unpacked: Vec<u8>,
    tally: Tally,
}

/// What was read of consecutive shards.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Where they begin.
    pub(super) offset: u64,
    /// Number of the first block; means nothing when there is none.
    pub(super) first_block: u32,
    pub(super) blocks: u32,
    pub(super) keys: u64,
    pub(super) raw_bytes: u64,
}

/// A block whose checksum was right.
pub(super) struct Block<'b> {
    file: &'b str,
    /// Where it begins.
    offset: u64,
    header: BlockHeader,
    effects: &'b [u8],
}

impl<'f> Blocks<'f> {
    pub(super) fn new(file: &'f SnapshotFile, shards: Range<u32>) -> Self {
        let (offset, end) = (file.shard_offset(shards.start), file.shard_offset(shards.end));
        let (buffer, unpacked) = (Vec::new(), Vec::new());
        let tally = Tally { offset, ..Tally::default() };
        Self { file, shards, offset, end, buffer, filled: 0..0, unpacked, tally }
    }

    /// Goes on with other shards, as if it was new, but in the same memory.
    pub(super) fn restart(&mut self, shards: Range<u32>) {
        let (buffer, unpacked) = (take(&mut self.buffer), take(&mut self.unpacked));
        *self = Self { buffer, unpacked, ..Self::new(self.file, shards) };
    }

    /// What has been read so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Reads, checks and unpacks the next block.
    pub(super) fn next_block(&mut self) -> Result<Option<Block<'_>>, SnapshotDamage> {
        let Some(shard_end) = self.shard_end() else { return Ok(None) };
        let offset = self.offset;
        let file = self.file;
        let at = |flaw: Flaw| flaw.at(&file.name, offset);
        let room = shard_end - offset;
        if room < BLOCK_HEADER_BYTES as u64 {
            return Err(at(Flaw::new(format!("{room} bytes are left for a block's header"))));
        }
        self.fill(BLOCK_HEADER_BYTES)?;
        let header =
            self.header_bytes().map_or(Err(too_short()), BlockHeader::decode).map_err(at)?;
        self.check_place(&header, room).map_err(at)?;
        let block_bytes = BLOCK_HEADER_BYTES + header.stored_bytes as usize;
        self.fill(block_bytes)?;
        let block = self.filled.start..self.filled.start + block_bytes;
        self.filled.start = block.end;
        self.offset += block_bytes as u64;
        self.tally.add(&header);
        let (bytes, stored) = self
            .buffer
            .get(block)
            .and_then(|block| block.split_first_chunk())
            .ok_or_else(|| at(too_short()))?;
        verify_block(bytes, stored).map_err(at)?;
        let effects = match header.compression {
            Compression::None => stored,
            Compression::Lz4 => {
                unpack(stored, header.raw_bytes as usize, &mut self.unpacked).map_err(at)?
            }
        };
        Ok(Some(Block { file: &file.name, offset, header, effects }))
    }

    /// Where the blocks of the present shard end; goes on to the next shard that has some.
    fn shard_end(&mut self) -> Option<u64> {
        while !self.shards.is_empty() {
            let end = self.file.shard_offset(self.shards.start + 1);
            if self.offset < end {
                return Some(end);
            }
            self.shards.start += 1;
        }
        None
    }

    /// Checks a block against where it stands.
    fn check_place(&mut self, header: &BlockHeader, room: u64) -> Result<(), Flaw> {
        if self.tally.blocks == 0 {
            // Compared with the part of the file before when all parts are read.
            self.tally.first_block = header.index;
        }
        let index = self.tally.first_block.wrapping_add(self.tally.blocks);
        if (header.index, header.shard) != (index, self.shards.start) {
            let expected = (index, self.shards.start);
            let found = (header.index, header.shard);
            return Err(Flaw::new(format!("block and shard are {found:?}, expected {expected:?}")));
        }
        let needed = BLOCK_HEADER_BYTES as u64 + u64::from(header.stored_bytes);
        if needed > room {
            return Err(Flaw::new(format!("the block has {needed} bytes, and {room} are left")));
        }
        Ok(())
    }

    fn header_bytes(&self) -> Option<&[u8; BLOCK_HEADER_BYTES]> {
        self.buffer.get(self.filled.clone())?.first_chunk()
    }

    /// Reads until at least `needed` bytes are in the buffer; they are known to be in the file.
    fn fill(&mut self, needed: usize) -> Result<(), SnapshotDamage> {
        if self.filled.len() >= needed {
            return Ok(());
        }
        self.buffer.copy_within(self.filled.clone(), 0);
        self.filled = 0..self.filled.len();
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let wanted = needed.max(READ_BYTES).min(left);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if wanted < self.buffer.len() / 4 {
            // What one large value needed is not kept for the rest.
            self.buffer.truncate(wanted);
            self.buffer.shrink_to_fit();
        }
        let read_from = self.offset + self.filled.end as u64;
        let free = self.buffer.get_mut(self.filled.end..wanted).unwrap_or_default();
        read_exactly(&*self.file.file, &self.file.name, read_from, free)?;
        self.filled.end = wanted;
        Ok(())
    }
}

impl Tally {
    fn add(&mut self, header: &BlockHeader) {
        self.blocks += 1;
        self.keys += u64::from(header.entries);
        self.raw_bytes += u64::from(header.raw_bytes);
    }
}

impl Block<'_> {
    /// Entries in it.
    pub(super) fn entries(&self) -> u32 {
        self.header.entries
    }

    /// Bytes it takes in the file.
    pub(super) fn bytes(&self) -> u64 {
        BLOCK_HEADER_BYTES as u64 + u64::from(self.header.stored_bytes)
    }

    /// Shows its effects, [`EFFECTS_AT_ONCE`] at a time.
    pub(super) fn effects(
        &self,
        show: &mut dyn FnMut(&[Effect<'_>]),
    ) -> Result<(), SnapshotDamage> {
        let at = |flaw: Flaw| flaw.at(self.file, self.offset);
        let mut rest = self.effects;
        let mut effects = Vec::with_capacity(EFFECTS_AT_ONCE.min(self.header.entries as usize));
        for _ in 0..self.header.entries {
            let effect = take_effect(&mut rest).map_err(|malformed| {
                at(Flaw::new(format!("an entry is malformed: {malformed}")))
            })?;
            if effect.shard != self.header.shard || !matches!(effect.change, Change::Put { .. }) {
                return Err(at(Flaw::new("an entry is no put of the block's shard")));
            }
            effects.push(effect);
            if effects.len() == EFFECTS_AT_ONCE {
                show(&effects);
                effects.clear();
            }
        }
        if !rest.is_empty() {
            let (len, entries) = (rest.len(), self.header.entries);
            return Err(at(Flaw::new(format!("{len} bytes follow the last of {entries} entries"))));
        }
        show(&effects);
        Ok(())
    }
}

/// Unpacks a block into `out`, which keeps its memory from block to block.
fn unpack<'o>(stored: &[u8], raw_bytes: usize, out: &'o mut Vec<u8>) -> Result<&'o [u8], Flaw> {
    // The length was checked against what LZ4 can make of so many bytes.
    if out.len() < raw_bytes {
        out.resize(raw_bytes, 0);
    }
    let space = out.get_mut(..raw_bytes).unwrap_or_default();
    match lz4_flex::block::decompress_into(stored, space) {
        Ok(len) if len == raw_bytes => Ok(space),
        Ok(len) => Err(Flaw::new(format!("the block unpacks to {len} bytes, not {raw_bytes}"))),
        Err(error) => Err(Flaw::new(format!("the block does not unpack: {error}"))),
    }
}

fn too_short() -> Flaw {
    Flaw::new("the block is cut short")
}
